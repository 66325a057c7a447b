"""Whatever hangs, the program ends within seconds of being asked to, and what it was at is done by the next one."""

import os
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from monitor.backend import open_store
from monitor.stages import drill
from monitor.store.lock import Busy
from monitor.store.setting import StoreAddress
from probes.model import Fault
from tests.backstage import ROOT, environment
from tests.faults.deaf import crowded, deaf
from tests.faults.machine import until

LIMIT_S = 5.0
KEY = "sk-ending-0123456789abcdefghij"

HEAD = """
[probe]
online = []
connect_s = 60
silence_s = 60
total_s = 120
[budget]
daily_tokens = 1000000000
daily_usd = 1000000
"""
QUIET = "[status]\npoll = false\n"
NO_PAGE = "[site]\nserve = false\n"
DRIP = b"HTTP/1.1 200 OK\r\nX-Drip: "


def account(name, base, more='canaries = ["list"]'):
    return f'[[accounts]]\nname = "{name}"\nprovider = "openai"\nkey = "env:KEY"\nbase = "{base}"\n{more}\n'


def channel(url, name="hook"):
    return f'[[channels]]\nname = "{name}"\nurl = "{url}"\n'


def write(folder, *blocks):
    (folder / "monitor.toml").write_text("\n".join((HEAD, *blocks)))


def line(*arguments):
    return [sys.executable, "-m", "monitor", *arguments]


@contextmanager
def program(folder, *command, **more):
    """Start the program; it must be ended within."""
    known = environment(PYTHONPATH=str(ROOT), KEY=KEY) | more
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(command, cwd=folder, env=known, stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def end(process, number=signal.SIGTERM):
    """Ask for the end; return after how many seconds it came."""
    began = time.monotonic()
    process.send_signal(number)
    process.wait(60)
    return time.monotonic() - began


def hold_drill(folder, id="openai/main"):
    until(lambda: database(folder).exists())
    store, wish = open_store(StoreAddress(database(folder), "here")), drill.Drill(id, FAULT, datetime.now(UTC))
    drill.request_drill(store, wish, is_running)


FAULT = Fault.ACCOUNT_SUSPENDED


def is_running():
    raise Busy(Path("monitor.db.lock"), "that runs")


def database(folder):
    return folder / "state" / "monitor.db"


def rows(folder, query):
    connect = partial(sqlite3.connect, f"file:{database(folder)}?mode=ro", uri=True)
    with suppress(sqlite3.OperationalError), closing(connect()) as db:  # there is no table yet
        return db.execute(query).fetchall()
    return []


def ends_soon(folder, process, number=signal.SIGTERM, code=0):
    took_s = end(process, number)
    said = (folder / "log").read_text()
    assert (process.returncode, "Traceback" in said) == (code, False), said
    assert took_s < LIMIT_S


MAIL = "mailto://me:secret@127.0.0.1:{port}/?from=me@example.com&to=you@example.com&smtp=127.0.0.1"
CHANNELS = {
    "silent": (deaf, "json://127.0.0.1:{port}/"),
    "dripping": (lambda: deaf(DRIP), "json://127.0.0.1:{port}/"),
    "never-connects": (crowded, "json://127.0.0.1:{port}/"),
    "mail": (deaf, MAIL),
    "mail-dripping": (lambda: deaf(b"220-"), MAIL),
}


@pytest.mark.parametrize(("server", "url"), CHANNELS.values(), ids=CHANNELS)
def test_a_channel_that_hangs_holds_up_no_end_and_its_message_waits_for_the_next_start(tmp_path, server, url):
    with server() as other, deaf() as provider:
        address = url.format(port=other.port)
        write(tmp_path, QUIET, NO_PAGE, account("main", base(provider)), channel(address))
        with program(tmp_path, *line("run")) as process:
            hold_drill(tmp_path)
            until(lambda: rows(tmp_path, "SELECT 1 FROM outbox"))
            until(lambda: other.asked or server is crowded)
            time.sleep(1)
            ends_soon(tmp_path, process)
    assert rows(tmp_path, "SELECT step, state, tries FROM outbox") == [("opened", "waiting", 0)]


def test_what_a_channel_did_not_answer_is_sent_once_by_the_next_start(tmp_path, stage):
    refused = account("main", "http://127.0.0.1:1/v1")
    with deaf() as other:
        write(tmp_path, QUIET, NO_PAGE, refused, channel(f"json://127.0.0.1:{other.port}/"))
        with program(tmp_path, *line("run")) as process:
            hold_drill(tmp_path)
            until(lambda: other.asked)
            ends_soon(tmp_path, process)
    write(tmp_path, QUIET, NO_PAGE, refused, channel(stage.inbox.url))
    with program(tmp_path, *line("run")) as process:
        until(lambda: len(stage.inbox.messages) >= 2)
        ends_soon(tmp_path, process)
    opened, resolved = stage.inbox.titles()
    assert ("DRILL" in opened, "RESOLVED" in resolved) == (True, True)


def hung_accounts(count):
    @contextmanager
    def made(_):
        with deaf() as other:
            yield [account(f"a{number}", base(other)) for number in range(count)], lambda: other.asked

    return made


@contextmanager
def hung_connect(_):
    with crowded() as other:
        yield [account("main", base(other))], lambda: time.sleep(6) or True


@contextmanager
def hung_heartbeat(_):
    with deaf() as provider, deaf() as other:
        yield (
            [f'[heartbeat]\nurl = "http://127.0.0.1:{other.port}/"', account("main", base(provider))],
            lambda: other.asked,
        )


def base(other):
    return f"http://127.0.0.1:{other.port}/v1"


@contextmanager
def hung_feed(_):
    with deaf() as other:
        page = f"http://127.0.0.1:{other.port}/feed"
        feed = f'[[providers.openai.feeds]]\nid = "own"\nform = "feed"\nurl = "{page}"\npage = "{page}"\nsource = "t"\n'
        yield [feed, account("main", base(other)), "[status]\npoll = true\n"], lambda: other.asked > 1


@contextmanager
def stubborn_client(folder):
    """A client that heeds no signal, with a child that does not either and holds its output open."""
    child = f"trap '' TERM INT HUP; echo $$ >> {folder}/pids; while :; do sleep 1; done"
    script = f"({child}) & {child}"
    command = f'[[accounts]]\nname = "plan"\nprovider = "codex"\ncommand = ["sh", "-c", "{script}"]\n'
    yield [command], lambda: (folder / "pids").exists()
    for pid in (folder / "pids").read_text().split():
        with suppress(FileNotFoundError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            assert state == "Z"


HANGS = {
    "one-account": hung_accounts(1),
    "a-thousand-accounts": hung_accounts(1000),
    "connect": hung_connect,
    "heartbeat": hung_heartbeat,
    "feed": hung_feed,
    "client": stubborn_client,
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_what_hangs_outside_holds_up_no_end_and_is_no_failure(tmp_path, hang, number):
    with hang(tmp_path) as (blocks, is_at_it):
        status = () if any("[status]" in one for one in blocks) else (QUIET,)
        write(tmp_path, *status, NO_PAGE, *blocks)
        with program(tmp_path, *line("run")) as process:
            until(is_at_it)
            ends_soon(tmp_path, process, number)
    assert rows(tmp_path, "SELECT outcome FROM observation") == []


RESOLVER = "127.0.0.91"
NAMELESS = "mount --bind {0}/resolv.conf /etc/resolv.conf && mount --bind {0}/hosts /etc/hosts && exec {1}"


@contextmanager
def nameless(folder):
    """Yield what goes before a command so that no name is ever answered for."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a resolver of its own needs root and unshare")
    (folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions timeout:30 attempts:5\n")
    (folder / "hosts").write_text("127.0.0.1 localhost\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        try:
            resolver.bind((RESOLVER, 53))
        except OSError as error:
            pytest.skip(f"nobody can listen for names here: {error.strerror}")
        yield lambda *command: [unshare, "-m", "sh", "-c", NAMELESS.format(folder, shlex.join(command))]


def test_a_name_that_is_never_answered_for_holds_up_no_end_and_nothing_else(tmp_path):
    hosts = [account(f"a{number}", f"http://host{number}.example/v1") for number in range(40)]
    with nameless(tmp_path) as within:
        write(tmp_path, QUIET, NO_PAGE, *hosts, channel("json://nobody.example/"))
        with program(tmp_path, *within(*line("run"))) as process:
            hold_drill(tmp_path, "openai/a1")
            until(lambda: rows(tmp_path, "SELECT 1 FROM outbox"), 20)
            time.sleep(4)
            ends_soon(tmp_path, process)
    assert rows(tmp_path, "SELECT state, tries FROM outbox") == [("waiting", 0)]


def test_a_reader_of_the_page_who_never_finishes_asking_holds_up_no_end(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with deaf() as provider, socket.socket() as idle, socket.socket() as half:
        write(tmp_path, QUIET, f"[site]\nport = {port}\n", account("main", base(provider)))
        with program(tmp_path, *line("run")) as process:
            until(lambda: provider.asked)
            for one, said in ((idle, b"GET / HTTP/1.1"), (half, b"POST /answer/x HTTP/1.1\r\nContent-Length: 900")):
                one.connect(("127.0.0.1", port))
                one.sendall(said + b"\r\nHost: localhost\r\n" + b"\r\na" * (one is half))
            time.sleep(1)
            ends_soon(tmp_path, process)


@contextmanager
def held(folder):
    """Let another process hold the database."""
    code = f"import sqlite3; db = sqlite3.connect({str(database(folder))!r}, isolation_level=None); "
    code += "db.execute('BEGIN EXCLUSIVE'); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            other.communicate(b"\n")


@pytest.mark.parametrize("later_s", [0, 0.5, 3])
def test_a_database_that_another_holds_holds_up_no_end(tmp_path, later_s):
    with deaf() as provider:
        write(tmp_path, QUIET, NO_PAGE, account("main", base(provider)), channel("json://127.0.0.1:1/"))
        with program(tmp_path, *line("run")) as process:
            until(lambda: provider.asked)
            with held(tmp_path):
                hold_drill(tmp_path)
                time.sleep(later_s)
                ends_soon(tmp_path, process)


def heeds(pid):
    """Whether a program hears of SIGTERM by itself: the first of a namespace gets none before."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("SigCgt:")[2].split()[0], 16) >> (signal.SIGTERM - 1) & 1


FIRST = ["unshare", "-p", "-f", "--kill-child"]
needs_namespaces = pytest.mark.skipif(
    not shutil.which("unshare") or bool(subprocess.run([*FIRST, "true"], capture_output=True, check=False).returncode),
    reason="a namespace of its own needs root and unshare",
)


def ends_as_first(process, its, times=1):
    """End what is the first process of a namespace; return after how many seconds it was over."""
    began = time.monotonic()
    for _ in range(times):
        os.kill(its, signal.SIGTERM)
        time.sleep(0.2)
    assert process.wait(60) == 0
    return time.monotonic() - began


@pytest.mark.parametrize("later_s", [0, 0.1, 0.3, 0.6, 1])
def test_a_reload_that_is_asked_for_during_the_start_ends_nothing_and_follows_it(tmp_path, later_s):
    (tmp_path / "key.sh").write_text("sleep 1; echo sk-1234567890abcdefghij\n")
    with deaf() as provider:
        write(tmp_path, QUIET, NO_PAGE, account("main", base(provider)).replace("env:KEY", "command:sh key.sh"))
        with program(tmp_path, *line("run")) as process:
            until(lambda: has_blocked(process.pid, signal.SIGHUP))
            time.sleep(later_s)
            process.send_signal(signal.SIGHUP)
            until(lambda: "monitor.toml was taken up" in (tmp_path / "log").read_text())
            process.send_signal(signal.SIGHUP)
            until(lambda: (tmp_path / "log").read_text().count("monitor.toml was taken up") == 2)
            ends_soon(tmp_path, process)


def has_blocked(pid, number):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("SigBlk:")[2].split()[0], 16) >> (number - 1) & 1


@needs_namespaces
@pytest.mark.parametrize("later_s", [0, 0.1, 0.2, 0.4, 0.8])
def test_it_can_be_ended_while_it_starts_and_while_it_asks_a_program_for_a_key(tmp_path, later_s):
    (tmp_path / "key.sh").write_text("sleep 20; echo sk-1234567890abcdefghij\n")
    with deaf() as provider:
        block = account("main", base(provider)).replace("env:KEY", "command:sh key.sh")
        write(tmp_path, QUIET, NO_PAGE, block)
        with program(tmp_path, *FIRST, *line("run")) as process:
            its = child(process.pid)
            until(lambda: heeds(its))
            time.sleep(later_s)
            assert ends_as_first(process, its) < 2


def test_a_program_that_is_asked_for_a_key_anew_does_not_outlive_the_monitor(tmp_path):
    asks = f'if [ -e hang ]; then echo $$ > {tmp_path}/pid; trap "" TERM; sleep 60; fi; echo {KEY}\n'
    (tmp_path / "key.sh").write_text(asks)
    with deaf() as provider:
        write(tmp_path, QUIET, NO_PAGE, account("main", base(provider)).replace("env:KEY", "command:sh key.sh"))
        with program(tmp_path, *line("run")) as process:
            until(lambda: provider.asked)
            (tmp_path / "hang").touch()
            process.send_signal(signal.SIGHUP)
            until((tmp_path / "pid").exists)
            ends_soon(tmp_path, process)
    until(lambda: not lives((tmp_path / "pid").read_text().strip()))


def lives(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@needs_namespaces
@pytest.mark.parametrize(("times", "limit_s"), [(1, LIMIT_S), (2, 2)], ids=["asked-once", "asked-twice"])
def test_as_the_first_process_of_a_container_it_ends_too(tmp_path, times, limit_s):
    with deaf() as provider, deaf() as other:
        write(tmp_path, QUIET, NO_PAGE, account("main", base(provider)), channel(f"json://127.0.0.1:{other.port}/"))
        with program(tmp_path, *FIRST, *line("run")) as process:
            hold_drill(tmp_path)
            until(lambda: other.asked)
            assert ends_as_first(process, child(process.pid), times) < limit_s


@needs_namespaces
def test_a_long_statement_of_the_database_holds_up_no_end_of_a_start(tmp_path):
    """SQLite keeps Python from hearing of a signal for as long as one statement lasts, as those of a migration may."""
    work = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    begin = "import sqlite3; from monitor.runtime.shutdown import stop_on_sigterm; stop_on_sigterm(0)"
    code = f"{begin}; sqlite3.connect(':memory:').execute({work!r})"
    with program(tmp_path, *FIRST, sys.executable, "-c", code) as process:
        its = child(process.pid)
        until(lambda: heeds(its))
        time.sleep(0.5)
        assert ends_as_first(process, its) < LIMIT_S


def child(pid):
    until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_single_round_ends_soon_too(tmp_path, hang):
    with hang(tmp_path) as (blocks, is_at_it):
        status = () if any("[status]" in one for one in blocks) else (QUIET,)
        write(tmp_path, *status, NO_PAGE, *blocks)
        with program(tmp_path, *line("once")) as process:
            until(is_at_it)
            ends_soon(tmp_path, process, code=128 + signal.SIGTERM)
    assert rows(tmp_path, "SELECT outcome FROM observation") == []


@contextmanager
def slow_key(folder):
    """A program that is asked for a key, and has not said it yet."""
    (folder / "key.sh").write_text(f"echo $$ >> {folder}/pids; sleep 60\n")
    with deaf() as provider:
        yield [account("main", base(provider)).replace("env:KEY", "command:sh key.sh")], (folder / "pids").exists
    for pid in (folder / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("command", "hang"), [("probe", stubborn_client), ("probe", slow_key), ("check", slow_key)])
def test_a_command_that_is_ended_leaves_neither_programs_nor_folders(tmp_path, command, hang, number):
    (tmp_path / "temporary").mkdir()
    with hang(tmp_path) as (blocks, is_at_it):
        write(tmp_path, *blocks)
        with program(tmp_path, *line(command), TMPDIR=str(tmp_path / "temporary")) as process:
            until(is_at_it)
            ends_soon(tmp_path, process, number, code=128 + number)
    assert list((tmp_path / "temporary").iterdir()) == []
