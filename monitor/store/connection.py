"""One file, one writer: opening, locking and checking the database."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = 8
"""The schema this program writes, kept in `PRAGMA user_version`: the number of steps in `schema`."""

WAIT_S = 5


class StoreError(Exception):
    """The database cannot be used; the text names the file, the reason and the repair."""


class Busy(StoreError):
    """Another process writes to this database."""


class Lock:
    """The right to write, held through a file beside the database; the kernel gives it back when we die.

    One writer only: SQLite before 3.51.3 can corrupt a WAL database when two connections write or
    checkpoint at the same instant. Source: https://sqlite.org/wal.html#walresetbug
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(database, error.strerror or "cannot be opened") from None
        self._take(path)

    def _take(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            message = f"{path}: another provider-monitor (process {holder}) is at work on this database"
            raise Busy(f"{message}; stop it, or let it do the work") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self._file)


def open_writer(database: Path) -> sqlite3.Connection:
    """Return the one writing connection, with the tables up to date. Call it under the Lock. Raises StoreError."""
    try:
        _make_private(database)
        connection = sqlite3.connect(database, timeout=WAIT_S, check_same_thread=False, isolation_level=None)
        connection.row_factory = sqlite3.Row
    except OSError as error:
        raise _unusable(database, error.strerror or "cannot be opened") from None
    except sqlite3.Error as error:
        raise _unusable(database, str(error)) from None
    with _closed_if_unusable(connection, database):
        _prepare(connection, database)
    return connection


def open_reader(database: Path) -> sqlite3.Connection:
    """Return a connection that can only read. Raises StoreError, also when there is no database yet."""
    try:
        is_there = database.exists()
    except OSError as error:  # a folder above it is closed to us
        raise _unusable(database, error.strerror or "cannot be opened") from None
    if not is_there:
        raise StoreError(f"{database}: does not exist; start `provider-monitor run` or `once` first")
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=WAIT_S, check_same_thread=False)
    except sqlite3.Error as error:
        raise _unusable(database, str(error)) from None
    connection.row_factory = sqlite3.Row
    with _closed_if_unusable(connection, database):
        if _check_version(connection, database) < VERSION:  # another process is about to make or to change its tables
            raise StoreError(f"{database}: is not ready yet; start `provider-monitor run` or `once` first")
    return connection


@contextmanager
def _closed_if_unusable(connection: sqlite3.Connection, database: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(database, str(error)) from None
    except StoreError:
        connection.close()
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of what is done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _make_private(database: Path) -> None:
    """Create the file so that only its owner reads it; SQLite gives its side files the same mode."""
    file = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _prepare(connection: sqlite3.Connection, database: Path) -> None:
    version = _check_version(connection, database)
    # FULL: what was committed survives a power cut; at one commit a beat it costs nothing one notices.
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    if version < VERSION:
        # Imported here, since a cron run whose tables are up to date need not pay for it.
        from monitor.store.schema import migrate

        migrate(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _check_version(connection: sqlite3.Connection, database: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StoreError(
            f"{database}: is of schema {version}, newer than this program's {VERSION}; "
            "update provider-monitor, or name another database"
        )
    return int(version)


def _unusable(database: Path, reason: str) -> StoreError:
    repairs = {
        "database is locked": "close the program that holds it open",
        "file is not a database": "move it away; a new one is made",
        "database disk image is malformed": "restore a backup, or move it away; a new one is made",
    }
    repair = repairs.get(reason, f"make {database} writable for this user, or name another [store] path")
    return StoreError(f"{database}: {reason}; {repair}")
