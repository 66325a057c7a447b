"""What fails from one place only, or from a few: that place's road, a region or an edge, an account's own rule; pure.

Nothing here is an account's loss: from elsewhere each of these looks was answered since it began. Within its place a
trouble is as wide as today's diagnosis of a single place would have it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.health import APART, TERMINAL
from monitor.diagnose.corroboration import Corroboration
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.evidence import (
    SURENESS,
    AnswererView,
    confidence_of,
    control_reason,
    diagnosis_of,
    failing_share,
    siblings_of,
    symptom_of,
)
from monitor.diagnose.network_trouble import AT_ONCE, REFUSED_ROADS, diagnose_offline, is_stopped
from monitor.diagnose.operator import operators_by
from monitor.diagnose.reason import OnlyFrom, Reason, RoadFails
from monitor.diagnose.scope_wait import mark_unsettled
from monitor.diagnose.subject import Scope, Subject, subject_of_account, subject_of_answerer
from monitor.diagnose.target_state import (
    LATELY,
    SAME_INSTANT,
    TargetState,
    TargetStates,
    began_at,
    earliest_start,
    group_by,
    is_confirmed,
    is_healthy,
    is_observed,
)
from monitor.diagnose.witness import LocalFailure
from probes.model import Blame, Confidence, Fault, Target


class PlaceView(Struct, frozen=True):
    """All targets that one place watches, with what fails from there only and is not explained yet."""

    name: str
    states: TargetStates
    failures: tuple[LocalFailure, ...]
    corroboration: Corroboration

    @property
    def failing(self) -> list[TargetState]:
        return [one.state for one in self.failures]

    def of(self, states: Iterable[TargetState]) -> list[LocalFailure]:
        ids = {one.target.id for one in states}
        return [one for one in self.failures if one.state.target.id in ids]

    def without(self, states: Iterable[TargetState]) -> "PlaceView":
        ids = {one.target.id for one in states}
        return replace(self, failures=tuple(one for one in self.failures if one.state.target.id not in ids))


class LocalCause(Struct, frozen=True):
    """One cause, as one place sees it; `diagnosis` is about it without a place."""

    place: str
    diagnosis: Diagnosis
    failures: tuple[LocalFailure, ...]


def diagnose_places(
    states: TargetStates, failures: Iterable[LocalFailure], corroboration: Corroboration, now: datetime
) -> list[Diagnosis]:
    """Return one diagnosis for each cause of what fails locally; what an answerer refuses to two places is one."""
    local = defaultdict[str, list[LocalFailure]](list)
    for one in failures:
        local[one.state.target.location].append(one)
    if not local:
        return []
    here = group_by((one for one in states if one.target.location in local), lambda target: target.location)
    places = (PlaceView(name, here[name], tuple(local[name]), corroboration.seen_from(name)) for name in sorted(local))
    alike = defaultdict[tuple[Subject, Blame, str], list[LocalCause]](list)
    for cause in (cause for place in places for cause in _causes(place, now)):
        about = cause.diagnosis.about
        alike[about, cause.diagnosis.blame, "" if about.provider else cause.place].append(cause)
    return [_told(causes) for causes in alike.values()]


def _causes(place: PlaceView, now: datetime) -> Iterator[LocalCause]:
    for found in mark_unsettled(_diagnoses(place), place.states, place.corroboration, now):
        ids = set(found.targets)
        its = tuple(one for one in place.failures if one.state.target.id in ids)
        yield LocalCause(place.name, replace(found, settled=found.settled and any(map(_is_proven, its))), its)


def _is_proven(failure: LocalFailure) -> bool:
    """Whether it is no recovery that others saw first, nor a loss that they have yet to see.

    A good answer from elsewhere much later than the failure proves nothing, before it fails here once more. What a
    company decides of an account reaches its regions in steps.
    """
    health, began = failure.state.health, began_at(failure.state)
    least = began + APART if health.fault in TERMINAL else began
    latest = (health.seen_at or began) + LATELY
    answered = (one.health.well_at for one in failure.answered)
    return any(least - SAME_INSTANT <= at <= latest for at in answered if at)


def _diagnoses(place: PlaceView) -> Iterator[Diagnosis]:
    if offline := diagnose_offline(place.states, place.corroboration):
        yield replace(offline, about=Subject(Scope.LOCATION))
        return
    if road := _road(place):
        yield road
        place = place.without([one for one in place.failing if one.target.id in road.targets])
    for answerer, its in group_by(place.failing, lambda target: target.answerer).items():
        yield from _at_answerer(place, answerer, its)


# The road of a place


def _road(place: PlaceView) -> Diagnosis | None:
    """Find that several operators fail from here, at once or half of all: what they share is the road.

    Paid looks go round the places, so that each operator may be seen to fail at another time.
    """
    operator = operators_by(place.corroboration.companies)
    hit = max(_largest_at_once(group_by(place.failing, operator)), _stopped(place, operator), key=len)
    states = [one for its in hit.values() for one in its]
    if not is_confirmed(states):
        return None
    seen = _seen_since(place.states, earliest_start(states), operator)
    reasons: list[Reason] = [RoadFails(place.name, len(hit), len(seen)), symptom_of(states)]
    sure = Confidence.HIGH if len(hit) == len(seen) else Confidence.MEDIUM
    return diagnosis_of(Subject(Scope.LOCATION), states, sure, reasons, blame=Blame.PATH)


def _largest_at_once(hit: Mapping[str, TargetStates]) -> dict[str, TargetStates]:
    """Return the operators, two or more, that began to fail at once; empty if none did."""
    starts = {name: min(map(began_at, its)) for name, its in hit.items()}
    runs = ([name for name in hit if timedelta(0) <= starts[name] - start <= AT_ONCE] for start in starts.values())
    most = max(runs, key=lambda run: (len(run), -starts[run[0]].timestamp()), default=[])
    return {name: hit[name] for name in most} if len(most) > 1 else {}


def _stopped(place: PlaceView, operator: Callable[[Target], str]) -> dict[str, TargetStates]:
    """Return the operators that cannot be reached from here, if they are half of all that were tried since."""
    hit: dict[str, TargetStates] = dict(group_by([one for one in place.failing if is_stopped(one.health)], operator))
    start = min((began_at(one) for its in hit.values() for one in its), default=None)
    enough = len(hit) > 1 and start is not None and 2 * len(hit) >= len(_seen_since(place.states, start, operator))
    return hit if enough else {}


def _seen_since(states: TargetStates, start: datetime, operator: Callable[[Target], str]) -> set[str]:
    return {operator(one.target) for one in states if is_observed(one, start)}


# A region or an edge, and an account's rule


def _at_answerer(place: PlaceView, answerer: str, failing: TargetStates) -> Iterator[Diagnosis]:
    """Tell what one answerer refuses to a key from what it, or the way to it, refuses to all of this place."""
    there = [one for one in place.states if one.target.answerer == answerer]
    for ours in (True, False):
        its = [one for one in failing if _is_refusal(one.health.fault) is ours]
        if is_confirmed(its):
            yield _of_one_kind(place, answerer, its, there)


def _is_refusal(fault: Fault | None) -> bool:
    return fault is not None and fault.blame is Blame.ACCOUNT


def _of_one_kind(place: PlaceView, answerer: str, its: TargetStates, there: TargetStates) -> Diagnosis:
    hit = sorted({one.target.account for one in its})
    view = AnswererView(answerer, group_by(there, _account), group_by(its, _account), place.corroboration)
    siblings = siblings_of(view, hit, its)
    refused = _is_refusal(its[0].health.fault)
    if len(hit) == 1 and (siblings or refused):
        rule = refused or any(one.health.fault in REFUSED_ROADS for one in its)
        sure = confidence_of(its) if siblings else Confidence.MEDIUM
        about = subject_of_account(Scope.LOCATION, its[0].target, _part(its, there))
        reasons = [symptom_of(its), siblings or failing_share(view, hit, hit), control_reason(view, its)]
        return diagnosis_of(about, its, sure, reasons, blame=Blame.ACCOUNT if rule else Blame.PATH)
    seen = [*hit, *(account for account, them in view.accounts.items() if account not in hit and _is_well(them, its))]
    sure = Confidence.HIGH if len(hit) == len(seen) > 1 else Confidence.MEDIUM
    reasons = [failing_share(view, hit, seen), symptom_of(its), control_reason(view, its)]
    about = subject_of_answerer(Scope.LOCATION, its[0].target, _part(its, there))
    return diagnosis_of(about, its, sure, reasons, blame=Blame.PATH)


def _account(target: Target) -> str:
    return target.account


def _is_well(states: TargetStates, sick: TargetStates) -> bool:
    start, canaries = earliest_start(sick), {one.target.canary for one in sick}
    alike = [one for one in states if one.target.canary in canaries] or states
    return any(is_healthy(one, start) for one in alike)


def _part(its: TargetStates, there: TargetStates) -> str:
    """Return the one canary, or model of it, that fails while the same accounts get other answers; "": all of it."""
    start, accounts = earliest_start(its), {one.target.account for one in its}
    well = [one.target for one in there if one.target.account in accounts and is_healthy(one, start)]
    canary, model = its[0].target.canary, its[0].target.model
    if not well or any(one.target.canary != canary for one in its):
        return ""
    is_model = model and any(one.canary == canary for one in well) and all(one.target.model == model for one in its)
    return f"{canary}/{model}" if is_model else canary


# What several places say of one cause


def _told(causes: list[LocalCause]) -> Diagnosis:
    places = tuple(sorted(one.place for one in causes))
    its = [one.diagnosis for one in causes]
    first = min(its, key=lambda one: (one.since, one.targets))
    failures = [failure for one in causes for failure in one.failures]
    only = _only_from(places, failures)
    return replace(
        first,
        about=replace(first.about, locations=places),
        confidence=min((one.confidence for one in its), key=SURENESS.index),
        reasons=(*([only] if only else []), *first.reasons),
        targets=tuple(sorted(target for one in its for target in one.targets)),
        evidence=tuple(evidence for one in its for evidence in one.evidence),
        settled=any(one.settled for one in its),
    )


def _only_from(places: tuple[str, ...], failures: Iterable[LocalFailure]) -> OnlyFrom | None:
    well = [(one.target.location, one.health.well_at) for failure in failures for one in failure.answered]
    seen = [(place, at) for place, at in well if at and place not in places]
    if not seen:
        return None
    return OnlyFrom(places, tuple(sorted({place for place, _ in seen})), max(at for _, at in seen))
