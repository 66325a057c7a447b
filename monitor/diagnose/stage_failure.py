"""What is reported of a stage of the resident loop that fails: our own fault, so nobody else is blamed."""

from datetime import datetime, timedelta

from msgspec import Struct

from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Incident, open_incident
from monitor.diagnose.reason import StageFailed, WholeErrorLogged
from monitor.diagnose.subject import Scope, Subject
from monitor.stage import Stage
from probes.model import Blame, Confidence, Fault

LASTING = 3
"""Failures without a calm in between from which it is reported like an incident."""
CALM = timedelta(seconds=60)
"""Time without a failure after which a stage is well again."""
FIRST_S, LONGEST_S = 1.0, 30.0
"""Seconds before a failed stage restarts, at first and at most."""


class FailingStage(Struct, frozen=True):
    """A stage that failed `times` without a calm in between, from `since` to `last`; `error` names the last error."""

    stage: Stage
    times: int
    since: datetime
    last: datetime
    error: str

    @property
    def is_lasting(self) -> bool:
        return self.times >= LASTING

    @property
    def reason(self) -> StageFailed:
        return StageFailed(self.stage, self.error, self.is_lasting)

    def is_over(self, now: datetime) -> bool:
        """Whether it has run for long enough since, or the clock was set back meanwhile."""
        return not timedelta(0) <= now - self.last < CALM

    def incident(self, location: str) -> Incident:
        return open_incident(_diagnosis(self), self.since, location=location)


def add_failure(before: FailingStage | None, stage: Stage, error: str, now: datetime) -> FailingStage:
    """Return what is known of a stage after one more failure."""
    return FailingStage(stage, before.times + 1 if before else 1, before.since if before else now, now, error)


def error_name(error: BaseException) -> str:
    """Return the type name of an error, as its text may hold anything, secrets included."""
    return type(_innermost(error)).__name__


def back_off_s(times: int) -> float:
    """Return the seconds a stage backs off after it failed `times` times."""
    return min(FIRST_S * 2.0 ** min(times - 1, 10), LONGEST_S)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _diagnosis(failing: FailingStage) -> Diagnosis:
    return Diagnosis(
        about=Subject(Scope.STAGE, part=failing.stage),
        fault=Fault.UNCLASSIFIED,
        confidence=Confidence.HIGH,
        since=failing.since,
        reasons=(failing.reason, WholeErrorLogged()),
        targets=(),
        evidence=(),
        signal=True,
        blamed=Blame.US,
    )
