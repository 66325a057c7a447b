"""What the detectors remember of one target besides its health: its speed, its limits, how often it turns; pure."""

from collections.abc import Iterator
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect import flap, intermittent, latency, limits
from monitor.detect.finding import Finding
from monitor.detect.flap import Flap
from monitor.detect.health import Health, State
from monitor.detect.intermittent import IntermittentRefusals
from monitor.detect.latency import LONG, SPEAKING, Sensitivity, Series
from monitor.detect.limits import Limits
from monitor.detect.measure import Measure
from probes.model import Observation, Target

CEILING_S = 45.0
"""Seconds before a fallen ceiling is re-checked: five readings outlast another pool of a gateway."""


LENGTH_STEP = 1 / 16
"""Share by which one answer moves the mean length."""


class TargetMemory(Struct, frozen=True):
    """All detectors' memory of one target; small, so that a restart resumes it.

    A series is None before its first answer. The streams that `token` follows have `length` tokens on average, capped
    at twice LONG. All are of answers to requests for `answer_tokens` tokens.
    """

    total: Series | None = None
    first: Series | None = None
    limits: Limits = limits.NONE
    flap: Flap = flap.NO_TURNS
    flicker: IntermittentRefusals = intermittent.NONE
    token: Series | None = None
    length: float = 0.0
    answer_tokens: int | None = None

    def series(self, kind: Measure) -> Series | None:
        match kind:
            case Measure.TOTAL:
                return self.total
            case Measure.FIRST:
                return self.first
            case Measure.TOKEN:
                return self.token
        assert_never(kind)

    def judged(self, kind: Measure) -> Series | None:
        """Return the series if it is judged by itself: short streams are only judged with those of other accounts."""
        return None if kind is Measure.TOKEN and self.length < LONG else self.series(kind)

    @property
    def is_alarmed(self) -> bool:
        """Whether there is anything to report."""
        token = self.judged(Measure.TOKEN)
        slow = (self.total and self.total.alarm) or (self.first and self.first.alarm) or (token and token.alarm)
        cut = self.limits.refusal or any(one.fallen_at or one.short_since for one in self.limits.ceilings.values())
        return bool(slow or cut or self.flap.since or self.flicker.told_since)


NEW = TargetMemory()


class DetectorSettings(Struct, frozen=True):
    """What the configuration tells the detectors of one target. `answer_tokens`: see Track."""

    pace: Sensitivity
    answer_tokens: int | None = None


def advance(
    track: TargetMemory,
    observation: Observation,
    before: Health,
    after: Health,
    settings: DetectorSettings,
    *,
    held: bool,
) -> TargetMemory:
    """Return the track after one more probe, which changed the health from `before` to `after`.

    `held`: its siblings say it is slow, so the series learn nothing.
    """
    track, pace = _asked(track, settings.answer_tokens), settings.pace
    total, first, token, length, at = track.total, track.first, track.token, track.length, observation.at
    for kind, seconds in latency.measures(observation):
        match kind:
            case Measure.TOTAL:
                total = latency.advance(total, seconds, at, pace, held=held)
            case Measure.FIRST:
                first = latency.advance(first, seconds, at, pace, held=held)
            case Measure.TOKEN:
                token = latency.advance(token, seconds, at, pace, held=held)
                length = _length(length, observation.usage.tokens_out)
            case _:
                assert_never(kind)
    if before.state is State.DOWN and after.state is State.UP:
        total, first, token = (series and latency.reset(series) for series in (total, first, token))
    return replace(
        track,
        total=total,
        first=first,
        limits=limits.advance(track.limits, observation),
        flap=flap.advance(track.flap, before, after, at),
        flicker=_flicker(track.flicker, observation, after),
        token=token,
        length=length,
    )


def advance_from(
    track: TargetMemory, paced: TargetMemory, observation: Observation, before: Health, after: Health
) -> TargetMemory:
    """Return the track after one more probe, with speed and limits from `paced`, which has already taken it in."""
    its_flap = flap.advance(track.flap, before, after, observation.at)
    now = replace(track, flap=its_flap, flicker=_flicker(track.flicker, observation, after))
    return with_pace_of(now, paced)


def with_pace_of(track: TargetMemory, paced: TargetMemory) -> TargetMemory:
    """Return `paced` with what depends on the target's health, and so on the settings, taken from `track`."""
    return replace(paced, flap=track.flap, flicker=track.flicker)


def _asked(track: TargetMemory, answer_tokens: int | None) -> TargetMemory:
    """Return the track for answers to requests for `answer_tokens` tokens: how long others took says nothing."""
    if track.answer_tokens == answer_tokens:
        return track
    return replace(track, total=None, token=None, length=0.0, answer_tokens=answer_tokens)


def _length(before: float, tokens: int) -> float:
    """Return the mean length after one more stream; a stream counts as twice LONG at most."""
    capped = min(tokens, 2 * LONG)
    return before + LENGTH_STEP * (capped - before) if before else float(capped)


def _flicker(before: IntermittentRefusals, observation: Observation, after: Health) -> IntermittentRefusals:
    """A lasting refusal is reported as an outage, and a repeated one as flapping: neither is a flicker."""
    if after.state is State.DOWN and observation.fault in intermittent.KINDS:
        return intermittent.NONE
    return intermittent.advance(before, observation)


def extra_probe_s(track: TargetMemory, pace: Sensitivity) -> float | None:
    """Return in how many seconds another probe would tell a rise, or a fall, from chance; None: no hurry."""
    total, first, token = track.total, track.first, track.judged(Measure.TOKEN)
    if any(series and latency.needs_extra_probe(series, pace) for series in (total, first, token)):
        return latency.EXTRA_S
    return CEILING_S if limits.needs_confirmation(track.limits) else None


def findings(target: Target, track: TargetMemory) -> Iterator[Finding]:
    """Yield the findings on one target; if several measures are slow, one is reported for all."""
    for kind in SPEAKING:
        if series := track.judged(kind):
            slow = list(latency.findings(target, kind, series))
            yield from slow
            if slow:
                break
    yield from limits.findings(target, track.limits)
    yield from intermittent.findings(target, track.flicker)


def accepted_findings(target: Target, track: TargetMemory) -> Iterator[Finding]:
    """Yield what was reported of one target and has ended without being as before."""
    for kind in SPEAKING:
        if series := track.judged(kind):
            yield from latency.accepted_findings(target, kind, series)
    yield from limits.accepted_findings(target, track.limits)
