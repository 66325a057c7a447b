"""Up or down: sequential evidence over one target's observations; pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil, log
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from probes.model import Answer, Confidence, Fault, Observation, Outcome

TERMINAL = frozenset({Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.VERIFICATION_REQUIRED})
"""Faults that do not pass by themselves within minutes: two in the provider's own words confirm the outage."""

PASSING = frozenset(
    {
        *(Fault.OVERLOADED, Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.CONNECTION_FAILED, Fault.PROXY_FAILED),
        *(Fault.INVALID_RESPONSE, Fault.RATE_LIMITED, Fault.SLOW),
    }
)
"""Faults that often pass by themselves within a minute: reported only if they last."""

APART = timedelta(seconds=10)
"""Shortest time between two terminal answers that count as two; closer ones are one witness."""

RELIEF = log(0.99 / 0.7) / log(0.3 / 0.01)
"""Failures that one good answer takes back: the CUSUM of 1 % against 30 % failing, with a failure as its unit."""

SLACK = 0.35
"""Failures by which the balance may fall short of `failures`: room for three good answers among them."""

LASTING = 0.9
"""Share of `blip_s` after which an outage has lasted: probes two minutes apart are not so to the second."""

STILL = 0.02
"""Probability below which a row of good answers is no chance while the trouble goes on: then it is up again."""

MOST_SUCCESSES = 12
REMEMBERED = 32
"""Probes over which the share of failures is counted: an outage may turn into a brownout."""

STALE, STALE_LOOKS = timedelta(minutes=10), 3
"""Time, and intervals, without an answer after which earlier evidence no longer counts."""


class State(StrEnum):
    """What we believe of a target. SUSPECTED: failing, not yet confirmed; UNKNOWN: not observed."""

    UP = "up"
    SUSPECTED = "suspected"
    DOWN = "down"
    UNKNOWN = "unknown"


class Thresholds(Struct, frozen=True):
    """When a target goes down (`failures` on balance) and up again (at least `successes` in a row).

    What often passes by itself is not reported before it has lasted `blip_s` seconds. A second terminal answer confirms
    the first if it comes at least `apart` after it.
    """

    failures: int = 3
    successes: int = 2
    blip_s: float = 120
    apart: timedelta = APART


class Suspicion(Struct, frozen=True):
    """The evidence against a target, as of its latest failure.

    `weight` is in failures, less what the good answers among them took back. Of `looks` probes since `since`, the first
    failure that still counts, `failed` failed. `lasting`: down, and worth reporting. `at` and `fault` are those of the
    latest failure; None: remembered by an earlier version.
    """

    weight: float
    since: datetime
    looks: int
    failed: int
    lasting: bool = False
    at: datetime | None = None
    fault: Fault | None = None


class Health(Struct, frozen=True):
    """All that is remembered between two observations of a target; small, so that a restart resumes it.

    `since` dates the state by the observation that began it, not by the one that confirmed it. `failures` and
    `successes` are in a row, of the probes that were answered. `fault`, `answer`, `status` and `request_id` are those
    of the latest failure of this row, also while it is UNKNOWN and nothing may be concluded from them. `reason` says
    why it was not observed, if it was not. `evidence` is None if no failure still counts. `well_at` is the latest good
    answer, however long ago; None: there was none.
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
    evidence: Suspicion | None = None
    well_at: datetime | None = None

    @property
    def doubt(self) -> float:
        """The evidence against it now, in failures."""
        return max(self.evidence.weight - RELIEF * self.successes, 0.0) if self.evidence else 0.0

    @property
    def lasting(self) -> bool:
        """Whether it is down and worth reporting: no blip."""
        return self.state is State.DOWN and (self.evidence is None or self.evidence.lasting)

    @property
    def final(self) -> bool:
        """Whether the latest failure said, in the provider's own words, that waiting does not help."""
        return _is_final(self.fault, self.answer)


def is_returning(healths: Iterable[Health]) -> bool:
    """Whether the latest probe of those that are down was good: what they share may be over.

    If none of those can be probed, the others decide; without any observation the answer is False.
    """
    seen = [one for one in healths if one.seen_at and one.state is not State.UNKNOWN]
    its = [one for one in seen if one.state is State.DOWN and one.reason is None] or seen
    return not max(((one.seen_at, one.failures > 0) for one in its if one.seen_at), default=(None, True))[1]


def advance(health: Health, observation: Observation, thresholds: Thresholds, interval_s: float) -> Health:
    """Return the health after one more observation of a target that is probed every `interval_s` seconds.

    An UNKNOWN observation is no evidence: it hides what was seen before it, but neither adds to it nor takes from it.
    """
    match observation.outcome:
        case Outcome.OK:
            return _succeeded(_as_of(health, observation.at, interval_s), observation, thresholds)
        case Outcome.UNKNOWN:
            return _unseen(health, observation)
        case Outcome.FAILED | Outcome.DEGRADED:
            return _failed(_as_of(health, observation.at, interval_s), observation, thresholds)
    assert_never(observation.outcome)


def _as_of(health: Health, at: datetime, interval_s: float) -> Health:
    """Return what still counts: no stale evidence that was not reported, and no date in what is now the future."""
    if health.seen_at is None:
        return health
    if at < health.seen_at:
        return _set_back(health, at)
    passed = at - health.seen_at
    stale = passed > STALE and passed > STALE_LOOKS * timedelta(seconds=interval_s)
    if not stale or health.lasting:
        return health
    state, since = (State.UP, health.since) if health.state is State.UP else (State.UNKNOWN, None)
    return Health(state, since, well_at=health.well_at)


def _set_back(health: Health, at: datetime) -> Health:
    """Return the health as seen by a clock that was set back to `at`."""
    evidence = health.evidence and _not_after(health.evidence, at)
    since, began_at, well_at = (then and min(then, at) for then in (health.since, health.began_at, health.well_at))
    return replace(health, since=since, began_at=began_at, seen_at=at, evidence=evidence, well_at=well_at)


def _not_after(evidence: Suspicion, at: datetime) -> Suspicion:
    return replace(evidence, since=min(evidence.since, at), at=evidence.at and min(evidence.at, at))


def _unseen(health: Health, observation: Observation) -> Health:
    reason = observation.answer.words if observation.answer else None
    if health.state in (State.DOWN, State.UNKNOWN):
        return replace(health, since=health.since or observation.at, reason=reason)
    return replace(health, state=State.UNKNOWN, since=observation.at, reason=reason)


def _succeeded(health: Health, observation: Observation, thresholds: Thresholds) -> Health:
    at, successes = observation.at, health.successes + 1
    if health.state is not State.DOWN:
        since = at if health.state is State.UNKNOWN else health.since
        return Health(State.UP, since, successes=successes, seen_at=at, evidence=health.evidence, well_at=at)
    began_at = health.began_at if health.successes else at
    if successes < _successes_to_recover(health.evidence, thresholds):
        return replace(health, successes=successes, failures=0, began_at=began_at, seen_at=at, reason=None, well_at=at)
    return Health(State.UP, since=began_at, successes=successes, seen_at=at, well_at=at)


def _successes_to_recover(evidence: Suspicion | None, thresholds: Thresholds) -> int:
    """Two good answers end an outage, but not a brownout, in which most answers are good."""
    if evidence is None or evidence.failed == evidence.looks:
        return thresholds.successes
    return max(thresholds.successes, min(successes_to_believe(evidence), MOST_SUCCESSES))


def successes_to_believe(evidence: Suspicion) -> int:
    """Return how many good answers in a row rule out chance while this share fails."""
    share = (evidence.failed + 0.5) / (evidence.looks + 1)
    return ceil(log(STILL) / log(1 - share))


def _failed(health: Health, observation: Observation, thresholds: Thresholds) -> Health:
    began_at = health.began_at if health.failures and health.began_at else observation.at
    failures = health.failures + 1
    evidence = replace(_weigh(health, observation.at, thresholds), at=observation.at, fault=observation.fault)
    down = (
        health.state is State.DOWN
        or evidence.weight >= thresholds.failures - SLACK
        or _is_end(health, observation, thresholds.apart)
    )
    since = health.since
    if down and health.state is not State.DOWN:
        in_a_row = failures >= thresholds.failures or health.final
        since = began_at if in_a_row else evidence.since
        if evidence.since >= began_at:  # enough good answers came before: no brownout
            evidence = replace(evidence, looks=failures, failed=failures)
    elif health.state is State.UNKNOWN:
        since = began_at
    if down and not evidence.lasting and _is_lasting(observation, since or began_at, thresholds):
        evidence = replace(evidence, lasting=True)
    return Health(
        state=State.DOWN if down else State.SUSPECTED,
        since=since,
        failures=failures,
        began_at=began_at,
        seen_at=observation.at,
        fault=observation.fault,
        status=observation.status,
        request_id=observation.request_id,
        answer=observation.answer,
        evidence=evidence,
        well_at=health.well_at,
    )


def _weigh(health: Health, at: datetime, thresholds: Thresholds) -> Suspicion:
    """Return the evidence with one more failure."""
    before = health.evidence
    if before is None and health.state is State.DOWN:  # remembered by an earlier version
        return Suspicion(thresholds.failures, health.since or at, 1, 1, lasting=True)
    if before is None or (health.doubt == 0.0 and health.state is not State.DOWN):
        return Suspicion(1.0, at, 1, 1)
    weight = min(health.doubt + 1.0, thresholds.failures + 1.0)
    # What came before enough good answers still counts against the target, but was another trouble.
    over = health.state is not State.DOWN and health.successes >= successes_to_believe(before)
    looks, failed = before.looks + health.successes + 1, before.failed + 1
    if looks > REMEMBERED:
        looks, failed = (looks + 1) // 2, (failed + 1) // 2
    return Suspicion(weight, at if over else before.since, looks, failed, before.lasting)


def _is_end(health: Health, observation: Observation, apart: timedelta) -> bool:
    """Whether a second terminal answer confirms the first."""
    is_another = health.began_at is not None and observation.at - health.began_at >= apart
    return health.failures > 0 and is_another and health.final and _is_final(observation.fault, observation.answer)


def _is_final(fault: Fault | None, answer: Answer | None) -> bool:
    return fault in TERMINAL and answer is not None and answer.confidence is not Confidence.LOW


def _is_lasting(observation: Observation, since: datetime, thresholds: Thresholds) -> bool:
    lasted_s = (observation.at - since).total_seconds()
    return observation.fault not in PASSING or lasted_s >= LASTING * thresholds.blip_s
