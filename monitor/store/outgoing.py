"""Observations on their way to a store that is shared: numbered where they were made, and taken from there in order."""

from collections.abc import Mapping, Sequence
from uuid import uuid4

from msgspec import Struct

from monitor.store.database import Database
from monitor.store.key_value import KeyValues
from monitor.store.row import to_json
from monitor.store.statement import MARK
from probes.model import Observation


class Shipment(Struct, frozen=True):
    """Some of the oldest observations that were not yet taken, as JSON by their number, in order.

    `origin` names the database that numbers them: one that is made anew has another one.
    """

    origin: str
    bodies: Mapping[int, str]

    @property
    def last(self) -> int:
        return max(self.bodies)


class Received(Struct, frozen=True):
    """One observation from a place, and its number at its origin. None: it could not be read."""

    origin: str
    seq: int
    place: str
    observation: Observation | None


def queue_observations(db: Database, location: str, observations: Sequence[Observation]) -> None:
    """Number these observations and keep them until they are shipped; within a transaction of the caller's."""
    if not observations:
        return
    last = int(db.tuples("SELECT coalesce(max(seq), 0) FROM outgoing").fetchone()[0])
    last = max(last, KeyValues(db, location).shipped())
    rows = [(number, to_json(one)) for number, one in enumerate(observations, last + 1)]
    db.executemany("INSERT INTO outgoing (seq, body) VALUES (?, ?)", rows)


def next_shipment(db: Database, location: str, most: int) -> Shipment | None:
    """Return the oldest that were not yet shipped, at most so many; None: all were."""
    rows = db.tuples("SELECT seq, body FROM outgoing ORDER BY seq LIMIT ?", (most,)).fetchall()
    origin = KeyValues(db, location).origin()
    return Shipment(origin, dict(rows)) if rows and origin else None


def forget_shipped(db: Database, location: str, last: int) -> None:
    """Forget those up to this number: they are in the shared store."""
    with db.transaction():
        db.execute("DELETE FROM outgoing WHERE seq <= ?", (last,))
        db.execute(MARK, (location, "shipped", str(last)))


def count_outgoing(db: Database) -> int:
    """Return how many wait, without counting them one by one."""
    first, last = db.tuples("SELECT min(seq), max(seq) FROM outgoing").fetchone()
    return 0 if first is None else int(last - first + 1)


def drop_oldest(db: Database, kept: int) -> int:
    """Drop all but the newest so many; return how many were lost."""
    with db.transaction():
        query = "DELETE FROM outgoing WHERE seq <= (SELECT max(seq) FROM outgoing) - ?"
        return db.execute(query, (kept,)).rowcount


def name_origin(db: Database, location: str) -> None:
    """Give the database a name of its own, if it has none."""
    if KeyValues(db, location).origin() is None:
        with db.transaction():
            db.execute(MARK, (location, "origin", uuid4().hex))


def forget_received(db: Database, received: Mapping[str, int]) -> None:
    """Forget, in the shared store, what came from each origin up to this number: it is judged, and saved with that."""
    db.executemany("DELETE FROM inbox WHERE origin = ? AND seq <= ?", list(received.items()))
