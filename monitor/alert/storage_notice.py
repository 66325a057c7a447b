"""What every channel gets about the database itself: writing fails, writing works again, what became of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from monitor.alert.case import Message, Step
from monitor.alert.channel import Channel
from monitor.diagnose.incident import Severity
from monitor.storage_refusal import RefusalKind, StorageRefusal

STEADY = timedelta(seconds=20)
"""How long writing must have worked before anybody is notified that it does."""
RECENT = timedelta(hours=1)
"""Time after such a notice in which the channel gets only failures that last."""
LASTING = timedelta(minutes=5)


class StorageEventKind(StrEnum):
    """REFUSED: it cannot be written. BACK: it can again. EVENT: it was broken, deleted or replaced."""

    REFUSED = "refused"
    BACK = "back"
    EVENT = "event"


class LastNotice(Struct, frozen=True):
    """What a channel was last notified of whether the database can be written, and when."""

    news: StorageEventKind
    at: datetime


def due_notices(
    channels: Iterable[Channel],
    refusal: StorageRefusal | None,
    refused_at: datetime | None,
    heard: Mapping[str, LastNotice],
    now: datetime,
    locked_for: timedelta,
) -> Iterator[Message]:
    """Yield what each channel gets about whether it can be written; `refused_at` is the latest refusal.

    `locked_for` is how long another program may lock it first.
    """
    for channel in channels:
        before = heard.get(channel.name)
        knows = before is not None and before.news is StorageEventKind.REFUSED
        if refusal and not knows and _is_worth_telling(refusal, before, now, locked_for):
            yield storage_message(channel, StorageEventKind.REFUSED, refusal.words, now)
        elif knows and refusal is None and not _is_within(STEADY, refused_at, now):
            yield storage_message(channel, StorageEventKind.BACK, "", now)


def storage_message(channel: Channel, kind: StorageEventKind, words: str, now: datetime) -> Message:
    return Message(None, channel.name, Step.STORE, int(now.timestamp() * 1000), note=f"{kind}: {words}")


def _is_worth_telling(refusal: StorageRefusal, before: LastNotice | None, now: datetime, locked_for: timedelta) -> bool:
    lasted = now - (refusal.since or now)
    if before and _is_within(RECENT, before.at, now):
        return lasted >= LASTING
    return refusal.kind is not RefusalKind.LOCKED or lasted >= locked_for


def _is_within(span: timedelta, at: datetime | None, now: datetime) -> bool:
    """Whether `at` is that recent; a future time was dated before the clock was set back."""
    return at is not None and timedelta(0) <= now - at < span


def read_notice(note: str) -> tuple[StorageEventKind, str]:
    """Return what a message reports, with its words."""
    kind, _, words = note.partition(": ")
    return StorageEventKind(kind), words


def severity_of_notice(note: str) -> Severity | None:
    """Return the severity of a notice; None if it reports an end."""
    return SEVERITIES[read_notice(note)[0]]


SEVERITIES = {
    StorageEventKind.REFUSED: Severity.WARNING,
    StorageEventKind.BACK: None,
    StorageEventKind.EVENT: Severity.CRITICAL,
}
