"""A stage that fails ends no other: it is begun anew, said wherever people look, and told when it lasts."""

import asyncio
import random
import time
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from monitor.diagnose import stage_failure
from monitor.diagnose.stage_failure import CALM, FailingStage, add_failure, back_off_s, error_name
from monitor.diagnose.subject import Scope, read_subject
from monitor.publish import collect, status
from monitor.publish.front_page import build_front
from monitor.runtime import supervisor
from monitor.runtime.supervisor import Supervisor
from monitor.sentence.diagnosis import STAGE_WORK, describe_stage_failure
from monitor.sentence.translation import ENGLISH, load_language
from monitor.stage import FORMER_NAMES, Stage
from monitor.stages.beat import save_change
from monitor.stages.liveness import beat_problem
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.connection import open_reader
from monitor.store.reader import Reader
from monitor.store.row import from_json, to_json
from tests.conftest import NOON, at
from tests.parts import run_stage
from tests.test_run import config, simulator


class Clock:
    def __init__(self):
        self.ahead = timedelta(0)

    def __call__(self):
        return datetime.now(UTC) + self.ahead


@asynccontextmanager
async def world_at(folder, clock=None):
    async with simulator() as other_side:
        edge = Edge(clock or Clock(), time.monotonic, random.random, lambda _: None)
        async with open_state(config(folder, other_side), edge) as made:
            yield made


def supervise(state):
    return Supervisor(state.services, state.belief, state.signals, partial(save_change, state), rest_s=lambda _: 0.02)


@asynccontextmanager
async def kept(state, **works):
    """Keep these stages going, each by its name."""
    supervisor = supervise(state)
    tasks = [asyncio.create_task(supervisor.keep(Stage[name.upper()], work)) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(check):
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - a state of many parts
            await asyncio.sleep(0.01)


def standing(state):
    return [one for one in state.belief.incidents.values() if one.scope is Scope.STAGE]


@pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), MemoryError(), UnicodeError("x"), KeyError(1)])
def test_a_stage_that_fails_is_begun_anew_and_ends_no_other(tmp_path, error):
    async def play():
        begun, steps = [], []

        async def failing():
            begun.append(1)
            raise error

        async def sound():
            while True:
                steps.append(1)
                await asyncio.sleep(0.01)

        async with world_at(tmp_path) as state, kept(state, publish=failing, probe=sound):
            await until(lambda: len(begun) >= 4)
            before = len(steps)
            await until(lambda: len(steps) > before + 3)

    asyncio.run(play())


def test_a_stage_is_begun_anew_even_when_its_failing_cannot_be_noted(tmp_path):
    class Lost(Clock):
        is_lost = False

        def __call__(self):
            if self.is_lost:
                raise ImportError("taken away by an upgrade")
            return super().__call__()

    async def play():
        begun, clock = [], Lost()

        async def failing():
            begun.append(1)
            raise ImportError("so was this")

        async with world_at(tmp_path, clock) as state:
            clock.is_lost = True
            async with kept(state, publish=failing):
                await until(lambda: len(begun) >= 3)

    asyncio.run(play())


def test_a_stage_that_keeps_failing_is_told_once_and_is_over_when_it_goes_on(tmp_path):
    async def play():
        clock, works, goes_on = Clock(), asyncio.Event(), asyncio.Event()

        async def failing():
            if not works.is_set():
                raise OSError("no")
            goes_on.set()
            await asyncio.Event().wait()

        async with world_at(tmp_path, clock) as state, kept(state, retention=failing):
            await until(lambda: standing(state))
            await until(lambda: state.services.own.failing[Stage.RETENTION].times > stage_failure.LASTING + 2)
            (opened,) = standing(state)
            works.set()
            await goes_on.wait()
            clock.ahead = 2 * CALM
            await supervise(state).review(Stage.RETENTION)
            with closing(open_reader(state.belief.config.store.database)) as db:
                closed = Reader(db, "here").incidents.closed(5)
                letters = db.execute("SELECT step FROM outbox").fetchall()
            return opened, standing(state), state.services.own.failing, closed, [one["step"] for one in letters]

    opened, after, failing, closed, steps = asyncio.run(play())
    assert (opened.subject, after, failing) == ("retention", [], {})
    assert [one.id for one in closed] == [opened.id]
    assert steps == ["opened", "resolved"]


def test_what_failed_is_said_to_the_heartbeat_on_the_page_and_in_the_pulse(tmp_path):
    async def play():
        async with world_at(tmp_path) as state:
            for _ in range(stage_failure.LASTING):
                await supervise(state).attempt(Stage.PUBLISH, broken)
            with state.services.storage.store.reading() as stored:
                now = state.services.edge.clock()
                return (
                    run_stage(beat_problem, state),
                    collect.build_snapshot(stored, state.belief.config, now),
                    collect.read_freshness(stored.marks, state.belief.config, now),
                )

    async def broken():
        raise ZeroDivisionError

    words, snapshot, pulse = asyncio.run(play())
    assert words == "the monitor's own fault: publishing the page keeps failing (ZeroDivisionError)"
    german = "eigener Fehler des Monitors: das Veröffentlichen der Seite schlägt immer wieder fehl (ZeroDivisionError)"
    for speech, said in ((ENGLISH, words), (load_language("de"), german)):
        assert said in build_front(snapshot, status.current_state(snapshot), speech).warnings
    assert tuple(map(describe_stage_failure, snapshot.faults)) == (words,)
    assert (pulse.is_steady, words in pulse.words) == (False, True)


def test_a_stage_that_has_no_more_to_do_is_not_begun_anew(tmp_path):
    async def play():
        begun = []

        async def done():
            begun.append(1)

        async with world_at(tmp_path) as state:
            await supervise(state).keep(Stage.WATCHDOG, done)
            return begun, state.services.own.failing

    assert asyncio.run(play()) == ([1], {})


def test_a_stage_is_ended_with_who_keeps_it(tmp_path):
    async def play():
        ended = []

        async def endless():
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(1)

        async with world_at(tmp_path) as state:
            task = asyncio.create_task(supervise(state).keep(Stage.PROBE, endless))
            await asyncio.sleep(0.05)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return ended, state.services.own.failing

    assert asyncio.run(play()) == ([1], {})


def test_what_failed_before_a_restart_is_known_after_it(tmp_path):
    async def fail_once():
        async def broken():
            raise OSError

        async with world_at(tmp_path) as state:
            await supervise(state).attempt(Stage.OBJECTIVES, broken)
            return state.services.own.failing[Stage.OBJECTIVES].times

    assert [asyncio.run(fail_once()) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(("times", "pause_s"), [(1, 1.0), (2, 2.0), (50, 30.0)])
def test_the_pause_grows_up_to_a_limit(times, pause_s):
    assert back_off_s(times) == pause_s


def test_a_failure_is_over_after_a_calm_while_or_when_the_clock_was_set_back():
    one = add_failure(None, Stage.PROBE, "OSError", NOON)

    assert not one.is_over(NOON + CALM / 2)
    assert one.is_over(NOON + CALM)
    assert one.is_over(at(-3600))


def test_an_error_among_others_is_named_by_its_own_kind():
    assert error_name(ExceptionGroup("a", [ExceptionGroup("b", [KeyError("secret")])])) == "KeyError"


def test_each_stage_says_what_it_does():
    assert set(STAGE_WORK) == set(Stage)
    assert "page" in describe_stage_failure(FailingStage(Stage.PUBLISH, 1, NOON, NOON, "OSError").reason)
    assert supervisor.CALM is CALM


@pytest.mark.parametrize(("before", "now"), FORMER_NAMES.items())
def test_what_a_row_of_before_calls_a_stage_is_that_stage(before, now):
    row = to_json([FailingStage(Stage.DRILL, 3, NOON, NOON, "OSError")]).replace("drill", before)

    assert [one.stage for one in from_json(row, list[FailingStage])] == [now]
    assert read_subject(Scope.STAGE, before).part == now
