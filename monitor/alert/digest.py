"""When a digest is due: each day, or each week, at one time of a wall clock; pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo

from msgspec import Struct

from monitor.alert.case import Message, Step
from monitor.alert.channel import Channel

DAYS = {"daily": 1, "weekly": 7}


class Timing(Struct, frozen=True):
    """When digests are sent; `weekday` counts from Monday, 0."""

    at: time = time(8)
    weekday: int = 0
    zone: tzinfo = UTC


def latest_due(kind: str, timing: Timing, now: datetime) -> datetime:
    """Return the latest instant, not after `now`, at which a digest of this kind was due."""
    today = now.astimezone(timing.zone).date()
    # One day more than a week: today's may still be to come.
    for back in range(9):
        day = today - timedelta(days=back)
        due = datetime.combine(day, timing.at, timing.zone).astimezone(UTC)
        if due <= now and (kind == "daily" or day.weekday() == timing.weekday):
            return due
    raise AssertionError("every weekday comes within nine days")


def due_since(kind: str, timing: Timing, since: datetime, now: datetime) -> datetime | None:
    """Return the instant that a digest is due for, if that is after `since`: the last one, or our start."""
    due = latest_due(kind, timing, now)
    return due if due > since else None


def due_digests(
    channels: Iterable[Channel], timing: Timing, sent: Mapping[str, datetime], start: datetime, now: datetime
) -> list[Message]:
    """Return the digests that are due, to nobody in quiet hours.

    `sent` is when each channel got its last one; none is owed for the time before `start`.
    """
    due = []
    for channel in channels:
        is_quiet = channel.quiet is not None and channel.quiet.is_on(now)
        since = sent.get(channel.name, start)
        if channel.digest and not is_quiet and (at := due_since(channel.digest, timing, since, now)):
            due.append(Message(None, channel.name, Step.DIGEST, note=at.isoformat()))
    return due


def begins(kind: str, due: datetime) -> datetime:
    """Return the beginning of the time that a digest covers."""
    return due - timedelta(days=DAYS[kind])
