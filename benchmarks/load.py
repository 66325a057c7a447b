"""One window of load in a process of its own: our engine, or a bare aiohttp loop; prints what it cost as JSON.

`python -m benchmarks.load engine|bare|paced BASE TARGETS SECONDS` with `{}` in BASE for the number of the
target; `--fresh` opens a connection for each request, `--uvloop` runs on uvloop, `--every` is the
interval in seconds; one below a beat makes sweeps: all targets at once, again when a beat has judged the answers;
with `--first` the engine finds no tables and makes them itself; `--stages` times the stages of its beats.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

IN_FLIGHT = 50
WARM_S = 2.0
FIRST_PAGES_S = 25.0
BODY = b'{"model":"gpt-4.1-nano","messages":[{"role":"user","content":"hi"}],"max_tokens":1}'
LIMITS = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where there is such a folder the database and the page are in it: on ext4 without a journal a new file costs 50 or
700 microseconds, as many files were removed in the last seconds, and a page of 1,000 accounts writes 3,000."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("base")
    parser.add_argument("targets", type=int)
    parser.add_argument("seconds", type=float)
    for flag in ("--fresh", "--uvloop", "--profile", "--first", "--stages"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("--every", type=float, default=1.0)
    wish = parser.parse_args()
    with asyncio.Runner(loop_factory=_loop_factory(wish.uvloop)) as runner:
        if wish.kind == "engine":
            from benchmarks.engine import prepare

            prepare()
        print(json.dumps(runner.run(KINDS[wish.kind](wish))))


def _loop_factory(wanted: bool) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not wanted:
        return None
    import uvloop

    return uvloop.new_event_loop


class Meter:
    """CPU of the whole process, all threads, over a window; and of each stage whose clock goes on in `clocks_s`."""

    def __init__(self, clocks_s: Mapping[str, float] | None = None) -> None:
        self.started_at, self._clocks_s = datetime.now(UTC), clocks_s or {}
        self._before_s, self._wall, self._cpu = dict(self._clocks_s), time.perf_counter(), _cpu_s()

    def read(self, probes: int) -> dict[str, float]:
        stages = {f"{name}_ms": 1000 * spent_s / probes for name, spent_s in self.stages_s.items()}
        return {"cpu_ms": 1000 * self.cpu_s / probes, "per_s": probes / self.wall_s, "rss_mib": peak_mib(), **stages}

    def stop(self) -> None:
        self.cpu_s, self.wall_s = _cpu_s() - self._cpu, time.perf_counter() - self._wall
        self.ended_at = datetime.now(UTC)
        self.stages_s = {name: now_s - self._before_s[name] for name, now_s in self._clocks_s.items()}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def engine(wish: argparse.Namespace) -> dict[str, float]:
    from benchmarks.engine import at_work, settle
    from monitor.config.document import ProbeSection

    bases = _bases(wish)
    probe = ProbeSection(per_host=IN_FLIGHT, online=[])
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as folder:
        config = settle(Path(folder), bases, wish.every, probe)
        clocks_s = _time_stages() if wish.stages else None
        if not wish.first:
            _make_tables(config.store.database)
        async with at_work(config, spread_s=5 * WARM_S if wish.every > 10 * WARM_S else WARM_S):
            await asyncio.sleep(2 * WARM_S)
            await _first_pages(config.folder, wish)
            meter = Meter(clocks_s)
            with _profile(wish.profile):
                await asyncio.sleep(wish.seconds)
            meter.stop()
            await asyncio.sleep(1.2)  # the last results are in the next beat
        return meter.read(_stored(config.store.database, meter))


def _time_stages() -> Mapping[str, float]:
    """Put a stopwatch around what each beat does, once; return the CPU that each has taken, which goes on."""
    from monitor.stages import beat, publish
    from monitor.store.writer import Writer

    stages: Mapping[str, tuple[object, tuple[str, ...]]] = {
        "judge": (beat, ("run_detectors",)),
        "plan": (beat, ("plan_probes",)),
        "note": (
            beat,
            ("update_accounts", "memories_to_save", "update_incidents", "queue_messages", "record_spending"),
        ),
        "save": (Writer, ("save",)),
        "page": (publish, ("write_sites",)),
    }
    clocks_s = dict.fromkeys(stages, 0.0)
    for stage, (owner, names) in stages.items():
        for name in names:
            setattr(owner, name, _timed(getattr(owner, name), stage, clocks_s))
    return clocks_s


def _timed(work: Callable[..., Any], stage: str, clocks_s: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: object, **kwargs: object) -> Any:
        before_s = time.thread_time()
        try:
            return work(*args, **kwargs)
        finally:
            clocks_s[stage] += time.thread_time() - before_s

    return timed


def _make_tables(database: Path) -> None:
    """As any start but the very first finds them: sqlite_utils, which makes them, would stay in memory."""
    code = "import pathlib, sys; from monitor.store import connection as c; c.open_writer(pathlib.Path(sys.argv[1]))"
    database.parent.mkdir()
    subprocess.run([sys.executable, "-c", code, database], check=True)


def _count_pages(folder: Path) -> int:
    return sum(1 for _ in folder.glob("accounts/*/*.html"))


async def _first_pages(folder: Path, wish: argparse.Namespace) -> None:
    """Wait, but not long, for what is made once: in a window of seconds it would count as what goes on for ever."""
    from monitor.publish.snapshot import CROWD

    in_turn = wish.every < 10 * WARM_S and wish.targets > CROWD
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_PAGES_S if in_turn else 0):
            while _count_pages(folder) < wish.targets:  # noqa: ASYNC110 - a thread makes them
                await asyncio.sleep(0.1)


@contextlib.contextmanager
def _profile(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    import cProfile
    import pstats

    with cProfile.Profile() as profile:
        yield
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


def _stored(database: Path, meter: Meter) -> int:
    span = (meter.started_at.timestamp() * 1000, meter.ended_at.timestamp() * 1000)
    with contextlib.closing(sqlite3.connect(database)) as db:
        query = "SELECT count(*), sum(outcome != 0) FROM observation WHERE at BETWEEN ? AND ?"
        stored, bad = db.execute(query, span).fetchone()
    if bad:
        raise SystemExit(f"{bad} of {stored} probes failed: this is no benchmark")
    return int(stored)


def _bases(wish: argparse.Namespace) -> list[str]:
    return [wish.base.format(number) for number in range(1, wish.targets + 1)]


def _session(fresh: bool) -> Any:
    import aiohttp

    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=fresh))


async def _ask(session: Any, base: str, number: int) -> None:
    headers = {"Authorization": f"Bearer sk-bench-{number}", "content-type": "application/json"}
    async with session.post(f"{base}/chat/completions", data=BODY, headers=headers) as response:
        answer = json.loads(await response.read())
        told = [float(response.headers[name]) for name in LIMITS]
        if response.status != 200 or not answer["choices"] or not told:
            raise SystemExit("the bare loop got a bad answer")


async def bare(wish: argparse.Namespace) -> dict[str, float]:
    """Ask as fast as it goes, IN_FLIGHT at a time; read the answer and two limits, keep nothing."""
    asked = 0

    async def work(session: Any, targets: Iterator[tuple[int, str]]) -> None:
        nonlocal asked
        for number, base in targets:
            await _ask(session, base, number)
            asked += 1

    async with _session(wish.fresh) as session:
        targets = cycle(enumerate(_bases(wish)))
        workers = [asyncio.create_task(work(session, targets)) for _ in range(IN_FLIGHT)]
        await asyncio.sleep(WARM_S / 2)
        meter, before = Meter(), asked
        await asyncio.sleep(wish.seconds)
        meter.stop()
        result = meter.read(asked - before)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return result


async def paced(wish: argparse.Namespace) -> dict[str, float]:
    """Ask each target once in an interval, a task each, evenly spread: the pace at which the engine asks."""
    asked = 0

    async def watch(session: Any, number: int, base: str) -> None:
        nonlocal asked
        loop = asyncio.get_running_loop()
        at = loop.time() + number / wish.targets * wish.every
        while True:
            await asyncio.sleep(at - loop.time())
            await _ask(session, base, number)
            asked, at = asked + 1, at + wish.every

    async with _session(wish.fresh) as session:
        tasks = [asyncio.create_task(watch(session, *one)) for one in enumerate(_bases(wish))]
        await asyncio.sleep(WARM_S)
        meter, before = Meter(), asked
        await asyncio.sleep(wish.seconds)
        meter.stop()
        result = meter.read(asked - before)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return result


KINDS = {"engine": engine, "bare": bare, "paced": paced}

if __name__ == "__main__":
    main()
