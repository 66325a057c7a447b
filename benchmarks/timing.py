"""What is about time, not about cost: `python -m benchmarks.timing sweep|hang|drift|tell|feed ...`, JSON out.

`sweep PORT`: 200 targets whose answers take a second. `hang PORT`: 1,000 targets, a fifth of which never answer.
`drift`: the schedule over a simulated day. `tell`: first failure → delivered webhook, at a 60 s interval.
`feed`: CPU of one poll of 25 entries.
"""

import asyncio
import json
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from benchmarks.engine import Diary, at_work, edge, prepare, settle
from monitor.config.config import Config
from monitor.config.document import ProbeSection
from monitor.detect.health import Health, Thresholds, advance
from monitor.schedule import ProbePlan, first_at, next_at
from monitor.state.monitor_state import MonitorState, open_state
from probes.model import Observation, Outcome

HOSTS, OF_EACH = 50, 20
"""1,000 targets on fifty hosts: as many of each as the monitor asks at a time by default."""


def _rows(config: Config) -> list[tuple[str, float, float, int]]:
    """Return every stored result: target, start and end in s since 1970, outcome (0: ok); in order."""
    with closing(sqlite3.connect(config.store.database)) as db:
        query = """
            SELECT account || '/' || canary || '/' || model, at / 1000.0, (at + latency) / 1000.0, outcome
            FROM observation JOIN series ON series.id = series_id ORDER BY at
        """
        return db.execute(query).fetchall()


async def sweep(folder: Path, port: int) -> dict[str, float]:
    from monitor.runtime.round import run_round

    bases = [f"http://127.0.0.{1 + n % 10}:{port}/a{n}/v1" for n in range(200)]
    config = settle(folder, bases, 60, ProbeSection(online=[]))
    async with open_state(config, edge()) as state:
        state.planned.plan_probes(config.watches, datetime.now(UTC), spread_s=0)
        await run_round(state)
    rows = _rows(config)
    assert {row[3] for row in rows} == {0}
    return {"sweep_s": max(row[2] for row in rows) - rows[0][1]}


async def hang(folder: Path, port: int) -> dict[str, float]:
    """Four in each host's twenty hang; intervals and time limits are the usual ones, for four rounds."""
    paths = ["hang" if n % 5 == 0 else "good" for n in range(OF_EACH)] * HOSTS
    bases = [f"http://127.0.0.{1 + n // OF_EACH}:{port}/{path}/a{n}/v1" for n, path in enumerate(paths)]
    config = settle(folder, bases, 60.0, ProbeSection(online=[]))
    diary = Diary()
    prepare()
    async with open_state(config, edge()) as state:
        state.planned.probes = diary
        await _run_for(state, 5 + 4 * 60)
    good = {id for id, path in zip(config.watches, paths, strict=True) if path == "good"}
    starts: dict[str, list[float]] = {}
    for id, at, _, _ in _rows(config):
        starts.setdefault(id, []).append(at)
    lags = []
    for id, due in diary.due:
        if id in good and starts.get(id):
            lags.append(starts[id].pop(0) - due.timestamp())
    settled = sorted(lags[len(good) :])  # the first round is the start of the process
    return {
        "p50_ms": 1000 * settled[len(settled) // 2],
        "p99_ms": 1000 * settled[int(0.99 * len(settled))],
        "max_ms": 1000 * settled[-1],
        "starts": len(settled),
    }


async def _run_for(state: MonitorState, seconds: float) -> None:
    from monitor.runtime.loop import run_loop

    stages = asyncio.create_task(run_loop(state, asyncio.Event()))
    await asyncio.sleep(seconds)
    stages.cancel()
    await asyncio.gather(stages, return_exceptions=True)


async def drift(folder: Path) -> dict[str, float]:
    """Count each target's looks, and how far the latest of all falls behind its own place in the minute."""
    config = settle(folder, (f"http://127.0.0.1:1/a{n}/v1" for n in range(1000)), 60, ProbeSection())
    chance, agenda, now = random.Random(1), ProbePlan(), datetime(2026, 8, 1, tzinfo=UTC)
    ends = now + timedelta(days=1)
    for id, watch in config.watches.items():
        agenda.set(id, first_at(watch, now, 60))
    looks, health, late_s = dict.fromkeys(config.watches, 0), Health(), 0.0
    first = dict(agenda._at)
    while (at := agenda.next_at()) and at < ends:
        for id in agenda.take_due(at):
            looks[id] += 1
            late_s = max(late_s, ((at - first[id]).total_seconds() + 0.001) % 60)
            watch = config.watches[id]
            seen = Observation(watch.target, at + timedelta(seconds=chance.random() * 0.05), Outcome.OK)
            health = advance(health, seen, Thresholds(), watch.interval_s)
            agenda.set(id, next_at(watch, health, seen.at, 3, chance.random()))
    return {"fewest": min(looks.values()), "most": max(looks.values()), "late_s": late_s}


async def tell(folder: Path) -> dict[str, float]:
    """One account at a simulated provider; its suspension falls on a random moment of the interval."""
    from probes.simulator import SimulatedAccount, Simulator, Trouble

    got: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not got.done():
            got.set_result(time.time())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    hook = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = hook.sockets[0].getsockname()[1]
    key = "sk-bench-account-0000-Wq8ZtL5vXn2RjP7m"
    async with Simulator([SimulatedAccount("openai", key)]) as simulator:
        url = f"json://127.0.0.1:{port}/"
        config = settle(folder, [simulator.base("openai")], 60, ProbeSection(online=[]), url)
        (watch,) = config.watches.values()
        config = replace(config, watches={watch.target.id: replace(watch, interval_s=60.0)})
        async with at_work(config, spread_s=1) as state:
            state.planned.probes, old = Diary(), state.planned.probes
            state.planned.probes.set(watch.target.id, old.next_at() or datetime.now(UTC))
            await asyncio.sleep(3 + 60 * random.random())
            simulator.set(key, Trouble.ACCOUNT_SUSPENDED)
            struck = time.time()
            told = await asyncio.wait_for(got, 200)
            await asyncio.sleep(1.5)
            due = [at.timestamp() for _, at in state.planned.probes.due]  # type: ignore[attr-defined]
        failed = [row for row in _rows(config) if row[3] != 0]
    hook.close()
    confirming = max(at for at in due if at < told)
    return {
        "from_first_failure_s": told - failed[0][1],
        "from_fault_s": told - struck,
        "ours_ms": 1000 * (told - confirming),
    }


async def feed(folder: Path) -> dict[str, float]:
    from probes.feeds.syndication import read_entries

    story = "<p>" + "Requests to the API &amp; its models see <b>elevated errors</b>. " * 30 + "</p>"
    entries = "".join(
        f"<entry><id>tag:status.example,2026:{n}</id><title>Elevated errors {n}</title>"
        f"<updated>2026-08-01T{n % 24:02d}:00:00Z</updated><link href='https://status.example/{n}'/>"
        f"<content type='html'><![CDATA[{story}{n}]]></content></entry>"
        for n in range(25)
    )
    head = "<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>Status</title><id>tag:x</id>"
    data = f"{head}<updated>2026-08-01T00:00:00Z</updated>{entries}</feed>".encode()
    assert len(read_entries(data)) == 25
    started = time.process_time()
    for _ in range(10):
        read_entries(data)
    return {"cpu_ms": 100 * (time.process_time() - started), "kib": len(data) / 1024}


TASKS = {"sweep": sweep, "hang": hang, "drift": drift, "tell": tell, "feed": feed}


def main() -> None:
    name, *ports = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        print(json.dumps(asyncio.run(TASKS[name](Path(folder), *map(int, ports)))))  # type: ignore[operator]


if __name__ == "__main__":
    main()
