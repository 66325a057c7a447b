"""Everything that is read: what a restart resumes, and what the page shows."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from json import dumps
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.case import (
    KEPT,
    Case,
    Delivery,
    Fate,
    Key,
    Message,
    OutboxState,
    Step,
    matter,
    with_changes,
    with_messages,
)
from monitor.alert.reply import Reply
from monitor.alert.storage_notice import Heard, StoreNews, read_news
from monitor.detect import limits
from monitor.detect.account_memory import Note
from monitor.detect.health import Health
from monitor.detect.latency import Series
from monitor.detect.limits import Moved
from monitor.detect.shared_latency import Pool
from monitor.detect.target_memory import Track
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.stage_failure import Failing
from monitor.diagnose.status_source import Source
from monitor.schedule import Spending
from monitor.slo.indicator import Cell, Sketch, below, merge, sketch, unpack
from monitor.slo.objective import LONGEST, REACH, SHORT, Looks, Objective, Tally
from monitor.storage_refusal import StorageRefusal
from monitor.store.clock import Trace
from monitor.store.overlap import Overlap
from monitor.store.value import (
    DEGRADED,
    FAILED,
    MILLISECOND,
    OK,
    UNKNOWN,
    duration_ms,
    from_json,
    from_ms,
    health_from,
    maybe_time,
    observation_from,
    readable,
    sound,
    to_ms,
)
from probes.model import Limit, Observation, Target

T = TypeVar("T")

HOUR = timedelta(hours=1)
RECENT = 10
"""So many of the latest good answers make "now"."""
DAY = timedelta(days=1)
DAY_MS = 86_400_000
USUAL_DAYS = 7
"""So many days back reaches "usual"."""
CHARTED_DAYS = 30
"""So many days back reaches a chart of durations."""


class Remembered(Struct, frozen=True):
    """What a restart resumes: by target id, account id and incident id."""

    healths: Mapping[str, Health]
    plans: Mapping[str, datetime]
    spendings: Mapping[str, Spending]
    incidents: Mapping[str, Incident]
    notes: Mapping[str, Note]
    sources: Mapping[str, Source]


class Durations(Struct, frozen=True):
    """Sketches of the good answers of one target: the latest few, all of the last days, and each closed day.

    `days` holds (start, latency, time to first token), the oldest first; days without a look are left out.
    """

    latency: Sketch
    ttft: Sketch
    usual_latency: Sketch
    usual_ttft: Sketch
    days: tuple[tuple[datetime, Sketch, Sketch], ...] = ()


class LimitSince(Struct, frozen=True):
    """One rate limit as last told, and since when its ceiling is what it is."""

    limit: Limit
    since: datetime


def resume(db: sqlite3.Connection, location: str) -> Remembered:
    """Return what was believed, planned, spent and open when the last process ended."""
    healths: dict[str, Health] = {}
    plans: dict[str, datetime] = {}
    query = """
        SELECT health.*, rule, confidence, words, body, phase, account, canary, model
        FROM health JOIN series ON series.id = series_id LEFT JOIN answer ON answer.id = answer_id
        WHERE location = ?
    """
    for id, health, planned in sound(db.execute(query, (location,)), _planned):
        healths[id] = health
        if planned:
            plans[id] = planned
    return Remembered(healths, plans, _spendings(db), _open_incidents(db), _notes(db, location), sources(db, location))


def _planned(row: Mapping[str, Any]) -> tuple[str, Health, datetime | None]:
    return _target_id(row), health_from(row), maybe_time(row["next"])


def _marked(db: sqlite3.Connection, name: str, read: Callable[[str], T]) -> T | None:
    """Return what stands at a mark; None: nothing, or nothing that can be read."""
    rows = db.execute("SELECT value FROM mark WHERE name = ?", (name,))
    return next(sound(rows, lambda row: read(row["value"])), None)


def last_beat(db: sqlite3.Connection) -> datetime | None:
    return _marked(db, "beat", _time)


def _time(text: str) -> datetime:
    return from_ms(int(text))


def trace(db: sqlite3.Connection) -> Trace | None:
    """Return what the last process left of its clocks; None: nothing."""
    return _marked(db, "clock", lambda text: from_json(text, Trace))


def refusal(db: sqlite3.Connection) -> StorageRefusal | None:
    """Return why the database cannot be written, where this one stands in for it."""
    return _marked(db, "refused", lambda text: from_json(text, StorageRefusal))


def overlap(db: sqlite3.Connection) -> Overlap | None:
    """Return the rounds that were left out lately; None: none ever was."""
    return _marked(db, "overlap", lambda text: from_json(text, Overlap))


def failing(db: sqlite3.Connection) -> list[Failing]:
    """Return the stages of the monitor that fail, as it last told."""
    return _marked(db, "failing", lambda text: from_json(text, list[Failing])) or []


def said(db: sqlite3.Connection) -> dict[str, str]:
    """Return what the log holds of the monitor's own trouble, by what it is about."""
    return _marked(db, "said", lambda text: from_json(text, dict[str, str])) or {}


LATEST = 20
"""So many looks of each target tell how far apart they usually are."""


def usual_pause(db: sqlite3.Connection, least: timedelta) -> timedelta:
    """Return the median pause between the latest looks at the target that is looked at most often; 0: not known.

    Pauses shorter than `least` are re-checks within one round.
    """
    query = "SELECT at FROM observation WHERE series_id = ? ORDER BY at DESC LIMIT ?"
    medians = []
    for row in db.execute("SELECT id FROM series"):
        looks = [at for (at,) in db.execute(query, (row["id"], LATEST))]
        pauses = sorted(one for later, earlier in pairwise(looks) if (one := later - earlier) * MILLISECOND >= least)
        medians += pauses[len(pauses) // 2 :][:1]
    return min(medians, default=0) * MILLISECOND


def is_sound(db: sqlite3.Connection) -> bool:
    """Whether SQLite finds the pages of the file as they should be."""
    return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def series_ids(db: sqlite3.Connection, location: str) -> dict[str, int]:
    """Return the number of each target's series, by target id."""
    rows = db.execute("SELECT id, account, canary, model FROM series WHERE location = ?", (location,))
    return {_target_id(row): row["id"] for row in rows}


Cells = dict[int, dict[datetime, Cell]]
"""What was seen, by the number of a series and by the start of its hour or day."""
ALL = 0
"""Stands for the number of a series where several are added up."""


def cells(db: sqlite3.Connection, since: datetime, series: Collection[int], *, added_up: bool = False) -> Cells:
    """Return what was seen in each hour from `since` on; hours without a look are left out.

    Closed hours come from their roll-up; what is newer than the last roll-up is counted from the rows.
    """
    rolled = """
        SELECT series_id, at, ok, degraded, failed, unknown FROM hourly
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ?
    """
    raw = f"""
        SELECT series_id, at / 3600000 * 3600000 AS at,
            sum(outcome = {OK}) AS ok, sum(outcome = {DEGRADED}) AS degraded,
            sum(outcome = {FAILED}) AS failed, sum(outcome = {UNKNOWN}) AS unknown
        FROM observation
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ?
        GROUP BY 1, 2
    """
    found: Cells = defaultdict(dict)
    for query, start in ((rolled, since), (raw, max(since, rolled_until(db)))):
        _add_cells(found, db, query, series, start, added_up)
    return found


def days(db: sqlite3.Connection, since: datetime, series: Collection[int], *, added_up: bool = False) -> Cells:
    """Return what was seen in each closed day from `since` on; days without a look are left out."""
    query = """
        SELECT series_id, at, ok, degraded, failed, unknown FROM daily
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ?
    """
    found: Cells = defaultdict(dict)
    _add_cells(found, db, query, series, since, added_up)
    return found


def _add_cells(
    found: Cells, db: sqlite3.Connection, query: str, series: Collection[int], since: datetime, added_up: bool
) -> None:
    if added_up:
        query = f"SELECT {ALL}, at, sum(ok), sum(degraded), sum(failed), sum(unknown) FROM ({query}) GROUP BY at"
    times: dict[int, datetime] = {}  # the series share their hours: converting each time once halves the work
    for one, at_ms, ok, degraded, failed, unknown in db.execute(query, (dumps(list(series)), to_ms(since))):
        at = times.get(at_ms) or times.setdefault(at_ms, from_ms(at_ms))
        found[one][at] = Cell(at, ok, degraded, failed, unknown)


def looks(
    db: sqlite3.Connection, known: Mapping[str, int], objective: Objective, now: datetime, reach: timedelta = LONGEST
) -> Looks:
    """Return what the targets of an objective showed: the hours as far back as `reach`, and the last minutes.

    `known` are the numbers of all series, by target id. What is longer ago than any burn rate asks for is put
    together by days: hundreds of objectives have many hours.
    """
    series = dumps([known[target] for target in objective.targets if target in known])
    first = (now - reach).replace(minute=0, second=0, microsecond=0)
    split = max(
        first, min((now - LONGEST).replace(hour=0, minute=0, second=0, microsecond=0), rolled_until(db, "daily"))
    )
    recent = {span: list(_counted(db, ":since", series, objective, now - span, span)) for span in SHORT}
    recent[HOUR] = list(_last_hour(db, known, objective, now, recent[HOUR]))
    hours = [*_rolled(db, series, objective, split), *_unrolled(db, series, objective, split)]
    return Looks([*_days(db, series, objective, first, split), *_since_watched(db, hours)], recent)


def _days(
    db: sqlite3.Connection, series: str, objective: Objective, since: datetime, until: datetime
) -> Iterator[Tally]:
    """Yield the days that are rolled up; `since` may be within the first one."""
    if since >= until:
        return
    quick = dict(_quick_days(db, series, objective.latency_s, since, until)) if objective.latency_s else {}
    query = f"""
        SELECT series_id, at / {DAY_MS} * {DAY_MS} AS day, count(*) AS hours, sum(ok + degraded + failed) AS looks,
            sum((degraded + failed) * 1.0 / (ok + degraded + failed)) AS bad FROM hourly
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ? AND at < ? AND ok + degraded + failed > 0
        GROUP BY 1, 2
    """
    for row in db.execute(query, (series, to_ms(since), to_ms(until))):
        day, failed = from_ms(row["day"]), row["looks"] * row["bad"] / row["hours"]
        begins, ends = max(day, since), day + DAY
        fast, slow = quick.get((row["series_id"], row["day"]), (0, 0))
        seen = row["hours"] * HOUR / (ends - begins)
        yield Tally(row["series_id"], begins, ends, row["looks"] - failed, failed, fast, slow, seen)


def _quick_days(
    db: sqlite3.Connection, series: str, latency_s: float, since: datetime, until: datetime
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield how many answers were quick, and how many slow, by series and day."""
    query = """
        SELECT series_id, at, latency FROM daily
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at > ? AND at < ?
    """
    for row in db.execute(query, (series, to_ms(since - DAY), to_ms(until))):
        durations = unpack(row["latency"])
        fast = below(durations, latency_s)
        yield (row["series_id"], row["at"]), (fast, sum(durations.values()) - fast)


def _rolled(db: sqlite3.Connection, series: str, objective: Objective, since: datetime) -> Iterator[Tally]:
    """Yield the hours that are rolled up; answers are quick or not within the width of a sketch's bin."""
    query = """
        SELECT series_id, at, ok, degraded + failed AS bad, latency FROM hourly
        WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ? ORDER BY 1, 2
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


def _since_watched(db: sqlite3.Connection, hours: Iterable[Tally]) -> Iterator[Tally]:
    """Yield the hours, the oldest of a series first; one that nobody watched before begins with its first look."""
    looked = set()
    for one in hours:
        if one.ok or one.failed:
            yield one if (one.series, one.begins - HOUR) in looked else replace(one, begins=_watched_since(db, one))
            looked.add((one.series, one.begins))


def _watched_since(db: sqlite3.Connection, hour: Tally) -> datetime:
    """Return since when an hour was watched: all of it, where its looks are forgotten."""
    look = f"FROM observation WHERE series_id = ? AND at >= ? AND at < ? AND outcome <> {UNKNOWN}"
    span = (hour.series, to_ms(hour.begins), to_ms(hour.ends))
    first = db.execute(f"SELECT min(at) AS at {look}", span).fetchone()["at"]
    if first is None:
        return hour.begins
    before = (hour.series, to_ms(from_ms(first) - REACH), first)
    return hour.begins if db.execute(f"SELECT 1 {look} LIMIT 1", before).fetchone() else from_ms(first)


def _last_hour(
    db: sqlite3.Connection, known: Mapping[str, int], objective: Objective, now: datetime, counted: Iterable[Tally]
) -> Iterator[Tally]:
    """Yield what the last hour showed, and for how much of it its looks speak."""
    reaches = {known[target]: objective.reach(target) for target in objective.targets if target in known}
    watched = dict(_watched(db, reaches, now))
    for one in counted:
        yield replace(one, seen=watched.get(one.series, 0.0))


def _watched(db: sqlite3.Connection, reaches: Mapping[int, timedelta], now: datetime) -> Iterator[tuple[int, float]]:
    """Yield by series for how much of the last hour its looks speak: each until the next one, or as far as it reaches.

    One that failed reaches as far as what is dead is left in peace. A look speaks for a second at least, so that a
    single one of just now weighs something.
    """
    query = f"""
        SELECT series_id, sum(max(0, min(next, at + reach) - max(at, :since), 1000 * (at >= :since))) AS watched FROM (
            SELECT series_id, at, max(reach.value, :long * (outcome <> {OK})) AS reach,
                lead(at, 1, :now) OVER (PARTITION BY series_id ORDER BY at) AS next
            FROM json_each(:reaches) AS reach JOIN observation ON series_id = CAST(reach.key AS INTEGER)
            WHERE at >= :since - max(reach.value, :long) AND at <= :now AND outcome <> {UNKNOWN}
        ) GROUP BY 1
    """
    lengths = {str(series): reach // MILLISECOND for series, reach in reaches.items()}
    values = {"now": to_ms(now), "since": to_ms(now - HOUR), "long": REACH // MILLISECOND, "reaches": dumps(lengths)}
    for row in db.execute(query, values):
        yield row["series_id"], min(1.0, row["watched"] / (HOUR // MILLISECOND))


def _counted(
    db: sqlite3.Connection, span: str, series: str, objective: Objective, since: datetime, length: timedelta
) -> Iterator[Tally]:
    """Yield what is counted from the rows, one a series and span; `span` is the SQL of when it begins."""
    limit = duration_ms(objective.latency_s)
    query = f"""
        SELECT series_id, {span} AS begins, sum(outcome = {OK}) AS ok, sum(outcome IN ({DEGRADED}, {FAILED})) AS bad,
            total(outcome = {OK} AND latency <= :limit) AS fast, total(outcome = {OK} AND latency > :limit) AS slow
        FROM observation WHERE series_id IN (SELECT value FROM json_each(:series)) AND at >= :since
        GROUP BY 1, 2
    """
    for row in db.execute(query, {"limit": limit, "series": series, "since": to_ms(since)}):
        begins = from_ms(row["begins"])
        counts = (row["ok"], row["bad"], int(row["fast"]), int(row["slow"]))
        yield Tally(row["series_id"], begins, begins + length, *counts)


def rolled_until(db: sqlite3.Connection, table: str = "hourly") -> datetime:
    """Return the end of the last hour (or day) that was rolled up; 1970 when none was."""
    return _marked(db, f"{table}_until", _time) or from_ms(0)


def durations(db: sqlite3.Connection, series: int, now: datetime) -> Durations:
    newest = f"SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = {OK} ORDER BY at DESC LIMIT ?"
    recent = db.execute(newest, (series, RECENT)).fetchall()
    daily = "SELECT at, latency, ttft FROM daily WHERE series_id = ? AND at >= ? ORDER BY at"
    charted = db.execute(daily, (series, to_ms(now - CHARTED_DAYS * DAY))).fetchall()
    usual_from = now - USUAL_DAYS * DAY
    packed = "SELECT latency, ttft FROM hourly WHERE series_id = ? AND at >= ?"
    hours = db.execute(packed, (series, to_ms(max(usual_from, rolled_until(db, "daily"))))).fetchall()
    unrolled = f"SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = {OK} AND at >= ?"
    rest = db.execute(unrolled, (series, to_ms(max(usual_from, rolled_until(db))))).fetchall()
    days = tuple((from_ms(row["at"]), unpack(row["latency"]), unpack(row["ttft"])) for row in charted)
    usual = [(latency, ttft) for at, latency, ttft in days if at >= usual_from]
    usual += [(unpack(row["latency"]), unpack(row["ttft"])) for row in hours]
    return Durations(
        latency=_sketch(recent, "latency"),
        ttft=_sketch(recent, "ttft"),
        usual_latency=merge([*(latency for latency, _ in usual), _sketch(rest, "latency")]),
        usual_ttft=merge([*(ttft for _, ttft in usual), _sketch(rest, "ttft")]),
        days=days,
    )


def stream(db: sqlite3.Connection, series: int) -> Series | None:
    """Return what is remembered of the pace of one target's streams; the text is searched, as few stream for long."""
    rows = db.execute("""SELECT track FROM track WHERE series_id = ? AND instr(track, '"token":{')""", (series,))
    return next(sound(rows, lambda row: from_json(row["track"], Track).token), None)


def ceilings(db: sqlite3.Connection) -> dict[int, tuple[LimitSince, ...]]:
    """Return the rate limits of each series."""
    rows = groupby(
        db.execute("SELECT * FROM ceiling ORDER BY series_id, unit, window"), key=lambda row: row["series_id"]
    )
    return {series: tuple(map(_ceiling, its)) for series, its in rows}


def _ceiling(row: sqlite3.Row) -> LimitSince:
    limit = Limit(row["unit"], row["window"] or None, row["most"], row["remaining"])
    return LimitSince(limit, from_ms(row["since"]))


def moves(db: sqlite3.Connection) -> dict[int, Mapping[tuple[str, int], Moved]]:
    """Return the ceilings of each series that moved for good; the text is searched, as few ever do."""
    rows = db.execute("""SELECT series_id, track FROM track WHERE instr(track, '"moved":{')""")
    return dict(sound(rows, lambda row: (row["series_id"], limits.moves(from_json(row["track"], Track).limits))))


def spent(db: sqlite3.Connection, since: date) -> dict[str, float]:
    """Return what the canaries of each account have cost from that day on, in USD."""
    rows = db.execute("SELECT account, sum(usd) AS usd FROM spending WHERE day >= ? GROUP BY 1", (since.isoformat(),))
    return {row["account"]: row["usd"] for row in rows}


def history(db: sqlite3.Connection, location: str, target: Target, since: datetime) -> Iterator[Observation]:
    """Yield every look at a target that is still kept, oldest first; of an answer what decides: its rule, how sure."""
    query = """
        SELECT observation.*, rule, confidence, phase FROM series
        JOIN observation ON observation.series_id = series.id
        LEFT JOIN evidence USING (series_id, at) LEFT JOIN answer ON answer.id = answer_id
        WHERE (location, account, canary, model) = (?, ?, ?, ?) AND at >= ? ORDER BY at
    """
    key = (location, target.account, target.canary, target.model or "", to_ms(since))
    yield from sound(db.execute(query, key), lambda row: observation_from(row, target))


def closed_incidents(db: sqlite3.Connection, most: int) -> list[Incident]:
    """Return the latest ended incidents, newest first."""
    rows = db.execute("SELECT details FROM incident WHERE closed IS NOT NULL ORDER BY opened DESC LIMIT ?", (most,))
    return list(sound(rows, _incident))


class Correspondence(Struct, frozen=True):
    """What a restart resumes of the telling.

    `digests` is when each channel was last sent one, `beat` when anything was last written (None: never), `heard`
    what each channel was told of whether it can be.
    """

    cases: Mapping[str, Case]
    replies: Sequence[Reply]
    digests: Mapping[str, datetime]
    beat: datetime | None
    heard: Mapping[str, Heard]


def correspondence(db: sqlite3.Connection, now: datetime) -> Correspondence:
    rows = db.execute("SELECT channel, max(at) AS at FROM outbox WHERE step = 'digest' GROUP BY channel")
    digests = {row["channel"]: from_ms(row["at"]) for row in rows}
    return Correspondence(_cases(db, now), _replies(db, now), digests, last_beat(db), _heard(db))


def _heard(db: sqlite3.Connection) -> dict[str, Heard]:
    query = "SELECT channel, note, max(number) AS at FROM outbox WHERE step = 'store' AND note NOT LIKE ? GROUP BY 1"
    rows = db.execute(query, (f"{StoreNews.EVENT}%",))
    return dict(sound(rows, lambda row: (row["channel"], Heard(read_news(row["note"])[0], from_ms(row["at"])))))


def is_replied(db: sqlite3.Connection, reply: str) -> bool:
    return db.execute("SELECT 1 FROM reply WHERE id = ?", (reply,)).fetchone() is not None


def incidents_between(db: sqlite3.Connection, since: datetime, until: datetime) -> list[Incident]:
    """Return the incidents that were open at some time of the span, drills left out; oldest first."""
    query = """
        SELECT details FROM incident
        WHERE NOT drill AND opened < ? AND coalesce(closed, ?) >= ? ORDER BY opened
    """
    rows = db.execute(query, (to_ms(until), to_ms(until), to_ms(since)))
    return list(sound(rows, _incident))


def find_incident(db: sqlite3.Connection, id: str) -> Incident | None:
    row = db.execute("SELECT details FROM incident WHERE id = ?", (id,)).fetchone()
    return next(sound([row] if row else (), _incident), None)


def incident_ids(db: sqlite3.Connection) -> list[str]:
    return [row["id"] for row in db.execute("SELECT id FROM incident")]


def deliveries(db: sqlite3.Connection, incident: str) -> tuple[Delivery, ...]:
    """Return what was told of an incident, to whom, and how that went; oldest first."""
    query = """
        SELECT channel, step, state, coalesce(done, next) AS at, tries, error
        FROM outbox WHERE incident_id = ? ORDER BY id
    """
    return tuple(sound(db.execute(query, (incident,)), _delivery))


def latest_deliveries(db: sqlite3.Connection, most: int) -> list[tuple[Incident | None, str, Delivery]]:
    """Return the latest messages of all, newest first, with the incident as it was told, or what else it was about."""
    query = """
        SELECT incident, note, about_channel, channel, step, state, coalesce(done, next) AS at, tries, error
        FROM outbox LEFT JOIN change ON change.id = change_id ORDER BY outbox.id DESC LIMIT ?
    """
    return list(sound(db.execute(query, (most,)), _delivery_with_subject))


def _delivery_with_subject(row: sqlite3.Row) -> tuple[Incident | None, str, Delivery]:
    incident = from_json(row["incident"], Incident) if row["incident"] is not None else None
    return incident, matter(row["about_channel"], row["note"]), _delivery(row)


def _delivery(row: sqlite3.Row) -> Delivery:
    step, state = Step(row["step"]), OutboxState(row["state"])
    return Delivery(row["channel"], step, state, from_ms(row["at"]), row["tries"], row["error"])


def changes_since(db: sqlite3.Connection, since: datetime) -> list[Change]:
    """Return the changes of the incidents that began to be told of since then, in the order in which they came."""
    query = """
        SELECT incident, kind, at FROM change
        WHERE incident_id IN (SELECT incident_id FROM change GROUP BY 1 HAVING min(at) >= ?) ORDER BY rowid
    """
    rows = db.execute(query, (to_ms(since),))
    return list(sound(rows, _change))


def fates(db: sqlite3.Connection, since: datetime) -> dict[Key, Fate]:
    """Return how each message went that was decided since then."""
    query = "SELECT change_id, channel, step, number, state, tries, error FROM outbox WHERE at >= ?"
    return dict(sound(db.execute(query, (to_ms(since),)), _fate))


def _fate(row: sqlite3.Row) -> tuple[Key, Fate]:
    key = row["change_id"], row["channel"], Step(row["step"]), row["number"]
    return key, Fate(OutboxState(row["state"]), row["tries"], row["error"])


def all_replies(db: sqlite3.Connection) -> list[Reply]:
    return list(sound(db.execute("SELECT details FROM reply ORDER BY at"), _reply))


def failing_channels(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the channels whose latest message is not through after some tries, with the reason."""
    query = """
        SELECT channel, error, max(id) FROM outbox
        WHERE error IS NOT NULL AND state IN ('waiting', 'failed') GROUP BY channel ORDER BY channel
    """
    return [(row["channel"], row["error"]) for row in db.execute(query)]


def _spendings(db: sqlite3.Connection) -> dict[str, Spending]:
    rows = db.execute("SELECT account, max(day) AS day, tokens, usd FROM spending GROUP BY account")
    return dict(sound(rows, _spending))


def _spending(row: sqlite3.Row) -> tuple[str, Spending]:
    return row["account"], Spending(date.fromisoformat(row["day"]), row["tokens"], row["usd"])


def sources(db: sqlite3.Connection, location: str) -> dict[str, Source]:
    """Return what is believed of each status source, by its id."""
    rows = db.execute("SELECT id, source FROM source WHERE location = ? ORDER BY id", (location,))
    return readable(((row["id"], row["source"]) for row in rows), Source)


def tracks(db: sqlite3.Connection, location: str) -> dict[str, Track]:
    """Return the detectors' memory of each target, by its id."""
    query = """
        SELECT account, canary, model, track FROM track JOIN series ON series.id = series_id WHERE location = ?
    """
    return readable(((_target_id(row), row["track"]) for row in db.execute(query, (location,))), Track)


def pools(db: sqlite3.Connection, location: str) -> dict[str, Pool]:
    """Return the detectors' memory of each group of targets, by its name."""
    rows = db.execute("SELECT id, pool FROM pool WHERE location = ?", (location,))
    return readable(((row["id"], row["pool"]) for row in rows), Pool)


def _notes(db: sqlite3.Connection, location: str) -> dict[str, Note]:
    rows = db.execute("SELECT account, note FROM note WHERE location = ?", (location,))
    return readable(((row["account"], row["note"]) for row in rows), Note)


def _open_incidents(db: sqlite3.Connection) -> dict[str, Incident]:
    rows = db.execute("SELECT id, details FROM incident WHERE closed IS NULL ORDER BY opened")
    return readable(((row["id"], row["details"]) for row in rows), Incident)


def _cases(db: sqlite3.Connection, now: datetime) -> dict[str, Case]:
    """Return what happened lately and who was told of it, in the order in which it came."""
    recent = "SELECT id FROM incident WHERE closed IS NULL OR closed > ?"
    since = (to_ms(now - KEPT),)
    query = f"SELECT incident, kind, at FROM change WHERE incident_id IN ({recent}) ORDER BY rowid"
    cases = with_changes({}, sound(db.execute(query, since), _change))
    query = f"SELECT * FROM outbox WHERE incident_id IN ({recent}) AND change_id IS NOT NULL ORDER BY id"
    return with_messages(cases, sound(db.execute(query, since), _message))


def _incident(row: sqlite3.Row) -> Incident:
    return from_json(row["details"], Incident)


def _change(row: sqlite3.Row) -> Change:
    return Change(from_json(row["incident"], Incident), ChangeKind(row["kind"]), from_ms(row["at"]))


def _reply(row: sqlite3.Row) -> Reply:
    return from_json(row["details"], Reply)


def _message(row: sqlite3.Row) -> tuple[Message, datetime]:
    message = Message(row["change_id"], row["channel"], Step(row["step"]), row["number"], row["incident_id"])
    return message, from_ms(row["at"])


def _replies(db: sqlite3.Connection, now: datetime) -> list[Reply]:
    """Return what people answered that may still count."""
    query = """
        SELECT details FROM reply
        WHERE coalesce(until, ?) >= ? AND (
            kind IN ('silence', 'lift') OR subject IN (SELECT id FROM incident WHERE closed IS NULL)
        )
        ORDER BY at
    """
    return list(sound(db.execute(query, (to_ms(now), to_ms(now))), _reply))


def _target_id(row: Mapping[str, str]) -> str:
    return "/".join(filter(None, (row["account"], row["canary"], row["model"])))


def _sketch(rows: Iterable[Mapping[str, int | None]], column: str) -> Sketch:
    return sketch([value for row in rows if (value := row[column]) is not None])
