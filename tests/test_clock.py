"""A clock that is set while the monitor watches: nothing ends before it began, and durations are what ran."""

import asyncio
import json
import re
import sqlite3
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as some

from monitor.detect.health import Health, advance
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.stages.beat import beat, follow_clock_change, save_change, take_observations
from monitor.stages.deliver import deliver_due
from monitor.stages.drill import Drill, end_drills
from monitor.stages.notify import write_due_messages
from monitor.stages.publish import Published, publish_once
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.clock import ClockReading, ClockTrace, clock_set_back, clock_shift, shift_dates
from monitor.store.row import from_json
from probes.model import Answer, Fault, Observation, Outcome
from tests.conftest import NOON, USUAL, at, observation
from tests.parts import run_stage, spare_the_disk
from tests.test_evaluate import Nowhere
from tests.test_run import config

S = timedelta(seconds=1)


def reading(at_s, timer_s, uptime_s=None):
    return ClockReading(at(at_s), timer_s, timer_s if uptime_s is None else uptime_s)


@pytest.mark.parametrize(
    ("before", "now", "set_s"),
    [
        (reading(0, 0), reading(60, 60), 0),
        (reading(0, 0), reading(61.9, 60), 0),
        (reading(0, 0), reading(3660, 60), 3600),
        (reading(0, 0), reading(-3540, 60), -3600),
        (reading(0, 0), reading(57, 60), -3),
        (reading(0, 0, 0), reading(3660, 60, 3660), 0),  # the machine slept for an hour
        (reading(0, 0, 0), reading(60, 60, 1), 0),  # an uptime that does not go along says nothing
    ],
)
def test_a_clock_was_set_when_it_went_otherwise_than_the_one_that_nobody_sets(before, now, set_s):
    assert clock_shift(before, now) == set_s * S


@pytest.mark.parametrize(
    ("left", "now", "set_s"),
    [
        (None, ClockTrace(at(0), 100, "a"), 0),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(60), 160, "a"), 0),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(20), 160, "a"), -40),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(-3600), 160, "a"), -3660),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(7200), 160, "a"), 0),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(-3600), 160, "b"), -3600),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(600), 160, "b"), 0),
        (ClockTrace(at(0), 100, ""), ClockTrace(at(20), 160, ""), 0),
        (ClockTrace(at(0), 100, "a"), ClockTrace(at(60), 1.7e9, "a"), 0),
    ],
)
def test_what_a_process_left_tells_the_next_one_that_the_clock_was_set_back(left, now, set_s):
    assert clock_set_back(left, now) == set_s * S


def test_every_date_that_is_remembered_moves_and_nothing_else():
    remembered = {"a": (seen_from(0), 1, "x", None)}

    assert shift_dates(remembered, 60 * S) == {"a": (seen_from(60), 1, "x", None)}


def seen_from(second):
    one = Health()
    for number, fault in enumerate((None, Fault.TIMEOUT, Fault.TIMEOUT)):
        one = advance(one, observation(fault, second + 10 * number), USUAL, 60)
    return one


class Bench:
    """A monitor of two accounts whose clocks the test moves, and whose looks it makes up."""

    def __init__(self, settings):
        self.settings, self.timer_s, self.set_s, self.shown = settings, 0.0, 0.0, []
        self.targets = [one.target for one in settings.watches.values() if one.free]

    def clock(self):
        return NOON + (self.timer_s + self.set_s) * S

    def edge(self):
        return Edge(self.clock, lambda: self.timer_s, lambda: 0.5, self.shown.append, lambda: self.timer_s)

    @asynccontextmanager
    async def opened(self):
        async with open_state(self.settings, self.edge()) as state:
            yield spare_the_disk(state)

    async def look(self, state, faults, set_s=0.0, takes_s=0.0):
        """Look at each target; the clock is set while the looks are under way."""
        for target, fault in zip(self.targets, faults, strict=True):
            state.planned.begun[target.id] = state.services.edge.read_clocks()
            state.signals.observations.put_nowait(observed(target, fault, self.clock()))
        self.timer_s, self.set_s = self.timer_s + takes_s, self.set_s + set_s
        await follow_clock_change(state)
        await beat(state, take_observations(state), self.clock())
        await run_stage(write_due_messages, state)
        await run_stage(deliver_due, state)

    def rows(self):
        with closing(sqlite3.connect(self.settings.store.database)) as db:
            kept = [from_json(text, Incident) for (text,) in db.execute("SELECT details FROM incident")]
            told = db.execute("SELECT kind, incident FROM change ORDER BY rowid").fetchall()
            columns = db.execute("SELECT opened, closed FROM incident").fetchall()
        return kept, [(ChangeKind(kind), from_json(text, Incident)) for kind, text in told], columns


def observed(target, fault, now):
    if fault is None:
        return Observation(target, now, Outcome.OK, latency_s=0.1, status=200)
    return Observation(target, now, Outcome.FAILED, fault=fault, status=401, answer=Answer("x", "no"))


async def bench(folder, play):
    one = Bench(config(Path(folder), Nowhere(), ids=["openai/main", "groq/llama"]))
    await play(one)
    return one


async def outage(one, sets):
    """Let an account be lost for 600 s, with the clock set at some of the looks."""
    async with one.opened() as state:
        await one.look(state, (None, None), takes_s=60)
        for number in range(11):
            fault = Fault.ACCOUNT_SUSPENDED if number < 10 else None
            await one.look(state, (fault, None), set_s=sets.get(number, 0.0), takes_s=60)
        await one.look(state, (None, None), takes_s=60)
        await run_stage(publish_once, state, Published())


@pytest.mark.parametrize("sets", [{}, {5: -3600}, {5: 3600}, {3: 86400, 7: -90000}, {2: -40, 3: 45}, {9: -7200}])
def test_an_outage_has_lasted_as_long_as_it_did_whatever_the_clock_says(tmp_path, sets):
    one = asyncio.run(bench(tmp_path, lambda one: outage(one, sets)))
    kept, _, _ = one.rows()
    (lost,) = (incident for incident in kept if not incident.signal and incident.subject == "openai/main")

    assert abs((lost.closed_at - lost.opened_at) - 600 * S) <= 1 * S
    assert any("Over after 10 min" in text for text in one.shown)
    assert lost.closed_at <= one.clock()


def test_an_open_outage_is_shown_as_old_as_it_is(tmp_path):
    async def play(one):
        async with one.opened() as state:
            await one.look(state, (None, None), takes_s=60)
            for number in range(11):
                set_s = -3600 if number == 8 else 0
                await one.look(state, (Fault.ACCOUNT_SUSPENDED, None), set_s=set_s, takes_s=60)
            await run_stage(publish_once, state, Published())

    one = asyncio.run(bench(tmp_path, play))
    document = json.loads((one.settings.folder / "status.json").read_text())
    (told,) = (incident for incident in document["open_incidents"] if not incident["signal"])
    assert told["opened_at"] == f"{one.clock() - 660 * S:%Y-%m-%dT%H:%M:%SZ}"


def test_what_the_process_before_left_open_does_not_begin_in_the_future(tmp_path):
    async def play(one):
        async with one.opened() as state:
            for _ in range(6):
                await one.look(state, (Fault.ACCOUNT_SUSPENDED, None), takes_s=60)
        one.set_s, one.timer_s = -3600, one.timer_s + 60
        async with one.opened() as state:
            assert all(state.planned.probes.first_of([id]) is None for id in one.settings.watches), (
                "what was due is planned anew"
            )
            for _ in range(4):
                await one.look(state, (None, None), takes_s=60)

    one = asyncio.run(bench(tmp_path, play))
    (lost,) = (incident for incident in one.rows()[0] if not incident.signal)
    assert lost.closed_at - lost.opened_at == 420 * S


def test_a_drill_that_began_by_a_clock_that_was_ahead_does_not_end_before_it_began(tmp_path):
    async def play(one):
        async with one.opened() as state:
            wish = Drill("openai/main", Fault.TIMEOUT, one.clock() + 3600 * S)
            await save_change(state, Change(wish.incident, ChangeKind.OPENED, one.clock()))
            one.timer_s += 60
            await end_drills(state.services, state.belief, partial(save_change, state))
            return state.belief.incidents

    one = asyncio.run(bench(tmp_path, play))
    (drilled,) = one.rows()[0]
    assert drilled.closed_at - drilled.opened_at == 60 * S


STEPS = some.lists(
    some.tuples(
        some.sampled_from([1.0, 10.0, 60.0, 400.0, 4000.0]),
        some.sampled_from([0.0, 0.0, 0.0, -1.5, 1.5, -20.0, 45.0, -3600.0, 3600.0, -1e6, 1e6]),
        some.tuples(*[some.sampled_from([None, None, Fault.ACCOUNT_SUSPENDED, Fault.TIMEOUT, Fault.OVERLOADED])] * 2),
        some.sampled_from([False, False, False, False, True]),
    ),
    min_size=4,
    max_size=25,
)


@settings(max_examples=25, phases=(Phase.generate,))
@given(STEPS)
def test_no_incident_ends_before_it_began_and_none_lasts_longer_than_was_watched(steps):
    async def play(one):
        stack = list(steps)
        while stack:
            async with one.opened() as state:
                while stack:
                    takes_s, set_s, faults, restarts = stack.pop(0)
                    await one.look(state, faults, set_s, takes_s)
                    if restarts:
                        break
                await run_stage(publish_once, state, Published())

    with TemporaryDirectory() as folder:
        one = asyncio.run(bench(folder, play))
        kept, changes, columns = one.rows()
        everything = [*kept, *(incident for _, incident in changes)]
        assert all(closed is None or closed >= opened for opened, closed in columns)
        assert all(incident.closed_at is None or incident.closed_at >= incident.opened_at for incident in everything)
        assert all(incident.opened_at <= one.clock() for incident in kept if incident.closed_at is None)
        watched, unnoticed = one.timer_s * S, 2 * len(steps) * S
        for incident in kept:
            assert (incident.closed_at or one.clock()) - incident.opened_at <= watched + unnoticed
        document = (one.settings.folder / "status.json").read_text()
        assert json.loads(document)["made_at"]
        assert not re.search(r"-\d+ (s|min|h|days?)\b", "".join(one.shown))
