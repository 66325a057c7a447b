"""One row of the database that cannot be read hides no other, and is told."""

import sqlite3
from contextlib import closing

import pytest

from monitor.alert.case import Message, Step
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Change, ChangeKind, open_incident
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish.collect import build_snapshot
from monitor.storage_refusal import RefusalKind, StorageRefusal
from monitor.store.connection import open_in_memory, open_read_only, open_writer
from monitor.store.expected_schema import LAYOUT, VERSION, columns
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.transfer import ALERT_TABLES, BELIEF_TABLES, HISTORY_TABLES, OBSERVATION_TABLES, copy_rows
from monitor.store.writer import Writer
from probes.model import Confidence, Fault
from tests import test_collect as view
from tests.conftest import CHAT, NOON, at
from tests.test_schema import lay


@pytest.fixture
def writer():
    """A database in which two incidents are told to one channel, the one a second after the other."""
    with closing(open_in_memory()) as db:
        made = Writer(db, "here")
        for second, account in enumerate(("openai/main", "openai/backup")):
            cause = Diagnosis(
                read_subject(Scope.ACCOUNT, account), Fault.INVALID_KEY, Confidence.HIGH, at(0), (), (), ()
            )
            change = Change(open_incident(cause), ChangeKind.OPENED, at(second))
            message = Message(change.id, "hook", Step.OPENED, 0, change.incident.id)
            made.save(Batch(at(second), changes=(change,), messages=(message,)))
        yield made


def broken(writer, table, column, text="{"):
    writer._db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = 1", (text,))


@pytest.mark.parametrize("text", ["{", "[]", '{"id": 7}', "\\ud800", ""])
def test_a_message_that_cannot_be_read_is_given_up_and_the_others_go_out(writer, text, caplog):
    broken(writer, "change", "incident", text)

    (letter,) = writer.due_messages(at(5))
    assert letter.items[0].change.incident.subject == "openai/backup"
    unread = ("hook", "what it was to tell cannot be read any more")
    assert Reader(writer._db, "here").messages.failing_channels() == [unread]
    assert [one.id for one in writer.due_messages(at(6))] == [letter.id]
    assert len(caplog.records) == 1


def test_a_change_that_cannot_be_read_hides_no_other_case(writer, caplog):
    broken(writer, "change", "incident")

    cases = Reader(writer._db, "here").resumption.correspondence(at(5)).cases
    assert [one.incident.subject for one in cases.values()] == ["openai/backup"]
    assert "cannot be read" in caplog.text


def test_neither_the_past_nor_what_people_answered_is_lost_by_a_row(writer):
    for number in (1, 2):
        writer._db.execute(
            "INSERT INTO reply (location, id, kind, subject, at, details) VALUES ('here', ?, 'silence', '', ?, '{')",
            (str(number), number),
        )
    writer._db.execute(
        "INSERT INTO mark (location, name, value) "
        "VALUES ('here', 'failing', '{'), ('here', 'clock', '['), ('here', 'overlap', 'x')"
    )
    broken(writer, "incident", "details")

    assert [one.subject for one in Reader(writer._db, "here").incidents.between(at(-1), at(9))] == ["openai/backup"]
    assert len(Reader(writer._db, "here").messages.latest(9)) == 2
    assert Reader(writer._db, "here").messages.replies() == []
    assert Reader(writer._db, "here").resumption.correspondence(at(5)).replies == []
    marks = Reader(writer._db, "here").marks
    assert (marks.failing(), marks.trace(), marks.overlap()) == ([], None, None)


@pytest.mark.parametrize("column", ["note", "channel", "change_id", "step"])
def test_a_message_whose_name_is_no_utf8_is_given_up_as_it_could_never_be_found_again_once_sent(writer, column):
    writer._db.execute("PRAGMA foreign_keys = OFF")
    writer._db.execute(f"UPDATE outbox SET {column} = CAST(x'c328ff' AS TEXT) WHERE rowid = 1")

    (letter,) = writer.due_messages(at(5))
    assert letter.items[0].change.incident.subject == "openai/backup"
    assert writer._db.execute("SELECT state FROM outbox WHERE rowid = 1").fetchone()["state"] == "failed"


def texts():
    with closing(open_in_memory()) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in tables if not name.startswith(("sqlite_", "_sqlite"))]
        return [
            (table, column["name"])
            for table in kept
            for column in db.execute(f"PRAGMA table_info({table})")
            if column["type"] == "TEXT"
        ]


@pytest.mark.parametrize(("table", "column"), texts())
def test_a_text_that_is_no_utf8_ends_neither_the_start_nor_the_page(tmp_path, table, column):
    path = lay(VERSION, tmp_path / "monitor.db")
    with closing(sqlite3.connect(path)) as db:
        fill(db)
        assert db.execute(f"UPDATE OR REPLACE {table} SET {column} = CAST(x'c328ff' AS TEXT)").rowcount, "no row"
        db.commit()

    with closing(open_writer(path)) as db, closing(open_read_only(path)) as other:
        everything(Writer(db, "here"), other)


def fill(db):
    """Put a row where that program's database has none."""
    db.executescript(
        """
        INSERT OR IGNORE INTO note (location, account, note) VALUES ('here', 'openai/main', '{}');
        INSERT OR IGNORE INTO source (location, id, source) VALUES ('here', 'openai', '{"id": "openai"}');
        INSERT OR IGNORE INTO spending (location, account, day, tokens, usd)
            VALUES ('here', 'openai/main', '2026-11-21', 1, 0.1);
        INSERT OR IGNORE INTO track (series_id, track) SELECT id, '{}' FROM series;
        INSERT OR IGNORE INTO pool (location, id, pool) VALUES ('here', 'openai chat latency', '{}');
        INSERT OR IGNORE INTO ceiling (series_id, unit, window, most, remaining, since, at)
            VALUES (1, 'requests', 60, 1, 1, 0, 1);
        INSERT OR IGNORE INTO evidence (series_id, at, answer_id, request_id)
            SELECT series.id, 1795262400000, answer.id, 'x' FROM series, answer;
        INSERT OR IGNORE INTO mark (location, name, value) VALUES ('here', 'clock', '{}'), ('here', 'refused', '{}'),
            ('here', 'overlap', '{}'), ('here', 'failing', '[]'), ('here', 'said', '{}'), ('here', 'hourly_until', '0'),
            ('here', 'daily_until', '0');
        INSERT OR IGNORE INTO reply (location, id, kind, subject, at, details)
            VALUES ('here', 'x', 'silence', '', 1, '{}');
        INSERT OR IGNORE INTO incident_note (location, id, incident_id, at, by, text, public)
            SELECT location, 'x', id, 1, 'Jo', 'ticket 7', 1 FROM incident;
        INSERT INTO hourly (series_id, at, ok, degraded, failed, unknown, latency, ttft)
            SELECT id, 1, 1, 2, 3, 4, x'01', x'02' FROM series;
        INSERT INTO daily SELECT * FROM hourly;
        INSERT INTO outgoing (seq, body) VALUES (1, '{}');
        INSERT INTO daily_ceiling (series_id, at, unit, window, most) SELECT id, 0, 'requests', 60, 1 FROM series;
        INSERT INTO daily_credit (series_id, at, unit, remaining) SELECT id, 0, 'USD', 1 FROM series;
        INSERT INTO outbox (location, channel, step, number, note, at, state, tries, next, done, error)
            VALUES ('here', 'hook', 'store', 1, 'refused: full', 1, 'sent', 1, 1, 1, 'x');
        """
    )


def everything(writer, db):
    """Read whatever a start, a page, a command and a message read."""
    stored = Reader(db, "here")
    left, marks, history, incidents = stored.resumption, stored.marks, stored.history, stored.incidents
    left.resume(), left.correspondence(at(61)), left.tracks(), left.pools()
    marks.failing(), marks.trace(), marks.overlap(), marks.refusal(), marks.said(), marks.last_beat()
    history.ceilings(), history.moves(), history.spent(NOON.date()), stored.messages.replies()
    list(history.observations(CHAT, at(-60)))
    history.earlier_ceilings([1], at(-60)), history.daily_credits([1], at(-60))
    incidents.between(at(-60), at(61)), incidents.closed(9), stored.messages.latest(9)
    incidents.changes_since(at(-60)), stored.messages.fates(at(-60)), stored.messages.failing_channels()
    for id in incidents.ids():
        incidents.find(id), stored.messages.of(id), incidents.steps(id)
    incidents.notes()
    build_snapshot(stored, view.config(CHAT), at(61))
    writer.due_messages(at(61))
    writer.save_refusal(StorageRefusal(RefusalKind.FULL, "full"))
    with closing(open_in_memory()) as other:
        for passages in (ALERT_TABLES, BELIEF_TABLES, OBSERVATION_TABLES, HISTORY_TABLES):
            copy_rows(db, other, passages)


LEFT_OUT = {"mark": "name <> 'refused'"}
"""Rows that another database has for itself."""


def named(db, table):
    """Return the rows of a table with the names of their series and answer in place of row ids, which differ."""
    types = {one["name"]: one["type"] for one in db.execute(f"PRAGMA table_info({table})")}
    its = [f"{table}.{name}" for name, its in types.items() if its != "INTEGER" or not name.endswith("id")]
    joined = ""
    for name, other, key in (("series_id", "series", "account"), ("answer_id", "answer", "digest")):
        if name in types:
            its.append(f"{other}.{key}")
            joined += f" JOIN {other} ON {other}.id = {name}"
    query = f"SELECT {', '.join(its)} FROM {table}{joined} WHERE {LEFT_OUT.get(table, 'true')}"
    return sorted(repr(tuple(row)) for row in db.execute(query))


def without_nulls(db):
    """Give each column that may be null a value, so that a column left out shows."""
    for table, text in LAYOUT.items():
        for one in text.partition(" (")[0].split():
            if not one.endswith(("!", "*", "_id")):
                db.execute(f"UPDATE {table} SET {one} = coalesce({one}, 7)")


@pytest.mark.parametrize("table", LAYOUT)
def test_each_column_of_each_table_is_carried_to_another_database(tmp_path, table):
    path = lay(VERSION, tmp_path / "monitor.db")
    with closing(open_writer(path)) as db, closing(open_in_memory()) as other:
        fill(db)
        without_nulls(db)
        for passages in (ALERT_TABLES, BELIEF_TABLES, OBSERVATION_TABLES, HISTORY_TABLES):
            assert copy_rows(db, other, passages)

        assert named(db, table)
        assert named(other, table) == named(db, table)


OF_A_MESSAGE = {"location", "incident_id", "change_id", "channel", "step", "number", "note", "about_channel", "at"}
"""Columns of the outbox that say which message it is; delivery changes the others."""


@pytest.mark.parametrize("column", [one for one in columns("outbox") if one not in OF_A_MESSAGE])
def test_a_message_that_waits_there_is_as_far_as_it_is_here(tmp_path, column):
    path = lay(VERSION, tmp_path / "monitor.db")
    with closing(open_writer(path)) as db, closing(open_in_memory()) as other:
        copy_rows(db, other, ALERT_TABLES)
        db.execute(f"UPDATE outbox SET state = 'sent', {column} = 77")
        copy_rows(db, other, ALERT_TABLES)

        here, there = ([tuple(row) for row in one.execute(f"SELECT {column} FROM outbox")] for one in (db, other))
        assert here == there
        assert str(here[0][0]) == "77"
