"""The real program is killed at its writes, around a message and at random: nothing is lost, and little told twice."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from random import Random
from sqlite3 import connect

import pytest

from probes.simulator import Trouble
from tests.backstage import KEYS, ROOT, backstage, call, environment, start
from tests.faults.machine import until

DOWN, RESOLVED = "[DOWN] openai/main: account suspended", "[RESOLVED] openai/main: account suspended"
GONE = "[NO LONGER WATCHED] openai/main: account suspended"
WITHOUT = re.compile(r'\[\[accounts\]\]\nname = "main".*?\n\n', re.DOTALL)

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="a kill at a chosen system call is made by strace")


def traced(folder, *options):
    """Do a round under strace; return whether it came to its end."""
    command = ["strace", "-f", "-q", *options, sys.executable, "-m", "monitor", "once"]
    known = environment(PYTHONPATH=str(ROOT))
    return subprocess.run(command, cwd=folder, env=known, capture_output=True, check=False).returncode in (0, 1)


def killed_at(folder, calls, number, *files):
    named = [word for file in files for word in ("-P", str(file))]
    inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={number}"]
    return not traced(folder, "-o", os.devnull, *named, *inject)


def database(folder):
    return [folder / "state" / f"monitor.db{side}" for side in ("", "-wal")]


def rows(folder, query):
    with closing(connect(folder / "state" / "monitor.db")) as db:
        return db.execute(query).fetchall()


def is_whole(folder):
    """Whether the database is sound, and what was seen and what is believed are of the same targets."""
    looks, beliefs = (rows(folder, f"SELECT DISTINCT series_id FROM {table}") for table in ("observation", "health"))
    return rows(folder, "PRAGMA integrity_check") == [("ok",)] and sorted(looks) == sorted(beliefs)


def has_tables(folder):
    with closing(connect(folder / "state" / "monitor.db")) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE name IN ('observation', 'health')").fetchall()
    return len(found) == 2


@needs_strace
def test_a_first_round_that_is_killed_at_any_write_is_done_by_the_next(stage, tmp_path):
    was_killed, number = True, 1
    while was_killed:
        folder = tmp_path / str(number)
        folder.mkdir()
        stage.write_config(folder)
        was_killed = killed_at(folder, "pwrite64", number, *database(folder))
        assert not has_tables(folder) or is_whole(folder)
        assert call("once", folder=folder)[0] == 0
        assert is_whole(folder)
        number += 23
    assert number > 2 * 23, "it was killed at least once"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A folder whose monitor has told of a lost account, and that account's line taken out of its configuration."""
    folder = tmp_path_factory.mktemp("told")
    with backstage() as stage:
        stage.write_config(folder)
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        assert call("once", folder=folder)[0] == 1
        assert stage.inbox.titles() == [DOWN]
    return folder


def laid(told, stage, folder):
    """Copy that folder; the account that is lost is in the configuration no more, which is news."""
    shutil.copytree(told, folder)
    stage.write_config(folder)
    text = (folder / "monitor.toml").read_text()
    (folder / "monitor.toml").write_text(WITHOUT.sub("", text, count=1))
    return folder


@needs_strace
def test_news_that_is_killed_at_any_write_is_told_and_twice_only_if_it_was_sent_before(stage, told, tmp_path):
    was_killed, number, twice = True, 1, 0
    while was_killed:
        folder, before = laid(told, stage, tmp_path / str(number)), len(stage.inbox.messages)
        was_killed = killed_at(folder, "pwrite64", number, *database(folder))
        sent = len(stage.inbox.messages) - before
        call("once", folder=folder)
        call("once", folder=folder)
        came = stage.inbox.messages[before:]
        assert 1 <= len(came) <= 1 + (sent and was_killed)
        assert len({one["message"].split("\n")[0] for one in came}) == 1
        assert is_whole(folder)
        assert rows(folder, "SELECT state FROM outbox") == [("sent",)] * 2
        twice += len(came) - 1
        number += 7
    assert number > 2 * 7, "it was killed at least once"
    assert twice <= 2


@needs_strace
def test_a_round_that_is_killed_while_it_writes_the_page_leaves_no_half_page(stage, tmp_path):
    was_killed, number = True, 1
    stage.write_config(tmp_path)
    while was_killed:
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
        was_killed = killed_at(tmp_path, "rename,renameat,renameat2", number)
        assert_whole_files(tmp_path / "site")
        number += 17
    assert number > 2 * 17, "it was killed at least once"
    names = {path.name for path in (tmp_path / "site").rglob("*")}
    assert not [name for name in names if name.endswith((".new", ".tmp", "~"))]


def assert_whole_files(site):
    for page in site.rglob("*.html"):
        assert page.read_text().rstrip().endswith("</html>"), page
    for data in site.rglob("*.json"):
        json.loads(data.read_text())


@needs_strace
def test_what_is_told_is_on_the_disk_before_it_is_told(stage, told, tmp_path):
    folder = laid(told, stage, tmp_path / "traced")
    calls = "trace=pwrite64,fdatasync,fsync,sendto"
    traced(folder, "-y", "-s", "16", "-o", str(tmp_path / "calls"), "-e", calls)

    unsynced, at_send = 0, []
    for line in (tmp_path / "calls").read_text().splitlines():
        if "pwrite64(" in line and "monitor.db-wal>" in line:
            unsynced += 1
        elif "sync(" in line and "monitor.db-wal>" in line:
            unsynced = 0
        elif "POST /hook" in line:
            at_send.append(unsynced)
    assert at_send == [0]


@pytest.fixture
def begin():
    """Start a monitor; whatever still runs in the end is stopped."""
    programs = []

    def start_one(folder):
        programs.append(start("run", folder=folder))
        return programs[-1]

    yield start_one
    for one in programs:
        if one.poll() is None:
            kill(one, signal.SIGTERM)


def kill(program, number=signal.SIGKILL):
    program.send_signal(number)
    program.communicate(timeout=20)


def test_a_kill_before_a_message_is_taken_tells_it_once_after_the_restart(stage, told, begin, tmp_path):
    folder = laid(told, stage, tmp_path / "folder")
    stage.inbox.answer = None
    first = begin(folder)
    until(lambda: stage.inbox.asked)
    kill(first)
    stage.inbox.answer = 200
    begin(folder)

    until(lambda: stage.inbox.messages)
    time.sleep(3)
    assert stage.inbox.titles() == [GONE]


def test_a_kill_between_send_and_mark_repeats_that_message_once_and_no_other(stage, told, begin, tmp_path):
    folder = laid(told, stage, tmp_path / "folder")
    stage.inbox.delay_s = 1
    first = begin(folder)
    until(lambda: stage.inbox.asked)
    kill(first)
    second = begin(folder)
    until(lambda: len(stage.inbox.messages) == 2)
    time.sleep(3)
    kill(second)
    begin(folder)

    time.sleep(5)
    assert stage.inbox.titles() == [GONE, GONE]
    assert stage.inbox.messages[0]["message"] == stage.inbox.messages[1]["message"]


KILLS = 10


def test_whatever_it_is_killed_at_incidents_and_messages_are_the_same_in_the_end(stage, begin, tmp_path):
    stage.write_config(tmp_path)
    chance = Random(20)
    for number in range(KILLS):
        stage.set("openai/main", None if number % 2 else Trouble.ACCOUNT_SUSPENDED)
        program = begin(tmp_path)
        time.sleep(chance.uniform(0.5, 4))
        kill(program)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    program = begin(tmp_path)
    until(lambda: DOWN in stage.inbox.titles(), 90)
    stage.set("openai/main", None)
    until(lambda: stage.inbox.titles()[-1] == RESOLVED, 120)
    time.sleep(3)
    kill(program)

    opened = rows(tmp_path, "SELECT count(*) FROM incident")[0][0]
    assert stage.inbox.titles().count(DOWN) >= opened >= 1
    assert len(stage.inbox.titles()) - 2 * opened <= KILLS
    assert rows(tmp_path, "SELECT count(*) FROM incident WHERE closed IS NULL") == [(0,)]
    assert rows(tmp_path, "SELECT count(*) FROM outbox WHERE state <> 'sent'") == [(0,)]
    asked = sum(len(stage.simulator.received(key)) for key in KEYS.values())
    assert rows(tmp_path, "SELECT count(*) FROM observation")[0][0] <= asked
    assert is_whole(tmp_path)
