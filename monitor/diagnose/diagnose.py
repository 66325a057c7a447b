"""Target states and other evidence → whose fault it is, how wide, how sure we are, and why; pure.

One confirmed failure opens a trouble; its width follows from every target that was probed since it began. A target that
fails alike for the second time is part of it, long before it would be reported by itself. A target that was not probed
since says nothing, neither for nor against.

Where several places watch, what only some of them see is diagnosed for each place; what all see alike is diagnosed
once, as if one place had seen it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.diagnose.corroboration import NO_CORROBORATION, Corroboration
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.early_warning import has_come_true, signs_of
from monitor.diagnose.evidence import evidence_of
from monitor.diagnose.location_trouble import diagnose_places
from monitor.diagnose.network_trouble import cut_off_operators, diagnose_egress, diagnose_offline
from monitor.diagnose.operator import operators_by
from monitor.diagnose.provider_trouble import diagnose_provider
from monitor.diagnose.reason import SeenFrom
from monitor.diagnose.scope_wait import mark_unsettled
from monitor.diagnose.subject import own_hosts
from monitor.diagnose.target_state import (
    LATELY,
    TargetState,
    TargetStates,
    awaits_recheck,
    group_by,
    is_down,
    is_observed,
    not_up,
)
from monitor.diagnose.witness import Looks, Together, find_local_failures, join_places, part_looks


def diagnose(
    states: TargetStates,
    now: datetime,
    findings: Iterable[Finding] = (),
    corroboration: Corroboration = NO_CORROBORATION,
    muted: Collection[str] = (),
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains targets that are down, and one for each sign.

    `muted` are the places without a vote: nothing was heard of them for long, or their clock is wrong.
    """
    voting = [one for one in states if one.target.location not in muted] if muted else states
    sick = [state for state in not_up(voting) if is_down(state.health)]
    predicting = [finding for finding in findings if not has_come_true(finding, sick)]
    if len({one.target.location for one in voting}) > 1:
        troubles = _troubles_of_places(voting, corroboration, now)
    else:
        troubles = _troubles_of_one(voting, corroboration, now) if sick else []
    if not predicting:
        return troubles
    return troubles + signs_of(predicting, own_hosts(state.target for state in states), voting, muted)


def _troubles_of_one(states: TargetStates, corroboration: Corroboration, now: datetime) -> list[Diagnosis]:
    return mark_unsettled(_troubles(states, corroboration), states, corroboration, now)


def _troubles_of_places(states: TargetStates, corroboration: Corroboration, now: datetime) -> list[Diagnosis]:
    """Return what some places see, and what is left to be seen from all of them."""
    troubled, calm = part_looks(states)
    if not troubled:
        return []
    failures = find_local_failures(troubled, states)
    local = diagnose_places(states, failures, corroboration, now)
    explained = {one.state.target.id for one in failures}.union(*(one.targets for one in local))
    rest = ([one for one in its if one.target.id not in explained] for its in troubled.values())
    said = {one.state.target.id: one for one in map(join_places, filter(None, rest))}
    together = [*(one.state for one in said.values()), *calm]
    found = _troubles_of_one(together, corroboration.seen_from_all(), now)
    return local + [_seen_from_all(one, said, troubled, now) for one in found]


def _seen_from_all(diagnosis: Diagnosis, said: Mapping[str, Together], looks: Looks, now: datetime) -> Diagnosis:
    """Return a diagnosis with the targets of all places that see it."""
    parts = [one for target in diagnosis.targets for one in said[target].parts]
    places = tuple(sorted({one.target.location for one in parts}))
    waiting = any(awaits_recheck(one, now) for one in parts) or (
        len(places) == 1 and now - diagnosis.since < LATELY and _is_awaited(parts, looks, diagnosis.since)
    )
    return replace(
        diagnosis,
        reasons=(*diagnosis.reasons, SeenFrom(places)),
        targets=tuple(sorted(one.target.id for one in parts)),
        evidence=tuple(map(evidence_of, parts)),
        settled=diagnosis.settled and not waiting,
    )


def _is_awaited(parts: Iterable[TargetState], looks: Looks, since: datetime) -> bool:
    """Whether the same look from another place is on its way."""
    return any(not is_observed(one, since) for part in parts for one in looks[part.target.look])


def _troubles(states: TargetStates, corroboration: Corroboration) -> Iterator[Diagnosis]:
    if offline := diagnose_offline(states, corroboration):
        yield offline
        return
    operator = operators_by(corroboration.companies)
    operators = group_by(states, operator)
    cut_off = cut_off_operators(operators)
    if cut_off:
        yield diagnose_egress(cut_off, operators, corroboration)
    rest = [one for one in states if operator(one.target) not in cut_off] if cut_off else states
    for answerer, its in group_by(rest, lambda target: target.answerer).items():
        yield from diagnose_provider(answerer, its, corroboration)
