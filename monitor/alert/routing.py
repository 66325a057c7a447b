"""Who is told what: changes and what was told before → messages; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from monitor.incident import Change, ChangeKind
from monitor.store.value import Message

Told = Mapping[str, frozenset[str]]
"""The names of the channels that were told of each open incident, by its id."""


def route(changes: Iterable[Change], channels: Sequence[str], told: Told) -> list[Message]:
    """Return one message for each change and channel that is to hear of it."""
    return [Message(change.id, channel) for change in changes for channel in _hearers(change, channels, told)]


def _hearers(change: Change, channels: Sequence[str], told: Told) -> Iterator[str]:
    """An end is told to whoever heard of the beginning, and only to those."""
    heard = told.get(change.incident.id, frozenset())
    match change.kind:
        case ChangeKind.OPENED:
            yield from channels
        case ChangeKind.CHANGED:
            yield from (name for name in channels if name in heard)
        case ChangeKind.RESOLVED:  # the end of a part is told by the end of the whole
            whole = told.get(change.incident.parent or "", frozenset())
            yield from (name for name in channels if name in heard - whole)
        case ChangeKind.MERGED | ChangeKind.WITHDRAWN | ChangeKind.ANNOUNCED:
            return


def remember(told: Told, changes: Iterable[Change], messages: Iterable[Message]) -> Told:
    """Return who has been told once these messages are on their way; ended incidents are forgotten."""
    incidents = {change.id: change.incident for change in changes}
    after = dict(told)
    for message in messages:
        id = incidents[message.change_id].id
        after[id] = after.get(id, frozenset()) | {message.channel}
    for incident in incidents.values():
        if incident.closed_at:
            after.pop(incident.id, None)
    return after
