"""One database → another: what a process needs to go on, and the new observations; most important first.

Row ids differ between files, so each row is found by its natural key.
"""

import sqlite3
from contextlib import closing

from msgspec import Struct

from monitor.store.database import transaction
from monitor.store.expected_schema import VERSION, ForeignDatabase, columns
from monitor.store.sqlite_error import is_about_values
from monitor.store.upgrade import LATEST, in_our_tables, rows_of, schema_of

NAMES = "location, account, canary, model"
IS_SERIES = f"({NAMES}) = (:location, :account, :canary, :model)"


class TableCopy(Struct, frozen=True):
    """How the rows of one table are read and written. `backward`: the last is read first."""

    read: str
    write: str
    backward: bool = False


def _whole(table: str, how: str = "REPLACE", where: str = "true") -> TableCopy:
    names = _names(table)
    read = f"SELECT {names} FROM {table} WHERE {where}"
    return TableCopy(read, f"INSERT OR {how} INTO {table} ({names}) VALUES ({_values(table)})")


def _latest(table: str, how: str, conflict: str = "") -> TableCopy:
    names = _names(table)
    read = f"SELECT {names} FROM {table} ORDER BY rowid DESC LIMIT {LATEST}"
    return TableCopy(read, f"{how} INTO {table} ({names}) VALUES ({_values(table)}) {conflict}", backward=True)


def _of_series(table: str) -> TableCopy:
    names = _names(table)
    return TableCopy(
        f"SELECT {NAMES}, {names} FROM {table} JOIN series ON series.id = series_id",
        f"INSERT OR REPLACE INTO {table} (series_id, {names}) SELECT id, {_values(table)} FROM series "
        f"WHERE {IS_SERIES}",
    )


def _of_answer(table: str) -> TableCopy:
    """Return the passage of a table whose rows name a series and an answer, or none where the table permits it."""
    names = ", ".join(f"{table}.{one}" for one in columns(table))
    return TableCopy(
        f"SELECT {NAMES}, digest, {names} FROM {table} JOIN series ON series.id = series_id "
        "LEFT JOIN answer ON answer.id = answer_id",
        f"INSERT OR REPLACE INTO {table} (series_id, answer_id, {_names(table)}) "
        f"SELECT id, (SELECT id FROM answer WHERE digest = :digest), {_values(table)} FROM series WHERE {IS_SERIES}",
    )


def _names(table: str) -> str:
    return ", ".join(columns(table))


def _values(table: str) -> str:
    return ", ".join(f":{one}" for one in columns(table))


IF_WAITING = """
    ON CONFLICT (location, coalesce(change_id, ''), channel, step, number, note, about_channel) DO UPDATE SET
        state = excluded.state, tries = excluded.tries, next = excluded.next, done = excluded.done,
        error = excluded.error
    WHERE outbox.state = 'waiting'
"""
ALERT_TABLES = (
    _latest("incident", "INSERT OR REPLACE"),
    _latest("change", "INSERT OR IGNORE"),
    _latest("outbox", "INSERT", IF_WAITING),
    _whole("reply", "IGNORE"),
    _whole("incident_note", "IGNORE"),
)
"""Messages, sent and due, replies, and what people wrote."""

BELIEF_TABLES = (
    _whole("mark", where="name <> 'refused'"),
    _whole("series", "IGNORE"),
    _whole("answer", "IGNORE"),
    _of_answer("health"),
    _whole("spending"),
    _whole("note"),
    _whole("source"),
    _of_series("track"),
    _whole("pool"),
    _of_series("ceiling"),
    _whole("outgoing"),
)
"""State of each target, account and status page."""

LEVEL_TABLES = (_of_series("daily_ceiling"), _of_series("daily_credit"))
"""What limits and credit were each day: nothing else could tell."""

OBSERVATION_TABLES = (_of_series("observation"), _of_answer("evidence"), *LEVEL_TABLES)
"""Single observations, and what no roll-up makes of them."""

HISTORY_TABLES = (_of_series("daily"), _of_series("hourly"), *LEVEL_TABLES)
"""Roll-ups, and what is kept as long."""

ORPHANS = (
    "DELETE FROM change WHERE (location, incident_id) NOT IN (SELECT location, id FROM incident)",
    """
    DELETE FROM outbox
    WHERE change_id IS NOT NULL AND (location, change_id) NOT IN (SELECT location, id FROM change)
    """,
    "DELETE FROM incident_note WHERE (location, incident_id) NOT IN (SELECT location, id FROM incident)",
)
"""Deletions of rows without a parent: of a broken file a part may be readable without what it belongs to."""


def copy_rows(source: sqlite3.Connection, into: sqlite3.Connection, passages: tuple[TableCopy, ...]) -> bool:
    """Copy what can be read, of an older version, too, in one transaction; return whether that was everything.

    Raises sqlite3.Error if it cannot be written.
    """
    if schema_of(source) >= VERSION:
        return _carry(source, into, passages)
    try:
        ours, whole = in_our_tables(source, _left_out(passages))
    except (ForeignDatabase, sqlite3.Error):
        return _carry(source, into, passages) and False
    with closing(ours):
        return _carry(ours, into, passages) and whole


def _left_out(passages: tuple[TableCopy, ...]) -> set[str]:
    """Return the large tables that the passages do not read."""
    large = {
        **dict.fromkeys(("observation", "evidence"), OBSERVATION_TABLES),
        **dict.fromkeys(("hourly", "daily"), HISTORY_TABLES),
        **dict.fromkeys(("daily_ceiling", "daily_credit"), LEVEL_TABLES),
    }
    return {table for table, its in large.items() if not set(its) & set(passages)}


def _carry(source: sqlite3.Connection, into: sqlite3.Connection, passages: tuple[TableCopy, ...]) -> bool:
    into.execute("PRAGMA foreign_keys = OFF")
    try:
        with transaction(into):
            whole = [_carry_one(source, into, passage) for passage in passages]
            for statement in ORPHANS:
                into.execute(statement)
    finally:
        into.execute("PRAGMA foreign_keys = ON")
    return all(whole)


def _carry_one(source: sqlite3.Connection, into: sqlite3.Connection, passage: TableCopy) -> bool:
    rows = rows_of(source, passage.read)
    if passage.backward:
        rows = reversed(list(rows))
    whole = True
    for row in rows:
        if row is None:
            whole = False
        else:
            whole &= _write(into, passage.write, row)
    return whole


def _write(into: sqlite3.Connection, statement: str, row: dict[str, object]) -> bool:
    """Write a row; return False for one that our tables refuse: another program wrote it."""
    try:
        into.execute(statement, row)
    except sqlite3.Error as error:
        if not is_about_values(error):
            raise
        return False
    return True
