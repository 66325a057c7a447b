"""Whole files of a database: copies, what is set aside, and what is no backup."""

import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from monitor.backend import open_store
from monitor.cli import main
from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store.aside import KEPT, SIDES, remove, set_aside
from monitor.store.backup import IDLE_S, back_up, is_broken, restore
from monitor.store.connection import open_reader, open_writer
from monitor.store.expected_schema import MIGRATIONS_TABLE, VERSION, steps_taken, version_of
from monitor.store.file_owner import SIDE_FILES
from monitor.store.lock import Busy, Lock, lock_path
from monitor.store.restoration import Unrestored, end
from monitor.store.row import Batch
from monitor.store.schema import MIGRATIONS
from monitor.store.setting import StoreAddress
from monitor.store.sqlite_error import is_broken_file, refusal_of
from monitor.store.standby_path import standby_file
from monitor.store.writer import Writer
from tests.backstage import ROOT
from tests.conftest import at, observation
from tests.test_schema import lay


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "state" / "monitor.db"
    made.parent.mkdir()
    with closing(open_writer(made)) as db:
        Writer(db, "here").save(Batch(at(0), (observation(),)))
    return made


def looks(path):
    with closing(open_reader(path)) as db:
        return db.execute("SELECT count(*) FROM observation").fetchone()[0]


def test_a_copy_holds_what_is_still_in_the_log_and_is_one_private_file(path, tmp_path):
    with closing(open_writer(path)) as db:
        Writer(db, "here").save(Batch(at(1), (observation(seconds=1),)))
        back_up(path, tmp_path / "copy.db")

    assert looks(tmp_path / "copy.db") == 2
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("*copy*")] == ["copy.db"]


def test_a_copy_that_cannot_be_made_leaves_the_one_before(path, tmp_path):
    target = tmp_path / "copies" / "copy.db"
    with pytest.raises(StoreError, match="No such file or directory; name a file in a folder that is there"):
        back_up(path, target)
    with pytest.raises(StoreError, match="is the database itself"):
        back_up(path, path)


def test_an_older_copy_or_an_empty_file_is_replaced_and_the_first_is_said(path, tmp_path):
    (tmp_path / "copy.db").touch()

    assert [back_up(path, tmp_path / "copy.db") for _ in range(2)] == [False, True]
    with closing(sqlite3.connect(tmp_path / "copy.db")) as old:
        old.execute("PRAGMA user_version = 1")
    assert back_up(path, tmp_path / "copy.db"), "of an older schema, too"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("notes.txt", "is there, and is no copy of a database of ours"),
        ("other.db", "is there, and is no copy of a database of ours"),
        ("torn.db", "is there, and is no copy of a database of ours"),
        ("live.db", "is a database that a monitor works with"),
        ("pipe", "is a pipe or a device, and no file"),
        ("to-pipe", "is a pipe or a device, and no file"),
        ("folder", "is a folder"),
        ("", "is a folder"),
        ("/", "is a folder"),
        ("monitor.toml", "is monitor.toml, or named there"),
        ("link/monitor.toml", "is monitor.toml, or named there"),
        ("hard-link", "is monitor.toml, or named there"),
        ("keys/not-yet", "is monitor.toml, or named there"),
        ("state/monitor.db", "is the database itself"),
        ("link/state/monitor.db", "is the database itself"),
        *((f"state/monitor.db{side}", "belongs to the database that is copied") for side in SIDE_FILES if side),
        ("link/state/monitor.db-wal", "belongs to the database that is copied"),
    ],
)
def test_a_copy_replaces_nothing_but_an_older_one(path, tmp_path, name, why):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    for text in ("notes.txt", "monitor.toml"):
        (tmp_path / text).write_text("mine")
    (tmp_path / "hard-link").hardlink_to(tmp_path / "monitor.toml")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.executescript("CREATE TABLE mine (x); PRAGMA user_version = 3")
    back_up(path, tmp_path / "live.db")
    (tmp_path / "torn.db").write_bytes((tmp_path / "live.db").read_bytes()[:2000])
    (tmp_path / "live.db.lock").touch()
    before = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}
    with pytest.raises(StoreError, match=f"{why}; name another file"):
        back_up(path, tmp_path / name, [tmp_path / "monitor.toml", tmp_path / "keys" / "not-yet"])

    assert {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()} == before
    assert (tmp_path / "pipe").is_fifo()


def test_the_command_says_what_it_replaced_and_spares_what_monitor_toml_names(path, tmp_path, capsys):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "file:k"\n')
    (tmp_path / "k").write_bytes(path.read_bytes())

    def back_up_to(name):
        code = main(["--config", str(tmp_path / "monitor.toml"), "backup", str(tmp_path / name)])
        return code, "".join(capsys.readouterr()).removeprefix(f"{path} was copied to {tmp_path}/{name}")

    assert back_up_to("copy.db") == (0, "\n")
    assert back_up_to("copy.db") == (0, "; the older copy there was replaced\n")
    assert back_up_to("k") == (2, f"{tmp_path}/k: is monitor.toml, or named there; name another file\n")


@pytest.mark.parametrize("open_it", [open_writer, Lock])
def test_a_database_that_is_no_file_is_not_touched(tmp_path, open_it):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    with pytest.raises(StoreError, match="is a pipe or a device, and no file; name another .store. path"):
        open_it(pipe)

    assert (pipe.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o666, [pipe])


def test_a_pipe_is_no_backup(path, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is a pipe or a device, and no file; name a file that `backup` wrote"):
        restore(path, tmp_path / "pipe", at(0))


def test_a_backup_takes_the_place_of_the_present_database_which_is_kept(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    with closing(open_writer(path)) as db:
        Writer(db, "here").save(Batch(at(1), (observation(seconds=1),)))
    (aside,) = restore(path, tmp_path / "copy.db", at(0))

    assert (looks(path), looks(aside), aside.name) == (1, 2, "monitor.db.replaced-20261121T120000")


def leave_log(path, seconds):
    """Let a process that is killed leave a database with more looks in its log."""
    code = (
        "import os, sys; from pathlib import Path; from monitor.store.connection import open_writer; "
        "from monitor.store.row import Batch; from monitor.store.writer import Writer; "
        "from tests.conftest import at, observation; writer = Writer(open_writer(Path(sys.argv[1])), 'here'); "
        "[writer.save(Batch(at(one), (observation(seconds=one),))) for one in map(int, sys.argv[2:])]; "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), *map(str, seconds)], cwd=ROOT, check=False)
    assert Path(f"{path}-wal").stat().st_size > 0


@pytest.mark.parametrize("is_there", [True, False], ids=["with its database", "alone"])
def test_what_is_put_back_is_not_read_with_the_log_of_the_database_before(path, tmp_path, is_there):
    back_up(path, tmp_path / "copy.db")
    leave_log(path, range(1, 40))
    if not is_there:
        path.unlink()
    (aside,) = restore(path, tmp_path / "copy.db", at(0))

    assert looks(path) == 1
    assert aside.name == f"monitor.db.replaced-20261121T120000{'' if is_there else '-wal'}"
    if is_there:
        assert looks(aside) == 40


def test_what_is_put_back_is_not_rolled_back_by_a_journal_that_was_left(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    Path(f"{path}-journal").write_bytes(b"left")
    restore(path, tmp_path / "copy.db", at(0))

    assert not Path(f"{path}-journal").exists()
    assert (path.parent / "monitor.db.replaced-20261121T120000-journal").read_bytes() == b"left"


def test_a_backup_that_is_not_whole_at_its_place_is_taken_back(path, tmp_path, monkeypatch):
    back_up(path, tmp_path / "copy.db")
    leave_log(path, [1])

    def spoiled(*renamed):
        os.replace(*renamed)
        if renamed[1] == path:
            spoil(path)

    monkeypatch.setattr(os, "rename", spoiled)
    with pytest.raises(StoreError, match="; it is as it was"):
        restore(path, tmp_path / "copy.db", at(0))

    assert looks(path) == 2
    assert not [*path.parent.glob("*replaced*"), *path.parent.glob("*restoring*")]


def test_a_restore_that_cannot_be_undone_says_where_the_database_is(path, tmp_path, monkeypatch):
    back_up(path, tmp_path / "copy.db")

    def refuse(before, after):
        if str(after) == str(path):
            raise OSError(5, "Input/output error")
        os.replace(before, after)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(StoreError) as told:
        restore(path, tmp_path / "copy.db", at(0))
    assert "what it was is monitor.db.replaced-20261121T120000 beside it, and cannot be put back" in str(told.value)
    assert looks(path.with_name("monitor.db.replaced-20261121T120000")) == 1


def test_what_a_stand_in_holds_is_not_mixed_into_what_is_put_back_but_kept(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    with closing(open_writer(standby_file(path))) as db:
        Writer(db, "here").save(Batch(at(1), (observation(seconds=1), observation(seconds=2))))
    aside, kept = restore(path, tmp_path / "copy.db", at(0))

    assert (looks(path), looks(aside), looks(kept)) == (1, 1, 2)
    assert kept.name == "monitor.db.stand-in-20261121T120000"
    assert not standby_file(path).exists()


@pytest.mark.parametrize("refused", ["monitor.db", "stand-in"])
def test_a_restore_that_fails_moves_back_only_what_it_moved(path, tmp_path, monkeypatch, refused):
    back_up(path, tmp_path / "copy.db")
    there = standby_file(path)
    with closing(open_writer(there)) as db:
        Writer(db, "here").save(Batch(at(1), (observation(seconds=1), observation(seconds=2))))
    stale = there.with_name(f"{there.name}.replaced")
    back_up(path, stale)

    def refuse(before, after):
        if str(before) == str(path if refused == "monitor.db" else there):
            raise OSError(5, "Input/output error")
        os.replace(before, after)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(StoreError, match="it is as it was"):
        restore(path, tmp_path / "copy.db", at(0))

    assert looks(there) == 2
    assert not stale.exists()
    remove(there)  # what is read is the stand-in while there is one
    assert looks(path) == 1


def test_a_stand_in_that_an_earlier_restore_left_is_not_put_over_the_present_one(path, tmp_path, monkeypatch):
    there = standby_file(path)
    for file, number in ((there, 2), (there.with_name(f"{there.name}.replaced"), 3)):
        with closing(open_writer(file)) as db:
            Writer(db, "here").save(Batch(at(1), tuple(observation(seconds=one) for one in range(number))))
    back_up(path, path.with_name("monitor.db.restoring-20261121T120000"))

    def refuse(before, after):
        if str(before) == str(path):
            raise OSError(5, "Input/output error")
        os.replace(before, after)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(Unrestored):
        end(path, there)
    monkeypatch.undo()

    assert looks(there) == 2


def test_behind_a_link_what_it_leads_to_is_replaced_and_the_link_stays(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    leave_log(path, [1])
    link = tmp_path / "link.db"
    link.symlink_to(path)
    (aside,) = restore(link, tmp_path / "copy.db", at(0))

    assert (link.is_symlink(), looks(path), looks(aside), aside.parent) == (True, 1, 2, path.parent)


def test_a_folder_that_cannot_be_listed_is_told_and_stops_no_monitor(path, tmp_path, monkeypatch, caplog):
    back_up(path, tmp_path / "copy.db")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(StoreError, match=r"its folder cannot be listed \(Permission denied\).*let its owner read"):
        restore(path, tmp_path / "copy.db", at(0))
    with open_store(StoreAddress(path, "here")).writing(lambda: at(1), lambda: 0.0):
        pass

    assert "no restore that was cut short can be ended: its folder cannot be listed" in caplog.text
    assert looks(path) == 1


def test_a_backup_is_put_where_no_database_is(path, tmp_path):
    assert restore(tmp_path / "new" / "monitor.db", path, at(0)) == []
    assert looks(tmp_path / "new" / "monitor.db") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
@pytest.mark.parametrize("there", ["a database", "its folder", "the folder above"])
def test_what_root_puts_back_belongs_to_whoever_works_with_the_database(path, tmp_path, there):
    database = tmp_path / "home" / "state" / "monitor.db"
    made = {"a database": database, "its folder": database.parent, "the folder above": database.parent.parent}[there]
    database.parent.mkdir(parents=True)
    if there == "a database":
        back_up(path, database)
    if there == "the folder above":
        database.parent.rmdir()
    os.chown(made, 12345, 23456)
    restore(database, path, at(0))

    for one in (database, lock_path(database), *([database.parent] if there == "the folder above" else [])):
        assert (one.stat().st_uid, one.stat().st_gid) == (12345, 23456), one


def test_nothing_is_put_in_the_place_of_a_database_that_is_in_use(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    lock = Lock(path)
    with pytest.raises(Busy):
        restore(path, tmp_path / "copy.db", at(0))
    lock.release()


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"my shopping list, " * 100, "file is not a database"), (b"", "is none of ours"), (None, "unable to open")],
)
def test_what_is_no_backup_is_refused_and_the_database_stays(path, tmp_path, content, why):
    if content is not None:
        (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(StoreError, match=f"{why}.*; name a file that `backup` wrote"):
        restore(path, tmp_path / "copy.db", at(0))

    assert looks(path) == 1


FOREIGN = {
    "no outbox": "DROP TABLE outbox",
    "another outbox": "DROP TABLE outbox; CREATE TABLE outbox (id INTEGER PRIMARY KEY, words TEXT)",
    "a column less": "ALTER TABLE reply DROP COLUMN until",
    "a column more": "ALTER TABLE observation ADD COLUMN mine",
    "no unique index": "DROP INDEX outbox_once",
    "a version that never was": "PRAGMA user_version = -3",
    "no version": "PRAGMA user_version = 0",
}


@pytest.mark.parametrize("how", FOREIGN.values(), ids=FOREIGN)
def test_a_sound_file_that_is_no_database_of_ours_is_refused_and_the_database_stays(path, tmp_path, how):
    back_up(path, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        db.executescript(how)
    with pytest.raises(StoreError, match="name a file that `backup` wrote"):
        restore(path, tmp_path / "copy.db", at(0))

    assert looks(path) == 1
    assert [
        one.name for one in path.parent.glob("*monitor.db*") if not one.name.endswith((".lock", "-wal", "-shm"))
    ] == ["monitor.db"]


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_backup_of_each_older_version_is_put_back_unless_a_table_of_it_is_missing(path, tmp_path, version):
    file = lay(version, tmp_path / "old.db")
    restore(path, file, at(0))
    assert looks_of_any(path) == 1
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE outbox")
    with pytest.raises(StoreError, match="name a file that `backup` wrote"):
        restore(path, file, at(1))

    assert looks_of_any(path) == 1


@pytest.mark.parametrize("version", [0, 4, VERSION, 99])
def test_another_programs_database_is_no_backup_and_is_not_worked_with(path, tmp_path, version):
    file = tmp_path / "bookmarks.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript(f"CREATE TABLE bookmark (url TEXT); PRAGMA user_version = {version}")
    before = file.read_bytes()
    with pytest.raises(StoreError, match="name a file that `backup` wrote"):
        restore(path, file, at(0))
    for opened in (open_writer, open_reader):
        with pytest.raises(StoreError, match="bookmarks.db: is (no database of provider-monitor|of schema 99)"):
            opened(file)

    assert file.read_bytes() == before
    assert [*tmp_path.glob("bookmarks*")] == [file]


def looks_of_any(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM observation").fetchone()[0]


def spoil(path, page=3):
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)


def test_a_broken_backup_is_refused(path, tmp_path):
    back_up(path, tmp_path / "copy.db")
    spoil(tmp_path / "copy.db")
    with pytest.raises(StoreError, match="name a file that `backup` wrote"):
        restore(path, tmp_path / "copy.db", at(0))

    assert looks(path) == 1


def test_a_copy_of_a_broken_database_is_refused_with_the_true_repair(path, tmp_path):
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'observation'").fetchone()
    spoil(path, page - 1)
    with pytest.raises(StoreError, match="is not whole.*; the database itself is broken: restore a backup"):
        back_up(path, tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()


def test_only_a_file_that_is_wrong_is_broken(path, tmp_path):
    assert not is_broken(path)
    assert not is_broken(tmp_path / "no such file")
    spoil(path)
    assert is_broken(path)
    (tmp_path / "text").write_text("my shopping list, " * 100)
    assert is_broken(tmp_path / "text")


def test_the_last_of_what_is_set_aside_are_kept_with_their_logs(path):
    for number in range(KEPT + 2):
        path.write_text("x")
        path.with_name("monitor.db-wal").write_text("x")
        set_aside(path, at(number))

    kept = sorted(one.name for one in path.parent.glob("monitor.db.corrupt-*"))
    assert kept == [f"monitor.db.corrupt-20261121T12000{number}{side}" for number in (2, 3) for side in ("", "-wal")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(28, "No space left on device"), RefusalKind.FULL),
        (OSError(30, "Read-only file system"), RefusalKind.READ_ONLY),
        (OSError(5, "Input/output error"), RefusalKind.FAILING),
        (PermissionError(13, "Permission denied"), RefusalKind.DENIED),
    ],
)
def test_what_the_system_refuses_is_one_value(error, kind):
    assert refusal_of(error).kind is kind


def test_what_is_wrong_with_a_statement_is_no_refusal(path):
    with closing(sqlite3.connect(path)) as db:
        for statement in ("SELEKT", "INSERT INTO mark VALUES ('here', 'x', NULL)"):
            with pytest.raises(sqlite3.Error) as wrong:
                db.execute(statement)
            assert refusal_of(wrong.value) is None
            assert not is_broken_file(wrong.value)


def write_beside(path, *looks_at):
    with closing(open_writer(standby_file(path))) as db:
        Writer(db, "here").save(Batch(at(9), tuple(observation(seconds=one) for one in looks_at)))


@pytest.fixture
def beside(path):
    yield standby_file(path)
    remove(standby_file(path))


def test_a_copy_holds_what_is_kept_beside_while_the_database_cannot_be_written(path, tmp_path, beside):
    write_beside(path, 1, 2)
    back_up(path, tmp_path / "copy.db")

    assert (looks(tmp_path / "copy.db"), looks_of_any(path)) == (3, 1)
    assert beside.exists()
    assert [one.name for one in tmp_path.glob("*copy*")] == ["copy.db"]
    restore(path, tmp_path / "copy.db", at(0))
    assert looks(path) == 3


@pytest.mark.parametrize("version", range(1, VERSION))
def test_so_does_a_copy_of_an_older_database(path, tmp_path, beside, version):
    remove(path)
    lay(version, path)
    write_beside(path, 1, 2)
    back_up(path, tmp_path / "copy.db")

    assert (looks(tmp_path / "copy.db"), versions(path)) == (3, (version, version))


def test_a_copy_that_lacks_what_is_kept_beside_is_not_said_to_be_whole(path, tmp_path, beside):
    write_beside(path, *range(200))
    with closing(sqlite3.connect(beside)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'observation'").fetchone()
    spoil(beside, page - 1)
    with pytest.raises(StoreError, match="a part of what is kept beside the database"):
        back_up(path, tmp_path / "copy.db")

    assert [*tmp_path.glob("*copy*"), *tmp_path.glob(".*")] == []


def versions(path):
    """Return the version that a database says, and the one that its migration steps say."""
    with closing(sqlite3.connect(path)) as db:
        return version_of(db), steps_taken(db)


def test_copies_to_one_file_at_the_same_time_are_whole_and_the_last_stays(path, tmp_path):
    with ThreadPoolExecutor(8) as others:
        made = [others.submit(back_up, path, tmp_path / "copy.db") for _ in range(40)]
        assert all(one.exception() is None for one in made)

    assert looks(tmp_path / "copy.db") == 1
    assert {one.name for one in tmp_path.iterdir()} == {"state", "copy.db"}


def test_a_copy_deletes_no_file_of_another_name(path, tmp_path):
    mine = [tmp_path / name for name in (".copy.db.part", "copy.db.part", ".provider-monitor-mine.part")]
    for one in mine:
        one.write_text("mine")
        os.utime(one, (0, 0))
    back_up(path, tmp_path / "copy.db")

    assert [one.read_text() for one in mine] == ["mine"] * 3


@pytest.mark.parametrize(("idle_s", "is_deleted"), [(IDLE_S + 60, True), (IDLE_S - 60, False)])
def test_what_a_killed_copy_left_is_deleted_by_a_later_one(path, tmp_path, idle_s, is_deleted):
    left = tmp_path / f".provider-monitor-{'a' * 16}.part"
    left.write_bytes(b"half")
    os.utime(left, (time.time() - idle_s,) * 2)
    back_up(path, tmp_path / "copy.db")

    assert left.exists() != is_deleted


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_copy_can_be_made_before_the_upgrade_and_is_of_the_older_version(path, tmp_path, version):
    remove(path)
    before = lay(version, path).read_bytes()
    back_up(path, tmp_path / "copy.db")

    assert versions(tmp_path / "copy.db") == (version, version)
    assert path.read_bytes() == before
    restore(path, tmp_path / "copy.db", at(0))
    assert looks_of_any(path) == 1


def test_a_copy_of_what_an_older_program_left_half_migrated_is_of_the_version_that_its_tables_are_of(path, tmp_path):
    remove(path)
    lay(1, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        MIGRATIONS.apply(Database(db), stop_before="m006_outcome")
    back_up(path, tmp_path / "copy.db")

    assert versions(tmp_path / "copy.db") == (5, 5)
    restore(path, tmp_path / "copy.db", at(0))


WRONG_STEPS = {
    "no step": f"DELETE FROM {MIGRATIONS_TABLE}",
    "a step less": f"DELETE FROM {MIGRATIONS_TABLE} WHERE name LIKE 'm005%'",
    "another step": f"UPDATE {MIGRATIONS_TABLE} SET name = 'm999_mine' WHERE name LIKE 'm005%'",
    "a step more": f"INSERT INTO {MIGRATIONS_TABLE} (migration_set, name) VALUES ('provider-monitor', 'm999_mine')",
    "a lower version": "PRAGMA user_version = {lower}",
}


@pytest.mark.parametrize("how", WRONG_STEPS.values(), ids=WRONG_STEPS)
@pytest.mark.parametrize("version", [5, 10, VERSION])
def test_a_file_whose_migration_steps_are_not_those_of_its_version_is_no_backup(path, tmp_path, how, version):
    file = lay(version, tmp_path / "copy.db")
    with closing(sqlite3.connect(file)) as db:
        db.executescript(how.format(lower=version - 1))
    with pytest.raises(StoreError, match="name a file that `backup` wrote"):
        restore(path, file, at(0))

    assert looks(path) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_copy_that_root_keeps_before_a_migration_belongs_to_the_owner_of_the_database(path):
    remove(path)
    lay(5, path)
    os.chown(path, 12345, 23456)
    open_writer(path).close()

    kept = path.with_name("monitor.db.schema-5").stat()
    assert (kept.st_uid, kept.st_gid) == (12345, 23456)


def test_a_restore_that_fails_leaves_nothing_on_its_way(path, tmp_path, monkeypatch):
    back_up(path, tmp_path / "copy.db")

    def refuse(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StoreError, match="Input/output error; it is as it was"):
        restore(path, tmp_path / "copy.db", at(0))

    assert {one.name for one in path.parent.iterdir()} <= {f"monitor.db{side}" for side in ("", *SIDES, ".lock")}
    assert looks(path) == 1
