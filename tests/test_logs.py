"""`logs`: the latest looks and changes, of all accounts or some, and what comes after them."""

import re
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from probes.simulator import Trouble
from tests.backstage import backstage, call, start_warm


@pytest.fixture(scope="module")
def stage():
    with backstage() as stage:
        yield stage


@pytest.fixture(scope="module")
def folder(tmp_path_factory, stage):
    folder = tmp_path_factory.mktemp("logs")
    stage.write_config(folder)
    stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
    assert call("once", folder=folder)[0] == 1
    return folder


def test_looks_and_changes_are_told_in_order(folder):
    code, out, _ = call("logs", "--last", "500", folder=folder)

    lines = out.splitlines()
    assert code == 0
    assert lines == sorted(lines, key=lambda line: line[:19])
    assert any("openai/main list: account suspended, HTTP 401" in line for line in lines)
    assert any("openai/backup chat" in line and ": ok, HTTP 200, 0." in line for line in lines)
    assert any("UTC opened: openai/main: account suspended (2" in line for line in lines)


@pytest.mark.parametrize("words", [("logs",), ("incidents",), ("status", "-v")])
def test_commands_tell_times_in_the_zone_of_the_messages_and_json_in_utc(words, folder):
    text = (folder / "monitor.toml").read_text()
    (folder / "there.toml").write_text(f'{text}\n[alerts]\nzone = "Asia/Kolkata"\n')

    usual, here = call(*words, folder=folder)[1], call("--config", "there.toml", *words, folder=folder)[1]
    assert ("UTC" in usual, "IST" in usual) == (True, False)
    assert ("UTC" in here, "IST" in here) == (False, True)
    at = call("--config", "there.toml", words[0], "--json", folder=folder)[1]
    assert re.search(r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', at)
    assert "+05:30" not in at


@pytest.mark.parametrize("last", [0, 1, 3])
def test_so_many_of_the_latest_are_printed(last, folder):
    every = call("logs", "--last", "500", folder=folder)[1].splitlines()

    assert call("logs", "--last", str(last), folder=folder)[1].splitlines() == every[len(every) - last :]


def test_only_the_accounts_asked_for_are_told_of(folder):
    out = call("logs", "--account", "openai/backup", "--last", "500", folder=folder)[1]

    assert "openai/backup" in out
    assert "openai/main" not in out
    assert "openai/main" in call("logs", "--provider", "openai", "--last", "500", folder=folder)[1]


def test_an_unknown_account_is_an_error(folder):
    assert call("logs", "--account", "mian", folder=folder)[0] == 2


def test_what_comes_is_followed_once_each(folder):
    before = len(call("logs", "--last", "500", folder=folder)[1].splitlines())
    lines = []
    with start_warm("logs", "--follow", "--last", "500", folder=folder) as process:
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
        reader.start()
        ended = threading.Timer(60, process.kill)
        ended.start()
        until(lambda: len(lines) == before)
        with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db, db:
            db.execute(
                "INSERT INTO observation (series_id, at, outcome, status) "
                "SELECT series_id, max(at) + 5, outcome, status FROM observation WHERE status = 200"
            )
        until(lambda: len(lines) > before)
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        ended.cancel()
        reader.join()

    assert len(lines) == before + 1


def until(check):
    ends = time.monotonic() + 40
    while not check():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_where_nothing_was_seen_the_next_step_is_said(folder):
    with closing(sqlite3.connect(folder / "state" / "monitor.db")) as db, db:
        db.execute("DELETE FROM observation")
        db.execute("DELETE FROM change")

    assert "`status` says whether anybody is watching" in call("logs", folder=folder)[1]
