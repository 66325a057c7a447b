"""Rows → hours → days, and the deletion of old rows; in small steps, so that no beat waits long."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from json import dumps

from msgspec import Struct

from monitor.slo.indicator import make_sketch, merge, pack, unpack
from monitor.store.database import Database, Row
from monitor.store.history import COUNTS
from monitor.store.key_value import KeyValues
from monitor.store.row import OK, OUTCOMES, from_json, from_ms, to_ms
from monitor.store.setting import Retention
from monitor.store.statement import MARK, upsert

Sums = tuple[object, ...]
"""A row of `hourly` or `daily`."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = timedelta(minutes=3)
"""Time after its end until an hour is closed: a probe is dated by its start, and a client program has two minutes."""
ROWS_AT_ONCE = 20_000
"""Most rows deleted in one transaction: some ten milliseconds of the writer."""

GOOD = f"FILTER (WHERE outcome = {OK})"
ADDED = ("ok", "degraded", "failed", "unknown", "latency", "ttft")


class RollUp(Struct, frozen=True):
    """One closed hour or day, ready to be written; `until` is its end."""

    table: str
    until: datetime
    rows: Sequence[Sums]
    location: str


def save_roll_up(db: Database, due: RollUp) -> None:
    with db.transaction():
        db.executemany(upsert(due.table, ("series_id", "at"), ADDED), due.rows)
        db.execute(MARK, (due.location, f"{due.table}_until", str(to_ms(due.until))))


def next_roll_up(db: Database, marks: KeyValues, now: datetime) -> RollUp | None:
    """Return the oldest closed hour not rolled up yet, else the oldest such day; None if all are."""
    here = marks.location
    series = [row["id"] for row in db.execute("SELECT id FROM series WHERE location = ?", (here,))]
    if hour := _next_span(db, "observation", series, marks.rolled_until("hourly"), HOUR, now):
        return RollUp("hourly", hour + HOUR, _hour_rows(db, series, hour), here)
    if day := _next_span(db, "hourly", series, marks.rolled_until("daily"), DAY, now):
        return RollUp("daily", day + DAY, _day_rows(db, series, day), here)
    return None


def _next_span(
    db: Database, source: str, series: Sequence[int], done_until: datetime, span: timedelta, now: datetime
) -> datetime | None:
    """Return the start of the first closed span with rows in `source` after `done_until`."""
    query = f"""
        SELECT min(first) AS at FROM (
            SELECT (SELECT min(at) FROM {source} WHERE series_id = its.value AND at >= ?) AS first
            FROM {db.numbers("?")} AS its
        ) AS firsts
    """
    at = db.execute(query, (to_ms(done_until), dumps(series))).fetchone()["at"]
    if at is None or from_ms(at) >= _floor(now - LATE, span):
        return None
    return _floor(from_ms(at), span)


def _summary(db: Database) -> str:
    """Return the query for each outcome's count and the durations in ms as one text: 1,000 targets have 1.4 million a
    day.
    """
    return f"""
        SELECT {COUNTS}, {db.listed("latency")} {GOOD}, {db.listed("ttft")} {GOOD}
        FROM observation WHERE series_id = ? AND at >= ? AND at < ?
    """


def _hour_rows(db: Database, series: Sequence[int], hour: datetime) -> list[Sums]:
    """Return a row for each series with observations in this hour."""
    span, query = (to_ms(hour), to_ms(hour + HOUR)), _summary(db)
    rows = ((one, db.tuples(query, (one, *span)).fetchone()) for one in series)
    return [
        (one, span[0], *counts, _packed(latencies), _packed(ttfts))
        for one, (*counts, latencies, ttfts) in rows
        if any(counts)
    ]


def _series(db: Database) -> list[int]:
    return [row["id"] for row in db.execute("SELECT id FROM series")]


def _day_rows(db: Database, series: Sequence[int], day: datetime) -> list[Sums]:
    """Return a row for each series with hours in this day."""
    query = f"""
        SELECT * FROM hourly WHERE series_id IN {db.numbers("?")} AND at >= ? AND at < ? ORDER BY series_id
    """
    by_series: dict[int, list[Row]] = {}
    for row in db.execute(query, (dumps(series), to_ms(day), to_ms(day + DAY))):
        by_series.setdefault(row["series_id"], []).append(row)
    return [_from_hours(one, day, rows) for one, rows in by_series.items()]


def delete_old(db: Database, keep: Retention, now: datetime) -> bool:
    """Delete some of the rows past their retention; return whether there may be more."""
    if sum(delete_before(db, table, since) for table, since in keep.begins(now).items()):
        return True
    delete_answers(db, now - timedelta(days=keep.raw_days))
    return False


def delete_before(db: Database, table: str, before: datetime) -> int:
    """Delete up to ROWS_AT_ONCE rows older than `before`; return how many."""
    gone, query = 0, DELETE[table]
    with db.transaction():
        for series in _series(db):
            which = {"series": series, "before": to_ms(before), "most": ROWS_AT_ONCE - gone}
            gone += db.execute(query, which).rowcount
            if gone >= ROWS_AT_ONCE:
                break
    return gone


def delete_all_but(db: Database, most: int) -> None:
    """Delete all observations but the latest `most`: in memory no more fit."""
    for table in ("observation", "evidence"):
        oldest = f"SELECT at FROM {table} ORDER BY at DESC LIMIT 1 OFFSET ?"
        db.execute(f"DELETE FROM {table} WHERE at <= ({oldest})", (most,))


def delete_answers(db: Database, before: datetime) -> int:
    """Delete the answers from before that time that nothing refers to any more."""
    query = """
        DELETE FROM answer WHERE first_at < ?
            AND id NOT IN (SELECT answer_id FROM evidence)
            AND id NOT IN (SELECT answer_id FROM health WHERE answer_id IS NOT NULL)
    """
    with db.transaction():
        return db.execute(query, (to_ms(before),)).rowcount


# One series at a time: its rows are one range, while rows picked from all series are looked up one by one.
DELETE = {
    name: f"""
        DELETE FROM {name} WHERE series_id = :series AND at < coalesce(
            (SELECT at FROM {name} WHERE series_id = :series AND at < :before ORDER BY at LIMIT 1 OFFSET :most), :before
        )
    """
    for name in ("observation", "evidence", "ceiling", "hourly", "daily", "daily_ceiling", "daily_credit")
}


def _packed(durations_ms: str | None) -> bytes | None:
    return pack(make_sketch(from_json(f"[{durations_ms}]", list[int]))) if durations_ms else None


def _from_hours(series: int, day: datetime, rows: list[Row]) -> Sums:
    return (
        series,
        to_ms(day),
        *(sum(row[outcome] for row in rows) for outcome in OUTCOMES),
        pack(merge(unpack(row["latency"]) for row in rows)),
        pack(merge(unpack(row["ttft"]) for row in rows)),
    )


def _floor(at: datetime, span: timedelta) -> datetime:
    start = datetime.fromtimestamp(0, UTC)
    return start + (at - start) // span * span
