"""What is remembered of one target besides its health: how fast it is, its limits, how often it turns; pure."""

from collections.abc import Iterator

from msgspec import Struct

from monitor.detect import flap, flicker, latency, limits
from monitor.detect.finding import Finding
from monitor.detect.flap import Flap
from monitor.detect.flicker import Flicker
from monitor.detect.health import Health, State
from monitor.detect.latency import Kind, Pace, Series
from monitor.detect.limits import Limits
from probes.model import Observation, Target

CEILING_S = 45.0
"""Pause before a ceiling that fell is read again: five readings outlast another pool of a gateway."""


class Track(Struct, frozen=True):
    """All detectors' memory of one target; small, so that a restart resumes it.

    A series is None before its first answer.
    """

    total: Series | None = None
    first: Series | None = None
    limits: Limits = limits.NONE
    flap: Flap = flap.STEADY
    flicker: Flicker = flicker.NONE

    def series(self, kind: Kind) -> Series | None:
        return self.total if kind is Kind.TOTAL else self.first

    @property
    def is_alarmed(self) -> bool:
        """Whether anything is to be told of it."""
        slow = (self.total and self.total.alarm) or (self.first and self.first.alarm)
        cut = self.limits.refusal or any(one.fallen_at or one.short_since for one in self.limits.ceilings.values())
        return bool(slow or cut or self.flap.since or self.flicker.told_since)


NEW = Track()


def advance(track: Track, observation: Observation, before: Health, after: Health, pace: Pace, *, held: bool) -> Track:
    """Return the track after one more look, which changed the health so. `held`: its siblings say it is slow."""
    total, first, at = track.total, track.first, observation.at
    for kind, seconds in latency.measures(observation):
        if kind is Kind.TOTAL:
            total = latency.advance(total, seconds, at, pace, held=held)
        else:
            first = latency.advance(first, seconds, at, pace, held=held)
    if before.state is State.DOWN and after.state is State.UP:
        total, first = total and latency.anew(total), first and latency.anew(first)
    paced = Track(total, first, limits.advance(track.limits, observation))
    return turned(track, paced, observation, before, after)


def turned(track: Track, paced: Track, observation: Observation, before: Health, after: Health) -> Track:
    """Return the track after one more look, as fast and with such limits as `paced` says that has taken it in."""
    return Track(
        paced.total,
        paced.first,
        paced.limits,
        flap.advance(track.flap, before, after, observation.at),
        _flicker(track.flicker, observation, after),
    )


def _flicker(before: Flicker, observation: Observation, after: Health) -> Flicker:
    """What is refused for good is told as an outage, and its coming again as flapping: neither is a flicker."""
    if after.state is State.DOWN and observation.fault in flicker.KINDS:
        return flicker.NONE
    return flicker.advance(before, observation)


def again_s(track: Track, pace: Pace) -> float | None:
    """Return in how many seconds another look would tell a rise, or a fall, from chance; None: no hurry."""
    total, first = track.total, track.first
    if (total and latency.wants_more(total, pace)) or (first and latency.wants_more(first, pace)):
        return latency.EXTRA_S
    return CEILING_S if limits.is_turning(track.limits) else None


def findings(target: Target, track: Track) -> Iterator[Finding]:
    """Yield what is to be told of one target; the first piece speaks for the whole answer where both are late."""
    for kind in (Kind.FIRST, Kind.TOTAL):
        if series := track.series(kind):
            slow = list(latency.findings(target, kind, series))
            yield from slow
            if slow:
                break
    yield from limits.findings(target, track.limits)
    yield from flicker.findings(target, track.flicker)


def settled(target: Target, track: Track) -> Iterator[Finding]:
    """Yield what was told of one target and has ended without being as before."""
    for kind in (Kind.FIRST, Kind.TOTAL):
        if series := track.series(kind):
            yield from latency.settled(target, kind, series)
    yield from limits.settled(target, track.limits)
