"""The database as a file: consistent copies, and files set aside. Source: https://sqlite.org/backup.html"""

import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from msgspec import Struct

from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store import restoration
from monitor.store.aside import aside_name, files, forget_older, is_emptied, remove
from monitor.store.connection import open_read_only, open_unchecked, open_writer, read_any_version, take_over
from monitor.store.database import SqliteDatabase
from monitor.store.expected_schema import (
    MIGRATIONS_NAME,
    MIGRATIONS_TABLE,
    VERSION,
    check_version,
    schema_problem,
    steps_taken,
    version_of,
    was_ours,
)
from monitor.store.file_owner import SIDE_FILES
from monitor.store.lock import Lock, lock_path
from monitor.store.sqlite_error import is_broken_file, refusal_of
from monitor.store.standby_path import file_id, real_path, standby_file
from monitor.store.transfer import ALERT_TABLES, BELIEF_TABLES, OBSERVATION_TABLES, copy_rows
from probes.document import why_no_file

STAND_IN = "stand-in"
DRAFT = re.compile(r"\.provider-monitor-[0-9a-f]{16}\.part")
IDLE_S = 3600.0
"""Seconds without a write after which a copy on its way was left by a killed process."""
WANTED = "name a file that `backup` wrote"


class NotWhole(sqlite3.DatabaseError):
    """What was read is no whole database, although SQLite refused no statement."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def copy_to(source: sqlite3.Connection, file: Path) -> Path:
    """Write a consistent, synced copy of a database that may be in use. Raises OSError or sqlite3.Error."""
    remove(file)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as copy:
            source.backup(copy)  # in one step: a stepwise copy restarts with each beat written meanwhile
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a WAL
            if words := _complaint(copy):
                raise NotWhole(f"the copy is not whole: {words}")
    except BaseException:
        with suppress(OSError):
            remove(file)
        raise
    return file


def back_up(database: Path, file: Path, named: Collection[Path] = ()) -> bool:
    """Write a consistent copy of the database, also while a monitor uses it; return whether it replaced an older one.

    `named`: the files of the configuration, which a copy never replaces. Raises StoreError.
    """
    if why := _why_kept(database, file, named):
        raise StoreError(f"{file}: {why}; name another file")
    is_older = os.path.exists(file) and os.path.getsize(file) > 0
    with ExitStack() as held:
        left = _left_beside(database)  # first: it is deleted as soon as the database has its rows
        if left:
            held.enter_context(closing(left))
        source = held.enter_context(closing(read_any_version(database)))
        try:
            _write_copy(source, left, file)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{file}: {_words(error)}; {_repair(error)}") from None
    return is_older


def back_up_shared(database: Path, file: Path, named: Collection[Path], fill: Callable[[SqliteDatabase], None]) -> bool:
    """Write a new database that `fill` fills as a copy, as `back_up` does, which may not replace `database`.

    Raises StoreError.
    """
    if why := _why_kept(database, file, named):
        raise StoreError(f"{file}: {why}; name another file")
    is_older, draft = os.path.exists(file) and os.path.getsize(file) > 0, _free_draft(file.parent)
    try:
        with closing(open_writer(draft)) as copy:
            fill(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a WAL
        draft.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file}: {_words(error)}; {_repair(error)}") from None
    finally:
        with suppress(OSError):
            remove(draft)
    return is_older


def open_backup(file: Path) -> SqliteDatabase:
    """Open a backup for reading; of an older schema, a migrated copy. Raises StoreError."""
    _backup(file).close()
    return open_read_only(file.absolute())


def _left_beside(database: Path) -> sqlite3.Connection | None:
    """Return a connection to the stand-in, which has all since the database could not be written. Raises StoreError."""
    there = standby_file(database, user=_owner(database))
    return open_unchecked(there) if there and there.exists() else None


def _owner(database: Path) -> int | None:
    """Return whose stand-in it is if root acts for them; None: ours."""
    with suppress(OSError):
        return database.stat().st_uid if os.geteuid() == 0 else None
    return None


def _write_copy(source: sqlite3.Connection, left: sqlite3.Connection | None, file: Path) -> None:
    draft = _free_draft(file.parent)
    try:
        copy_to(source, draft)
        _complete(draft, left)
        draft.replace(file)
    except BaseException:
        with suppress(OSError):
            remove(draft)
        raise


def _complete(draft: Path, left: sqlite3.Connection | None) -> None:
    """Write into a copy what a stand-in holds, and the version that its tables are of. Raises sqlite3.Error."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        if (taken := steps_taken(copy)) > version_of(copy):  # an older program was killed while it migrated
            copy.execute(f"PRAGMA user_version = {taken}")
        if left is None:
            return
        if version_of(copy) < VERSION:
            take_over(copy, "the copy")
        if not copy_rows(left, copy, ALERT_TABLES + BELIEF_TABLES + OBSERVATION_TABLES):
            raise NotWhole("a part of what is kept beside the database, as it cannot be written, cannot be read")
        if words := _complaint(copy):
            raise NotWhole(f"the copy is not whole: {words}")


def _why_kept(database: Path, file: Path, named: Iterable[Path]) -> str | None:
    """Return why a copy must not replace a file; None if nothing is lost by that."""
    if why := why_no_file(file):
        return why
    if file_id(file) is not None and file_id(file) == file_id(database):
        return "is the database itself"
    if not _spots(file).isdisjoint(_own(database)):
        return "belongs to the database that is copied"
    if any(_spots(file) & _spots(one) or file_id(file) == file_id(one) is not None for one in named):
        return "is monitor.toml, or named there"
    if any(os.path.exists(f"{file}{side}") for side in (".lock", "-wal")):
        return "is a database that a monitor works with"
    return None if _is_free(file) else "is there, and is no copy of a database of ours"


def _own(database: Path) -> set[Path]:
    """Return the paths of everything a monitor keeps with its database and with its stand-in."""
    bases = {spot for one in (database, standby_file(database)) if one for spot in (*_spots(one), one.resolve())}
    return {Path(f"{base}{side}") for base in bases for side in SIDE_FILES}


def _spots(file: Path) -> set[Path]:
    """Return a path as written, and with links and dots resolved."""
    return {file.absolute(), file.absolute().parent.resolve() / file.name}


def _is_free(file: Path) -> bool:
    """Whether the path has no file, an empty one, or an older copy of our database."""
    try:
        if not os.path.exists(file) or os.path.getsize(file) == 0:
            return True
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as there:
            (version,) = there.execute("PRAGMA user_version").fetchone()
            found = there.execute("SELECT 1 FROM sqlite_master WHERE name = 'observation'").fetchone()
    except (OSError, sqlite3.Error):
        return False
    return version > 0 and found is not None


def _repair(error: OSError | sqlite3.Error) -> str:
    refusal = refusal_of(error)
    if is_broken_file(error):
        return "the database itself is broken: restore a backup, or let `run` or `once` set it aside"
    if refusal and refusal.kind is RefusalKind.FULL:
        return "name a file on a disk with room for the copy"
    return "name a file in a folder that is there, and that this user may write to"


class DatabaseOwner(Struct, frozen=True):
    """Owner of a database, present or future, and the parent folders still to be made."""

    uid: int
    gid: int
    missing: tuple[Path, ...]


def restore(database: Path, file: Path, at: datetime) -> list[Path]:
    """Put a copy of a backup in the database's place; return where the present one is now, empty if there was none.

    What a stand-in holds is kept, too, but not brought over. Raises StoreError, Busy if a monitor is using it; the
    present one then stays.
    """
    database = real_path(database)
    estate = _estate(database)
    with closing(_backup(file)) as source:  # first: nothing is made for what is no backup
        try:
            return _restore(database, source, at, estate)
        finally:
            _hand_over_what_is_there(estate, lock_path(database))


def _restore(database: Path, source: sqlite3.Connection, at: datetime, estate: DatabaseOwner | None) -> list[Path]:
    lock = Lock(database)
    try:
        there = standby_file(database, user=estate.uid if estate else None)
        restoration.end(database, there)
        copy = copy_to(source, _draft(database))
        kept = _keep_stand_in(database, there, at)
        _hand_over(estate, copy, *kept)
        restoration.announce(database, copy, at, there)
        aside = restoration.end(database, there)
    except restoration.Unrestored as error:
        raise StoreError(f"{database}: {error}") from None
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{database}: {_words(error)}; it is as it was") from None
    finally:
        with suppress(OSError):
            remove(_draft(database))
        lock.release()
    return [*(files(aside)[:1] if aside else []), *kept]


def _keep_stand_in(database: Path, there: Path | None, at: datetime) -> list[Path]:
    """Keep a copy of the stand-in beside the database, whose latest rows it holds. Raises OSError or sqlite3.Error."""
    if there is None or not there.exists():
        return []
    try:
        source = open_unchecked(there)
    except StoreError:  # nothing can be read of it
        return []
    with closing(source):
        kept = copy_to(source, aside_name(database, STAND_IN, f"{at:%Y%m%dT%H%M%S}"))
    forget_older(database, STAND_IN)
    return [kept]


def _estate(database: Path) -> DatabaseOwner | None:
    """Return None unless we are root: only root makes files that the monitor's own user could not write."""
    if os.geteuid() != 0:
        return None
    above = (database, *database.parents)
    missing = tuple(takewhile(lambda one: not one.exists(), above))
    seen = above[len(missing)].stat()
    return DatabaseOwner(seen.st_uid, seen.st_gid, tuple(one for one in missing if one != database))


def _hand_over(estate: DatabaseOwner | None, *files: Path) -> None:
    """Change the owner of what root has made to the database's owner. Raises OSError."""
    if estate is None:
        return
    for one in (*estate.missing, *files):
        os.chown(one, estate.uid, estate.gid)


def _hand_over_what_is_there(estate: DatabaseOwner | None, lock: Path) -> None:
    """The same for the folders and the lock, also after a failure: the monitor could not start with root's."""
    if estate is None:
        return
    for one in (*estate.missing, lock):
        with suppress(OSError):  # it was not made, or cannot be given: the words on the failure say more
            os.chown(one, estate.uid, estate.gid)


def _backup(file: Path) -> sqlite3.Connection:
    """Open a backup of a database of ours, of this schema or an older one. Raises StoreError."""
    if why := why_no_file(file) or ("is empty, and its log is not" if is_emptied(file) else None):
        raise StoreError(f"{file}: {why}; {WANTED}")
    with ExitStack() as held:
        try:
            backup = held.enter_context(closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)))
            words = _complaint(backup) or _is_none_of_ours(backup)
        except sqlite3.Error as error:
            words = str(error)
        if words:
            raise StoreError(f"{file}: {words}; {WANTED}")
        held.pop_all()
    return backup


def _is_none_of_ours(backup: sqlite3.Connection) -> str | None:
    """Return why no monitor could use a backup; an older schema is migrated as a trial, without rows."""
    words, version = schema_problem(backup), version_of(backup)
    if (words and not 0 < version < VERSION) or version == 0:
        return words if words and version else "is none of ours"
    if not _took_its_steps(backup, version):
        return f"says that it is of schema {version}, and its migration steps do not"
    if words is None:
        return None
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as trial:
        try:
            _lay_tables(backup, trial)
            check_version(trial, "it")
            take_over(trial, "it")
        except (StoreError, sqlite3.Error):
            return "is no database of provider-monitor"
    return None


def _took_its_steps(backup: sqlite3.Connection, version: int) -> bool:
    """Whether a database records just the steps to its version; by others its next migration would go wrong."""
    from monitor.store.schema import steps_until  # slow to import

    query = f"SELECT name FROM {MIGRATIONS_TABLE} WHERE migration_set = ? ORDER BY name"
    return [name for (name,) in backup.execute(query, [MIGRATIONS_NAME])] == steps_until(version)


def _lay_tables(source: sqlite3.Connection, trial: sqlite3.Connection) -> None:
    """Make the same tables, with the same migration steps recorded. Raises sqlite3.Error."""
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type <> 'table'"
    for (statement,) in source.execute(made):
        trial.execute(statement)
    steps = source.execute(f"SELECT * FROM {MIGRATIONS_TABLE}").fetchall()
    trial.executemany(f"INSERT INTO {MIGRATIONS_TABLE} VALUES (?, ?, ?, ?)", steps)
    trial.execute(f"PRAGMA user_version = {version_of(source)}")


def _draft(database: Path) -> Path:
    """Return the name beside a database for a copy that is not whole yet, of which the holder of the lock makes one."""
    return database.with_name(f".{database.name}.part")


def _free_draft(folder: Path) -> Path:
    """Return a free name for a copy that is not whole yet; what a killed process left under such a one is deleted."""
    draft = folder / f".provider-monitor-{os.urandom(8).hex()}.part"
    with suppress(OSError):
        draft.touch(0o600, exist_ok=False)
        now_s = draft.stat().st_mtime  # by the clock of that file system
        for old in folder.glob(".provider-monitor-*.part"):
            if DRAFT.fullmatch(old.name) and now_s - old.stat().st_mtime > IDLE_S:
                remove(old)
    return draft


def _words(error: OSError | sqlite3.Error) -> str:
    refusal = refusal_of(error)
    return refusal.words if refusal else str(error)


def is_broken(database: Path) -> bool:
    """Whether a second connection finds the file itself corrupt. A disk read error does not count as that."""
    if is_emptied(database):
        return True
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            return _complaint(db) is not None
    except sqlite3.Error as error:
        return is_broken_file(error)


def why_foreign(database: Path) -> str | None:
    """Return why a second connection takes a sound file for foreign; None: it is ours, or unreadable."""
    if is_emptied(database):
        return None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            return schema_problem(db)
    except sqlite3.Error:
        return None


def was_once_ours(database: Path) -> bool:
    """Whether this program made a file that it cannot use, by a second connection; False also if unknown."""
    if is_emptied(database):
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
            return was_ours(db)
    except sqlite3.Error:
        return False


def _complaint(db: sqlite3.Connection) -> str | None:
    (words,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if words == "ok" else " ".join(str(words).split())


def keep_copy(source: sqlite3.Connection, database: Path, why: str) -> Path:
    """Keep a copy of a database beside it, of the same owner. Raises OSError or sqlite3.Error."""
    copy = copy_to(source, _draft(database))
    _hand_over(_estate(database), copy)
    return copy.replace(database.with_name(f"{database.name}.{why}"))


def clear(database: Path) -> None:
    """Delete a database with all that is beside it, except its lock. Raises OSError."""
    for path in database.parent.glob(database.name + "*"):
        if path.is_file() and path.suffix != ".lock":
            path.unlink()
