"""Credit left, how fast it is used, and when it runs out: one account's balances in sequence; pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import isfinite

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.reason import CreditEnds, CreditFloor, CreditLeft, CreditPace, FindingReason
from probes.model import Credit, Fault

Points = tuple[tuple[datetime, float], ...]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
REMEMBERED = timedelta(days=3)
"""How far back the slope reaches: a weekend and a weekday, but no older habit."""
ENOUGH = timedelta(hours=6)
"""Shortest span of a slope: over less it says nothing of a day, as work comes in bursts."""
TO_CONFIRM = 2
"""Low readings in a row before credit counts as low: some dashboards answer 0 while they restart."""
SAME = 0.9
"""Share of the earlier balance from which a reading after a 0 proves the 0 a glitch, not spending."""
CLEARED = 1.2
"""Multiple of the threshold at which a warning ends, so that it does not flap with each call."""


class CreditThreshold(Struct, frozen=True):
    """When to warn: below an amount of a unit, when it runs out within `days_left` at this pace, or by its date."""

    low: Mapping[str, float] = field(default_factory=dict)
    days_left: float = 3
    expires_days: float = 7


class CreditHistory(Struct, frozen=True):
    """What is known of one account's credit in one unit; small, so that a restart resumes it.

    The figures are the last ones reported, by whichever canary reported them on `target`; None: never reported.
    `points` holds one (time, left) per hour. `lows` counts the low readings in a row, the first of them at `low_since`;
    `ends_since` is the first reading that was close to `expires_at`.
    """

    unit: str
    target: str
    at: datetime
    left: float | None = None
    most: float | None = None
    used: float | None = None
    unlimited: bool = False
    expires_at: datetime | None = None
    points: Points = ()
    lows: int = 0
    low_since: datetime | None = None
    ends_since: datetime | None = None


def advance(
    history: CreditHistory | None, credit: Credit, target: str, at: datetime, floor: CreditThreshold
) -> CreditHistory:
    """Return what is known after one more reading; a reading with a number that is not finite is ignored."""
    before = history or CreditHistory(credit.unit, target, at)
    if not all(isfinite(one) for one in (credit.left, credit.most, credit.used) if one is not None):
        return before
    most = before.most if credit.most is None else credit.most
    used = before.used if credit.used is None else credit.used
    left = credit.left
    if left is None and most is not None and used is not None:
        left = most - used
    after = replace(
        before,
        target=target,
        at=at,
        left=None if credit.unlimited else left,
        most=None if credit.unlimited else most,
        used=used,
        unlimited=credit.unlimited,
        expires_at=credit.expires_at or before.expires_at,
        points=() if credit.unlimited or left is None else _with_point(before.points, at, left),
    )
    near = after.expires_at is not None and after.expires_at - at <= floor.expires_days * DAY
    after = replace(after, ends_since=(before.ends_since or at) if near else None)
    if not _is_low(after, floor):
        return replace(after, lows=0, low_since=None)
    return replace(after, lows=before.lows + 1, low_since=before.low_since or at)


def per_day(history: CreditHistory) -> float | None:
    """Return the use per day at the pace of the last three days; None with less than six hours of readings.

    A top-up in between (a payment, a new month) counts as no use.
    """
    if not history.points or history.points[-1][0] - history.points[0][0] < ENOUGH:
        return None
    lefts = [left for _, left in history.points]
    used = sum(max(earlier - later, 0.0) for earlier, later in zip(lefts, lefts[1:], strict=False))
    return used / ((history.points[-1][0] - history.points[0][0]) / DAY)


def days_left(history: CreditHistory) -> float | None:
    """Return the days until it is used up at this pace; None if unknown or never."""
    pace = per_day(history)
    return max(history.left, 0.0) / pace if pace and history.left is not None else None


def needs_confirmation(history: CreditHistory) -> bool:
    """Whether it is low for the first time, so that one more reading should confirm it soon."""
    return history.lows == 1


def findings(account: str, history: CreditHistory, floor: CreditThreshold) -> Iterator[Finding]:
    """Yield the findings on one balance."""
    words = reported_credit(history)
    if history.lows >= TO_CONFIRM and history.low_since:
        reasons = tuple(_why_low(history, floor))
        yield Finding(
            account, Fault.LOW_BALANCE, history.low_since, history.at, history.target, "credit/low", words, reasons
        )
    if history.ends_since and history.expires_at:
        reasons = (CreditEnds(history.expires_at),)
        yield Finding(
            account,
            Fault.EXPIRES_SOON,
            history.ends_since,
            history.at,
            history.target,
            "credit/expires",
            words,
            reasons,
        )


def reported_credit(history: CreditHistory) -> CreditLeft:
    return CreditLeft(history.unit, history.left, history.most, history.used, history.unlimited)


def _with_point(points: Points, at: datetime, left: float) -> Points:
    """Add a reading: per hour only the first and the newest are kept; a rise is kept at once."""
    kept = [point for point in points if at - REMEMBERED <= point[0] < at]
    if len(kept) >= 2 and _is_stray(kept[-2][1], kept[-1][1], left):
        kept.pop()
    if len(kept) >= 2 and at - kept[-2][0] < HOUR and kept[-1][1] <= kept[-2][1] and left <= kept[-1][1]:
        kept.pop()
    return (*kept, (at, left))


def _is_stray(before: float, between: float, left: float) -> bool:
    """Whether a reading between two similar ones is a glitch: nobody spends that, or pays it in, and gets it back."""
    return SAME * before <= left <= before / SAME and not 0 < between <= 2 * before


def _is_low(history: CreditHistory, floor: CreditThreshold) -> bool:
    slack = CLEARED if history.lows >= TO_CONFIRM else 1.0
    if history.left is None:
        return False
    days = days_left(history)
    return history.left < floor.low.get(history.unit, 0.0) * slack or (
        days is not None and days < floor.days_left * slack
    )


def _why_low(history: CreditHistory, floor: CreditThreshold) -> Iterator[FindingReason]:
    yield reported_credit(history)
    if (least := floor.low.get(history.unit)) and history.left is not None and history.left < least * CLEARED:
        yield CreditFloor(history.unit, least)
    pace, days = per_day(history), days_left(history)
    if pace and days is not None:
        yield CreditPace(history.unit, pace, days)
