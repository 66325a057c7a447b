"""What people answer, while the real program starts, ends, hangs, is killed, is attacked or cannot write."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match
from monitor.backend import open_store
from monitor.commands.drill import run_drill
from monitor.config.load import load_config
from monitor.control.message import ANSWER_S
from monitor.control.socket_file import connect
from monitor.stages.drill import Drill, request_drill
from monitor.storage_refusal import StoreError
from monitor.store.lock import Busy, Lock
from monitor.store.replies import save_reply
from monitor.store.submission import socket_files
from probes.model import Fault
from tests.backstage import call, start
from tests.faults.deaf import deaf
from tests.faults.machine import end, until
from tests.faults.test_ending import KEY, NO_PAGE, QUIET, account, base, database, line, program, rows, write

SILENCE = ("silence", "1h", "--account", "openai/main", "--by", "Jo", "--reason")


def reply(number):
    """A silence of its own."""
    now = datetime.now(UTC)
    match, until = Match(accounts=("openai/main",)), now + timedelta(hours=1)
    return Reply(ReplyKind.SILENCE, now, "Jo", match=match, until=until, reason=f"reason {number}", token=f"{number}")


HANDS = 4


def give(folder, number):
    save_reply(database(folder), "here", reply(number))


def reasons(folder):
    return sorted(reason for (reason,) in rows(folder, "SELECT json_extract(details, '$.reason') FROM reply"))


def listens(folder):
    """Whether a process does; what a killed one leaves is a file, too."""
    for file in socket_files(database(folder)):
        if made := connect(file, {os.geteuid()}, 1):
            made.close()
            return True
    return False


@contextmanager
def quiet(folder):
    """A configuration of one account whose provider never answers, and its folder."""
    with deaf() as provider:
        write(folder, QUIET, NO_PAGE, account("main", base(provider)))
        yield folder


@contextmanager
def running(folder):
    with program(folder, *line("run")) as process:
        until(lambda: listens(folder))
        yield process


def answer_until(stop, folder, first):
    """Give one answer after the other; return those that were said to be kept, and how many were given."""
    kept, given = [], 0
    while not stop.is_set():
        number, given = first + HANDS * given, given + 1
        with suppress(StoreError):
            give(folder, number)
            kept.append(f"reason {number}")
    return kept, given


def test_what_is_acknowledged_is_kept_once_whenever_the_program_is_killed(tmp_path):
    """Whoever answers asks again where he was cut off, and writes by himself while nobody runs."""
    stop = threading.Event()
    with quiet(tmp_path), ThreadPoolExecutor(HANDS) as hands:
        with running(tmp_path) as process:
            until((tmp_path / "site" / "status.json").exists)
            end(process)
        answers = [hands.submit(answer_until, stop, tmp_path, hand) for hand in range(HANDS)]
        for pause_s in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
            with program(tmp_path, *line("run")) as process:
                until(lambda: listens(tmp_path))
                time.sleep(pause_s)
                process.kill()
                process.wait()
        with running(tmp_path):
            stop.set()
            kept = [one for its in answers for one in its.result()[0]]
        with running(tmp_path):
            give(tmp_path, "last")

    there = reasons(tmp_path)
    assert len(there) == len(set(there))
    assert {*kept, "reason last"} <= set(there)
    assert len(kept) > 0.9 * sum(one.result()[1] for one in answers)


def test_an_answer_during_a_restart_waits_for_it_or_is_written_at_once(tmp_path):
    with quiet(tmp_path):
        for number in range(3):
            with running(tmp_path) as process:
                process.send_signal(signal.SIGTERM)
                code, out, err = call(*SILENCE, f"reason {number}", folder=tmp_path, KEY=KEY)
                assert (code, "silent until" in out) == (0, True), err
        assert reasons(tmp_path) == ["reason 0", "reason 1", "reason 2"]


def test_two_hundred_at_once_are_all_written_and_the_watch_goes_on(tmp_path):
    with quiet(tmp_path), running(tmp_path) as process, ThreadPoolExecutor(200) as hands:
        list(hands.map(lambda number: give(tmp_path, number), range(200)))
        assert process.poll() is None
        assert len(reasons(tmp_path)) == 200


def test_a_program_that_hangs_is_named_and_does_it_when_it_goes_on(tmp_path):
    with quiet(tmp_path), running(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        code, out, err = call(*SILENCE, "why", folder=tmp_path, KEY=KEY)
        assert time.monotonic() - began < ANSWER_S + 10
        assert (code, out) == (2, "")
        assert "the process that holds monitor.db has not answered within 12 s; it may do it yet" in err
        process.send_signal(signal.SIGCONT)
        until(lambda: reasons(tmp_path) == ["why"])


def test_a_program_that_does_not_listen_is_named_with_the_repair(tmp_path):
    with quiet(tmp_path):
        with running(tmp_path):
            pass
        lock = Lock(database(tmp_path))
        code, out, err = call(*SILENCE, "why", folder=tmp_path, KEY=KEY)
        lock.release()

    assert (code, out) == (2, "")
    assert f"monitor.db is held by process {os.getpid()}, which does not listen: it is of an older version" in err


def test_a_round_of_crons_takes_what_is_answered_while_it_goes_on(tmp_path):
    with quiet(tmp_path), program(tmp_path, *line("once")) as process:
        until(lambda: listens(tmp_path))
        with pytest.raises(Busy):
            Lock(database(tmp_path))
        code, _, err = call(*SILENCE, "why", folder=tmp_path, KEY=KEY)
        assert (code, process.poll()) == (0, None), err
        assert reasons(tmp_path) == ["why"]
        code, out, _ = call("silence", folder=tmp_path, KEY=KEY)
        assert (code, "by Jo: why" in out) == (0, True)


def test_a_command_that_has_the_lock_for_a_moment_costs_no_round(tmp_path):
    write(tmp_path, QUIET, NO_PAGE, account("main", "http://127.0.0.1:1/v1"))
    brief = Lock(database(tmp_path), briefly=True)
    with start("once", folder=tmp_path, KEY=KEY) as process:
        time.sleep(2)
        brief.release()
        process.communicate(timeout=60)

    assert process.returncode == 1, "0 is said of a round that is left out"
    assert rows(tmp_path, "SELECT count(*) FROM observation") > [(0,)]


def test_a_socket_that_somebody_deletes_is_there_again_within_seconds(tmp_path):
    with quiet(tmp_path), running(tmp_path):
        (file,) = (one for one in socket_files(database(tmp_path)) if one.exists())
        file.unlink()
        until(file.exists, 15)
        give(tmp_path, 1)
        assert reasons(tmp_path) == ["reason 1"]
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_what_lies_in_the_place_of_the_socket_stays_and_it_listens_elsewhere(tmp_path):
    with quiet(tmp_path):
        beside, aside = socket_files(database(tmp_path))
        beside.parent.mkdir(mode=0o700)
        beside.write_text("mine")
        with program(tmp_path, *line("run")):
            until(aside.exists)
            give(tmp_path, 1)
            assert reasons(tmp_path) == ["reason 1"]
    assert beside.read_text() == "mine"


def test_in_a_folder_whose_path_no_socket_takes_people_are_heard_all_the_same(tmp_path):
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with quiet(folder), running(folder):
        assert database(folder).with_name("monitor.db.sock").exists()
        code, _, err = call(*SILENCE, "why", folder=folder, KEY=KEY)
        assert (code, reasons(folder)) == (0, ["why"]), err


def test_what_an_older_version_left_as_files_is_taken_up_at_the_start(tmp_path):
    folder = database(tmp_path).with_name("monitor.db.replies")
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"kind": "silence", "at": "2026-11-21T12:00:00Z", "match": {}, "reason": "left"}')
    with quiet(tmp_path), running(tmp_path):
        until(lambda: reasons(tmp_path) == ["left"])
        until(lambda: not folder.exists())


def test_on_a_full_disk_the_program_keeps_what_is_answered_says_so_and_writes_it_later(machine, stage):
    stage.write_config(machine.folder)
    machine.start("run")
    until(lambda: machine.path("monitor.db.sock").exists())
    machine.fill()
    code, out = machine.call(*SILENCE, "why")
    assert (code, "silent until" in out) == (0, True), machine.log
    until(lambda: "monitor.db cannot be written now (" in machine.log)
    machine.empty()
    until(lambda: machine.rows("SELECT json_extract(details, '$.reason') FROM reply") == [["why"]])


def test_on_a_full_disk_between_rounds_of_crons_an_answer_is_kept_for_the_next(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    machine.fill()
    code, _ = machine.call(*SILENCE, "why")
    assert code == 0, machine.log
    machine.empty()
    machine.call("once")

    assert machine.rows("SELECT json_extract(details, '$.reason') FROM reply") == [["why"]]


def test_on_a_disk_that_is_read_only_from_the_start_it_listens_elsewhere(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    machine.remount("ro")
    machine.start("run")
    until(lambda: "results cannot be written" in machine.log)
    code, out = machine.call(*SILENCE, "why")
    assert (code, "silent until" in out) == (0, True), machine.log
    machine.remount("rw")
    until(lambda: machine.rows("SELECT json_extract(details, '$.reason') FROM reply") == [["why"]])


def test_on_a_read_only_disk_without_a_lock_file_it_holds_the_database_itself_and_listens_elsewhere(machine, stage):
    stage.write_config(machine.folder)
    machine.call("once")
    machine.path("monitor.db.lock").unlink()
    machine.remount("ro")
    machine.start("run")
    until(lambda: "results cannot be written" in machine.log)
    code, out = machine.call(*SILENCE, "why")
    assert (code, "silent until" in out) == (0, True), machine.log
    assert machine.call("run")[0] == 2
    assert "another provider-monitor (another process) is at work on this database" in machine.log
    machine.remount("rw")
    until(lambda: machine.rows("SELECT json_extract(details, '$.reason') FROM reply") == [["why"]])
    until(lambda: machine.path("monitor.db.lock").exists())
    assert machine.call(*SILENCE, "again")[0] == 0


def opened(folder):
    return rows(folder, "SELECT count(*), max(incident_id) FROM change WHERE kind = 'opened'")


def test_a_drill_whose_answer_was_lost_is_opened_once_by_the_command_that_repeats_it(tmp_path):
    with quiet(tmp_path):
        config = load_config(tmp_path / "monitor.toml", {"KEY": KEY})
        wish = Drill("openai/main", Fault.TIMEOUT, datetime.now(UTC), config.location)
        with running(tmp_path) as process:
            request_drill(open_store(config.store), wish, nobody_runs)
            assert opened(tmp_path) == [(1, wish.incident.id)]
            process.kill()
        run_drill(config, wish, print)

    assert opened(tmp_path) == [(1, wish.incident.id)]
    assert rows(tmp_path, "SELECT closed > opened FROM incident") == [(1,)]


def nobody_runs():
    raise AssertionError("somebody runs")


SAYS = {
    "a drill of an unknown account": {"kind": "drill", "body": {"account": "openai/zz", "fault": "timeout"}},
    "a reply to an unknown incident": {"kind": "reply", "body": {"kind": "acknowledge", "subject": "i-1"}},
    "the end of an unknown silence": {"kind": "reply", "body": {"kind": "lift", "subject": "zz"}},
    "a silence without an end": {"kind": "reply", "body": {"kind": "silence", "match": {}, "reason": "r"}},
}


@pytest.mark.parametrize("said", SAYS.values(), ids=SAYS)
def test_what_no_command_would_say_is_refused_over_the_socket_and_leaves_no_trace(tmp_path, said):
    with quiet(tmp_path), running(tmp_path):
        said["body"]["at"] = datetime.now(UTC).isoformat()
        with connect(database(tmp_path).with_name("monitor.db.sock"), {os.geteuid()}, 10) as speaking:
            speaking.sendall(json.dumps(said).encode() + b"\n")
            answer = json.loads(speaking.makefile().readline())
        assert answer["status"] == "refused"
        assert call("silence", folder=tmp_path, KEY=KEY)[1].startswith("no silence is active")
    assert (opened(tmp_path), rows(tmp_path, "SELECT * FROM reply")) == ([(0, None)], [])


def test_hostile_speakers_hold_up_neither_the_watch_nor_an_answer(tmp_path, stage):
    code = (
        "import socket, sys, time\n"
        "held = []\n"
        "while len(held) < 300:\n"
        "    one = socket.socket(socket.AF_UNIX); one.settimeout(5)\n"
        "    try: one.connect(sys.argv[1]); one.send(b'{' * (len(held) % 3)); held.append(one)\n"
        "    except OSError: time.sleep(0.01)\n"
        "print('held', flush=True); time.sleep(60)\n"
    )
    stage.write_config(tmp_path)
    looks = "SELECT count(*) FROM observation"
    with running(tmp_path):
        file = database(tmp_path).with_name("monitor.db.sock")
        with subprocess.Popen([sys.executable, "-c", code, file], stdout=subprocess.PIPE) as other:
            assert other.stdout.readline() == b"held\n"
            before = rows(tmp_path, looks)
            give(tmp_path, 1)
            until(lambda: rows(tmp_path, looks) > before)
            other.kill()
    assert reasons(tmp_path) == ["reason 1"]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be somebody else")
def test_another_user_of_the_machine_reaches_no_socket_of_ours(tmp_path):
    with quiet(tmp_path), running(tmp_path):
        file = database(tmp_path).with_name("monitor.db.sock")
        for one in (file.parent, *file.parents):
            if one != one.parent and one.stat().st_uid == 0 and one.name != "tmp":
                one.chmod(0o755)
        code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(file)!r})"
        stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", code]
        done = subprocess.run(stranger, capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr
