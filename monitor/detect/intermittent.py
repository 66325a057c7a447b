"""Refusals among good answers: an account under review, or about to be closed, flickers first; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.reason import RefusedBetween, UnderReview
from probes.model import Fault, Observation, Outcome, Target

RULE = "flicker/refusals"
REFUSED = frozenset({401, 403})
KINDS = frozenset(
    {
        Fault.ACCOUNT_SUSPENDED,
        Fault.INVALID_KEY,
        Fault.PERMISSION_DENIED,
        Fault.VERIFICATION_REQUIRED,
        Fault.UNCLASSIFIED,
    }
)
USUAL, RISEN = 0.002, 0.05
GAIN, LOSS = log(RISEN / USUAL), log((1 - USUAL) / (1 - RISEN))
"""Nats by which a refusal raises the CUSUM, and a good answer lowers it: 1 refusal in 500 answers against 1 in 20."""
THRESHOLD = 7.0
"""Nats for a finding: three refusals within some fifty answers reach it, two never do."""
APART = timedelta(seconds=60)
"""Shortest time between two refusals that count as two; a closer one is the first, re-checked."""


class IntermittentRefusals(Struct, frozen=True):
    """How often one target was refused of late, between good answers.

    `score` is in nats, above zero since `since`; `count` refusals led to it, the latest at `at`. `in_a_row`: the latest
    answers were refusals, so it is no flicker but a refusal.
    """

    score: float = 0.0
    since: datetime | None = None
    at: datetime | None = None
    count: int = 0
    in_a_row: int = 0
    told_since: datetime | None = None
    fault: Fault | None = None
    words: str = ""


NONE = IntermittentRefusals()


def advance(flicker: IntermittentRefusals, observation: Observation) -> IntermittentRefusals:
    """Return what is known after one more answer; other failures say nothing of it."""
    if observation.outcome is Outcome.OK:
        return flicker if flicker.score == 0.0 else _answered(flicker)
    if observation.fault not in KINDS or observation.status not in REFUSED:
        return flicker
    return _refused(flicker, observation)


def _answered(flicker: IntermittentRefusals) -> IntermittentRefusals:
    score = flicker.score - LOSS
    return replace(flicker, score=score, in_a_row=0) if score > 0.0 else NONE


def _refused(flicker: IntermittentRefusals, observation: Observation) -> IntermittentRefusals:
    at, words = observation.at, observation.answer.words if observation.answer else ""
    if flicker.at and (flicker.in_a_row or at - flicker.at < APART):
        return replace(flicker, at=at, in_a_row=flicker.in_a_row + 1, fault=observation.fault, words=words)
    score = min(flicker.score + GAIN, THRESHOLD + GAIN)
    since, count = flicker.since or at, flicker.count + 1
    told_since = flicker.told_since or (since if score >= THRESHOLD else None)
    return IntermittentRefusals(score, since, at, count, 1, told_since, observation.fault, words)


def findings(target: Target, flicker: IntermittentRefusals) -> Iterator[Finding]:
    """Yield the finding while the target answers in between; one that is refused for good needs none."""
    if flicker.told_since and flicker.fault and flicker.at and flicker.in_a_row <= 1:
        reasons = (RefusedBetween(flicker.count, flicker.told_since), UnderReview())
        yield Finding(
            target.account,
            flicker.fault,
            flicker.told_since,
            flicker.at,
            target.id,
            RULE,
            flicker.words,
            reasons,
            target.model,
        )
