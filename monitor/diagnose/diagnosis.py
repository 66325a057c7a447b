"""Whose fault is it, how wide, how sure are we, and why: how all targets are and what else is known → diagnoses; pure.

One confirmed failure opens a trouble; how wide it is tells everybody who was looked at since it began. Whoever fails
alike for the second time is part of it, long before that one would be told by itself. Who was not looked at since says
nothing, neither for nor against.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.health import APART, Health, State
from monitor.detect.reminder import RULE as REMINDER
from monitor.diagnose.reason import (
    Alone,
    Answering,
    Elsewhere,
    Knocked,
    Lone,
    Met,
    Posted,
    Reason,
    Refused,
    Shaken,
    Share,
    Siblings,
    Symptom,
    Unanswered,
    Undecided,
    Unposted,
    Unreached,
)
from monitor.diagnose.witness import NOBODY, Group, Level, Page, Witnesses
from probes.model import Blame, Confidence, Fault, Phase, Target


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
    STAGE = "stage"


class Evidence(Struct, frozen=True):
    """One failing answer, redacted, as an appeal needs it; `phase` is the part of the road that failed, if one did."""

    target: str
    at: datetime
    fault: Fault
    rule: str
    words: str
    status: int | None = None
    request_id: str | None = None
    phase: Phase | None = None


class Diagnosis(Struct, frozen=True):
    """What is wrong. `subject` is the id of what `scope` names; `since` is when the first target failed.

    `targets` are those that fail now. Not `settled`: others may turn out to share it, or not, within seconds, so it is
    too early to open an incident.
    A `signal` tells of what is coming while everything works; it has no failing targets. `blamed` is None
    where the fault says by itself whose trouble it is.
    """

    scope: Scope
    subject: str
    fault: Fault
    confidence: Confidence
    since: datetime
    reasons: tuple[Reason, ...]
    targets: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    settled: bool = True
    signal: bool = False
    blamed: Blame | None = None

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame


NEVER = datetime.max.replace(tzinfo=UTC)
"""When what has not begun began."""
EPOCH = datetime.fromtimestamp(0, UTC)


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
    Fault.PROXY_FAILED,
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

NOBODYS_OWN = frozenset({Blame.PROVIDER, Blame.PATH})
"""Who is to blame for what no account is the cause of."""

REFUSED_ROADS = frozenset({Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE})
STOPPED_ROADS = REFUSED_ROADS | {Fault.PROXY_FAILED}
"""What stops requests on their way to the API, whatever their key: the far end of the road, or our own."""
UNREACHABLE = frozenset({Fault.CONNECTION_FAILED, Fault.PROXY_FAILED, Fault.TIMEOUT})

FLAP = "flap"
"""The rule of what comes and goes."""
STANDING = frozenset({FLAP, REMINDER})
"""The rules of the findings that stand also while their account is down: they foretell nothing."""

LATELY = timedelta(seconds=25)
"""So long after a first failure the second look is on its way, and so are the looks at those who may share it."""

BREATH = timedelta(seconds=0.25)
"""A round asks all at one instant, and a daemon whom it hurries: who was asked so little before tells as much."""

LATE = timedelta(minutes=10)
"""What answered so long before the latest failure may fail by now."""

TOGETHER = timedelta(minutes=10)
"""Accounts that are lost within so long are lost by one cause, until somebody says otherwise."""

AT_ONCE = timedelta(minutes=2)
"""Providers that are out of reach within so long are so by one cause: the looks of a minute are a minute apart."""


def diagnose(
    patients: Patients, now: datetime, findings: Iterable[Finding] = (), witnesses: Witnesses = NOBODY
) -> list[Diagnosis]:
    """Return one diagnosis for each cause that explains the targets that are down, and for each sign of more."""
    sick = [patient for patient in patients if is_down(patient.health)]
    if not sick:
        return [sign_of(finding) for finding in findings]
    troubles = [_settle(one, patients, witnesses, now) for one in _troubles(patients, witnesses)]
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
    return Scope.ACCOUNT if "/" in finding.account else Scope.PROVIDER


# How a target is


def is_down(health: Health) -> bool:
    """Whether it is down for good: what may yet turn out a blip is only suspected."""
    return health.state is State.DOWN and health.lasting


def is_suspected(health: Health) -> bool:
    return health.state is State.SUSPECTED or (health.state is State.DOWN and not health.lasting)


def is_failing(health: Health) -> bool:
    """Whether it has failed more than once, so that it is part of a trouble that is confirmed elsewhere.

    What has answered again and is not believed yet tells nothing: it is neither part of it nor well.
    """
    down = health.state is State.DOWN or (health.state is State.SUSPECTED and health.failures > 1)
    return down and health.successes == 0


def is_unreachable(health: Health) -> bool:
    """Whether its latest failure ended before any answer."""
    return health.status is None and health.fault in UNREACHABLE


def _began_at(patient: Patient) -> datetime:
    """Return when its failures began, confirmed or not; of what is well, when it was seen last."""
    health = patient.health
    began = health.since if health.state is State.DOWN else health.began_at
    return began or health.seen_at or health.since or NEVER


def _start(patients: Patients) -> datetime:
    """Return when a trouble began, by those of them that are confirmed."""
    return min((_began_at(one) for one in patients if is_down(one.health)), default=NEVER)


def _is_seen(patient: Patient, since: datetime) -> bool:
    """Whether it was looked at since then, or in the same breath, and answered or failed."""
    health = patient.health
    return health.state is not State.UNKNOWN and health.seen_at is not None and health.seen_at >= since - BREATH


def _answered_before(patient: Patient, start: datetime) -> bool:
    """Whether its good answer is of the moment before a road was cut: all are asked again before that is told."""
    health = patient.health
    return health.state is State.UP and health.seen_at is not None and health.seen_at < start


def _is_well(patient: Patient, since: datetime) -> bool:
    return patient.health.state is State.UP and _is_seen(patient, since)


def _is_wavering(patient: Patient, now: datetime) -> bool:
    """Whether it failed for the first time a moment ago: the next look says whether that was chance."""
    first = patient.health.state is State.SUSPECTED and patient.health.failures == 1
    return first and now - _began_at(patient) < LATELY


# Whether it is too early to tell


def _settle(diagnosis: Diagnosis, patients: Patients, witnesses: Witnesses, now: datetime) -> Diagnosis:
    """Mark a diagnosis whose width a look may change that is on its way, of whoever may share it."""
    ids = set(diagnosis.targets)
    its = [one for one in patients if one.target.id in ids]
    may_share = _sharing(diagnosis, its)
    others = [one for one in patients if one.target.id not in ids and may_share(one)]
    awaited = now - diagnosis.since < LATELY and _is_awaited(diagnosis, its, others, witnesses)
    return replace(diagnosis, settled=not awaited and not any(_is_wavering(one, now) for one in (*its, *others)))


def _is_awaited(diagnosis: Diagnosis, its: Patients, others: Patients, witnesses: Witnesses) -> bool:
    """Whether somebody was not asked the same since it began; a refused key shows at anything that is asked.

    Who belongs to an account that is lost is asked once more when that is sure: what they share is lost in steps. So is
    some other where a key is refused: a key service fails within seconds, not at one instant.
    """
    accounts, canaries = {one.target.account for one in its}, {one.target.canary for one in its}
    seen = {one.target.account for one in others if _is_seen(one, diagnosis.since)}
    missing = [one for one in others if not _is_seen(one, diagnosis.since)]
    if diagnosis.scope is Scope.MODEL:
        models = {one.target.model for one in its}
        return any(one.target.model in models for one in missing)
    if diagnosis.fault.blame is not Blame.ACCOUNT:
        return any(one.target.canary in canaries or one.target.account not in seen for one in missing)
    if any(one.target.account not in seen | accounts for one in missing):
        return True
    ties = {group for account in accounts for group in witnesses.groups.get(account, ())}
    tied = {one.target.account for one in others if not ties.isdisjoint(witnesses.groups.get(one.target.account, ()))}
    again = {one.target.account for one in others if _is_seen(one, diagnosis.since + APART)}
    works = {one.target.account for one in others if one.health.state is State.UP}
    if diagnosis.fault is Fault.INVALID_KEY and works - accounts and not again - accounts:
        return True
    return diagnosis.fault in ACCOUNT_WIDE and not tied - accounts <= again


def _sharing(diagnosis: Diagnosis, sick: Patients) -> Callable[[Patient], bool]:
    """Return what tells whether somebody else may share a trouble.

    An account's trouble may be that of all accounts there, a provider's of its accounts, the road's everybody's.
    """
    answerers, accounts = {one.target.answerer for one in sick}, {one.target.account for one in sick}
    cut_off = all(is_unreachable(one.health) for one in sick)
    whole = diagnosis.scope is Scope.ACCOUNT and diagnosis.fault in ACCOUNT_WIDE
    ours = diagnosis.fault.blame is Blame.ACCOUNT

    def may_share(other: Patient) -> bool:
        health, there = other.health, other.target.answerer in answerers
        if health.state is State.UNKNOWN:
            return False
        if cut_off:
            return is_unreachable(health) or there
        if not there:
            return False
        if other.target.account in accounts:
            return not whole  # else it is lost already
        return health.state is State.UP or (health.fault is not None and health.fault.blame is Blame.ACCOUNT) is ours

    return may_share


# This machine, and the road out


def _offline(patients: Patients, witnesses: Witnesses) -> Diagnosis | None:
    """Blame nobody when nothing can be reached: all that was looked at since it began fails before any answer.

    Of two providers or more; of a single one only when nothing else can be reached from here either.
    """
    out = [one for one in patients if is_failing(one.health) and is_unreachable(one.health)]
    if not _is_confirmed(out):
        return None
    start = _last_began_at(out)
    seen = [one for one in patients if _is_seen(one, start) and not _answered_before(one, start)]
    providers = {patient.target.answerer for patient in seen}
    down = all(one.health.successes == 0 and is_unreachable(one.health) for one in seen)
    if not seen or not down or witnesses.online is True or (len(providers) < 2 and witnesses.online is None):
        return None
    reasons: list[Reason] = [Unanswered(len(seen), len(providers))]
    if witnesses.online is False:
        reasons.append(Elsewhere(reached=False))
    blame = Blame.PATH if _gravest(seen) is Fault.PROXY_FAILED else Blame.UNKNOWN
    found = _diagnosis(Scope.MONITOR, "", seen, Confidence.HIGH, reasons, blame=blame)
    return replace(found, since=_since(seen, start))


def _last_began_at(patients: Patients) -> datetime:
    """Return when the last of several providers began to fail: who failed otherwise before failed since long before."""
    its = _group(patients, lambda target: target.answerer)
    return max((min(map(_began_at, one)) for one in its.values()), default=NEVER)


def _since(patients: Patients, start: datetime) -> datetime:
    """Return when a trouble of the road began; what failed long before did so by another cause."""
    return min(began for one in patients if start - (began := _began_at(one)) <= AT_ONCE)


def _cut_off(answerers: Mapping[str, Patients]) -> list[str]:
    """Return who is out of reach from here, when that is so of two at least, at once or of half of all.

    One provider that cannot be reached may be down itself; two at the same time are the road.
    """
    starts = {answerer: start for answerer, its in answerers.items() if (start := _stopped_at(its))}
    if len(starts) < 2 or not any(is_down(one.health) for answerer in starts for one in answerers[answerer]):
        return []
    start = min(starts.values())
    seen = [answerer for answerer, its in answerers.items() if any(_is_seen(one, start) for one in its)]
    at_once = max(starts.values()) - start <= AT_ONCE
    return list(starts) if at_once or 2 * len(starts) >= len(seen) else []


def _stopped_at(patients: Patients) -> datetime | None:
    """Return since when all looks at a provider end on the way to it; None when one of them does not."""
    stopped = [one for one in patients if is_failing(one.health) and _is_stopped(one.health)]
    start, ids = min(map(_began_at, stopped), default=None), {one.target.id for one in stopped}
    others = [one for one in patients if one.target.id not in ids]
    if start is None or any(_is_seen(one, start) and not _answered_before(one, start) for one in others):
        return None
    return start


def _is_stopped(health: Health) -> bool:
    """Whether its failures come from what stands between us and the provider."""
    return health.fault in STOPPED_ROADS or is_unreachable(health)


def _egress(cut_off: Collection[str], answerers: Mapping[str, Patients], witnesses: Witnesses) -> Diagnosis:
    patients = [one for answerer in cut_off for one in answerers[answerer] if is_failing(one.health)]
    start = _start(patients)
    seen = [answerer for answerer, its in answerers.items() if any(_is_seen(one, start) for one in its)]
    reasons: list[Reason] = [Unreached(len(cut_off), len(seen)), _symptom(patients)]
    if witnesses.online:
        reasons.append(Elsewhere(reached=True))
    sure = Confidence.HIGH if len(cut_off) == len(seen) or witnesses.online else Confidence.MEDIUM
    found = _diagnosis(Scope.EGRESS, "", patients, sure, reasons, blame=Blame.PATH)
    return replace(found, since=_since(patients, _last_began_at(patients)))


# One provider


class View(Struct, frozen=True):
    """All accounts that one company answers; of the `sick` ones what fails and is not explained yet."""

    answerer: str
    accounts: Mapping[str, Patients]
    sick: Mapping[str, Patients]
    witnesses: Witnesses

    @property
    def page(self) -> Page | None:
        return self.witnesses.pages.get(self.answerer)


def _diagnose_provider(answerer: str, patients: Patients, witnesses: Witnesses) -> Iterator[Diagnosis]:
    accounts = _group(patients, lambda target: target.account)
    failing = _group([one for one in patients if is_failing(one.health)], lambda target: target.account)
    view = View(answerer, accounts, failing, witnesses)
    for find in (_refused_road, _lone_model, _provider_trouble, _lost_together):
        while found := find(view):
            yield found
            view = replace(view, sick=_without(view.sick, found))
    for account in view.sick:
        yield from _diagnose_account(view, account)


def _without(sick: Mapping[str, Patients], found: Diagnosis) -> dict[str, Patients]:
    """Return who is not yet explained."""
    rest: dict[str, Patients] = {
        account: [p for p in its if p.target.id not in found.targets] for account, its in sick.items()
    }
    return {account: its for account, its in rest.items() if its}


def _is_confirmed(patients: Iterable[Patient]) -> bool:
    return any(is_down(patient.health) and is_failing(patient.health) for patient in patients)


def _compared(view: View, hit: Collection[str], patients: Patients) -> list[str]:
    """Return the accounts that can tell of a trouble: those hit, and those well at the same canary since it began."""
    start, canaries = _start(patients), {patient.target.canary for patient in patients}
    return [account for account, its in view.accounts.items() if account in hit or _is_comparable(its, canaries, start)]


def _is_comparable(patients: Patients, canaries: Collection[str], start: datetime) -> bool:
    alike = [one for one in patients if one.target.canary in canaries] or patients
    return any(_is_well(one, start) for one in alike)


def _refused_road(view: View) -> Diagnosis | None:
    """Find that the provider refuses the place or the address we call from, or our own proxy us, whatever the key."""
    stopped = [p for its in view.sick.values() for p in its if p.health.fault in STOPPED_ROADS]
    if not _is_confirmed(stopped):
        return None
    hit = {patient.target.account for patient in stopped}
    seen, knock = _compared(view, hit, stopped), _knock(view, stopped)
    knocked = knock is not None and knock.fault in STOPPED_ROADS
    if not knocked and len(hit) == 1 < len(seen):
        return None  # others come through from here: it is this account's own
    told = all(patient.health.fault is Fault.PROXY_FAILED for patient in stopped)  # the proxy says so itself
    sure = Confidence.HIGH if knocked or told or len(hit) == len(seen) > 1 else Confidence.MEDIUM
    reasons = [_share(view, hit, seen), _symptom(stopped), knock]
    return _diagnosis(Scope.EGRESS, view.answerer, stopped, sure, reasons, blame=Blame.PATH)


def _lone_model(view: View) -> Diagnosis | None:
    """Find one model that fails for every account that asks for it, while another one is answered.

    Of the only account that is watched it says so much where the provider takes the blame itself.
    """
    for model, its in _group_by_model(one for them in view.accounts.values() for one in them).items():
        failing = [one for them in view.sick.values() for one in them if one.target.model == model]
        failing = [one for one in failing if _is_of_the_model(one.health)]
        if not _is_confirmed(failing) or not _is_all(failing, its):
            continue
        hit = {one.target.account for one in failing}
        lonely = len(view.accounts) == 1 and all(one.health.fault is not Fault.MODEL_UNAVAILABLE for one in failing)
        if (len(hit) > 1 or lonely) and (other := _other_models(view, model, failing)):
            sure = Confidence.HIGH if len(hit) > 1 else Confidence.MEDIUM
            reasons = [Lone(len(hit)), _symptom(failing), other, _page(view.page)]
            return _diagnosis(Scope.MODEL, f"{view.answerer}/{model}", failing, sure, reasons, blame=Blame.PROVIDER)
    return None


def _is_all(failing: Patients, watched: Patients) -> bool:
    """Whether nobody of those that watch it has met anything else since it began."""
    start, ids = _start(failing), {one.target.id for one in failing}
    return not any(_is_seen(one, start) for one in watched if one.target.id not in ids)


def _other_models(view: View, model: str, failing: Patients) -> Answering | None:
    """Return the models that answer while one does not."""
    start = _start(failing)
    well = [(one.target.model, one.health) for its in view.accounts.values() for one in its if _is_well(one, start)]
    return _answering((name, health) for name, health in well if name and name != model)


def _is_of_the_model(health: Health) -> bool:
    return health.fault is Fault.MODEL_UNAVAILABLE or (
        health.fault is not None and health.fault.blame is Blame.PROVIDER
    )


def _group_by_model(patients: Iterable[Patient]) -> dict[str, list[Patient]]:
    return _group([one for one in patients if one.target.model], lambda target: target.model or "")


def _provider_trouble(view: View) -> Diagnosis | None:
    """Find trouble that no account is the cause of: several accounts share it, or the provider itself says so.

    While it creeps up, others have failed alike already, and answer in between: nobody fails twice in a row yet.
    Who is alone, or the only one that was asked the same since, cannot tell it from trouble of its own.
    """
    shared = {account: theirs for account, its in view.sick.items() if (theirs := _not_the_accounts(its))}
    patients = [patient for its in shared.values() for patient in its]
    if not _is_confirmed(patients):
        return None
    seen, told = _compared(view, shared, patients), view.page is not None and view.page.trouble is not None
    shaken = _shaken(view, shared, patients)
    if not (len(shared) > 1 or len(seen) == 1 or told or _is_many(shaken, {*seen, *shaken} - shared.keys())):
        return None
    knock = _knock(view, patients)
    reasons = [
        *(_share(view, shared, seen), Shaken(len(shaken)) if shaken else None, _symptom(patients)),
        *(_still(view.accounts, patients), _page(view.page), knock),
    ]
    sure = _sure_of_provider(shared, seen, told, knock)
    return _diagnosis(Scope.PROVIDER, view.answerer, patients, sure, reasons)


def _shaken(view: View, shared: Collection[str], patients: Patients) -> list[str]:
    """Return the other accounts that have met what no account is to blame for since it began, and answer again."""
    start = _start(patients)
    return [
        account
        for account, its in view.accounts.items()
        if account not in shared and any(_is_shaken(one.health, start) for one in its)
    ]


def _is_shaken(health: Health, since: datetime) -> bool:
    evidence = health.evidence
    if health.failures or not health.doubt or evidence is None or evidence.at is None or evidence.fault is None:
        return False
    return evidence.at >= since - BREATH and evidence.fault.blame in NOBODYS_OWN


def _is_many(shaken: Collection[str], others: Collection[str]) -> bool:
    """Whether so many others failed once that it is no chance: two, or half of them."""
    return len(shaken) >= 2 or 0 < len(others) <= 2 * len(shaken)


def _sure_of_provider(shared: Collection[str], seen: Collection[str], told: bool, knock: Knocked | None) -> Confidence:
    """Two witnesses make it sure: all accounts, the page, a call without a key that fails too."""
    alone, everybody = len(seen) == 1, len(shared) == len(seen)
    voices = (everybody and not alone) + told + (knock is not None and knock.fault is not None)
    if voices and everybody:
        return Confidence.HIGH
    return Confidence.MEDIUM if voices or not alone else Confidence.LOW


def _lost_together(view: View) -> Diagnosis | None:
    """Find accounts that are lost by one cause: what they belong to, or the provider's own key service."""
    lost = {account: its for account in view.sick if (its := _lost(view.sick[account], view.accounts[account]))}
    patients = [one for its in lost.values() for one in its]
    if len(lost) < 2 or not _is_confirmed(patients):
        return None
    if (found := _lost_at_once(view, lost)) and (found.blame is Blame.PROVIDER or not _is_of_one_group(view, lost)):
        return found
    for group, members, of in _groups(view, lost):
        its = [one for account in members for one in lost[account]]
        keys = all(one.health.fault in REFUSALS for one in its)
        siblings = _siblings(view, members, its)
        unsure = keys and siblings is None
        reasons = [Refused(len(members), of, str(group)), _symptom(its), siblings, Undecided() if unsure else None]
        return _diagnosis(
            Scope.ORGANIZATION,
            f"{view.answerer}/{group}",
            its,
            _confidence(its) if len(members) == of and not unsure else Confidence.MEDIUM,
            reasons,
            blame=Blame.UNKNOWN if unsure else None,
        )
    return found


def _is_of_one_group(view: View, lost: Collection[str]) -> bool:
    """Whether all that are lost belong together, so that what they share explains it."""
    return bool(set.intersection(*(set(view.witnesses.groups.get(account, ())) for account in lost)))


def _groups(view: View, lost: Mapping[str, Patients]) -> Iterator[tuple[Group, list[str], int]]:
    """Yield each declared group of which two or more were lost within minutes, with how many it has.

    The one that is lost as a whole first, then the narrowest.
    """
    members: dict[Group, list[str]] = defaultdict(list)
    for account, its in view.accounts.items():
        if account in lost or any(one.health.state is not State.UNKNOWN for one in its):
            for group in view.witnesses.groups.get(account, ()):
                members[group].append(account)
    found: list[tuple[bool, int, str, Group, list[str], int]] = []
    for group, names in members.items():
        gone = [account for account in names if account in lost]
        whole = len(gone) == len(names)
        together = len(gone) > 1 and (whole or _is_together(lost[account] for account in gone))
        if together and _is_confirmed(one for account in gone for one in lost[account]):
            found.append((not whole, list(Level).index(group.level), group.name, group, gone, len(names)))
    yield from ((group, gone, of) for *_, group, gone, of in sorted(found, key=lambda one: one[:3]))


def _is_together(accounts: Iterable[Patients]) -> bool:
    began = [min(map(_began_at, its)) for its in accounts]
    return max(began) - min(began) <= TOGETHER


def _lost_at_once(view: View, lost: Mapping[str, Patients]) -> Diagnosis | None:
    """Find that every account here was refused within minutes; nobody declared what they share.

    That keys are refused may be the provider's own trouble or the owner's: nobody can tell until its page, or other
    owners, speak. A suspension it says of one account only.
    """
    patients = [one for its in lost.values() for one in its]
    start = _start(patients)
    rest = (its for account, its in view.accounts.items() if account not in lost)
    if not _is_together(lost.values()) or any(_is_seen(one, start) for its in rest for one in its):
        return None
    reasons: list[Reason | None] = [Refused(len(lost), len(lost)), _symptom(patients), _page(view.page)]
    faults = {_gravest(its) for its in lost.values()}
    if len(faults) > 1 and not faults <= REFUSALS:
        return None  # a key that was rotated has nothing to do with another account's suspension
    if not all(one.health.fault in REFUSALS for one in patients):
        return _diagnosis(Scope.ORGANIZATION, view.answerer, patients, Confidence.MEDIUM, reasons)
    knock = view.witnesses.knocks.get(view.answerer)
    theirs = (view.page is not None and view.page.trouble is not None) or (knock is not None and knock.fault)
    blame = Blame.PROVIDER if theirs else Blame.UNKNOWN
    reasons += [] if theirs else [Undecided()]
    return _diagnosis(Scope.PROVIDER, view.answerer, patients, Confidence.MEDIUM, reasons, blame=blame)


# One account


def _diagnose_account(view: View, account: str) -> Iterator[Diagnosis]:
    """Explain what is down of one account: the whole of it, one ability, or single targets."""
    sick, all_of_it = view.sick[account], view.accounts[account]
    if not _is_confirmed(sick):
        return
    lost, start = _lost(sick, all_of_it), _start(sick)
    seen = [one for one in all_of_it if one in sick or _is_seen(one, start)]
    if lost or len(sick) == len(seen):
        of_all = lost or sick
        siblings = _siblings(view, [account], of_all)
        reasons = [_symptom(of_all), siblings, _still({account: all_of_it}, of_all), _knock(view, of_all)]
        yield _diagnosis(Scope.ACCOUNT, account, sick, _sure_of_account(of_all, siblings), reasons)
        return
    yield from _parts(view, account, sick, seen)


def _sure_of_account(patients: Patients, siblings: Siblings | None) -> Confidence:
    """A key that is refused to the only account may be the provider's trouble; what it says of an account is not."""
    faults = {patient.health.fault for patient in patients}
    unsure = siblings is None and faults <= REFUSALS
    theirs = all(fault is not None and fault.blame is not Blame.ACCOUNT for fault in faults)
    return max(_confidence(patients), Confidence.MEDIUM if unsure or theirs else Confidence.HIGH, key=SURENESS.index)


def _parts(view: View, account: str, sick: Patients, seen: Patients) -> Iterator[Diagnosis]:
    """Explain a partial loss: each model of several by itself, and abilities that fail alike."""
    alike: dict[Fault, list[Patient]] = defaultdict(list)
    for canary, its in _group(sick, lambda target: target.canary).items():
        rivals = [patient for patient in seen if patient.target.canary == canary]
        if len(its) == 1 and len(rivals) > 1:
            yield from _part(Scope.MODEL, its[0].target.id, its, seen, _blame_of_model(view, its[0]))
        else:
            alike[_gravest(its)] += its
    for its in alike.values():
        yield from _part(Scope.CAPABILITY, f"{account}/{_main_canary(its)}", its, seen)


def _part(
    scope: Scope, subject: str, sick: Patients, seen: Patients, blame: Blame | None = None
) -> Iterator[Diagnosis]:
    if _is_confirmed(sick):
        reasons = [_symptom(sick), _still({sick[0].target.account: seen}, sick)]
        yield _diagnosis(scope, subject, sick, _confidence(sick), reasons, blame=blame)


def _blame_of_model(view: View, sick: Patient) -> Blame | None:
    """Return that it is undecided who took a model away, unless another account still has it."""
    if sick.health.fault is not Fault.MODEL_UNAVAILABLE:
        return None
    start = _start([sick])
    asking = (one for its in view.accounts.values() for one in its if one.target.model == sick.target.model)
    return None if any(_is_well(one, start) for one in asking) else Blame.UNKNOWN


def _main_canary(patients: Patients) -> str:
    """Return the canary that is the most like real work: what fails alike is named after that."""
    return min((patient.target.canary for patient in patients), key=lambda one: (one != "chat", one))


def _gravest(patients: Patients) -> Fault:
    return min((fault for p in patients if (fault := p.health.fault)), key=GRAVITY.index)


def _lost(sick: Patients, all_of_it: Patients) -> list[Patient]:
    """Return what shows that an account is lost as a whole; nothing while another model still answers it.

    That the same model's tokens are still counted for it is no answer of another one.
    """
    lost = [one for one in sick if one.health.fault in ACCOUNT_WIDE]
    if not lost and all(one.health.fault in REFUSALS for one in sick) and _is_all(sick, all_of_it):
        lost = list(sick)
    if not lost or any(one.target.model is None for one in lost):
        return lost
    start, models = _start(lost), {None, *(one.target.model for one in lost)}
    return [] if any(one.target.model not in models and _is_well(one, start) for one in all_of_it) else lost


def _diagnosis(
    scope: Scope,
    subject: str,
    patients: Patients,
    confidence: Confidence,
    reasons: Iterable[Reason | None],
    *,
    blame: Blame | None = None,
) -> Diagnosis:
    return Diagnosis(
        scope=scope,
        subject=subject,
        fault=_gravest(patients),
        confidence=confidence,
        since=min(map(_began_at, patients)),
        reasons=tuple(reason for reason in reasons if reason is not None),
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
        phase=health.answer.phase,
    )


# Reasons


def _symptom(patients: Patients) -> Symptom:
    kinds: dict[tuple[int | None, Fault], set[str]] = defaultdict(set)
    for patient in patients:
        if patient.health.fault:
            kinds[patient.health.status, patient.health.fault].add(patient.target.canary)
    met = (Met(tuple(sorted(canaries)), status, fault) for (status, fault), canaries in kinds.items())
    return Symptom(tuple(sorted(met, key=lambda one: (one.status or 0, one.fault))))


def _share(view: View, hit: Collection[str], seen: Collection[str]) -> Reason:
    return Alone(len(view.accounts)) if len(seen) == 1 else Share(len(hit), len(seen))


def _still(accounts: Mapping[str, Patients], sick: Patients) -> Answering | None:
    start = _start(sick)
    latest = max((one.health.seen_at or start for one in sick), default=start)
    well = [one for its in accounts.values() for one in its if _is_well(one, max(start, latest - LATE))]
    return _answering((one.target.canary, one.health) for one in well)


def _answering(well: Iterable[tuple[str, Health]]) -> Answering | None:
    """Return what answers, by its name, each as it was seen last."""
    seen: dict[str, datetime] = {}
    for name, health in well:
        seen[name] = max(seen.get(name, EPOCH), health.seen_at or EPOCH)
    return Answering(tuple(sorted(seen)), min(seen.values())) if seen else None


def _siblings(view: View, accounts: Collection[str], sick: Patients) -> Siblings | None:
    """Return how many others answered well since: what is wrong with an account shows at any canary."""
    start, canaries = _start(sick), {one.target.canary for one in sick}
    others = [its for account, its in view.accounts.items() if account not in accounts]
    if any(one.health.fault in ACCOUNT_WIDE for one in sick):
        well = [[one for one in its if _is_well(one, start)] for its in others]
    else:
        well = [[one for one in its if one.target.canary in canaries and _is_well(one, start)] for its in others]
    seen = [max(at for one in its if (at := one.health.seen_at)) for its in well if its]
    return Siblings(len(seen), min(seen)) if seen else None


def _page(page: Page | None) -> Posted | Unposted | None:
    if page is None:
        return None
    if notice := page.trouble:
        return Posted(notice.title, notice.stage[0], notice.began_at)
    return Unposted(page.readable, page.is_whole)


def _knock(view: View, patients: Patients) -> Knocked | None:
    """A call without a key says nothing where the API itself has refused the key, or before the trouble began."""
    knock = view.witnesses.knocks.get(view.answerer)
    refused = all(patient.health.fault and patient.health.fault.blame is Blame.ACCOUNT for patient in patients)
    if knock is None or refused or knock.at < min(map(_began_at, patients)):
        return None
    return Knocked(knock.at, knock.fault, knock.status, knock.latency_s)


SURENESS = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def _confidence(patients: Iterable[Patient]) -> Confidence:
    """A diagnosis is as sure as its surest witness."""
    return min((p.health.answer.confidence for p in patients if p.health.answer), key=SURENESS.index)


def _not_the_accounts(patients: Iterable[Patient]) -> list[Patient]:
    return [p for p in patients if p.health.fault and p.health.fault.blame in NOBODYS_OWN]


def _group(patients: Iterable[Patient], key: Callable[[Target], str]) -> dict[str, list[Patient]]:
    groups: dict[str, list[Patient]] = defaultdict(list)
    for patient in patients:
        groups[key(patient.target)].append(patient)
    return dict(sorted(groups.items()))
