"""Up or down: hysteresis over one target's observations."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from probes.model import Answer, Fault, Observation, Outcome


class State(StrEnum):
    """What we believe of a target. SUSPECTED: failing, not yet confirmed; UNKNOWN: not seen."""

    UP = "up"
    SUSPECTED = "suspected"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """So many failures in a row make it down, so many successes in a row make it up again."""

    failures: int = 3
    successes: int = 2


@dataclass(frozen=True, slots=True)
class Health:
    """All that is remembered between two observations of a target; small, so that a restart resumes it.

    `since` dates the state by the observation that began it, not by the one that confirmed it.
    `failures` and `successes` are in a row. `fault`, `answer`, `status` and `request_id` are those of
    the latest failure of this row. `reason` says why it was not seen, when it was not.
    """

    state: State = State.UNKNOWN
    since: datetime | None = None
    failures: int = 0
    successes: int = 0
    began_at: datetime | None = None
    seen_at: datetime | None = None
    fault: Fault | None = None
    status: int | None = None
    request_id: str | None = None
    answer: Answer | None = None
    reason: str | None = None


def advance(health: Health, observation: Observation, thresholds: Thresholds) -> Health:
    """Return the health after one more observation; an UNKNOWN one is no evidence."""
    match observation.outcome:
        case Outcome.UNKNOWN:
            return _unseen(health, observation)
        case Outcome.OK:
            return _succeeded(health, observation, thresholds)
        case Outcome.FAILED | Outcome.DEGRADED:
            return _failed(health, observation, thresholds)


def _unseen(health: Health, observation: Observation) -> Health:
    reason = observation.answer.words if observation.answer else None
    if health.state in (State.DOWN, State.UNKNOWN):
        return replace(health, since=health.since or observation.at, reason=reason)
    return Health(State.UNKNOWN, since=observation.at, seen_at=health.seen_at, reason=reason)


def _succeeded(health: Health, observation: Observation, thresholds: Thresholds) -> Health:
    at = observation.at
    if health.state is State.UP:
        return replace(health, successes=health.successes + 1, seen_at=at)
    if health.state is not State.DOWN:
        since = health.since if health.state is State.SUSPECTED else at
        return Health(State.UP, since=since, successes=1, seen_at=at)
    began_at = health.began_at if health.successes else at
    if health.successes + 1 < thresholds.successes:
        return replace(health, successes=health.successes + 1, failures=0, began_at=began_at, seen_at=at, reason=None)
    return Health(State.UP, since=began_at, successes=health.successes + 1, seen_at=at)


def _failed(health: Health, observation: Observation, thresholds: Thresholds) -> Health:
    began_at = health.began_at if health.failures else observation.at
    failures = health.failures + 1
    down = health.state is State.DOWN or failures >= thresholds.failures
    began_now = health.state is State.UNKNOWN or (down and health.state is not State.DOWN)
    return replace(
        health,
        state=State.DOWN if down else State.SUSPECTED,
        since=began_at if began_now else health.since,
        failures=failures,
        successes=0,
        began_at=began_at,
        seen_at=observation.at,
        fault=observation.fault,
        status=observation.status,
        request_id=observation.request_id,
        answer=observation.answer,
        reason=None,
    )
