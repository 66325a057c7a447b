"""A connection to PostgreSQL that runs the queries of the store, and whose errors are said in words."""

import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import Cursor, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.database import Rows, Values

SCHEMA = "monitor"
"""The schema of our tables."""
OUR_NAME = "provider-monitor "
"""What the name of each of our connections begins with."""
CONNECT_S = 5
"""Seconds to reach one server."""
USUAL = {
    "connect_timeout": CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""What a URL need not say. A server that is cut off is noticed in seconds; the system's own limit is hours."""

PART = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|%|\?|(?<![:\w]):([a-z_]+)")


class ValuesRefused(StoreError):
    """A statement was refused for its values: another one may succeed."""


@lru_cache(1000)
def translate(statement: str) -> str:
    """Return a statement with the slots that psycopg has: `?` and `:name` become `%s` and `%(name)s`."""
    return PART.sub(_slot, statement)


def _slot(part: re.Match[str]) -> str:
    if part[1]:
        return f"%({part[1]})s"
    return "%s" if part[0] == "?" else part[0].replace("%", "%%")


class NamedRow(tuple[Any, ...]):
    """A row whose columns have names. `places`: the place of each."""

    __slots__ = ()
    places: Mapping[str, int]

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.places[key] if isinstance(key, str) else key)

    def keys(self) -> Iterable[str]:
        return self.places.keys()


@lru_cache(1000)
def _row_of(names: tuple[str, ...]) -> type[NamedRow]:
    places = {name: place for place, name in reversed([*enumerate(names)])}
    return type("Row", (NamedRow,), {"__slots__": (), "places": places})


def by_name(cursor: Cursor[Any]) -> Any:
    """Return what makes rows whose columns have names: a row factory of psycopg."""
    columns = cursor.description
    return _row_of(tuple(one.name for one in columns)) if columns else tuple


class PostgresDatabase:
    """An open connection, as `Database` says. `name`: of the database, for messages."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection = connection
        self.name = name

    def execute(self, statement: str, values: Values = (), /) -> Rows:
        return self._run(Cursor(self._connection, row_factory=by_name), statement, values)

    def tuples(self, statement: str, values: Values = ()) -> Rows:
        return self._run(Cursor(self._connection, row_factory=tuple_row), statement, values)

    def _run(self, cursor: Cursor[Any], statement: str, values: Values) -> Rows:
        with in_words(self.name):
            return cursor.execute(translate(statement), values)

    def executemany(self, statement: str, rows: Iterable[Any], /) -> "Changed":
        rows = list(rows)
        if not rows:
            return Changed(0)
        with in_words(self.name), self._connection.cursor() as cursor:
            cursor.executemany(translate(statement), rows)
            return Changed(cursor.rowcount)

    def close(self) -> None:
        self._connection.close()

    def is_closed(self) -> bool:
        return self._connection.closed

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with in_words(self.name), self._connection.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            with in_words(self.name), self._connection.transaction():
                yield
        finally:
            self._connection.isolation_level = None

    def check_tables(self) -> None:
        """A server lets nobody exchange its files, as SQLite does: what is there was checked when it was opened."""

    def is_sound(self) -> bool:
        """Whether the server can be asked: it checks its own pages."""
        return self.execute("SELECT 1").fetchone() is not None

    def numbers(self, slot: str) -> str:
        return f"(SELECT value::bigint AS value FROM json_array_elements_text({slot}::json))"

    def pairs(self, slot: str, first: str, second: str) -> str:
        columns = f"(value ->> 0)::bigint AS {first}, (value ->> 1)::bigint AS {second}"
        return f"(SELECT {columns} FROM json_array_elements({slot}::json))"

    def listed(self, column: str) -> str:
        return f"string_agg({column}::text, ',')"

    def stream(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, of which never many are held."""
        with in_words(self.name), self._connection.cursor(row_factory=tuple_row) as cursor:
            yield from cursor.stream(statement)

    def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Write many rows at once; return how many."""
        count = 0
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with in_words(self.name), self._connection.cursor() as cursor, cursor.copy(into) as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        return count


class Changed:
    """The result of a statement that returns no rows."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount

    def fetchone(self) -> None:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def connect(url: str, *, read_only: bool = False) -> PostgresDatabase:
    """Return a connection whose statements see our tables. Raises StoreError, never with the password."""
    with in_words("the database"):
        its = conninfo_to_dict(url)
    name = database_name(url)
    options = f"-c search_path={SCHEMA} -c default_transaction_read_only={'on' if read_only else 'off'}"
    told = {key: value for key, value in its.items() if value is not None}
    with in_words(name):
        all_of_it = make_conninfo(
            "",
            **{
                **USUAL,
                "application_name": _our_name(),
                **told,
                "options": f"{told.get('options', '')} {options}".strip(),
            },
        )
        connection = psycopg.connect(all_of_it, autocommit=True)
    return PostgresDatabase(connection, name)


def _our_name() -> str:
    """Return the name by which others see our connection: where we run."""
    return f"{OUR_NAME}{os.getpid()} on {socket.gethostname()}"


def database_name(url: str) -> str:
    """Return what a person knows a database by: its name and its server, without user and password."""
    try:
        its = conninfo_to_dict(url)
    except psycopg.Error:
        return "the database"
    host = f"@{its['host']}" if its.get("host") else ""
    return f"{its.get('dbname') or its.get('user') or 'postgres'}{host}"


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """Raise StoreError for what PostgreSQL refuses within."""
    try:
        yield
    except psycopg.Error as error:
        raise refused(name, error) from None  # its own text may quote the connection's


def refused(name: str, error: psycopg.Error) -> StoreError:
    if isinstance(error, (psycopg.DataError, psycopg.IntegrityError)):
        return ValuesRefused(f"{name}: {_first_line(error)}")
    words = _first_line(error)
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate not in REPAIRS:
        return StoreError(f"{name}: {words}")
    return StoreError(f"{name}: {words}; {_repair(error)}", StorageRefusal(_kind(error), words))


def _kind(error: psycopg.Error) -> RefusalKind:
    code = error.sqlstate or ""
    if code.startswith("28") or code == "42501":
        return RefusalKind.DENIED
    if code == "25006":
        return RefusalKind.READ_ONLY
    return RefusalKind.FULL if code == "53100" else RefusalKind.FAILING


REPAIRS = {
    "3D000": "make it with `createdb`, or name another one in [store] url",
    "25006": "name the server that takes writes, or all of them with target_session_attrs=read-write",
    "53100": "make room on that server's disk",
    "53300": "raise max_connections there, or end what holds its connections",
    "42501": "give this user the rights that docs/how-to/deploy/postgres.md lists",
    "42P01": "start `run` once, which makes the tables",
    "3F000": "start `run` once, which makes the tables",
}
"""What to do about an error, by its SQLSTATE. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def _repair(error: psycopg.Error) -> str:
    code = error.sqlstate or ""
    if code.startswith("28") or "password" in str(error):
        return "correct the user and password of [store] url"
    return REPAIRS.get(code, "look whether that server runs and can be reached from here")


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(":")
