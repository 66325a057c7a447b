"""Slower than usual in several accounts at once: what one series only suspects, a few together show sooner; pure.

Feed it one series of each account that one provider serves, or of each canary of one account; of streams, whose pace is
the model's, one of each account that asks for the same model. One bad answer is quick to move a single series; the pool
needs most of the latest answers to be slow, from more than one member.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp, log

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.latency import MIN_RISE_S, Series, now_s, usual_s
from monitor.detect.measure import Measure
from monitor.detect.reason import PoolRose, PoolShare, PoolSlow, PoolStays
from probes.model import Fault

RISE = log(1.6)
"""Log rise that it is tuned to: smaller than a single series could find."""
THRESHOLD, PER_MEMBER = 9.0, 1.5
"""Nats to the alarm, plus PER_MEMBER times the logarithm of the members: with many, chance strikes more often."""
MOST = 15.0
CALM = 7.0
"""Score from which nothing is learnt of how the members swing together."""
BOUND = 2.0
"""Nats that one answer says at most: no member decides by itself."""
EXTRA_WEIGHT = 0.5
"""Weight of an extra probe: what makes one answer slow often makes the next one slow."""
MOST_LIFT = log(3.0)
STEP = 1 / 8
"""Step of the running share and lift: roughly the last eight answers."""
MOST_OF_THEM = 0.6
MEAN_STEP = 1 / 16
NOISE = MEAN_STEP / (2 - MEAN_STEP)
"""Mean square of the running mean of independent answers."""
SWING_STEP = 1 / 2000
MEMBERS = 8
ENOUGH, SUSPICIOUS = 2, 3.5
"""Fewest members that must each be up by themselves, and by how many nats."""
STALE = timedelta(minutes=30)
ALONE = timedelta(minutes=20)
"""Time after which a member that is slow alone is no sign of shared trouble."""
ACCEPTED_AFTER = timedelta(hours=12)


class PoolKey(Struct, frozen=True):
    """Whose speed is compared: one canary of all accounts that one company answers, by one measure.

    `model` is the requested one where the measure depends on it, else None. `location` is where it is measured from, as
    each place has its own distance; "" where only one place watches.
    """

    answerer: str
    canary: str
    kind: Measure
    model: str | None = None
    location: str = ""


class Pool(Struct, frozen=True):
    """What is remembered of a group of series; small, so that a restart resumes it.

    `score` is a CUSUM in nats, above zero since `since`; `members` are suspicious by themselves. `share` of the latest
    answers was slow; they took exp(`lift`) times as long as usual. `mean` runs over the latest answers in scales;
    `swing` and `variance` are the mean squares of it and of single answers: what all members share on a calm day.
    `alarmed_at` is None while it is calm; `accepted_at` is when a rise was last accepted as usual, and `calm_at` when
    the latest one was over.
    """

    at: datetime
    score: float = 0.0
    since: datetime | None = None
    members: tuple[str, ...] = ()
    share: float = 0.0
    lift: float = 0.0
    mean: float = 0.0
    swing: float = NOISE
    variance: float = 1.0
    alarmed_at: datetime | None = None
    accepted_at: datetime | None = None
    calm_at: datetime | None = None

    @property
    def inflation(self) -> float:
        """How many answers say as much as one would if what slows one member never slowed another; at least 1."""
        return max(self.swing / (NOISE * max(self.variance, 0.1)), 1.0)


def advance(pool: Pool | None, member: str, series: Series) -> Pool:
    """Return the pool after a member's series took in one more answer, at `series.at`."""
    pool, at = pool or Pool(series.at), series.at
    if series.alarm and not pool.alarmed_at and at - series.alarm.since > ALONE:
        return pool
    away, scale = series.recent[-1] - series.usual.level, series.usual.scale
    score, slow = _add_to_score(pool, series, away, scale), away > RISE / 2
    share = pool.share + STEP * (slow - pool.share)
    lift = pool.lift + STEP * (min(max(away, -MOST_LIFT), MOST_LIFT) - pool.lift)
    mean, swing, variance = _follow_swing(pool, min(max(away / scale, -2.0), 2.0))
    alarmed_at, accepted_at, members = pool.alarmed_at, pool.accepted_at, pool.members
    accepted = alarmed_at is not None and at - alarmed_at >= ACCEPTED_AFTER
    if score == 0.0 or accepted:
        accepted_at = at if accepted else accepted_at
        calm_at = at if alarmed_at else pool.calm_at
        return Pool(at, 0.0, None, (), share, lift, mean, swing, variance, None, accepted_at, calm_at)
    if (member in members) is not (series.rise.small >= SUSPICIOUS):
        members = _toggled(members, member)
    if not alarmed_at and _is_slow(score, share, members, series):
        alarmed_at = at
    return Pool(
        at, score, pool.since or at, members, share, lift, mean, swing, variance, alarmed_at, accepted_at, pool.calm_at
    )


def reset(pool: Pool) -> Pool:
    """Return the pool after an outage of a member: what was seen before it is no evidence of now."""
    return replace(pool, score=0.0, since=None, members=(), share=0.0, lift=0.0, alarmed_at=None)


def _toggled(members: tuple[str, ...], member: str) -> tuple[str, ...]:
    if member in members:
        return tuple(one for one in members if one != member)
    return (*members, member)[-MEMBERS:]


def _follow_swing(pool: Pool, scales: float) -> tuple[float, float, float]:
    mean = pool.mean + MEAN_STEP * (scales - pool.mean)
    if pool.score > CALM:
        return mean, pool.swing, pool.variance
    swing = pool.swing + SWING_STEP * (mean * mean - pool.swing)
    return mean, swing, pool.variance + SWING_STEP * (scales * scales - pool.variance)


def findings(group: str, target: str, kind: Measure, pool: Pool, model: str | None = None) -> Iterator[Finding]:
    """Yield the finding while the group, a provider or an account, is slow; `target` was seen last.

    `model` is whose streams are slow, if it is streams.
    """
    if pool.alarmed_at and pool.since:
        times, since = exp(pool.lift), pool.since
        words = PoolRose(times, since, model)
        reasons = (PoolSlow(len(pool.members), times, since, model), PoolShare(pool.share))
        rule, passing = f"latency/{kind}/pool", pool.lift < RISE / 2
        yield Finding(group, Fault.SLOW, since, pool.at, target, rule, words, reasons, passing=passing)


def accepted_findings(
    group: str, target: str, kind: Measure, pool: Pool, model: str | None = None
) -> Iterator[Finding]:
    """Yield how the latest rise of the group ended if it did not go back: it is usual now."""
    if at := pool.accepted_at:
        how = PoolStays(exp(pool.lift), model)
        yield Finding(group, Fault.SLOW, at, at, target, f"latency/{kind}/pool", how, (how,))


def _add_to_score(pool: Pool, series: Series, away: float, scale: float) -> float:
    nats = RISE * (away - RISE / 2) / scale**2
    before = 0.0 if series.at - pool.at > STALE else pool.score
    weighed = min(max(nats, -BOUND), BOUND) * (EXTRA_WEIGHT if series.in_a_row else 1.0) / pool.inflation
    return min(max(before + weighed, 0.0), MOST)


def _is_slow(score: float, share: float, members: tuple[str, ...], series: Series) -> bool:
    if len(members) < ENOUGH or share < MOST_OF_THEM or score <= THRESHOLD + PER_MEMBER * log(len(members)):
        return False
    return now_s(series) - usual_s(series) >= MIN_RISE_S * 0.5
