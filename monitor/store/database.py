"""What every query runs on: the SQL that SQLite and PostgreSQL share, and what little they say each in its own way."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

Values = Sequence[object] | Mapping[str, object]
"""Values of a statement: in order for `?`, by name for `:name`."""


class Row(Protocol):
    """One row; its columns by name, or all of them in order."""

    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def keys(self) -> Iterable[str]: ...


class Rows(Protocol):
    """The result of a statement. `rowcount`: the rows that it changed."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """An open connection. Raises sqlite3.Error or psycopg.Error, which its store puts in words."""

    def execute(self, statement: str, values: Any = (), /) -> Rows: ...
    def executemany(self, statement: str, rows: Iterable[Any], /) -> Rows: ...
    def close(self) -> None: ...

    def tuples(self, statement: str, values: Values = ()) -> Rows:
        """Run a query whose rows are plain tuples, which are faster."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit everything done within, or nothing."""

    def snapshot(self) -> AbstractContextManager[None]:
        """Make all reads within see the database as of one instant."""

    def check_tables(self) -> None:
        """Check that the tables are still ours. Raises ForeignDatabase."""

    def is_sound(self) -> bool:
        """Whether the database finds its own pages intact."""

    def numbers(self, slot: str) -> str:
        """Return SQL for the table of a JSON list of integers, in a column `value`; `slot` is `?` or `:name`."""

    def pairs(self, slot: str, first: str, second: str) -> str:
        """Return SQL for the table of a JSON list of pairs of integers, with these two columns."""

    def listed(self, column: str) -> str:
        """Return SQL of an aggregate: the integers of a column as one text, with commas between."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit everything done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite itself rolls back what a full or failing disk cut short
            connection.execute("ROLLBACK")
        raise


class SqliteDatabase(sqlite3.Connection):
    """A connection to SQLite."""

    def tuples(self, statement: str, values: Values = ()) -> sqlite3.Cursor:
        cursor = self.cursor()
        cursor.row_factory = None
        return cursor.execute(statement, values)

    def transaction(self) -> AbstractContextManager[None]:
        return transaction(self)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("ROLLBACK")

    def check_tables(self) -> None:
        from monitor.store.expected_schema import check_version  # it reads our database

        check_version(self, "the database")

    def is_sound(self) -> bool:
        return bool(self.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def numbers(self, slot: str) -> str:
        return f"(SELECT value FROM json_each({slot}))"

    def pairs(self, slot: str, first: str, second: str) -> str:
        return f"(SELECT value ->> 0 AS {first}, value ->> 1 AS {second} FROM json_each({slot}))"

    def listed(self, column: str) -> str:
        return f"group_concat({column})"
