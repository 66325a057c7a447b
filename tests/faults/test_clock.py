"""The real program by a clock that is set, steps, changes to winter time or stands still with the machine."""

import signal
import time
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import pairwise
from sqlite3 import connect

import pytest

from probes.simulator import Trouble
from tests.backstage import start
from tests.faults.machine import FAKETIME, FakeClock, until

pytestmark = pytest.mark.skipif(not FAKETIME, reason="the clock of one program is set by libfaketime")

DAY_S, EVERY_S = 86_400, 10
DOWN, RESOLVED = "[DOWN] openai/main: account suspended", "[RESOLVED] openai/main: account suspended"


@contextmanager
def running(stage, folder, clock, **more):
    stage.write_config(folder, every_s=EVERY_S)
    with start("run", folder=folder, **clock.environment, **more) as program:
        try:
            yield program
        finally:
            program.send_signal(signal.SIGTERM)
            program.log = program.communicate(timeout=20)[1]


def rows(folder, query):
    file = folder / "state" / "monitor.db"
    with closing(connect(f"file:{file}?mode=ro", uri=True)) as db:
        return db.execute(query).fetchall()


def looks(folder):
    if not (folder / "site" / "index.html").exists():
        return []  # its tables may not be made yet
    return rows(folder, "SELECT series_id, at, outcome, latency FROM observation")


def look_on(folder, rounds=2):
    """Wait until each target was looked at so many times more."""
    before = len(looks(folder))
    until(lambda: len(looks(folder)) >= before + 6 * rounds, 60)


@pytest.mark.parametrize("by_s", [DAY_S, -DAY_S])
def test_a_clock_that_is_set_by_a_day_tells_nobody_and_an_outage_lasts_as_long_as_it_did(stage, tmp_path, by_s):
    clock = FakeClock(tmp_path)
    with running(stage, tmp_path, clock):
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        until(lambda: DOWN in stage.inbox.titles(), 60)
        began = time.monotonic()
        clock.set(f"{by_s:+}")
        look_on(tmp_path, 1)
        stage.set("openai/main", None)
        until(lambda: RESOLVED in stage.inbox.titles(), 90)
        lasted_s = time.monotonic() - began

    assert stage.inbox.titles() == [DOWN, RESOLVED]
    ((opened, closed),) = rows(tmp_path, "SELECT opened, closed FROM incident")
    assert 0 < (closed - opened) / 1000 < lasted_s + 60


def test_a_clock_that_steps_during_looks_changes_no_duration_and_tells_nobody(stage, tmp_path):
    clock = FakeClock(tmp_path)
    with running(stage, tmp_path, clock):
        until(lambda: len(looks(tmp_path)) >= 6)
        ends = time.monotonic() + EVERY_S
        while time.monotonic() < ends:
            for by_s in (20, 0, -20, 0):
                clock.set(f"{by_s:+}")
                time.sleep(0.1)
        look_on(tmp_path, 1)

    durations = [latency for *_, latency in looks(tmp_path)]
    assert 0 <= min(durations) <= max(durations) < 10_000
    assert stage.inbox.titles() == []


@pytest.mark.parametrize("changes", ["2026-03-29T01:00:00+00:00", "2026-10-25T01:00:00+00:00"])
def test_the_nights_of_summer_and_winter_time_have_no_gap_and_no_look_twice(stage, tmp_path, changes):
    before = datetime.fromisoformat(changes).timestamp() - time.time() - 1.5 * EVERY_S
    clock = FakeClock(tmp_path, f"{before:+.0f}")
    with running(stage, tmp_path, clock, TZ="Europe/Berlin"):
        until(lambda: len(looks(tmp_path)) >= 6)
        look_on(tmp_path)

    times = [at / 1000 for series, at, *_ in sorted(looks(tmp_path)) if series == 1]
    change = datetime.fromisoformat(changes).timestamp()
    assert times[0] < change < times[-1]
    assert all(1 < after - before < 3 * EVERY_S for before, after in pairwise(times))
    assert stage.inbox.titles() == []
    assert rows(tmp_path, "SELECT count(*) FROM incident") == [(0,)]


def test_a_machine_that_slept_for_two_hours_is_one_gap_and_each_target_is_looked_at_once(stage, tmp_path):
    clock = FakeClock(tmp_path, sleeping=True)
    with running(stage, tmp_path, clock) as program:
        until(lambda: len(looks(tmp_path)) >= 12, 60)
        program.send_signal(signal.SIGSTOP)
        time.sleep(1)
        before = len(looks(tmp_path))
        clock.set("+7200")
        program.send_signal(signal.SIGCONT)
        until(lambda: stage.inbox.messages)
        time.sleep(5)
        assert 6 <= len(looks(tmp_path)) - before <= 12
    assert stage.inbox.titles() == ["[GAP] the monitor was not watching for 2 h"]
    assert rows(tmp_path, "SELECT count(*) FROM incident") == [(1,)]


IMPATIENT = "[probe]\nonline = []\nblip_s = 5\nconnect_s = 2\nsilence_s = 3\ntotal_s = 4\n"


def test_a_process_that_stands_still_for_longer_than_a_look_may_take_blames_nobody(stage, tmp_path):
    stage.write_config(tmp_path, IMPATIENT, every_s=EVERY_S)
    with start("run", folder=tmp_path) as program:
        until(lambda: len(looks(tmp_path)) >= 6)
        for _ in range(3):
            program.send_signal(signal.SIGSTOP)
            time.sleep(6)
            program.send_signal(signal.SIGCONT)
            time.sleep(2)
        look_on(tmp_path, 1)
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=20)

    assert stage.inbox.titles() == []
    assert rows(tmp_path, "SELECT count(*) FROM incident") == [(0,)]
