"""What is told of a stage of the resident loop that fails: by our own fault, so nobody else is blamed."""

from datetime import datetime, timedelta

from msgspec import Struct

from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.incident import Incident, open_incident
from monitor.diagnose.reason import StageFailed, WholeErrorLogged
from monitor.diagnose.stage import Stage
from monitor.diagnose.subject import Scope, Subject
from probes.model import Blame, Confidence, Fault

LASTING = 3
"""What failed so often without a calm while between is told like an incident."""
CALM = timedelta(seconds=60)
"""What goes on for so long after a failure is well again."""
FIRST_S, LONGEST_S = 1.0, 30.0
"""The pause before a stage that failed is begun anew, and the longest that it grows to."""


class Failing(Struct, frozen=True):
    """A stage that failed `times` without a calm while between, from `since` to `last`; `error` names the last one."""

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
        """Whether it has gone on for long enough since, or the clock was set back meanwhile."""
        return not timedelta(0) <= now - self.last < CALM

    def incident(self, location: str) -> Incident:
        return open_incident(_diagnosis(self), self.since, location=location)


def once_more(before: Failing | None, stage: Stage, error: str, now: datetime) -> Failing:
    """Return what is known of a stage after one more failure."""
    return Failing(stage, before.times + 1 if before else 1, before.since if before else now, now, error)


def named(error: BaseException) -> str:
    """Return what an error is called; its text may hold anything."""
    return type(_innermost(error)).__name__


def back_off_s(times: int) -> float:
    """Return how long a stage rests after it failed so many times."""
    return min(FIRST_S * 2.0 ** min(times - 1, 10), LONGEST_S)


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _diagnosis(failing: Failing) -> Diagnosis:
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
