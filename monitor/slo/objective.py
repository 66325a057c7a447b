"""Objectives: what was promised, what was kept, and how fast the error budget burns; pure.

Only time that was watched counts. The budget is that of the whole window, so that a minute of failure uses as much of
it on the first day as on the last; a burn rate is reported only of a window that was watched for half of it. Each
target weighs the same whatever its interval, and each hour the same however often it was probed: a dead account is
probed ever more rarely, and its failures would count ever less. Source of budgets and burn rates: Google, Site
Reliability Workbook, chapters 2 and 5.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Incident
from monitor.diagnose.reason import BudgetBurnt, BudgetLasts
from monitor.diagnose.subject import Scope, subject_of
from probes.model import Blame, Confidence, Fault

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FEWEST = 3
"""Fewest probes that must have failed: of a few probes one is a large share, and may be chance."""
COVERED = 0.5
"""Share of a long window that must have been watched before it counts: a minute says nothing of an hour."""
WHOLLY = 0.95
"""Share of a window below which the watched time is shown beside its result."""
REACH = 2 * HOUR
"""How long a probe counts in older hours: a dead account is probed once an hour."""
LEAST_REACH, INTERVALS = timedelta(minutes=20), 3
"""How long, and for how many intervals, a probe counts in the last hour, at least: cron may be slower than these."""


class Goal(StrEnum):
    """What is promised: that it answers, or that its good answers are quick."""

    AVAILABILITY = "availability"
    LATENCY = "latency"


FAULTS = {Goal.AVAILABILITY: Fault.SERVER_ERROR, Goal.LATENCY: Fault.SLOW}


class Objective(Struct, frozen=True):
    """A promise about an account or a provider (`subject`), kept by all of `targets` together.

    `intervals_s` is the probe interval by target, where known, in seconds. `availability` and `latency_share` are
    shares in (0, 1), None where nothing is promised; `latency_share` of the good answers take at most `latency_s`.
    """

    name: str
    subject: str
    targets: frozenset[str]
    availability: float | None = None
    latency_s: float | None = None
    latency_share: float | None = None
    window_days: int = 28
    intervals_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.subject}/{self.name}"

    def reach(self, target: str) -> timedelta:
        """Return how long a probe of a target counts for the time after it."""
        return max(LEAST_REACH, INTERVALS * timedelta(seconds=self.intervals_s.get(target, 0.0)))

    @property
    def promises(self) -> Mapping[Goal, float]:
        both = {Goal.AVAILABILITY: self.availability, Goal.LATENCY: self.latency_share}
        return {goal: share for goal, share in both.items() if share is not None}


class SpanCounts(Struct, frozen=True):
    """What one target, by its number, showed in one span. UNKNOWN is in no count.

    `begins` is at the first probe if nobody had watched before. `seen` is the share of the span that was watched; for
    hours put together, the counts are scaled so that each hour weighs the same.
    """

    series: int
    begins: datetime
    ends: datetime
    ok: float = 0
    failed: float = 0
    fast: int = 0
    slow: int = 0
    seen: float = 1.0

    def of(self, goal: Goal) -> tuple[float, float]:
        """Return how many were bad, and how many count."""
        bad, good = (self.failed, self.ok) if goal is Goal.AVAILABILITY else (self.slow, self.fast)
        return bad, bad + good


class ProbeCounts(Struct, frozen=True):
    """What the targets of one objective showed: by hour, long ago by day, and in each of SHORT as a whole."""

    hours: Sequence[SpanCounts]
    recent: Mapping[timedelta, Sequence[SpanCounts]]

    def within(self, window: timedelta) -> Sequence[SpanCounts]:
        return self.recent.get(window, self.hours)


class BurnRate(Struct, frozen=True):
    """The share that was bad in a window, over how many bad probes, and how much of the window was watched."""

    share: float
    bad: float
    covered: float


class BurnWindows(Struct, frozen=True):
    """It burns if both windows do: the long one says that it matters, the short one that it still goes on."""

    long: timedelta
    short: timedelta
    factor: float
    words: tuple[str, str]


BURN_WINDOWS = (
    BurnWindows(HOUR, timedelta(minutes=5), 14.4, ("hour", "5 minutes")),
    BurnWindows(6 * HOUR, timedelta(minutes=30), 6.0, ("6 hours", "30 minutes")),
    BurnWindows(3 * DAY, 6 * HOUR, 1.0, ("3 days", "6 hours")),
)
SHORT = (timedelta(minutes=5), timedelta(minutes=30), HOUR)
"""The windows that hours are too coarse for."""
LONGEST = BURN_WINDOWS[-1].long


class ErrorBudget(Struct, frozen=True):
    """The state of one promise. `kept` is the share that was good, `left` that of the error budget that is left.

    `kept` is of the time that was watched, the budget of the whole window: unwatched time uses none of it. `left` is
    below zero if more was used than there was. `burns` is how many times faster than allowed it burns in each long
    window, None where too little was watched. `seen_days` is how much of the window was watched.
    """

    goal: Goal
    promised: float
    kept: float
    left: float
    seen_days: float
    burns: tuple[float | None, ...]


def burn_rate(tallies: Iterable[SpanCounts], goal: Goal, window: timedelta, now: datetime) -> BurnRate | None:
    """Return the share that was bad, each target's span weighing the same; None if nothing that counts was seen."""
    weighed = bad_share = 0.0
    bad_looks, series, since = 0.0, set(), now - window
    for one in tallies:
        if one.ends <= since or one.begins >= now:
            continue
        bad, valid = one.of(goal)
        if valid:
            lap = one.seen * ((min(one.ends, now) - max(one.begins, since)) / window)
            weighed += lap
            bad_share += lap * bad / valid
            bad_looks += bad
            series.add(one.series)
    return BurnRate(bad_share / weighed, bad_looks, weighed / len(series)) if series else None


def error_budgets(objective: Objective, looks: ProbeCounts, now: datetime) -> list[ErrorBudget]:
    """Return the state of each promise; none for a promise of which nothing was seen."""
    window = objective.window_days * DAY
    found = []
    for goal, promised in objective.promises.items():
        if seen := burn_rate(looks.hours, goal, window, now):
            burns = tuple(_burn(looks, goal, pair.long, promised, now) for pair in BURN_WINDOWS)
            left = 1.0 - seen.share * seen.covered / (1.0 - promised)
            found.append(
                ErrorBudget(goal, promised, 1.0 - seen.share, left, seen.covered * objective.window_days, burns)
            )
    return found


def burn_signal(objective: Objective, looks: ProbeCounts, now: datetime, before: Diagnosis | None) -> Diagnosis | None:
    """Return the one sign that an objective's budget burns too fast; `before` is the sign of a minute ago.

    Without probes since, it goes on.
    """
    for goal, promised in objective.promises.items():
        for pair in BURN_WINDOWS:
            long = burn_rate(looks.within(pair.long), goal, pair.long, now)
            short = burn_rate(looks.within(pair.short), goal, pair.short, now)
            least = pair.factor * (1.0 - promised)
            if long and _matters(long, pair.long, before, least) and _goes_on(short, before, least):
                sign = _sign(objective, goal, pair, (long, short), now)
                return replace(sign, since=before.since, fault=before.fault) if before else sign
    return None


def signal_of_incident(incident: Incident) -> Diagnosis:
    """Return the sign that an open incident was opened by, so that a restart does not end it."""
    return Diagnosis(
        about=incident.about,
        fault=incident.fault,
        confidence=incident.confidence,
        since=incident.opened_at,
        reasons=incident.reasons,
        targets=(),
        evidence=(),
        signal=True,
        blamed=incident.blamed,
    )


def _burn(looks: ProbeCounts, goal: Goal, window: timedelta, promised: float, now: datetime) -> float | None:
    seen = burn_rate(looks.within(window), goal, window, now)
    return seen.share / (1.0 - promised) if seen and seen.covered >= COVERED else None


def _matters(long: BurnRate, window: timedelta, before: Diagnosis | None, least: float) -> bool:
    """Whether the long window counts, and says that too much was bad.

    While it burns already, any probe counts for the hour: a dead account, which is probed once an hour, would otherwise
    seem to have recovered.
    """
    if long.share < least:
        return False
    if before and window in SHORT:
        return True
    return long.covered >= COVERED and (before is not None or long.bad >= FEWEST)


def _goes_on(short: BurnRate | None, before: Diagnosis | None, least: float) -> bool:
    return before is not None if short is None else short.share >= least


def _sign(
    objective: Objective, goal: Goal, pair: BurnWindows, rates: tuple[BurnRate, BurnRate | None], now: datetime
) -> Diagnosis:
    """A budget says how much was bad, not whose fault it was: that is for the incidents of the failures themselves."""
    return Diagnosis(
        about=subject_of(Scope.OBJECTIVE, objective.subject, objective.name),
        fault=FAULTS[goal],
        confidence=Confidence.HIGH,
        since=now,
        reasons=_reasons(objective, goal, pair, rates),
        targets=(),
        evidence=(),
        signal=True,
        blamed=Blame.UNKNOWN,
    )


def _reasons(
    objective: Objective, goal: Goal, pair: BurnWindows, rates: tuple[BurnRate, BurnRate | None]
) -> tuple[BudgetBurnt, BudgetLasts]:
    long, short = rates
    allowed = 1.0 - objective.promises[goal]
    times = long.share / allowed
    burnt = BudgetBurnt(
        window=pair.long,
        share=long.share,
        allowed=allowed,
        short_window=pair.short,
        short_share=short.share if short else None,
        watched=None if long.covered >= WHOLLY else long.covered * pair.long,
        latency_s=None if goal is Goal.AVAILABILITY else objective.latency_s,
    )
    return burnt, BudgetLasts(times, objective.window_days, 24 * objective.window_days / times)
