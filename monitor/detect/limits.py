"""Rate limits that fall: the ceilings that one target's answers report, against what they were; pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil, inf, log
from statistics import median

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.reason import (
    CeilingAnswers,
    CeilingFell,
    CeilingNow,
    CeilingStays,
    CeilingUnit,
    FindingReason,
    HardlyLeft,
    LessLeft,
    LimitsWithheld,
    Remark,
    UsedByOthers,
    Withheld,
)
from probes.model import Fault, Limit, Observation, Outcome, Target, limit_key

FALLEN, BACK, RAISED = 0.7, 0.85, 1.4
"""Shares of the reference below which a ceiling has fallen, above which it is back, and above which it was raised."""
LATEST, TO_CONFIRM = 5, 4
"""Latest readings, and how many must agree: a gateway may mix in the ceiling of another pool."""
GLITCH = timedelta(minutes=3)
"""Longest time that another pool may answer, however often we probe: a fall lasts longer."""
LASTS = timedelta(hours=1)
"""Time before a raise is believed, as it is not urgent: a shorter one was another pool, and its end is no fall."""
STRAY_STEP = 1 / 32
MIXED, WHOLLY = 0.05, 0.9
"""Share of older readings that stray from which there are several pools, and the share that a fall takes at least."""
SURELY = timedelta(minutes=12)
"""Time without one normal reading after which a ceiling has fallen, whatever came before: notified in 15 minutes."""
BY_CHANCE = 2e-5
"""Probability that several pools in turn look like a fall: if half are low, it takes 16 low readings in a row."""
LIKELY = timedelta(minutes=5)
"""Time after which a row of low readings deserves faster probes where several pools answer."""
TO_ARM = 5
HELD, HOUR = 12, timedelta(hours=1)
"""Readings, one an hour, whose median is the reference."""
ACCEPTED_AFTER = timedelta(hours=24)
MOST = 32
"""Most ceilings kept per target: a server that sends more names makes them up."""
FORGOTTEN = timedelta(days=30)
"""Time without a report after which a ceiling makes room for another."""

LOW_SHARE, USUAL_SHARE = 0.1, 0.5
"""Share left that is low, and share usually left for that to matter."""
SHARE_STEP = 0.02
OWN_SHARE = 0.05
"""Share of the ceiling used by the canary between two probes from which what is left says nothing of others."""

UNITS = frozenset({60.0, 1000.0, 1440.0, 3600.0, 86_400.0, 1e6})
"""Factors of a shrinking ceiling that suggest another unit: per second, in thousands."""

REFUSED = frozenset({403, 429})
NOT_ITS_LIMITS = frozenset(
    {
        *(Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED),
        *(Fault.BLOCKED_BY_EDGE, Fault.REGION_BLOCKED, Fault.CONTENT_FILTERED, Fault.MODEL_UNAVAILABLE),
    }
)
"""Refusals that have a reason of their own, and need not report limits."""
VANISHED = "limits/vanished"
ZERO = "limits/zero"
WITHHELD = {VANISHED: Withheld.VANISHED, ZERO: Withheld.ZERO}


class CeilingMove(Struct, frozen=True):
    """A ceiling that went up for good (a higher tier), or that stayed down until that was accepted as usual.

    `at` is when that was decided. `told_at` is when it was last reported, if it fell and then was no longer reported;
    else None.
    """

    at: datetime
    before: float
    after: float
    told_at: datetime | None = None


class Ceiling(Struct, frozen=True):
    """One limit as reported: `held` are readings, one an hour; their median is the usual ceiling.

    `most` is the highest of these medians since a ceiling was last accepted as usual, so that one cut in small steps
    falls, too. `latest` are the last few readings. `low_since` is the first of a row below the reference, which is a
    finding from `fallen_at` on, `high_since` the first of a row above it; the latest `row` readings were all low, the
    first of them at `row_since`. `strays` is the share of the readings before `latest` that were far off. `share` is
    what is usually left of it, `shorts` counts the latest readings with hardly anything left, as bits, a window apart,
    the newest at `counted_at`; a finding since `short_since`.
    """

    unit: str
    window_s: float | None
    at: datetime
    held: tuple[float, ...]
    held_at: datetime
    latest: tuple[float, ...] = ()
    most: float = 0.0
    row: int = 0
    row_since: datetime | None = None
    low_since: datetime | None = None
    fallen_at: datetime | None = None
    high_since: datetime | None = None
    strays: float = 0.0
    moved: CeilingMove | None = None
    share: float | None = None
    shorts: int = 0
    counted_at: datetime | None = None
    short_since: datetime | None = None

    @property
    def reference(self) -> float:
        return max(self.most, median(self.held))

    @property
    def lows(self) -> int:
        floor = FALLEN * self.reference
        return sum(reading < floor for reading in self.latest)

    @property
    def highs(self) -> int:
        top = RAISED * self.reference
        return sum(reading > top for reading in self.latest)

    @property
    def is_mixed(self) -> bool:
        return MIXED <= self.strays <= WHOLLY


class LimitRefusal(Struct, frozen=True):
    """A refusal that says the limits are gone: `rule` how, `words` what came back."""

    since: datetime
    at: datetime
    rule: str
    words: str


class Limits(Struct, frozen=True):
    """All that is remembered of one target's limits; small, so that a restart resumes it.

    `mute`: a refusal without limits came and went while they stayed as they were, so its refusals never report limits.
    """

    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    refusal: LimitRefusal | None = None
    mute: bool = False


NONE = Limits()


def advance(limits: Limits, observation: Observation) -> Limits:
    """Return the limits after one more answer; `limits` itself if it reports none and is no refusal."""
    ceilings = _read_all(_without_silent(limits.ceilings, observation), observation)
    if refusal := _refusal(limits, observation):
        since = limits.refusal.since if limits.refusal else observation.at
        return Limits(ceilings, replace(refusal, since=since), limits.mute)
    if limits.refusal and observation.outcome is Outcome.OK:
        return _end_refusal(limits, limits.refusal, ceilings, observation)
    return limits if ceilings is limits.ceilings else Limits(ceilings, limits.refusal, limits.mute)


def _end_refusal(
    limits: Limits, refusal: LimitRefusal, ceilings: Mapping[str, Ceiling], observation: Observation
) -> Limits:
    """A good answer ends it; limits that had vanished must be reported again, or be gone for a day."""
    if refusal.rule != VANISHED:
        return Limits(ceilings, None, limits.mute)
    if not observation.limits:
        over = observation.at - refusal.since >= ACCEPTED_AFTER
        return NONE if over else limits
    unharmed = not any(one.low_since for one in ceilings.values())
    return Limits(ceilings, None, limits.mute or unharmed)


def _read_all(ceilings: Mapping[str, Ceiling], observation: Observation) -> Mapping[str, Ceiling]:
    """Read the limits of an answer; beyond MOST names the first ones are kept, the others ignored."""
    if not observation.limits:
        return ceilings
    after = {key: one for key, one in ceilings.items() if observation.at - one.at < FORGOTTEN}
    for limit in observation.limits:
        key = _key(limit.unit, limit.window_s)
        if limit.limit is not None and 0 <= limit.limit < inf and (key in after or len(after) < MOST):
            before = after.get(key) or _split_off(ceilings, limit)
            after[key] = _read(before, limit, limit.limit, observation)
    return after


def _split_off(ceilings: Mapping[str, Ceiling], limit: Limit) -> Ceiling | None:
    """Return what was read as one with this limit until now, with its memory; None: no other name reported it.

    Of two headers of one unit often only one gives the window: while both agree they are one
    (`probes.answer.limits_in_headers.merge_limits`), and one cut alone must not start with the cut as its usual.
    """
    one = [other for other in ceilings.values() if other.unit == limit.unit]
    if len(one) != 1 or len(one[0].held) < TO_ARM or (one[0].window_s is None) == (limit.window_s is None):
        return None
    return replace(one[0], window_s=limit.window_s)


@lru_cache(1_000)
def _key(unit: str, window_s: float | None) -> str:
    return f"{unit}/{window_s or 0:g}"


def _without_silent(ceilings: Mapping[str, Ceiling], observation: Observation) -> Mapping[str, Ceiling]:
    """End the findings on ceilings that good answers have not reported for a day: nobody knows them now."""
    if observation.outcome is not Outcome.OK:
        return ceilings
    silent = {
        key: _silenced(one, observation.at)
        for key, one in ceilings.items()
        if (one.fallen_at or one.short_since) and observation.at - one.at >= ACCEPTED_AFTER
    }
    return {**ceilings, **silent} if silent else ceilings


def _silenced(ceiling: Ceiling, at: datetime) -> Ceiling:
    if ceiling.fallen_at:
        moved = CeilingMove(at, ceiling.reference, median(ceiling.latest), told_at=ceiling.at)
        ceiling = replace(_settled(ceiling, moved.after), moved=moved)
    return replace(ceiling, shorts=0, short_since=None)


def needs_confirmation(limits: Limits) -> bool:
    """Whether something fell for the first time, so that a few more readings should confirm it soon."""
    return any(_is_turning(one) for one in limits.ceilings.values())


def _is_turning(ceiling: Ceiling) -> bool:
    if ceiling.low_since is None or ceiling.fallen_at:
        return False
    likely = ceiling.row_since is not None and ceiling.at - ceiling.row_since >= LIKELY
    return likely or not ceiling.is_mixed


def findings(target: Target, limits: Limits) -> Iterator[Finding]:
    """Yield the findings on one target's limits."""
    if one := limits.refusal:
        reasons = (LimitsWithheld(WITHHELD.get(one.rule, Withheld.SAID)),)
        yield _finding(target, Fault.LIMIT_COLLAPSE, one.since, one.at, one.rule, one.words, reasons)
    for ceiling in limits.ceilings.values():
        yield from _of_ceiling(target, ceiling)


def _of_ceiling(target: Target, ceiling: Ceiling) -> Iterator[Finding]:
    unit, window_s, at = ceiling.unit, ceiling.window_s, ceiling.at
    if ceiling.fallen_at and (since := ceiling.low_since):
        now, before = median(ceiling.latest), ceiling.reference
        reasons: tuple[FindingReason, ...] = (
            CeilingFell(unit, window_s, now, before, since),
            CeilingAnswers(ceiling.lows, len(ceiling.latest)),
        )
        if now and round(before / now, 6) in UNITS:
            reasons += (CeilingUnit(before / now),)
        words = CeilingNow(unit, window_s, now, before)
        yield _finding(target, Fault.LIMIT_COLLAPSE, since, at, "limits/fallen", words, reasons)
    if (since := ceiling.short_since) and ceiling.share is not None:
        reasons = (LessLeft(unit, window_s, LOW_SHARE, ceiling.share), UsedByOthers())
        left = HardlyLeft(unit, window_s)
        yield _finding(target, Fault.RATE_LIMITED, since, at, "limits/used-by-others", left, reasons)


def accepted_findings(target: Target, limits: Limits) -> Iterator[Finding]:
    """Yield how the latest fall of each ceiling ended if it did not come back: no trouble any more, but not mended."""
    for ceiling in limits.ceilings.values():
        if (moved := ceiling.moved) and moved.after < moved.before:
            how = CeilingStays(ceiling.unit, ceiling.window_s, moved.after, moved.before, moved.told_at)
            yield _finding(target, Fault.LIMIT_COLLAPSE, moved.at, moved.at, "limits/fallen", how, (how,))


def ceiling_moves(limits: Limits) -> Mapping[tuple[str, int], CeilingMove]:
    """Return the ceilings that went up, or stayed down, by unit and seconds: no trouble any more, worth a line."""
    return {limit_key(one.unit, one.window_s): one.moved for one in limits.ceilings.values() if one.moved}


def _finding(
    target: Target,
    fault: Fault,
    since: datetime,
    at: datetime,
    rule: str,
    words: Remark | str,
    reasons: tuple[FindingReason, ...],
) -> Finding:
    return Finding(target.account, fault, since, at, target.id, rule, words, reasons, target.model)


def _refusal(limits: Limits, observation: Observation) -> LimitRefusal | None:
    """Return what a refusal says at once: limits withdrawn in its own words, a ceiling of 0, or no limits at all."""
    at, answer, fault = observation.at, observation.answer, observation.fault
    if answer is None or fault is None:
        return None
    if fault is Fault.LIMIT_COLLAPSE:
        return LimitRefusal(at, at, answer.rule, answer.words)
    if observation.status not in REFUSED or fault in NOT_ITS_LIMITS:
        return None
    if any(limit.limit == 0 for limit in observation.limits or ()):
        return LimitRefusal(at, at, ZERO, answer.words)
    known = any(len(one.held) >= TO_ARM for one in limits.ceilings.values())
    if known and not observation.limits and not limits.mute:
        return LimitRefusal(at, at, VANISHED, answer.words)
    return None


def _read(before: Ceiling | None, limit: Limit, reading: float, observation: Observation) -> Ceiling:
    at = observation.at
    if before is None:
        return Ceiling(limit.unit, limit.window_s, at, (reading,), at, (reading,))
    steady = _is_steady(before, reading, at)
    latest = before.latest if steady else (*before.latest[1 - LATEST :], reading)
    after = replace(before, at=at, latest=latest, strays=0.0 if steady else _strays(before))
    if reading >= 1 and limit.remaining is not None and 0 <= limit.remaining < inf and _is_next_window(before, at):
        after = _count_short(
            after, min(limit.remaining / reading, 1.0), _own_share(before, limit, reading, observation)
        )
    return after if steady else _judge(after, reading)


def _is_steady(ceiling: Ceiling, reading: float, at: datetime) -> bool:
    """Whether it was reported like this all along, so that one more reading changes nothing: the usual case."""
    calm = ceiling.low_since is None and ceiling.high_since is None and ceiling.strays == 0.0
    armed = len(ceiling.held) >= TO_ARM and timedelta(0) <= at - ceiling.held_at < HOUR
    return calm and armed and ceiling.latest.count(reading) == LATEST


def _judge(ceiling: Ceiling, reading: float) -> Ceiling:
    at, reference, latest = ceiling.at, ceiling.reference, ceiling.latest
    if len(ceiling.held) < TO_ARM:
        return replace(ceiling, held=(*ceiling.held, reading), held_at=at)
    ceiling = _count_row(ceiling, reading)
    if ceiling.fallen_at:
        if sum(one >= BACK * reference for one in latest) >= TO_CONFIRM:
            strays = ceiling.strays + TO_CONFIRM * STRAY_STEP
            return replace(ceiling, low_since=None, fallen_at=None, strays=strays)
        return _settled(ceiling, median(latest)) if at - ceiling.fallen_at >= ACCEPTED_AFTER else ceiling
    if ceiling.highs >= TO_CONFIRM:
        high_since = min(ceiling.high_since or at, at)
        raised = at - high_since >= LASTS and not ceiling.is_mixed
        # Of a raise only the lowest counts: another pool with a higher ceiling may be answering just now.
        return _settled(ceiling, min(latest)) if raised else replace(ceiling, high_since=high_since, low_since=None)
    ceiling = replace(ceiling, high_since=None) if ceiling.high_since else ceiling
    if lows := ceiling.lows:
        low_since = at if ceiling.row == lows == 1 else min(ceiling.low_since or at, at)
        fell_at = _fell_at(ceiling, low_since)
        return replace(ceiling, low_since=fell_at or low_since, fallen_at=at if fell_at else None)
    if not timedelta(0) <= at - ceiling.held_at < HOUR:
        held = (*ceiling.held[1 - HELD :], reading)
        most = max(ceiling.most, median(held))
        return replace(ceiling, held=held, held_at=at, most=most, low_since=None)
    return replace(ceiling, low_since=None) if ceiling.low_since else ceiling


def _fell_at(ceiling: Ceiling, low_since: datetime) -> datetime | None:
    """Return since when it is low for good, as the latest reading confirms; None: it may be a glitch."""
    if ceiling.row_since is None:
        return None
    if ceiling.lows >= TO_CONFIRM and ceiling.at - low_since >= GLITCH and not ceiling.is_mixed:
        return low_since
    surely = ceiling.at - ceiling.row_since >= SURELY and ceiling.row >= _least_row(ceiling.strays)
    return ceiling.row_since if surely else None


def _least_row(strays: float) -> int:
    """Return how many readings in a row must be low where this share of them is low anyway."""
    return max(TO_CONFIRM, ceil(log(BY_CHANCE) / log(min(max(strays, BY_CHANCE), WHOLLY))))


def _count_row(ceiling: Ceiling, reading: float) -> Ceiling:
    if reading >= FALLEN * ceiling.reference:
        return replace(ceiling, row=0, row_since=None) if ceiling.row else ceiling
    return replace(ceiling, row=ceiling.row + 1, row_since=min(ceiling.row_since or ceiling.at, ceiling.at))


def _strays(ceiling: Ceiling) -> float:
    """Count the reading that leaves `latest`; if all of those are off alike it is a move, or a glitch."""
    if len(ceiling.latest) < LATEST or ceiling.fallen_at or ceiling.lows == LATEST:
        return ceiling.strays
    oldest, reference = ceiling.latest[0], ceiling.reference
    far = not FALLEN * reference <= oldest <= RAISED * reference and ceiling.highs < LATEST
    return ceiling.strays + STRAY_STEP * (far - ceiling.strays)


def _settled(ceiling: Ceiling, now: float) -> Ceiling:
    """Accept `now` as the usual ceiling from now on."""
    moved = CeilingMove(ceiling.at, ceiling.reference, now)
    return replace(
        ceiling,
        held=(now,) * TO_ARM,
        held_at=ceiling.at,
        most=now,
        row=0,
        row_since=None,
        low_since=None,
        fallen_at=None,
        high_since=None,
        strays=0.0,
        moved=moved,
    )


def _own_share(before: Ceiling, limit: Limit, reading: float, observation: Observation) -> float:
    """Return the share of the ceiling that probes like this one use in its window."""
    usage = observation.usage
    used = usage.tokens_in + usage.tokens_out if "token" in limit.unit else 1
    pause_s = max((observation.at - before.at).total_seconds(), 1.0)
    return used * max((limit.window_s or 60.0) / pause_s, 1.0) / reading


def _is_next_window(ceiling: Ceiling, at: datetime) -> bool:
    """Whether a window has passed since `shorts` was last counted."""
    if ceiling.share is None or ceiling.counted_at is None:
        return True
    return not 0 <= (at - ceiling.counted_at).total_seconds() < max(ceiling.window_s or 0.0, 60.0) * 0.9


def _count_short(ceiling: Ceiling, share: float, own: float) -> Ceiling:
    """Count readings with hardly anything left, where usually much is and the canaries are not the cause."""
    at, usual = ceiling.at, ceiling.share
    if usual is None:
        return replace(ceiling, share=share, counted_at=at)
    low = share < LOW_SHARE and own < OWN_SHARE and usual >= USUAL_SHARE
    shorts = (ceiling.shorts << 1 | low) & (1 << LATEST) - 1
    since = ceiling.short_since
    if shorts.bit_count() >= TO_CONFIRM:
        since = since or at
    elif shorts.bit_count() <= LATEST - TO_CONFIRM:
        since = None
    accepted = since is not None and at - since >= ACCEPTED_AFTER
    usual = share if accepted else usual if low else usual + SHARE_STEP * (share - usual)
    return replace(ceiling, share=usual, shorts=shorts, counted_at=at, short_since=since)
