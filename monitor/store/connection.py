"""One file, one writer: opening, locking and checking the database."""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.aside import is_emptied, set_orphan_aside
from monitor.store.database import SqliteDatabase, transaction
from monitor.store.expected_schema import (
    REPAIR,
    SET_ASIDE,
    VERSION,
    ForeignDatabase,
    check_version,
    steps_taken,
    version_of,
)
from monitor.store.readable_view import drop_views, make_views
from monitor.store.setting import USUAL_LIMITS
from monitor.store.sqlite_error import is_broken_file, refusal_of
from monitor.store.standby_path import standby_file
from probes.document import why_no_file

log = logging.getLogger("monitor")

Check = Callable[[sqlite3.Connection, Path], None]


def check_file(database: Path) -> None:
    """Raise StoreError for a device or a pipe before it is touched: as root we would change the machine's modes."""
    if why := why_no_file(database):
        raise StoreError(f"{database}: {why}; name another [store] path")


def check_not_emptied(database: Path) -> None:
    """Raise StoreError for an empty file beside its log, before SQLite deletes the latter."""
    if is_emptied(database):
        words = "is empty, and its log is not"
        raise StoreError(f"{database}: {words}; {SET_ASIDE}", StorageRefusal(RefusalKind.CORRUPT, words))


def open_writer(database: Path, wait_s: float = USUAL_LIMITS.wait_s) -> SqliteDatabase:
    """Return the one writing connection, with the tables migrated. Call it under the Lock. Raises StoreError.

    It waits `wait_s` seconds for another holder of the database.
    """
    check_file(database)
    check_not_emptied(database)
    try:
        if orphan := set_orphan_aside(database):
            log.warning("%s: the log of a database that is gone is set aside as %s", database.name, orphan.name)
        _make_private(database)
        connection = _connect(database, wait_s)
        _read_by_name(connection)
    except (OSError, sqlite3.Error) as error:
        raise unusable_error(database, error) from None
    with _closed_if_unusable(connection, database):
        _prepare(connection, database)
    return connection


def _connect(database: Path | str, wait_s: float = 5.0, uri: bool = False) -> SqliteDatabase:
    return sqlite3.connect(
        database, timeout=wait_s, check_same_thread=False, isolation_level=None, uri=uri, factory=SqliteDatabase
    )


def open_in_memory() -> SqliteDatabase:
    """Return a database that ends with this process."""
    connection = _connect(":memory:")
    _read_by_name(connection)
    _prepare(connection, Path("memory"))
    return connection


def open_scratch(in_memory: bool) -> SqliteDatabase:
    """Return an empty database without tables that ends with its connection: in memory, else in a temporary file."""
    connection = _connect(":memory:" if in_memory else "")
    _read_by_name(connection)
    return connection


def open_reader(database: Path, wait_s: float = USUAL_LIMITS.wait_s) -> SqliteDatabase:
    """Return a read-only connection, to the stand-in while the database cannot be written.

    Raises StoreError, also if there is no database yet.
    """
    there = standby_file(database)
    if there and there.exists():
        with suppress(StoreError):
            return open_read_only(there, wait_s)
    return open_read_only(database, wait_s)


def open_read_only(database: Path, wait_s: float = USUAL_LIMITS.wait_s) -> SqliteDatabase:
    """Return a read-only connection to this very file; of an older version, to a migrated copy. Raises StoreError."""
    connection = read_any_version(database, wait_s)
    if version_of(connection) == VERSION:
        return connection
    with closing(connection):
        return _migrated_copy(connection, database)


def _migrated_copy(source: sqlite3.Connection, database: Path) -> SqliteDatabase:
    """Return a copy that ends with its connection: only the holder of the lock migrates the database itself."""
    copy = open_scratch(in_memory=False)
    with _closed_if_unusable(copy, database):
        source.backup(copy)
        take_over(copy, str(database))
        copy.execute("PRAGMA query_only = ON")
    return copy


def read_any_version(database: Path, wait_s: float = USUAL_LIMITS.wait_s) -> SqliteDatabase:
    """Return a read-only connection to this very file, of this version or an older one. Raises StoreError."""
    try:
        is_there = database.exists()
    except OSError as error:  # a parent folder is closed to us
        raise unusable_error(database, error) from None
    if not is_there:
        raise StoreError(f"{database}: does not exist; start `run` or `once` first")
    return _shared_or_not(database, wait_s, _check_ready)


def is_older(database: Path) -> bool:
    """Whether a database of ours, now at rest or being migrated, is of an older version."""
    try:
        with closing(read_any_version(database, 0)) as connection:
            return version_of(connection) < VERSION
    except (StoreError, sqlite3.Error):
        return False


def open_unchecked(database: Path, wait_s: float = USUAL_LIMITS.wait_s) -> SqliteDatabase:
    """Return a read-only connection to this very file, whatever it holds. Raises StoreError."""
    return _shared_or_not(database, wait_s, _check_readable)


def _shared_or_not(database: Path, wait_s: float, check: Check) -> SqliteDatabase:
    try:
        return _read_only(database, "mode=ro", wait_s, check)
    except StoreError as error:
        if error.refusal is None or error.refusal.kind not in UNSHARED:
            raise
    return _read_only(database, "mode=ro&immutable=1", wait_s, check)


UNSHARED = (RefusalKind.FAILING, RefusalKind.FULL, RefusalKind.READ_ONLY)
"""Refusals that come when SQLite cannot make the shared-memory file of the WAL: then nobody writes there."""


def _read_only(database: Path, how: str, wait_s: float, check: Check) -> SqliteDatabase:
    check_file(database)
    check_not_emptied(database)
    try:
        connection = _connect(f"{database.as_uri()}?{how}", wait_s, uri=True)
    except sqlite3.Error as error:
        raise unusable_error(database, error) from None
    _read_by_name(connection)
    with _closed_if_unusable(connection, database):
        check(connection, database)
    return connection


def _check_ready(connection: sqlite3.Connection, database: Path) -> None:
    if check_version(connection, str(database)) == 0:  # another process is about to create it
        raise ForeignDatabase(f"{database}: is not ready yet; start `run` or `once` first")


def _check_readable(connection: sqlite3.Connection, _: Path) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _read_by_name(connection: sqlite3.Connection) -> None:
    """Make rows accessible by column name, and decode invalid UTF-8 leniently: else no row comes at all.

    Another program or a broken disk may have written the file. It costs 0.2 µs a text.
    """
    connection.row_factory = sqlite3.Row
    connection.text_factory = _legible


def _legible(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@contextmanager
def _closed_if_unusable(connection: sqlite3.Connection, database: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:  # also at a shutdown meanwhile
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable_error(database, error) from None
        raise


def _make_private(database: Path) -> None:
    """Create the file readable by its owner only; SQLite gives its side files the same mode."""
    file = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _prepare(connection: sqlite3.Connection, database: Path) -> None:
    version = check_version(connection, str(database))
    # FULL: a commit survives a power cut; at one commit a beat the cost is not noticeable.
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    if version < VERSION:
        if version:
            _keep_before(connection, database, version)
        take_over(connection, str(database))
    make_views(connection)


def take_over(connection: sqlite3.Connection, name: str) -> None:
    """Migrate the tables, all or nothing. Raises ForeignDatabase if the result is none of ours, else sqlite3.Error.

    In one transaction: whoever reads meanwhile, or after a kill, finds a whole database of the version it says.
    """
    with transaction(connection):
        _migrate(connection, name)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        check_version(connection, name)


def _migrate(connection: sqlite3.Connection, name: str) -> None:
    # Imported here: a cron run whose tables are up to date need not pay for it.
    from monitor.store.schema import migrate

    drop_views(connection)
    try:
        migrate(connection)
    except sqlite3.Error as error:
        if refusal_of(error):
            raise
        raise ForeignDatabase(f"{name}: cannot be taken over from an older version ({error}); {REPAIR}") from None


def _keep_before(connection: sqlite3.Connection, database: Path, version: int) -> None:
    """Keep a copy of a database of an older schema, for a downgrade to the program that wrote it.

    One that an older program left half migrated has its copy from before, which is not to be replaced.
    """
    from monitor.store.backup import keep_copy

    if steps_taken(connection) > version:
        return
    try:
        keep_copy(connection, database, f"schema-{version}")
    except OSError as error:
        raise unusable_error(database, error) from None


def unusable_error(database: Path, error: Exception) -> StoreError:
    """Return the error to report for a database that the system or SQLite makes unusable."""
    refusal = refusal_of(error)
    reason = refusal.words if refusal else str(error)
    repair = REPAIRS.get(reason) or (BROKEN if is_broken_file(error) else _way_in(database))
    return StoreError(f"{database}: {reason}; {repair}", refusal)


@contextmanager
def in_words(database: Path) -> Iterator[None]:
    """Raise StoreError for what SQLite refuses within."""
    try:
        yield
    except sqlite3.Error as error:
        raise statement_error(database, error) from error


def statement_error(database: Path, error: StoreError | sqlite3.Error) -> StoreError:
    """Return the error to report for a refused statement; with a repair if the database as a whole refuses."""
    if isinstance(error, StoreError):
        return error
    return unusable_error(database, error) if refusal_of(error) else StoreError(f"{database}: {error}")


def _way_in(database: Path) -> str:
    from monitor.store.file_owner import way_in  # only an error pays for this import

    if repair := way_in(database):
        return repair
    what = f"make {database} writable for this user"
    with suppress(OSError):  # a parent folder is closed to us
        if not database.parent.exists():
            what = f"make the folder {database.parent} and give it to this user"
    return f"{what}, or name another [store] path"


BROKEN = "restore a backup, or move it away; a new one is made"
REPAIRS = {
    "database is locked": "close the program that holds it open",
    "file is not a database": "move it away; a new one is made",
}
