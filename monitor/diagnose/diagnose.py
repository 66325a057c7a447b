"""Target states and other evidence → whose fault it is, how wide, how sure we are, and why; pure.

One confirmed failure opens a trouble; its width follows from every target that was probed since it began. A target that
fails alike for the second time is part of it, long before it would be reported by itself. A target that was not probed
since says nothing, neither for nor against.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from monitor.detect.finding import Finding
from monitor.diagnose.corroboration import NO_CORROBORATION, Corroboration
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.early_warning import has_come_true, signal_of
from monitor.diagnose.network_trouble import cut_off_operators, diagnose_egress, diagnose_offline
from monitor.diagnose.operator import operators_by
from monitor.diagnose.provider_trouble import diagnose_provider
from monitor.diagnose.scope_wait import mark_unsettled
from monitor.diagnose.subject import own_hosts
from monitor.diagnose.target_state import TargetStates, group_by, is_down


def diagnose(
    states: TargetStates,
    now: datetime,
    findings: Iterable[Finding] = (),
    corroboration: Corroboration = NO_CORROBORATION,
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains targets that are down, and one for each sign."""
    sick = [state for state in states if is_down(state.health)]
    hosts = own_hosts(state.target for state in states)
    if not sick:
        return [signal_of(finding, hosts) for finding in findings]
    troubles = [mark_unsettled(one, states, corroboration, now) for one in _troubles(states, corroboration)]
    return troubles + [signal_of(finding, hosts) for finding in findings if not has_come_true(finding, sick)]


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
