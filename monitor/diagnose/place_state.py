"""How a place itself is: whether anything is heard of it, and whether its clock is right; pure."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from monitor.diagnose.corroboration import LocalWitness
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.reason import ClockOff, NotHeard, Reason
from monitor.diagnose.subject import CLOCK, SILENCE, Scope, Subject
from probes.model import Blame, Confidence, Fault

SILENT = timedelta(minutes=3)
"""Time without a word from a place after which it has no vote, and that is said."""
CLOCK_SAID_S, CLOCK_WELL_S = 2.0, 1.0
"""Seconds by which a clock is wrong from which that is said, and up to which it is well again."""
CLOCK_MUTED_S = 60.0
"""Seconds by which a clock is wrong from which its place has no vote: what it saw cannot be put in order."""


def diagnose_place_states(
    places: Mapping[str, LocalWitness], known: Collection[Subject], now: datetime
) -> list[Diagnosis]:
    """Return a sign for each place that is not heard of, and for each wrong clock: nobody is blamed for either.

    `known`: what is told already; a clock that is told of must be well again, not just below the limit.
    """
    found = [sign for name, one in sorted(places.items()) for sign in _signs(name, one, now)]
    return [one for one in found if one.settled or one.about in known or one.about.part == SILENCE]


def is_clock_voteless(off_s: float) -> bool:
    return abs(off_s) > CLOCK_MUTED_S


def _signs(name: str, place: LocalWitness, now: datetime) -> Iterator[Diagnosis]:
    if since := place.silent_since:
        yield _sign(SILENCE, NotHeard(name, since), name, since, settled=not place.awaited)
    if abs(place.clock_off_s) > CLOCK_WELL_S:
        reason = ClockOff(name, place.clock_off_s, is_clock_voteless(place.clock_off_s))
        yield _sign(CLOCK, reason, name, now, settled=abs(place.clock_off_s) > CLOCK_SAID_S)


def _sign(what: str, reason: Reason, place: str, since: datetime, *, settled: bool) -> Diagnosis:
    return Diagnosis(
        about=Subject(Scope.LOCATION, part=what, locations=(place,)),
        fault=Fault.UNCLASSIFIED,
        confidence=Confidence.HIGH,
        since=since,
        reasons=(reason,),
        targets=(),
        evidence=(),
        settled=settled,
        signal=True,
        blamed=Blame.UNKNOWN,
    )
