"""What results cost on disk, and how fast they are rolled up, forgotten and read: one task a process, JSON out.

`python -m benchmarks.keeping size|tidy|page`.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.slo.indicator import Sketch, merge, quantile, unpack
from monitor.store import rollup
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import to_ms
from monitor.store.writer import Writer

DAY = datetime(2026, 8, 1, tzinfo=UTC)
DAY_MS = 86_400_000
MINUTES = 1440
NINETY = 90
READINGS = 5

# A look a minute at each series, in the order of time, as beats write them; one in a hundred fails.
ONE_DAY = """
    WITH RECURSIVE minute (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM minute WHERE n < :minutes - 1)
    INSERT INTO observation
    SELECT id, :from + n * 60000 + id * 37 % 60000,
        CASE abs(random()) % 100 WHEN 0 THEN 2 ELSE 0 END, NULL, 200,
        200 + abs(random()) % 900, 100 + abs(random()) % 400, :tokens, :tokens, :cost
    FROM minute CROSS JOIN series ORDER BY n, id * 37 % 60000
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(TASKS[sys.argv[1]](Path(folder))))


def _filled(folder: Path, series: int, tokens: int | None = None) -> sqlite3.Connection:
    """Return a database of a day of these series; with `tokens`, each answer was billed."""
    db = open_writer(folder / "monitor.db")
    db.execute("PRAGMA synchronous = OFF")  # of what is prepared only
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO series VALUES (?, 'here', 'openai', ?, 'chat', 'm')", ((n, f"a{n}") for n in range(1, series + 1))
    )
    db.execute(ONE_DAY, {"minutes": MINUTES, "from": to_ms(DAY), "tokens": tokens, "cost": tokens and 2_000})
    db.execute("COMMIT")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _roll_up(db: sqlite3.Connection, now: datetime) -> Iterable[float]:
    """Roll up all that is due; yield how long each step held the writer, in seconds."""
    stored, writer = Reader(db, "here"), Writer(db, "here")
    while due := stored.next_roll_up(now):
        started = time.perf_counter()
        writer.save_roll_up(due)
        yield time.perf_counter() - started


def size(folder: Path) -> dict[str, float]:
    """Bytes of a raw result as the beats leave it: a free look, a billed one, and a free one after a VACUUM."""
    rows = 200 * MINUTES
    with closing(_filled(folder, 200)) as db:
        list(_roll_up(db, DAY + timedelta(days=1, hours=1)))
        live, rolled = _bytes(db, "observation"), _bytes(db, "hourly") + _bytes(db, "daily")
        db.execute("VACUUM")
        packed = _bytes(db, "observation")
    (folder / "billed").mkdir()
    with closing(_filled(folder / "billed", 200, tokens=12)) as db:
        billed = _bytes(db, "observation")
    return {
        "live_b": live / rows,
        "billed_b": billed / rows,
        "packed_b": packed / rows,
        "rolled_percent": 100 * rolled / live,
    }


def _bytes(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (table,)).fetchone()[0])


def tidy(folder: Path) -> dict[str, float]:
    """Roll up and forget a day of 1,000 targets: seconds of CPU, and the longest hold of the writer on the clock."""
    with closing(_filled(folder, 1000)) as db:
        started = time.process_time()
        held = list(_roll_up(db, DAY + timedelta(days=1, hours=1)))
        rolled_s = time.process_time() - started
        while True:
            begun = time.perf_counter()
            gone = rollup.delete_before(db, "observation", DAY + timedelta(days=2))
            held.append(time.perf_counter() - begun)
            if not gone:
                break
        return {
            "roll_up_s": rolled_s,
            "all_s": time.process_time() - started,
            "held_ms": 1000 * max(held),
        }


def page(folder: Path) -> dict[str, float]:
    """Availability per series and day, median and 95th percentile per series, over 90 days of 150 series."""
    with closing(_filled(folder, 150)) as db:
        list(_roll_up(db, DAY + timedelta(days=1, hours=1)))
        _repeat_the_day(db)
        db.execute("PRAGMA mmap_size = 2000000000")
        days = [_timed(lambda: _from_days(db)) for _ in range(READINGS)]
        return {"days_ms": sorted(days)[READINGS // 2], "raw_ms": _timed(lambda: _from_rows(db))}


def _repeat_the_day(db: sqlite3.Connection) -> None:
    """Fill the other 89 days with copies of the first: rows, and its roll-up."""
    db.execute("PRAGMA synchronous = OFF")
    days = "WITH RECURSIVE day (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM day WHERE n < ?)"
    columns = "outcome, fault, status, latency, ttft, tokens_in, tokens_out, cost"
    db.execute("CREATE TEMP TABLE first AS SELECT * FROM observation")
    db.execute("DELETE FROM observation")
    for (series,) in db.execute("SELECT id FROM series ORDER BY id").fetchall():
        rows = f"SELECT series_id, at + n * {DAY_MS}, {columns} FROM day CROSS JOIN first WHERE series_id = ?"
        db.execute(f"{days} INSERT INTO observation {rows}", (NINETY - 1, series))
    rolled = "ok, degraded, failed, unknown, latency, ttft"
    rows = f"SELECT series_id, at + n * {DAY_MS}, {rolled} FROM day CROSS JOIN daily WHERE n > 0"
    db.execute(f"{days} INSERT INTO daily {rows}", (NINETY - 1,))


def _from_days(db: sqlite3.Connection) -> int:
    sketches: dict[int, list[Sketch]] = {}
    shown = 0
    for row in db.execute("SELECT * FROM daily"):
        shown += row["ok"] / (row["ok"] + row["degraded"] + row["failed"]) < 1
        sketches.setdefault(row["series_id"], []).append(unpack(row["latency"]))
    merged = [merge(its) for its in sketches.values()]
    return shown + len([(quantile(one, 0.5), quantile(one, 0.95)) for one in merged])


def _from_rows(db: sqlite3.Connection) -> int:
    days = f"SELECT series_id, at / {DAY_MS}, avg(outcome = 0) FROM observation GROUP BY 1, 2"
    durations = "SELECT series_id, latency, count(*) FROM observation GROUP BY 1, 2 ORDER BY 1, 2"
    return len(db.execute(days).fetchall()) + len(db.execute(durations).fetchall())


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


TASKS: dict[str, Callable[[Path], dict[str, float]]] = {"size": size, "tidy": tidy, "page": page}

if __name__ == "__main__":
    main()
