"""Refusals among good answers: an account that is being checked, or closed, flickers first; pure."""

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
"""A CUSUM of one refusal in 500 answers against one in 20, in nats."""
THRESHOLD = 7.0
"""Three within some fifty answers; two never."""
APART = timedelta(seconds=60)
"""What is refused within so long of another is the same refusal, checked again."""


class Flicker(Struct, frozen=True):
    """How often one target was refused of late, between good answers.

    `score` is in nats, above zero since `since`; `count` refusals at the latest at `at` led to it.
    `in_a_row`: the latest answers were refusals, so it is no flicker but a refusal.
    """

    score: float = 0.0
    since: datetime | None = None
    at: datetime | None = None
    count: int = 0
    in_a_row: int = 0
    told_since: datetime | None = None
    fault: Fault | None = None
    words: str = ""


NONE = Flicker()


def advance(flicker: Flicker, observation: Observation) -> Flicker:
    """Return what is known after one more answer; other failures say nothing of it."""
    if observation.outcome is Outcome.OK:
        return flicker if flicker.score == 0.0 else _answered(flicker)
    if observation.fault not in KINDS or observation.status not in REFUSED:
        return flicker
    return _refused(flicker, observation)


def _answered(flicker: Flicker) -> Flicker:
    score = flicker.score - LOSS
    return replace(flicker, score=score, in_a_row=0) if score > 0.0 else NONE


def _refused(flicker: Flicker, observation: Observation) -> Flicker:
    at, words = observation.at, observation.answer.words if observation.answer else ""
    if flicker.at and (flicker.in_a_row or at - flicker.at < APART):
        return replace(flicker, at=at, in_a_row=flicker.in_a_row + 1, fault=observation.fault, words=words)
    score = min(flicker.score + GAIN, THRESHOLD + GAIN)
    since, count = flicker.since or at, flicker.count + 1
    told_since = flicker.told_since or (since if score >= THRESHOLD else None)
    return Flicker(score, since, at, count, 1, told_since, observation.fault, words)


def findings(target: Target, flicker: Flicker) -> Iterator[Finding]:
    """Yield the sign, while the target answers in between; once it is refused for good there is no need of one."""
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
