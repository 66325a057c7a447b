"""Flapping: a target that goes down and comes back again and again, named once, and its calm once; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.detect.finding import Finding, day
from monitor.detect.health import Health, State
from probes.model import Fault, Target

TURNS = 3
WITHIN = timedelta(minutes=60)
"""So many turns, from down to up or back, within so long is flapping: the second outage within the hour."""
CALM = timedelta(minutes=30)
"""So long in one state ends it."""


class Flap(Struct, frozen=True):
    """The latest turns of one target, at most TURNS. `since` is the first of the row while it flaps, else None.

    `fault` is the latest that took it down.
    """

    turns: tuple[datetime, ...] = ()
    since: datetime | None = None
    fault: Fault | None = None


STEADY = Flap()


def advance(flap: Flap, before: Health, after: Health, at: datetime) -> Flap:
    """Return what is known after a look at `at` that changed the health so; `flap` itself when nothing turned."""
    if (before.state is State.DOWN) is not (after.state is State.DOWN):
        turns = (*flap.turns[1 - TURNS :], at)
        often = len(turns) == TURNS and at - turns[0] <= WITHIN
        return Flap(turns, flap.since or (turns[0] if often else None), after.fault or flap.fault)
    if flap.since and after.state is not State.UNKNOWN and at - flap.turns[-1] >= CALM:
        return STEADY
    return flap


def findings(target: Target, flap: Flap) -> Iterator[Finding]:
    """Yield the one thing to tell while it flaps; each turn by itself need not be told then."""
    if flap.since and flap.fault:
        words = f"{flap.fault}, again and again"
        reasons = (
            f"{TURNS} or more changes between up and down within an hour, since {day(flap.since)}",
            f"the single changes are not told; it ends after {CALM // timedelta(minutes=1)} minutes without one",
        )
        yield Finding(
            target.account, flap.fault, flap.since, flap.turns[-1], target.id, "flap", words, reasons, target.model
        )
