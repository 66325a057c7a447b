"""Queries on the recorded incidents and their changes."""

from datetime import datetime

from monitor.alert.incident_note import IncidentNote
from monitor.diagnose.incident import Change, Incident
from monitor.diagnose.incident_step import IncidentStep
from monitor.store.database import Database
from monitor.store.row import change_from, incident_from, incident_note_from, read_rows, step_from, to_ms

MOST_STEPS = 100
"""Most steps of one incident that are read: one that comes and goes for days has thousands."""


class IncidentLog:
    """The incidents of one location."""

    def __init__(self, connection: Database, location: str) -> None:
        self._db = connection
        self._location = location

    def closed(self, most: int) -> list[Incident]:
        """Return the latest closed incidents, newest first."""
        rows = self._db.execute(
            "SELECT details FROM incident WHERE location = ? AND closed IS NOT NULL ORDER BY opened DESC LIMIT ?",
            (self._location, most),
        )
        return list(read_rows(rows, incident_from))

    def between(self, since: datetime, until: datetime) -> list[Incident]:
        """Return the incidents open at any time within the span, without drills; oldest first."""
        query = """
            SELECT details FROM incident
            WHERE location = ? AND drill = 0 AND opened < ? AND coalesce(closed, ?) >= ? ORDER BY opened
        """
        rows = self._db.execute(query, (self._location, to_ms(until), to_ms(until), to_ms(since)))
        return list(read_rows(rows, incident_from))

    def find(self, id: str) -> Incident | None:
        query = "SELECT details FROM incident WHERE (location, id) = (?, ?)"
        row = self._db.execute(query, (self._location, id)).fetchone()
        return next(read_rows([row] if row else (), incident_from), None)

    def ids(self) -> list[str]:
        """Return all ids, those of open incidents first, then the newest first."""
        query = "SELECT id FROM incident WHERE location = ? ORDER BY closed IS NOT NULL, opened DESC"
        return [row["id"] for row in self._db.execute(query, (self._location,))]

    def steps(self, incident: str) -> tuple[IncidentStep, ...]:
        """Return the latest steps of an incident, at most MOST_STEPS, oldest first."""
        query = """
            SELECT kind, at, incident FROM change
            WHERE rowid IN (
                SELECT rowid FROM change WHERE (location, incident_id) = (?, ?) ORDER BY rowid DESC LIMIT ?
            )
            ORDER BY rowid DESC
        """
        rows = self._db.execute(query, (self._location, incident, MOST_STEPS)).fetchall()
        return tuple(read_rows(reversed(rows), step_from))

    def notes(self) -> dict[str, tuple[IncidentNote, ...]]:
        """Return what people wrote, by incident, oldest first."""
        rows = self._db.execute("SELECT * FROM incident_note WHERE location = ? ORDER BY at, id", (self._location,))
        found: dict[str, tuple[IncidentNote, ...]] = {}
        for one in read_rows(rows, incident_note_from):
            found[one.incident] = (*found.get(one.incident, ()), one)
        return found

    def changes_since(self, since: datetime) -> list[Change]:
        """Return all changes of the incidents whose first change came since then, in order."""
        query = """
            SELECT incident, kind, at FROM change
            WHERE location = :here AND incident_id IN (
                SELECT incident_id FROM change WHERE location = :here GROUP BY 1 HAVING min(at) >= :since
            )
            ORDER BY rowid
        """
        rows = self._db.execute(query, {"here": self._location, "since": to_ms(since)})
        return list(read_rows(rows, change_from))
