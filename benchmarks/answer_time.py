"""How long answers take, in a simulated account: noise, a daily swing, outliers; and who notices a rise, and when.

The noise is a model, not a trace of a provider: log-normal or of another shape, with a swing of 10 to 30 % over the
day, a slow wander, and 2 % of outliers of 5 to 20 times the usual.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import cos, exp, inf, log, pi, sqrt
from random import Random
from statistics import median

from monitor.detect import shared_latency
from monitor.detect.health import Health, State
from monitor.detect.latency import EXTRA_S, Series, advance, needs_extra_probe, sensitivity_for
from monitor.detect.shared_latency import Pool
from monitor.schedule import Watch, next_at
from probes.model import Target

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday."""
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86400.0
TARGET, WELL = Target("openai/main", "openai", "chat"), Health(State.UP, BEGIN)
Factor = Callable[[float], float]
Shape = Callable[[Random, float], float]
"""Draws one answer's distance from the level, a logarithm; the second argument is about its standard deviation."""


PLATEAU_S, STEP_S = 4 * HOUR_S, 0.05


def normal(rng: Random, sigma: float) -> float:
    return rng.gauss(0, sigma)


def gamma(rng: Random, sigma: float) -> float:
    return log(rng.gammavariate(1 / sigma**2, sigma**2))


def weibull(rng: Random, sigma: float) -> float:
    return log(rng.weibullvariate(1.0, 1.28 / sigma))


def heavy(rng: Random, sigma: float) -> float:
    """Student's t of three degrees: tails on both sides that a normal noise has not."""
    return 0.6 * sigma * rng.gauss(0, 1) / sqrt(rng.gammavariate(1.5, 2) / 3)


def laplace(rng: Random, sigma: float) -> float:
    return rng.choice((-1, 1)) * rng.expovariate(sqrt(2) / sigma)


def skewed(rng: Random, sigma: float) -> float:
    """A fixed part and an exponential one, as of a queue."""
    return log(1 - sigma + sigma * rng.expovariate(1)) + rng.gauss(0, sigma / 2)


def tailed(share: float) -> Shape:
    """So large a share takes twice as long, which is less than a cache that misses and more than the noise."""
    return lambda rng, sigma: rng.gauss(0, sigma) + (log(2.0) if rng.random() < share else 0.0)


def cached(share: float, times: float) -> Shape:
    """Two modes: so large a share is answered from a cache, the rest takes so many times as long."""
    return lambda rng, sigma: rng.gauss(0, 0.6 * sigma) + (0.0 if rng.random() < share else log(times))


@dataclass(slots=True)
class Account:
    """One account's answers. `burst`: outliers come in runs. `bound`: share of the noise that lasts for `bound_s`.

    `plateaus`: the level jumps a little, many times a day, and drifts; times are told in steps of 50 ms. `working`: it
    is higher by so much, a logarithm, from 9 to 17 on working days, in place of the swing. `spread` is what sigma is
    drawn from, where it is not given.
    """

    rng: Random
    burst: bool = False
    bound: float = 0.0
    bound_s: float = 120.0
    shape: Shape = normal
    plateaus: bool = False
    working: float = 0.0
    spread: tuple[float, float] = (0.20, 0.45)
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
    plateau: float = 0.0
    drift: float = 0.0

    def __post_init__(self) -> None:
        rng = self.rng
        self.sigma = self.sigma or rng.uniform(*self.spread)
        self.base = self.base or rng.uniform(0.4, 1.5)
        self.swing, self.phase = rng.uniform(0.1, 0.3), rng.uniform(0, 2 * pi)
        self.wander_sd, self.wander_s = rng.uniform(0.03, 0.10), rng.uniform(60, 240) * MINUTE_S
        self.weekend = rng.uniform(-0.15, 0.05)

    def answer_s(self, at_s: float) -> float:
        """Return how long an answer takes at a time; times only go forward."""
        rng, passed_s = self.rng, at_s - self.at_s
        self.at_s = at_s
        self.wander = _walk(self.wander, self.wander_sd, passed_s / self.wander_s, rng)
        self.mood = _walk(self.mood, self.sigma * sqrt(self.bound), passed_s / self.bound_s, rng) if self.bound else 0.0
        x = self.level(at_s) + self.mood
        x += self.shape(rng, self.sigma * sqrt(1 - self.bound))
        x += self._settled(passed_s) if self.plateaus else 0.0
        seconds = exp(x) * (rng.uniform(5, 20) if self._is_outlier() else 1.0)
        return max(round(seconds / STEP_S), 1) * STEP_S if self.plateaus else seconds

    def level(self, at_s: float) -> float:
        """Return what the noise is about, a logarithm."""
        if self.working:
            is_working = at_s // DAY_S % 7 < 5 and 9 <= at_s % DAY_S / HOUR_S < 17
            return log(self.base) + self.wander + self.working * is_working
        turn = 2 * pi * at_s / DAY_S + self.phase
        weekend = self.weekend if int(at_s // DAY_S) % 7 >= 5 else 0.0
        return log(self.base) + self.swing * (cos(turn) + 0.3 * cos(2 * turn)) + self.wander + weekend

    def _settled(self, passed_s: float) -> float:
        rng = self.rng
        if rng.random() < passed_s / PLATEAU_S:
            self.plateau = rng.gauss(0, 0.08)
        self.drift = _walk(self.drift, 0.15, passed_s / DAY_S, rng)
        return self.plateau + self.drift

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
    """Our detector at the pace of our schedule, with the looks out of turn that it asks for."""

    interval_s: float = MINUTE_S
    extra: bool = True
    target: Target = TARGET
    series: Series | None = None
    looks: int = 0
    next_s: float = 0.0

    def see(self, account: Account, at_s: float, factor: Factor) -> float | None:
        """Take the looks that are due in the interval from `at_s`; return when the first of them told it to be slow."""
        alarmed_s = None
        while self.next_s < at_s + self.interval_s:
            seen_s = self.next_s
            if self.look(account, factor).alarm and alarmed_s is None:
                alarmed_s = seen_s
        return alarmed_s

    def look(self, account: Account, factor: Factor) -> Series:
        """Take the next look, and plan the one after it."""
        at_s, steps = self.next_s, sensitivity_for(self.interval_s)
        at = BEGIN + timedelta(seconds=at_s)
        seconds = account.answer_s(at_s) * factor(at_s)
        self.series = advance(self.series, seconds, at, steps) if seconds < inf or not self.series else self.series
        self.looks += 1
        again_s = EXTRA_S if self.extra and needs_extra_probe(self.series, steps) else None
        watch = Watch(self.target, self.interval_s, free=True)
        after = next_at(watch, WELL, at, 3, (self.looks * GOLDEN) % 1, again_s=again_s)
        self.next_s = (after - BEGIN).total_seconds()
        return self.series


GOLDEN = 0.618034
"""Its multiples, without their whole parts, are spread evenly: chance that no copy shares with another."""


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

    def see(self, account: Account, at_s: float, factor: Factor) -> float | None:
        seconds = account.answer_s(at_s) * factor(at_s)
        self.looks += 1
        if at_s < DAY_S:
            self.first.append(seconds)
            return None
        self.usual = self.usual or median(self.first)
        self.above = self.above + 1 if seconds > self.times * self.usual else 0
        self.slow = self.above >= self.in_a_row or (self.slow and self.above > 0)
        return at_s if self.slow else None


@dataclass(slots=True)
class Burning:
    """A peer: the burn rate of an SLO of 99 %, by which a slow answer takes 2.8 times the first day's median.

    Told when the budget burns 14.4 times too fast in the last hour and in the last 5 minutes.
    """

    fixed: Fixed = field(default_factory=Fixed)
    bad: deque[bool] = field(default_factory=lambda: deque(maxlen=60))
    looks: int = 0

    def see(self, account: Account, at_s: float, factor: Factor) -> float | None:
        self.fixed.see(account, at_s, factor)
        self.looks += 1
        if at_s >= DAY_S:
            self.bad.append(self.fixed.above > 0)
        return at_s if is_burning(self.bad) else None

    def __copy__(self) -> "Burning":
        return Burning(copy(self.fixed), self.bad.copy())


def is_burning(bad: Sequence[bool]) -> bool:
    """Whether 14.4 times what an SLO of 99 % allows was bad, of the last 60 looks and of the last 5."""
    latest = list(bad)[-5:]
    return len(bad) == 60 and sum(bad) >= 60 * BURNING and sum(latest) >= 5 * BURNING


BURNING = 14.4 * 0.01


@dataclass(slots=True)
class Robust:
    """A peer: slow when 4 of 5 logarithms are `most` robust standard deviations above the median of a day."""

    most: float = 2.5
    day: deque[float] = field(default_factory=lambda: deque(maxlen=1440))
    latest: deque[bool] = field(default_factory=lambda: deque(maxlen=5))
    top: float = inf
    looks: int = 0

    def see(self, account: Account, at_s: float, factor: Factor) -> float | None:
        x = log(account.answer_s(at_s) * factor(at_s))
        self.looks += 1
        if self.looks % 30 == 0:
            middle = median(self.day)
            self.top = middle + self.most * 1.4826 * median(abs(one - middle) for one in self.day)
        self.day.append(x)
        self.latest.append(x > self.top)
        return at_s if sum(self.latest) >= 4 else None

    def __copy__(self) -> "Robust":
        return Robust(self.most, self.day.copy(), self.latest.copy(), self.top, self.looks)


@dataclass(slots=True)
class Known:
    """What can be had at all: it knows level, scale, memory and outliers, and that a rise is to twice as long.

    It looks each 15 s, always: the exact likelihood ratio of a Kalman filter, with a threshold that just keeps
    to 1.5 false alarms a month.
    """

    threshold: float = 9.2
    score: float = 0.0
    mood: float = 0.0
    unsure: float = 0.0
    taken: float = 0.0
    looks: int = 0

    def see(self, account: Account, at_s: float, factor: Factor) -> float | None:
        alarmed_s = None
        for number in range(4):
            second = at_s + number * EXTRA_S
            x = log(account.answer_s(second) * factor(second)) - account.level(second)
            self.looks += 1
            self._weigh(x / account.sigma, log(2) / account.sigma, account)
            if alarmed_s is None and self.score > self.threshold:
                alarmed_s = second
        return alarmed_s

    def _weigh(self, x: float, rise: float, account: Account) -> None:
        left = exp(-EXTRA_S / account.bound_s)
        unsure = left * left * self.unsure + account.bound * (1 - left * left)
        variance = unsure + 1 - account.bound
        news, shows, share = x - left * self.mood, rise - left * self.taken, unsure / variance
        told = log(_density(news - shows, variance) / _density(news, variance))
        self.mood, self.unsure = left * self.mood + share * min(max(news, -3), 3), (1 - share) * unsure
        self.score = min(max(self.score + told, 0.0), 1.1 * self.threshold)
        self.taken = left * self.taken + share * shows if self.score else 0.0


def _density(news: float, variance: float) -> float:
    """98 % as they are, 2 % anywhere."""
    return 0.98 * exp(-news * news / 2 / variance) / sqrt(variance) + 0.02


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

    def see(self, own: Account, at_s: float, factor: Factor) -> float | None:
        """Take all members' looks of the interval from `at_s`, in their order; return when the pool was slow first."""
        alarmed_s = None
        self.shared = _walk(self.shared, self.shared_sd, 0.5, own.rng)
        while (first := min(self.members, key=lambda one: one[1].next_s)) and first[1].next_s < at_s + MINUTE_S:
            if (seen_s := self._look(*first, factor)) is not None and alarmed_s is None:
                alarmed_s = seen_s
        return alarmed_s

    def _look(self, account: Account, ours: Ours, factor: Factor) -> float | None:
        seen_s = ours.next_s
        series = ours.look(account, lambda s: factor(s) * exp(self.shared))
        self.pooled = shared_latency.advance(self.pooled, ours.target.account, series)
        self.looks += 1
        slow = series.alarm if self.first_alone else self.pooled.alarmed_at
        return seen_s if slow else None

    def __copy__(self) -> "Together":
        members = [(_elsewhere(account, ours.target.account), copy(ours)) for account, ours in self.members]
        return Together(members, self.pooled, self.shared_sd, self.first_alone, self.shared)


def _elsewhere(account: Account, name: str) -> Account:
    """Return the account with a chance of its own from here on, of which nothing is taken from the account's."""
    there = copy(account)
    there.rng = Random(f"{account.base} {account.at_s} {name}")
    return there


def step(times: float, begin_s: float) -> Factor:
    return lambda at_s: times if at_s >= begin_s else 1.0


def broken_off(times: float, begin_s: float) -> Factor:
    """So many times as slow, and each second answer takes too long: it is a failure, and tells no time."""
    rng = Random(begin_s)
    return lambda at_s: 1.0 if at_s < begin_s else times if rng.random() < 0.5 else inf


def ramp(times: float, begin_s: float, over_s: float) -> Factor:
    return lambda at_s: exp(log(times) * min(max((at_s - begin_s) / over_s, 0.0), 1.0))


def steady(_: float) -> float:
    return 1.0


Detector = Ours | Fixed | Burning | Robust | Known | Together


@dataclass(slots=True)
class Result:
    """False alarms and looks on the calm stream, and the delays (None: not found) of each kind of rise."""

    days: float = 0.0
    false: int = 0
    looks: int = 0
    delays_s: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, other: "Result") -> None:
        self.days, self.false, self.looks = self.days + other.days, self.false + other.false, self.looks + other.looks
        for name, delays in other.delays_s.items():
            self.delays_s.setdefault(name, []).extend(delays)

    def per_month(self) -> float:
        return self.false * 30 / self.days if self.days else 0.0


RISES: dict[str, tuple[Callable[[float], Factor], float]] = {
    "x1.3": (lambda begin_s: step(1.3, begin_s), HOUR_S),
    "x1.5": (lambda begin_s: step(1.5, begin_s), HOUR_S),
    "x2": (lambda begin_s: step(2.0, begin_s), HOUR_S),
    "x3": (lambda begin_s: step(3.0, begin_s), HOUR_S),
    "x5": (lambda begin_s: step(5.0, begin_s), HOUR_S),
    "x10": (lambda begin_s: step(10.0, begin_s), HOUR_S),
    "x30": (lambda begin_s: step(30.0, begin_s), HOUR_S),
    "x3, half time out": (lambda begin_s: broken_off(3.0, begin_s), HOUR_S),
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
        now = detector.see(account, at_s, steady) is not None
        result.false += now and not was and at_s >= DAY_S
        was = now
        at_s += interval_s
        if rises and at_s >= next_s:
            next_s = at_s + pick.uniform(0.4, 0.6) * DAY_S
            begin_s = at_s + pick.random() * interval_s
            for name in () if now else rises:
                delay_s = _delay_s(detector, account, at_s, begin_s, interval_s, name)
                result.delays_s.setdefault(name, []).append(delay_s)
    result.days += days - 1
    result.looks += detector.looks


def _delay_s(
    detector: Detector, account: Account, at_s: float, begin_s: float, interval_s: float, name: str
) -> float | None:
    make, span_s = RISES[name]
    there, watcher = _elsewhere(account, f"{name} {at_s}"), copy(detector)
    factor = make(begin_s)
    while at_s < begin_s + span_s:
        if (alarmed_s := watcher.see(there, at_s, factor)) is not None and alarmed_s >= begin_s:
            return alarmed_s - begin_s
        at_s += interval_s
    return None


def accounts(count: int, seed: int, **facts: object) -> Iterator[Account]:
    return (Account(Random(seed + number), **facts) for number in range(count))  # type: ignore[arg-type]


def quantile(delays: Sequence[float | None], share: float) -> float | None:
    """Return the delay that this share of all rises is found in; None when fewer are."""
    ranked = sorted((delay is None, delay or 0.0) for delay in delays)
    missed, delay = ranked[min(int(share * len(ranked)), len(ranked) - 1)]
    return None if missed else delay
