"""Channels of the real program that refuse, fail, drip and hang, beside one that works; and a storm."""

import signal
import socket
import threading
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from sqlite3 import connect

from probes.simulator import Trouble
from tests.backstage import call, start
from tests.faults.machine import until

DOWN, RESOLVED = "[DOWN] openai/main: account suspended", "[RESOLVED] openai/main: account suspended"
PAUSE_S = 1


@contextmanager
def running(folder):
    with start("run", folder=folder) as program:
        try:
            yield program
        finally:
            program.send_signal(signal.SIGTERM)
            program.log = program.communicate(timeout=30)[1]


def channel(name, port):
    return f'[[channels]]\nname = "{name}"\nurl = "json://127.0.0.1:{port}/hook"\nlimit_s = 5\n'


@contextmanager
def bad_channel(manner):
    """Take connections and answer them in this manner."""

    def answer(connection):
        with suppress(OSError), connection:
            connection.recv(65536)
            if manner == "fails":
                connection.sendall(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n")
            elif manner == "refuses the token":
                connection.sendall(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")
            elif manner == "asks for patience":
                connection.sendall(b"HTTP/1.1 429 X\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n")
            elif manner == "talks no HTTP":
                connection.sendall(b"\xff\xfe\r\n\r\n" * 100)
            elif manner == "drips":
                connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    connection.sendall(b"x")
                    time.sleep(PAUSE_S)
            else:
                time.sleep(60)

    def serve(listening):
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


MANNERS = ("fails", "refuses the token", "asks for patience", "talks no HTTP", "drips", "hangs")


def test_channels_that_fail_in_any_manner_hold_up_no_other_and_are_named_on_the_page(stage, tmp_path):
    with ExitStack() as open_ones:
        ports = {manner: open_ones.enter_context(bad_channel(manner)) for manner in MANNERS} | {"refuses": 1}
        stage.write_config(tmp_path)
        with (tmp_path / "monitor.toml").open("a") as file:
            file.write("".join(channel(name, port) for name, port in ports.items()))
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        with running(tmp_path) as program:
            until(lambda: DOWN in stage.inbox.titles(), 60)
            page = tmp_path / "site" / "index.html"
            said = [f"messages to {name} are not getting through" for name in ports]
            until(lambda: all(one in page.read_text() for one in said), 60)
            stage.set("openai/main", None)
            until(lambda: RESOLVED in stage.inbox.titles(), 90)
            assert program.poll() is None
    assert [one for one in stage.inbox.titles() if not one.startswith("[CHANNEL")] == [DOWN, RESOLVED]
    assert "Traceback" not in program.log


def is_over(folder):
    with closing(connect(folder / "state" / "monitor.db")) as db:
        return db.execute("SELECT count(closed), count(*) FROM incident").fetchone() == (1, 1)


def test_a_channel_that_comes_back_hears_what_is_true_now_and_no_flood(stage, tmp_path):
    stage.write_config(tmp_path)
    stage.inbox.answer = 503
    with running(tmp_path):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: stage.inbox.asked >= 2, 60)
        stage.set("openai/main", None)
        until(lambda: is_over(tmp_path), 90)
        stage.inbox.answer = 200
        until(lambda: stage.inbox.messages, 90)
        time.sleep(10)
    assert stage.inbox.titles() == [RESOLVED]
    assert "This is the first you hear of it" in stage.inbox.messages[0]["message"]


CROWD = 300


def test_a_storm_of_many_accounts_of_one_provider_is_one_message(stage, tmp_path):
    stage.write_config(tmp_path)
    block = '[[accounts]]\nname = "a{0}"\nprovider = "openai"\nkey = "env:OPENAI_MAIN"\nbase = "{1}"\n'
    block += 'canaries = ["list"]\ninterval_s = {{ list = 10 }}\n'
    with (tmp_path / "monitor.toml").open("a") as file:
        file.write("".join(block.format(number, stage.simulator.base("openai")) for number in range(CROWD)))
    with running(tmp_path):
        until(lambda: call("status", "--account", "openai/a299", folder=tmp_path)[0] == 0, 60)  # it is up
        stage.set("openai", Trouble.SERVER_ERROR)
        until(lambda: stage.inbox.messages, 240)
        time.sleep(10)
        stage.set("openai", None)
        until(lambda: len(stage.inbox.messages) > 1, 120)
    assert [title.split()[0] for title in stage.inbox.titles()] == ["[DOWN]", "[RESOLVED]"]
    assert all("server errors" in title for title in stage.inbox.titles())
