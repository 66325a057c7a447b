"""How long answers take, in a simulated account: noise, a daily swing, outliers; and who notices a rise, and when.

The noise is a model, not a trace of a provider: log-normal, with a swing of 10 to 30 % over the day, a
slow wander, and 2 % of outliers of 5 to 20 times the usual.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from math import cos, exp, log, pi, sqrt
from random import Random
from statistics import median

from monitor.detect import pool
from monitor.detect.latency import EXTRA_S, Series, advance, pace, wants_more
from monitor.detect.pool import Pool

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
Factor = Callable[[float], float]


@dataclass(slots=True)
class Account:
    """One account's answers. `burst`: outliers come in runs. `bound`: share of the noise that lasts two minutes."""

    rng: Random
    burst: bool = False
    bound: float = 0.0
    sigma: float = 0.0
    base: float = 0.0
    swing: float = 0.0
    phase: float = 0.0
    wander_sd: float = 0.0
    wander_s: float = 0.0
    weekend: float = 0.0
    at_s: float = 0.0
    wander: float = 0.0
    mood: float = 0.0
    outliers: int = 0

    def __post_init__(self) -> None:
        rng = self.rng
        self.sigma = self.sigma or rng.uniform(0.20, 0.45)
        self.base = self.base or rng.uniform(0.4, 1.5)
        self.swing, self.phase = rng.uniform(0.1, 0.3), rng.uniform(0, 2 * pi)
        self.wander_sd, self.wander_s = rng.uniform(0.03, 0.10), rng.uniform(60, 240) * MINUTE_S
        self.weekend = rng.uniform(-0.15, 0.05)

    def answer_s(self, at_s: float) -> float:
        """Return how long an answer takes at a time; times only go forward."""
        rng, passed_s = self.rng, at_s - self.at_s
        self.at_s = at_s
        self.wander = _walk(self.wander, self.wander_sd, passed_s / self.wander_s, rng)
        self.mood = _walk(self.mood, self.sigma * sqrt(self.bound), passed_s / 120, rng) if self.bound else 0.0
        turn = 2 * pi * at_s / DAY_S + self.phase
        x = log(self.base) + self.swing * (cos(turn) + 0.3 * cos(2 * turn)) + self.wander + self.mood
        x += rng.gauss(0, self.sigma * sqrt(1 - self.bound))
        x += self.weekend if int(at_s // DAY_S) % 7 >= 5 else 0.0
        return exp(x) * (rng.uniform(5, 20) if self._is_outlier() else 1.0)

    def _is_outlier(self) -> bool:
        if self.outliers:
            self.outliers -= 1
            return True
        if self.rng.random() >= (0.0115 if self.burst else 0.02):
            return False
        self.outliers = self.rng.choice((0, 1, 1, 2)) if self.burst else 0
        return True


def _walk(value: float, sd: float, passed: float, rng: Random) -> float:
    kept = exp(-passed)
    return value * kept + sd * sqrt(1 - kept * kept) * rng.gauss(0, 1)


@dataclass(slots=True)
class Ours:
    """Our detector at a pace, with the extra looks it asks for."""

    interval_s: float = MINUTE_S
    extra: bool = True
    series: Series | None = None
    looks: int = 0

    def see(self, account: Account, at_s: float, factor: Factor, hear: Callable[[Series], None] | None = None) -> bool:
        """Look at `at_s`, and again if that seems worth it; return whether it is told to be slow."""
        steps, alarmed = pace(self.interval_s), False
        for _ in range(4):
            seconds = account.answer_s(at_s) * factor(at_s)
            self.series = advance(self.series, seconds, BEGIN + timedelta(seconds=at_s), steps)
            self.looks += 1
            if hear:
                hear(self.series)
            alarmed = alarmed or self.series.alarm is not None
            at_s += EXTRA_S
            if not (self.extra and wants_more(self.series, steps)):
                break
        return alarmed


@dataclass(slots=True)
class Fixed:
    """A peer: slow when three answers in a row are above a fixed multiple of the first day's median."""

    times: float = 2.8
    in_a_row: int = 3
    first: list[float] = field(default_factory=list)
    usual: float = 0.0
    above: int = 0
    slow: bool = False
    looks: int = 0

    def see(self, account: Account, at_s: float, factor: Factor) -> bool:
        seconds = account.answer_s(at_s) * factor(at_s)
        self.looks += 1
        if at_s < DAY_S:
            self.first.append(seconds)
            return False
        self.usual = self.usual or median(self.first)
        self.above = self.above + 1 if seconds > self.times * self.usual else 0
        self.slow = self.above >= self.in_a_row or (self.slow and self.above > 0)
        return self.slow


@dataclass(slots=True)
class Together:
    """Several accounts of one provider, each at its own second of the minute, pooled. `shared_sd` moves all alike.

    `first_alone`: it is the first member's own alarm that counts, not the pool's.
    """

    members: list[tuple[Account, Ours]]
    pooled: Pool | None = None
    shared_sd: float = 0.1
    first_alone: bool = False
    shared: float = 0.0
    looks: int = 0

    def see(self, own: Account, at_s: float, factor: Factor) -> bool:
        """Look at all members once; return whether the pool is told to be slow."""
        found: list[bool] = []
        self.shared = _walk(self.shared, self.shared_sd, 0.5, own.rng)
        for number, (account, ours) in enumerate(self.members):
            second = at_s + number * ours.interval_s / len(self.members)
            alone = ours.see(
                account, second, lambda s: factor(s) * exp(self.shared), partial(self._hear, str(number), found)
            )
            found.append(alone and self.first_alone)
            self.looks += 1
        return any(found)

    def _hear(self, member: str, found: list[bool], series: Series) -> None:
        self.pooled = pool.advance(self.pooled, member, series)
        found.append(self.pooled.alarmed_at is not None and not self.first_alone)

    def __copy__(self) -> "Together":
        members = [(_elsewhere(account), copy(ours)) for account, ours in self.members]
        return Together(members, self.pooled, self.shared_sd, self.first_alone, self.shared)


def _elsewhere(account: Account) -> Account:
    """Return the account with a chance of its own from here on."""
    there = copy(account)
    there.rng = Random(account.rng.random())
    return there


def step(times: float, begin_s: float) -> Factor:
    return lambda at_s: times if at_s >= begin_s else 1.0


def ramp(times: float, begin_s: float, over_s: float) -> Factor:
    return lambda at_s: exp(log(times) * min(max((at_s - begin_s) / over_s, 0.0), 1.0))


def steady(_: float) -> float:
    return 1.0


Detector = Ours | Fixed | Together


@dataclass(slots=True)
class Result:
    """False alarms and looks on the calm stream, and the delays (None: not found) of each kind of rise."""

    days: float = 0.0
    false: int = 0
    looks: int = 0
    delays_s: dict[str, list[float | None]] = field(default_factory=dict)

    def per_month(self) -> float:
        return self.false * 30 / self.days if self.days else 0.0


RISES: dict[str, tuple[Callable[[float], Factor], float]] = {
    "x1.3": (lambda begin_s: step(1.3, begin_s), HOUR_S),
    "x1.5": (lambda begin_s: step(1.5, begin_s), HOUR_S),
    "x2": (lambda begin_s: step(2.0, begin_s), HOUR_S),
    "x3": (lambda begin_s: step(3.0, begin_s), HOUR_S),
    "to x2 in 1 h": (lambda begin_s: ramp(2.0, begin_s, HOUR_S), 2 * HOUR_S),
    "to x2 in 4 h": (lambda begin_s: ramp(2.0, begin_s, 4 * HOUR_S), 5 * HOUR_S),
    "x0.4 (a drop)": (lambda begin_s: step(0.4, begin_s), HOUR_S),
}


def play(
    detector: Detector, account: Account, days: int, interval_s: float, rises: Sequence[str], result: Result
) -> None:
    """Run a calm stream; twice a day, see in a copy of it how long each rise goes unnoticed."""
    was, next_s, pick = False, 1.5 * DAY_S, Random(account.base)
    at_s = 0.0
    while at_s < days * DAY_S:
        now = detector.see(account, at_s, steady)
        result.false += now and not was and at_s >= DAY_S
        was = now
        at_s += interval_s
        if rises and at_s >= next_s and not now:
            next_s = at_s + pick.uniform(0.4, 0.6) * DAY_S
            for name in rises:
                result.delays_s.setdefault(name, []).append(_delay(detector, account, at_s, interval_s, name))
    result.days += days - 1
    result.looks += detector.looks


def _delay(detector: Detector, account: Account, at_s: float, interval_s: float, name: str) -> float | None:
    make, span_s = RISES[name]
    there, watcher = _elsewhere(account), copy(detector)
    factor, begin_s = make(at_s), at_s
    while at_s < begin_s + span_s:
        if watcher.see(there, at_s, factor):
            return at_s - begin_s + interval_s
        at_s += interval_s
    return None


def accounts(count: int, seed: int, **facts: float) -> Iterator[Account]:
    return (Account(Random(seed + number), **facts) for number in range(count))  # type: ignore[arg-type]


def quantile(delays: Sequence[float | None], share: float) -> float | None:
    """Return the delay that this share of all rises is found in; None when fewer are."""
    ranked = sorted((delay is None, delay or 0.0) for delay in delays)
    missed, delay = ranked[min(int(share * len(ranked)), len(ranked) - 1)]
    return None if missed else delay
