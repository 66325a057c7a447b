"""How a target is, as far as a diagnosis asks: down, suspected, out of reach, seen since."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from monitor.detect.health import Health, State
from monitor.diagnose.diagnosis import GRAVITY
from probes.model import Blame, Fault, Target

NEVER = datetime.max.replace(tzinfo=UTC)
"""When what has not begun began."""
EPOCH = datetime.fromtimestamp(0, UTC)


class Patient(Struct, frozen=True):
    """A target and its health."""

    target: Target
    health: Health


Patients = Sequence[Patient]
REFUSALS = frozenset({Fault.INVALID_KEY, Fault.PERMISSION_DENIED})
"""What a provider whose key service is down says to everybody. A suspension it says of one account only."""
NOBODYS_OWN = frozenset({Blame.PROVIDER, Blame.PATH})
"""Who is to blame for what no account is the cause of."""
UNREACHABLE = frozenset({Fault.CONNECTION_FAILED, Fault.PROXY_FAILED, Fault.TIMEOUT})
LATELY = timedelta(seconds=25)
"""So long after a first failure the second look is on its way, and so are the looks at those who may share it."""
BREATH = timedelta(seconds=0.25)
"""A round asks all at one instant, and a daemon whom it hurries: who was asked so little before tells as much."""


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


def began_at(patient: Patient) -> datetime:
    """Return when its failures began, confirmed or not; of what is well, when it was seen last."""
    health = patient.health
    began = health.since if health.state is State.DOWN else health.began_at
    return began or health.seen_at or health.since or NEVER


def began(patients: Patients) -> datetime:
    """Return when a trouble began, by those of them that are confirmed."""
    return min((began_at(one) for one in patients if is_down(one.health)), default=NEVER)


def is_seen(patient: Patient, since: datetime) -> bool:
    """Whether it was looked at since then, or in the same breath, and answered or failed."""
    health = patient.health
    return health.state is not State.UNKNOWN and health.seen_at is not None and health.seen_at >= since - BREATH


def answered_before(patient: Patient, start: datetime) -> bool:
    """Whether its good answer is of the moment before a road was cut: all are asked again before that is told."""
    health = patient.health
    return health.state is State.UP and health.seen_at is not None and health.seen_at < start


def is_well(patient: Patient, since: datetime) -> bool:
    return patient.health.state is State.UP and is_seen(patient, since)


def is_wavering(patient: Patient, now: datetime) -> bool:
    """Whether it failed for the first time a moment ago: the next look says whether that was chance."""
    first = patient.health.state is State.SUSPECTED and patient.health.failures == 1
    return first and now - began_at(patient) < LATELY


def is_confirmed(patients: Iterable[Patient]) -> bool:
    return any(is_down(patient.health) and is_failing(patient.health) for patient in patients)


def is_all(failing: Patients, watched: Patients) -> bool:
    """Whether nobody of those that watch it has met anything else since it began."""
    start, ids = began(failing), {one.target.id for one in failing}
    return not any(is_seen(one, start) for one in watched if one.target.id not in ids)


def gravest_fault(patients: Patients) -> Fault:
    return min((fault for p in patients if (fault := p.health.fault)), key=GRAVITY.index)


def not_the_accounts(patients: Iterable[Patient]) -> list[Patient]:
    return [p for p in patients if p.health.fault and p.health.fault.blame in NOBODYS_OWN]


def grouped(patients: Iterable[Patient], key: Callable[[Target], str]) -> dict[str, list[Patient]]:
    groups: dict[str, list[Patient]] = defaultdict(list)
    for patient in patients:
        groups[key(patient.target)].append(patient)
    return dict(sorted(groups.items()))
