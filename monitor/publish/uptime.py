"""How much of the time something was good: over a day, a week, a month, a quarter; pure."""

from collections.abc import Sequence

from monitor.publish.snapshot import AccountView, TargetView
from monitor.sli import Cell, add, availability

WINDOWS_D = (1, 7, 30, 90)
BUDGET_D = 30
"""The error budget is that of so many days."""

Shares = tuple[float | None, ...]
"""For each of WINDOWS_D the share of good answers in [0, 1]; None when nothing valid was seen."""


def shares(hours: Sequence[Cell], days: Sequence[Cell]) -> Shares:
    """Return the share of good answers over each window; the first is the last 24 hours, the others end today."""
    return tuple(_share(hours if length == 1 else days[-length:]) for length in WINDOWS_D)


def account_shares(account: AccountView) -> Shares:
    """Return those of an account: of each window, of the canary that did worst in it."""
    every = [shares(target.cells, target.days) for target in counting(account)]
    return tuple(_least([its[number] for its in every]) for number in range(len(WINDOWS_D)))


def counting(account: AccountView) -> tuple[TargetView, ...]:
    """Return the targets that tell whether the account works."""
    return tuple(target for target in account.targets if not target.aside) or account.targets


def _share(cells: Sequence[Cell]) -> float | None:
    if not cells:
        return None
    whole = add(cells[0].at, cells)
    return availability(whole.ok, whole.ok + whole.degraded + whole.failed)


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)
