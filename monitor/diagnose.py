"""Whose fault is it, how sure are we, and why: the health of all targets → diagnoses; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.detect.finding import Finding
from monitor.detect.health import Health, State
from probes.model import Blame, Confidence, Fault, Target


class Scope(StrEnum):
    """What is in trouble. Wider scopes hold narrower ones down: one cause, one incident."""

    TARGET = "target"
    MODEL = "model"
    CAPABILITY = "capability"
    ACCOUNT = "account"
    PROVIDER = "provider"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One failing answer, redacted, as an appeal needs it."""

    target: str
    at: datetime
    fault: Fault
    rule: str
    words: str
    status: int | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong. `subject` is the id of what `scope` names; `since` is when the first target failed.

    Not `settled`: others may turn out to share it within seconds, so it is too early to open an incident.
    A `signal` tells of what is coming while everything works; it has no failing targets.
    """

    scope: Scope
    subject: str
    fault: Fault
    confidence: Confidence
    since: datetime
    reasons: tuple[str, ...]
    targets: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    settled: bool = True
    signal: bool = False


@dataclass(frozen=True, slots=True)
class Patient:
    """A target and its health."""

    target: Target
    health: Health


GRAVITY = (
    Fault.ACCOUNT_SUSPENDED,
    Fault.INVALID_KEY,
    Fault.VERIFICATION_REQUIRED,
    Fault.QUOTA_EXHAUSTED,
    Fault.REGION_BLOCKED,
    Fault.BLOCKED_BY_EDGE,
    Fault.PERMISSION_DENIED,
    Fault.LIMIT_COLLAPSE,
    Fault.RATE_LIMITED,
    Fault.MODEL_UNAVAILABLE,
    Fault.LOW_BALANCE,
    Fault.EXPIRES_SOON,
    Fault.MODEL_RETIRING,
    Fault.SERVER_ERROR,
    Fault.OVERLOADED,
    Fault.CONNECTION_FAILED,
    Fault.TIMEOUT,
    Fault.INVALID_RESPONSE,
    Fault.UNCLASSIFIED,
    Fault.BAD_REQUEST,
    Fault.CONTENT_FILTERED,
    Fault.SLOW,
)
"""The gravest first: of several faults of one account the first here names the incident."""

ACCOUNT_WIDE = frozenset(
    {Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED}
)
"""Faults that speak of the whole account even when only one canary meets them."""

PATIENCE = timedelta(seconds=45)
"""So long after the first failure a narrow diagnosis waits for suspected siblings to be confirmed or cleared."""

UNREACHABLE = frozenset({Fault.CONNECTION_FAILED, Fault.TIMEOUT})


def diagnose(patients: Sequence[Patient], now: datetime, findings: Iterable[Finding] = ()) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains the targets that are down, and for each sign of more."""
    if offline := _offline(patients):
        troubles = [offline]
    else:
        troubles = [
            _settle(diagnosis, patients, now)
            for its in _group(patients, lambda target: target.answerer).values()
            for diagnosis in _diagnose_provider(its)
        ]
    return troubles + [_signal(finding) for finding in findings if not _is_overtaken(finding, patients)]


def _is_overtaken(finding: Finding, patients: Iterable[Patient]) -> bool:
    """Whether what it foretold has come: the account is lost, or the model refused."""
    down = [patient for patient in _down(patients) if patient.target.account == finding.account]
    if any(patient.health.fault in ACCOUNT_WIDE for patient in down):
        return True
    return finding.model is not None and finding.model in {patient.target.model for patient in down}


def _signal(finding: Finding) -> Diagnosis:
    return Diagnosis(
        scope=Scope.MODEL if finding.model else Scope.ACCOUNT,
        subject="/".join(filter(None, (finding.account, finding.model))),
        fault=finding.fault,
        confidence=Confidence.HIGH,
        since=finding.since,
        reasons=finding.reasons,
        targets=(),
        evidence=(Evidence(finding.target, finding.seen_at, finding.fault, finding.rule, finding.words),),
        signal=True,
    )


def _settle(diagnosis: Diagnosis, patients: Sequence[Patient], now: datetime) -> Diagnosis:
    """Mark a diagnosis that may widen: somebody else is suspected of the same, and it is early."""
    if diagnosis.scope is Scope.ACCOUNT and diagnosis.fault in ACCOUNT_WIDE:
        return diagnosis
    sick = [patient for patient in patients if patient.target.id in diagnosis.targets]
    suspects = [patient for patient in patients if patient.health.state is State.SUSPECTED]
    wavering = any(_may_share(diagnosis, sick, suspect) for suspect in suspects)
    return replace(diagnosis, settled=not wavering or now - diagnosis.since >= PATIENCE)


def _may_share(diagnosis: Diagnosis, sick: Sequence[Patient], suspect: Patient) -> bool:
    """An account's trouble may spread to its other canaries, a provider's to its accounts, ours to everybody."""
    if diagnosis.fault.blame is Blame.ACCOUNT:
        return suspect.target.account in {patient.target.account for patient in sick}
    if is_unreachable(suspect.health) and all(is_unreachable(patient.health) for patient in sick):
        return True
    return suspect.target.answerer == sick[0].target.answerer


def _offline(patients: Sequence[Patient]) -> Diagnosis | None:
    """Blame nobody when nothing can be reached: every target of two or more providers fails before any answer.

    Nothing is concluded while some of them are not confirmed down.
    """
    seen = [patient for patient in patients if patient.health.state is not State.UNKNOWN]
    providers = {patient.target.answerer for patient in seen}
    down = all(patient.health.state is State.DOWN and is_unreachable(patient.health) for patient in seen)
    if len(providers) < 2 or not down:
        return None
    reasons = (f"nothing answers: {len(seen)} targets of {len(providers)} unrelated providers fail before any answer",)
    return _diagnosis(Scope.MONITOR, "", seen, Confidence.HIGH, reasons)


def is_unreachable(health: Health) -> bool:
    """Whether its latest failure ended before any answer."""
    return health.status is None and health.fault in UNREACHABLE


def _diagnose_provider(patients: Sequence[Patient]) -> list[Diagnosis]:
    accounts = _group(patients, lambda target: target.account)
    sick = {account: theirs for account, its in accounts.items() if (theirs := _down(its))}
    shared = {account: theirs for account, its in sick.items() if (theirs := _not_the_accounts(its))}
    seen = [account for account, its in accounts.items() if any(p.health.state is not State.UNKNOWN for p in its)]
    found: list[Diagnosis] = []
    if shared and (len(seen) == 1 or len(shared) >= 2 and 2 * len(shared) >= len(seen)):
        found.append(_provider_trouble(patients[0].target.answerer, shared, seen))
        shared_targets = set(found[0].targets)
        sick = {account: [p for p in its if p.target.id not in shared_targets] for account, its in sick.items()}
    for account, its in sick.items():
        if its:
            found += _diagnose_account(account, its, accounts[account], siblings=len(seen) - 1)
    return found


def _provider_trouble(provider: str, shared: Mapping[str, Sequence[Patient]], seen: Sequence[str]) -> Diagnosis:
    patients = [patient for its in shared.values() for patient in its]
    if len(seen) == 1:
        reasons = (
            _symptom(patients),
            "only one account is watched here: whether others have it too cannot be said",
        )
        return _diagnosis(Scope.PROVIDER, provider, patients, Confidence.LOW, reasons)
    reasons = (f"{len(shared)} of {len(seen)} accounts fail alike", _symptom(patients))
    everybody = len(shared) == len(seen)
    return _diagnosis(Scope.PROVIDER, provider, patients, Confidence.HIGH if everybody else Confidence.MEDIUM, reasons)


def _diagnose_account(
    account: str, sick: Sequence[Patient], all_of_it: Sequence[Patient], *, siblings: int
) -> list[Diagnosis]:
    """Explain what is down of one account: the whole of it, one ability, or single targets."""
    wide = [patient for patient in sick if patient.health.fault in ACCOUNT_WIDE]
    seen = [patient for patient in all_of_it if patient.health.state is not State.UNKNOWN]
    if wide or len(sick) == len(seen):
        reasons = [_symptom(wide or sick), _siblings_words(siblings)]
        healthy = [patient.target.canary for patient in seen if patient.health.state is State.UP]
        if healthy:
            reasons.append(f"still answers: {', '.join(sorted(set(healthy)))}")
        return [_diagnosis(Scope.ACCOUNT, account, sick, _confidence(wide or sick), tuple(filter(None, reasons)))]
    return [_part(canary, its, seen) for canary, its in _group(sick, lambda target: target.canary).items()]


def _part(canary: str, sick: Sequence[Patient], seen: Sequence[Patient]) -> Diagnosis:
    """Explain a partial loss: a canary refused for all its models, or for one."""
    account = sick[0].target.account
    rivals = [patient for patient in seen if patient.target.canary == canary]
    healthy = sorted({patient.target.canary for patient in seen if patient.health.state is State.UP})
    reasons = (_symptom(sick), f"still answers: {', '.join(healthy)}") if healthy else (_symptom(sick),)
    if len(sick) == 1 and len(rivals) > 1:
        return _diagnosis(Scope.MODEL, sick[0].target.id, sick, _confidence(sick), reasons)
    return _diagnosis(Scope.CAPABILITY, f"{account}/{canary}", sick, _confidence(sick), reasons)


def _diagnosis(
    scope: Scope, subject: str, patients: Sequence[Patient], confidence: Confidence, reasons: tuple[str, ...]
) -> Diagnosis:
    return Diagnosis(
        scope=scope,
        subject=subject,
        fault=min((fault for p in patients if (fault := p.health.fault)), key=GRAVITY.index),
        confidence=confidence,
        since=min(since for p in patients if (since := p.health.since)),
        reasons=reasons,
        targets=tuple(sorted(p.target.id for p in patients)),
        evidence=tuple(map(_evidence, patients)),
    )


def _evidence(patient: Patient) -> Evidence:
    health = patient.health
    if not (health.fault and health.answer and health.seen_at):
        raise ValueError(f"{patient.target.id} is {health.state}: only what failed is evidence")
    return Evidence(
        target=patient.target.id,
        at=health.seen_at,
        fault=health.fault,
        rule=health.answer.rule,
        words=health.answer.words,
        status=health.status,
        request_id=health.request_id,
    )


def _symptom(patients: Sequence[Patient]) -> str:
    """Say in words what the failing canaries get: `chat, list: HTTP 401 account_suspended`."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for patient in patients:
        status = f"HTTP {patient.health.status}" if patient.health.status else "no answer"
        kinds[f"{status}, {patient.health.fault}"].add(patient.target.canary)
    return "; ".join(f"{', '.join(sorted(canaries))}: {kind}" for kind, canaries in sorted(kinds.items()))


def _siblings_words(siblings: int) -> str:
    if siblings <= 0:
        return ""
    return f"{siblings} other account{'s' if siblings > 1 else ''} of this provider do not share it"


def _confidence(patients: Iterable[Patient]) -> Confidence:
    """A diagnosis is as sure as its surest witness."""
    order = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)
    return min((p.health.answer.confidence for p in patients if p.health.answer), key=order.index)


def _down(patients: Iterable[Patient]) -> list[Patient]:
    return [patient for patient in patients if patient.health.state is State.DOWN]


def _not_the_accounts(patients: Iterable[Patient]) -> list[Patient]:
    blames = (Blame.PROVIDER, Blame.PATH)
    return [p for p in patients if p.health.fault and p.health.fault.blame in blames]


def _group(patients: Iterable[Patient], key: Callable[[Target], str]) -> dict[str, list[Patient]]:
    groups: dict[str, list[Patient]] = defaultdict(list)
    for patient in patients:
        groups[key(patient.target)].append(patient)
    return dict(sorted(groups.items()))
