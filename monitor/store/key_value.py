"""Marks: single named values that a process leaves for the next one or for a command."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from monitor.diagnose.stage_failure import FailingStage
from monitor.storage_refusal import StorageRefusal
from monitor.store.clock import ClockTrace
from monitor.store.database import Database
from monitor.store.overlap import Overlap
from monitor.store.row import from_json, from_ms, read_rows, read_values
from monitor.tally import TallyPart

T = TypeVar("T")

TALLY = "tally "
"""What the names of the tally's marks begin with, before an account's id."""


class KeyValues:
    """The marks of one location."""

    def __init__(self, connection: Database, location: str) -> None:
        self._db = connection
        self.location = location

    def _marked(self, name: str, read: Callable[[str], T]) -> T | None:
        """Return the value of a mark; None if it is missing or unreadable."""
        rows = self._db.execute("SELECT value FROM mark WHERE (location, name) = (?, ?)", (self.location, name))
        return next(read_rows(rows, lambda row: read(row["value"])), None)

    def last_beat(self) -> datetime | None:
        return self._marked("beat", _time)

    def trace(self) -> ClockTrace | None:
        """Return the clock readings that the last process left; None: none."""
        return self._marked("clock", lambda text: from_json(text, ClockTrace))

    def refusal(self) -> StorageRefusal | None:
        """Return why the database cannot be written, if this file is its stand-in."""
        return self._marked("refused", lambda text: from_json(text, StorageRefusal))

    def overlap(self) -> Overlap | None:
        """Return the rounds skipped lately; None: none ever was."""
        return self._marked("overlap", lambda text: from_json(text, Overlap))

    def failing(self) -> list[FailingStage]:
        """Return the failing stages, as the monitor last saved them."""
        return self._marked("failing", lambda text: from_json(text, list[FailingStage])) or []

    def said(self) -> dict[str, str]:
        """Return the monitor's own warnings already in the log, by subject."""
        return self._marked("said", lambda text: from_json(text, dict[str, str])) or {}

    def tally(self) -> dict[str, TallyPart]:
        """Return what was counted so far, by account; an unreadable part is left out, and begins anew."""
        query = "SELECT name, value FROM mark WHERE location = ? AND name LIKE ?"
        rows = self._db.execute(query, (self.location, f"{TALLY}%"))
        return read_values(((row["name"].removeprefix(TALLY), row["value"]) for row in rows), TallyPart)

    def shipped(self) -> int:
        """Return the number of the last observation that is in the shared store; 0: none is."""
        return self._marked("shipped", int) or 0

    def origin(self) -> str | None:
        """Return the name of this database as an origin of observations; None: it has none yet."""
        return self._marked("origin", str)

    def rolled_until(self, table: str = "hourly") -> datetime:
        """Return the end of the last hour (or day) rolled up; 1970 if none was."""
        return self._marked(f"{table}_until", _time) or from_ms(0)


def _time(text: str) -> datetime:
    return from_ms(int(text))
