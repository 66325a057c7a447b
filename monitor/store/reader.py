"""Everything that is read from the store, grouped by topic."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from monitor.store.database import Database
from monitor.store.former_location import FormerLocation, former_locations
from monitor.store.history import History
from monitor.store.incident_log import IncidentLog
from monitor.store.key_value import KeyValues
from monitor.store.message_log import MessageLog
from monitor.store.objective_history import ObjectiveHistory
from monitor.store.outgoing import Shipment, count_outgoing, next_shipment
from monitor.store.resumption import Resumption
from monitor.store.rollup import RollUp, next_roll_up


class Reader:
    """Reads one location over one connection. Not for use by two threads at once."""

    def __init__(self, connection: Database, location: str) -> None:
        self._db = connection
        self.marks = KeyValues(connection, location)
        self.resumption = Resumption(connection, location, self.marks)
        self.history = History(connection, location, self.marks)
        self.objectives = ObjectiveHistory(connection, location, self.marks)
        self.incidents = IncidentLog(connection, location)
        self.messages = MessageLog(connection, location)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads within see the database as of one instant."""
        with self._db.snapshot():
            yield

    def next_shipment(self, most: int) -> Shipment | None:
        """Return the oldest observations that are on their way to the shared store; None: all are there."""
        return next_shipment(self._db, self.marks.location, most)

    def count_outgoing(self) -> int:
        """Return how many are on their way."""
        return count_outgoing(self._db)

    def next_roll_up(self, now: datetime) -> RollUp | None:
        """Return the oldest closed hour, else day, not rolled up yet; None if all are."""
        return next_roll_up(self._db, self.marks, now)

    def former_locations(self, now: datetime) -> list[FormerLocation]:
        """Return the locations for which the database was written before it came to be used for this one."""
        return former_locations(self._db, self.marks.location, now)

    def other_locations(self) -> list[str]:
        """Return the other locations that have written to the database."""
        query = "SELECT location FROM mark WHERE name = 'beat' AND location <> ? ORDER BY 1"
        return [row["location"] for row in self._db.execute(query, (self.marks.location,))]

    def is_sound(self) -> bool:
        """Whether the database finds its own pages intact."""
        return self._db.is_sound()
