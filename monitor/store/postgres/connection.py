"""A connection to PostgreSQL that runs the queries of the store, and whose errors are said in words."""

import os
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import Cursor, IsolationLevel
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from monitor.storage_refusal import RefusalKind, StorageRefusal, StoreError
from monitor.store.database import Rows, Values
from monitor.store.setting import shared_name

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

UNREADABLE = (
    "[store] url: this is no address of a PostgreSQL; write postgresql://USER:PASSWORD@HOST:5432/DATABASE, and in user "
    "and password %40 for @, %2F for /, %3A for :, %25 for %, %20 for a space"
)
PORTS = re.compile(r"[0-9,]*")
"""One, or one for each host."""

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
    """An open connection, as `Database` says.

    `name`: of the database, for messages. `begins_with`: what each transaction begins with.
    """

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection = connection
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))  # ours, so that no other file is ever cut
        self.name = name
        self.begins_with: Callable[[], None] = _nothing

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
        self._socket.close()

    def cut(self) -> None:
        """Shut the road to the server down, from any thread: whatever waits for an answer fails at once."""
        with suppress(OSError):  # the other side has done so
            self._socket.shutdown(socket.SHUT_RDWR)

    def is_closed(self) -> bool:
        return self._connection.closed

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with in_words(self.name), self._connection.transaction():
            self.begins_with()
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


def _nothing() -> None:
    """Do nothing."""


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
    mode = {"default_transaction_read_only": "on" if read_only else "off"}
    address, name = whole_address(url, mode), shared_name(url)
    with in_words(name):
        connection = psycopg.connect(address, autocommit=True)
    return PostgresDatabase(connection, name)


def whole_address(url: str, settings: Mapping[str, str], **usual: str | int) -> str:
    """Return an address that also says what a URL need not: `usual`, unless it does, and `settings` of the session.

    Raises StoreError.
    """
    told = address_parts(url)
    set_so = (f"-c {name}={value}" for name, value in {"search_path": SCHEMA, **settings}.items())
    its: dict[str, str | int] = {**USUAL, "application_name": _our_name(), **usual, **told}
    return make_conninfo("", **its | {"options": " ".join([told.get("options", ""), *set_so]).strip()})


def address_parts(url: str) -> dict[str, str]:
    """Return the parts that an address names. Raises StoreError that quotes none of it: with a slip in it, a piece of
    the password may stand anywhere."""
    try:
        its = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        raise StoreError(UNREADABLE) from None
    if "@" in its.get("host", "") + its.get("dbname", "") or not PORTS.fullmatch(its.get("port", "")):
        raise StoreError(UNREADABLE)
    return its


def _our_name() -> str:
    """Return the name by which others see our connection: where we run."""
    return f"{OUR_NAME}{os.getpid()} on {socket.gethostname()}"


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
    code = _code(error)
    return RefusalKind.DENIED if code.startswith("28") else KINDS.get(code, RefusalKind.FAILING)


def _code(error: psycopg.Error) -> str:
    """Return the SQLSTATE of an error; that of a refused connection, which has none, by what it says."""
    return error.sqlstate or next((code for words, code in SAID.items() if words in str(error)), "")


NO_TLS, POOLER = "tls", "pooler"
"""Codes of ours for what never reaches a server, which has codes for all else."""
KINDS = {
    "25006": RefusalKind.READ_ONLY,
    "53100": RefusalKind.FULL,
    "55P03": RefusalKind.LOCKED,
    "3D000": RefusalKind.GONE,
    "42501": RefusalKind.DENIED,
    NO_TLS: RefusalKind.DENIED,
    POOLER: RefusalKind.DENIED,
}
REPAIRS = {
    NO_TLS: "correct sslmode and sslrootcert of [store] url, or the certificate of that server",
    POOLER: "name the server itself in [store] url, not the pooler before it",
    "3D000": "make it with `createdb`, or name another one in [store] url",
    "25006": "name the server that takes writes, or all of them with target_session_attrs=read-write",
    "53100": "make room on that server's disk",
    "53300": "raise max_connections there, or end what holds its connections",
    "42501": "give this user the rights that docs/scale.md lists",
    "42P01": "start `run` once, which makes the tables",
    "3F000": "start `run` once, which makes the tables",
}
"""What to do about an error, by its SQLSTATE. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def _repair(error: psycopg.Error) -> str:
    code = _code(error)
    if code.startswith("28"):
        return "correct the user and password of [store] url"
    return REPAIRS.get(code, "look whether that server runs and can be reached from here")


SAID = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "database ": "3D000",
    "role ": "28000",
    "too many clients": "53300",
    "too many connections": "53300",
    "connection slots": "53300",
    "session is read-only": "25006",
    "certificate": NO_TLS,
    "SSL": NO_TLS,
    "unsupported startup parameter": POOLER,
}
"""What an error of a refused connection says, as it has no SQLSTATE; in the order in which it is looked for."""


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rpartition("FATAL: ")[2].strip().rstrip(":")
