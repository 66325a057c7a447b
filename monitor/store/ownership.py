"""Whose a database is, who may speak for him, and that all beside it stays his."""

import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from monitor.control.socket_file import Owner
from monitor.storage_refusal import StoreError
from monitor.store.connection import BESIDE


class Unheard(StoreError):
    """It was not done; the text says why, and what to do instead."""


def owner_of(database: Path) -> Owner:
    """Return whose a database is, or will be as the folder is that there is. Raises Unheard."""
    try:
        seen = next(one for one in (database, *database.absolute().parents) if one.exists()).stat()
    except OSError as error:
        raise Unheard(f"{database}: {error.strerror}; say it as root, or as the monitor's own user") from None
    return Owner(seen.st_uid, seen.st_gid)


def speaker_of(database: Path) -> int:
    """Return as which user to speak: the owner, who alone is heard, and for whom root may. Raises Unheard."""
    owner, us = owner_of(database).uid, os.geteuid()
    if us not in (0, owner):
        raise Unheard(f"{database.name} belongs to {_name(owner)}, and this is {_name(us)}: {repair_for(owner)}")
    return owner


def repair_for(user: int) -> str:
    """Return who is to say it instead; whose user has no name here, as in a container, is asked through root."""
    name = _name(user)
    return "say it as root" if name.isdecimal() else f"say it as that user, with sudo -u {name}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def give(bases: Iterable[Path], owner: Owner) -> None:
    """Give what root has made to the owner, who could not use it otherwise; as the folder is his, follow no link."""
    if os.geteuid() == owner.uid:
        return
    for file in (Path(f"{base}{side}") for base in bases for side in BESIDE):
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
        raise Unheard(f"{file} cannot be given to {_name(owner.uid)} ({error.strerror}); chown it") from None
    finally:
        os.close(opened)
