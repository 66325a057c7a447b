"""Databases that each older version wrote: every one is taken over, whole."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.alert.case import Step
from monitor.detect.health import State
from monitor.store.connection import open_reader, open_writer
from monitor.store.expected_schema import LAYOUT, STEPS_TABLE, VERSION, layout
from monitor.store.reader import Reader
from monitor.store.schema import STEPS
from monitor.store.writer import Writer
from probes.model import Fault, Outcome
from tests.conftest import CHAT, at

OLD = Path(__file__).parent / "samples" / "schema"
"""What the programs of those days left, as SQL: one failed look, its account's incident, and a message that waits."""


def lay(version, path):
    """Make a database as that version left it."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript((OLD / f"{version}.sql").read_text())
    return path


def test_there_is_one_of_each_version():
    assert sorted(int(one.stem) for one in OLD.iterdir()) == list(range(1, VERSION + 1))


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_what_an_older_version_left_is_resumed(tmp_path, version):
    with closing(open_writer(lay(version, tmp_path / "monitor.db"))) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert {name: its for name, its in layout(db).items() if name != STEPS_TABLE} == LAYOUT
        remembered, told = Reader(db, "here").resumption.resume(), Reader(db, "here").resumption.correspondence(at(61))
        assert (remembered.healths[CHAT.id].state, remembered.healths[CHAT.id].fault) == (
            State.DOWN,
            Fault.ACCOUNT_SUSPENDED,
        )
        assert remembered.plans[CHAT.id] == at(120)
        ((id, incident),) = remembered.incidents.items()
        assert (incident.subject, incident.fault) == ("openai/main", Fault.ACCOUNT_SUSPENDED)
        assert [one.step for one in told.cases[id].told["phone"]] == [Step.OPENED]
        (look,) = Reader(db, "here").history.observations(CHAT, at(-60))
        assert (look.outcome, look.fault) == (Outcome.FAILED, Fault.ACCOUNT_SUSPENDED)


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_message_that_waited_in_an_older_version_is_sent_once(tmp_path, version):
    with closing(open_writer(lay(version, tmp_path / "monitor.db"))) as db:
        writer = Writer(db, "here")
        (letter,) = writer.due_messages(at(61))
        writer.delivered(letter, at(62))

        assert (letter.channel, writer.due_messages(at(63))) == ("phone", [])


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_copy_is_kept_for_who_goes_back(tmp_path, version):
    open_writer(lay(version, tmp_path / "monitor.db")).close()

    with closing(sqlite3.connect(tmp_path / f"monitor.db.schema-{version}")) as kept:
        assert kept.execute("PRAGMA user_version").fetchone()[0] == version
        assert kept.execute("SELECT count(*) FROM observation").fetchone()[0] == 1


def test_a_copy_of_before_is_not_replaced_by_one_of_what_an_older_program_left_half_done(tmp_path):
    path = lay(1, tmp_path / "monitor.db")
    before = lay(1, tmp_path / "monitor.db.schema-1").read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        STEPS.apply(Database(db), stop_before="m006_outcome")
    open_writer(path).close()

    assert (tmp_path / "monitor.db.schema-1").read_bytes() == before
    assert [one.name for one in tmp_path.glob("monitor.db.schema-*")] == ["monitor.db.schema-1"]
    with closing(open_reader(path)) as db:
        assert len(Reader(db, "here").resumption.resume().incidents) == 1
