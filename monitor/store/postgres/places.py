"""What places tell of themselves, and when something was last heard of each."""

from collections.abc import Iterable

from msgspec import DecodeError, json

from monitor.store.place_report import ClockOffset, PlaceNews, PlaceReport
from monitor.store.postgres.connection import PostgresDatabase
from probes.model import Clock


def tell(db: PostgresDatabase, place: str, report: PlaceReport, clock: Clock) -> None:
    """Note that a place is there, with its report, and how its clock differs from the server's."""
    offset = measure_clock(db, clock)
    row = (place, json.encode(report).decode(), offset.low_s, offset.high_s)
    db.execute(
        """
        INSERT INTO place (name, report, clock_low_s, clock_high_s) VALUES (?, ?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET heard_at = now(), report = excluded.report,
            clock_low_s = excluded.clock_low_s, clock_high_s = excluded.clock_high_s
        """,
        row,
    )


def measure_clock(db: PostgresDatabase, clock: Clock) -> ClockOffset:
    """Return how far a clock is ahead of the server's, which was read at some time between two readings of it."""
    before = clock()
    (there,) = db.tuples("SELECT clock_timestamp()").fetchone()
    after = clock()
    low_s, high_s = sorted(((before - there).total_seconds(), (after - there).total_seconds()))
    return ClockOffset(low_s, high_s)


def expect(db: PostgresDatabase, places: Iterable[str]) -> None:
    """Count the silence of these places from now, unless something was heard of them before."""
    db.executemany("INSERT INTO place (name) VALUES (?) ON CONFLICT DO NOTHING", [(one,) for one in places])


def heard_of(db: PostgresDatabase) -> list[PlaceNews]:
    """Return what is known of each place."""
    query = "SELECT name, now() - heard_at, report, clock_low_s, clock_high_s FROM place ORDER BY name"
    rows = db.tuples(query).fetchall()
    return [
        PlaceNews(name, silent, _read(report), None if low_s is None else ClockOffset(low_s, high_s))
        for name, silent, report, low_s, high_s in rows
    ]


def _read(report: str) -> PlaceReport:
    """Return a report; an empty one if another version wrote what cannot be read."""
    try:
        return json.decode(report or "{}", type=PlaceReport)
    except DecodeError:
        return PlaceReport()
