"""What people answer: acknowledge, snooze, silence. Left as files for the process that holds the database."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from hashlib import blake2s
from pathlib import Path

import msgspec
from msgspec import Struct

from monitor.alert.rule import Match
from monitor.store.refusal import StoreError, refusal_of
from monitor.store.runtime import stand_in


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

    Raises StoreError where it can be left nowhere.
    """
    refused: OSError | None = None
    for folder in _folders(database):
        try:
            _leave(folder, reply)
        except OSError as error:
            refused = refused or error
        else:
            return
    assert refused
    why = f"{database}.replies: {refused.strerror}; the answer cannot be left for the monitor"
    raise StoreError(f"{why}: make room on that disk, or make the folder writable for this user", refusal_of(refused))


def _leave(folder: Path, reply: Reply) -> None:
    folder.mkdir(mode=0o700, exist_ok=True, parents=True)
    draft = folder / f".{os.getpid()}.{reply.id}"
    try:
        draft.write_bytes(msgspec.json.encode(reply))
        draft.rename(folder / f"{reply.id}.json")
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def waiting(database: Path) -> list[tuple[Path, Reply]]:
    """Return the replies that were left, with their files; what is no reply is thrown away."""
    found = []
    for file in (file for folder in _folders(database) for file in sorted(folder.glob("*.json"))):
        try:
            found.append((file, msgspec.json.decode(file.read_bytes(), type=Reply)))
        except (msgspec.DecodeError, OSError):
            with suppress(OSError):
                file.unlink()
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
