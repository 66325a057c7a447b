"""What the process that holds the database does with what is asked of it, sound or not."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match
from monitor.control.message import Request, RequestKind, RequestStatus
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, subject_of
from monitor.runtime.request import HANDLERS, WARNING, handle_request, serve_requests
from monitor.stages.beat import save_change
from monitor.stages.drill import Drill
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from monitor.store.submission import socket_files
from probes.model import Confidence, Fault
from tests.fuzz.material import ANY_TEXT
from tests.test_run import config, simulator

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
INCIDENT = open_incident(
    Diagnosis(subject_of(Scope.ACCOUNT, "openai/main"), Fault.TIMEOUT, Confidence.HIGH, NOW, (), (), ())
)


def encoded(one, **changed):
    return msgspec.json.encode(msgspec.to_builtins(one) | changed)


ACKNOWLEDGED = Reply(ReplyKind.ACKNOWLEDGE, NOW, "Jo", INCIDENT.id)
SNOOZED = Reply(ReplyKind.SNOOZE, NOW, "Jo", INCIDENT.id, until=NOW + HOUR)
SILENCE = Reply(ReplyKind.SILENCE, NOW, "Jo", "", Match(accounts=("openai/main",)), NOW + HOUR, "moving")
LIFTED = Reply(ReplyKind.LIFT, NOW, "Jo", SILENCE.id)
GOOD = encoded(ACKNOWLEDGED)
DRILL = encoded(Drill("openai/main", Fault.TIMEOUT, NOW, "here"))


@asynccontextmanager
async def monitor_at(folder):
    async with simulator() as other_side, open_state(config(folder, other_side), real_edge(print)) as made:
        if INCIDENT.id not in made.belief.incidents:
            await save_change(made, Change(INCIDENT, ChangeKind.OPENED, NOW))
        yield made


def asked(folder, *requests):
    async def play():
        async with monitor_at(folder) as made:
            said = [await handle_request(made, Request(kind, Raw(body))) for kind, body in requests]
            drills = {id: one for id, one in made.belief.incidents.items() if one.drill}
            return said, made.told.replies, drills

    return asyncio.run(play())


def kept(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        return db.execute("SELECT subject FROM reply").fetchall()


def test_every_kind_of_request_is_taken():
    assert HANDLERS.keys() == set(RequestKind)


def test_a_reply_counts_at_once_and_the_same_twice_counts_once(tmp_path):
    said, replies, _ = asked(tmp_path, *[(RequestKind.REPLY, GOOD)] * 2)

    assert [one.status for one in said] == [RequestStatus.DONE, RequestStatus.KNOWN]
    assert replies == [ACKNOWLEDGED]
    assert kept(tmp_path) == [(INCIDENT.id,)]


def test_the_same_reply_twice_at_the_same_instant_counts_once(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            said = await asyncio.gather(
                *(handle_request(made, Request(RequestKind.REPLY, Raw(GOOD))) for _ in range(20))
            )
            return sorted(one.status for one in said), len(made.told.replies)

    assert asyncio.run(play()) == ([RequestStatus.DONE, *[RequestStatus.KNOWN] * 19], 1)


def test_a_drill_is_begun_once(tmp_path):
    said, _, incidents = asked(tmp_path, *[(RequestKind.DRILL, DRILL)] * 2)

    assert [one.status for one in said] == [RequestStatus.DONE, RequestStatus.KNOWN]
    assert [(one.subject, one.drill) for one in incidents.values()] == [("openai/main", True)]


NOTE = IncidentNote(INCIDENT.id, NOW, "Jo", "vendor ticket 7 opened")


def notes(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db:
        return db.execute("SELECT incident_id, by, text, public FROM incident_note").fetchall()


def test_a_note_is_taken_once_also_to_what_has_ended_and_loses_keys(tmp_path):
    ended = Change(msgspec.structs.replace(INCIDENT, closed_at=NOW), ChangeKind.RESOLVED, NOW)
    said = NOTE, NOTE, msgspec.structs.replace(NOTE, text="it is sk-Wq8ZtL5vXn2RjP7mTb4K\n\x1b[31m", public=True)

    async def play():
        async with monitor_at(tmp_path) as made:
            await save_change(made, ended)
            return [await told(made, one) for one in said]

    async def told(made, one):
        made.signals.news.clear()
        its = await handle_request(made, Request(RequestKind.NOTE, Raw(encoded(one))))
        return its.status, made.signals.news.is_set()

    assert asyncio.run(play()) == [
        (RequestStatus.DONE, True),
        (RequestStatus.KNOWN, False),
        (RequestStatus.DONE, True),
    ], "what is new makes a page at once"
    assert sorted(notes(tmp_path)) == [
        (INCIDENT.id, "Jo", "it is [redacted] [31m", 1),
        (INCIDENT.id, "Jo", "vendor ticket 7 opened", 0),
    ]


FAR = "9999-12-31T23:59:59Z"
BAD = {
    "a note without a date": (RequestKind.NOTE, b'{"incident": "i", "by": "Jo", "text": "x"}'),
    "a note beyond any calendar": (RequestKind.NOTE, encoded(NOTE, at=FAR)),
    "no JSON": (RequestKind.REPLY, b"{"),
    "no UTF-8": (RequestKind.REPLY, b'"\xff"'),
    "another type": (RequestKind.REPLY, b"[]"),
    "another kind": (RequestKind.REPLY, GOOD.replace(b"acknowledge", b"forget")),
    "no date": (RequestKind.REPLY, b'{"kind": "acknowledge", "subject": "i"}'),
    "a date beyond any calendar": (RequestKind.REPLY, encoded(ACKNOWLEDGED, at=FAR)),
    "lists without end": (RequestKind.REPLY, b'{"match": ' + b"[" * 50_000),
    "a silence of nothing": (RequestKind.REPLY, encoded(SILENCE, match=None)),
    "a drill of no fault": (RequestKind.DRILL, DRILL.replace(b"timeout", b"sad")),
    "a drill without a date": (RequestKind.DRILL, b'{"account": "openai/main", "fault": "timeout"}'),
    "a drill beyond any calendar": (RequestKind.DRILL, encoded(msgspec.json.decode(DRILL), at=FAR)),
    "a reply for a drill": (RequestKind.DRILL, GOOD),
}


@pytest.mark.parametrize(("kind", "body"), BAD.values(), ids=BAD)
def test_what_cannot_be_meant_is_refused_in_words_and_changes_nothing(tmp_path, kind, body):
    (said,), replies, incidents = asked(tmp_path, (kind, body))

    assert said.status is RequestStatus.REFUSED
    assert said.words.startswith("what was asked cannot be read: ")
    assert (replies, incidents, kept(tmp_path)) == ([], {}, [])


def drill(**changed):
    return RequestKind.DRILL, encoded(msgspec.json.decode(DRILL), **changed)


def reply(one, **changed):
    return RequestKind.REPLY, encoded(one, **changed)


LATER, LONG_AGO = (NOW + 365 * 24 * HOUR).isoformat(), (NOW - 48 * HOUR).isoformat()


def note(**changed):
    return RequestKind.NOTE, encoded(NOTE, **changed)


REFUSED = {
    "a note to an unknown incident": (note(incident="i-1"), f'"i-1" is no incident; use one of: {INCIDENT.id}'),
    "an empty note": (note(text=" \u200b\n"), "note is empty; write what others should know"),
    "a note that is too long": (note(text="x" * 2001), "note has 2,001 characters, and 2,000 is the most; shorten it"),
    "a note of later": (note(at=LATER), "is not now; set the clock, "),
    "no account": (drill(account=""), '"" is no account; use one of: '),
    "another account": (drill(account="openai/mian"), '"openai/mian" is no account; did you mean "openai/main"?'),
    "a path and a line end": (drill(account="../../etc/x y\n"), '"../../etc/x y" is no account; '),
    "a bare name": (drill(account="main"), '"main" is no account; '),
    "a drill of later": (drill(at=LATER), "is not now; set the clock, "),
    "a drill of long ago": (drill(at=LONG_AGO), "is not now; set the clock, "),
    "a drill of elsewhere": (drill(location="x"), 'location "x" is not where this monitor watches, which is "here"; '),
    "another incident": (reply(ACKNOWLEDGED, subject="i-1"), f'"i-1" is no open incident; use one of: {INCIDENT.id}'),
    "a snooze of another": (reply(SNOOZED, subject="i-1"), '"i-1" is no open incident; '),
    "a reply of later": (reply(ACKNOWLEDGED, at=LATER), "is not now; set the clock, "),
    "an unknown silence": (reply(LIFTED), f'"{SILENCE.id}" is no active silence; there is none'),
    "no incident": (reply(ACKNOWLEDGED, subject=""), '"" is no open incident; use one of: '),
    "an acknowledgement with an end": (
        reply(ACKNOWLEDGED, until=LATER),
        "acknowledge cannot have an end; leave it out",
    ),
    "a snooze without an end": (reply(SNOOZED, until=None), "snooze lacks an end; say for how long: 30m, 2h or 7d"),
    "a silence without an end": (reply(SILENCE, until=None), "silence lacks an end; say for how long: 30m, 2h or 7d"),
    "a silence that ends beyond any calendar": (reply(SILENCE, until=FAR), "silence lacks an end; say for how long: "),
    "the end of no silence": (reply(LIFTED, subject="\u200b"), '"" is no active silence; there is none'),
    "a silence of another account": (
        reply(SILENCE, match={"accounts": ["openai/x"]}),
        '--account "openai/x" is not watched; use one of: ',
    ),
    "a silence of another tag": (reply(SILENCE, match={"tags": ["x"]}), '--tag "x" is not watched; '),
    "a silence without a reason": (reply(SILENCE, reason=" \n\u200b"), "silence lacks --reason; say why"),
    "a silence that is over before": (reply(SILENCE, until=LONG_AGO), "cannot be meant; name a moment after its beg"),
    "a silence for life": (reply(SILENCE, until="2100-01-01T00:00:00Z"), "cannot be meant; name a moment after its "),
    "a snooze that is over before": (reply(SNOOZED, until=LONG_AGO), "cannot be meant; name a moment after its beg"),
}


@pytest.mark.parametrize(("request_made", "words"), REFUSED.values(), ids=REFUSED)
def test_what_the_command_would_refuse_is_refused_over_the_socket_in_the_same_words(tmp_path, request_made, words):
    (said,), replies, drills = asked(tmp_path, request_made)

    assert (said.status, words in said.words) == (RequestStatus.REFUSED, True), said.words
    assert (replies, drills, kept(tmp_path)) == ([], {}, [])


def test_whatever_a_person_says_is_one_line_wherever_it_is_shown(tmp_path):
    _, (taken,), _ = asked(tmp_path, reply(SILENCE, by="Jo\n[x]", reason="a\r\nb\u2028c\x1b[31m"))

    assert (taken.by, taken.reason) == ("Jo [x]", "a b c[31m")


def test_what_was_taken_is_known_when_it_is_said_again_after_what_it_named_has_ended(tmp_path):
    ended = Change(msgspec.structs.replace(INCIDENT, closed_at=NOW + HOUR), ChangeKind.RESOLVED, NOW)

    async def play():
        async with monitor_at(tmp_path) as made:
            first = [await handle_request(made, Request(kind, Raw(body))) for kind, body in map(reply, FOUR)]
            await save_change(made, ended)
            made.told.replies.clear()  # as after a restart, which resumes no reply to what has ended
            return first, [await handle_request(made, Request(kind, Raw(body))) for kind, body in map(reply, FOUR)]

    first, again = asyncio.run(play())
    assert [one.status for one in first] == [RequestStatus.DONE] * 4
    assert [one.status for one in again] == [RequestStatus.KNOWN] * 4


FOUR = (ACKNOWLEDGED, SNOOZED, SILENCE, LIFTED)


def test_what_the_database_does_not_take_is_refused_and_does_not_count(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            with closing(sqlite3.connect(made.belief.config.store.database)) as db, db:
                db.execute("CREATE TABLE other (id)")
                db.execute("DROP TABLE other")
            made.services.storage.failover.connection.execute("PRAGMA query_only = ON")
            said = await handle_request(made, Request(RequestKind.REPLY, Raw(GOOD)))
            return said, made.services.storage.failover.place, made.told.replies

    said, place, replies = asyncio.run(play())
    assert said.status is RequestStatus.DONE
    assert "monitor.db cannot be written now (" in said.words
    assert (place, len(replies)) == ("runtime", 1)


@pytest.fixture
def running(tmp_path):
    with asyncio.Runner() as runner:
        around = monitor_at(tmp_path)
        made = runner.run(around.__aenter__())
        yield lambda kind, body: runner.run(handle_request(made, Request(kind, Raw(body))))
        runner.run(around.__aexit__(None, None, None))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(RequestKind), body=st.binary(max_size=200), text=ANY_TEXT)
def test_no_body_is_an_error_of_ours(running, kind, body, text):
    for one in (body, GOOD.replace(b"Jo", text.encode("utf-8", "surrogatepass")), GOOD[: len(body)] + body):
        assert running(kind, one).status in (RequestStatus.DONE, RequestStatus.KNOWN, RequestStatus.REFUSED)


def test_where_no_place_takes_a_socket_the_page_says_so_until_one_does(tmp_path):
    async def play():
        async with monitor_at(tmp_path) as made:
            places = socket_files(made.belief.config.store.database)
            for one in places:
                one.mkdir()
            async with serve_requests(made, check_s=0.1):
                before = made.services.own.warnings.get(WARNING)
                places[0].rmdir()
                async with asyncio.timeout(10):
                    while WARNING in made.services.own.warnings:  # noqa: ASYNC110 - there is no event of it
                        await asyncio.sleep(0.05)
            places[1].rmdir()
            return before

    assert "`acknowledge`, `snooze`, `silence`, `drill` and notes are not heard" in asyncio.run(play())
