"""Answers of people that were left as files for the process that holds the database."""

from itertools import chain
from pathlib import Path

import msgspec

from monitor.alert.reply import Reply
from monitor.storage_refusal import StoreError
from monitor.store import mailbox
from monitor.store.sqlite_error import refusal_of
from monitor.store.standby_path import stand_in
from probes.border import admit


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


def _folders(database: Path) -> list[Path]:
    """Return where replies are left: beside the database, and where that cannot be written, with its stand-in."""
    aside = stand_in(database)
    return [one.with_name(one.name + ".replies") for one in (database, aside) if one]
