"""What people answer: acknowledge, snooze, silence. Left as files for the process that holds the database."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from hashlib import blake2s
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from monitor import mailbox
from monitor.alert.rule import Match
from monitor.store.refusal import StoreError, refusal_of
from monitor.store.runtime import stand_in
from probes.border import admit


class ReplyKind(StrEnum):
    """ACKNOWLEDGE: somebody is at it, until its end. SNOOZE: the same for a while. LIFT ends a silence."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    SILENCE = "silence"
    LIFT = "lift"


class Reply(Struct, frozen=True):
    """One answer. `subject` is an incident's id, for LIFT a silence's; a silence has a `match` instead.

    `until` is None where it has no end of its own. `token` is the digest of the signed link it came by.
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
        """A name that the same link gives twice, so that it counts once."""
        name = self.token or f"{self.kind}:{self.subject}:{self.match}:{self.at.isoformat()}"
        return blake2s(name.encode(), digest_size=4).hexdigest()

    def is_running(self, now: datetime) -> bool:
        return self.until is None or now < self.until


def leave(database: Path, reply: Reply) -> None:
    """Leave a reply for the process that holds the database; it looks every second.

    Raises StoreError where it can be left nowhere, Unheard where it would reach nobody.
    """
    refused: OSError | None = None
    for folder in _folders(database):
        try:
            return mailbox.leave(database, folder, f"{reply.id}.json", msgspec.json.encode(admit(reply)))
        except OSError as error:
            refused = refused or error
    assert refused
    why = f"{database}.replies: {refused.strerror}; the answer cannot be left for the monitor"
    raise StoreError(f"{why}: make room on that disk, or make the folder writable for this user", refusal_of(refused))


def waiting(database: Path) -> list[tuple[Path, Reply]]:
    """Return the replies that were left, with their files; what is no reply is thrown away."""
    found = []
    for file, content in chain.from_iterable(map(mailbox.waiting, _folders(database))):
        try:
            found.append((file, admit(msgspec.json.decode(content, type=Reply))))
        except (msgspec.DecodeError, UnicodeDecodeError):
            mailbox.remove(file)
    return sorted(found, key=lambda one: one[1].at)


def standing(replies: Iterable[Reply], now: datetime) -> list[Reply]:
    """Return the replies that still count: not run out, and no silence that was lifted."""
    replies = list(replies)
    lifted = {reply.subject for reply in replies if reply.kind is ReplyKind.LIFT}
    return [one for one in replies if one.kind is not ReplyKind.LIFT and one.is_running(now) and one.id not in lifted]


def _folders(database: Path) -> list[Path]:
    """Return where replies are left: beside the database, and where that cannot be written, with its stand-in."""
    aside = stand_in(database)
    return [one.with_name(one.name + ".replies") for one in (database, aside) if one]
