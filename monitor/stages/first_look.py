"""The first looks after a start: where they reach nothing, who waits at the terminal is told so at once."""

import logging
from collections.abc import Iterable

from msgspec import Struct, field

from monitor.diagnose.target_state import UNREACHABLE
from probes.model import Observation, Outcome

log = logging.getLogger("monitor")

ENOUGH = 3
"""So many answerers that are not reached are worth a word; where there are fewer, all of them."""


class FirstLook(Struct):
    """What the first looks came to: why each answerer could not be reached. `over`: there is no more to say.

    Nobody is told by it: an outage is re-checked and has to last, which may take minutes.
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
        if not self.over and len(self.unreached) >= max(1, min(ENOUGH, len(self.answerers))):
            self.over = True
            named = "; ".join(f"{name}: {why}" for name, why in sorted(self.unreached.items()))
            log.warning("nothing could be reached yet (%s); what is down is told once it is confirmed", named)
