"""Queries on the past: observations, hours and days of each series, durations, limits and money."""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from json import dumps

from msgspec import Struct

from monitor.detect import limits
from monitor.detect.latency import Series
from monitor.detect.limits import CeilingMove
from monitor.detect.target_memory import TargetMemory
from monitor.slo.indicator import Cell, Reading, Sketch, make_sketch, merge, unpack
from monitor.store.database import Database, Row
from monitor.store.key_value import KeyValues
from monitor.store.row import (
    DAY_MS,
    MILLISECOND,
    OK,
    OUTCOMES,
    UNKNOWN,
    from_json,
    from_ms,
    observation_from,
    read_rows,
    target_id_from,
    to_ms,
)
from probes.model import Limit, Observation, Target

DAY = timedelta(days=1)
RECENT = 10
"""Number of latest good answers that count as "now"."""
USUAL_DAYS = 7
"""Days that count as "usual"."""
CHARTED_DAYS = 30
"""Days in a chart of durations."""
OBSERVED = """
    SELECT observation.*, rule, confidence, phase FROM series
    JOIN observation ON observation.series_id = series.id
    LEFT JOIN evidence USING (series_id, at) LEFT JOIN answer ON answer.id = answer_id
    WHERE (location, account, canary, model, place) = (?, ?, ?, ?, ?) AND at >= ?
"""
"""The observations of a target since an instant."""
COUNTS = ", ".join(f"count(*) FILTER (WHERE outcome = {one})" for one in range(len(OUTCOMES)))
"""The number of observations of each outcome."""
LATEST = 20
"""Number of latest observations per target from which the usual pause is taken."""

SeriesGroups = Mapping[int, Collection[int]]
"""The series to be added up, by a number for them."""
Cells = dict[int, dict[datetime, Cell]]
"""Results by number of the group and by start of the hour or day."""
Medians = tuple[float | None, ...]
"""A median for each step of time; None where there was nothing to take it of."""
DailyCeilings = dict[int, dict[tuple[str, int], list[Reading]]]
"""Ceilings by series number and by the unit and window of the limit, oldest first."""
DailyCredits = dict[int, dict[str, list[Reading]]]
"""Credit left by series number and unit, oldest first."""


class Durations(Struct, frozen=True):
    """Sketches of the good answers of one target: the latest few, all of the last days, and each closed day.

    `days` holds (start, latency, time to first token), oldest first; days without an observation are left out.
    """

    latency: Sketch
    ttft: Sketch
    usual_latency: Sketch
    usual_ttft: Sketch
    days: tuple[tuple[datetime, Sketch, Sketch], ...] = ()


class LimitSince(Struct, frozen=True):
    """One rate limit as stated by the provider, since when it has its present ceiling, and when it was last stated."""

    limit: Limit
    since: datetime
    told_at: datetime


class History:
    """The results of one location. A series is one target's observations, known by its number (`series_ids`)."""

    def __init__(self, connection: Database, location: str, marks: KeyValues) -> None:
        self._db = connection
        self._location = location
        self._marks = marks

    def rolled_until(self, table: str) -> datetime:
        """Return the end of the last hour (`hourly`) or day (`daily`) rolled up; 1970 if none was."""
        return self._marks.rolled_until(table)

    def series_ids(self) -> dict[str, int]:
        """Return the number of each target's series, by target id."""
        rows = self._db.execute(
            "SELECT id, account, canary, model, place FROM series WHERE location = ?", (self._location,)
        )
        return {target_id_from(row): row["id"] for row in rows}

    def usual_pause(self, least: timedelta) -> timedelta:
        """Return the median pause between the latest probes of the most often probed target; 0: not known.

        Pauses shorter than `least` are re-checks within one round.
        """
        query = "SELECT at FROM observation WHERE series_id = ? ORDER BY at DESC LIMIT ?"
        medians = []
        for series in self.series_ids().values():
            looks = [at for (at,) in self._db.execute(query, (series, LATEST))]
            pauses = sorted(
                one for later, earlier in pairwise(looks) if (one := later - earlier) * MILLISECOND >= least
            )
            medians += pauses[len(pauses) // 2 :][:1]
        return min(medians, default=0) * MILLISECOND

    def gaps(self, since: datetime, least: timedelta) -> list[tuple[datetime, datetime]]:
        """Return the times between two probes, of whichever targets, that are longer than `least`; oldest first."""
        query = """
            SELECT before, at FROM (
                SELECT at, lag(at) OVER (ORDER BY at) AS before FROM observation
                WHERE at >= ? AND series_id IN (SELECT id FROM series WHERE location = ?)
            ) WHERE at - before > ? ORDER BY at
        """
        rows = self._db.execute(query, (to_ms(since), self._location, least // MILLISECOND))
        return [(from_ms(row["before"]), from_ms(row["at"])) for row in rows]

    def cells(self, since: datetime, groups: SeriesGroups) -> Cells:
        """Return the results of each hour from `since` on; hours without an observation are left out.

        Closed hours come from their roll-up; anything newer is counted from the rows.
        """
        raw = f"""
            SELECT number, at / 3600000 * 3600000, {COUNTS} FROM {self._members} JOIN observation USING (series_id)
            WHERE at >= ? GROUP BY 1, 2
        """
        found: Cells = defaultdict(dict)
        self._add_cells(found, self._added_up("hourly", groups), groups, since)
        self._add_cells(found, raw, groups, max(since, self._marks.rolled_until()))
        return found

    def days(self, since: datetime, groups: SeriesGroups) -> Cells:
        """Return the results of each closed day from `since` on; days without an observation are left out."""
        found: Cells = defaultdict(dict)
        self._add_cells(found, self._added_up("daily", groups), groups, since)
        return found

    def first_results(self, groups: SeriesGroups) -> dict[int, datetime]:
        """Return when the first result that counts was seen, of the observations kept; of no group that has none."""
        query = f"""
            SELECT number, min((
                SELECT at FROM observation
                WHERE observation.series_id = member.series_id AND outcome != {UNKNOWN} ORDER BY at LIMIT 1
            )) AS first FROM {self._members} GROUP BY number
        """
        return {number: from_ms(at) for number, at in self._db.execute(query, (_as_pairs(groups),)) if at is not None}

    @property
    def _members(self) -> str:
        """The series of groups as a table, of what `_as_pairs` returns."""
        return f"{self._db.pairs('?', 'number', 'series_id')} AS member"

    def _added_up(self, table: str, groups: SeriesGroups) -> str:
        """Return a query for the results of each hour or day. One row of each needs no sum."""
        if _are_single(groups):
            columns, end = "ok, degraded, failed, unknown", ""
        else:
            columns, end = "sum(ok), sum(degraded), sum(failed), sum(unknown)", "GROUP BY 1, 2"
        return f"SELECT number, at, {columns} FROM {self._members} JOIN {table} USING (series_id) WHERE at >= ? {end}"

    def _add_cells(self, found: Cells, query: str, groups: SeriesGroups, since: datetime) -> None:
        """Add what a query returns of each hour or day to what was found."""
        times: dict[int, datetime] = {}  # the series share their hours: converting each time once halves the work
        for one, at_ms, ok, degraded, failed, unknown in self._db.execute(query, (_as_pairs(groups), to_ms(since))):
            at = times.get(at_ms) or times.setdefault(at_ms, from_ms(at_ms))
            found[one][at] = Cell(at, ok, degraded, failed, unknown)

    def durations(self, series: int, now: datetime) -> Durations:
        newest = (
            f"SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = {OK} ORDER BY at DESC LIMIT ?"
        )
        recent = self._db.execute(newest, (series, RECENT)).fetchall()
        daily = "SELECT at, latency, ttft FROM daily WHERE series_id = ? AND at >= ? ORDER BY at"
        charted = self._db.execute(daily, (series, to_ms(now - CHARTED_DAYS * DAY))).fetchall()
        usual_from = now - USUAL_DAYS * DAY
        packed = "SELECT latency, ttft FROM hourly WHERE series_id = ? AND at >= ?"
        hours = self._db.execute(packed, (series, to_ms(max(usual_from, self._marks.rolled_until("daily"))))).fetchall()
        unrolled = f"SELECT latency, ttft FROM observation WHERE series_id = ? AND outcome = {OK} AND at >= ?"
        rest = self._db.execute(unrolled, (series, to_ms(max(usual_from, self._marks.rolled_until())))).fetchall()
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

    def paces(self, series: int, since: datetime, step: timedelta, number: int) -> tuple[Medians, Medians]:
        """Return the medians of latency and time to first token, in seconds, of the good answers in so many steps."""
        start_ms, step_ms = to_ms(since), step // MILLISECOND
        query = f"""
            SELECT at, latency, ttft FROM observation
            WHERE series_id = ? AND outcome = {OK} AND at >= ? AND at < ? ORDER BY at
        """
        rows = self._db.tuples(query, (series, start_ms, start_ms + number * step_ms))
        latencies: list[float | None] = [None] * number
        ttfts: list[float | None] = [None] * number
        for at, its in groupby(rows, key=lambda row: (row[0] - start_ms) // step_ms):
            _, its_latencies, its_ttfts = zip(*its, strict=True)
            latencies[at], ttfts[at] = _median_s(its_latencies), _median_s(its_ttfts)
        return tuple(latencies), tuple(ttfts)

    def earlier_ceilings(self, series: Collection[int], since: datetime) -> DailyCeilings:
        """Return what each limit of these series was on each day that it was stated, before it became what it is.

        Most ceilings never move, so that this is little.
        """
        query = f"""
            SELECT series_id, unit, "window", day.at, day.most
            FROM daily_ceiling AS day JOIN ceiling USING (series_id, unit, "window")
            WHERE series_id IN {self._db.numbers("?")} AND day.at >= ?
                AND day.at < since / {DAY_MS} * {DAY_MS}
            ORDER BY day.at
        """
        rows = self._db.execute(query, (dumps(list(series)), to_ms(since)))
        found: DailyCeilings = defaultdict(dict)
        for one, key, reading in read_rows(rows, _daily_ceiling):
            found[one].setdefault(key, []).append(reading)
        return found

    def daily_credits(self, series: Collection[int], since: datetime) -> DailyCredits:
        """Return what was left in each unit, as these series reported it, on each day that they did."""
        query = f"""
            SELECT series_id, unit, at, remaining FROM daily_credit
            WHERE series_id IN {self._db.numbers("?")} AND at >= ? ORDER BY at
        """
        rows = self._db.execute(query, (dumps(list(series)), to_ms(since)))
        found: DailyCredits = defaultdict(dict)
        for one, unit, reading in read_rows(rows, _daily_credit):
            found[one].setdefault(unit, []).append(reading)
        return found

    def stream(self, series: int) -> Series | None:
        """Return the saved streaming speed of one target; the JSON is searched, as few targets stream for long."""
        query = "SELECT track FROM track WHERE series_id = ? AND track LIKE ?"
        rows = self._db.execute(query, (series, '%"token":{%'))
        return next(read_rows(rows, lambda row: from_json(row["track"], TargetMemory).token), None)

    def ceilings(self) -> dict[int, tuple[LimitSince, ...]]:
        """Return the rate limits of each series."""
        query = """
            SELECT ceiling.* FROM ceiling JOIN series ON series.id = series_id
            WHERE location = ? ORDER BY series_id, unit, "window"
        """
        rows = groupby(self._db.execute(query, (self._location,)), key=lambda row: row["series_id"])
        return {series: tuple(map(_ceiling, its)) for series, its in rows}

    def moves(self) -> dict[int, Mapping[tuple[str, int], CeilingMove]]:
        """Return the ceilings of each series that moved for good; the JSON is searched, as few ever do."""
        query = """
            SELECT series_id, track FROM track JOIN series ON series.id = series_id
            WHERE location = ? AND track LIKE ?
        """
        rows = self._db.execute(query, (self._location, '%"moved":{%'))
        return dict(
            read_rows(
                rows, lambda row: (row["series_id"], limits.ceiling_moves(from_json(row["track"], TargetMemory).limits))
            )
        )

    def spent(self, since: date) -> dict[str, float]:
        """Return what the canaries of each account have cost from that day on, in USD."""
        query = "SELECT account, sum(usd) AS usd FROM spending WHERE location = ? AND day >= ? GROUP BY 1"
        rows = self._db.execute(query, (self._location, since.isoformat()))
        return {row["account"]: row["usd"] for row in rows}

    def observations(self, target: Target, since: datetime) -> Iterator[Observation]:
        """Yield every stored observation of a target, oldest first; of its answer only rule and confidence."""
        found = self._db.execute(f"{OBSERVED} ORDER BY at", self._observed(target, since))
        yield from read_rows(found, lambda row: observation_from(row, target))

    def latest_observations(self, target: Target, since: datetime, most: int | None) -> list[Observation]:
        """Return the latest so many of them, oldest first; what is older is not read. `most`: None for all."""
        limit = sys.maxsize if most is None else min(most, sys.maxsize)
        found = self._db.execute(f"{OBSERVED} ORDER BY at DESC LIMIT ?", (*self._observed(target, since), limit))
        return list(read_rows(found, lambda row: observation_from(row, target)))[::-1]

    def _observed(self, target: Target, since: datetime) -> tuple[str | int, ...]:
        return self._location, target.account, target.canary, target.model or "", target.location, to_ms(since)


def _ceiling(row: Row) -> LimitSince:
    limit = Limit(row["unit"], row["window"] or None, row["most"], row["remaining"])
    return LimitSince(limit, from_ms(row["since"]), from_ms(row["at"]))


def _median_s(durations_ms: Iterable[int | None]) -> float | None:
    """Return the median, of an even number the upper one of the two in the middle."""
    known = sorted(one for one in durations_ms if one is not None)
    return known[len(known) // 2] / 1000 if known else None


def _daily_ceiling(row: Row) -> tuple[int, tuple[str, int], Reading]:
    return row["series_id"], (row["unit"], row["window"]), Reading(from_ms(row["at"]), float(row["most"]))


def _daily_credit(row: Row) -> tuple[int, str, Reading]:
    return row["series_id"], row["unit"], Reading(from_ms(row["at"]), float(row["remaining"]))


def _sketch(rows: Iterable[Mapping[str, int | None]], column: str) -> Sketch:
    return make_sketch([value for row in rows if (value := row[column]) is not None])


def _as_pairs(groups: SeriesGroups) -> str:
    return dumps([(number, one) for number, its in groups.items() for one in its])


def _are_single(groups: SeriesGroups) -> bool:
    return all(len(its) < 2 for its in groups.values())
