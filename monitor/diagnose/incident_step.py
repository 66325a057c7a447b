"""The steps in the life of an incident, in as much of it as its story tells."""

from datetime import datetime

from msgspec import Struct

from monitor.diagnose.incident import ChangeKind, Severity, accounts_of_targets
from monitor.diagnose.subject import Subject
from probes.model import Blame, Confidence, Fault


class IncidentState(Struct, frozen=True):
    """What was known of an incident at one time; the fields are those of `Incident`.

    `about`: None in a row of an older version.
    """

    fault: Fault
    severity: Severity
    confidence: Confidence
    about: Subject | None = None
    targets: tuple[str, ...] = ()
    blamed: Blame | None = None
    parent: str | None = None

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame

    @property
    def accounts(self) -> set[str]:
        """The ids of the accounts that failed then."""
        return accounts_of_targets(self.targets)


class IncidentStep(Struct, frozen=True):
    """One change, and what was known after it."""

    kind: ChangeKind
    at: datetime
    state: IncidentState
