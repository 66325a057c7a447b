"""The lock that keeps two monitors from writing one database."""

import errno
import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from monitor.storage_refusal import StoreError
from monitor.store.connection import check_file, unusable_error
from monitor.store.file_owner import check_owned
from monitor.store.standby_path import PathId, beside, path_id, real_path

MOMENT_S = 5.0
"""Seconds to wait for a command that holds the lock briefly."""


TURN_S = 0.002
"""Seconds between two tries to take it: a series of commands leaves it free no longer than that."""


BRIEFLY = "briefly"
"""What such a command writes into the lock file, after its PID."""


SETTLING_S = 0.05
"""Seconds after which a new holder has written its PID into the lock file."""


class Busy(StoreError):
    """Another process holds this database: `holder`, its PID or "unknown". `where`: the lock, or the database."""

    def __init__(self, where: Path | str, holder: str) -> None:
        self.holder = holder
        self.who = f"process {holder}" if holder != UNKNOWN else "another process"
        at_work = f"{where}: another provider-monitor ({self.who}) is at work on this database"
        super().__init__(f"{at_work}; stop it, or let it do the work")


UNKNOWN = "unknown"


class LockFile(Struct, frozen=True):
    """An open file to lock. `is_own`: it is there for that alone, so that the holder's PID is in it."""

    descriptor: int
    path: Path
    is_own: bool


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
        self._database, self.was_there = database, lock_path(database).exists()
        self._briefly = briefly
        self._kept: list[int] = []
        self._seen: object = None
        try:
            self._held = self._taken()
        except OSError as error:
            raise unusable_error(database, error) from None

    def _taken(self) -> LockFile:
        """Open a file to lock, and take it. Raises OSError and Busy.

        Whoever can make no lock file locks the database, and looks for a lock file afterwards; whoever has a lock file
        looks at the database afterwards. So one of two who come at the same instant sees the other.
        """
        lock_path(self._database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._take(_open_lock(self._database))
        if file.is_own and self._is_held_itself():
            os.close(file.descriptor)
            raise Busy(file.path, UNKNOWN)
        if not file.is_own and lock_path(self._database).exists():
            os.close(file.descriptor)
            file = self._take(_open_lock(self._database))
        return file

    def _take(self, file: LockFile) -> LockFile:
        """Take the lock, waiting for commands that hold it briefly. Raises Busy."""
        began_s = time.monotonic()
        known = "", began_s
        while not _is_locked(file.descriptor):
            now_s, said = time.monotonic(), _said(file)
            known = known if known[0] == said else (said, now_s)
            holder, _, how = said.partition(" ")
            waited_s, limit_s = (now_s - began_s, MOMENT_S) if how == BRIEFLY else (now_s - known[1], SETTLING_S)
            if self._briefly or waited_s >= limit_s:
                os.close(file.descriptor)
                raise Busy(file.path, holder or UNKNOWN)
            time.sleep(TURN_S)
        if file.is_own:
            with suppress(OSError):  # the PID is a courtesy
                os.ftruncate(file.descriptor, 0)
                os.pwrite(file.descriptor, f"{os.getpid()} {BRIEFLY if self._briefly else ''}".encode(), 0)
        return file

    def _is_held_itself(self) -> bool:
        """Whether a process that could make no lock file has locked the database; asked before we open it."""
        try:
            database = os.open(real_path(self._database), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            return not _is_locked(database)
        finally:
            os.close(database)

    def is_lost(self, seen: PathId | None = None) -> bool:
        """Whether the locked file was deleted or replaced, so that another process could take the lock.

        `seen`: what is at the database's path now, by default looked up. Asked before each write, so links are resolved
        again only if something looks different.
        """
        seen = seen or path_id(self._database)
        if seen == self._seen and self._is_at(self._held.path):
            return False
        if not self._is_at(lock_path(self._database) if self._held.is_own else real_path(self._database)):
            return True
        self._seen = seen
        return False

    def _is_at(self, place: Path) -> bool:
        try:
            return os.path.samestat(os.stat(place), os.fstat(self._held.descriptor))
        except OSError as error:
            return error.errno != errno.ENOENT

    def renew(self) -> None:
        """Take the lock again if its file, or the whole folder, was deleted; the folder is made again.

        A lock of the database itself becomes one of a lock file as soon as one can be made. Raises OSError, and Busy if
        another process was first.
        """
        lock_path(self._database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.is_lost():
            if not self._held.is_own:
                self._exchange()
            return
        before, self._held = self._held, self._take(_open_lock(self._database))
        self._put_away(before)

    def _exchange(self) -> None:
        try:
            file = _open_own(self._database)
        except OSError:
            return
        before, self._held = self._held, self._take(file)
        self._put_away(before)

    def _put_away(self, before: LockFile) -> None:
        """Close a file that is no longer needed: the database only at the end, as SQLite would lose its locks.

        Source: https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        """
        if before.is_own:
            os.close(before.descriptor)
        else:
            self._kept.append(before.descriptor)

    def release(self) -> None:
        for one in (self._held.descriptor, *self._kept):
            os.close(one)


def lock_path(database: Path) -> Path:
    """Return the lock file, which is beside the database itself: two paths that lead to it have one lock."""
    return beside(database, ".lock")


def _open_lock(database: Path) -> LockFile:
    """Open the lock file. If none can be made, lock the database itself, as with one on a read-only disk."""
    path, itself = lock_path(database), real_path(database)
    try:
        return _open_own(database)
    except OSError as error:
        for old in (path, itself):
            with suppress(OSError):
                return LockFile(os.open(old, os.O_RDONLY | os.O_CLOEXEC), old, is_own=old == path)
        raise error


def _open_own(database: Path) -> LockFile:
    path, how = lock_path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return LockFile(os.open(path, how, 0o600), path, is_own=True)


def _is_locked(descriptor: int) -> bool:
    """Lock a file, and return whether that worked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _said(file: LockFile) -> str:
    """Return what the holder wrote into the lock file; the first bytes of a database name nobody."""
    return os.pread(file.descriptor, 40, 0).decode(errors="replace").strip() if file.is_own else ""
