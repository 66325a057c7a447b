"""What people reply: acknowledge, snooze, silence; pure."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2s

from msgspec import Struct

from monitor.alert.rule import Match


class ReplyKind(StrEnum):
    """ACKNOWLEDGE: somebody is working on it, until its end. SNOOZE: the same for a while. LIFT ends a silence."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    SILENCE = "silence"
    LIFT = "lift"


class Reply(Struct, frozen=True):
    """One reply. `subject` is an incident's id, for LIFT a silence's; a silence has a `match` instead.

    `until` is None if it has no end of its own. `token` is the digest of the signed link that it came by.
    """

    kind: ReplyKind
    at: datetime
    by: str = ""
    subject: str = ""
    match: Match | None = None
    until: datetime | None = None
    reason: str = ""
    token: str = ""

    @property
    def id(self) -> str:
        """An id that is the same for the same link, so that a second use does not count."""
        name = self.token or f"{self.kind}:{self.subject}:{self.match}:{self.at.isoformat()}"
        return blake2s(name.encode(), digest_size=4).hexdigest()

    def is_running(self, now: datetime) -> bool:
        return self.until is None or now < self.until


def standing(replies: Iterable[Reply], now: datetime) -> list[Reply]:
    """Return the replies that still count: not expired, and no silence that was lifted."""
    replies = list(replies)
    lifted = {reply.subject for reply in replies if reply.kind is ReplyKind.LIFT}
    return [one for one in replies if one.kind is not ReplyKind.LIFT and one.is_running(now) and one.id not in lifted]


def is_meant(reply: Reply) -> bool:
    """Whether a reply from outside is complete enough to count."""
    return is_dated(reply.at) and (reply.kind is not ReplyKind.SILENCE or reply.match is not None)


def is_dated(at: datetime | None) -> bool:
    """Whether a date is usable; the border turns an unusable one into None."""
    return at is not None
