"""Where the detectors meet: hours of looks in a moment, with a real store and no network."""

import asyncio
import time
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from monitor import run
from monitor.detect.health import State
from monitor.schedule import CONFIRM_S, Watch
from monitor.store.connection import open_reader
from monitor.store.reader import closed_incidents
from monitor.world import Edge, open_world
from probes.model import Answer, Fault, Limit, Observation, Outcome, Target
from tests.conftest import NOON
from tests.test_run import config

FAILING = {"fault": Fault.SERVER_ERROR, "status": 500}
IDS = ("openai/main", "openai/backup", "groq/llama")


class Clockwork:
    """A monitor whose looks are told to it, one a minute at each target."""

    def __init__(self, world, clock):
        self.world, self.clock = world, clock
        self.told = []

    async def minutes(self, count, looks):
        """Let so many minutes pass; `looks(target)` gives the facts of each look."""
        for _ in range(count):
            self.clock.now += timedelta(minutes=1)
            seen = [(watch.target, looks(watch.target)) for watch in self.world.config.watches.values()]
            before = dict(self.world.incidents)
            looked = [look(one, self.clock.now, facts) for one, facts in seen]
            await run.beat(self.world, looked, self.clock.now)
            self.told += [one for id, one in self.world.incidents.items() if id not in before]

    def open(self):
        return sorted((one.subject, one.fault, one.signal) for one in self.world.incidents.values())


class Clock:
    now = NOON


def look(target, at, facts):
    facts = {"latency_s": 0.5, "status": 200} | facts
    fault = facts.pop("fault", None)
    if fault is None:
        return Observation(target, at, Outcome.OK, **facts)
    return Observation(target, at, Outcome.FAILED, fault=fault, answer=Answer(f"x/{fault}", "words"), **facts)


@asynccontextmanager
async def clockwork(folder, clock, ids=IDS):
    settings = config(folder, Nowhere(), ids=ids)
    chats = (watch.target for watch in settings.watches.values() if watch.target.canary == "chat")
    watches = {target.id: Watch(target, 60, True) for target in chats}
    edge = Edge(lambda: clock.now, time.monotonic, lambda: 0.5, lambda _: None)
    async with open_world(replace(settings, watches=watches), edge) as made:
        yield Clockwork(made, clock)


class Nowhere:
    def base(self, provider):
        return "http://127.0.0.1:9"


def wavy(number, base=0.5):
    """A time that varies a little, the same in every run."""
    return base * (1 + 0.2 * ((number * 7919) % 13 - 6) / 6)


def steady(seconds_of):
    counter = iter(range(10**9))
    return lambda target: {"latency_s": wavy(next(counter), seconds_of(target))}


def test_a_first_failure_has_the_sibling_asked_at_once_and_the_suspect_after_its_pause(tmp_path):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            await it.minutes(3, lambda _: {})
            clock.now += timedelta(seconds=30)
            suspect = next(w.target for w in it.world.config.watches.values() if w.target.account == IDS[0])
            await run.beat(it.world, [look(suspect, clock.now, FAILING)], clock.now)
            at_once = it.world.agenda.take_due(clock.now)
            return at_once, it.world.agenda.take_due(clock.now + timedelta(seconds=CONFIRM_S[0]))

    at_once, soon = asyncio.run(play())
    assert [[target.rsplit("/", 2)[0] for target in due] for due in (at_once, soon)] == [[IDS[1]], [IDS[0]]]


def test_answers_that_take_much_longer_are_a_sign_while_the_account_stays_up(tmp_path):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            assert it.open() == []
            slow = steady(lambda target: 2.0 if target.account == "groq/llama" else 0.5)
            await it.minutes(15, slow)
            first = it.open()
            states = {health.state for health in it.world.healths.values()}
        async with clockwork(tmp_path, clock) as it:  # in the middle of an alarm
            await it.minutes(5, slow)
            again, told = it.open(), it.told
            await it.minutes(120, steady(lambda _: 0.5))
            return first, states, again, told, it.open()

    first, states, again, told, last = asyncio.run(play())
    (subject, fault, signal) = first[0]
    assert (len(first), fault, signal, subject.startswith("groq/llama")) == (1, Fault.SLOW, True, True)
    assert states == {State.UP}
    assert (again, told) == (first, [])
    assert last == []


def test_a_rise_that_all_accounts_of_a_provider_share_is_one_sign_and_the_providers(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock()) as it:
            await it.minutes(300, steady(lambda _: 0.5))
            await it.minutes(15, steady(lambda target: 1.6 if target.provider == "openai" else 0.5))
            return it.open()

    assert [(subject, fault) for subject, fault, _ in asyncio.run(play())] == [("openai", Fault.SLOW)]


@pytest.mark.parametrize(("ceiling", "found"), [(500, []), (450, []), (50, [Fault.LIMIT_COLLAPSE])])
def test_a_ceiling_that_falls_is_a_sign(tmp_path, ceiling, found):
    def limits(most):
        return lambda target: {"limits": (Limit("requests", 60.0, float(most), float(most) * 0.9),)}

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(120, limits(500))
            await it.minutes(8, limits(ceiling))
            return [fault for _, fault, _ in it.open()]

    assert asyncio.run(play()) == found


def test_what_ends_without_being_mended_says_how(tmp_path):
    """A day of answers three times as slow; the limits fell at the same time and were never told again."""

    async def play():
        counter, ends = iter(range(10**9)), []

        def answer(seconds, *limits):
            return lambda _: {"latency_s": wavy(next(counter), seconds), "limits": limits or None}

        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(300, answer(0.5, Limit("requests", 60.0, 500.0, 450.0)))
            await it.minutes(8, answer(1.5, Limit("requests", 60.0, 50.0, 45.0)))
            for _ in range(1450):
                before = dict(it.world.incidents)
                await it.minutes(1, answer(1.5))
                ends += before.keys() - it.world.incidents.keys()
            with closing(open_reader(it.world.config.database)) as db:
                return [one for one in closed_incidents(db, 9) if one.id in ends]

    ended = {one.fault: one.ending for one in asyncio.run(play())}
    assert "s instead of 0.5" in ended[Fault.SLOW]
    assert "taken for usual from now on" in ended[Fault.SLOW]
    assert "50 instead of 500; not told any more since" in ended[Fault.LIMIT_COLLAPSE]


def test_an_account_that_flaps_is_named_once_and_its_calm_once(tmp_path):
    """Three minutes up and three down, for an hour, and then an hour of calm."""

    async def play():
        counter = iter(range(10**6))
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(30, lambda _: {"latency_s": 0.5})
            await it.minutes(60, lambda _: FAILING if next(counter) // 3 % 2 else {})
            flapping = [one for one in it.told if one.signal]
            await it.minutes(25, lambda _: {"latency_s": 0.5})
            soon = it.open()
            await it.minutes(35, lambda _: {"latency_s": 0.5})
            with closing(open_reader(it.world.config.database)) as db:
                calm = [one.id for one in closed_incidents(db, 99) if one.signal]
            return flapping, soon, it.open(), calm

    flapping, soon, later, calm = asyncio.run(play())
    reason = flapping[0].reasons[0]
    assert (len(flapping), len(soon), later, calm) == (1, 1, [], [flapping[0].id])
    assert "changes between up and down within an hour" in reason


def test_refusals_among_good_answers_are_a_sign_and_no_loss(tmp_path):
    async def play():
        counter = iter(range(10**6))
        denied = {"fault": Fault.PERMISSION_DENIED, "status": 403}
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            await it.minutes(60, lambda _: {"latency_s": 0.5})
            await it.minutes(40, lambda _: denied if next(counter) % 12 == 0 else {})
            return it.open()

    assert [(fault, signal) for _, fault, signal in asyncio.run(play())] == [(Fault.PERMISSION_DENIED, True)]


def test_a_blip_changes_the_page_and_nothing_else(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            probe = msgspec.structs.replace(it.world.config.probe, blip_s=120)
            it.world.config = replace(it.world.config, probe=probe)
            await it.minutes(10, lambda _: {})
            await it.minutes(1, lambda _: FAILING)
            state = next(iter(it.world.healths.values())).state
            await it.minutes(10, lambda _: {})
            return state, it.told

    assert asyncio.run(play()) == (State.SUSPECTED, [])


def test_a_wide_trouble_soon_after_a_narrow_one_is_one_incident_with_a_date_of_its_own(tmp_path):
    """Looks each 10 s: one account fails twice; 70 s later both fail, it a look before the other."""

    async def play():
        clock, told = Clock(), []
        async with clockwork(tmp_path, clock, IDS[:2]) as it:
            for second in range(0, 240, 10):
                clock.now = NOON + timedelta(seconds=second)
                failing = IDS[:2] if second >= 120 else IDS[:1] if second in (20, 30, 110) else ()
                targets = [watch.target for watch in it.world.config.watches.values()]
                seen = [look(one, clock.now, FAILING if one.account in failing else {}) for one in targets]
                before = set(it.world.incidents)
                await run.beat(it.world, seen, clock.now)
                told += [one for id, one in it.world.incidents.items() if id not in before]
        return [(one.subject, one.opened_at - NOON, one.detected_at - NOON) for one in told]

    ((subject, began, told_after),) = asyncio.run(play())
    assert (subject, began) == ("openai", timedelta(seconds=110))
    assert told_after <= timedelta(seconds=150)


def test_what_is_asked_aside_has_no_detectors(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            target = Target("openai/main", "openai", "balance")
            watches = {**it.world.config.watches, target.id: Watch(target, 900, True, aside=True)}
            it.world.config = replace(it.world.config, watches=watches)
            await it.minutes(3, lambda _: {})
            return target.id in it.world.healths, target.id in it.world.tracks

    assert asyncio.run(play()) == (True, False)
