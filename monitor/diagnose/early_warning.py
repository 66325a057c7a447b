"""Findings of the detectors → signs, and which of them an outage has overtaken."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.intermittent import RULE as FLICKER
from monitor.detect.reminder import RULE as REMINDER
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, FLAP, Diagnosis, Evidence
from monitor.diagnose.subject import Scope, Subject, subject_of
from monitor.diagnose.target_state import TargetStates
from probes.model import Blame, Fault, Target
from probes.target_id import is_account, location_of

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


def signs_of(
    findings: Iterable[Finding], hosts: Mapping[str, str], states: TargetStates, muted: Collection[str] = ()
) -> list[Diagnosis]:
    """Return the signs that these findings are, of several places one for all that see it alike.

    `hosts` are the accounts' own addresses. What is seen from some places only says so; a balance is the same from
    everywhere. What `muted` places see counts for nothing.
    """
    heard = [one for one in findings if location_of(one.target) not in muted] if muted else findings
    if all(not one.target.location for one in states):
        return [signal_of(finding, hosts) for finding in heard]
    alike = defaultdict[tuple[Subject, Fault, bool], list[Finding]](list)
    for one in heard:
        alike[signal_of(one, hosts).about, one.fault, one.rule == FLAP].append(one)
    return [_sign_of_places(its, hosts, states) for its in alike.values()]


def _sign_of_places(alike: Sequence[Finding], hosts: Mapping[str, str], states: TargetStates) -> Diagnosis:
    first = min(alike, key=lambda one: (one.since, one.target))
    others = sorted({id for one in alike for id in (one.target, *one.others) if id and id != first.target})
    sign = signal_of(replace(first, others=tuple(others), passing=all(one.passing for one in alike)), hosts)
    places = {location_of(id) for id in (first.target, *others)}
    watching = {one.target.location for one in states if _concerns(first, one.target)}
    if not _is_local_kind(first) or places >= watching:
        return sign
    road = Blame.PATH if first.fault is Fault.SLOW else sign.blamed
    return replace(sign, about=replace(sign.about, locations=tuple(sorted(places))), blamed=road)


def _concerns(finding: Finding, target: Target) -> bool:
    return finding.account in ("", target.account, target.answerer)


def _is_local_kind(finding: Finding) -> bool:
    """Whether it depends on where one probes from."""
    return finding.fault is Fault.SLOW or finding.rule in (FLAP, FLICKER)


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
