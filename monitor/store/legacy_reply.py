"""Replies left as files by versions before the control socket: an upgrade loses none of them."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Struct

from monitor.alert.reply import Reply, is_complete
from monitor.control.message import UNREADABLE
from monitor.store.standby_path import standby_file
from probes.sanitize import sanitize_line

log = logging.getLogger("monitor")

UNREAD = ".unread"
LONGEST = 64 * 1024
"""Most bytes of such a reply."""


class LegacyReply(Struct, frozen=True):
    """A reply, and the file that it was left in."""

    reply: Reply
    file: Path


def legacy_replies(database: Path) -> list[LegacyReply]:
    """Return the replies left as files; delete files that are not replies."""
    found = []
    for file, content in chain.from_iterable(map(_left, _folders(database))):
        reply = _read(content)
        if reply and is_complete(reply):
            found.append(LegacyReply(reply, file))
        else:
            _remove(file)
    return sorted(found, key=lambda one: one.reply.at)


def _read(content: bytes) -> Reply | None:
    try:
        return sanitize_line(msgspec.json.decode(content, type=Reply))
    except UNREADABLE:
        return None


def delete_legacy_replies(database: Path, replies: Iterable[LegacyReply]) -> None:
    """Delete the files of these replies, and old drill requests: nobody waits for those any more."""
    wishes = database.with_name(f"{database.name}.wishes")
    for file in (*(one.file for one in replies), *wishes.glob("*.json")):
        _remove(file)
    for folder in (*_folders(database), wishes):
        with suppress(OSError):  # missing, or still holding unreadable files
            folder.rmdir()


def _left(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield each file with its content; set an unreadable one aside, logged once."""
    for file in sorted(folder.glob("*.json")):
        try:
            with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
                yield file, source.read(LONGEST)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.error("the request in %s cannot be read (%s): repeat the command as our user", file, error.strerror)
            with suppress(OSError):
                file.rename(file.with_suffix(UNREAD))


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _folders(database: Path) -> list[Path]:
    """Return where replies may be: beside the database, and beside its stand-in for when it could not be written."""
    return [one.with_name(f"{one.name}.replies") for one in (database, standby_file(database)) if one]
