"""Target states and other evidence → whose fault it is, how wide, how sure we are, and why; pure.

One confirmed failure opens a trouble; its width follows from every target that was probed since it began. A target that
fails alike for the second time is part of it, long before it would be reported by itself. A target that was not probed
since says nothing, neither for nor against.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from monitor.detect.finding import Finding
from monitor.diagnose.corroboration import NOBODY, Corroboration
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.early_warning import is_overtaken, sign_of
from monitor.diagnose.network_trouble import cut_off_operators, egress_trouble, offline_trouble
from monitor.diagnose.operator import operators_by
from monitor.diagnose.provider_trouble import provider_troubles
from monitor.diagnose.scope_wait import settle
from monitor.diagnose.subject import own_hosts
from monitor.diagnose.target_state import TargetStates, grouped, is_down


def diagnose(
    states: TargetStates, now: datetime, findings: Iterable[Finding] = (), corroboration: Corroboration = NOBODY
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains targets that are down, and one for each sign."""
    sick = [state for state in states if is_down(state.health)]
    hosts = own_hosts(state.target for state in states)
    if not sick:
        return [sign_of(finding, hosts) for finding in findings]
    troubles = [settle(one, states, corroboration, now) for one in _troubles(states, corroboration)]
    return troubles + [sign_of(finding, hosts) for finding in findings if not is_overtaken(finding, sick)]


def _troubles(states: TargetStates, corroboration: Corroboration) -> Iterator[Diagnosis]:
    if offline := offline_trouble(states, corroboration):
        yield offline
        return
    operator = operators_by(corroboration.companies)
    operators = grouped(states, operator)
    cut_off = cut_off_operators(operators)
    if cut_off:
        yield egress_trouble(cut_off, operators, corroboration)
    rest = [one for one in states if operator(one.target) not in cut_off] if cut_off else states
    for answerer, its in grouped(rest, lambda target: target.answerer).items():
        yield from provider_troubles(answerer, its, corroboration)
