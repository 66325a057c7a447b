"""Where one monitor keeps what it remembers: what all other rooms know of the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.store import file_system, overlap
from monitor.store.connection import Lock, open_reader, statement_refused
from monitor.store.reader import Reader
from monitor.store.standby_path import stand_in
from probes.model import Clock, Timer

if TYPE_CHECKING:
    from monitor.store.standby import FailoverWriter


class Store(Struct, frozen=True):
    """What is remembered of one location. Nothing is opened before it is asked."""

    path: Path
    location: str

    @property
    def name(self) -> str:
        """What it is called before people."""
        return self.path.name

    @property
    def aside(self) -> Path:
        """Where what cannot be written is set aside."""
        return self.path.with_name(f"{self.name}.aside.jsonl")

    def place_warning(self) -> str | None:
        """Return what speaks against the place where it lies; None: nothing."""
        return file_system.warning(self.path)

    def take_overlaps(self) -> list[datetime]:
        """Return when rounds were left out because another was at work, each once."""
        return overlap.take(self.path)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read it, or what stands in for it while it cannot be written. Raises StoreError, also from within."""
        with closing(open_reader(self.path)) as connection, self._in_words():
            yield Reader(connection, self.location)

    @contextmanager
    def writing(self, clock: Clock, timer: Timer) -> Iterator["FailoverWriter"]:
        """Hold it alone, to write. Raises StoreError, also from within, Busy where another process holds it."""
        from monitor.store.standby import FailoverWriter  # who only reads need not pay for it

        lock = Lock(self.path)
        try:
            failover = FailoverWriter(self.path, self.location, lock, clock, timer, stand_in(self.path))
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


def open_store(database: Path, location: str) -> Store:
    return Store(database, location)
