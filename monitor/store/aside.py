"""The database's files moved out of the way, back into their place, or removed: always with its side files."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

KEPT = 2
"""Number of set-aside files that are kept."""
SIDES = ("-wal", "-shm", "-journal")
"""Files that SQLite reads as part of the database beside them. Source: https://sqlite.org/tempfiles.html"""


def set_aside(database: Path, at: datetime, why: str = "corrupt") -> Path:
    """Move a database away under a dated name, delete older ones beyond KEPT, and return where it is now.

    Without a database its side files go alone: the next one there would be read with them.
    """
    aside = aside_name(database, why, f"{at:%Y%m%dT%H%M%S}")
    move(database, aside)
    forget_older(database, why)
    return aside


def aside_name(database: Path, why: str, stamp: str) -> Path:
    return database.with_name(f"{database.name}.{why}-{stamp}")


def move(database: Path, to: Path) -> None:
    """Move a database with its side files, as far as they exist. Raises OSError, and may then have moved a part."""
    for side in (*SIDES, ""):  # the database last: a WAL without it is useless
        with suppress(FileNotFoundError):
            os.rename(f"{database}{side}", f"{to}{side}")


def put_back(aside: Path, database: Path) -> None:
    """Undo setting a database aside. Raises OSError."""
    remove(database)
    move(aside, database)


def forget_older(database: Path, why: str) -> None:
    """Delete all but the last KEPT of what was set aside for one reason. Raises OSError."""
    for old in dated(database, why)[:-KEPT]:
        remove(old)


def dated(database: Path, why: str) -> list[Path]:
    """Return the dated names of one kind beside a database, oldest first; there may be side files only."""
    begins = f"{database.name}.{why}-"
    names = {_base(one) for one in os.listdir(database.parent) if one.startswith(begins)}
    return [database.with_name(one) for one in sorted(names)]


def _base(name: str) -> str:
    return next((name.removesuffix(side) for side in SIDES if name.endswith(side)), name)


def remove(database: Path) -> None:
    """Delete a database with its side files. Raises OSError."""
    for side in ("", *SIDES):
        Path(f"{database}{side}").unlink(missing_ok=True)


def files(database: Path) -> list[Path]:
    """Return those of a database's files that exist, itself first."""
    return [one for side in ("", *SIDES) if os.path.lexists(one := Path(f"{database}{side}"))]


def is_emptied(database: Path) -> bool:
    """Whether a database is an empty file beside a log that is not.

    SQLite deletes that log at any look, also one that only reads. Source: https://sqlite.org/src/file/src/pager.c
    """
    try:
        return database.stat().st_size == 0 and log_file(database).stat().st_size > 0
    except OSError:
        return False


def log_file(database: Path) -> Path:
    """Return a database's WAL, which is beside a link's target. Source: https://sqlite.org/wal.html"""
    real = Path(os.path.realpath(database))
    return real.with_name(real.name + "-wal")


def set_orphan_aside(database: Path) -> Path | None:
    """Set aside the log, if it holds something, of a database that is gone; return where it is. Raises OSError.

    Its date is that of the last write to it.
    """
    log = log_file(database)
    real = log.with_name(log.name.removesuffix("-wal"))
    if real.exists() or not log.exists() or log.stat().st_size == 0:
        return None
    written = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    return Path(f"{set_aside(real, written, 'orphan')}-wal")
