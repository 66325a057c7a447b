"""An older database's rows in the tables of this version: in a scratch database, without a change to the older one.

A damaged file, or one on a disk that takes nothing, cannot be migrated where it is.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from monitor.store.connection import open_scratch, take_over
from monitor.store.database import transaction
from monitor.store.expected_schema import VERSION, steps_taken, version_of
from monitor.store.sqlite_error import is_about_values

LATEST = 10_000
"""Most rows copied from a table that is never pruned: the open incidents are among the latest."""
NEVER_PRUNED = ("incident", "change", "outbox")

LATEST_GOOD = """
    SELECT series_id, max(at) AS at, outcome FROM observation WHERE outcome IN ('ok', 0) GROUP BY series_id
"""
"""What a migration needs of the observations, of words or numbers, where they themselves are left out."""


def schema_of(db: sqlite3.Connection) -> int:
    """Return the version whose tables a database has; VERSION if that cannot be read.

    A killed migration of an older program has taken more steps than the version says; lost steps are fewer.
    """
    try:
        said = version_of(db)
    except sqlite3.Error:
        return VERSION
    with suppress(sqlite3.Error):
        return max(said, steps_taken(db))
    return said


def in_our_tables(source: sqlite3.Connection, left_out: Collection[str]) -> tuple[sqlite3.Connection, bool]:
    """Return a scratch database with all that can be read of an older one, and whether that was everything.

    `left_out`: tables that are not needed. Raises sqlite3.Error if the rows cannot be migrated.
    """
    scratch = open_scratch(in_memory="observation" in left_out and "daily" in left_out)
    try:
        whole = _copy(source, scratch, left_out)
        take_over(scratch, "a copy")
    except BaseException:
        scratch.close()
        raise
    return scratch, whole


def _copy(source: sqlite3.Connection, scratch: sqlite3.Connection, left_out: Collection[str]) -> bool:
    from monitor.store.schema import lay_tables  # slow to import, and mostly not needed

    lay_tables(scratch, schema_of(source))
    with transaction(scratch):
        named = [name for (name,) in scratch.execute(TABLES).fetchall()]
        whole = [_copy_table(source, scratch, name) for name in named if name not in left_out]
        if "observation" in left_out:
            _insert(scratch, "observation", rows_of(source, LATEST_GOOD))
    return all(whole)


TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_'"
"""Our tables, without that of the migration steps."""


def _copy_table(source: sqlite3.Connection, scratch: sqlite3.Connection, name: str) -> bool:
    """Copy the columns that both have; return whether all could be read."""
    columns = ", ".join(one for one in _columns(scratch, name) if one in _columns(source, name))
    query = f"SELECT {columns or '1'} FROM {name}"
    if name not in NEVER_PRUNED:
        return _insert(scratch, name, rows_of(source, query))
    latest_first = rows_of(source, f"{query} ORDER BY rowid DESC LIMIT {LATEST}")
    return _insert(scratch, name, reversed(list(latest_first)))


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", [table])]


def _insert(scratch: sqlite3.Connection, table: str, rows: Iterable[dict[str, object] | None]) -> bool:
    """Insert what can be read; return whether that was every row."""
    whole = True
    for row in rows:
        whole &= row is not None and _insert_one(scratch, table, row)
    return whole


def _insert_one(scratch: sqlite3.Connection, table: str, row: dict[str, object]) -> bool:
    marks = ", ".join("?" * len(row))
    try:
        scratch.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])
    except sqlite3.Error as error:
        if not is_about_values(error):
            raise
        return False
    return True


def rows_of(source: sqlite3.Connection, query: str) -> Iterator[dict[str, object] | None]:
    """Yield the rows up to where the file is broken, then None for the rest."""
    try:
        for row in source.execute(query):
            yield dict(row)
    except sqlite3.Error:
        yield None
