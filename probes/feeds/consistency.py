"""Compares what a source says with what it said before. A source that contradicts itself is doubtful."""

from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from probes.doubt import ComponentsLost, Defect, Defective, Doubt, WentBack
from probes.notice import Bulletin, Trust, Validators

REMEMBERED = 4
"""Polls that show that a source flips: A, B, A, B."""
PATIENCE = 10
"""Consistent polls after which we assume that the facts changed, not that the source is wrong."""
TOLERANCE = timedelta(minutes=5)
"""Largest clock difference between servers behind one name."""


class SourceMemory(Struct, frozen=True):
    """What we remember of a source: plain values that can be stored as JSON.

    `states` are digests of the last polls; `odd_polls` counts those in a row that were older, or had less in them, than
    what we remember.
    """

    newest_at: datetime | None = None
    components: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    odd_polls: int = 0


def check_consistency(previous: SourceMemory, bulletin: Bulletin) -> tuple[Bulletin, SourceMemory]:
    """Return the bulletin, DOUBTFUL if it contradicts earlier polls, and what to remember of it.

    Its notices are kept, since they may be true. Its validators are not: the next poll must read everything again, or a
    wrong source could confirm its own error.
    """
    if bulletin.trust is Trust.DOUBTFUL:
        return bulletin, previous
    if bulletin.trust is Trust.UNCHANGED:
        return bulletin, replace(previous, states=_push(previous.states, *previous.states[-1:]))
    states = _push(previous.states, _digest(bulletin))
    odd = _odd(previous, bulletin)
    if odd and previous.odd_polls < PATIENCE:
        return _doubtful(bulletin, odd), replace(previous, states=states, odd_polls=previous.odd_polls + 1)
    names = tuple(one.name for one in bulletin.components)
    seen = SourceMemory(bulletin.newest_at or previous.newest_at, names, states)
    return (_doubtful(bulletin, Defective(Defect.BY_TURNS)) if _flips(states) else bulletin), seen


def _odd(previous: SourceMemory, bulletin: Bulletin) -> Doubt | None:
    if previous.newest_at and bulletin.newest_at and bulletin.newest_at < previous.newest_at - TOLERANCE:
        return WentBack(bulletin.newest_at)
    lost = set(previous.components) - {one.name for one in bulletin.components}
    if lost and 2 * len(lost) > len(previous.components):
        return ComponentsLost(len(lost), len(previous.components))
    return None


def _flips(states: tuple[str, ...]) -> bool:
    return len(states) == REMEMBERED and len(set(states)) == 2 and states[:2] == states[2:] and states[0] != states[1]


def _push(states: tuple[str, ...], *state: str) -> tuple[str, ...]:
    return (*states, *state)[-REMEMBERED:]


def _digest(bulletin: Bulletin) -> str:
    """Return a short digest of the open notices and the state of each component."""
    said = sorted(f"{one.id} {one.phase} {one.impact}" for one in bulletin.notices if one.is_open)
    said += sorted(f"{one.name} {one.impact}" for one in bulletin.components)
    return sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()[:12]


def _doubtful(bulletin: Bulletin, problem: Doubt) -> Bulletin:
    return replace(bulletin, trust=Trust.DOUBTFUL, problem=problem, validators=Validators())
