"""Which incidents have one cause: a part and its whole, an outage and its flapping, two signs of one thing; pure.

Only the subjects and times of two incidents count here, not who was notified of what.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.detect.flap import STAYED, flap_cause
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.diagnose.lifecycle import WIDTH
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import UNREACHABLE
from probes.model import Blame, Fault

TOGETHER = timedelta(minutes=10)
"""Longest time between two signs of one account that count as one: its canaries are probed one after the other."""
SHARED = frozenset(
    {
        *(Fault.SLOW, Fault.LIMIT_COLLAPSE, Fault.RATE_LIMITED),
        *(Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.PERMISSION_DENIED, Fault.VERIFICATION_REQUIRED),
        Fault.UNCLASSIFIED,
    }
)
"""Signs that each model and canary of an account shows alike; a balance and a withdrawn model stand alone."""
PLACES = (Scope.MODEL, Scope.ACCOUNT, Scope.PROVIDER)
"""Scopes of such a sign, from narrow to wide."""


# When


def outlasts_flap(one: Incident, now: datetime) -> bool:
    """Whether it has lasted too long to be just one turn of a flapping."""
    return not one.signal and (one.closed_at or now) - one.opened_at >= STAYED


def is_open_at(one: Incident, at: datetime) -> bool:
    """Whether it was open at `at`."""
    return one.opened_at <= at and (one.closed_at is None or one.closed_at >= at)


def overlap(one: Incident, other: Incident) -> bool:
    first, second = sorted((one, other), key=lambda it: it.opened_at)
    return is_open_at(first, second.opened_at)


# A part and its whole


def covers(wider: Incident, narrower: Incident) -> bool:
    """Whether a trouble is part of a wider one, by the diagnosis or by the subjects of the two."""
    if narrower.parent == wider.id:
        return True
    if WIDTH.index(wider.scope) <= WIDTH.index(narrower.scope):
        return False
    if wider.scope is Scope.MONITOR:
        return narrower.fault in UNREACHABLE or _known_at(narrower) <= _known_at(wider)
    if restless := flapping_targets(narrower):
        return restless <= {*wider.targets}
    if narrower.signal:
        return wider.scope is Scope.ACCOUNT and wider.about.holds(narrower.about)
    return bool(narrower.targets) and {*narrower.targets} <= {*wider.targets}


def _known_at(one: Incident) -> datetime:
    """Return when we were sure of it. A trouble found during an offline incident had an answer: the road is back."""
    return one.detected_at or one.opened_at


def covers_fully(wider: Incident, narrower: Incident) -> bool:
    """Whether a part needs no message of its own if the whole is reported."""
    grave = wider.severity.rank >= narrower.severity.rank
    return grave and not wider.signal and not wider.drill and covers(wider, narrower)


def is_remainder_of(one: Incident, wider: Incident) -> bool:
    """Whether it may be left over from a wider trouble: of the same blame, at its accounts, begun while that lasted."""
    wide = WIDTH.index(wider.scope) > WIDTH.index(one.scope) and not wider.signal and not wider.drill
    return wide and wider.blame is one.blame and _accounts(one) <= _accounts(wider) and is_open_at(wider, one.opened_at)


# An outage, and the flapping


def flapping_targets(flap: Incident) -> set[str]:
    """Return the targets that an incident says are flapping; empty if it is no flapping."""
    return {one.target for one in flap.evidence} if flap.is_flap else set()


def has_same_cause(flap: Incident, one: Incident) -> bool:
    """Whether both have one cause: a refused account is news even while its provider is flapping."""
    if one.signal and not one.is_flap:
        return one.fault is flap.fault
    graver = one.blame is Blame.ACCOUNT and flap.blame is not Blame.ACCOUNT
    return not graver and flap_cause(one.fault) is flap_cause(flap.fault)


def is_within(one: Incident, flaps: Iterable[Incident]) -> bool:
    """Whether it is one of the outages in these flappings, whichever targets of those accounts show it."""
    its, accounts = [flap for flap in flaps if has_same_cause(flap, one)], _accounts(one)
    return bool(accounts) and all(any(_names(flap, account, one) for flap in its) for account in accounts)


def can_be_part_of(flap: Incident, one: Incident) -> bool:
    """Whether it is one of the outages of a flapping, or more than that: it shares an account with it."""
    return has_same_cause(flap, one) and _touches(flap, one)


def can_end_in(flap: Incident, one: Incident) -> bool:
    """Whether a flapping can end in it: in the same fault for good, or in the account's loss by another name."""
    if not _touches(flap, one) or (one.signal and not one.is_flap):
        return False
    return has_same_cause(flap, one) or (flap.blame is Blame.ACCOUNT and one.blame is Blame.ACCOUNT)


def _touches(flap: Incident, one: Incident) -> bool:
    return any(_names(flap, account, one) for account in _accounts(one))


def _names(flap: Incident, account: str, one: Incident) -> bool:
    """Whether a flapping is of an account of an incident.

    A fault of the provider flaps for all that it answers; a refusal only for those that are named.
    """
    of_all = flap.scope is Scope.PROVIDER and flap.blame is not Blame.ACCOUNT
    return account in _accounts(flap) or (of_all and flap.about.is_of(account, one.about.answerer_of(account)))


def _accounts(one: Incident) -> set[str]:
    """Return the accounts that fail, or at which a sign was seen."""
    return accounts_of_targets(one.targets or [evidence.target for evidence in one.evidence])


# Two signs of one thing


def is_shared(one: Incident) -> bool:
    return one.signal and one.fault in SHARED and not one.is_flap and one.scope in PLACES


def is_same_signal(one: Incident, other: Incident) -> bool:
    """Whether two signs of one account began together."""
    alike = one.fault is other.fault and Scope.PROVIDER not in (one.scope, other.scope)
    return alike and one.about.holder == other.about.holder and abs(one.opened_at - other.opened_at) <= TOGETHER


def is_wider_signal(wider: Incident, one: Incident) -> bool:
    alike = wider.fault is one.fault and wider.scope is not one.scope
    return alike and wider.about.holds(one.about)
