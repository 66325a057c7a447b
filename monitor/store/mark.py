"""What stands at a name: single values that one process leaves to the next, or to who asks from outside."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from monitor.diagnose.stage_failure import Failing
from monitor.storage_refusal import StorageRefusal
from monitor.store.clock import Trace
from monitor.store.overlap import Overlap
from monitor.store.value import from_json, from_ms, sound

T = TypeVar("T")


class Marks:
    """The marks of one location."""

    def __init__(self, connection: sqlite3.Connection, location: str) -> None:
        self._db = connection
        self.location = location

    def _marked(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return what stands at a mark; None: nothing, or nothing that can be read."""
        rows = self._db.execute("SELECT value FROM mark WHERE (location, name) = (?, ?)", (self.location, name))
        return next(sound(rows, lambda row: read(row["value"])), None)

    def last_beat(self) -> datetime | None:
        return self._marked("beat", _time)

    def trace(self) -> Trace | None:
        """Return what the last process left of its clocks; None: nothing."""
        return self._marked("clock", lambda text: from_json(text, Trace))

    def refusal(self) -> StorageRefusal | None:
        """Return why the database cannot be written, where this one stands in for it."""
        return self._marked("refused", lambda text: from_json(text, StorageRefusal))

    def overlap(self) -> Overlap | None:
        """Return the rounds that were left out lately; None: none ever was."""
        return self._marked("overlap", lambda text: from_json(text, Overlap))

    def failing(self) -> list[Failing]:
        """Return the stages of the monitor that fail, as it last told."""
        return self._marked("failing", lambda text: from_json(text, list[Failing])) or []

    def said(self) -> dict[str, str]:
        """Return what the log holds of the monitor's own trouble, by what it is about."""
        return self._marked("said", lambda text: from_json(text, dict[str, str])) or {}

    def rolled_until(self, table: str = "hourly") -> datetime:
        """Return the end of the last hour (or day) that was rolled up; 1970 when none was."""
        return self._marked(f"{table}_until", _time) or from_ms(0)


def _time(text: str) -> datetime:
    return from_ms(int(text))
