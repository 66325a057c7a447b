"""The store of one monitor: all that the other packages know of the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.store import file_system, overlap
from monitor.store.connection import USUAL_LIMITS, WriterLimits, open_reader, statement_refused
from monitor.store.lock import Lock
from monitor.store.reader import Reader
from monitor.store.standby_path import stand_in
from probes.model import Clock, Timer

if TYPE_CHECKING:
    from monitor.store.standby import FailoverWriter


class Store(Struct, frozen=True):
    """The store of one location. Nothing is opened before it is used."""

    path: Path
    location: str
    limits: WriterLimits = USUAL_LIMITS

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    @property
    def aside(self) -> Path:
        """The file for parts that cannot be written."""
        return self.path.with_name(f"{self.name}.aside.jsonl")

    def place_warning(self) -> str | None:
        """Return why the database should not be where it is; None: it is fine."""
        return file_system.warning(self.path)

    def take_overlaps(self) -> list[datetime]:
        """Return and remove the times of rounds skipped because another was at work."""
        return overlap.take(self.path)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a reader, on the stand-in while the database cannot be written. Raises StoreError, also from within."""
        with closing(open_reader(self.path, self.limits.wait_s)) as connection, self._in_words():
            yield Reader(connection, self.location)

    @contextmanager
    def writing(self, clock: Clock, timer: Timer) -> Iterator["FailoverWriter"]:
        """Hold the database for writing. Raises StoreError, also from within; Busy if another process holds it."""
        from monitor.store.standby import FailoverWriter  # a process that only reads need not pay for it

        lock = Lock(self.path)
        try:
            aside = stand_in(self.path)
            failover = FailoverWriter(self.path, self.location, lock, clock, timer, aside, self.limits)
            with self._in_words():
                failover.open()
                with closing(failover):
                    yield failover
        finally:
            lock.release()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise statement_refused(self.path, error) from error


def open_store(database: Path, location: str, limits: WriterLimits = USUAL_LIMITS) -> Store:
    return Store(database, location, limits)
