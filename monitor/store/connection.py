"""One file, one writer: opening, locking and checking the database."""

import errno
import fcntl
import os
import shlex
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.expected_schema import REPAIR, VERSION, Foreign, check_version
from monitor.store.readable_view import drop_views, make_views
from monitor.store.sqlite_error import refusal_of
from monitor.store.standby_path import stand_in
from probes.document import why_no_file

WAIT_S = 5
MOMENT_S = 5.0
"""Seconds to wait for a command that holds the lock briefly."""
TURN_S = 0.002
"""Seconds between two tries to take it: a series of commands leaves it free no longer than that."""
BRIEFLY = "briefly"
"""What such a command writes into the lock file, after its PID."""
SETTLING_S = 0.05
"""Seconds after which a new holder has written its PID into the lock file."""

Check = Callable[[sqlite3.Connection, Path], None]


class Busy(StoreError):
    """Another process holds this database: `holder`, its PID or "unknown"."""

    def __init__(self, lock: Path, holder: str) -> None:
        at_work = f"{lock}: another provider-monitor (process {holder}) is at work on this database"
        super().__init__(f"{at_work}; stop it, or let it do the work")
        self.holder = holder


class Lock:
    """The right to write, held by a file lock beside the database; the kernel releases it when we die.

    One writer only: SQLite before 3.51.3 can corrupt a WAL database when two connections write or
    checkpoint at the same instant. Source: https://sqlite.org/wal.html#walresetbug
    """

    def __init__(self, database: Path, briefly: bool = False) -> None:
        """Take the lock. Raises Busy if another process has it; `was_there`: some process has had it before.

        A command takes it `briefly`: others then wait for it instead of skipping a round or failing to start.
        Raises StoreError if another user's file is in the way.
        """
        _check_file(database)
        check_owned(database)
        self._database, self.was_there = database, os.path.exists(f"{database}.lock")
        self._briefly = briefly
        try:
            database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file, path = _open_lock(database)
        except OSError as error:
            raise unusable(database, error) from None
        self._take(path)

    def _take(self, path: Path) -> None:
        """Take the lock, waiting for commands that hold it briefly. Raises Busy."""
        began_s = time.monotonic()
        known = "", began_s
        while not self._is_taken():
            now_s, said = time.monotonic(), os.pread(self._file, 40, 0).decode(errors="replace").strip()
            known = known if known[0] == said else (said, now_s)
            holder, _, how = said.partition(" ")
            waited_s, limit_s = (now_s - began_s, MOMENT_S) if how == BRIEFLY else (now_s - known[1], SETTLING_S)
            if self._briefly or waited_s >= limit_s:
                os.close(self._file)
                raise Busy(path, holder or "unknown")
            time.sleep(TURN_S)
        with suppress(OSError):  # the PID is a courtesy
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()} {BRIEFLY if self._briefly else ''}".encode(), 0)

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def is_lost(self) -> bool:
        """Whether the lock file was deleted or replaced, so that another process could take the lock."""
        try:
            return not os.path.samestat(os.stat(lock_file(self._database)), os.fstat(self._file))
        except OSError as error:
            return error.errno == errno.ENOENT

    def renew(self) -> None:
        """Take the lock again if its file, or the whole folder, was deleted; the folder is made again.

        Raises OSError, and Busy if another process was first.
        """
        self._database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file, path = _open_lock(self._database)
        before = self._file
        if os.path.samestat(os.fstat(file), os.fstat(before)):
            os.close(file)
            return
        self._file = file
        try:
            self._take(path)
        except Busy:
            self._file = before
            raise
        os.close(before)

    def release(self) -> None:
        os.close(self._file)


BESIDE = ("", "-wal", "-shm", "-journal", ".lock", ".key", ".aside.jsonl", ".overlaps", ".sock", ".replies")
"""Suffixes of the files a monitor keeps beside its database, and beside its stand-in."""


def _check_file(database: Path) -> None:
    """Raise StoreError for a device or a pipe before it is touched: as root we would change the machine's modes."""
    if why := why_no_file(database):
        raise StoreError(f"{database}: {why}; name another [store] path")


def check_owned(database: Path) -> None:
    """Check that this user may use the files that exist. Raises StoreError: root may have left one behind.

    Found later it costs more: a lock file the lock, a WAL the database, a key the signed links.
    """
    bases = (one for one in (database, stand_in(database)) if one and os.path.exists(one.parent / "."))
    closed = [file for base in bases for side in BESIDE if _is_closed(file := f"{base}{side}")]
    if closed:
        why, names = os.strerror(errno.EACCES), shlex.join(closed)
        repair = f"give this user what is there: chown -R {os.geteuid()} {names} && chmod -R u+rwX {names}"
        raise StoreError(f"{', '.join(closed)}: {why}; {repair}", StorageRefusal(RefusalKind.DENIED, why))


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


def lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


def _open_lock(database: Path) -> tuple[int, Path]:
    """Open the lock file. If none can be made, lock the database itself, as with one on a read-only disk."""
    path = lock_file(database)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), path
    except OSError as error:
        for old in (path, database):
            with suppress(OSError):
                return os.open(old, os.O_RDONLY | os.O_CLOEXEC), old
        raise error


def open_writer(database: Path, wait_s: float | None = None) -> sqlite3.Connection:
    """Return the one writing connection, with the tables migrated. Call it under the Lock. Raises StoreError.

    It waits `wait_s` seconds, by default WAIT_S, for another holder of the database.
    """
    wait_s = WAIT_S if wait_s is None else wait_s
    _check_file(database)
    try:
        _make_private(database)
        connection = sqlite3.connect(database, timeout=wait_s, check_same_thread=False, isolation_level=None)
        _read_by_name(connection)
    except (OSError, sqlite3.Error) as error:
        raise unusable(database, error) from None
    with _closed_if_unusable(connection, database):
        _prepare(connection, database)
    return connection


def open_in_memory() -> sqlite3.Connection:
    """Return a database that ends with this process."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    _read_by_name(connection)
    _prepare(connection, Path("memory"))
    return connection


def open_reader(database: Path) -> sqlite3.Connection:
    """Return a read-only connection, to the stand-in while the database cannot be written.

    Raises StoreError, also if there is no database yet.
    """
    there = stand_in(database)
    if there and there.exists():
        with suppress(StoreError):
            return read_only(there)
    return read_only(database)


def read_only(database: Path) -> sqlite3.Connection:
    """Return a read-only connection to this very file. Raises StoreError."""
    try:
        is_there = database.exists()
    except OSError as error:  # a parent folder is closed to us
        raise unusable(database, error) from None
    if not is_there:
        raise StoreError(f"{database}: does not exist; start `provider-monitor run` or `once` first")
    return _shared_or_not(database, _check_ready)


def read_as_it_is(database: Path) -> sqlite3.Connection:
    """Return a read-only connection to this very file, whatever it holds. Raises StoreError."""
    return _shared_or_not(database, _check_readable)


def _shared_or_not(database: Path, check: Check) -> sqlite3.Connection:
    try:
        return _read_only(database, "mode=ro", check)
    except StoreError as error:
        if error.refusal is None or error.refusal.kind not in UNSHARED:
            raise
    return _read_only(database, "mode=ro&immutable=1", check)


UNSHARED = (RefusalKind.FAILING, RefusalKind.FULL, RefusalKind.READ_ONLY)
"""Refusals that come when SQLite cannot make the shared-memory file of the WAL: then nobody writes there."""


def _read_only(database: Path, how: str, check: Check) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"{database.as_uri()}?{how}", uri=True, timeout=WAIT_S, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(database, error) from None
    _read_by_name(connection)
    with _closed_if_unusable(connection, database):
        check(connection, database)
    return connection


def _check_ready(connection: sqlite3.Connection, database: Path) -> None:
    if check_version(connection, str(database)) < VERSION:  # another process is about to create or migrate it
        raise Foreign(f"{database}: is not ready yet; start `provider-monitor run` or `once` first")


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
            raise unusable(database, error) from None
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit everything done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite itself rolls back what a full or failing disk cut short
            connection.execute("ROLLBACK")
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
    """Migrate the tables. Raises Foreign if the result is not a database of ours, else sqlite3.Error."""
    # Imported here: a cron run whose tables are up to date need not pay for it.
    from monitor.store.schema import migrate

    drop_views(connection)
    try:
        migrate(connection)
    except sqlite3.Error as error:
        if refusal_of(error):
            raise
        raise Foreign(f"{name}: cannot be taken over from an older version ({error}); {REPAIR}") from None
    connection.execute(f"PRAGMA user_version = {VERSION}")
    check_version(connection, name)


def _keep_before(connection: sqlite3.Connection, database: Path, version: int) -> None:
    """Keep a copy of a database of an older schema, for a downgrade to the program that wrote it."""
    from monitor.store.backup import keep

    try:
        keep(connection, database, f"schema-{version}")
    except OSError as error:
        raise unusable(database, error) from None


def unusable(database: Path, error: Exception) -> StoreError:
    """Return the error to report for a database that the system or SQLite makes unusable."""
    refusal = refusal_of(error)
    reason = refusal.words if refusal else str(error)
    repair = REPAIRS.get(reason) or f"{_way_in(database)}, or name another [store] path"
    return StoreError(f"{database}: {reason}; {repair}", refusal)


def statement_refused(database: Path, error: StoreError | sqlite3.Error) -> StoreError:
    """Return the error to report for a refused statement; with a repair if the database as a whole refuses."""
    if isinstance(error, StoreError):
        return error
    return unusable(database, error) if refusal_of(error) else StoreError(f"{database}: {error}")


def _way_in(database: Path) -> str:
    with suppress(OSError):  # a parent folder is closed to us
        if not database.parent.exists():
            return f"make the folder {database.parent} and give it to this user"
    return f"make {database} writable for this user"


REPAIRS = {
    "database is locked": "close the program that holds it open",
    "file is not a database": "move it away; a new one is made",
    "database disk image is malformed": "restore a backup, or move it away; a new one is made",
}
