"""The trouble of one provider: its road, a model, all of it, or accounts that are lost together."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.detect.health import Health, State
from monitor.diagnose.account_trouble import diagnose_account, lost_targets
from monitor.diagnose.corroboration import AccountGroup, Corroboration, Level
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.evidence import (
    AnswererView,
    confidence_of,
    control_reason,
    diagnosis_of,
    failing_share,
    siblings_of,
    status_page_reason,
    still_answering,
    symptom_of,
    what_answers,
)
from monitor.diagnose.network_trouble import STOPPED_ROADS
from monitor.diagnose.reason import (
    AccountsRefused,
    ControlAnswered,
    OneModelFails,
    OthersShaken,
    Reason,
    StillAnswering,
    Undecided,
)
from monitor.diagnose.subject import Scope, subject_of_answerer
from monitor.diagnose.target_state import (
    REFUSALS,
    TargetState,
    TargetStates,
    began_at,
    covers_all,
    earliest_start,
    gravest_fault,
    group_by,
    is_confirmed,
    is_failing,
    is_healthy,
    is_observed,
    is_shaken,
    not_up,
    outside_accounts,
)
from probes.model import Blame, Confidence, Fault

TOGETHER = timedelta(minutes=10)
"""Longest time between losses of accounts that count as one cause, until something says otherwise."""


def diagnose_provider(answerer: str, states: TargetStates, corroboration: Corroboration) -> Iterator[Diagnosis]:
    failing = group_by([one for one in not_up(states) if is_failing(one.health)], lambda target: target.account)
    if not failing:
        return
    accounts = group_by(states, lambda target: target.account)
    view = AnswererView(answerer, accounts, failing, corroboration)
    for find in (_refused_road, _lone_model, _provider_trouble, _lost_together):
        while found := find(view):
            yield found
            view = replace(view, sick=_without(view.sick, found))
    for account in view.sick:
        yield from diagnose_account(view, account)


def _without(sick: Mapping[str, TargetStates], found: Diagnosis) -> dict[str, TargetStates]:
    """Return what is not yet explained."""
    rest: dict[str, TargetStates] = {
        account: [p for p in its if p.target.id not in found.targets] for account, its in sick.items()
    }
    return {account: its for account, its in rest.items() if its}


def _comparable_accounts(view: AnswererView, hit: Collection[str], states: TargetStates) -> list[str]:
    """Return the accounts that say something of a trouble: those hit, and those well at the same canary since."""
    start, canaries = earliest_start(states), {state.target.canary for state in states}
    return [account for account, its in view.accounts.items() if account in hit or _is_comparable(its, canaries, start)]


def _is_comparable(states: TargetStates, canaries: Collection[str], start: datetime) -> bool:
    alike = [one for one in states if one.target.canary in canaries] or states
    return any(is_healthy(one, start) for one in alike)


def _refused_road(view: AnswererView) -> Diagnosis | None:
    """Find that the provider refuses our location or address, or our own proxy refuses us, whatever the key."""
    stopped = [p for its in view.sick.values() for p in its if p.health.fault in STOPPED_ROADS]
    if not is_confirmed(stopped):
        return None
    hit = {state.target.account for state in stopped}
    seen, control = _comparable_accounts(view, hit, stopped), control_reason(view, stopped)
    control_stopped = control is not None and control.fault in STOPPED_ROADS
    if not control_stopped and len(hit) == 1 < len(seen):
        return None  # others get through from here: it is this account's own trouble
    by_proxy = all(state.health.fault is Fault.PROXY_FAILED for state in stopped)  # the proxy says so itself
    sure = Confidence.HIGH if control_stopped or by_proxy or len(hit) == len(seen) > 1 else Confidence.MEDIUM
    reasons = [failing_share(view, hit, seen), symptom_of(stopped), control]
    return diagnosis_of(subject_of_answerer(Scope.EGRESS, stopped[0].target), stopped, sure, reasons, blame=Blame.PATH)


def _lone_model(view: AnswererView) -> Diagnosis | None:
    """Find one model that fails for every account that asks for it, while another one is answered.

    A single watched account shows as much if the provider takes the blame itself.
    """
    suspects = _group_by_model(one for them in view.sick.values() for one in them if _is_of_the_model(one.health))
    asked = _group_by_model(one for them in view.accounts.values() for one in them) if suspects else {}
    for model, failing in suspects.items():
        its = asked[model]
        if not is_confirmed(failing) or not covers_all(failing, its):
            continue
        hit = {one.target.account for one in failing}
        lonely = len(view.accounts) == 1 and all(one.health.fault is not Fault.MODEL_UNAVAILABLE for one in failing)
        if (len(hit) > 1 or lonely) and (other := _other_models(view, model, failing)):
            sure = Confidence.HIGH if len(hit) > 1 else Confidence.MEDIUM
            reasons = [OneModelFails(len(hit)), symptom_of(failing), other, status_page_reason(view.page)]
            about = subject_of_answerer(Scope.MODEL, failing[0].target, model)
            return diagnosis_of(about, failing, sure, reasons, blame=Blame.PROVIDER)
    return None


def _other_models(view: AnswererView, model: str, failing: TargetStates) -> StillAnswering | None:
    """Return the models that answer while one does not."""
    start = earliest_start(failing)
    well = [(one.target.model, one.health) for its in view.accounts.values() for one in its if is_healthy(one, start)]
    return what_answers((name, health) for name, health in well if name and name != model)


def _is_of_the_model(health: Health) -> bool:
    return health.fault is Fault.MODEL_UNAVAILABLE or (
        health.fault is not None and health.fault.blame is Blame.PROVIDER
    )


def _group_by_model(states: Iterable[TargetState]) -> dict[str, list[TargetState]]:
    return group_by([one for one in states if one.target.model], lambda target: target.model or "")


def _provider_trouble(view: AnswererView) -> Diagnosis | None:
    """Find trouble that no account is the cause of: several accounts share it, or the provider itself says so.

    While it creeps up, others have failed alike already and answer in between, so that none fails twice in a row yet. A
    lone account, or the only one probed alike since, cannot tell it from trouble of its own.
    """
    shared = {account: theirs for account, its in view.sick.items() if (theirs := outside_accounts(its))}
    states = [state for its in shared.values() for state in its]
    if not is_confirmed(states):
        return None
    seen, posted = _comparable_accounts(view, shared, states), view.page is not None and view.page.trouble is not None
    shaken = _shaken(view, shared, states)
    if not (len(shared) > 1 or len(seen) == 1 or posted or _is_many(shaken, {*seen, *shaken} - shared.keys())):
        return None
    control = control_reason(view, states)
    reasons = [
        *(failing_share(view, shared, seen), OthersShaken(len(shaken)) if shaken else None, symptom_of(states)),
        *(still_answering(view.accounts, states), status_page_reason(view.page), control),
    ]
    sure = _sure_of_provider(shared, seen, posted, control)
    return diagnosis_of(subject_of_answerer(Scope.PROVIDER, states[0].target), states, sure, reasons)


def _shaken(view: AnswererView, shared: Collection[str], states: TargetStates) -> list[str]:
    """Return the other accounts that met a fault no account is to blame for since it began, and answer again."""
    start = earliest_start(states)
    return [
        account
        for account, its in view.accounts.items()
        if account not in shared and any(is_shaken(one.health, start) for one in its)
    ]


def _is_many(shaken: Collection[str], others: Collection[str]) -> bool:
    """Whether too many others failed once for it to be chance: two, or half of them."""
    return len(shaken) >= 2 or 0 < len(others) <= 2 * len(shaken)


def _sure_of_provider(
    shared: Collection[str], seen: Collection[str], posted: bool, control: ControlAnswered | None
) -> Confidence:
    """Two witnesses make it sure: all accounts, the page, a control probe that fails too."""
    alone, everybody = len(seen) == 1, len(shared) == len(seen)
    voices = (everybody and not alone) + posted + (control is not None and control.fault is not None)
    if voices and everybody:
        return Confidence.HIGH
    return Confidence.MEDIUM if voices or not alone else Confidence.LOW


def _lost_together(view: AnswererView) -> Diagnosis | None:
    """Find accounts that are lost by one cause: what they belong to, or the provider's own key service."""
    lost = {account: its for account in view.sick if (its := lost_targets(view.sick[account], view.accounts[account]))}
    states = [one for its in lost.values() for one in its]
    if len(lost) < 2 or not is_confirmed(states):
        return None
    if (found := _lost_at_once(view, lost)) and (found.blame is Blame.PROVIDER or not _is_of_one_group(view, lost)):
        return found
    for group, members, of in _groups(view, lost):
        its = [one for account in members for one in lost[account]]
        keys = all(one.health.fault in REFUSALS for one in its)
        siblings = siblings_of(view, members, its)
        unsure = keys and siblings is None
        reasons = [
            AccountsRefused(len(members), of, str(group)),
            symptom_of(its),
            siblings,
            Undecided() if unsure else None,
        ]
        return diagnosis_of(
            subject_of_answerer(Scope.ORGANIZATION, its[0].target, str(group)),
            its,
            confidence_of(its) if len(members) == of and not unsure else Confidence.MEDIUM,
            reasons,
            blame=Blame.UNKNOWN if unsure else None,
        )
    return found


def _is_of_one_group(view: AnswererView, lost: Collection[str]) -> bool:
    """Whether all that are lost belong together, so that what they share explains it."""
    return bool(set.intersection(*(set(view.corroboration.groups.get(account, ())) for account in lost)))


def _groups(view: AnswererView, lost: Mapping[str, TargetStates]) -> Iterator[tuple[AccountGroup, list[str], int]]:
    """Yield each declared group of which two or more were lost within minutes, with its size.

    A group that is lost as a whole comes first, then the narrowest.
    """
    if not view.corroboration.groups:
        return
    members: dict[AccountGroup, list[str]] = defaultdict(list)
    for account, its in view.accounts.items():
        if account in lost or any(one.health.state is not State.UNKNOWN for one in its):
            for group in view.corroboration.groups.get(account, ()):
                members[group].append(account)
    found: list[tuple[bool, int, str, AccountGroup, list[str], int]] = []
    for group, names in members.items():
        gone = [account for account in names if account in lost]
        whole = len(gone) == len(names)
        together = len(gone) > 1 and (whole or _is_together(lost[account] for account in gone))
        if together and is_confirmed(one for account in gone for one in lost[account]):
            found.append((not whole, list(Level).index(group.level), group.name, group, gone, len(names)))
    yield from ((group, gone, of) for *_, group, gone, of in sorted(found, key=lambda one: one[:3]))


def _is_together(accounts: Iterable[TargetStates]) -> bool:
    began = [min(map(began_at, its)) for its in accounts]
    return max(began) - min(began) <= TOGETHER


def _lost_at_once(view: AnswererView, lost: Mapping[str, TargetStates]) -> Diagnosis | None:
    """Find that every account here was refused within minutes, where no declared group explains it.

    Refused keys may be the provider's own trouble or the owner's: nobody can tell until its page, or other owners,
    report. A suspension concerns one account only.
    """
    states = [one for its in lost.values() for one in its]
    start = earliest_start(states)
    rest = (its for account, its in view.accounts.items() if account not in lost)
    if not _is_together(lost.values()) or any(is_observed(one, start) for its in rest for one in its):
        return None
    reasons: list[Reason | None] = [
        AccountsRefused(len(lost), len(lost)),
        symptom_of(states),
        status_page_reason(view.page),
    ]
    faults = {gravest_fault(its) for its in lost.values()}
    if len(faults) > 1 and not faults <= REFUSALS:
        return None  # a rotated key has nothing to do with another account's suspension
    if not all(one.health.fault in REFUSALS for one in states):
        return diagnosis_of(
            subject_of_answerer(Scope.ORGANIZATION, states[0].target), states, Confidence.MEDIUM, reasons
        )
    control = view.corroboration.controls.get(view.answerer)
    theirs = (view.page is not None and view.page.trouble is not None) or (control is not None and control.fault)
    blame = Blame.PROVIDER if theirs else Blame.UNKNOWN
    reasons += [] if theirs else [Undecided()]
    return diagnosis_of(
        subject_of_answerer(Scope.PROVIDER, states[0].target), states, Confidence.MEDIUM, reasons, blame=blame
    )
