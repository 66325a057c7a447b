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
"""So long whoever takes the lock waits for a command that has it briefly."""
TURN_S = 0.002
"""Pause between two tries to take it: where command follows command, none of them leaves it free for longer."""
BRIEFLY = "briefly"
"""What such a command writes into the lock, beside its number."""
SETTLING_S = 0.05
"""By then whoever took the lock has said in it who it is."""

Check = Callable[[sqlite3.Connection, Path], None]


class Busy(StoreError):
    """Another process writes to this database: `holder`, its number or "unknown"."""

    def __init__(self, lock: Path, holder: str) -> None:
        at_work = f"{lock}: another provider-monitor (process {holder}) is at work on this database"
        super().__init__(f"{at_work}; stop it, or let it do the work")
        self.holder = holder


class Lock:
    """The right to write, held through a file beside the database; the kernel gives it back when we die.

    One writer only: SQLite before 3.51.3 can corrupt a WAL database when two connections write or
    checkpoint at the same instant. Source: https://sqlite.org/wal.html#walresetbug
    """

    def __init__(self, database: Path, briefly: bool = False) -> None:
        """Take it. Raises Busy where another process has it; `was_there`: one has had it before.

        A command takes it `briefly`: whoever comes meanwhile waits, rather than leave out a round or fail to start.
        Raises StoreError where another user left a file that is in the way.
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
        """Take it, at once or after the commands that have it for a moment. Raises Busy."""
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
        with suppress(OSError):  # who holds it is a courtesy
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()} {BRIEFLY if self._briefly else ''}".encode(), 0)

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def is_lost(self) -> bool:
        """Whether somebody deleted or replaced the file, so that another process could take its place."""
        try:
            return not os.path.samestat(os.stat(lock_file(self._database)), os.fstat(self._file))
        except OSError as error:
            return error.errno == errno.ENOENT

    def renew(self) -> None:
        """Hold the file that is there now, where somebody deleted ours, be it with its folder, which is made again.

        Raises OSError, and Busy when another process was first.
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
"""What a monitor keeps in the folder of its database, and with what stands in for that."""


def _check_file(database: Path) -> None:
    """Raises StoreError before a device or a pipe is touched: as root we would change the modes of the machine's."""
    if why := why_no_file(database):
        raise StoreError(f"{database}: {why}; name another [store] path")


def check_owned(database: Path) -> None:
    """Look whether this user may use what is there. Raises StoreError: root may have left a file for us.

    Found out later, each would cost something else: the lock its meaning, a log the database, a key the links.
    """
    bases = (one for one in (database, stand_in(database)) if one and os.path.exists(one.parent / "."))
    closed = [file for base in bases for side in BESIDE if _is_closed(file := f"{base}{side}")]
    if closed:
        why, names = os.strerror(errno.EACCES), shlex.join(closed)
        repair = f"give this user what is there: chown -R {os.geteuid()} {names} && chmod -R u+rwX {names}"
        raise StoreError(f"{', '.join(closed)}: {why}; {repair}", StorageRefusal(RefusalKind.DENIED, why))


def _is_closed(path: str) -> bool:
    """Whether there is a file, or a folder, that this user may not use. On a read-only disk none is."""
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
    """Open the file to lock. Where none can be made the database is its own, as an old one is on a read-only disk."""
    path = lock_file(database)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), path
    except OSError as error:
        for old in (path, database):
            with suppress(OSError):
                return os.open(old, os.O_RDONLY | os.O_CLOEXEC), old
        raise error


def open_writer(database: Path, wait_s: float | None = None) -> sqlite3.Connection:
    """Return the one writing connection, with the tables up to date. Call it under the Lock. Raises StoreError.

    It waits `wait_s`, else WAIT_S, for whoever holds the database.
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
    """Return a connection that can only read: of what stands in for the database while that cannot be written.

    Raises StoreError, also when there is no database yet.
    """
    there = stand_in(database)
    if there and there.exists():
        with suppress(StoreError):
            return read_only(there)
    return read_only(database)


def read_only(database: Path) -> sqlite3.Connection:
    """Return a connection that can only read this very file. Raises StoreError."""
    try:
        is_there = database.exists()
    except OSError as error:  # a folder above it is closed to us
        raise unusable(database, error) from None
    if not is_there:
        raise StoreError(f"{database}: does not exist; start `provider-monitor run` or `once` first")
    return _shared_or_not(database, _check_ready)


def read_as_it_is(database: Path) -> sqlite3.Connection:
    """Return a connection that can only read this very file, whatever it holds. Raises StoreError."""
    return _shared_or_not(database, _check_readable)


def _shared_or_not(database: Path, check: Check) -> sqlite3.Connection:
    try:
        return _read_only(database, "mode=ro", check)
    except StoreError as error:
        if error.refusal is None or error.refusal.kind not in UNSHARED:
            raise
    return _read_only(database, "mode=ro&immutable=1", check)


UNSHARED = (RefusalKind.FAILING, RefusalKind.FULL, RefusalKind.READ_ONLY)
"""What is said where SQLite cannot make the file through which connections share the log: nobody writes there then."""


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
    if check_version(connection, str(database)) < VERSION:  # another process is about to make or to change its tables
        raise Foreign(f"{database}: is not ready yet; start `provider-monitor run` or `once` first")


def _check_readable(connection: sqlite3.Connection, _: Path) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _read_by_name(connection: sqlite3.Connection) -> None:
    """Have rows tell their columns by name, and text that is no UTF-8 come as far as it is: else no row comes at all.

    The file may have been written by another program, or by a broken disk. It costs 0.2 µs a text.
    """
    connection.row_factory = sqlite3.Row
    connection.text_factory = _legible


def _legible(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@contextmanager
def _closed_if_unusable(connection: sqlite3.Connection, database: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:  # also when we are asked to end meanwhile
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(database, error) from None
        raise


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of what is done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite itself takes back what a full or failing disk cut short
            connection.execute("ROLLBACK")
        raise


def _make_private(database: Path) -> None:
    """Create the file so that only its owner reads it; SQLite gives its side files the same mode."""
    file = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _prepare(connection: sqlite3.Connection, database: Path) -> None:
    version = check_version(connection, str(database))
    # FULL: what was committed survives a power cut; at one commit a beat it costs nothing one notices.
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")
    if version < VERSION:
        if version:
            _keep_before(connection, database, version)
        take_over(connection, str(database))
    make_views(connection)


def take_over(connection: sqlite3.Connection, name: str) -> None:
    """Bring the tables up to date. Raises Foreign where that makes none of ours, else sqlite3.Error."""
    # Imported here, since a cron run whose tables are up to date need not pay for it.
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
    """Keep a copy of a database of an older schema, for who goes back to the program that wrote it."""
    from monitor.store.backup import keep

    try:
        keep(connection, database, f"schema-{version}")
    except OSError as error:
        raise unusable(database, error) from None


def unusable(database: Path, error: Exception) -> StoreError:
    """Return what to tell of a database that an error of the system or of SQLite keeps from being used."""
    refusal = refusal_of(error)
    reason = refusal.words if refusal else str(error)
    repair = REPAIRS.get(reason) or f"{_way_in(database)}, or name another [store] path"
    return StoreError(f"{database}: {reason}; {repair}", refusal)


def statement_refused(database: Path, error: StoreError | sqlite3.Error) -> StoreError:
    """Return what to tell of a statement that was refused; with a repair where the database as a whole refuses."""
    if isinstance(error, StoreError):
        return error
    return unusable(database, error) if refusal_of(error) else StoreError(f"{database}: {error}")


def _way_in(database: Path) -> str:
    with suppress(OSError):  # a folder above it is closed to us
        if not database.parent.exists():
            return f"make the folder {database.parent} and give it to this user"
    return f"make {database} writable for this user"


REPAIRS = {
    "database is locked": "close the program that holds it open",
    "file is not a database": "move it away; a new one is made",
    "database disk image is malformed": "restore a backup, or move it away; a new one is made",
}
