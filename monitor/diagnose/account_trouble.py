"""The trouble of one account, or of a part of it."""

from collections import defaultdict
from collections.abc import Iterator

from monitor.diagnose.diagnosis import ACCOUNT_WIDE, Diagnosis
from monitor.diagnose.evidence import (
    SURENESS,
    AnswererView,
    confidence_of,
    control_reason,
    diagnosis_of,
    siblings_of,
    still_answering,
    still_well,
    symptom_of,
    what_answers,
)
from monitor.diagnose.reason import Siblings, StillAnswering
from monitor.diagnose.subject import Scope, Subject, subject_of_account
from monitor.diagnose.target_state import (
    REFUSALS,
    TargetState,
    TargetStates,
    covers_all,
    earliest_start,
    gravest_fault,
    group_by,
    is_confirmed,
    is_failing,
    is_healthy,
    is_observed,
)
from probes.model import Blame, Confidence, Fault
from probes.target_id import part_of


def diagnose_account(view: AnswererView, account: str) -> Iterator[Diagnosis]:
    """Explain what is down in one account: the whole account, one capability, or single targets."""
    sick, all_of_it = view.sick[account], view.accounts[account]
    if not is_confirmed(sick):
        return
    lost, start = lost_targets(sick, all_of_it), earliest_start(sick)
    seen = [one for one in all_of_it if one in sick or is_observed(one, start)]
    if lost or len(sick) == len(seen):
        of_all = lost or sick
        siblings = siblings_of(view, [account], of_all)
        reasons = [
            symptom_of(of_all),
            siblings,
            still_answering({account: all_of_it}, of_all),
            control_reason(view, of_all),
        ]
        about = subject_of_account(Scope.ACCOUNT, sick[0].target)
        yield diagnosis_of(about, sick, _sure_of_account(of_all, siblings), reasons)
        return
    yield from _parts(view, sick, seen)


def _sure_of_account(states: TargetStates, siblings: Siblings | None) -> Confidence:
    """A key refused to the only account may be the provider's fault; what the provider says of an account is not."""
    faults = {state.health.fault for state in states}
    unsure = siblings is None and faults <= REFUSALS
    theirs = all(fault is not None and fault.blame is not Blame.ACCOUNT for fault in faults)
    return max(confidence_of(states), Confidence.MEDIUM if unsure or theirs else Confidence.HIGH, key=SURENESS.index)


def _parts(view: AnswererView, sick: TargetStates, seen: TargetStates) -> Iterator[Diagnosis]:
    """Explain a partial loss: each of several models by itself, and capabilities that fail alike."""
    alike: dict[Fault, list[TargetState]] = defaultdict(list)
    for canary, its in group_by(sick, lambda target: target.canary).items():
        rivals = [state for state in seen if state.target.canary == canary]
        if len(its) == 1 and len(rivals) > 1:
            one = its[0].target
            about = subject_of_account(Scope.MODEL, one, part_of(one.id))
            yield from _part(about, its, seen, _blame_of_model(view, its[0]))
        else:
            alike[gravest_fault(its)] += its
    for its in alike.values():
        yield from _part(subject_of_account(Scope.CAPABILITY, its[0].target, _main_canary(its)), its, seen)


def _part(about: Subject, sick: TargetStates, seen: TargetStates, blame: Blame | None = None) -> Iterator[Diagnosis]:
    if is_confirmed(sick):
        reasons = [symptom_of(sick), _rest_of_account(sick, seen)]
        yield diagnosis_of(about, sick, confidence_of(sick), reasons, blame=blame)


def _rest_of_account(sick: TargetStates, seen: TargetStates) -> StillAnswering | None:
    """Return what still answers: the other models where one of the same canary fails, else the canary."""
    failing, well = {one.target.canary for one in seen if is_failing(one.health)}, still_well(seen, sick)
    named = ((one.target.model if one.target.canary in failing else None, one) for one in well)
    return what_answers((model or one.target.canary, one.health) for model, one in named)


def _blame_of_model(view: AnswererView, sick: TargetState) -> Blame | None:
    """Return UNKNOWN for a model that was taken away, unless another account still has it."""
    if sick.health.fault is not Fault.MODEL_UNAVAILABLE:
        return None
    start = earliest_start([sick])
    asking = (one for its in view.accounts.values() for one in its if one.target.model == sick.target.model)
    return None if any(is_healthy(one, start) for one in asking) else Blame.UNKNOWN


def _main_canary(states: TargetStates) -> str:
    """Return the canary that is most like real work: what fails alike is named after it."""
    return min((state.target.canary for state in states), key=lambda one: (one != "chat", one))


def lost_targets(sick: TargetStates, all_of_it: TargetStates) -> list[TargetState]:
    """Return the targets that show that an account is lost as a whole; none while another model still answers it.

    A working token count of the same model is no answer of another one.
    """
    lost = [one for one in sick if one.health.fault in ACCOUNT_WIDE]
    if not lost and all(one.health.fault in REFUSALS for one in sick) and covers_all(sick, all_of_it):
        lost = list(sick)
    if not lost or any(one.target.model is None for one in lost):
        return lost
    start, models = earliest_start(lost), {None, *(one.target.model for one in lost)}
    return [] if any(one.target.model not in models and is_healthy(one, start) for one in all_of_it) else lost
