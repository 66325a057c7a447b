"""The owner of a database, who may act for them, and keeping the files beside it theirs."""

import errno
import os
import pwd
import shlex
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from monitor.control.socket_file import Owner
from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.standby_path import real_path, standby_file

SIDE_FILES = ("", "-wal", "-shm", "-journal", ".lock", ".key", ".aside.jsonl", ".overlaps", ".sock", ".replies")
"""Suffixes of the files a monitor keeps beside its database, and beside its stand-in."""


def check_owned(database: Path) -> None:
    """Check that this user may use the files that exist. Raises StoreError: root may have left one behind.

    Found later it costs more: a lock file the lock, a WAL the database, a key the signed links.
    """
    bases = filter(None, (*{database, real_path(database)}, standby_file(database)))
    closed = list(dict.fromkeys(name for base in bases for name in _closed(base)))
    if closed:
        why, repair = os.strerror(errno.EACCES), _of_another(Path(closed[0])) or _giving(closed)
        raise StoreError(f"{', '.join(closed)}: {why}; {repair}", StorageRefusal(RefusalKind.DENIED, why))


def _closed(base: Path) -> list[str]:
    """Return which files of a database are closed to this user; in a closed folder nobody knows, so only that."""
    if folder := closed_folder(base):
        return [str(folder)]
    return [file for side in SIDE_FILES if _is_closed(file := f"{base}{side}")]


def _is_closed(path: str) -> bool:
    """Whether a file or folder exists that this user may not use; never on a read-only disk."""
    how = os.O_DIRECTORY if os.path.isdir(path) else os.O_RDWR | os.O_NONBLOCK
    try:
        os.close(os.open(path, how | os.O_CLOEXEC))
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _giving(closed: Iterable[str]) -> str:
    names = shlex.join(closed)
    return f"give this user what is there: chown -R {os.geteuid()} {names} && chmod -R u+rwX {names}"


def closed_folder(file: Path) -> Path | None:
    """Return the folder above a file that this user may not enter; None if there is none."""
    above = reversed(file.absolute().parents)
    return next((one for one in above if one.is_dir() and not os.access(one, os.X_OK, effective_ids=True)), None)


def way_in(file: Path) -> str | None:
    """Return how this user gets at a file that another user has closed; None if none has."""
    folder = closed_folder(file)
    return _of_another(folder or file) or (_giving([str(folder)]) if folder else None)


def _of_another(place: Path) -> str | None:
    """Return who is to do it instead, where a file or folder belongs to another user; None if it was left in ours."""
    us = os.geteuid()
    try:
        owner, above = place.stat().st_uid, place.absolute().parent.stat().st_uid
    except OSError:
        return None
    if us in (0, owner, above):
        return None
    return f"it belongs to {_name(owner)}, and this is {_name(us)}: {repair_for(owner)}"


class NotCarriedOut(StoreError):
    """The request was not carried out; the text says why, and what to do instead."""


def owner_of(database: Path) -> Owner:
    """Return the owner of a database; of one not made yet, the owner of its folder. Raises NotCarriedOut."""
    try:
        seen = next(one for one in (database, *database.absolute().parents) if one.exists()).stat()
    except OSError as error:
        raise NotCarriedOut(f"{database}: {error.strerror}; say it as root, or as the monitor's own user") from None
    return Owner(seen.st_uid, seen.st_gid)


def acting_user(database: Path) -> int:
    """Return the user to act as: the owner; only the owner, or root in their place, may. Raises NotCarriedOut."""
    owner, us = owner_of(database).uid, os.geteuid()
    if us not in (0, owner):
        raise NotCarriedOut(f"{database.name} belongs to {_name(owner)}, and this is {_name(us)}: {repair_for(owner)}")
    return owner


def repair_for(user: int) -> str:
    """Return which user must run the command instead; root if the owner has no name here, as in a container."""
    name = _name(user)
    return "say it as root" if name.isdecimal() else f"say it as that user, with sudo -u {name}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def give_to_owner(bases: Iterable[Path], owner: Owner) -> None:
    """Make the owner the owner of what root has made, without following links, as the folder is theirs."""
    if os.geteuid() == owner.uid:
        return
    for file in (Path(f"{base}{side}") for base in bases for side in SIDE_FILES):
        with suppress(FileNotFoundError):
            _give_one(file, owner)


def _give_one(file: Path, owner: Owner) -> None:
    seen = file.lstat()
    if seen.st_uid != os.geteuid() or not stat.S_ISREG(seen.st_mode):
        return
    opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(opened, owner.uid, owner.gid)
    except OSError as error:
        raise NotCarriedOut(f"{file} cannot be given to {_name(owner.uid)} ({error.strerror}); chown it") from None
    finally:
        os.close(opened)
