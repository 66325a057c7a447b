"""Where the database's stand-in is kept while the database itself cannot be written: never on the same disk."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path

SHARED = Path("/run/provider-monitor")
"""The folder that systemd makes for our units, so that a command finds what the service left there."""


def stand_in(database: Path, environment: Mapping[str, str] = os.environ, user: int | None = None) -> Path | None:
    """Return where the stand-in of a database is, whether there is one or not; None where nothing can be written.

    `user` is who works with the database, where that is not this process's user but one for whom root speaks.
    """
    name = blake2s(os.fsencode(database.absolute()), digest_size=8).hexdigest()
    folder = next(_folders(environment, database, os.geteuid() if user is None else user), None)
    return folder and folder / f"{name}.db"


def _folders(environment: Mapping[str, str], database: Path, user: int) -> Iterator[Path]:
    """Yield the folders that will do; the one that the service manager names is the only one."""
    if named := environment.get("RUNTIME_DIRECTORY"):
        yield from _made(Path(named.split(":")[0]), database)
    elif SHARED.exists():
        yield from _made(SHARED, database)
    else:
        yield from _private(Path("/dev/shm"), user)
        import tempfile  # a round that has found its folder need not pay for it

        yield from _private(Path(tempfile.gettempdir()), user)


def _made(folder: Path, database: Path) -> Iterator[Path]:
    """Yield a folder that was made for us, where it is; for root also one of the database's owner, whom root asks."""
    with suppress(OSError):
        seen = folder.stat()
        is_of_owner = os.geteuid() == 0 and database.exists() and _is_of(database.stat().st_uid, seen)
        if (is_of_owner or _is_ours(seen)) and os.access(folder, os.W_OK):
            yield folder


def _private(parent: Path, user: int) -> Iterator[Path]:
    """Yield a folder of the user's own where everybody may have one; anybody may have laid a link there."""
    folder = parent / f"provider-monitor-{user}"
    with suppress(OSError):
        if user == os.geteuid():
            folder.mkdir(mode=0o700, exist_ok=True)
        if _is_of(user, folder.lstat()) and os.access(folder, os.W_OK):
            yield folder


def _is_ours(seen: os.stat_result) -> bool:
    """Whether nobody else writes to a folder: what lies there is believed."""
    return _is_of(os.geteuid(), seen)


def _is_of(user: int, seen: os.stat_result) -> bool:
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid == user and not seen.st_mode & 0o022
