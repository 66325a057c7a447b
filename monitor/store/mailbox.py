"""A folder beside the database in which one process leaves word for the one that holds the database."""

import logging
import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("monitor")

UNREAD = ".unread"
LONGEST = 64 * 1024
"""No word that is left is longer."""


class Unheard(Exception):
    """What is left here would reach nobody; the text says why, and what to do instead."""


def leave(database: Path, folder: Path, name: str, content: bytes) -> None:
    """Leave a file for the owner of the database, whole or not at all. Raises Unheard, OSError.

    Left by root, it is given to that owner, who could not read it otherwise. He owns the folder, too, so nothing in it
    is followed or written over.
    """
    owner = _owner(database)
    if os.geteuid() not in (0, owner[0]):
        raise Unheard(
            f"{database.name} belongs to {_name(owner[0])}, and this is {_name(os.geteuid())}: {_repair(owner[0])}"
        )
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        _give(folder, os.O_DIRECTORY, owner, folder)
    draft = folder / f".{os.getpid()}.{name}"
    with suppress(FileNotFoundError):
        draft.unlink()
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
    _give(draft, 0, owner, folder)
    draft.rename(folder / name)


def waiting(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield each file that was left, with its content; what cannot be read is set aside, and said in the log once."""
    for file in sorted(folder.glob("*.json")):
        try:
            with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
                yield file, source.read(LONGEST)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.error("%s was left for us and cannot be read (%s): leave it anew, as our user", file, error.strerror)
            with suppress(OSError):
                file.rename(file.with_suffix(UNREAD))


def remove(file: Path) -> None:
    """Take away what was read; where that is not allowed it stays, and whoever reads it knows it already."""
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _owner(database: Path) -> tuple[int, int]:
    seen = (database if database.exists() else database.parent).stat()
    return seen.st_uid, seen.st_gid


def _give(path: Path, flags: int, owner: tuple[int, int], folder: Path) -> None:
    if os.geteuid() == owner[0]:
        return
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | flags)
    try:
        os.fchown(file, *owner)
    except OSError as error:
        raise Unheard(
            f"{folder} cannot be given to {_name(owner[0])} ({error.strerror}): say it as that user"
        ) from None
    finally:
        os.close(file)


def _repair(user: int) -> str:
    """Return who is to say it instead; whose user has no name here, as in a container, is asked through root."""
    name = _name(user)
    return "say it as root" if name.isdecimal() else f"say it as that user, with sudo -u {name}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
