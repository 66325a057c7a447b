"""Everything that is read: what a restart resumes, and what the page shows."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from json import dumps

from monitor.detect.health import Health
from monitor.detect.note import Note
from monitor.detect.pool import Pool
from monitor.detect.track import Track
from monitor.incident import Incident, Told
from monitor.schedule import Spending
from monitor.sli import Cell, Sketch, below, merge, sketch, unpack
from monitor.slo import LONGEST, SHORT, Looks, Objective, Tally
from monitor.source import Source
from monitor.store.value import (
    duration_ms,
    from_ms,
    health_from,
    incident_from,
    note_from,
    observation_from,
    pool_from,
    source_from,
    to_ms,
    track_from,
)
from probes.model import Limit, Observation, Target

HOUR = timedelta(hours=1)
RECENT = 10
"""So many of the latest good answers make "now"."""
USUAL = timedelta(days=7)
"""So far back reaches "usual"."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a restart resumes: by target id, account id and incident id."""

    healths: Mapping[str, Health]
    plans: Mapping[str, datetime]
    spendings: Mapping[str, Spending]
    incidents: Mapping[str, Incident]
    told: Mapping[str, frozenset[str]]
    notes: Mapping[str, Note]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Durations:
    """Sketches of the good answers of one target: the latest few, and all of the last days."""

    latency: Sketch
    ttft: Sketch
    usual_latency: Sketch
    usual_ttft: Sketch


def resume(db: sqlite3.Connection, location: str) -> Remembered:
    """Return what was believed, planned, spent, open and told when the last process ended."""
    healths, plans = {}, {}
    query = """
        SELECT health.*, rule, confidence, words, body, account, canary, model
        FROM health JOIN series ON series.id = series_id LEFT JOIN answer ON answer.id = answer_id
        WHERE location = ?
    """
    for row in db.execute(query, (location,)):
        id = _target_id(row)
        healths[id] = health_from(row)
        if row["next"] is not None:
            plans[id] = from_ms(row["next"])
    return Remembered(
        healths,
        plans,
        _spendings(db),
        _open_incidents(db),
        _told(db),
        _notes(db, location),
        sources(db, location),
    )


def last_beat(db: sqlite3.Connection) -> datetime | None:
    row = db.execute("SELECT value FROM mark WHERE name = 'beat'").fetchone()
    return from_ms(int(row["value"])) if row else None


def is_simulated(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM mark WHERE name = 'simulated'").fetchone() is not None


def series_ids(db: sqlite3.Connection, location: str) -> dict[str, int]:
    """Return the number of each target's series, by target id."""
    rows = db.execute("SELECT id, account, canary, model FROM series WHERE location = ?", (location,))
    return {_target_id(row): row["id"] for row in rows}


def cells(db: sqlite3.Connection, since: datetime) -> dict[int, dict[datetime, Cell]]:
    """Return what was seen in each hour from `since` on, by series; hours without a look are left out.

    Closed hours come from their roll-up; what is newer than the last roll-up is counted from the rows.
    """
    found: dict[int, dict[datetime, Cell]] = defaultdict(dict)
    rolled = "SELECT series_id, at, ok, degraded, failed, unknown FROM hourly WHERE at >= ?"
    raw = """
        SELECT series_id, at / 3600000 * 3600000 AS at,
            sum(outcome = 'ok') AS ok, sum(outcome = 'degraded') AS degraded,
            sum(outcome = 'failed') AS failed, sum(outcome = 'unknown') AS unknown
        FROM observation
        WHERE series_id IN (SELECT id FROM series) AND at >= ?
        GROUP BY 1, 2
    """
    for query, start in ((rolled, since), (raw, max(since, rolled_until(db)))):
        for row in db.execute(query, (to_ms(start),)):
            at = from_ms(row["at"])
            found[row["series_id"]][at] = Cell(at, row["ok"], row["degraded"], row["failed"], row["unknown"])
    return found


def looks(
    db: sqlite3.Connection, location: str, objective: Objective, now: datetime, reach: timedelta = LONGEST
) -> Looks:
    """Return what the targets of an objective showed: the hours as far back as `reach`, and the last minutes."""
    known = series_ids(db, location)
    series = dumps([known[target] for target in objective.targets if target in known])
    first = (now - reach).replace(minute=0, second=0, microsecond=0)
    recent = {span: list(_counted(db, ":since", series, objective, now - span, span)) for span in SHORT}
    return Looks([*_rolled(db, series, objective, first), *_unrolled(db, series, objective, first)], recent)


def _rolled(db: sqlite3.Connection, series: str, objective: Objective, since: datetime) -> Iterator[Tally]:
    """Yield the hours that are rolled up; answers are quick or not within the width of a sketch's bin."""
    query = """
        SELECT series_id, at, ok, degraded + failed AS bad, latency FROM hourly
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ?
    """
    for row in db.execute(query, (series, to_ms(since))):
        at, fast, slow = from_ms(row["at"]), 0, 0
        if objective.latency_s is not None:
            durations = unpack(row["latency"])
            fast = below(durations, objective.latency_s)
            slow = sum(durations.values()) - fast
        yield Tally(row["series_id"], at, at + HOUR, row["ok"], row["bad"], fast, slow)


def _unrolled(db: sqlite3.Connection, series: str, objective: Objective, since: datetime) -> Iterator[Tally]:
    start = max(since, rolled_until(db))
    return _counted(db, "at / 3600000 * 3600000", series, objective, start, HOUR)


def _counted(
    db: sqlite3.Connection, span: str, series: str, objective: Objective, since: datetime, length: timedelta
) -> Iterator[Tally]:
    """Yield what is counted from the rows, one a series and span; `span` is the SQL of when it begins."""
    limit = duration_ms(objective.latency_s)
    query = f"""
        SELECT series_id, {span} AS begins, sum(outcome = 'ok') AS ok, sum(outcome IN ('degraded', 'failed')) AS bad,
            total(outcome = 'ok' AND latency <= :limit) AS fast, total(outcome = 'ok' AND latency > :limit) AS slow
        FROM observation WHERE series_id IN (SELECT value FROM json_each(:series)) AND at >= :since
        GROUP BY 1, 2
    """
    for row in db.execute(query, {"limit": limit, "series": series, "since": to_ms(since)}):
        begins = from_ms(row["begins"])
        counts = (row["ok"], row["bad"], int(row["fast"]), int(row["slow"]))
        yield Tally(row["series_id"], begins, begins + length, *counts)


def rolled_until(db: sqlite3.Connection, table: str = "hourly") -> datetime:
    """Return the end of the last hour (or day) that was rolled up; 1970 when none was."""
    row = db.execute("SELECT value FROM mark WHERE name = ?", (f"{table}_until",)).fetchone()
    return from_ms(int(row["value"]) if row else 0)


def durations(db: sqlite3.Connection, series: int, now: datetime) -> Durations:
    newest = "SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = 'ok' ORDER BY at DESC LIMIT ?"
    recent = db.execute(newest, (series, RECENT)).fetchall()
    packed = "SELECT latency, ttft FROM hourly WHERE series_id = ? AND at >= ?"
    hours = db.execute(packed, (series, to_ms(now - USUAL))).fetchall()
    unrolled = "SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = 'ok' AND at >= ?"
    rest = db.execute(unrolled, (series, to_ms(rolled_until(db)))).fetchall()
    return Durations(
        latency=_sketch(recent, "latency"),
        ttft=_sketch(recent, "ttft"),
        usual_latency=merge([*(unpack(row["latency"]) for row in hours), _sketch(rest, "latency")]),
        usual_ttft=merge([*(unpack(row["ttft"]) for row in hours), _sketch(rest, "ttft")]),
    )


def history(db: sqlite3.Connection, location: str, target: Target, since: datetime) -> Iterator[Observation]:
    """Yield every look at a target that is still kept, oldest first; of an answer what decides: its rule, how sure."""
    query = """
        SELECT observation.*, rule, confidence FROM series
        JOIN observation ON observation.series_id = series.id
        LEFT JOIN evidence USING (series_id, at) LEFT JOIN answer ON answer.id = answer_id
        WHERE (location, account, canary, model) = (?, ?, ?, ?) AND at >= ? ORDER BY at
    """
    key = (location, target.account, target.canary, target.model or "", to_ms(since))
    for row in db.execute(query, key):
        yield observation_from(row, target)


def limits(db: sqlite3.Connection, series: int) -> tuple[Limit, ...]:
    rows = db.execute("SELECT * FROM ceiling WHERE series_id = ? ORDER BY unit, window", (series,))
    return tuple(Limit(row["unit"], row["window"] or None, row["most"], row["remaining"]) for row in rows)


def closed_incidents(db: sqlite3.Connection, most: int) -> list[Incident]:
    """Return the latest ended incidents, newest first."""
    rows = db.execute("SELECT details FROM incident WHERE closed IS NOT NULL ORDER BY opened DESC LIMIT ?", (most,))
    return [incident_from(row["details"]) for row in rows]


def deliveries(db: sqlite3.Connection, incident: str) -> tuple[Told, ...]:
    """Return what was told of an incident, to whom, and how that went; oldest first."""
    query = """
        SELECT channel, kind, state, coalesce(done, next) AS at, tries, error
        FROM outbox JOIN change ON change.id = change_id
        WHERE incident_id = ? ORDER BY change.at, outbox.id
    """
    return tuple(
        Told(row["channel"], row["kind"], row["state"], from_ms(row["at"]), row["tries"], row["error"])
        for row in db.execute(query, (incident,))
    )


def failing_channels(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the channels whose latest message is not through after some tries, with the reason."""
    query = """
        SELECT channel, error, max(id) FROM outbox
        WHERE error IS NOT NULL AND state != 'sent' GROUP BY channel ORDER BY channel
    """
    return [(row["channel"], row["error"]) for row in db.execute(query)]


def _spendings(db: sqlite3.Connection) -> dict[str, Spending]:
    rows = db.execute("SELECT account, max(day) AS day, tokens, usd FROM spending GROUP BY account")
    return {row["account"]: Spending(date.fromisoformat(row["day"]), row["tokens"], row["usd"]) for row in rows}


def sources(db: sqlite3.Connection, location: str) -> dict[str, Source]:
    """Return what is believed of each status source, by its id."""
    rows = db.execute("SELECT id, source FROM source WHERE location = ? ORDER BY id", (location,))
    return {row["id"]: source_from(row["source"]) for row in rows}


def tracks(db: sqlite3.Connection, location: str) -> dict[str, Track]:
    """Return the detectors' memory of each target, by its id."""
    query = """
        SELECT account, canary, model, track FROM track JOIN series ON series.id = series_id WHERE location = ?
    """
    return {_target_id(row): track_from(row["track"]) for row in db.execute(query, (location,))}


def pools(db: sqlite3.Connection, location: str) -> dict[str, Pool]:
    """Return the detectors' memory of each group of targets, by its name."""
    rows = db.execute("SELECT id, pool FROM pool WHERE location = ?", (location,))
    return {row["id"]: pool_from(row["pool"]) for row in rows}


def _notes(db: sqlite3.Connection, location: str) -> dict[str, Note]:
    rows = db.execute("SELECT account, note FROM note WHERE location = ?", (location,))
    return {row["account"]: note_from(row["note"]) for row in rows}


def _open_incidents(db: sqlite3.Connection) -> dict[str, Incident]:
    rows = db.execute("SELECT details FROM incident WHERE closed IS NULL ORDER BY opened")
    return {incident.id: incident for incident in (incident_from(row["details"]) for row in rows)}


def _told(db: sqlite3.Connection) -> dict[str, frozenset[str]]:
    query = """
        SELECT DISTINCT incident_id, channel
        FROM outbox JOIN change ON change.id = change_id JOIN incident ON incident.id = incident_id
        WHERE closed IS NULL ORDER BY incident_id
    """
    rows = groupby(db.execute(query), key=lambda row: row["incident_id"])
    return {incident: frozenset(row["channel"] for row in its) for incident, its in rows}


def _target_id(row: Mapping[str, str]) -> str:
    return "/".join(filter(None, (row["account"], row["canary"], row["model"])))


def _sketch(rows: Iterable[Mapping[str, int | None]], column: str) -> Sketch:
    return sketch(value / 1000 for row in rows if (value := row[column]) is not None)
