"""The monitor's own faults: shown on the page, sent to the heartbeat, and logged."""

import logging
from datetime import datetime

from msgspec import Struct, field

from monitor.diagnose.stage_failure import FailingStage, add_failure
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.stage import Stage

log = logging.getLogger("monitor")


class SelfHealth(Struct):
    """`warnings`: what does not work now. `logged`: the part of it already in the log, also by an earlier round.

    `failing`: the stages that failed lately. `refused_at`: when the database last refused a write.
    """

    warnings: dict[str, str] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    failing: dict[Stage, FailingStage] = field(default_factory=dict)
    refused_at: datetime | None = None

    @property
    def fault(self) -> str | None:
        """All stages that failed lately and were restarted, as one text; None: none did."""
        return "; ".join(describe_stage_failure(one.reason) for one in self.failing.values()) or None

    def warn(self, about: str, words: str, level: int = logging.ERROR) -> None:
        """Warn that something of ours does not work; logged once, until the words change."""
        if self.logged.get(about) != words:
            log.log(level, "%s", words)
        self.warnings[about] = self.logged[about] = words

    def mended(self, about: str) -> None:
        """Clear a warning; log that it is over if it was logged."""
        self.warnings.pop(about, None)
        if words := self.logged.pop(about, None):
            log.warning("this is over: %s", words)

    def said_before(self, about: str, words: str) -> None:
        """Take over a warning of the previous process without logging it again: cron mails each round's log."""
        self.warnings[about] = self.logged[about] = words

    def note_failure(self, stage: Stage, error: str, at: datetime) -> None:
        """Count one more failure of a stage."""
        self.failing[stage] = add_failure(self.failing.get(stage), stage, error, at)

    def withdraw(self, about: str) -> bool:
        """Clear a warning without logging; return whether there was one."""
        self.logged.pop(about, None)
        return self.warnings.pop(about, None) is not None
