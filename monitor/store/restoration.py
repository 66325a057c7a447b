"""A backup on its way to the database's place: it is under a name of its own until it is there.

Whoever opens the database next ends what was killed on the way, so there is never none, nor a mixture of two.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from monitor.store.aside import aside_name, dated, forget_older, move, remove
from monitor.store.standby_path import real_path

KIND = "restoring"
REPLACED = "replaced"

Pairs = Sequence[tuple[Path, Path]]
"""Where files were, and where they are now."""


class Unrestored(Exception):
    """The backup could not be put there; the text says why, and where the present database is."""


def announce(database: Path, copy: Path, at: datetime, stand_in: Path | None) -> None:
    """Give a whole copy the name under which `end` finds it. Raises OSError.

    A stand-in that an earlier restore left is removed first, while nothing of this one bears its name.
    """
    if stand_in:
        remove(_held(stand_in))
    copy.rename(aside_name(database, KIND, f"{at:%Y%m%dT%H%M%S}"))


def end(database: Path, stand_in: Path | None) -> Path | None:
    """Put what was announced there; return the name of the database before, also if there was none; None: nothing done.

    `stand_in` belongs to the database before, and goes with it. Call it under the Lock. Raises Unrestored.
    """
    database = real_path(database)
    pending = _pending(database)
    if pending is None:
        return None
    aside = aside_name(database, REPLACED, pending.name.removeprefix(f"{database.name}.{KIND}-"))
    held = [(stand_in, _held(stand_in))] if stand_in else []
    moved: list[tuple[Path, Path]] = []
    try:
        _exchange(database, pending, [(database, aside), *held], moved)
    except BaseException as error:  # also at a shutdown meanwhile
        where = _undo(pending, moved)
        if isinstance(error, (OSError, sqlite3.Error)):
            raise Unrestored(f"{_words(error)}; {where}") from error
        raise
    _forget(database, [after for _, after in held])
    return aside


def _held(stand_in: Path) -> Path:
    return stand_in.with_name(f"{stand_in.name}.{REPLACED}")


def _pending(database: Path) -> Path | None:
    """Return what was announced last; None: nothing. Raises Unrestored."""
    try:
        return next(reversed(dated(database, KIND)), None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = f"its folder cannot be listed ({error.strerror}), so what waits there is not known"
        raise Unrestored(f"{why}; let its owner read the folder") from error


def _exchange(database: Path, pending: Path, pairs: Pairs, moved: list[tuple[Path, Path]]) -> None:
    """Add to `moved` each pair as its move begins: that may fail after a part of it."""
    for before, after in pairs:
        moved.append((before, after))
        move(before, after)
    os.rename(pending, database)
    try:
        _check(database)
    except BaseException:
        remove(database)
        raise


def _check(database: Path) -> None:
    """Raise sqlite3.Error unless the database at this path, with all that SQLite reads beside it, is whole."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as there:
        (words,) = there.execute("PRAGMA quick_check(1)").fetchone()
    if words != "ok":
        raise sqlite3.DatabaseError(f"what was put there is not whole: {' '.join(words.split())}")


def _undo(pending: Path, moved: Pairs) -> str:
    """Put back what was moved, and that alone, and forget the backup; return in words where the database is."""
    try:
        for before, after in moved:
            move(after, before)
    except OSError as error:
        return f"what it was is {moved[0][1].name} beside it, and cannot be put back ({error.strerror})"
    with suppress(OSError):
        remove(pending)
    return "it is as it was"


def _words(error: OSError | sqlite3.Error) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _forget(database: Path, held: Iterable[Path]) -> None:
    with suppress(OSError):
        forget_older(database, REPLACED)
        for one in held:
            remove(one)
