"""Whether it is too early to say how wide a trouble is."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec.structs import replace

from monitor.detect.health import APART, State
from monitor.diagnose.corroboration import Corroboration
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, Diagnosis
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import (
    LATELY,
    TargetState,
    TargetStates,
    awaits_recheck,
    is_observed,
    is_unreachable,
    not_up,
)
from probes.model import Blame, Fault


def mark_unsettled(
    diagnoses: Iterable[Diagnosis], states: TargetStates, corroboration: Corroboration, now: datetime
) -> list[Diagnosis]:
    """Mark the diagnoses as unsettled of which a probe that is on its way may change the width."""
    diagnoses = [*diagnoses]
    hit = {id for one in diagnoses for id in one.targets}
    known = {one.target.id: one for one in not_up(states) if one.target.id in hit}
    unclear = [one for one in not_up(states) if awaits_recheck(one, now)]
    marked = []
    for diagnosis in diagnoses:
        ids, its = set(diagnosis.targets), [known[id] for id in diagnosis.targets]
        may_share = _sharing(diagnosis, its)
        waits = any(one.target.id in ids or may_share(one) for one in unclear)
        if not waits and now - diagnosis.since < LATELY:
            others = [one for one in states if one.target.id not in ids and may_share(one)]
            waits = _is_awaited(diagnosis, its, others, corroboration)
        marked.append(replace(diagnosis, settled=not waits))
    return marked


def _is_awaited(diagnosis: Diagnosis, its: TargetStates, others: TargetStates, corroboration: Corroboration) -> bool:
    """Whether a target that may share it was not yet probed alike since; a refused key shows at any canary.

    Accounts tied to a lost account are re-checked once the loss is sure, as what they share is lost in steps. So is
    some other account if a key is refused: a key service fails within seconds, not at one instant.
    """
    accounts, canaries = {one.target.account for one in its}, {one.target.canary for one in its}
    seen = {one.target.account for one in others if is_observed(one, diagnosis.since)}
    missing = [one for one in others if not is_observed(one, diagnosis.since)]
    if diagnosis.scope is Scope.MODEL:
        models = {one.target.model for one in its}
        return any(one.target.model in models for one in missing)
    if diagnosis.fault.blame is not Blame.ACCOUNT:
        return any(one.target.canary in canaries or one.target.account not in seen for one in missing)
    if any(one.target.account not in seen | accounts for one in missing):
        return True
    ties = {group for account in accounts for group in corroboration.groups.get(account, ())}
    tied = {
        one.target.account for one in others if not ties.isdisjoint(corroboration.groups.get(one.target.account, ()))
    }
    again = {one.target.account for one in others if is_observed(one, diagnosis.since + APART)}
    works = {one.target.account for one in others if one.health.state is State.UP}
    if diagnosis.fault is Fault.INVALID_KEY and works - accounts and not again - accounts:
        return True
    return diagnosis.fault in ACCOUNT_WIDE and not tied - accounts <= again


def _sharing(diagnosis: Diagnosis, sick: TargetStates) -> Callable[[TargetState], bool]:
    """Return a test for whether another target may share the trouble.

    An account's trouble may be that of all accounts there, a provider's that of its accounts, the road's everybody's.
    """
    answerers, accounts = {one.target.answerer for one in sick}, {one.target.account for one in sick}
    cut_off = all(is_unreachable(one.health) for one in sick)
    whole = diagnosis.scope is Scope.ACCOUNT and diagnosis.fault in ACCOUNT_WIDE
    ours = diagnosis.fault.blame is Blame.ACCOUNT

    def may_share(other: TargetState) -> bool:
        health, there = other.health, other.target.answerer in answerers
        if health.state is State.UNKNOWN:
            return False
        if cut_off:
            return is_unreachable(health) or there
        if not there:
            return False
        if other.target.account in accounts:
            return not whole  # otherwise it is lost already
        return health.state is State.UP or (health.fault is not None and health.fault.blame is Blame.ACCOUNT) is ours

    return may_share
