"""Up and down in simulated months: outages, brownouts, blips, and who tells of them, when, and how often."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from benchmarks.answer_time import is_burning
from monitor.detect import flap
from monitor.detect.flap import Flap
from monitor.detect.health import Health, State, Thresholds, advance
from monitor.schedule import Watch, next_at
from probes.model import Answer, Fault, Observation, Outcome, Target

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
MONTH_S = 30 * DAY_S
TARGET = Target("openai/main", "openai", "list")
ANSWER = Answer("openai/x", "some words")


@dataclass(frozen=True, slots=True)
class Spell:
    """From `begin_s` to `end_s` this share of all looks fails. `fault` is what they meet."""

    begin_s: float
    end_s: float
    share: float
    fault: Fault = Fault.SERVER_ERROR


@dataclass(frozen=True, slots=True)
class AlertState:
    """What one watcher made of a stream: when it told of a trouble and of its end, and how often it looked."""

    alarms_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    looks: int
    shown_s: tuple[float, ...] = ()


Look = Callable[[float], Fault | None]
Watcher = Callable[[Look, float, Random], AlertState]


def world(spells: Sequence[Spell], noise: float, rng: Random) -> Look:
    """Return what a look meets at a time. Times only go forward."""
    waiting = sorted(spells, key=lambda spell: spell.begin_s)

    def look(at_s: float) -> Fault | None:
        while waiting and waiting[0].end_s <= at_s:
            waiting.pop(0)
        spell = waiting[0] if waiting and waiting[0].begin_s <= at_s else None
        if spell and rng.random() < spell.share:
            return spell.fault
        return Fault.TIMEOUT if rng.random() < noise else None

    return look


def blips(span_s: float, per_month: float, rng: Random, shortest_s: float, longest_s: float) -> Iterator[Spell]:
    at_s = rng.expovariate(per_month / MONTH_S)
    while at_s < span_s:
        yield Spell(at_s, at_s + rng.uniform(shortest_s, longest_s), 1.0)
        at_s += longest_s + rng.expovariate(per_month / MONTH_S)


def ours(interval_s: float = 60.0, thresholds: Thresholds = Thresholds()) -> Watcher:  # noqa: B008 - frozen
    """Our own loop: evidence, re-checks by the schedule, flapping named once."""
    watch = Watch(TARGET, interval_s, free=True)

    def watcher(look: Look, span_s: float, rng: Random) -> AlertState:
        health, flapping, at_s, looks = Health(), Flap(), 0.0, 0
        alarms: list[float] = []
        ends: list[float] = []
        shown: list[float] = []
        told = False
        while at_s < span_s:
            at = BEGIN + timedelta(seconds=at_s)
            before = health
            health = advance(health, _observation(at, look(at_s)), thresholds, interval_s)
            was_flapping = flapping.since is not None
            flapping = flap.advance(flapping, before, health, at)
            if health.state is State.DOWN and before.state is not State.DOWN:
                shown.append(at_s)
            if not was_flapping and flapping.since:
                alarms.append(at_s)
            if not was_flapping and not told and health.lasting:
                alarms.append(at_s)
                told = True
            if told and health.state is State.UP and (was_flapping is (flapping.since is not None)):
                told = False
                if not was_flapping:
                    ends.append(at_s)
            looks += 1
            at_s = (next_at(watch, health, at, thresholds.failures, rng.random()) - BEGIN).total_seconds()
        return AlertState(tuple(alarms), tuple(ends), looks, tuple(shown))

    return watcher


def _observation(at: datetime, fault: Fault | None) -> Observation:
    if fault is None:
        return Observation(TARGET, at, Outcome.OK, latency_s=0.5, status=200)
    return Observation(TARGET, at, Outcome.FAILED, status=500, fault=fault, answer=ANSWER)


def burning(interval_s: float = 60.0) -> Watcher:
    """A peer: the burn rate of an SLO of 99 %, 14.4 times too fast in the last hour and in the last 5 minutes."""

    def watcher(look: Look, span_s: float, rng: Random) -> AlertState:
        at_s, bad, down = rng.random() * interval_s, deque[bool](maxlen=60), False
        alarms: list[float] = []
        while at_s < span_s:
            bad.append(look(at_s) is not None)
            was, down = down, is_burning(bad)
            if down and not was:
                alarms.append(at_s)
            at_s += interval_s
        return AlertState(tuple(alarms), (), int(span_s / interval_s))

    return watcher


def in_a_row(failures: int, successes: int, interval_s: float = 60.0, again_s: Sequence[float] = ()) -> Watcher:
    """A peer: so many in a row either way, at a fixed pace, or with `again_s` pauses after a first failure."""

    def watcher(look: Look, span_s: float, rng: Random) -> AlertState:
        at_s, looks, bad, good, down = rng.random() * interval_s, 0, 0, 0, False
        alarms: list[float] = []
        ends: list[float] = []
        while at_s < span_s:
            failed = look(at_s) is not None
            looks += 1
            bad, good = (bad + 1, 0) if failed else (0, good + 1)
            if not down and bad >= failures:
                down = True
                alarms.append(at_s)
            elif down and good >= successes:
                down = False
                ends.append(at_s)
            hurried = not down and 0 < bad <= len(again_s)
            at_s += again_s[bad - 1] if hurried else interval_s
        return AlertState(tuple(alarms), tuple(ends), looks, tuple(alarms))

    return watcher
