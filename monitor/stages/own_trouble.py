"""What of the monitor itself does not work: said on the page, to the heartbeat and in the log."""

import logging
from datetime import datetime

from msgspec import Struct, field

from monitor.diagnose.stage_failure import Failing, Stage

log = logging.getLogger("monitor")


class OwnTrouble(Struct):
    """`warnings` is what does not work now, `logged` what of it the log holds, be it of a round before.

    `failing` are the stages that failed lately. `refused_at` is when the database was last seen to refuse.
    """

    warnings: dict[str, str] = field(default_factory=dict)
    logged: dict[str, str] = field(default_factory=dict)
    failing: dict[Stage, Failing] = field(default_factory=dict)
    refused_at: datetime | None = None

    @property
    def fault(self) -> str | None:
        """What of ours failed lately, all of it, and is begun anew; None: nothing did."""
        return "; ".join(one.words for one in self.failing.values()) or None

    def warn(self, about: str, words: str) -> None:
        """Say that something of ours does not work; in the log once, until it changes."""
        if self.logged.get(about) != words:
            log.error("%s", words)
        self.warnings[about] = self.logged[about] = words

    def mended(self, about: str) -> None:
        """Say in the log, where it held that something does not work, that it does."""
        self.warnings.pop(about, None)
        if words := self.logged.pop(about, None):
            log.warning("this is over: %s", words)

    def said_before(self, about: str, words: str) -> None:
        """Go on with what a process before us has said: not again in the log of each round, which cron mails."""
        self.warnings[about] = self.logged[about] = words

    def withdraw(self, about: str) -> bool:
        """Say it no more, without a word; return whether it was said."""
        self.logged.pop(about, None)
        return self.warnings.pop(about, None) is not None
