"""The lock that keeps two monitors from writing one database."""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from monitor.storage_refusal import StoreError
from monitor.store.connection import check_file, unusable
from monitor.store.file_owner import check_owned

MOMENT_S = 5.0
"""Seconds to wait for a command that holds the lock briefly."""


TURN_S = 0.002
"""Seconds between two tries to take it: a series of commands leaves it free no longer than that."""


BRIEFLY = "briefly"
"""What such a command writes into the lock file, after its PID."""


SETTLING_S = 0.05
"""Seconds after which a new holder has written its PID into the lock file."""


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
        check_file(database)
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
