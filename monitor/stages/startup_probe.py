"""The first probes after a start: if they reach nothing, say so at once to whoever watches the terminal."""

import logging
from collections.abc import Iterable

from msgspec import Struct, field

from monitor.diagnose.target_state import UNREACHABLE
from probes.model import Observation, Outcome

log = logging.getLogger("monitor")

WORTH_LOGGING = 3
"""Number of unreached answerers worth a log line; all of them where there are fewer."""


class StartupProbes(Struct):
    """Why each answerer could not be reached by the first probes. `over`: reported, or something was reached.

    It only logs: an outage is re-checked and must last before an alert, which may take minutes.
    """

    answerers: frozenset[str]
    unreached: dict[str, str] = field(default_factory=dict)
    over: bool = False

    def take(self, observations: Iterable[Observation]) -> None:
        """Log once that nothing could be reached, unless something was."""
        if self.over:
            return
        met = [one for one in observations if one.outcome is not Outcome.UNKNOWN]
        self.over = any(one.fault not in UNREACHABLE for one in met)
        self.unreached |= {one.target.answerer: one.answer.words if one.answer else "" for one in met}
        if not self.over and len(self.unreached) >= max(1, min(WORTH_LOGGING, len(self.answerers))):
            self.over = True
            named = "; ".join(f"{name}: {why}" for name, why in sorted(self.unreached.items()))
            log.warning("nothing could be reached yet (%s); what is down is told once it is confirmed", named)
