"""One look from several places: which of its failures only some places see, and what the places say together; pure.

A look is a canary of an account, with its model, from wherever. A place is a witness, not a vote to be counted: a
failure is local if the same look was answered elsewhere since it began, and everybody's if all that looked since fail
alike. A place that has not looked since says nothing.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.detect.health import PASSING, Health, State, Suspicion, successes_to_believe
from monitor.diagnose.diagnosis import GRAVITY
from monitor.diagnose.network_trouble import AT_ONCE, is_stopped
from monitor.diagnose.target_state import (
    EPOCH,
    LATELY,
    NEVER,
    SAME_INSTANT,
    SHARED_BLAMES,
    TargetState,
    TargetStates,
    began_at,
    has_failed,
    is_alike,
    is_down,
    is_failing,
    is_healthy,
    is_observed,
    is_shaken,
    not_up,
)
from probes.model import Blame

Looks = Mapping[str, TargetStates]
"""The states of one look from each place, by its id without a place."""


class LocalFailure(Struct, frozen=True):
    """A failure that only its place sees, or a few do; `answered` are the looks from elsewhere that show it."""

    state: TargetState
    answered: tuple[TargetState, ...]


def part_looks(states: TargetStates) -> tuple[Looks, list[TargetState]]:
    """Return the looks that fail anywhere, and the latest state of each of the others."""
    failing = {one.target.look for one in not_up(states) if has_failed(one.health)}
    troubled: dict[str, list[TargetState]] = defaultdict(list)
    calm: dict[str, TargetState] = {}
    for one in states if failing else ():
        look = one.target.look
        if look in failing:
            troubled[look].append(one)
        elif (before := calm.setdefault(look, one)) is not one:
            at, before_at = one.health.seen_at or EPOCH, before.health.seen_at or EPOCH
            if at > before_at or (at == before_at and one.health.state is State.UP):
                calm[look] = one
    return troubled, [*calm.values()]


def failing_of(look: TargetStates) -> list[TargetState]:
    """Return what has failed for sure: twice from one place, or lately and alike from two."""
    return [one for one in look if is_failing(one.health) or any(_confirms(other, one) for other in look)]


def _confirms(other: TargetState, one: TargetState) -> bool:
    """Whether a failure elsewhere confirms the first one here, in place of a second one."""
    if other is one or not (has_failed(one.health) and has_failed(other.health)):
        return False
    return is_alike(one.health, other.health) and abs(began_at(one) - began_at(other)) <= LATELY


def find_local_failures(looks: Looks, states: TargetStates) -> list[LocalFailure]:
    """Return what fails from some places only, as far as anybody can tell; `looks` are those that fail anywhere."""
    failing = [(one, its) for its in looks.values() for one in failing_of(its)]
    around = _around({one.target.answerer for one, _ in failing if _is_of_provider(one.health)}, states)
    found = [LocalFailure(one, well) for one, its in failing if (well := answered_elsewhere(one, its, around))]
    known = {one.state.target.id for one in found}
    alone = [one for one, its in failing if one.target.id not in known and not _is_seen_elsewhere(one, its)]
    return found + [LocalFailure(one, other.answered) for one in alone if (other := _beside(one, found))]


class Unrest(Struct):
    """How an answerer does from a place: how many looks at it there are, and when those last failed that fail alike."""

    looks: int = 0
    failed_at: list[datetime] = field(default_factory=list)


Around = Mapping[tuple[str, str], Unrest]
"""By place and answerer."""


def _around(answerers: Collection[str], states: TargetStates) -> Around:
    """Return how the providers that may be failing do from everywhere; times are in order."""
    found: dict[tuple[str, str], Unrest] = defaultdict(Unrest)
    for one in states if answerers else ():
        if one.target.answerer in answerers:
            its = found[one.target.location, one.target.answerer]
            its.looks += 1
            its.failed_at += [at] if (at := _failed_at(one.health)) else []
    for its in found.values():
        its.failed_at.sort()
    return found


def _failed_at(health: Health) -> datetime | None:
    """Return when it last failed by a fault that no account is to blame for, if that counts; NEVER: it still does."""
    if has_failed(health):
        return NEVER if health.fault and health.fault.blame in SHARED_BLAMES else None
    return health.evidence.at if health.evidence and is_shaken(health, EPOCH) else None


def answered_elsewhere(state: TargetState, look: TargetStates, around: Around) -> tuple[TargetState, ...]:
    """Return the same look from elsewhere where it was answered since."""
    start = _spread_by(state, look)
    others = (one for one in look if one is not state and _contradicts(one, state, start))
    return tuple(one for one in others if not _is_restless(one, state, around))


def _is_of_provider(health: Health) -> bool:
    return health.fault is not None and health.fault.blame is Blame.PROVIDER


def _is_restless(other: TargetState, failing: TargetState, around: Around) -> bool:
    """Whether the provider fails there too, now and then, by two looks or half of them: this one works by chance."""
    if not _is_of_provider(failing.health):
        return False
    its = around[other.target.location, other.target.answerer]
    hit = len(its.failed_at) - bisect_left(its.failed_at, _suspected_since(failing) - SAME_INSTANT)
    return hit > 1 or 0 < its.looks <= 2 * hit


def _suspected_since(state: TargetState) -> datetime:
    """Return since when it fails, with good answers in between."""
    evidence, began = state.health.evidence, began_at(state)
    return min(evidence.since, began) if evidence else began


def _spread_by(state: TargetState, look: TargetStates) -> datetime:
    """Return when it began, or reached the last of the places that followed at once: an outage spreads for seconds."""
    began = began_at(state)
    alike = (began_at(one) for one in failing_of(look) if is_alike(one.health, state.health))
    return max((at for at in alike if timedelta(0) <= at - began <= AT_ONCE), default=began)


def _contradicts(other: TargetState, failing: TargetState, start: datetime) -> bool:
    """Whether another place shows that it is no trouble of its own: it works there, or fails by another cause.

    What fails alike now and then in between shares it. What fails otherwise had to answer since this one began.
    """
    health = other.health
    if has_failed(health):
        return not is_alike(health, failing.health) and health.well_at is not None and health.well_at >= start
    enough = health.successes >= _successes_to_believe(failing.health)
    return enough and is_healthy(other, start) and not is_shaken(health, _suspected_since(failing))


def _successes_to_believe(failing: Health) -> int:
    """Return how many good answers elsewhere rule out chance, while the provider answers here now and then."""
    evidence = failing.evidence
    is_brownout = evidence is not None and evidence.failed < evidence.looks
    return successes_to_believe(evidence) if evidence and is_brownout and _is_of_provider(failing) else 1


def _is_seen_elsewhere(state: TargetState, look: TargetStates) -> bool:
    start = _spread_by(state, look)
    return any(is_observed(one, start) for one in look if one is not state)


def _beside(state: TargetState, found: Sequence[LocalFailure]) -> LocalFailure | None:
    """Return the local failure that explains one that no other place has looked at.

    Paid looks go round the places. What a place cannot reach is explained by anything else that it cannot reach.
    """
    here = [one for one in found if one.state.target.location == state.target.location]
    return next((one for one in here if _is_of_one_cause(one.state, state)), None)


def _is_of_one_cause(one: TargetState, other: TargetState) -> bool:
    if is_stopped(one.health) and is_stopped(other.health):
        return True
    return one.target.account == other.target.account and is_alike(one.health, other.health)


class Together(Struct, frozen=True):
    """What the places say together of one look: `state` is of one of them, and stands for all `parts`."""

    state: TargetState
    parts: tuple[TargetState, ...]


def join_places(look: TargetStates) -> Together:
    """Return what the places say of a look: what fails for sure, or else the latest of all."""
    if failing := failing_of(look):
        return Together(_joined(failing), tuple(failing))
    latest = max(look, key=_recency)
    return Together(latest, (latest,))


def _recency(state: TargetState) -> tuple[datetime, bool]:
    return state.health.seen_at or EPOCH, state.health.state is State.UP


def _joined(failing: TargetStates) -> TargetState:
    """Return the gravest of the failures, as old as the oldest. Two places that fail alike leave no doubt."""
    gravest = min(failing, key=_order)
    if len(failing) == 1:
        return gravest
    health, since = gravest.health, min(map(began_at, failing))
    health = replace(
        health,
        began_at=since,
        since=since,
        failures=sum(one.health.failures for one in failing),
        seen_at=max(one.health.seen_at or EPOCH for one in failing),
    )
    return replace(gravest, health=health if health.state is State.DOWN else _confirmed(health))


def _order(state: TargetState) -> tuple[bool, int, float]:
    health = state.health
    gravity = GRAVITY.index(health.fault) if health.fault else len(GRAVITY)
    return not is_down(health), gravity, -(health.seen_at or EPOCH).timestamp()


def _confirmed(health: Health) -> Health:
    evidence = health.evidence or Suspicion(1.0, health.since or EPOCH, health.failures, health.failures)
    lasting = health.fault not in PASSING
    return replace(health, state=State.DOWN, evidence=replace(evidence, lasting=evidence.lasting or lasting))
