"""Uptime: the share of good answers over a day, a week, a month and a quarter; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitor.publish.snapshot import AccountView, TargetView
from monitor.slo.indicator import Cell, availability

WINDOWS_D = (1, 7, 30, 90)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUDGET_D = 30
"""Days of the error budget."""
BUDGET_FEWEST_D = 7
"""Days with observations before it is shown."""

Shares = tuple[float | None, ...]
"""Shares of good answers in [0, 1], one for each of WINDOWS_D; None if there was no valid one."""


def uptime_shares(hours: Sequence[Cell], days: Sequence[Cell]) -> Shares:
    """Return the share of good answers over each window; the first is the last 24 hours, the others end today."""
    good, valid = _counts(days)
    longer = (_share(good[-length:], valid[-length:]) for length in WINDOWS_D[1:])
    return (_share(*_counts(hours)), *longer)


def worst_shares(every: Iterable[Shares]) -> Shares:
    """Return the shares of an account: for each window, those of its worst canary."""
    return tuple(map(_least, zip(*every, strict=True))) or (None,) * len(WINDOWS_D)


def watched_days(days: Sequence[Cell]) -> int:
    """Return the number of days of the error budget with a valid result."""
    return sum(bool(cell.ok + cell.degraded + cell.failed) for cell in days[-BUDGET_D:])


def first_seen(days: Iterable[Cell]) -> datetime | None:
    """Return the first day with a valid result; None if there is none."""
    return min((cell.at for cell in days if cell.ok + cell.degraded + cell.failed), default=None)


def whole_windows(since: datetime | None, hours: Sequence[Cell], days: Sequence[Cell]) -> int:
    """Return how many of WINDOWS_D lie within what was watched since then; None: nothing was."""
    if since is None:
        return 0
    firsts = [(hours[:1], HOUR), *((days[-length:][:1], DAY) for length in WINDOWS_D[1:])]
    return sum(all(since < cell.at + step for cell in first) for first, step in firsts)


def watched_since(account: AccountView) -> datetime | None:
    """Return since when an account is watched: the first valid result that is known; None if there is none."""
    return min((at for one in counted_targets(account) if (at := target_since(one))), default=None)


def target_since(target: TargetView) -> datetime | None:
    return target.watched_since or first_seen(target.days)


def counted_targets(account: AccountView) -> tuple[TargetView, ...]:
    """Return the targets that show whether the account works."""
    return tuple(target for target in account.targets if not target.aside) or account.targets


def _counts(cells: Sequence[Cell]) -> tuple[list[int], list[int]]:
    return [cell.ok for cell in cells], [cell.ok + cell.degraded + cell.failed for cell in cells]


def _share(good: Sequence[int], valid: Sequence[int]) -> float | None:
    return availability(sum(good), sum(valid))


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
