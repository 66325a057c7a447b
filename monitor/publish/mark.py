"""How good a target or an account looks to a reader; pure. Stricter than its state: what is old is not known."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose import ACCOUNT_WIDE, Scope
from monitor.incident import SEVERITIES, Incident, Severity
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from probes.model import Fault

LATE = 3
"""A canary not seen for so many of its intervals is not known any more: one may be lost, two can be slow."""


class Mark(StrEnum):
    """What a reader is shown, the worst first. PARTLY: some of it works, or it works badly."""

    DOWN = "down"
    PARTLY = "partly"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"
    UP = "up"

    @property
    def is_trouble(self) -> bool:
        return self in (Mark.DOWN, Mark.PARTLY)


RANKS = {mark: rank for rank, mark in enumerate(Mark)}


class Standing(Struct, frozen=True):
    """When the page is made, what the open incidents (no drills) say of each target, and how each account is.

    `signals` tell of what is coming; what they speak of works still.
    """

    at: datetime
    incidents: tuple[Incident, ...]
    signals: tuple[Incident, ...]
    offline: bool
    marks: Mapping[str, Mark]

    def incident_of(self, target: str) -> Incident | None:
        if not self.incidents:  # nearly always
            return None
        return next((incident for incident in self.incidents if target in incident.targets), None)


def standing(snapshot: Snapshot) -> Standing:
    ids = {view.incident.id for view in snapshot.open_incidents}
    wholes = (view.incident for view in snapshot.open_incidents if view.incident.parent not in ids)
    real = [incident for incident in wholes if not incident.drill]
    troubles = tuple(incident for incident in real if not incident.signal)
    signals = tuple(incident for incident in real if incident.signal)
    offline = any(incident.scope is Scope.MONITOR for incident in troubles)
    accounts = (account for provider in snapshot.providers for account in provider.accounts)
    marks = {one.id: Mark.UNKNOWN if offline else mark_account(one, snapshot.made_at) for one in accounts}
    return Standing(snapshot.made_at, troubles, signals, offline, marks)


def mark_target(target: TargetView, now: Standing) -> Mark:
    return Mark.UNKNOWN if now.offline else _mark_target(target, now.at)


def _mark_target(target: TargetView, at: datetime) -> Mark:
    match target.state:
        case State.UP:  # first, as nearly all are
            return Mark.UNKNOWN if is_late(target, at) else Mark.UP
        case State.DOWN:
            return Mark.PARTLY if _is_mild(target.fault) else Mark.DOWN
        case State.SUSPECTED:
            return Mark.SUSPECTED
        case State.UNKNOWN:
            return Mark.UNKNOWN


def mark_account(account: AccountView, at: datetime) -> Mark:
    """Return the worst of its targets; PARTLY when one of them still answers."""
    if not account.targets:
        return Mark.UNKNOWN
    counting = [target for target in account.targets if target.counts] or account.targets
    marks = [_mark_target(target, at) for target in counting]
    if account.state is State.DOWN and account.fault in ACCOUNT_WIDE:
        return Mark.DOWN
    if Mark.DOWN in marks and any(mark in (Mark.UP, Mark.PARTLY) for mark in marks):
        return Mark.PARTLY
    return worst(marks) if len(marks) > 1 else marks[0]


def worst(marks: Sequence[Mark]) -> Mark:
    return min(marks, key=RANKS.__getitem__)


def is_late(target: TargetView, at: datetime) -> bool:
    return target.seen_at is None or at - target.seen_at > timedelta(seconds=LATE * target.interval_s)


def _is_mild(fault: Fault | None) -> bool:
    return fault is not None and SEVERITIES[fault] is not Severity.CRITICAL
