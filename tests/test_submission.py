"""What a command has for the database: who writes it, as whom, and what is said where nobody can."""

import asyncio
import fcntl
import os
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from msgspec import Raw

from monitor.alert.reply import Reply, ReplyKind
from monitor.control.message import MAX_LINE_BYTES, Request, RequestKind, RequestResult, RequestStatus
from monitor.control.server import ControlServer
from monitor.storage_refusal import StoreError
from monitor.store.connection import open_reader, open_writer
from monitor.store.file_owner import NotCarriedOut, owner_of
from monitor.store.legacy_reply import delete_legacy_replies, legacy_replies
from monitor.store.lock import Busy, Lock, lock_path
from monitor.store.reader import Reader
from monitor.store.replies import save_reply
from monitor.store.row import Batch
from monitor.store.standby_path import standby_file
from monitor.store.submission import PATIENCE_S, socket_files, submit_request, write_directly
from monitor.store.writer import Writer
from tests.backstage import public_folder
from tests.conftest import at
from tests.test_schema import lay

REPLY = Reply(ReplyKind.ACKNOWLEDGE, at(60), "Jo", "some-incident")
REQUEST = Request(RequestKind.REPLY, Raw(b"{}"))
STRANGER = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root speaks for others")


@pytest.fixture
def database(tmp_path):
    made = tmp_path / "state" / "monitor.db"
    made.parent.mkdir(mode=0o700)
    with closing(open_writer(made)) as db:
        Writer(db, "here").save(Batch(at(0)))
    return made


def replies(database):
    with closing(open_reader(database)) as db:
        return Reader(db, "here").messages.replies()


@contextmanager
def process(database, status=RequestStatus.DONE, words=""):
    """A process that holds the database, listens, and answers so."""
    ready, end, asked = threading.Event(), threading.Event(), []

    async def handle(request):
        asked.append(request)
        return RequestResult(status, words)

    async def play():
        server = ControlServer(lambda: socket_files(database), owner_of(database), handle, lambda: True)
        await server.listen()
        ready.set()
        await asyncio.to_thread(end.wait)
        await server.close()

    lock, thread = Lock(database), threading.Thread(target=lambda: asyncio.run(play()))
    thread.start()
    assert ready.wait(10)
    try:
        yield asked
    finally:
        end.set()
        thread.join()
        lock.release()


def nobody_else():
    raise AssertionError("the process is there, and does it")


def test_while_nobody_runs_a_reply_is_written_by_who_gives_it_and_the_lock_is_free_again(database):
    for _ in range(2):
        save_reply(database, "here", REPLY)

    assert replies(database) == [REPLY]
    Lock(database).release()


def test_a_reply_is_no_beat(database):
    save_reply(database, "here", REPLY)

    with closing(open_reader(database)) as db:
        assert Reader(db, "here").marks.last_beat() == at(0)


def test_a_database_that_is_not_there_yet_is_made_but_not_its_folder(tmp_path):
    save_reply(tmp_path / "monitor.db", "here", REPLY)
    assert replies(tmp_path / "monitor.db") == [REPLY]

    with pytest.raises(StoreError, match="none: does not exist; start `run` or `once` first"):
        save_reply(tmp_path / "none" / "monitor.db", "here", REPLY)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + b"\0" * 4096])
def test_what_is_no_database_of_ours_is_left_as_it_is(database, content):
    for side in ("-wal", "-shm"):
        Path(f"{database}{side}").unlink(missing_ok=True)
    database.write_bytes(content)

    with pytest.raises(StoreError):
        save_reply(database, "here", REPLY)
    assert database.read_bytes() == content
    assert [one.name for one in database.parent.glob("*.db*")] == ["monitor.db"]


def test_whoever_holds_the_database_is_asked(database):
    with process(database) as asked:
        save_reply(database, "here", REPLY)
        assert submit_request(database, REQUEST, nobody_else) == ""

    assert [one.kind for one in asked] == [RequestKind.REPLY] * 2
    assert replies(database) == []


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (RequestStatus.REFUSED, "it cannot be written", "monitor.db refuses this: it cannot be written"),
        (RequestStatus.PENDING, "", "could not write this within 8 s; it does so when it can, unless it ends before"),
    ],
)
def test_what_was_not_done_is_not_said_to_be(database, status, words, told):
    with process(database, status, words), pytest.raises(NotCarriedOut, match=told):
        save_reply(database, "here", REPLY)


@pytest.mark.parametrize("status", [RequestStatus.DONE, RequestStatus.KNOWN])
def test_what_is_to_be_known_of_it_is_said(database, status, caplog):
    with process(database, status, "this is kept in memory"):
        save_reply(database, "here", REPLY)

    assert caplog.messages == ["this is kept in memory"]


def test_whoever_does_not_listen_is_waited_for_and_then_named_with_the_repair(database):
    lock, began = Lock(database), time.monotonic()
    told = f"monitor.db is held by process {os.getpid()}, which does not listen: .* restart it, then say this again"
    with pytest.raises(NotCarriedOut, match=told):
        submit_request(database, REQUEST, lambda: Lock(database, briefly=True).release(), patience_s=0.5)
    assert 0.5 <= time.monotonic() - began < 3
    lock.release()


def test_whoever_migrates_an_older_database_is_named_at_once(tmp_path):
    path = lay(5, tmp_path / "monitor.db")
    lock, began_s = Lock(path), time.monotonic()
    with pytest.raises(
        NotCarriedOut, match="which is migrating it from an older version, or is of that version: say this"
    ):
        submit_request(path, REQUEST, lambda: write_directly(path, "here", lambda it: it.save_reply(REPLY)))
    lock.release()

    assert time.monotonic() - began_s < PATIENCE_S / 2


@pytest.mark.parametrize("how", ["it begins to listen", "it ends"])
def test_a_process_that_starts_or_ends_is_waited_for(database, how):
    lock = Lock(database)

    def move_on():
        time.sleep(0.5)
        lock.release()
        if how == "it begins to listen":
            with process(database):
                time.sleep(1)

    with ThreadPoolExecutor(1) as other:
        moving = other.submit(move_on)
        submit_request(database, REQUEST, lambda: write_directly(database, "here", lambda it: it.save_reply(REPLY)))
        moving.result()
    assert replies(database) == ([] if how == "it begins to listen" else [REPLY])


def test_many_who_write_by_themselves_at_once_all_write(database):
    given = [Reply(ReplyKind.ACKNOWLEDGE, at(number), "Jo", "some-incident") for number in range(30)]
    with ThreadPoolExecutor(30) as hands:
        list(hands.map(lambda reply: save_reply(database, "here", reply), given * 2))

    assert replies(database) == given


def test_whoever_comes_while_a_command_has_the_lock_for_a_moment_waits_for_it(database):
    brief = Lock(database, briefly=True)
    threading.Timer(0.5, brief.release).start()
    began = time.monotonic()
    Lock(database).release()

    assert 0.4 < time.monotonic() - began < 3


def test_a_process_that_starts_gets_its_turn_among_commands_without_end(database):
    until = time.monotonic() + 4

    def answer_on(hand):
        for number in range(10_000):
            if time.monotonic() > until:
                return
            save_reply(database, "here", Reply(ReplyKind.ACKNOWLEDGE, at(number), "Jo", f"{hand}"))

    with ThreadPoolExecutor(3) as hands:
        busy = [hands.submit(answer_on, hand) for hand in range(3)]
        for _ in range(3):
            Lock(database).release()
        assert time.monotonic() < until, "they went on meanwhile"
        for one in busy:
            one.result()


def test_whoever_works_with_the_database_is_not_waited_for(database):
    lock, began = Lock(database), time.monotonic()
    for briefly in (False, True):
        with pytest.raises(Busy, match=f"process {os.getpid()}\\)"):
            Lock(database, briefly)
    assert time.monotonic() - began < 1
    lock.release()


def test_each_path_to_a_database_leads_to_one_lock_one_socket_and_one_stand_in(database, tmp_path):
    (tmp_path / "folder").symlink_to(database.parent)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "link.db").symlink_to(database)
    paths = [database, tmp_path / "folder" / database.name, tmp_path / "far" / "link.db"]

    assert len({lock_path(one) for one in paths}) == len({standby_file(one) for one in paths}) == 1
    for held in paths:
        lock = Lock(held)
        for one in paths:
            with pytest.raises(Busy):
                Lock(one)
        lock.release()
    with process(database) as asked:
        for one in paths:
            save_reply(one, "here", REPLY)
    assert len(asked) == len(paths)
    for one in paths:
        save_reply(one, "here", REPLY)
    assert [*(tmp_path / "far").iterdir()] == [tmp_path / "far" / "link.db"]


def test_a_link_that_comes_to_lead_elsewhere_takes_the_lock_along(database, tmp_path):
    lock = Lock(database)
    database.rename(tmp_path / "elsewhere.db")
    database.symlink_to(tmp_path / "elsewhere.db")
    assert lock.is_lost()
    lock.renew()

    with pytest.raises(Busy, match=f"process {os.getpid()}"):
        Lock(tmp_path / "elsewhere.db")
    lock.release()


def test_a_process_that_could_make_no_lock_file_is_given_way_to_and_is_not_named_by_the_databases_first_bytes(database):
    lock_path(database).unlink(missing_ok=True)
    with database.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        lock_path(database).write_text("4711 briefly")  # of somebody who is gone
        with pytest.raises(Busy) as caught:
            Lock(database)
        with pytest.raises(NotCarriedOut, match=r"monitor.db is held by another process, which does not listen"):
            submit_request(database, REQUEST, lambda: write_directly(database, "here", print), patience_s=0.1)
    assert str(caught.value).startswith(f"{lock_path(database)}: another provider-monitor (another process) is at work")
    Lock(database).release()


def test_a_link_in_the_place_of_the_lock_is_not_followed(database, tmp_path):
    (tmp_path / "precious").write_text("precious")
    lock_path(database).unlink(missing_ok=True)
    lock_path(database).symlink_to(tmp_path / "precious")
    Lock(database).release()

    assert (tmp_path / "precious").read_text() == "precious"


def test_what_is_too_long_for_the_socket_is_refused_before_anything_is_asked(database):
    with pytest.raises(NotCarriedOut, match="too long; name less than 64 KiB at once"):
        submit_request(database, Request(RequestKind.REPLY, Raw(b'"' + b"x" * MAX_LINE_BYTES + b'"')), nobody_else)


@pytest.fixture
def theirs(monkeypatch):
    """A database of another user's, who has a runtime folder."""
    with public_folder() as folder:
        (folder / "runtime").mkdir(mode=0o700)
        (folder / "state").mkdir(mode=0o700)
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder / "runtime"))
        made = folder / "state" / "monitor.db"
        open_writer(made).close()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, STRANGER, STRANGER)
        yield made


def owners(folder):
    return {(path.stat().st_uid, path.stat().st_gid) for path in folder.rglob("*")}


@as_root
def test_what_root_writes_for_another_user_belongs_to_that_user(theirs):
    save_reply(theirs, "here", REPLY)

    assert replies(theirs) == [REPLY]
    assert lock_path(theirs).exists()
    assert owners(theirs.parent.parent) == {(STRANGER, STRANGER)}


@as_root
def test_so_does_the_socket_of_what_root_runs(theirs):
    with process(theirs):
        (file,) = (one for one in socket_files(theirs) if one.exists())
        seen = file.stat()
        assert (seen.st_uid, stat.S_IMODE(seen.st_mode)) == (STRANGER, 0o600)


@as_root
def test_root_finds_the_socket_with_the_stand_in_of_another_user(theirs, monkeypatch):
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    monkeypatch.setattr("monitor.store.standby_path.SHARED", theirs.parent.parent / "none")
    os.seteuid(STRANGER)
    try:
        (aside,) = socket_files(theirs)[1:]
    finally:
        os.seteuid(0)

    try:
        assert socket_files(theirs, STRANGER) == [theirs.with_name("monitor.db.sock"), aside]
        assert aside.parent.name == f"provider-monitor-{STRANGER}"
    finally:
        with suppress(OSError):  # a program that another test runs as this user has a place there, too
            aside.parent.rmdir()


@as_root
def test_another_user_reaches_no_socket_of_ours(theirs):
    theirs.parent.chmod(0o755)
    with process(theirs):
        os.seteuid(2)
        try:
            with pytest.raises(NotCarriedOut, match="monitor.db belongs to nobody, and this is bin: .* sudo -u nobody"):
                save_reply(theirs, "here", REPLY)
        finally:
            os.seteuid(0)


def test_what_an_older_version_left_as_files_is_read_in_order_and_then_gone(database):
    folder, wishes = database.with_name("monitor.db.replies"), database.with_name("monitor.db.wishes")
    aside = standby_file(database)
    third = aside.with_name(f"{aside.name}.replies")
    for one in (folder, wishes, third):
        one.mkdir()
    late = b'{"kind": "acknowledge", "at": "2026-11-21T12:00:09Z", "subject": "late"}'
    early = b'{"kind": "acknowledge", "at": "2026-11-21T12:00:01", "subject": "early"}'
    (folder / "a.json").write_bytes(late)
    (third / "b.json").write_bytes(early)
    timeless = late.replace(b"2026", b"9999")
    for name, content in (("bad", b"{"), ("worse", b"\xff"), ("deep", b"[" * 60_000), ("timeless", timeless)):
        (folder / f"{name}.json").write_bytes(content)
    (wishes / "c.json").write_bytes(b'{"account": "openai/main"}')

    found = legacy_replies(database)
    assert [one.reply.subject for one in found] == ["early", "late"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.json"]
    delete_legacy_replies(database, found)
    assert not any(one.exists() for one in (folder, wishes, third))


def test_a_file_that_an_older_version_left_and_nobody_can_read_is_set_aside_and_named(database, caplog):
    folder = database.with_name("monitor.db.replies")
    folder.mkdir()
    (folder / "a.json").symlink_to("/etc/hostname")

    assert legacy_replies(database) == []
    assert "cannot be read" in caplog.text
    assert [one.name for one in folder.iterdir()] == ["a.unread"]
    delete_legacy_replies(database, [])
    assert folder.exists()


def test_while_the_lock_is_held_by_another_process_nothing_is_written(database):
    with lock_path(database).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Busy):
            write_directly(database, "here", lambda it: it.save_reply(REPLY))
    assert replies(database) == []
