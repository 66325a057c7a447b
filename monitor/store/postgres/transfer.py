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
    *("mark", "note", "source", "pool", "outgoing"),
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


class Relocation(Struct, frozen=True):
    """What a location's rows become where several share a store: its series are of a place, the rest is of all."""

    before: str
    after: str


def copy_to_postgres(
    source: SqliteDatabase, into: PostgresDatabase, relocation: Relocation | None = None
) -> Iterator[TablePart]:
    """Copy everything, part by part, each in a transaction that says it is done; yield each. It may be called again
    after it was cut short, and goes on.

    The tables were made just before, and nobody else writes to them. With a `relocation` only its rows are copied.
    """
    into.execute("CREATE TABLE IF NOT EXISTS migrated (part text PRIMARY KEY)")
    done = {part for (part,) in into.tuples("SELECT part FROM migrated")}
    for part in _parts(source, relocation):
        if str(part) not in done:
            with into.transaction():
                into.copy_in(part.table, _quoted(part.table), _clean(_rows(source, part, relocation)))
                into.execute("INSERT INTO migrated VALUES (?)", (str(part),))
        yield part
    for table in SERIAL:
        _go_on_numbering(into, table, "id")
    _go_on_numbering(into, "change", "rowid")
    into.execute("DROP TABLE migrated")


def is_begun(into: PostgresDatabase) -> bool:
    """Whether a copy was cut short there."""
    return into.tuples("SELECT to_regclass('migrated')").fetchone()[0] is not None


def is_filled(into: Database) -> bool:
    """Whether there is anything already."""
    return any(into.tuples(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in ("series", "incident", "reply"))


def copy_to_sqlite(source: PostgresDatabase, into: SqliteDatabase) -> None:
    """Copy everything into a new database, in one transaction."""
    with source.snapshot(), into.transaction():
        for table in ORDER:
            names = _quoted(table)
            slots = ", ".join("?" * len(names))
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({slots})"
            into.executemany(statement, source.stream(f"SELECT {', '.join(names)} FROM {table}"))


def count_rows(source: SqliteDatabase, into: Database, relocation: Relocation) -> Sequence[TableCount]:
    """Return how many rows each table has on both sides, of those that are copied."""
    return [_counted(source, into, table, relocation) for table in ORDER if table not in OWN]


def _counted(source: SqliteDatabase, into: Database, table: str, relocation: Relocation) -> TableCount:
    where, values = _which(TablePart(table), relocation)
    if "series_id" in columns(table):
        where, values = "WHERE series_id IN (SELECT id FROM series WHERE location = ?)", (relocation.before,)
    before = source.tuples(f"SELECT count(*) FROM {table} {where}", values).fetchone()[0]
    return TableCount(table, int(before), int(into.tuples(f"SELECT count(*) FROM {table}").fetchone()[0]))


OWN = ("outgoing",)
"""Tables of what is a node's own."""
CARRIED_MARKS = "name LIKE '%_until' OR name LIKE 'tally %'"
"""The marks that are of the results, and not of a process."""


def _parts(source: Database, relocation: Relocation | None) -> Iterator[TablePart]:
    where, values = _which(TablePart("series"), relocation)
    series = [id for (id,) in source.tuples(f"SELECT id FROM series {where} ORDER BY id", values)]
    for table in ORDER:
        if "series_id" in columns(table):
            yield from (TablePart(table, one) for one in series)
        elif not (relocation and table in OWN):
            yield TablePart(table)


def columns(table: str) -> tuple[str, ...]:
    """Return all columns of a table, also the one that says in which order its rows came."""
    named = tuple(one.rstrip("!*") for one in LAYOUT[table].partition(" (")[0].split())
    return ("rowid", *named) if table == "change" else named


def _quoted(table: str) -> list[str]:
    return [f'"{one}"' for one in columns(table)]


def _rows(source: Database, part: TablePart, relocation: Relocation | None) -> Iterable[Sequence[object]]:
    names = _quoted(part.table)
    first: tuple[object, ...] = ()
    if relocation and "location" in columns(part.table):
        place = {'"location"': "?", '"place"': "location"}
        names, first = [place.get(name, name) for name in names], (relocation.after,)
    where, values = _which(part, relocation)
    return source.tuples(f"SELECT {', '.join(names)} FROM {part.table} {where}", (*first, *values))


def _which(part: TablePart, relocation: Relocation | None) -> tuple[str, tuple[object, ...]]:
    """Return the condition of the rows to copy, and its values."""
    if part.series is not None:
        return "WHERE series_id = ?", (part.series,)
    if relocation is None or "location" not in columns(part.table):
        return "", ()
    marks = f" AND ({CARRIED_MARKS})" if part.table == "mark" else ""
    return f"WHERE location = ?{marks}", (relocation.before,)


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
