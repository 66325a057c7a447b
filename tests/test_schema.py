"""Databases that each older version wrote: every one is taken over, whole.

`python -m tests.test_schema` writes the one of this version.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlite_utils import Database

from monitor.alert.case import Step
from monitor.alert.reply import Reply, ReplyKind
from monitor.cli import main
from monitor.detect.health import State
from monitor.store.backup import back_up
from monitor.store.connection import open_reader, open_writer, transaction
from monitor.store.expected_schema import LAYOUT, MIGRATIONS_TABLE, VERSION, layout
from monitor.store.readable_view import drop_views
from monitor.store.reader import Reader
from monitor.store.schema import MIGRATIONS, migrate
from monitor.store.submission import write_directly
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


def dump(db):
    """Return a database as SQL, without the views, which each start makes anew."""
    drop_views(db)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    return "\n".join([f"PRAGMA user_version = {version};", "PRAGMA foreign_keys = OFF;", *db.iterdump(), ""])


def write_newest(folder):
    """Write what this version makes of the database of the version before; return the file."""
    with TemporaryDirectory() as scratch, closing(open_writer(lay(VERSION - 1, Path(scratch) / "monitor.db"))) as db:
        file = folder / f"{VERSION}.sql"
        file.write_text(dump(db))
    return file


def test_the_newest_is_what_this_version_makes_of_the_one_before(tmp_path):
    made = write_newest(tmp_path)
    with closing(sqlite3.connect(":memory:")) as one, closing(sqlite3.connect(":memory:")) as other:
        one.executescript(made.read_text())
        other.executescript((OLD / made.name).read_text())

        assert layout(one) == layout(other)
        for table in LAYOUT:
            rows = f"SELECT * FROM {table} ORDER BY 1, 2"
            assert one.execute(rows).fetchall() == other.execute(rows).fetchall(), table


def test_there_is_one_of_each_version():
    assert sorted(int(one.stem) for one in OLD.iterdir()) == list(range(1, VERSION + 1))


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_what_an_older_version_left_is_resumed(tmp_path, version):
    with closing(open_writer(lay(version, tmp_path / "monitor.db"))) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert {name: its for name, its in layout(db).items() if name != MIGRATIONS_TABLE} == LAYOUT
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
        MIGRATIONS.apply(Database(db), stop_before="m006_outcome")
    open_writer(path).close()

    assert (tmp_path / "monitor.db.schema-1").read_bytes() == before
    assert [one.name for one in tmp_path.glob("monitor.db.schema-*")] == ["monitor.db.schema-1"]
    with closing(open_reader(path)) as db:
        assert len(Reader(db, "here").resumption.resume().incidents) == 1


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_reader_reads_an_older_database_before_any_program_has_migrated_it(tmp_path, version):
    path = lay(version, tmp_path / "monitor.db")
    before = path.read_bytes()
    with closing(open_reader(path)) as db:
        assert Reader(db, "here").resumption.resume().healths[CHAT.id].fault is Fault.ACCOUNT_SUSPENDED
        assert len([*Reader(db, "here").history.observations(CHAT, at(-60))]) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("DELETE FROM mark")

    assert path.read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} <= {"monitor.db", "monitor.db-wal", "monitor.db-shm"}


def test_a_reader_reads_the_older_database_while_another_process_migrates_it(tmp_path):
    path = lay(5, tmp_path / "monitor.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as migrating:
        migrating.execute("PRAGMA journal_mode = WAL")
        with transaction(migrating):
            migrate(migrating)
            with closing(open_reader(path)) as db:
                assert len(Reader(db, "here").resumption.resume().incidents) == 1


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_reply_is_written_into_an_older_database_which_that_migrates(tmp_path, version):
    path = lay(version, tmp_path / "monitor.db")
    reply = Reply(ReplyKind.ACKNOWLEDGE, at(55), "Jo", "20261121-120000-a30d277685")
    write_directly(path, "here", lambda writer: writer.save_reply(reply))

    with closing(open_reader(path)) as db:
        subjects = [subject for (subject,) in db.execute("SELECT subject FROM reply")]
    assert reply.subject in subjects
    assert (tmp_path / f"monitor.db.schema-{version}").exists()


READING = (["status"], ["status", "--alive"], ["incidents"], ["pick", "openai"], ["tune"], ["alerts", "history"])
READING += (["silence"], ["backup", "copy.db"])
TEXT = '[store]\npath = "monitor.db"\n[[accounts]]\nname = "main"\nprovider = "openai"\nkey = "env:KEY"\n'


@pytest.mark.parametrize("version", [1, 5, VERSION - 1])
def test_each_command_that_reads_works_before_the_first_start_of_a_new_version(tmp_path, capsys, version):
    path = lay(version, tmp_path / "monitor.db")
    before = path.read_bytes()
    (tmp_path / "monitor.toml").write_text(TEXT)

    for one in READING:
        where = [*one[:-1], str(tmp_path / "copy.db")] if one[0] == "backup" else one
        assert main(["--config", str(tmp_path / "monitor.toml"), *where]) in (0, 1), one
        assert "not ready" not in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_older_program_refuses_a_newer_database_and_names_the_copy_with_which_one_goes_back(tmp_path, capsys):
    path = lay(VERSION, tmp_path / "monitor.db")
    copy = tmp_path / f"monitor.db.schema-{VERSION}"
    back_up(path, copy)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    (tmp_path / "monitor.toml").write_text(TEXT)
    config = ("--config", str(tmp_path / "monitor.toml"))

    assert main([*config, "status"]) == 2
    said = capsys.readouterr().err
    assert f"of schema {VERSION + 1}, newer than this program's {VERSION}; update provider-monitor, or go back" in said
    assert f"`restore {copy}`" in said
    assert main([*config, "restore", str(copy)]) == 0
    assert main([*config, "status"]) == 1
    with closing(open_reader(path)) as db:
        assert db.execute("SELECT count(*) FROM observation").fetchone()[0] == 1


def test_the_page_on_upgrades_says_what_each_version_of_the_database_brought():
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "deploy" / "upgrade.md").read_text()

    assert [int(one) for one in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)] == list(range(VERSION, 0, -1))


if __name__ == "__main__":
    write_newest(OLD)
