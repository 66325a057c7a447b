"""The control socket: who may speak, what becomes of hostile, slow and many speakers, and of the file itself."""

import asyncio
import os
import socket
import stat
import threading
import time
from contextlib import asynccontextmanager, closing, contextmanager, suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from monitor.control.client import send_request
from monitor.control.message import (
    MAX_LINE_BYTES,
    MOST_WORDS,
    Request,
    RequestKind,
    RequestResult,
    RequestStatus,
    read_result,
    to_line,
)
from monitor.control.server import ControlServer
from monitor.control.socket_file import MAX_PATH_LENGTH as LONGEST_PATH
from monitor.control.socket_file import Owner, bind, connect, file_id, remove_socket

US = Owner(os.geteuid(), os.getegid())
REQUEST = Request(RequestKind.REPLY, Raw(b'{"a": 1}'))
DONE = RequestResult(RequestStatus.DONE)
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux names what a process has open")


async def done(_):
    return DONE


@asynccontextmanager
async def serving(*places, handle=done, is_holder=lambda: True, most=None, **seconds):
    server = ControlServer(lambda: places, US, handle, is_holder, most, **seconds)
    await server.listen()
    try:
        yield server
    finally:
        await server.close()


def say(file, data, patience_s=5.0, hang_up=True):
    """Say bytes to the socket; return what comes back until the other side closes."""
    with closing(connect(file, {US.uid}, patience_s)) as connection:
        with suppress(ConnectionError):
            connection.sendall(data)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
        heard = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                heard += piece
        return heard


@pytest.fixture
def file(tmp_path):
    return tmp_path / "monitor.db.sock"


def test_a_request_is_answered_and_the_file_is_gone_afterwards(file):
    asked = []

    async def handle(request):
        asked.append(request)
        return RequestResult(RequestStatus.KNOWN, "as before")

    async def play():
        async with serving(file, handle=handle):
            return await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)

    assert asyncio.run(play()) == RequestResult(RequestStatus.KNOWN, "as before")
    assert [(one.kind, bytes(one.body)) for one in asked] == [(REQUEST.kind, b'{"a": 1}')]
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_only_its_owner_speaks_whatever_the_umask_is(file, umask):
    before = os.umask(umask)
    try:
        with closing(bind(file, US)):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert os.umask(umask) == umask
    finally:
        os.umask(before)


def test_there_is_no_moment_in_which_others_may_speak(file, monkeypatch):
    modes, chmod = [], os.chmod

    def seen(name, mode, *, dir_fd):
        modes.append(stat.S_IMODE(os.stat(name, dir_fd=dir_fd).st_mode))
        chmod(name, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "chmod", seen)
    before = os.umask(0)
    try:
        bind(file, US).close()
    finally:
        os.umask(before)

    assert [mode & 0o077 for mode in modes] == [0]


def test_a_socket_that_a_dead_process_left_is_replaced_and_so_is_half_of_one(file):
    bind(file, US).close()
    (draft,) = _drafts(file)
    with closing(socket.socket(socket.AF_UNIX)) as half:
        half.bind(str(draft))
    assert connect(file, {US.uid}, 1) is None

    with closing(bind(file, US)), closing(connect(file, {US.uid}, 1)) as connection:
        assert connection is not None
    assert list(file.parent.iterdir()) == [file]


def _drafts(file):
    """Where a socket is bound before it gets its name, as a bind that fails halfway leaves it."""
    from monitor.control.socket_file import _draft

    return [file.with_name(_draft(file.name))]


IN_THE_WAY = {
    "a file": lambda path: path.write_text("mine"),
    "a folder": lambda path: path.mkdir(),
    "a link": lambda path: path.symlink_to("/etc/hostname"),
    "a link to a socket": lambda path: path.symlink_to(path.with_name("real.sock")),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("where", ["its place", "its draft's"])
@pytest.mark.parametrize("put", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_no_socket_of_ours_is_neither_spoken_to_nor_replaced_nor_followed(file, put, where):
    real = socket.socket(socket.AF_UNIX)
    real.bind(str(file.with_name("real.sock")))
    real.listen()
    place = file if where == "its place" else _drafts(file)[0]
    put(place)
    before = os.lstat(place)

    with closing(real), pytest.raises(FileExistsError, match="is there, and is no socket of ours; move it away"):
        bind(file, US)
    assert os.path.samestat(os.lstat(place), before)
    assert connect(file, {US.uid}, 1) is None
    remove_socket(file, file_id(file.with_name("real.sock")))
    assert os.path.lexists(place)


def test_a_socket_of_another_user_is_not_spoken_to(file):
    with closing(bind(file, US)):
        assert connect(file, {US.uid + 1}, 1) is None


@pytest.fixture(params=["a long folder", "a long name"])
def far(request, tmp_path):
    """A path that the kernel takes for no socket."""
    name = "x" * 240 + ".sock" if request.param == "a long name" else "monitor.db.sock"
    folder = tmp_path.joinpath(*["x" * 200] * 3) if request.param == "a long folder" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


@linux
def test_a_path_of_any_length_will_do(far):
    async def play():
        async with serving(far):
            assert stat.S_ISSOCK(far.stat().st_mode)
            return await asyncio.to_thread(send_request, far, {US.uid}, REQUEST)

    assert asyncio.run(play()) == DONE
    assert list(far.parent.iterdir()) == []


@linux
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_longest_path_is_known_to_the_byte(tmp_path, over):
    folder = tmp_path / ("x" * (LONGEST_PATH - len(str(tmp_path)) - len("/monitor.db.sock") - 1 + over))
    folder.mkdir()
    file = folder / "monitor.db.sock"
    assert len(str(file)) == LONGEST_PATH + over

    with closing(bind(file, US)), closing(connect(file, {US.uid}, 1)) as connection:
        assert connection.getpeername()


def test_where_there_is_no_way_round_the_length_the_error_says_what_to_do(tmp_path):
    file = tmp_path / ("x" * 150) / "monitor.db.sock"
    file.parent.mkdir()

    with pytest.raises(OSError, match=rf"has {LONGEST_PATH} bytes at most here; name a shorter \[store\] path"):
        bind(file, US, tmp_path / "none")
    assert list(file.parent.iterdir()) == []


def test_where_the_first_place_takes_none_the_next_one_does(tmp_path, file):
    (tmp_path / "full").write_text("a file, and no folder")

    async def play():
        async with serving(tmp_path / "full" / "a.sock", file):
            return await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)

    assert asyncio.run(play()) == DONE


@pytest.mark.parametrize("put", [lambda _: None, lambda path: bind(path, US).close()], ids=["gone", "replaced"])
@pytest.mark.parametrize("holds", [True, False])
def test_a_file_that_is_taken_away_is_bound_anew_by_who_holds_the_lock(file, put, holds):
    async def play():
        held = [True]
        async with serving(file, is_holder=lambda: held[0]) as server:
            await server.listen()
            file.unlink()
            put(file)
            held[0] = holds
            await server.listen()
            return await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)

    assert asyncio.run(play()) == (DONE if holds else None)


def test_the_end_leaves_the_socket_of_who_came_after(file):
    async def play():
        async with serving(file):
            after = bind(file, US)
        after.close()

    asyncio.run(play())
    assert file.exists()


HOSTILE = {
    "nothing": b"",
    "no line": b"x" * 100,
    "no JSON": b"\xff\x00{\n",
    "another kind": b'{"kind": "restart", "body": 1}\n',
    "no body": b'{"kind": "reply"}\n',
    "a number": b"7\n",
    "lists without end": b"[" * 60_000 + b"\n",
    "a line without end": b"a" * (4 * MAX_LINE_BYTES),
    "a line that is too long": b'{"kind": "reply", "body": "' + b"a" * 2 * MAX_LINE_BYTES + b'"}\n',
    "half of a pair": b'{"kind": "reply", "body": "\\ud800"}\n'[:-2] + b"\n",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_refused_and_the_next_is_answered(file, data):
    async def play():
        async with serving(file):
            heard = await asyncio.to_thread(say, file, data)
            return heard, await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)

    heard, after = asyncio.run(play())
    assert heard == b"" or msgspec.json.decode(heard, type=RequestResult).status is RequestStatus.REFUSED
    assert after == DONE


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: to_line(REQUEST)[:20] + text.encode()))
def test_no_bytes_are_an_error_of_ours(file, data, caplog):
    async def play():
        async with serving(file):
            return await asyncio.to_thread(say, file, data + b"\n")

    assert msgspec.json.decode(asyncio.run(play()), type=RequestResult)
    assert caplog.records == []


def test_who_is_silent_slow_or_reads_nothing_is_sent_away_and_holds_up_nobody(file):
    def drip(until):
        with closing(connect(file, {US.uid}, 5)) as connection, suppress(OSError):
            while time.monotonic() < until:
                connection.sendall(b"{")
                time.sleep(0.05)

    async def play():
        async with serving(file, request_s=0.5):
            silent = [connect(file, {US.uid}, 5) for _ in range(5)]
            ends = time.monotonic() + 2
            dripping = threading.Thread(target=drip, args=(ends,))
            dripping.start()
            began = time.monotonic()
            answer = await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)
            took_s = time.monotonic() - began
            heard = [await asyncio.to_thread(one.recv, 4096) for one in silent]
            await asyncio.to_thread(dripping.join)
            for one in silent:
                one.close()
            return answer, took_s, heard, time.monotonic() < ends

    answer, took_s, heard, dripping_was_cut = asyncio.run(play())
    assert (answer, took_s < 0.4, dripping_was_cut) == (DONE, True, True)
    assert all(b'"refused"' in one for one in heard)


def test_when_it_is_full_whoever_comes_is_told_to_try_again_and_can(file):
    async def play():
        async with serving(file, most=3, request_s=0.5):
            silent = [connect(file, {US.uid}, 5) for _ in range(3)]
            await asyncio.sleep(0.1)
            busy = await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)
            await asyncio.sleep(0.6)
            after = await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)
            for one in silent:
                one.close()
            return busy, after

    assert asyncio.run(play()) == (None, DONE)


def test_what_is_asked_is_done_to_its_end_though_who_asked_has_gone(file):
    ended = []

    async def handle(_):
        await asyncio.sleep(0.3)
        ended.append(True)
        return DONE

    async def play():
        async with serving(file, handle=handle):
            with closing(connect(file, {US.uid}, 5)) as connection:
                connection.sendall(to_line(REQUEST))
            await asyncio.sleep(0.1)

    asyncio.run(play())
    assert ended == [True]


def test_whoever_says_nothing_holds_up_no_end(file):
    async def play():
        async with serving(file):
            silent = [connect(file, {US.uid}, 5) for _ in range(5)]
            await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)
            began = time.monotonic()
        took_s = time.monotonic() - began
        heard = [await asyncio.to_thread(one.recv, 4096) for one in silent]
        for one in silent:
            one.close()
        return took_s < 0.5, heard

    assert asyncio.run(play()) == (True, [b""] * 5)


def test_what_takes_too_long_is_said_to_be_pending(file):
    async def handle(_):
        await asyncio.sleep(0.4)
        return DONE

    async def play():
        async with serving(file, handle=handle, work_s=0.1):
            return await asyncio.to_thread(send_request, file, {US.uid}, REQUEST)

    assert asyncio.run(play()).status is RequestStatus.PENDING


def test_an_error_of_ours_is_said_logged_and_ends_nothing(file, caplog):
    async def handle(_):
        raise KeyError("oops")

    async def play():
        async with serving(file, handle=handle):
            return [await asyncio.to_thread(send_request, file, {US.uid}, REQUEST) for _ in range(2)]

    for answer in asyncio.run(play()):
        assert answer.status is RequestStatus.REFUSED
        assert "the monitor's own fault (KeyError)" in answer.words
    assert "oops" in caplog.text


@contextmanager
def pretender(file, says, closes=True):
    """Whoever listens in the place of a monitor, and says something else."""
    listening = bind(file, US)
    listening.setblocking(True)

    def play():
        with suppress(OSError):
            one, _ = listening.accept()
            with closing(one):
                one.recv(4096)
                one.sendall(says)
                if not closes:
                    time.sleep(1)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        listening.close()


@pytest.mark.parametrize("says", [b"", b"\xff\n", b"7\n", b'{"status": "done"', b"x" * 2 * MAX_LINE_BYTES])
def test_an_answer_that_is_none_is_to_be_asked_for_again(file, says):
    with pretender(file, says):
        assert send_request(file, {US.uid}, REQUEST) is None


def test_whoever_hangs_is_waited_for_no_longer_than_he_is_given(file):
    with pretender(file, b"{", closes=False), pytest.raises(TimeoutError):
        send_request(file, {US.uid}, REQUEST, wait_s=0.3)


def test_two_hundred_at_once_are_all_answered(file):
    async def play():
        async with serving(file):
            return await asyncio.gather(*(asyncio.to_thread(until_answered, file) for _ in range(200)))

    assert asyncio.run(play()) == [DONE] * 200


def until_answered(file):
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        if answer := send_request(file, {US.uid}, REQUEST):
            return answer
        time.sleep(0.02)
    return None


@pytest.mark.parametrize("letter", ["x", "\x01", "中", "😀"])
def test_a_result_of_many_words_is_cut_and_still_an_answer(letter):
    line = to_line(RequestResult(RequestStatus.REFUSED, letter * MAX_LINE_BYTES))

    assert len(line) < MAX_LINE_BYTES
    assert read_result(line).words == f"{letter * (MOST_WORDS - 1)}…"
