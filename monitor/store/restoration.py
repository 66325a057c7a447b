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

KIND = "restoring"
REPLACED = "replaced"

Pairs = Sequence[tuple[Path, Path]]
"""Where files were, and where they are now."""


class Unrestored(Exception):
    """The backup could not be put there; the text says why, and where the present database is."""


def announce(database: Path, copy: Path, at: datetime) -> None:
    """Give a whole copy the name under which `end` finds it. Raises OSError."""
    copy.rename(aside_name(database, KIND, f"{at:%Y%m%dT%H%M%S}"))


def end(database: Path, stand_in: Path | None) -> Path | None:
    """Put what was announced there; return the name of the database before, also if there was none; None: nothing done.

    `stand_in` belongs to the database before, and goes with it. Call it under the Lock. Raises Unrestored.
    """
    pending = next(reversed(dated(database, KIND)), None) if database.parent.is_dir() else None
    if pending is None:
        return None
    aside = aside_name(database, REPLACED, pending.name.removeprefix(f"{database.name}.{KIND}-"))
    moved = [(database, aside)]
    if stand_in:
        moved.append((stand_in, stand_in.with_name(f"{stand_in.name}.{REPLACED}")))
    try:
        _exchange(database, pending, moved)
    except BaseException as error:  # also at a shutdown meanwhile
        where = _undo(pending, moved)
        if isinstance(error, (OSError, sqlite3.Error)):
            raise Unrestored(f"{_words(error)}; {where}") from error
        raise
    _forget(database, [held for _, held in moved[1:]])
    return aside


def _exchange(database: Path, pending: Path, moved: Pairs) -> None:
    for before, after in moved:
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
    """Put back what was moved, and forget the backup; return in words where the database is."""
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
