"""The path of the stand-in for a database that cannot be written: never on the same disk."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path
from typing import TypeAlias

FileId: TypeAlias = tuple[int, int]
PathId: TypeAlias = tuple[FileId | None, FileId | None]

SHARED = Path("/run/provider-monitor")
"""Folder that systemd makes for our units, so that a command finds the service's stand-in."""


def real_path(database: Path) -> Path:
    """Return where a database is, with links resolved: SQLite keeps its WAL there, and we whatever belongs to it."""
    return Path(os.path.realpath(database))


def beside(database: Path, suffix: str) -> Path:
    """Return a file beside a database, the same for each path that leads to it."""
    real = real_path(database)
    return real.with_name(f"{real.name}{suffix}")


def file_id(file: Path) -> FileId | None:
    """Return what identifies a file whatever its name; None if it does not exist."""
    try:
        seen = os.stat(file)
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def path_id(file: Path) -> PathId:
    """Return what identifies a path's own entry, a link or a file, and the file it leads to.

    It is asked before each write, so what is no link is looked at once.
    """
    try:
        seen = os.lstat(file)
    except OSError:
        return None, None
    own = seen.st_dev, seen.st_ino
    return own, file_id(file) if stat.S_ISLNK(seen.st_mode) else own


def standby_file(database: Path, environment: Mapping[str, str] = os.environ, user: int | None = None) -> Path | None:
    """Return the path of a database's stand-in, whether it exists or not; None if no folder can be written.

    `user`: who uses the database, if root acts for them; by default this process's user.
    """
    name = blake2s(os.fsencode(real_path(database)), digest_size=8).hexdigest()
    folder = next(_folders(environment, database, os.geteuid() if user is None else user), None)
    return folder and folder / f"{name}.db"


def _folders(environment: Mapping[str, str], database: Path, user: int) -> Iterator[Path]:
    """Yield the candidate folders; if the service manager names one, only that."""
    if named := environment.get("RUNTIME_DIRECTORY"):
        yield from _made(Path(named.split(":")[0]), database)
    elif SHARED.exists():
        yield from _made(SHARED, database)
    else:
        yield from _private(Path("/dev/shm"), user)
        import tempfile  # slow to import, and mostly not needed

        yield from _private(Path(tempfile.gettempdir()), user)


def _made(folder: Path, database: Path) -> Iterator[Path]:
    """Yield the folder if it was made for us; for root also if it is the database owner's."""
    with suppress(OSError):
        seen = folder.stat()
        is_of_owner = os.geteuid() == 0 and database.exists() and _is_of(database.stat().st_uid, seen)
        if (is_of_owner or _is_ours(seen)) and os.access(folder, os.W_OK):
            yield folder


def _private(parent: Path, user: int) -> Iterator[Path]:
    """Yield the user's own folder in a shared place; anybody may have planted a link there."""
    folder = parent / f"provider-monitor-{user}"
    with suppress(OSError):
        if user == os.geteuid():
            folder.mkdir(mode=0o700, exist_ok=True)
        if _is_of(user, folder.lstat()) and os.access(folder, os.W_OK):
            yield folder


def _is_ours(seen: os.stat_result) -> bool:
    """Whether nobody else can write to a folder: we trust what we find there."""
    return _is_of(os.geteuid(), seen)


def _is_of(user: int, seen: os.stat_result) -> bool:
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == user and not seen.st_mode & 0o022
