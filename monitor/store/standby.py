"""Failover of writes: to the database, or to a stand-in while that refuses, until it has caught up."""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store import restoration
from monitor.store.aside import files, is_emptied, log_file, put_back, remove, set_aside
from monitor.store.backup import copy_to, is_broken, was_once_ours, why_foreign
from monitor.store.connection import (
    open_in_memory,
    open_read_only,
    open_unchecked,
    open_writer,
    statement_error,
)
from monitor.store.database import SqliteDatabase
from monitor.store.expected_schema import ForeignDatabase
from monitor.store.lock import Busy, Lock
from monitor.store.reader import Reader
from monitor.store.rollup import delete_all_but
from monitor.store.setting import USUAL_LIMITS, WriterLimits
from monitor.store.sqlite_error import is_about_values, is_broken_file, refusal_of
from monitor.store.standby_path import PathId, file_id, path_id
from monitor.store.transfer import ALERT_TABLES, BELIEF_TABLES, HISTORY_TABLES, OBSERVATION_TABLES, copy_rows
from monitor.store.writer import Writer
from probes.model import Clock, Timer

log = logging.getLogger("monitor")

CARRIED_OVER = ALERT_TABLES + BELIEF_TABLES

MAGIC, PAGE = b"SQLite format 3\0", 4096
"""First bytes of a database file, and its page size in bytes. Source: https://sqlite.org/fileformat.html"""

P = ParamSpec("P")
T = TypeVar("T")


class WritePlace(StrEnum):
    """DISK: the database. RUNTIME: a file in the runtime folder. MEMORY: lost when the process ends."""

    DISK = "disk"
    RUNTIME = "runtime"
    MEMORY = "memory"


class StorageEvent(Struct, frozen=True):
    """An event of the database, other than a refusal, that people should know about."""

    at: datetime
    words: str


class UnusableFile(Struct, frozen=True):
    """Why a file is set aside: the suffix of its new name, and the reason in words."""

    kind: str
    words: str


BROKEN = UnusableFile("corrupt", "broken")
EMPTIED = UnusableFile("corrupt", "cut to nothing")


class FailoverWriter:
    """Writes wherever writing is possible. Not for use by two threads at once.

    `refusal`: why the database takes nothing now. `events`: what happened to it, not yet reported.
    """

    def __init__(
        self,
        database: Path,
        location: str,
        lock: Lock,
        clock: Clock,
        timer: Timer,
        aside: Path | None,
        limits: WriterLimits = USUAL_LIMITS,
    ) -> None:
        self._database, self._location, self._lock = database, location, lock
        self._clock, self._timer, self._stand_in, self._limits = clock, timer, aside, limits
        self.place = WritePlace.DISK
        self.refusal: StorageRefusal | None = None
        self.events: list[StorageEvent] = []
        self.is_resumed = False
        """Whether the previous process was refused, too."""
        self._again_s, self._writes, self._was_ours = 0.0, 0, False
        self.recall: Callable[[Writer], None] = _nothing
        """Writes what the process still knows in memory, wherever writing goes on."""

    def open(self) -> None:
        """Open the database, or its stand-in. Raises StoreError if no monitor ever wrote to it."""
        self._end_restore()
        was_empty = self._is_empty()
        try:
            self._use(open_writer(self._database, self._limits.wait_s), WritePlace.DISK)
        except (StoreError, sqlite3.Error) as error:
            self._open_without(error)
        if was_empty:
            log.warning(
                "%s was an empty file: it is taken as new, and what was before is not known", self._database.name
            )
        self._import_left_stand_in()

    def _end_restore(self) -> None:
        """End a restore that was killed on its way."""
        try:
            aside = restoration.end(self._database, self._stand_in)
        except restoration.Unrestored as error:
            log.error("%s: no restore that was cut short can be ended: %s", self._database.name, error)
        else:
            for one in files(aside)[:1] if aside else []:
                what = "%s: a restore that was cut short was ended; what it was is %s beside it"
                log.warning(what, self._database.name, one.name)

    def _open_without(self, error: StoreError | sqlite3.Error) -> None:
        """Go on without an unusable database. Raises the error if no monitor ever used it."""
        self._was_ours = isinstance(error, ForeignDatabase) and was_once_ours(self._database)
        refusal = StorageRefusal(RefusalKind.FAILING, str(error)) if self._was_ours else refusal_of(error)
        if refusal is None or refusal.kind is RefusalKind.DENIED or not (self._was_ours or self._was_written()):
            raise error
        if not ((self._was_ours or is_broken_file(error)) and self._begin_anew(None)):
            self._switch_to_stand_in(refusal, None)

    def _is_empty(self) -> bool:
        """Whether the file exists with zero bytes and has no WAL to restore it from."""
        _, its_log = _files(self._database)
        try:
            return self._database.stat().st_size == 0 and not its_log.exists()
        except OSError:
            return False

    def _was_written(self) -> bool:
        """Whether a monitor has used it before: then the path is right, though its first page may be gone."""
        try:
            with self._database.open("rb") as file:
                head, size = file.read(len(MAGIC)), os.fstat(file.fileno()).st_size
        except OSError:
            return False
        return head == MAGIC or is_emptied(self._database) or (self._lock.was_there and size > 0 and size % PAGE == 0)

    def close(self) -> None:
        self.connection.close()

    @property
    def reader(self) -> Reader:
        """A reader of wherever writes go now."""
        return Reader(self.connection, self._location)

    def do(self, work: Callable[Concatenate[Writer, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` on the database, else on a stand-in. Raises StoreError for what neither takes."""
        self._retry_database()
        if self.place is WritePlace.DISK:
            self._keep_hold()
        for place in WritePlace:
            try:
                done = work(self.writer, *args, **named)
            except (ForeignDatabase, sqlite3.Error) as error:
                if place is WritePlace.MEMORY or not self._fail_over(error):
                    raise statement_error(self._database, error) from error
            else:
                self._trim_stand_in()
                return done
        raise AssertionError("memory refuses nothing")

    def is_holder(self) -> bool:
        """Whether we hold the lock, so that nobody else writes."""
        return not self._lock.is_lost()

    def _keep_hold(self) -> None:
        """Put right what happened to our files since the last write: a look at the path serves both questions."""
        seen = path_id(self._database)
        if self._lock.is_lost(seen):
            self._lock_again()
        if self.place is WritePlace.DISK and self._is_gone(seen):
            self._restore_file()

    def _lock_again(self) -> None:
        """Take the lock again if its file was deleted; give way to a process that was first, as only one may write."""
        try:
            self._lock.renew()
        except Busy as error:
            self._switch_to_stand_in(StorageRefusal(RefusalKind.LOCKED, str(error)), self.connection)
        except OSError:  # we cannot make the file, so nobody else can
            return

    def _trim_stand_in(self) -> None:
        """Keep the stand-in small: it is, or may be, in memory."""
        if self.place is WritePlace.DISK:
            return
        self._writes += 1
        if self._writes % 100 == 0:
            delete_all_but(self.connection, self._limits.kept)

    def tidy(self, work: Callable[[Writer], T]) -> T | None:
        """Run housekeeping, on the database only; None: it takes no writes now."""
        if self.place is not WritePlace.DISK:
            return None
        try:
            return work(self.writer)
        except sqlite3.Error as error:
            if not self._fail_over(error):
                raise statement_error(self._database, error) from error
        return None

    def doubt(self) -> None:
        """Check a reader's report that the database is broken or no longer ours; if so, start a new one."""
        if self.place is not WritePlace.DISK:
            return
        if self._is_gone(path_id(self._database)):
            self._restore_file()
        else:
            self._begin_anew(self.connection)

    def _use(self, connection: SqliteDatabase, place: WritePlace) -> None:
        try:
            connection.execute("SELECT count(*) FROM mark").fetchone()  # so that the WAL exists
        except sqlite3.Error:
            connection.close()
            raise
        self.connection, self.place = connection, place
        self.writer = Writer(connection, self._location)
        file, self._log = _files(self._database)
        self._opened = path_id(file)
        self._held = self._opened[1], file_id(self._log)
        if place is WritePlace.DISK:
            self.refusal, self._was_ours = None, True
        with suppress(sqlite3.Error):  # the next write meets it, too
            self.recall(self.writer)

    def _fail_over(self, error: ForeignDatabase | sqlite3.Error) -> bool:
        """Fail over after a refusal; return False if the database as a whole refuses nothing.

        An unknown error, such as a missing table, may concern the whole database.
        """
        refusal = refusal_of(error)
        if refusal is None and is_about_values(error) and _is_open(self.connection):
            return False
        if (
            self.place is WritePlace.DISK
            and (refusal is None or is_broken_file(error))
            and self._begin_anew(self.connection)
        ):
            return True
        self._switch_to_stand_in(refusal or StorageRefusal(RefusalKind.FAILING, str(error)), self.connection)
        return True

    # The stand-in

    def _switch_to_stand_in(self, refusal: StorageRefusal, before: SqliteDatabase | None) -> None:
        """Switch to a stand-in, with all that can be read from the database; a failed handle is no longer trusted.

        Without an open handle the file is read.
        """
        source = before if before and _is_open(before) else _maybe_read(self._database, open_unchecked)
        try:
            self._open_any_stand_in(refusal, source)
        finally:
            if source:
                source.close()

    def _open_any_stand_in(self, refusal: StorageRefusal, before: SqliteDatabase | None) -> None:
        self.refusal = self.refusal or replace(refusal, since=self._clock())
        self._again_s = self._timer() + self._limits.again_s
        if self.place is WritePlace.DISK and self._stand_in and self._open_stand_in(self._stand_in, before):
            return
        left = _maybe_read(self._stand_in) if self.place is WritePlace.DISK and self._stand_in else None
        known = CARRIED_OVER + OBSERVATION_TABLES if left or self.place is WritePlace.RUNTIME else CARRIED_OVER
        memory = open_in_memory()
        if source := left or before:
            copy_rows(source, memory, known)
        if left:
            left.close()
        self._use(memory, WritePlace.MEMORY)
        self.refusal = self.writer.save_refusal(self.refusal)

    def _open_stand_in(self, file: Path, before: SqliteDatabase | None) -> bool:
        """Switch to the runtime folder; return False if that refuses, too."""
        assert self.refusal
        was_left = file.exists()
        try:
            made = open_writer(file)
        except StoreError:
            return False
        try:
            if before and not was_left:  # a stand-in left behind is newer than the database
                copy_rows(before, made, CARRIED_OVER)
            refusal = Writer(made, self._location).save_refusal(self.refusal)
        except sqlite3.Error:
            made.close()
            if not was_left:
                self._delete_stand_in()
            return False
        self.refusal, self.is_resumed = refusal, was_left
        self._use(made, WritePlace.RUNTIME)
        return True

    def _import_left_stand_in(self) -> None:
        """Write into the database what the previous process left in a stand-in."""
        if self.place is not WritePlace.DISK or self._stand_in is None or not self._stand_in.exists():
            return
        left = _maybe_read(self._stand_in, open_unchecked)
        try:
            whole = copy_rows(left, self.connection, CARRIED_OVER + OBSERVATION_TABLES) if left else False
        except sqlite3.Error as error:
            self._fail_over(error)
        else:
            self._put_away_stand_in(whole)
        finally:
            if left:
                left.close()

    def _put_away_stand_in(self, whole: bool) -> None:
        """Delete a stand-in that was written into the database; keep one of which a part could not be read."""
        if whole or self._stand_in is None:
            self._delete_stand_in()
            return
        with suppress(OSError):
            aside = set_aside(self._stand_in, self._clock())
            log.warning("a part of what was written beside %s could not be read: %s", self._database.name, aside)

    def _retry_database(self) -> None:
        """Retry the database with a new handle, and write to it whatever it lacks."""
        if self.refusal is None or self._timer() < self._again_s:
            return
        self._again_s, was_there = self._timer() + self._limits.again_s, self._database.exists()
        before, place = self.connection, self.place
        try:
            self._lock.renew()
            self._use(self._caught_up(), WritePlace.DISK)
        except (OSError, StoreError, sqlite3.Error) as error:
            if is_broken_file(error) or isinstance(error, ForeignDatabase):
                self._begin_anew(self.connection)
            return
        self._close_stand_in(before, place)
        if not was_there:
            words = f"{self._database.name} was deleted or moved; a new one is in use, without what was before"
            self.events.append(StorageEvent(self._clock(), words))

    def _caught_up(self) -> SqliteDatabase:
        """Return the database once it has caught up. Raises StoreError or sqlite3.Error if it refuses."""
        disk = open_writer(self._database, self._limits.retry_wait_s)
        try:
            _checkpoint(disk)
            copy_rows(self.connection, disk, CARRIED_OVER + OBSERVATION_TABLES)
            disk.execute(f"PRAGMA busy_timeout = {round(1000 * self._limits.wait_s)}")
        except BaseException:
            disk.close()
            raise
        return disk

    def _close_stand_in(self, before: SqliteDatabase, place: WritePlace) -> None:
        """Close the stand-in."""
        before.close()
        if place is WritePlace.RUNTIME:
            self._delete_stand_in()

    def _delete_stand_in(self) -> None:
        if self._stand_in:
            with suppress(OSError):
                remove(self._stand_in)
                for copy in self._stand_in.parent.glob(f"{self._stand_in.name}.schema-*"):
                    copy.unlink()

    # A broken or missing database

    def _begin_anew(self, before: SqliteDatabase | None) -> bool:
        """Set aside a database that is broken or no longer ours; go on with a new one. False: it is fine, or stays."""
        why = self._why_unusable()
        if why is None:
            return False
        if before and self.place is WritePlace.DISK:
            before.close()  # first: closing later would delete the new one's WAL, which has the same name
        at, place = self._clock(), self.place
        try:
            aside = set_aside(self._database, at, why.kind)
            whole = self._replace(aside, before)
        except (OSError, StoreError, sqlite3.Error):
            return False
        if before:
            self._close_stand_in(before, place)
        what = (
            "what it held was brought over, but no single observations" if whole else "a part of it could not be read"
        )
        self.events.append(
            StorageEvent(at, f"{self._database.name} was {why.words} and is set aside as {aside.name}; {what}")
        )
        return True

    def _why_unusable(self) -> UnusableFile | None:
        """Return what a second connection finds wrong. A file this process never used may be another program's.

        In that case the error at the start says so.
        """
        if is_emptied(self._database):
            return EMPTIED
        if is_broken(self._database):
            return BROKEN
        words = why_foreign(self._database) if self._was_ours else None
        return UnusableFile("foreign", f"ours no more ({words})") if words else None

    def _replace(self, aside: Path, before: SqliteDatabase | None) -> bool:
        """Go on with a new database; return whether everything was copied. If none can be made, nothing changes."""
        fresh = None
        try:
            fresh = open_writer(self._database)
            whole = self._salvage(aside, fresh)
            if before and self.place is not WritePlace.DISK:
                copy_rows(before, fresh, CARRIED_OVER + OBSERVATION_TABLES)
            self._use(fresh, WritePlace.DISK)
        except (StoreError, sqlite3.Error):
            if fresh:
                fresh.close()
            put_back(aside, self._database)
            raise
        return whole

    def _salvage(self, aside: Path, fresh: SqliteDatabase) -> bool:
        """Copy what can be read; return whether that was everything except single observations."""
        if is_emptied(aside):
            os.truncate(aside, PAGE)  # a page of nothing: SQLite reads the log of a file that has one
        old = _maybe_read(aside, open_unchecked)
        if old is None:
            return False
        try:
            whole = [copy_rows(old, fresh, passages) for passages in (ALERT_TABLES, BELIEF_TABLES, HISTORY_TABLES)]
            return all(whole)
        finally:
            old.close()

    def _is_gone(self, seen: PathId) -> bool:
        """Whether a new connection would open other files than the ones we hold; `seen` is what its path leads to."""
        _, its_log = self._held
        if seen == self._opened and (not its_log or file_id(self._log) == its_log):
            return False  # asked before each write: links are resolved only where something looks different
        return not self._are_held(*_files(self._database))

    def _are_held(self, *files: Path) -> bool:
        return all(not seen or file_id(one) == seen for one, seen in zip(files, self._held, strict=True))

    def _restore_file(self) -> None:
        """Replace the file that was removed: we still hold all of it open."""
        at, before = self._clock(), self.connection
        try:
            self._lock.renew()
            how = self._put_in_place(before, at)
        except (OSError, StoreError, sqlite3.Error) as error:
            words = refusal.words if (refusal := refusal_of(error)) else str(error)
            self._switch_to_stand_in(StorageRefusal(RefusalKind.GONE, f"it was deleted or moved, and: {words}"), before)
            return
        self.events.append(
            StorageEvent(at, f"{self._database.name} was deleted, moved or replaced while in use: {how}")
        )

    def _put_in_place(self, before: SqliteDatabase, at: datetime) -> str:
        """Go on with a file at the database's path; return in words which one. Raises if that is impossible."""
        file, its_log = _files(self._database)
        there, (held, _), is_elsewhere = file_id(file), self._held, its_log != self._log
        if there is None or (there == held and not is_elsewhere):
            return self._write_anew(before)
        if there == held:
            return self._follow_link(before)
        return self._take_up(before, at)

    def _write_anew(self, before: SqliteDatabase) -> str:
        real = Path(os.path.realpath(self._database))
        copy = copy_to(before, real.with_name(real.name + ".rescued"))
        before.close()
        self._remove_wal()
        remove(real)
        copy.rename(real)
        self._use(open_writer(self._database, self._limits.wait_s), WritePlace.DISK)
        return "it was written anew, nothing is lost"

    def _follow_link(self, before: SqliteDatabase) -> str:
        """Go on with the same file where it was moved to; its WAL, left behind, is merged into it first."""
        is_held, *_ = before.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if is_held:
            return self._write_anew(before)
        before.close()
        self._log.unlink(missing_ok=True)
        self._use(open_writer(self._database, self._limits.wait_s), WritePlace.DISK)
        return "it is used where the link at its place leads to, nothing is lost"

    def _take_up(self, before: SqliteDatabase, at: datetime) -> str:
        """Go on with the file that was put there; set it aside if it is broken or not ours."""
        self._remove_wal()
        try:
            made = open_writer(self._database)
        except StoreError as error:
            if not (isinstance(error, ForeignDatabase) or (is_broken_file(error) and is_broken(self._database))):
                raise
            why = why_foreign(self._database) or "is broken"
            aside = set_aside(self._database, at, "foreign")
            how = f"what was put in its place {why}, and is set aside as {aside.name}"
            return f"{how}; {self._write_anew(before)}"
        copy_rows(before, made, CARRIED_OVER)
        before.close()
        self._use(made, WritePlace.DISK)
        return "another file was put in its place, which is used now"

    def _remove_wal(self) -> None:
        """Remove our WAL from the path, where it would be read as another file's; we still hold it open."""
        _, held = self._held
        if held and file_id(self._log) == held:
            for side in (self._log, self._log.with_name(self._log.name.removesuffix("-wal") + "-shm")):
                side.unlink(missing_ok=True)


def _files(database: Path) -> tuple[Path, Path]:
    return database, log_file(database)


def _nothing(_: Writer) -> None:
    pass


def _is_open(connection: SqliteDatabase) -> bool:
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def _checkpoint(disk: sqlite3.Connection) -> None:
    """Checkpoint and sync the whole WAL into the file: after a failed sync the system may have dropped the data."""
    disk.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _maybe_read(database: Path, read: Callable[[Path], SqliteDatabase] = open_read_only) -> SqliteDatabase | None:
    try:
        return read(database)
    except StoreError:
        return None
