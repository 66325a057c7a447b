"""Whose fault is it, how sure are we, and why: the health of all targets and what else is known → diagnoses; pure."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import Health, State
from monitor.detect.reminder import RULE as REMINDER
from monitor.witness import NOBODY, Group, Level, Witnesses, knock_words, page_words
from probes.model import Blame, Confidence, Fault, Target


class Scope(StrEnum):
    """What is in trouble. Wider scopes hold narrower ones down: one cause, one incident."""

    TARGET = "target"
    MODEL = "model"
    CAPABILITY = "capability"
    ACCOUNT = "account"
    ORGANIZATION = "organization"
    PROVIDER = "provider"
    EGRESS = "egress"
    MONITOR = "monitor"
    SOURCE = "source"
    REMINDER = "reminder"
    OBJECTIVE = "objective"


class Evidence(Struct, frozen=True):
    """One failing answer, redacted, as an appeal needs it."""

    target: str
    at: datetime
    fault: Fault
    rule: str
    words: str
    status: int | None = None
    request_id: str | None = None


class Diagnosis(Struct, frozen=True):
    """What is wrong. `subject` is the id of what `scope` names; `since` is when the first target failed.

    Not `settled`: others may turn out to share it within seconds, so it is too early to open an incident.
    A `signal` tells of what is coming while everything works; it has no failing targets. `blamed` is None
    where the fault says by itself whose trouble it is.
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
    blamed: Blame | None = None

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame


class Patient(Struct, frozen=True):
    """A target and its health."""

    target: Target
    health: Health


Patients = Sequence[Patient]

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

REFUSALS = frozenset({Fault.INVALID_KEY, Fault.PERMISSION_DENIED})
"""What a provider whose key service is down says to everybody. A suspension it says of one account only."""

REFUSED_ROADS = frozenset({Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE})
UNREACHABLE = frozenset({Fault.CONNECTION_FAILED, Fault.TIMEOUT})

FLAP = "flap"
"""The rule of what comes and goes."""
STANDING = frozenset({FLAP, REMINDER})
"""The rules of the findings that stand also while their account is down: they foretell nothing."""

PATIENCE = timedelta(seconds=45)
"""So long after the first failure a narrow diagnosis waits for suspected siblings to be confirmed or cleared."""

SHORT_PATIENCE = timedelta(seconds=30)
"""So long the loss of one account waits for another that is suspected of the same."""

TOGETHER = timedelta(minutes=10)
"""Accounts that are lost within so long are lost by one cause, until somebody says otherwise."""


def diagnose(
    patients: Patients, now: datetime, findings: Iterable[Finding] = (), witnesses: Witnesses = NOBODY
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains the targets that are down, and for each sign of more."""
    by_id, sick = {patient.target.id: patient for patient in patients}, _down(patients)
    suspects = [patient for patient in patients if is_suspected(patient.health)]
    troubles = [
        _settle(diagnosis, [by_id[id] for id in diagnosis.targets], suspects, now)
        for diagnosis in _troubles(patients, witnesses)
    ]
    return troubles + [sign_of(finding) for finding in findings if not _is_overtaken(finding, sick)]


def _troubles(patients: Patients, witnesses: Witnesses) -> Iterator[Diagnosis]:
    if offline := _offline(patients, witnesses):
        yield offline
        return
    answerers = _group(patients, lambda target: target.answerer)
    cut_off = _cut_off(answerers)
    if cut_off:
        yield _egress(cut_off, answerers, witnesses)
    for answerer, its in answerers.items():
        if answerer not in cut_off:
            yield from _diagnose_provider(answerer, its, witnesses)


# Signs of what is coming


def _is_overtaken(finding: Finding, sick: Patients) -> bool:
    """Whether what it foretold has come: the account is lost, or the model refused."""
    if finding.rule in STANDING:
        return False
    if finding.target in {patient.target.id for patient in sick}:
        return True
    down = [patient for patient in sick if patient.target.account == finding.account]
    if any(patient.health.fault in ACCOUNT_WIDE for patient in down):
        return True
    return finding.model is not None and finding.model in {patient.target.model for patient in down}


def sign_of(finding: Finding) -> Diagnosis:
    named = (finding.target, *finding.others) if finding.target else ()
    return Diagnosis(
        scope=_scope(finding),
        subject="/".join(filter(None, (finding.account, finding.model, finding.topic))),
        fault=finding.fault,
        confidence=Confidence.HIGH,
        since=finding.since,
        reasons=finding.reasons,
        targets=(),
        evidence=tuple(Evidence(one, finding.seen_at, finding.fault, finding.rule, finding.words) for one in named),
        settled=not finding.passing,
        signal=True,
    )


def _scope(finding: Finding) -> Scope:
    if finding.rule == REMINDER:
        return Scope.REMINDER
    if finding.model:
        return Scope.MODEL
    return Scope.ACCOUNT if "/" in finding.account else Scope.PROVIDER


# Whether it is too early to tell


def _settle(diagnosis: Diagnosis, sick: Patients, suspects: Patients, now: datetime) -> Diagnosis:
    """Mark a diagnosis that may widen: somebody else is suspected of the same, and it is early."""
    if diagnosis.scope is Scope.ACCOUNT and diagnosis.fault in ACCOUNT_WIDE:
        wavering, patience = _is_lost_alike(sick[0].target, suspects), SHORT_PATIENCE
    else:
        wavering, patience = _may_share(diagnosis.blame, sick, suspects), PATIENCE
    return replace(diagnosis, settled=not wavering or now - diagnosis.since >= patience)


def _is_lost_alike(ours: Target, suspects: Patients) -> bool:
    """Whether another account of the same provider seems to be lost at the same time."""
    lost = (suspect.target for suspect in suspects if suspect.health.fault in ACCOUNT_WIDE)
    return any(its.answerer == ours.answerer and its.account != ours.account for its in lost)


def _may_share(blame: Blame, sick: Patients, suspects: Patients) -> bool:
    """An account's trouble may spread to its other canaries, a provider's to its accounts, ours to everybody."""
    if blame is Blame.ACCOUNT:
        accounts = {patient.target.account for patient in sick}
        return any(suspect.target.account in accounts for suspect in suspects)
    if all(is_unreachable(one.health) for one in sick) and any(is_unreachable(one.health) for one in suspects):
        return True
    answerers = {patient.target.answerer for patient in sick}
    return any(suspect.target.answerer in answerers for suspect in suspects)


# This machine, and the road out


def _offline(patients: Patients, witnesses: Witnesses) -> Diagnosis | None:
    """Blame nobody when nothing can be reached: every target fails before any answer.

    Of two providers or more; of a single one only when nothing else can be reached from here either.
    Nothing is concluded while some of them are not confirmed down.
    """
    seen = _seen(patients)
    providers = {patient.target.answerer for patient in seen}
    down = all(is_down(patient.health) and is_unreachable(patient.health) for patient in seen)
    if not seen or not down or witnesses.online is True or (len(providers) < 2 and witnesses.online is None):
        return None
    who = f"{len(providers)} unrelated providers" if len(providers) > 1 else "the one provider"
    reasons = [f"nothing answers: {len(seen)} targets of {who} fail before any answer"]
    if witnesses.online is False:
        reasons.append("nothing else can be reached from this machine either")
    return _diagnosis(Scope.MONITOR, "", seen, Confidence.HIGH, reasons, blame=Blame.UNKNOWN)


def is_down(health: Health) -> bool:
    """Whether it is down for good: what may yet turn out a blip is only suspected."""
    return health.state is State.DOWN and health.lasting


def is_suspected(health: Health) -> bool:
    return health.state is State.SUSPECTED or (health.state is State.DOWN and not health.lasting)


def is_unreachable(health: Health) -> bool:
    """Whether its latest failure ended before any answer."""
    return health.status is None and health.fault in UNREACHABLE


def _cut_off(answerers: Mapping[str, Patients]) -> list[str]:
    """Return who is out of reach from here, when that is so of two at least and at half of all.

    One provider that cannot be reached may be down itself; two at the same time are the road.
    """
    seen = {answerer: _seen(its) for answerer, its in answerers.items()}
    out = [answerer for answerer, its in seen.items() if its and all(_is_stopped(patient.health) for patient in its)]
    return out if len(out) >= 2 and 2 * len(out) >= sum(bool(its) for its in seen.values()) else []


def _is_stopped(health: Health) -> bool:
    """Whether it is down by what stands between us and the provider."""
    stopped = health.fault in REFUSED_ROADS or is_unreachable(health)
    return is_down(health) and stopped


def _egress(cut_off: Collection[str], answerers: Mapping[str, Patients], witnesses: Witnesses) -> Diagnosis:
    patients = [patient for answerer in cut_off for patient in _down(answerers[answerer])]
    everybody = len(cut_off) == len([its for its in answerers.values() if _seen(its)])
    reasons = [f"{len(cut_off)} of {len(answerers)} unrelated providers are out of reach from here", _symptom(patients)]
    if witnesses.online:
        reasons.append("this machine does reach other hosts")
    sure = Confidence.HIGH if everybody or witnesses.online else Confidence.MEDIUM
    return _diagnosis(Scope.EGRESS, "", patients, sure, reasons, blame=Blame.PATH)


# One provider


def _diagnose_provider(answerer: str, patients: Patients, witnesses: Witnesses) -> Iterator[Diagnosis]:
    accounts = _group(patients, lambda target: target.account)
    sick: dict[str, Patients] = {account: theirs for account, its in accounts.items() if (theirs := _down(its))}
    if not sick:
        return
    for find in (_refused_road, _withdrawn_model, _provider_trouble, _lost_together):
        while found := find(answerer, sick, accounts, witnesses):
            yield found
            sick = _without(sick, found)
    siblings = len(_seen_accounts(accounts)) - 1
    for account, its in sick.items():
        yield from _diagnose_account(account, its, accounts[account], siblings, _knock_words(answerer, its, witnesses))


def _without(sick: Mapping[str, Patients], found: Diagnosis) -> dict[str, Patients]:
    """Return who is not yet explained."""
    rest: dict[str, Patients] = {
        account: [p for p in its if p.target.id not in found.targets] for account, its in sick.items()
    }
    return {account: its for account, its in rest.items() if its}


def _refused_road(
    answerer: str, sick: Mapping[str, Patients], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Diagnosis | None:
    """Find that the provider refuses the place or the address we call from, whatever the key."""
    stopped = [p for its in sick.values() for p in its if p.health.fault in REFUSED_ROADS]
    if not stopped:
        return None
    knock, seen = witnesses.knocks.get(answerer), _seen_accounts(accounts)
    hit = {patient.target.account for patient in stopped}
    knocked = knock is not None and knock.fault in REFUSED_ROADS
    if not knocked and len(hit) < len(seen):
        return None  # others come through from here: it is this account's own
    reasons = [_share(hit, seen), _symptom(stopped), knock_words(knock)]
    sure = Confidence.HIGH if knocked or len(hit) > 1 else Confidence.MEDIUM
    return _diagnosis(Scope.EGRESS, answerer, stopped, sure, reasons, blame=Blame.PATH)


def _withdrawn_model(
    answerer: str, sick: Mapping[str, Patients], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Diagnosis | None:
    """Find one model that fails for every account that asks for it, while another one is answered."""
    watched = _group([p for its in accounts.values() for p in _seen(its) if p.target.model], _model)
    for model, its in watched.items():
        failing = [p for p in its if is_down(p.health) and _is_of_the_model(p.health)]
        hit = {patient.target.account for patient in failing}
        others = any(p.health.state is State.UP for name, them in watched.items() if name != model for p in them)
        fresh = all(p in sick.get(p.target.account, ()) for p in failing)
        if len(hit) >= 2 and len(failing) == len(its) and others and fresh:
            asking = f"all {len(hit)} accounts that ask for it fail alike, and another model is answered"
            reasons = [asking, _symptom(failing), page_words(witnesses.pages.get(answerer))]
            subject = f"{answerer}/{model}"
            return _diagnosis(Scope.MODEL, subject, failing, Confidence.HIGH, reasons, blame=Blame.PROVIDER)
    return None


def _is_of_the_model(health: Health) -> bool:
    return health.fault is Fault.MODEL_UNAVAILABLE or (
        health.fault is not None and health.fault.blame is Blame.PROVIDER
    )


def _model(target: Target) -> str:
    return target.model or ""


def _provider_trouble(
    answerer: str, sick: Mapping[str, Patients], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Diagnosis | None:
    """Find trouble that no account is the cause of: many accounts share it, or the provider itself says so."""
    shared = {account: theirs for account, its in sick.items() if (theirs := _not_the_accounts(its))}
    seen, page = _seen_accounts(accounts), witnesses.pages.get(answerer)
    told = page is not None and page.trouble is not None
    widespread = len(shared) >= 2 and 2 * len(shared) >= len(seen)
    if not shared or not (widespread or len(seen) == 1 or told):
        return None
    patients = [patient for its in shared.values() for patient in its]
    reasons = [_share(shared, seen), _symptom(patients), _still_well(accounts), page_words(page)]
    reasons.append(_knock_words(answerer, patients, witnesses))
    sure = _sure_of_provider(answerer, shared, seen, told, witnesses)
    return _diagnosis(Scope.PROVIDER, answerer, patients, sure, reasons)


def _sure_of_provider(
    answerer: str, shared: Collection[str], seen: Collection[str], told: bool, witnesses: Witnesses
) -> Confidence:
    """Two witnesses make it sure: all accounts, the page, a call without a key that fails too."""
    knock = witnesses.knocks.get(answerer)
    alone, everybody = len(seen) == 1, len(shared) == len(seen)
    voices = (everybody and not alone) + told + (knock is not None and knock.fault is not None)
    if voices and everybody:
        return Confidence.HIGH
    return Confidence.MEDIUM if voices or not alone else Confidence.LOW


def _lost_together(
    answerer: str, sick: Mapping[str, Patients], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Diagnosis | None:
    """Find accounts that are lost by one cause: what they belong to, or the provider's own key service."""
    lost = {account: theirs for account, its in sick.items() if (theirs := _lost(its))}
    if len(lost) < 2:
        return None
    for group, members in _groups(lost, accounts, witnesses):
        patients = [patient for account in members for patient in lost[account]]
        reasons = [f"all {len(members)} accounts of {group} are refused", _symptom(patients)]
        return _diagnosis(Scope.ORGANIZATION, f"{answerer}/{group}", patients, _confidence(patients), reasons)
    return _lost_at_once(answerer, lost, accounts, witnesses)


def _groups(
    lost: Collection[str], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Iterator[tuple[Group, list[str]]]:
    """Yield each declared group of two or more of which every member is lost, the narrowest first."""
    members: dict[Group, list[str]] = defaultdict(list)
    for account in _seen_accounts(accounts):
        for group in witnesses.groups.get(account, ()):
            members[group].append(account)
    whole = [(group, its) for group, its in members.items() if len(its) >= 2 and set(its) <= set(lost)]
    yield from sorted(whole, key=lambda one: (list(Level).index(one[0].level), one[0].name))


def _lost_at_once(
    answerer: str, lost: Mapping[str, Patients], accounts: Mapping[str, Patients], witnesses: Witnesses
) -> Diagnosis | None:
    """Find that every account here was refused within minutes; nobody declared what they share."""
    seen = _seen_accounts(accounts)
    began = [min(since for p in its if (since := p.health.since)) for its in lost.values()]
    if len(lost) < len(seen) or max(began) - min(began) > TOGETHER:
        return None
    patients = [patient for its in lost.values() for patient in its]
    page = witnesses.pages.get(answerer)
    reasons = [f"all {len(lost)} accounts here are refused at once", _symptom(patients), page_words(page)]
    refused = all(patient.health.fault in REFUSALS for patient in patients)
    if refused and page is not None and page.trouble:
        return _diagnosis(Scope.PROVIDER, answerer, patients, Confidence.MEDIUM, reasons, blame=Blame.PROVIDER)
    return _diagnosis(Scope.ORGANIZATION, answerer, patients, Confidence.MEDIUM, reasons)


# One account


def _diagnose_account(
    account: str, sick: Patients, all_of_it: Patients, siblings: int, knocked: str
) -> Iterator[Diagnosis]:
    """Explain what is down of one account: the whole of it, one ability, or single targets."""
    wide, seen = _lost(sick), _seen(all_of_it)
    if wide or len(sick) == len(seen):
        reasons = [_symptom(wide or sick), _siblings_words(siblings), _still_well({account: all_of_it}), knocked]
        yield _diagnosis(Scope.ACCOUNT, account, sick, _confidence(wide or sick), reasons)
        return
    alike: dict[Fault, list[Patient]] = defaultdict(list)
    for canary, its in _group(sick, lambda target: target.canary).items():
        rivals = [patient for patient in seen if patient.target.canary == canary]
        if len(its) == 1 and len(rivals) > 1:
            yield _part(Scope.MODEL, its[0].target.id, its, seen)
        else:
            alike[_gravest(its)] += its
    for its in alike.values():
        yield _part(Scope.CAPABILITY, f"{account}/{_main_canary(its)}", its, seen)


def _part(scope: Scope, subject: str, sick: Patients, seen: Patients) -> Diagnosis:
    """Explain a partial loss: abilities that fail alike, or one model."""
    return _diagnosis(
        scope, subject, sick, _confidence(sick), [_symptom(sick), _still_well({sick[0].target.account: seen})]
    )


def _main_canary(patients: Patients) -> str:
    """Return the canary that is the most like real work: what fails alike is named after that."""
    return min((patient.target.canary for patient in patients), key=lambda one: (one != "chat", one))


def _gravest(patients: Patients) -> Fault:
    return min((fault for p in patients if (fault := p.health.fault)), key=GRAVITY.index)


def _diagnosis(
    scope: Scope,
    subject: str,
    patients: Patients,
    confidence: Confidence,
    reasons: Iterable[str],
    *,
    blame: Blame | None = None,
) -> Diagnosis:
    return Diagnosis(
        scope=scope,
        subject=subject,
        fault=_gravest(patients),
        confidence=confidence,
        since=min(since for p in patients if (since := p.health.since)),
        reasons=tuple(filter(None, reasons)),
        targets=tuple(sorted(p.target.id for p in patients)),
        evidence=tuple(map(_evidence, patients)),
        blamed=blame,
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


# Reasons in words


def _symptom(patients: Patients) -> str:
    """Say in words what the failing canaries get: `chat, list: HTTP 401 account_suspended`."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for patient in patients:
        status = f"HTTP {patient.health.status}" if patient.health.status else "no answer"
        kinds[f"{status}, {patient.health.fault}"].add(patient.target.canary)
    return "; ".join(f"{', '.join(sorted(canaries))}: {kind}" for kind, canaries in sorted(kinds.items()))


def _share(hit: Collection[str], seen: Collection[str]) -> str:
    if len(seen) == 1:
        return "only one account is watched here: whether others have it too cannot be said"
    return f"{len(hit)} of {len(seen)} accounts fail{'s' if len(hit) == 1 else ' alike'}"


def _still_well(accounts: Mapping[str, Patients]) -> str:
    well = {p.target.canary for its in accounts.values() for p in its if p.health.state is State.UP}
    return f"still answers: {', '.join(sorted(well))}" if well else ""


def _siblings_words(siblings: int) -> str:
    if siblings <= 0:
        return ""
    who = "account of this provider does" if siblings == 1 else "accounts of this provider do"
    return f"{siblings} other {who} not share it"


def _knock_words(answerer: str, patients: Patients, witnesses: Witnesses) -> str:
    """A call without a key says nothing where the API itself has refused the key."""
    refused = all(patient.health.fault and patient.health.fault.blame is Blame.ACCOUNT for patient in patients)
    return "" if refused else knock_words(witnesses.knocks.get(answerer))


def _confidence(patients: Iterable[Patient]) -> Confidence:
    """A diagnosis is as sure as its surest witness."""
    order = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)
    return min((p.health.answer.confidence for p in patients if p.health.answer), key=order.index)


# Who is how


def _down(patients: Iterable[Patient]) -> list[Patient]:
    return [patient for patient in patients if is_down(patient.health)]


def _seen(patients: Iterable[Patient]) -> list[Patient]:
    return [patient for patient in patients if patient.health.state is not State.UNKNOWN]


def _seen_accounts(accounts: Mapping[str, Patients]) -> list[str]:
    return [account for account, its in accounts.items() if _seen(its)]


def _lost(patients: Iterable[Patient]) -> list[Patient]:
    return [patient for patient in patients if patient.health.fault in ACCOUNT_WIDE]


def _not_the_accounts(patients: Iterable[Patient]) -> list[Patient]:
    blames = (Blame.PROVIDER, Blame.PATH)
    return [p for p in patients if p.health.fault and p.health.fault.blame in blames]


def _group(patients: Iterable[Patient], key: Callable[[Target], str]) -> dict[str, list[Patient]]:
    groups: dict[str, list[Patient]] = defaultdict(list)
    for patient in patients:
        groups[key(patient.target)].append(patient)
    return dict(sorted(groups.items()))
