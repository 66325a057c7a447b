"""The views for people: names, units and times of real rows, made anew wherever they are not as they should be."""

import re
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor.alert.case import Message, Step
from monitor.alert.incident_note import IncidentNote
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.store.connection import open_writer
from monitor.store.expected_schema import schema_problem
from monitor.store.readable_view import MEANINGS, VIEWS
from monitor.store.row import OUTCOMES, Batch
from monitor.store.writer import Writer
from probes.model import Answer, Confidence, Fault, Outcome, Phase, Target, Usage
from tests.conftest import CHAT, at, health, observation
from tests.test_schema import lay

CAUSE = Diagnosis(
    read_subject(Scope.ACCOUNT, "openai/main"), Fault.ACCOUNT_SUSPENDED, Confidence.HIGH, at(0), (), ("t",), ()
)
LIST = Target("openai/main", "openai", "list")
ANSWER = Answer("openai/suspended", "it is off", Confidence.HIGH, phase=Phase.BODY)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "monitor.db"


@pytest.fixture
def db(path):
    with closing(open_writer(path)) as connection:
        yield connection


def rows(db, view):
    return [dict(row) for row in db.execute(f"SELECT * FROM {view}")]


def test_a_look_is_shown_with_names_units_and_times(db):
    failed = observation(
        Fault.ACCOUNT_SUSPENDED, 1.5, CHAT, status=401, latency_s=0.25, answer=ANSWER, request_id="req_1"
    )
    good = replace(observation(None, 2, LIST), latency_s=1.5, ttft_s=0.125, usage=Usage(7, 5), cost_usd=0.0004)
    Writer(db, "office").save(Batch(at(3), (failed, good), {CHAT.id: health(), LIST.id: health()}))
    one, other = sorted(rows(db, "v_observation"), key=lambda row: row["at"])

    assert {name: one[name] for name in ("location", "provider", "account", "canary", "model", "at")} == {
        "location": "office", "provider": "openai", "account": "openai/main", "canary": "chat",
        "model": CHAT.model, "at": "2026-11-21T12:00:01.500Z",
    }  # fmt: skip
    assert (one["outcome"], one["fault"], one["http_status"], one["latency_s"]) == (
        "failed", "account_suspended", 401, 0.25,
    )  # fmt: skip
    assert [one[name] for name in ("rule", "confidence", "phase", "words", "request_id")] == [
        "openai/suspended", "high", "body", "it is off", "req_1",
    ]  # fmt: skip
    assert (other["outcome"], other["fault"], other["model"], other["rule"]) == ("ok", None, None, None)
    assert (other["latency_s"], other["ttft_s"], other["cost_usd"]) == (1.5, 0.125, 0.0004)
    assert (other["tokens_in"], other["tokens_out"]) == (7, 5)


def test_a_note_is_shown_with_who_wrote_it(db):
    writer, one = Writer(db, "here"), open_incident(CAUSE, at(30))
    writer.save(Batch(at(60), changes=(Change(one, ChangeKind.OPENED, at(60)),)))
    writer.save_note(IncidentNote(one.id, at(70), "Jo", "ticket 7", public=True))

    assert [dict(row) for row in rows(db, "v_note")] == [
        {
            "location": "here",
            "incident_id": one.id,
            "at": "2026-11-21T12:01:10.000Z",
            "by": "Jo",
            "text": "ticket 7",
            "is_public": "yes",
        }
    ]


def test_each_outcome_has_its_name(db):
    for number, outcome in enumerate(Outcome):
        db.execute("INSERT INTO series VALUES (?, 'here', 'openai', ?, 'list', '', '')", (number, outcome))
        db.execute(
            "INSERT INTO observation (series_id, at, outcome) VALUES (?, 1, ?)", (number, OUTCOMES.index(outcome))
        )

    shown = {row["account"]: row["outcome"] for row in rows(db, "v_observation")}
    assert shown == {outcome: outcome for outcome in Outcome}


def test_an_incident_and_its_messages_are_shown_with_how_long_they_took(db):
    writer, one = Writer(db, "here"), open_incident(CAUSE, at(30))
    opened = Change(one, ChangeKind.OPENED, at(60))
    writer.save(Batch(at(60), changes=(opened,), messages=(Message(opened.id, "phone", incident_id=one.id),)))
    (letter,) = writer.due_messages(at(60))
    writer.delivered(letter, at(62.5))
    writer.complain("mail", "no answer", ["phone"], at(70))
    (incident,), (told, complaint_) = rows(db, "v_incident"), rows(db, "v_delivery")

    assert (incident["id"], incident["fault"], incident["is_drill"]) == (one.id, "account_suspended", "no")
    assert (incident["opened_at"], incident["closed_at"], incident["lasted_s"]) == (
        "2026-11-21T12:00:00.000Z", None, None,
    )  # fmt: skip
    assert (told["incident_id"], told["subject"], told["state"]) == (one.id, "openai/main", "sent")
    assert (told["decided_at"], told["done_at"], told["took_s"], told["next_try_at"]) == (
        "2026-11-21T12:01:00.000Z", "2026-11-21T12:01:02.500Z", 2.5, None,
    )  # fmt: skip
    assert (complaint_["step"], complaint_["about_channel"], complaint_["note"]) == (Step.FAILING, "mail", "no answer")
    assert (complaint_["next_try_at"], complaint_["done_at"]) == ("2026-11-21T12:01:10.000Z", None)


@given(st.integers(0, 4_000_000_000_000))
def test_no_millisecond_is_lost_of_a_time(ms):
    shown = VIEWS["v_incident"].partition("'%Y")[2].partition(")")[0]
    with closing(sqlite3.connect(":memory:")) as db:
        (text,) = db.execute(f"SELECT strftime('%Y{shown})".replace("opened", "?"), (ms,)).fetchone()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3})Z", text)[1] == f"{ms % 1000:03}"


def test_each_column_is_explained_in_its_order(db):
    for name in VIEWS:
        _, columns = MEANINGS[name]
        assert list(columns) == [column for column, *_ in db.execute(f"SELECT name FROM pragma_table_info('{name}')")]
    assert MEANINGS.keys() == VIEWS.keys()


@pytest.mark.parametrize(
    "harm",
    ["DROP VIEW v_incident", "DROP VIEW v_incident; CREATE VIEW v_incident AS SELECT * FROM nothing_of_this_name"],
)
def test_a_view_that_is_missing_or_another_one_is_made_anew_at_the_next_start(path, harm):
    open_writer(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.executescript(harm)

    with closing(open_writer(path)) as db:
        assert rows(db, "v_incident") == []
        assert schema_problem(db) is None


def test_a_table_in_the_place_of_a_view_stops_nobody(path, caplog):
    open_writer(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.executescript("DROP VIEW v_incident; CREATE TABLE v_incident (mine TEXT)")

    with closing(open_writer(path)) as db:
        Writer(db, "here").save(Batch(at(0)))
    assert "v_incident cannot be made" in caplog.text


def test_a_database_of_before_is_taken_over_whatever_views_of_ours_it_has(path):
    with closing(sqlite3.connect(lay(7, path))) as old:
        old.execute("CREATE VIEW v_delivery AS SELECT lost FROM nowhere")

    with closing(open_writer(path)) as db:
        assert [row["channel"] for row in rows(db, "v_delivery")] == ["phone"]
