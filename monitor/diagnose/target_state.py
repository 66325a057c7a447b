"""The state of a target as a diagnosis needs it: down, suspected, unreachable, observed since."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from monitor.detect.health import Health, State
from monitor.diagnose.diagnosis import GRAVITY
from probes.model import Blame, Fault, Target

NEVER = datetime.max.replace(tzinfo=UTC)
"""The beginning of what has not begun."""
EPOCH = datetime.fromtimestamp(0, UTC)


class TargetState(Struct, frozen=True):
    """A target and its health."""

    target: Target
    health: Health


TargetStates = Sequence[TargetState]
REFUSALS = frozenset({Fault.INVALID_KEY, Fault.PERMISSION_DENIED})
"""What a provider whose key service is down says to everybody. A suspension concerns one account only."""
SHARED_BLAMES = frozenset({Blame.PROVIDER, Blame.PATH})
"""Who is to blame for what no account is the cause of."""
UNREACHABLE = frozenset({Fault.CONNECTION_FAILED, Fault.PROXY_FAILED, Fault.TIMEOUT})
LATELY = timedelta(seconds=25)
"""Time after a first failure in which its re-check, and the probes of those that may share it, are on their way."""
SAME_INSTANT = timedelta(seconds=0.25)
"""Time that counts as one instant: a round probes all at once, and so does a daemon that hurries a re-check."""


def is_down(health: Health) -> bool:
    """Whether it is down for good: what may yet turn out a blip is only suspected."""
    return health.state is State.DOWN and health.lasting


def not_up(states: TargetStates) -> list[TargetState]:
    """Return those of many that may be failing, before each is looked at."""
    return [one for one in states if one.health.state is not State.UP]


def is_suspected(health: Health) -> bool:
    return health.state is State.SUSPECTED or (health.state is State.DOWN and not health.lasting)


def has_failed(health: Health) -> bool:
    """Whether its latest look failed, be it by chance."""
    state = health.state
    return (state is State.SUSPECTED or state is State.DOWN) and health.successes == 0 and health.fault is not None


def is_failing(health: Health) -> bool:
    """Whether it has failed more than once, so that it is part of a trouble that is confirmed elsewhere.

    A target that has answered again without being confirmed says nothing: it is neither part of it nor well.
    """
    down = health.state is State.DOWN or (health.state is State.SUSPECTED and health.failures > 1)
    return down and health.successes == 0


def is_unreachable(health: Health) -> bool:
    """Whether its latest failure ended before any answer."""
    return health.status is None and health.fault in UNREACHABLE


def began_at(state: TargetState) -> datetime:
    """Return when its failures began, confirmed or not; of a target that is well, when it was last observed."""
    health = state.health
    began = health.since if health.state is State.DOWN else health.began_at
    return began or health.seen_at or health.since or NEVER


def earliest_start(states: TargetStates) -> datetime:
    """Return when a trouble began, judged by its confirmed targets."""
    return min((began_at(one) for one in states if is_down(one.health)), default=NEVER)


def is_observed(state: TargetState, since: datetime) -> bool:
    """Whether it was probed since then, or at the same instant, and answered or failed."""
    health = state.health
    return health.state is not State.UNKNOWN and health.seen_at is not None and health.seen_at >= since - SAME_INSTANT


def answered_just_before(state: TargetState, start: datetime) -> bool:
    """Whether its good answer is from just before the road was cut: all are re-checked before that is reported."""
    health = state.health
    return health.state is State.UP and health.seen_at is not None and health.seen_at < start


def is_alike(one: Health, other: Health) -> bool:
    """Whether two failures can have one cause: an outage shows many faults, a refusal of a key two."""
    faults = {one.fault, other.fault}
    its = {fault.blame for fault in faults if fault}
    return len(faults) == 1 or faults <= REFUSALS or its <= SHARED_BLAMES


def is_shaken(health: Health, since: datetime) -> bool:
    """Whether it met a fault that no account is to blame for since then, and answers again."""
    evidence = health.evidence
    if health.failures or not health.doubt or evidence is None or evidence.at is None or evidence.fault is None:
        return False
    return evidence.at >= since - SAME_INSTANT and evidence.fault.blame in SHARED_BLAMES


def is_healthy(state: TargetState, since: datetime) -> bool:
    return state.health.state is State.UP and is_observed(state, since)


def awaits_recheck(state: TargetState, now: datetime) -> bool:
    """Whether it failed for the first time a moment ago: the re-check says whether that was chance."""
    first = state.health.state is State.SUSPECTED and state.health.failures == 1
    return first and now - began_at(state) < LATELY


def is_confirmed(states: Iterable[TargetState]) -> bool:
    return any(is_down(state.health) and is_failing(state.health) for state in states)


def covers_all(failing: TargetStates, watched: TargetStates) -> bool:
    """Whether no other target that watches it has met anything else since it began."""
    start, ids = earliest_start(failing), {one.target.id for one in failing}
    return not any(is_observed(one, start) for one in watched if one.target.id not in ids)


def gravest_fault(states: TargetStates) -> Fault:
    return min((fault for p in states if (fault := p.health.fault)), key=GRAVITY.index)


def outside_accounts(states: Iterable[TargetState]) -> list[TargetState]:
    return [p for p in states if p.health.fault and p.health.fault.blame in SHARED_BLAMES]


def group_by(states: Iterable[TargetState], key: Callable[[Target], str]) -> dict[str, list[TargetState]]:
    groups: dict[str, list[TargetState]] = defaultdict(list)
    for state in states:
        groups[key(state.target)].append(state)
    return dict(sorted(groups.items()))
