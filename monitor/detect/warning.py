"""Warnings in the headers of good answers: when one began, and when it ended; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from monitor.detect.finding import Finding
from monitor.detect.reason import ProviderWarns
from probes.model import Fault, HeaderWarning

TO_END = 3
"""Answers in a row without a warning that end it: a gateway may send a header from some of its servers only."""


class SeenWarning(Struct, frozen=True):
    """One warning of one target: since when, when last seen, and how many answers lacked it since."""

    fault: Fault
    since: datetime
    seen_at: datetime
    target: str
    rule: str
    words: str
    model: str | None = None
    missed: int = 0

    @property
    def id(self) -> str:
        return f"{self.target} {self.rule}"


def advance(
    warned: Mapping[str, SeenWarning], signs: Sequence[HeaderWarning], target: str, model: str | None, at: datetime
) -> Mapping[str, SeenWarning]:
    """Return the warnings of an account after one more answer of one of its targets."""
    after = {id: one for id, one in warned.items() if one.target != target or one.missed + 1 < TO_END}
    for id, one in after.items():
        if one.target == target:
            after[id] = replace(one, missed=one.missed + 1)
    for sign in signs:
        now = SeenWarning(sign.fault, at, at, target, sign.rule, sign.words, model)
        after[now.id] = replace(now, since=warned[now.id].since) if now.id in warned else now
    return after


def findings(account: str, warned: Mapping[str, SeenWarning]) -> Iterator[Finding]:
    """Yield one finding for each fault and model, whichever targets and rules show it."""
    seen: set[tuple[Fault, str | None]] = set()
    for one in sorted(warned.values(), key=lambda one: one.since):
        if (one.fault, one.model) not in seen:
            seen.add((one.fault, one.model))
            reasons = (ProviderWarns(one.words),)
            yield Finding(
                account, one.fault, one.since, one.seen_at, one.target, one.rule, one.words, reasons, one.model
            )
