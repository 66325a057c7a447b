"""All that one database holds → an empty one of the other kind: migrate-store, backup and restore."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from monitor.store.database import Database, SqliteDatabase
from monitor.store.expected_schema import LAYOUT
from monitor.store.postgres.connection import PostgresDatabase

SERIAL = ("series", "answer", "outbox")
"""Tables that number their rows in a column `id`."""
ORDER = (
    *("series", "answer", "observation", "evidence", "ceiling", "health", "track", "hourly", "daily"),
    *("daily_ceiling", "daily_credit", "spending", "incident", "change", "outbox", "reply", "incident_note"),
    *("mark", "note", "source", "pool"),
)
"""The tables, those first that others refer to."""


class TablePart(Struct, frozen=True):
    """A part that is copied at once: of one series, or, where `series` is None, all of a table."""

    table: str
    series: int | None = None

    def __str__(self) -> str:
        return self.table if self.series is None else f"{self.table} {self.series}"


class TableCount(Struct, frozen=True):
    """The rows of a table on both sides."""

    table: str
    before: int
    after: int


def copy_to_postgres(source: SqliteDatabase, into: PostgresDatabase) -> Iterator[TablePart]:
    """Copy everything, part by part, each in a transaction that says it is done; yield each. It may be called again
    after it was cut short, and goes on.

    The tables were made just before, and nobody else writes to them.
    """
    into.execute("CREATE TABLE IF NOT EXISTS migrated (part text PRIMARY KEY)")
    done = {part for (part,) in into.tuples("SELECT part FROM migrated")}
    for part in _parts(source):
        if str(part) not in done:
            with into.transaction():
                into.copy_in(part.table, _quoted(part.table), _clean(_rows(source, part)))
                into.execute("INSERT INTO migrated VALUES (?)", (str(part),))
        yield part
    for table in SERIAL:
        _go_on_numbering(into, table, "id")
    _go_on_numbering(into, "change", "rowid")
    into.execute("DROP TABLE migrated")


def copy_to_sqlite(source: PostgresDatabase, into: SqliteDatabase) -> None:
    """Copy everything into a new database, in one transaction."""
    with source.snapshot(), into.transaction():
        for table in ORDER:
            names = _quoted(table)
            slots = ", ".join("?" * len(names))
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({slots})"
            into.executemany(statement, source.stream(f"SELECT {', '.join(names)} FROM {table}"))


def count_rows(source: Database, into: Database) -> Sequence[TableCount]:
    """Return how many rows each table has on both sides."""
    return [TableCount(table, _count(source, table), _count(into, table)) for table in ORDER]


def _count(db: Database, table: str) -> int:
    return int(db.tuples(f"SELECT count(*) FROM {table}").fetchone()[0])


def _parts(source: Database) -> Iterator[TablePart]:
    series = [id for (id,) in source.tuples("SELECT id FROM series ORDER BY id")]
    for table in ORDER:
        if "series_id" in columns(table):
            yield from (TablePart(table, one) for one in series)
        else:
            yield TablePart(table)


def columns(table: str) -> tuple[str, ...]:
    """Return all columns of a table, also the one that says in which order its rows came."""
    named = tuple(one.rstrip("!*") for one in LAYOUT[table].partition(" (")[0].split())
    return ("rowid", *named) if table == "change" else named


def _quoted(table: str) -> list[str]:
    return [f'"{one}"' for one in columns(table)]


def _rows(source: Database, part: TablePart) -> Iterable[Sequence[object]]:
    names = ", ".join(_quoted(part.table))
    if part.series is None:
        return source.tuples(f"SELECT {names} FROM {part.table}")
    return source.tuples(f"SELECT {names} FROM {part.table} WHERE series_id = ?", (part.series,))


def _clean(rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Yield the rows without NUL, which no text of PostgreSQL holds."""
    for row in rows:
        yield [one.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(one, str) else one for one in row]


def _go_on_numbering(into: PostgresDatabase, table: str, column: str) -> None:
    query = f"SELECT setval(pg_get_serial_sequence(?, ?), greatest((SELECT max({column}) FROM {table}), 1))"
    into.execute(query, (table, column))


def differing(counts: Iterable[TableCount]) -> Mapping[str, tuple[int, int]]:
    """Return the tables whose number of rows differs."""
    return {one.table: (one.before, one.after) for one in counts if one.before != one.after}
