"""What the places ship, until the leading judge has taken it; and what it wants to be probed there at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.store.outgoing import Received, Shipment
from monitor.store.postgres.connection import PostgresDatabase
from monitor.store.row import from_json, read_rows, to_ms
from probes.model import Observation

CHANNEL = "monitor_inbox"
"""Where a shipment is announced: only a hint, as a connection may be half open."""


def ship(db: PostgresDatabase, place: str, shipment: Shipment) -> int:
    """Write what was not received yet, and say until which number all is here; return how many were new.

    The same shipment twice, as after an answer that was lost, adds nothing.
    """
    with db.transaction():
        new_origin = "INSERT INTO origin (id, place, seq) VALUES (?, ?, 0) ON CONFLICT DO NOTHING"
        db.execute(new_origin, (shipment.origin, place))
        query = "SELECT seq FROM origin WHERE id = ? FOR UPDATE"
        known = int(db.tuples(query, (shipment.origin,)).fetchone()[0])
        rows = [(shipment.origin, seq, body) for seq, body in shipment.bodies.items() if seq > known]
        count = db.copy_in("inbox", ("origin", "seq", "body"), rows)
        last = max(known, shipment.last)
        renew = "UPDATE origin SET seq = ?, place = ?, received_at = now() WHERE id = ?"
        db.execute(renew, (last, place, shipment.origin))
        db.execute("SELECT pg_notify(?, '')", (CHANNEL,))
    return count


def next_received(db: PostgresDatabase, after: Mapping[str, int], most: int) -> list[Received]:
    """Return what was shipped, of each origin in order, after the number that is known of it already."""
    origins = db.tuples("SELECT id, place FROM origin ORDER BY id").fetchall()
    found: list[Received] = []
    for origin, place in origins:
        query = "SELECT seq, body FROM inbox WHERE origin = ? AND seq > ? ORDER BY seq LIMIT ?"
        for seq, body in db.tuples(query, (origin, after.get(origin, 0), most)):
            found.append(Received(origin, seq, place, _read(body)))
    return found


def _read(body: str) -> Observation | None:
    return next(read_rows([body], lambda one: from_json(one, Observation)), None)


def want(db: PostgresDatabase, wanted: Sequence[tuple[str, str]], at: datetime) -> None:
    """Ask places to probe these targets, `(place, target)`, at once."""
    rows = [(place, target, to_ms(at)) for place, target in wanted]
    statement = """
        INSERT INTO wanted (place, target, at) VALUES (?, ?, ?)
        ON CONFLICT (place, target) DO UPDATE SET at = excluded.at
    """
    with db.transaction():
        db.executemany(statement, rows)


def take_wanted(db: PostgresDatabase, place: str) -> dict[str, int]:
    """Return and remove what a place is asked to probe, with the time in ms at which that was asked."""
    return dict(db.tuples("DELETE FROM wanted WHERE place = ? RETURNING target, at", (place,)).fetchall())
