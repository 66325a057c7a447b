"""The mark of a target or an account for readers; pure. Stricter than its state: stale means unknown."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct, field

from monitor.detect.health import State
from monitor.diagnose.incident import SEVERITIES, Incident, Severity, accounts_of_targets
from monitor.diagnose.subject import Scope
from monitor.publish.ability import Assessment, assess_account, is_lost, is_overdue, is_working
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from probes.model import Blame, Fault
from probes.target_id import account_of

WHOLE = (Scope.ACCOUNT, Scope.ORGANIZATION)
"""Scopes of incidents that affect everything an account can do."""


PARTS = frozenset({Scope.TARGET, Scope.MODEL, Scope.CAPABILITY, Scope.LOCATION})
"""Scopes beside which the rest of an account works, or all of it from elsewhere."""


class Mark(StrEnum):
    """The state shown to readers, worst first. PARTLY: some of it works, or the fault is mild.

    AT_RISK: it works, and something announces trouble; a target is never so. An UP or AT_RISK account is usable, a DOWN
    one is not; whether an UNKNOWN one is, is unknown.
    """

    DOWN = "down"
    PARTLY = "partly"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"
    AT_RISK = "at_risk"
    UP = "up"

    @property
    def is_trouble(self) -> bool:
        return self in (Mark.DOWN, Mark.PARTLY)

    @property
    def works(self) -> bool:
        return self in (Mark.AT_RISK, Mark.UP)


RANKS = {mark: rank for rank, mark in enumerate(Mark)}
MARKS = {
    Mark.UP: "Works",
    Mark.SUSPECTED: "Rechecking",
    Mark.PARTLY: "Trouble",
    Mark.DOWN: "Down",
    Mark.UNKNOWN: "Not known",
    Mark.AT_RISK: "At risk",
}
"""Words for each."""
Place = tuple[int, int, int, float]
"""A sort key of accounts, worst first; those alike stay in the order of monitor.toml."""


class CurrentState(Struct, frozen=True):
    """The time of the page, the open incidents (without drills), and the state of each account.

    `signals`: incidents that announce trouble; what they are about still works. `warned`: the first of them about each
    account, by its id. `of_targets`: the first of the others about each target. `judgements`: what each account can do.
    """

    at: datetime
    incidents: tuple[Incident, ...]
    signals: tuple[Incident, ...]
    offline: bool
    marks: Mapping[str, Mark]
    judgements: Mapping[str, Assessment]
    warned: Mapping[str, Incident] = field(default_factory=dict)
    of_targets: Mapping[str, Incident] = field(default_factory=dict)

    def incident_at(self, targets: Iterable[TargetView]) -> Incident | None:
        """Return the open incident about the first of these targets that one is about."""
        return next((self.of_targets[one.id] for one in targets if one.id in self.of_targets), None)

    def told_of(self, account: AccountView) -> Incident | None:
        """Return the open incident about an account, or else the sign about it while it has no trouble of its own."""
        if found := self.incident_at(account.targets):
            return found
        ails = self.marks[account.id] in (Mark.DOWN, Mark.PARTLY, Mark.SUSPECTED)
        return None if ails else self.warned.get(account.id)


def current_state(snapshot: Snapshot) -> CurrentState:
    every = [view.incident for view in snapshot.open_incidents if not view.incident.drill]
    ids = {incident.id for incident in every}
    wholes = [incident for incident in every if incident.parent not in ids]
    troubles = tuple(incident for incident in wholes if not incident.signal)
    signals = tuple(incident for incident in wholes if incident.signal)
    offline = any(incident.scope is Scope.MONITOR for incident in troubles)
    held, at = _held(every, offline=offline), snapshot.made_at
    accounts = [account for provider in snapshot.providers for account in provider.accounts]
    judgements = {one.id: assess_account(one, at, held=one.id in held, offline=offline) for one in accounts}
    marks = {one.id: _mark_account(one, at, judgements[one.id], offline=offline) for one in accounts}
    warned = _first_signs(signals, accounts)
    marks |= {id: Mark.AT_RISK for id in warned if marks[id] is Mark.UP}
    return CurrentState(at, troubles, signals, offline, marks, judgements, warned, _first_incidents(troubles))


def _first_incidents(incidents: Iterable[Incident]) -> dict[str, Incident]:
    """Return the first incident about each target, by its id."""
    found: dict[str, Incident] = {}
    for incident in incidents:
        for target in incident.targets:
            found.setdefault(target, incident)
    return found


def _first_signs(signs: Sequence[Incident], accounts: Iterable[AccountView]) -> dict[str, Incident]:
    """Return the first sign about each account, or about a wider scope and observed at it, too, by the account's id.

    Flapping is of the accounts that flap, even if it names their provider; whatever else names all is of each.
    """
    if not signs:  # the common case
        return {}
    at_account: dict[str, int] = {}
    at_answerer: dict[str, int] = {}
    for number, sign in enumerate(signs):
        for id in (sign.about.account, *(account_of(one.target) for one in sign.evidence)):
            at_account.setdefault(id, number)
        if sign.about.is_whole and not sign.is_flap:
            at_answerer.setdefault(sign.about.answerer, number)
    none = len(signs)
    first = {one.id: min(at_account.get(one.id, none), at_answerer.get(one.answerer, none)) for one in accounts}
    return {id: signs[number] for id, number in first.items() if number < none}


def _held(incidents: Iterable[Incident], *, offline: bool) -> set[str]:
    """Return the accounts with an open incident against the whole account, also as part of a wider one.

    While we are offline the incident may be about just that, unless the account was refused.
    """
    standing = (one for one in incidents if one.scope in WHOLE and not one.signal)
    told = (one for one in standing if not offline or one.blame is Blame.ACCOUNT)
    return {account for incident in told for account in accounts_of_targets(incident.targets)}


def mark_target(target: TargetView, now: CurrentState) -> Mark:
    return Mark.UNKNOWN if now.offline else _mark_target(target, now.at)


def _mark_target(target: TargetView, at: datetime) -> Mark:
    match target.state:
        case State.UP:  # first: the common case
            return Mark.UNKNOWN if is_overdue(target, at) else Mark.UP
        case State.DOWN:
            return Mark.PARTLY if _is_mild(target.fault) else Mark.DOWN
        case State.SUSPECTED:
            return Mark.SUSPECTED
        case State.UNKNOWN:
            return Mark.DOWN if is_working(target, at) is False else Mark.UNKNOWN
    assert_never(target.state)


def _mark_account(account: AccountView, at: datetime, judged: Assessment, *, offline: bool) -> Mark:
    if not account.targets:
        return Mark.UNKNOWN
    if offline or is_lost(account):
        return Mark.DOWN if judged.usable is False else Mark.UNKNOWN
    marks = [_mark_target(target, at) for target in account.targets if target.counts]
    return _mark_all(marks or [_mark_target(target, at) for target in account.targets], judged.usable)


def _mark_all(marks: Sequence[Mark], usable: bool | None) -> Mark:
    """Return the worst of several marks; PARTLY if one of them still answers, or the loss is not certain."""
    seen, answers = worst_mark(marks), Mark.UP in marks or Mark.PARTLY in marks
    if usable is False and seen in (Mark.UP, Mark.UNKNOWN):  # the case against it is not from its own canaries
        return Mark.PARTLY if answers else Mark.DOWN
    return Mark.PARTLY if seen is Mark.DOWN and (answers or usable is not False) else seen


def mark_ability(targets: Sequence[TargetView], now: CurrentState) -> Mark:
    """Return the mark of one kind of canary: the worst of its targets, PARTLY while one of several models works."""
    marks = [mark_target(target, now) for target in targets]
    return Mark.PARTLY if Mark.DOWN in marks and Mark.UP in marks else worst_mark(marks)


def severity_rank(account: AccountView, now: CurrentState) -> int:
    """Return the rank of what an account suffers from, from 1; 0 for nothing."""
    if incident := now.told_of(account):
        return incident.severity.rank + 1
    return SEVERITIES[account.fault].rank + 1 if account.fault and not now.marks[account.id].works else 0


def place_account(account: AccountView, now: CurrentState) -> Place:
    """Return the sort key of an account: the worst first, then the gravest, the most important, the longest ill."""
    mark = now.marks[account.id]
    since = account.since.timestamp() if account.since and not (now.offline or mark.works) else 0.0
    return RANKS[mark], -severity_rank(account, now), account.importance, since


def worst_mark(marks: Sequence[Mark]) -> Mark:
    return min(marks, key=RANKS.__getitem__)


def mark_incident(incident: Incident) -> Mark:
    """Return the mark of what an incident is about; PARTLY where something of it still works."""
    if incident.signal:
        return Mark.AT_RISK
    return Mark.DOWN if incident.severity is Severity.CRITICAL and incident.scope not in PARTS else Mark.PARTLY


def _is_mild(fault: Fault | None) -> bool:
    return fault is not None and SEVERITIES[fault] is not Severity.CRITICAL
