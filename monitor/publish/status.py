"""How good a target or an account looks to a reader; pure. Stricter than its state: what is old is not known."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose.incident import SEVERITIES, Incident, Severity, accounts_of
from monitor.diagnose.subject import Scope
from monitor.publish.ability import Judgement, is_late, is_lost, judge, works
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from probes.model import Blame, Fault

WHOLE = (Scope.ACCOUNT, Scope.ORGANIZATION)
"""An open incident of these stands against all that an account can do."""


class Mark(StrEnum):
    """What a reader is shown, the worst first. PARTLY: some of it works, or what fails is no grave matter.

    An account that is UP is usable, one that is DOWN is not, and of one that is UNKNOWN it is not known.
    """

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

    `signals` tell of what is coming; what they speak of works still. `judgements` say what each account can do.
    """

    at: datetime
    incidents: tuple[Incident, ...]
    signals: tuple[Incident, ...]
    offline: bool
    marks: Mapping[str, Mark]
    judgements: Mapping[str, Judgement]

    def incident_of(self, target: str) -> Incident | None:
        if not self.incidents:  # nearly always
            return None
        return next((incident for incident in self.incidents if target in incident.targets), None)


def standing(snapshot: Snapshot) -> Standing:
    every = [view.incident for view in snapshot.open_incidents if not view.incident.drill]
    ids = {incident.id for incident in every}
    wholes = [incident for incident in every if incident.parent not in ids]
    troubles = tuple(incident for incident in wholes if not incident.signal)
    signals = tuple(incident for incident in wholes if incident.signal)
    offline = any(incident.scope is Scope.MONITOR for incident in troubles)
    held, at = _held(every, offline=offline), snapshot.made_at
    accounts = [account for provider in snapshot.providers for account in provider.accounts]
    judgements = {one.id: judge(one, at, held=one.id in held, offline=offline) for one in accounts}
    marks = {one.id: _mark_account(one, at, judgements[one.id], offline=offline) for one in accounts}
    return Standing(at, troubles, signals, offline, marks, judgements)


def _held(incidents: Iterable[Incident], *, offline: bool) -> set[str]:
    """Return the accounts against which as a whole an incident stands, be it as a part of a wider one.

    While nothing can be reached it may be that alone which the incident is about, unless the account was refused.
    """
    standing = (one for one in incidents if one.scope in WHOLE and not one.signal)
    told = (one for one in standing if not offline or one.blame is Blame.ACCOUNT)
    return {account for incident in told for account in accounts_of(incident.targets)}


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
            return Mark.DOWN if works(target, at) is False else Mark.UNKNOWN
    assert_never(target.state)


def mark_account(account: AccountView, at: datetime) -> Mark:
    """Return how an account looks against which no incident is open."""
    return _mark_account(account, at, judge(account, at), offline=False)


def _mark_account(account: AccountView, at: datetime, judged: Judgement, *, offline: bool) -> Mark:
    if not account.targets:
        return Mark.UNKNOWN
    if offline or is_lost(account):
        return Mark.DOWN if judged.usable is False else Mark.UNKNOWN
    marks = [_mark_target(target, at) for target in account.targets if target.counts]
    return _mark_all(marks or [_mark_target(target, at) for target in account.targets], judged.usable)


def _mark_all(marks: Sequence[Mark], usable: bool | None) -> Mark:
    """Return the worst of several marks; PARTLY when one of them still answers, or it is not lost for sure."""
    seen, answers = worst(marks), Mark.UP in marks or Mark.PARTLY in marks
    if usable is False and seen in (Mark.UP, Mark.UNKNOWN):  # what stands against it was no canary of its own
        return Mark.PARTLY if answers else Mark.DOWN
    return Mark.PARTLY if seen is Mark.DOWN and (answers or usable is not False) else seen


def mark_ability(targets: Sequence[TargetView], now: Standing) -> Mark:
    """Return how all that is asked of one kind looks: the worst of it, PARTLY while one model of several works."""
    marks = [mark_target(target, now) for target in targets]
    return Mark.PARTLY if Mark.DOWN in marks and Mark.UP in marks else worst(marks)


def worst(marks: Sequence[Mark]) -> Mark:
    return min(marks, key=RANKS.__getitem__)


def _is_mild(fault: Fault | None) -> bool:
    return fault is not None and SEVERITIES[fault] is not Severity.CRITICAL
