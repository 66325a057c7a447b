"""Findings of the detectors → signs, and which of them an outage has overtaken."""

from collections.abc import Mapping

from monitor.detect.finding import Finding
from monitor.detect.reminder import RULE as REMINDER
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, FLAP, Diagnosis, Evidence
from monitor.diagnose.subject import Scope, subject_of
from monitor.diagnose.target_state import TargetStates
from probes.target_id import is_account

STANDING = frozenset({FLAP, REMINDER})
"""The rules of findings that stand also while their account is down: they predict nothing."""


def has_come_true(finding: Finding, sick: TargetStates) -> bool:
    """Whether what it predicted has come: the account is lost, or the model refused."""
    if finding.rule in STANDING:
        return False
    if finding.target in {state.target.id for state in sick}:
        return True
    down = [state for state in sick if state.target.account == finding.account]
    if any(state.health.fault in ACCOUNT_WIDE for state in down):
        return True
    return finding.model is not None and finding.model in {state.target.model for state in down}


def signal_of(finding: Finding, hosts: Mapping[str, str]) -> Diagnosis:
    """Return the sign that a finding is; `hosts` are the accounts' own addresses."""
    named = (finding.target, *finding.others) if finding.target else ()
    part = "/".join(filter(None, (finding.model, finding.topic)))
    return Diagnosis(
        about=subject_of(_scope(finding), finding.account, part, hosts.get(finding.account)),
        fault=finding.fault,
        confidence=finding.confidence,
        since=finding.since,
        reasons=finding.reasons,
        targets=(),
        evidence=tuple(Evidence(one, finding.seen_at, finding.fault, finding.rule, finding.words) for one in named),
        settled=not finding.passing,
        signal=True,
        blamed=finding.blamed,
    )


def _scope(finding: Finding) -> Scope:
    if finding.rule == REMINDER:
        return Scope.REMINDER
    if not finding.account:
        return Scope.EGRESS
    if finding.model:
        return Scope.MODEL
    return Scope.ACCOUNT if is_account(finding.account) else Scope.PROVIDER
