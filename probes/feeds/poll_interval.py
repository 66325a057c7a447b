"""When to poll a source again."""

from probes.notice import Bulletin, Trust

USUAL_S = 120.0
"""Seconds between two polls of a source."""
OPEN_S = 60.0
"""Seconds between polls while something is open."""
QUIET_S = 300.0
"""Seconds between polls once nothing has been open for long."""
LONGEST_S = 900.0
"""Most seconds to back off after failures in a row."""
SLOWER_S = 12.0
"""Seconds added per poll with nothing open: fifteen of them reach QUIET_S."""
JITTER = 0.1


def next_poll_s(bulletin: Bulletin, failures: int, quiet_polls: int, chance: float) -> float:
    """Return the seconds until the next poll.

    `bulletin` is the latest, renewed if unchanged. `failures` and `quiet_polls` count those in a row that were
    doubtful, or had nothing open. `chance` is in [0, 1): up to a tenth is subtracted as jitter, so that sources drift
    apart.
    """
    return _wait_s(bulletin, failures, quiet_polls) * (1 - JITTER * chance)


def _wait_s(bulletin: Bulletin, failures: int, quiet_polls: int) -> float:
    if bulletin.trust is Trust.DOUBTFUL:
        return float(min(LONGEST_S, USUAL_S * 2 ** min(max(failures - 1, 0), 10)))
    if any(notice.is_open for notice in bulletin.notices):
        return OPEN_S
    return min(QUIET_S, USUAL_S + SLOWER_S * quiet_polls)
