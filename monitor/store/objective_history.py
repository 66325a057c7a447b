"""The results behind an objective's error budget."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from json import dumps

from msgspec.structs import replace

from monitor.slo.indicator import count_below, unpack
from monitor.slo.objective import LONGEST, REACH, SHORT, Objective, ProbeCounts, SpanCounts
from monitor.store.database import Database
from monitor.store.key_value import KeyValues
from monitor.store.row import DEGRADED, FAILED, MILLISECOND, OK, UNKNOWN, duration_ms, from_ms, to_ms

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DAY_MS = 86_400_000


class ObjectiveHistory:
    """The results of one location, added up for objectives."""

    def __init__(self, connection: Database, location: str, marks: KeyValues) -> None:
        self._db = connection
        self._location = location
        self._marks = marks

    def probe_counts(
        self, known: Mapping[str, int], objective: Objective, now: datetime, reach: timedelta = LONGEST
    ) -> ProbeCounts:
        """Return the results of an objective's targets: the hours as far back as `reach`, and the last minutes.

        `known`: the numbers of all series, by target id. Beyond the reach of any burn rate whole days are used:
        hundreds of objectives have many hours.
        """
        series = dumps([known[target] for target in objective.targets if target in known])
        first = (now - reach).replace(minute=0, second=0, microsecond=0)
        split = max(
            first,
            min((now - LONGEST).replace(hour=0, minute=0, second=0, microsecond=0), self._marks.rolled_until("daily")),
        )
        recent = {span: list(self._counted(":since", series, objective, now - span, span)) for span in SHORT}
        recent[HOUR] = list(self._last_hour(known, objective, now, recent[HOUR]))
        hours = [*self._rolled(series, objective, split), *self._unrolled(series, objective, split)]
        return ProbeCounts([*self._days(series, objective, first, split), *self._since_watched(hours)], recent)

    def _days(self, series: str, objective: Objective, since: datetime, until: datetime) -> Iterator[SpanCounts]:
        """Yield the rolled-up days; `since` may be within the first one."""
        if since >= until:
            return
        quick = dict(self._quick_days(series, objective.latency_s, since, until)) if objective.latency_s else {}
        query = f"""
            SELECT series_id, at / {DAY_MS} * {DAY_MS} AS day, count(*) AS hours, sum(ok + degraded + failed) AS looks,
                sum((degraded + failed) * 1.0 / (ok + degraded + failed)) AS bad FROM hourly
            WHERE series_id IN {self._db.numbers("?")} AND at >= ? AND at < ? AND ok + degraded + failed > 0
            GROUP BY 1, 2
        """
        for row in self._db.execute(query, (series, to_ms(since), to_ms(until))):
            day, failed = from_ms(row["day"]), row["looks"] * row["bad"] / row["hours"]
            begins, ends = max(day, since), day + DAY
            fast, slow = quick.get((row["series_id"], row["day"]), (0, 0))
            seen = row["hours"] * HOUR / (ends - begins)
            yield SpanCounts(row["series_id"], begins, ends, row["looks"] - failed, failed, fast, slow, seen)

    def _quick_days(
        self, series: str, latency_s: float, since: datetime, until: datetime
    ) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Yield the numbers of quick and slow answers, by series and day."""
        query = f"""
            SELECT series_id, at, latency FROM daily
            WHERE series_id IN {self._db.numbers("?")} AND at > ? AND at < ?
        """
        for row in self._db.execute(query, (series, to_ms(since - DAY), to_ms(until))):
            durations = unpack(row["latency"])
            fast = count_below(durations, latency_s)
            yield (row["series_id"], row["at"]), (fast, sum(durations.values()) - fast)

    def _rolled(self, series: str, objective: Objective, since: datetime) -> Iterator[SpanCounts]:
        """Yield the rolled-up hours; quick or slow is exact to the width of a sketch's bin."""
        query = """
            SELECT series_id, at, ok, degraded + failed AS bad, latency FROM hourly
            WHERE series_id IN (SELECT value FROM json_each(?)) AND at >= ? ORDER BY 1, 2
        """
        for row in self._db.execute(query, (series, to_ms(since))):
            at, fast, slow = from_ms(row["at"]), 0, 0
            if objective.latency_s is not None:
                durations = unpack(row["latency"])
                fast = count_below(durations, objective.latency_s)
                slow = sum(durations.values()) - fast
            yield SpanCounts(row["series_id"], at, at + HOUR, row["ok"], row["bad"], fast, slow)

    def _unrolled(self, series: str, objective: Objective, since: datetime) -> Iterator[SpanCounts]:
        start = max(since, self._marks.rolled_until())
        return self._counted("at / 3600000 * 3600000", series, objective, start, HOUR)

    def _since_watched(self, hours: Iterable[SpanCounts]) -> Iterator[SpanCounts]:
        """Yield the hours, oldest of a series first; the first hour of a watch starts at its first observation."""
        looked = set()
        for one in hours:
            if one.ok or one.failed:
                yield (
                    one if (one.series, one.begins - HOUR) in looked else replace(one, begins=self._watched_since(one))
                )
                looked.add((one.series, one.begins))

    def _watched_since(self, hour: SpanCounts) -> datetime:
        """Return since when an hour was watched: all of it, if its observations are deleted already."""
        look = f"FROM observation WHERE series_id = ? AND at >= ? AND at < ? AND outcome <> {UNKNOWN}"
        span = (hour.series, to_ms(hour.begins), to_ms(hour.ends))
        first = self._db.execute(f"SELECT min(at) AS at {look}", span).fetchone()["at"]
        if first is None:
            return hour.begins
        before = (hour.series, to_ms(from_ms(first) - REACH), first)
        return hour.begins if self._db.execute(f"SELECT 1 {look} LIMIT 1", before).fetchone() else from_ms(first)

    def _last_hour(
        self, known: Mapping[str, int], objective: Objective, now: datetime, counted: Iterable[SpanCounts]
    ) -> Iterator[SpanCounts]:
        """Yield the results of the last hour, and the share of it that its observations cover."""
        reaches = {known[target]: objective.reach(target) for target in objective.targets if target in known}
        watched = dict(self._watched(reaches, now))
        for one in counted:
            yield replace(one, seen=watched.get(one.series, 0.0))

    def _watched(self, reaches: Mapping[int, timedelta], now: datetime) -> Iterator[tuple[int, float]]:
        """Yield by series the part of the last hour that its observations cover: each until the next, or its reach.

        A failure reaches as far as the back-off of a dead target. An observation covers at least a second, so that a
        single one of just now has some weight.
        """
        reaches_ms = [(series, reach // MILLISECOND) for series, reach in reaches.items()]
        query = f"""
            SELECT series_id, sum(CASE WHEN covered > least THEN covered ELSE least END) AS watched FROM (
                SELECT series_id, CASE WHEN at >= :since THEN 1000 ELSE 0 END AS least,
                    CASE WHEN next < at + reach THEN next ELSE at + reach END
                        - CASE WHEN at > :since THEN at ELSE :since END AS covered
                FROM (
                    SELECT series_id, at, coalesce(lead(at) OVER (PARTITION BY series_id ORDER BY at), :now) AS next,
                        CASE WHEN outcome <> {OK} AND its.reach < :long THEN :long ELSE its.reach END AS reach
                    FROM {self._db.pairs(":reaches", "series", "reach")} AS its
                    JOIN observation ON series_id = its.series
                    WHERE at >= :since - CASE WHEN its.reach < :long THEN :long ELSE its.reach END
                        AND at <= :now AND outcome <> {UNKNOWN}
                ) AS looks
            ) AS spans GROUP BY 1
        """
        values = {
            "now": to_ms(now),
            "since": to_ms(now - HOUR),
            "long": REACH // MILLISECOND,
            "reaches": dumps(reaches_ms),
        }
        for row in self._db.execute(query, values):
            yield row["series_id"], min(1.0, row["watched"] / (HOUR // MILLISECOND))

    def _counted(
        self, span: str, series: str, objective: Objective, since: datetime, length: timedelta
    ) -> Iterator[SpanCounts]:
        """Yield counts from the rows, one per series and span; `span` is the SQL for a span's start."""
        limit = duration_ms(objective.latency_s)
        query = f"""
            SELECT series_id, {span} AS begins,
                count(*) FILTER (WHERE outcome = {OK}) AS ok,
                count(*) FILTER (WHERE outcome IN ({DEGRADED}, {FAILED})) AS bad,
                count(*) FILTER (WHERE outcome = {OK} AND latency <= :limit) AS fast,
                count(*) FILTER (WHERE outcome = {OK} AND latency > :limit) AS slow
            FROM observation WHERE series_id IN {self._db.numbers(":series")} AND at >= :since
            GROUP BY 1, 2
        """
        for row in self._db.execute(query, {"limit": limit, "series": series, "since": to_ms(since)}):
            begins = from_ms(row["begins"])
            yield SpanCounts(row["series_id"], begins, begins + length, row["ok"], row["bad"], row["fast"], row["slow"])
