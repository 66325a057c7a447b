"""One database → another: what a process needs to go on, and the new observations; most important first.

Row ids differ between files, so each row is found by its natural key.
"""

import sqlite3
from contextlib import closing

from msgspec import Struct

from monitor.store.connection import transaction
from monitor.store.expected_schema import VERSION, Foreign
from monitor.store.sqlite_error import is_about_values
from monitor.store.upgrade import LATEST, in_our_tables, rows_of, schema_of

NAMES = "location, account, canary, model"
IS_SERIES = f"({NAMES}) = (:location, :account, :canary, :model)"


class Passage(Struct, frozen=True):
    """How the rows of one table are read and written. `backward`: the last is read first."""

    read: str
    write: str
    backward: bool = False


def _whole(table: str, columns: str, how: str = "REPLACE", where: str = "true") -> Passage:
    read = f"SELECT {columns} FROM {table} WHERE {where}"
    return Passage(read, f"INSERT OR {how} INTO {table} ({columns}) VALUES ({_values(columns)})")


def _latest(table: str, columns: str, write: str) -> Passage:
    return Passage(f"SELECT {columns} FROM {table} ORDER BY rowid DESC LIMIT {LATEST}", write, backward=True)


def _of_series(table: str, columns: str) -> Passage:
    return Passage(
        f"SELECT {NAMES}, {columns} FROM {table} JOIN series ON series.id = series_id",
        f"INSERT OR REPLACE INTO {table} (series_id, {columns}) SELECT id, {_values(columns)} FROM series "
        f"WHERE {IS_SERIES}",
    )


def _values(columns: str) -> str:
    return ", ".join(f":{one}" for one in columns.split(", "))


INCIDENT = "location, id, scope, subject, fault, severity, confidence, opened, closed, drill, details"
CHANGE = "location, id, incident_id, kind, at, incident"
OUTBOX = (
    "location, incident_id, change_id, channel, step, number, note, about_channel, at, state, tries, next, done, error"
)
OUTCOME = "at, outcome, fault, status, latency, ttft, tokens_in, tokens_out, cost"
HEALTH = "state, since, failures, successes, began, seen, fault, status, request_id, reason, next, evidence, well"
COUNTS = "at, ok, degraded, failed, unknown, latency, ttft"

TELLING = (
    _latest("incident", INCIDENT, f"INSERT OR REPLACE INTO incident ({INCIDENT}) VALUES ({_values(INCIDENT)})"),
    _latest("change", CHANGE, f"INSERT OR IGNORE INTO change ({CHANGE}) VALUES ({_values(CHANGE)})"),
    _latest(
        "outbox",
        OUTBOX,
        f"""
        INSERT INTO outbox ({OUTBOX}) VALUES ({_values(OUTBOX)})
        ON CONFLICT (location, coalesce(change_id, ''), channel, step, number, note, about_channel) DO UPDATE SET
            state = excluded.state, tries = excluded.tries, next = excluded.next, done = excluded.done,
            error = excluded.error
        WHERE outbox.state = 'waiting'
        """,
    ),
    _whole("reply", "location, id, kind, subject, at, until, details", "IGNORE"),
)
"""Messages, sent and due, and replies."""

BELIEFS = (
    _whole("mark", "location, name, value", where="name <> 'refused'"),
    _whole("series", "location, provider, account, canary, model", "IGNORE"),
    _whole("answer", "digest, rule, confidence, words, body, first_at, phase", "IGNORE"),
    Passage(
        f"""
        SELECT {NAMES}, digest, {", ".join(f"health.{one}" for one in HEALTH.split(", "))}
        FROM health JOIN series ON series.id = series_id LEFT JOIN answer ON answer.id = answer_id
        """,
        f"""
        INSERT OR REPLACE INTO health (series_id, answer_id, {HEALTH})
        SELECT id, (SELECT id FROM answer WHERE digest = :digest), {_values(HEALTH)} FROM series WHERE {IS_SERIES}
        """,
    ),
    _whole("spending", "location, account, day, tokens, usd"),
    _whole("note", "location, account, note"),
    _whole("source", "location, id, source"),
    _of_series("track", "track"),
    _whole("pool", "location, id, pool"),
    _of_series("ceiling", "unit, window, most, remaining, since, at"),
)
"""State of each target, account and status page."""

SIGHTINGS = (
    _of_series("observation", OUTCOME),
    Passage(
        f"""
        SELECT {NAMES}, digest, at, request_id FROM evidence
        JOIN series ON series.id = series_id JOIN answer ON answer.id = answer_id
        """,
        f"""
        INSERT OR REPLACE INTO evidence (series_id, at, answer_id, request_id)
        SELECT series.id, :at, answer.id, :request_id FROM series, answer WHERE {IS_SERIES} AND digest = :digest
        """,
    ),
)
"""Single observations."""

HISTORY = (_of_series("daily", COUNTS), _of_series("hourly", COUNTS))
"""Their roll-ups."""

ORPHANS = (
    "DELETE FROM change WHERE (location, incident_id) NOT IN (SELECT location, id FROM incident)",
    """
    DELETE FROM outbox
    WHERE change_id IS NOT NULL AND (location, change_id) NOT IN (SELECT location, id FROM change)
    """,
)
"""Deletions of rows without a parent: of a broken file a part may be readable without what it belongs to."""


def carry(source: sqlite3.Connection, into: sqlite3.Connection, passages: tuple[Passage, ...]) -> bool:
    """Copy what can be read, of an older version, too, in one transaction; return whether that was everything.

    Raises sqlite3.Error if it cannot be written.
    """
    if schema_of(source) >= VERSION:
        return _carry(source, into, passages)
    try:
        ours, whole = in_our_tables(source, _left_out(passages))
    except (Foreign, sqlite3.Error):
        return _carry(source, into, passages) and False
    with closing(ours):
        return _carry(ours, into, passages) and whole


def _left_out(passages: tuple[Passage, ...]) -> set[str]:
    """Return the large tables that the passages do not read."""
    large = {"observation": SIGHTINGS, "evidence": SIGHTINGS, "hourly": HISTORY, "daily": HISTORY}
    return {table for table, its in large.items() if not set(its) & set(passages)}


def _carry(source: sqlite3.Connection, into: sqlite3.Connection, passages: tuple[Passage, ...]) -> bool:
    into.execute("PRAGMA foreign_keys = OFF")
    try:
        with transaction(into):
            whole = [_carry_one(source, into, passage) for passage in passages]
            for statement in ORPHANS:
                into.execute(statement)
    finally:
        into.execute("PRAGMA foreign_keys = ON")
    return all(whole)


def _carry_one(source: sqlite3.Connection, into: sqlite3.Connection, passage: Passage) -> bool:
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
