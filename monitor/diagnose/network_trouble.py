"""This machine, and the road out: nothing can be reached, or several providers at once cannot."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.detect.health import Health
from monitor.diagnose.corroboration import Corroboration
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.evidence import diagnosis_of, symptom_of
from monitor.diagnose.operator import operators_by
from monitor.diagnose.reason import NeutralHosts, NothingAnswers, ProvidersUnreachable, Reason
from monitor.diagnose.subject import Scope, Subject
from monitor.diagnose.target_state import (
    NEVER,
    TargetStates,
    answered_just_before,
    began_at,
    earliest_start,
    gravest_fault,
    group_by,
    is_confirmed,
    is_down,
    is_failing,
    is_observed,
    is_unreachable,
    not_up,
)
from probes.model import Blame, Confidence, Fault

REFUSED_ROADS = frozenset({Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE})
STOPPED_ROADS = REFUSED_ROADS | {Fault.PROXY_FAILED}
"""What stops requests on their way to the API, whatever their key: the far end of the road, or our own."""
AT_ONCE = timedelta(minutes=2)
"""Longest time between outages that have one cause: with probes each minute they are seen a minute apart."""


def diagnose_offline(states: TargetStates, corroboration: Corroboration) -> Diagnosis | None:
    """Blame nobody if nothing can be reached: all that was probed since it began fails before any answer.

    This takes two unrelated providers or more; with a single one it takes the reachability check to fail, too.
    """
    out = [one for one in not_up(states) if is_failing(one.health) and is_unreachable(one.health)]
    if not is_confirmed(out):
        return None
    start = _last_began_at(out)
    seen = [one for one in states if is_observed(one, start) and not answered_just_before(one, start)]
    operator = operators_by(corroboration.companies)
    providers = {operator(state.target) for state in seen}
    down = all(one.health.successes == 0 and is_unreachable(one.health) for one in seen)
    if not seen or not down or corroboration.online is True or (len(providers) < 2 and corroboration.online is None):
        return None
    reasons: list[Reason] = [NothingAnswers(len(seen), len(providers))]
    if corroboration.online is False:
        reasons.append(NeutralHosts(reached=False))
    blame = Blame.PATH if gravest_fault(seen) is Fault.PROXY_FAILED else Blame.UNKNOWN
    found = diagnosis_of(Subject(Scope.MONITOR), seen, Confidence.HIGH, reasons, blame=blame)
    return replace(found, since=_since(seen, start))


def _last_began_at(states: TargetStates) -> datetime:
    """Return when the last of several providers began to fail; other failures began long before."""
    its = group_by(states, lambda target: target.answerer)
    return max((min(map(began_at, one)) for one in its.values()), default=NEVER)


def _since(states: TargetStates, start: datetime) -> datetime:
    """Return when a trouble of the road began; what failed long before has another cause."""
    return min(began for one in states if start - (began := began_at(one)) <= AT_ONCE)


def cut_off_operators(operators: Mapping[str, TargetStates]) -> list[str]:
    """Return the providers that are unreachable from here, if there are two at least, at once or half of all.

    One unreachable provider may be down itself, in all its regions; two unrelated ones at the same time are the road.
    """
    starts = {operator: start for operator, its in operators.items() if (start := _stopped_at(its))}
    if len(starts) < 2 or not any(is_down(one.health) for operator in starts for one in operators[operator]):
        return []
    start = min(starts.values())
    seen = [operator for operator, its in operators.items() if any(is_observed(one, start) for one in its)]
    at_once = max(starts.values()) - start <= AT_ONCE
    return list(starts) if at_once or 2 * len(starts) >= len(seen) else []


def _stopped_at(states: TargetStates) -> datetime | None:
    """Return since when every probe of a provider ends on the way to it; None if one gets through."""
    stopped = [one for one in not_up(states) if is_failing(one.health) and is_stopped(one.health)]
    if not stopped:
        return None
    start, ids = min(map(began_at, stopped)), {one.target.id for one in stopped}
    others = (one for one in states if one.target.id not in ids)
    through = any(is_observed(one, start) and not answered_just_before(one, start) for one in others)
    return None if through else start


def is_stopped(health: Health) -> bool:
    """Whether its failures come from something between us and the provider."""
    return health.fault in STOPPED_ROADS or is_unreachable(health)


def diagnose_egress(
    cut_off: Collection[str], operators: Mapping[str, TargetStates], corroboration: Corroboration
) -> Diagnosis:
    states = [one for operator in cut_off for one in operators[operator] if is_failing(one.health)]
    start = earliest_start(states)
    seen = [operator for operator, its in operators.items() if any(is_observed(one, start) for one in its)]
    reasons: list[Reason] = [ProvidersUnreachable(len(cut_off), len(seen)), symptom_of(states)]
    if corroboration.online:
        reasons.append(NeutralHosts(reached=True))
    sure = Confidence.HIGH if len(cut_off) == len(seen) or corroboration.online else Confidence.MEDIUM
    found = diagnosis_of(Subject(Scope.EGRESS), states, sure, reasons, blame=Blame.PATH)
    return replace(found, since=_since(states, _last_began_at(states)))
