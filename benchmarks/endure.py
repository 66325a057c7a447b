"""Simulated weeks of the real monitor on virtual time: memory stays flat, the disk bounded, every count exact.

`python -m benchmarks.endure [--days 30] [--accounts 20] [--seed N] [--write]`. The stages that look, judge, tell and
tidy are the real ones, and so are database, outbox and page; answers come from a truth that is known in advance. Prints
one line a day and a summary as JSON, and exits with 1 on any violation; `--write` keeps it as RESULTS-endurance.md.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from msgspec import Struct, to_builtins

from benchmarks.diagnosis_answer import faces
from benchmarks.virtual import VirtualLoop
from monitor.alert.channel import Channel
from monitor.alert.deliver import Print
from monitor.alert.text import MessageText
from monitor.backend import open_store
from monitor.config.alerting import AlertsSection, ChannelSection
from monitor.config.config import Config
from monitor.config.document import AccountSection, Document, SiteSection, StatusSection, StoreSection
from monitor.config.load import build_config
from monitor.diagnose.incident import Severity
from monitor.publish.refresh_order import Rotation
from monitor.runtime.loop import watch_and_notify
from monitor.stages.publish import write_sites
from monitor.stages.retention import run_retention
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge, OutsideCalls, Pauses
from probes.canary import Prober, outcome_of
from probes.model import Account, Answer, Clock, ControlAnswer, Fault, Observation, Outcome, Target
from probes.provider import Provider
from probes.proxy import Egress, Proxies

MEMORY = Path("/dev/shm")
RESULTS = Path(__file__).with_name("RESULTS-endurance.md")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY_S, HOUR_S = 86_400.0, 3_600.0
PROVIDERS = ("openai", "anthropic", "gemini", "groq", "cohere")
LOSSES = (Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED, Fault.PERMISSION_DENIED)
LASTS_S = (1_800.0, 7_200.0)
CALM_S = (3 * HOUR_S, 6 * HOUR_S)
"""Between the end of one loss and the next of a provider's: no two are taken for one, or for coming and going."""
BLIP = 0.002
"""This share of looks fails once and is good at the re-check: nobody is told of it."""
BLIPS_APART_S = HOUR_S
TOGETHER_S = 120.0
"""Two accounts of one provider that fail within so short a time are no blips: they bear each other out."""
RAW_DAYS = 7
QUIET_S = 120.0
SELDOM = Pauses(step_s=15.0)
"""Nobody sets this clock: to look at it each second would be most of what is measured."""
MOST_MIB_A_DAY = 0.5
"""Growth of memory after the first days, beyond which it is not flat."""
MOST_DISK_MIB_A_DAY = 0.2
"""What grows still, after RAW_DAYS, are the hours (kept for 100 days) and the incidents with their messages."""
MOST_RAW_GROWTH = 1.05


class Loss(Struct, frozen=True):
    """One account refuses everything from `begin_s` to `end_s`."""

    account: str
    fault: Fault
    begin_s: float
    end_s: float


class Day(Struct, frozen=True):
    """What one day left: memory and disk in MiB, what was stored so far, seconds that it took on the clock."""

    day: int
    rss_mib: float
    disk_mib: float
    observations: int
    incidents: int
    took_s: float


class Result(Struct):
    seed: int
    accounts: int
    every_s: float
    days: list[Day]
    looks: dict[str, int]
    stored: dict[str, int]
    losses: int
    incidents: int
    opened: int
    resolved: int
    blips: int
    rss_slope_mib_a_day: float
    disk_slope_mib_a_day: float
    raw_growth: float
    wrong: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.endure", description=__doc__)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--every", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--write", action="store_true")
    wish = parser.parse_args()
    print(f"seed {wish.seed}", flush=True)
    result = play(wish.days, wish.accounts, wish.every, wish.seed)
    print(json.dumps(to_builtins({**to_builtins(result), "days": len(result.days)}), indent=1))
    if wish.write:
        RESULTS.write_text(report(result))
    raise SystemExit(1 if result.wrong else 0)


def play(days: float, accounts: int, every_s: float, seed: int) -> Result:
    logging.getLogger("monitor").setLevel(logging.CRITICAL)
    folder = Path(mkdtemp(prefix="endure-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(_play(folder, days, accounts, every_s, seed))
    finally:
        shutil.rmtree(folder)


async def _play(folder: Path, days: float, accounts: int, every_s: float, seed: int) -> Result:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    config = settle(folder, accounts, every_s)
    truth = list(losses(config, days * DAY_S, random.Random(f"truth {seed}")))
    stage, seen = Stage(loop, truth, seed), list[Day]()
    edge = Edge(stage.clock, loop.time, stage.rng.random, lambda _: None, loop.time)
    outside = OutsideCalls(stage.attempt, stage.probe_control, is_online=stage.is_online, send=stage.send)
    async with open_state(config, edge, outside, SELDOM) as state:
        tidying = run_retention(state.services, state.belief, state.signals)
        work = [asyncio.create_task(one) for one in (watch_and_notify(state), tidying, make_pages(config, stage.clock))]
        while loop.now_s < days * DAY_S:
            seen.append(await _day(config, loop, len(seen) + 1, days * DAY_S))
        stage.closed = True
        await asyncio.sleep(QUIET_S)
        failed = [repr(one.exception()) for one in work if one.done()]
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        failed += [f"{one.stage} failed: {one.error}" for one in state.services.own.failing.values()]
    return judge(config, stage, truth, seen, seed, failed)


async def _day(config: Config, loop: VirtualLoop, number: int, ends_s: float) -> Day:
    began = time.monotonic()
    await asyncio.sleep(min(number * DAY_S, ends_s) - loop.now_s)
    with closing(sqlite3.connect(config.store.database)) as db:
        rows, incidents = (
            db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("observation", "incident")
        )
    disk = sum(file.stat().st_size for file in config.store.database.parent.glob("*"))
    day = Day(number, _rss_mib(), disk / 2**20, rows, incidents, time.monotonic() - began)
    print(json.dumps(to_builtins(day)), flush=True)
    return day


def _rss_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def make_pages(config: Config, clock: Clock) -> None:
    """Make the page once an hour: each half minute, as `run` does, it would be most of what is measured."""
    rotation: Rotation = {}
    while True:
        rotation = write_sites(open_store(config.store), config, clock, (), rotation).rotation
        await asyncio.sleep(HOUR_S)


def settle(folder: Path, accounts: int, every_s: float) -> Config:
    sections = [
        AccountSection(
            name=f"a{n:02}",
            provider=PROVIDERS[n % len(PROVIDERS)],
            key="env:KEY",
            canaries=["list"],
            interval_s={"list": every_s},
        )
        for n in range(accounts)
    ]
    document = Document(
        accounts=sections,
        channels=[ChannelSection(name="phone", url="terminal:")],
        alerts=AlertsSection(storm=1000),
        site=SiteSection(serve=False),
        status=StatusSection(poll=False),
        store=StoreSection(raw_days=RAW_DAYS),
    )
    return build_config(document, folder / "monitor.toml", {"KEY": "sk-Wq8ZtL5vXn2RjP7mTb4K"}, [])


def losses(config: Config, span_s: float, rng: random.Random) -> Iterator[Loss]:
    """Yield what is lost when: of one provider one account at a time, and all is well at the end."""
    for provider in PROVIDERS:
        its = sorted(id for id, one in config.accounts.items() if one.provider == provider)
        at_s = rng.uniform(HOUR_S, 3 * HOUR_S)
        while its and (end_s := at_s + rng.uniform(*LASTS_S)) < span_s - 2 * HOUR_S:
            yield Loss(rng.choice(its), rng.choice(LOSSES), at_s, end_s)
            at_s = end_s + rng.uniform(*CALM_S)


class Stage:
    """The world around the monitor; it counts what was asked, and what came back."""

    def __init__(self, loop: VirtualLoop, truth: Sequence[Loss], seed: int) -> None:
        self.loop, self.rng, self.closed = loop, random.Random(f"play {seed}"), False
        self.looks = {"ok": 0, "failed": 0}
        self.sent, self.blips = 0, 0
        self._blipped_at: dict[str, float] = {}
        self._truth: dict[str, list[Loss]] = {}
        for one in sorted(truth, key=lambda one: one.begin_s, reverse=True):
            self._truth.setdefault(one.account, []).append(one)

    def clock(self) -> datetime:
        return BEGIN + timedelta(seconds=self.loop.now_s)

    async def attempt(self, _: Prober, provider: Provider, account: Account, target: Target) -> Observation:
        if self.closed:
            await asyncio.Event().wait()
        at, latency_s = self.clock(), 0.25 * self.rng.lognormvariate(0, 0.25)
        fault = self._met(account.id)
        await asyncio.sleep(latency_s)
        self.looks["failed" if fault else "ok"] += 1
        if fault is None:
            return Observation(target, at, Outcome.OK, latency_s=latency_s, status=200)
        answer, status = self._answer(provider, fault)
        id = f"req_{self.rng.randrange(16**12):012x}"
        return Observation(
            target, at, outcome_of(fault), latency_s, status=status, request_id=id, fault=fault, answer=answer
        )

    def _met(self, account: str) -> Fault | None:
        its, now_s = self._truth.get(account, []), self.loop.now_s
        while its and its[-1].end_s <= now_s:
            its.pop()
        if its and its[-1].begin_s <= now_s:
            return its[-1].fault
        provider = account.partition("/")[0]
        apart = self._has_passed(account, BLIPS_APART_S) and self._has_passed(provider, TOGETHER_S)
        if self.rng.random() >= BLIP or not apart:
            return None
        self._blipped_at[account] = self._blipped_at[provider] = now_s
        self.blips += 1
        return Fault.SERVER_ERROR

    def _has_passed(self, name: str, span_s: float) -> bool:
        """Whether it is so long ago that an account, or any of a provider, met a blip."""
        return self.loop.now_s - self._blipped_at.get(name, -span_s) >= span_s

    def _answer(self, provider: Provider, fault: Fault) -> tuple[Answer, int | None]:
        """Return what one says of it; each third answer holds a number of its own, as many do."""
        found = faces(provider.id, fault)
        face = found[self.rng.randrange(len(found))]
        return face.answer, face.status

    async def probe_control(self, _: Prober, provider: Provider, base: str | None, _way: Egress) -> ControlAnswer:
        await asyncio.sleep(0.2)
        return ControlAnswer(self.clock(), None, 401, 0.2)

    async def is_online(
        self, places: Sequence[tuple[str, int]], limit_s: float, roads: Sequence[Proxies]
    ) -> bool | None:
        return True

    async def send(self, channel: Channel, text: MessageText, severity: Severity | None, show: Print) -> str | None:
        await asyncio.sleep(0.3)
        self.sent += 1
        return None


# What came of it


def judge(config: Config, stage: Stage, truth: Sequence[Loss], days: list[Day], seed: int, failed: list[str]) -> Result:
    with closing(sqlite3.connect(config.store.database)) as db:
        stored = _stored(db)
        incidents = db.execute("SELECT subject, fault, opened, closed FROM incident ORDER BY opened").fetchall()
        told = Counter(row[0] for row in db.execute("SELECT step FROM outbox WHERE state = 'sent'"))
        (waiting,) = db.execute("SELECT count(*) FROM outbox WHERE state != 'sent'").fetchone()
    (every_s,) = {one.interval_s for one in config.watches.values()}
    result = Result(
        seed, len(config.accounts), every_s, days, stage.looks, stored, len(truth), len(incidents),
        told["opened"], told["resolved"], stage.blips, slope([one.rss_mib for one in days]),
        slope([one.disk_mib for one in days]), _raw_growth(days), failed,
    )  # fmt: skip
    result.wrong += unlike(truth, incidents)
    if stored != stage.looks:
        result.wrong.append(f"looks {stage.looks}, stored {stored}")
    if not result.losses == result.incidents == result.opened == result.resolved:
        result.wrong.append(f"{result.losses} losses, {result.incidents} incidents, told {dict(told)}")
    if waiting:
        result.wrong.append(f"{waiting} messages were not sent")
    if result.rss_slope_mib_a_day > MOST_MIB_A_DAY:
        result.wrong.append("memory grows")
    if result.disk_slope_mib_a_day > MOST_DISK_MIB_A_DAY or result.raw_growth > MOST_RAW_GROWTH:
        result.wrong.append("the disk fills")
    return result


def _stored(db: sqlite3.Connection) -> dict[str, int]:
    """Return what is known of all looks: the hours, and the looks since the last of them."""
    (until,) = db.execute("SELECT coalesce((SELECT value FROM mark WHERE name = 'hourly_until'), 0)").fetchone()
    ok, failed = db.execute("SELECT coalesce(sum(ok), 0), coalesce(sum(failed), 0) FROM hourly").fetchone()
    rest = "SELECT coalesce(sum(outcome = 0), 0), coalesce(sum(outcome = 2), 0) FROM observation WHERE at >= ?"
    more_ok, more_failed = db.execute(rest, (int(until),)).fetchone()
    return {"ok": ok + more_ok, "failed": failed + more_failed}


def unlike(truth: Sequence[Loss], incidents: Sequence[tuple[str, str, int, int | None]]) -> Iterator[str]:
    """Yield each incident that is of no loss, and each loss that has none of its own."""
    begun = BEGIN.timestamp()
    left = sorted(truth, key=lambda one: one.begin_s)
    for subject, fault, opened, closed in incidents:
        at_s = opened / 1000 - begun
        found = [one for one in left if one.account == subject and one.begin_s <= at_s <= one.end_s]
        if not found or closed is None or closed / 1000 - begun < found[0].end_s:
            yield f"an incident of {subject} ({fault}) after {at_s:.0f} s, until {closed}, and no such loss"
        for one in found[:1]:
            left.remove(one)
    yield from (f"no incident of {one}" for one in left)


def slope(by_day: Sequence[float]) -> float:
    """Return the growth a day, by least squares, once the first raw looks were forgotten."""
    its = list(enumerate(by_day))[RAW_DAYS + 1 :]
    if len(its) < 3:
        return 0.0
    mean_x, mean_y = sum(day for day, _ in its) / len(its), sum(value for _, value in its) / len(its)
    return sum((day - mean_x) * (value - mean_y) for day, value in its) / sum((day - mean_x) ** 2 for day, _ in its)


def _raw_growth(days: Sequence[Day]) -> float:
    """Return the raw looks of the last day to those of the first one on which some were forgotten."""
    return days[-1].observations / days[RAW_DAYS + 1].observations if len(days) > RAW_DAYS + 1 else 1.0


def report(result: Result) -> str:
    facts: Mapping[str, object] = {
        "seed": result.seed,
        "accounts, and the pause between two looks at one": f"{result.accounts}, {result.every_s:g} s",
        "looks made / stored": f"{sum(result.looks.values()):,} / {sum(result.stored.values()):,}",
        "of them failed, made / stored": f"{result.looks['failed']:,} / {result.stored['failed']:,}",
        "losses / incidents / told of the begin / told of the end": (
            f"{result.losses} / {result.incidents} / {result.opened} / {result.resolved}"
        ),
        "blips that nobody was told of": result.blips,
        "memory, slope after the first days": f"{result.rss_slope_mib_a_day:+.2f} MiB a day",
        "disk, slope after the first days": f"{result.disk_slope_mib_a_day:+.2f} MiB a day",
        f"raw looks, last day to day {RAW_DAYS + 2}": f"{result.raw_growth:.2f}",
        "violations": len(result.wrong),
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    days = "\n".join(
        f"| {one.day} | {one.rss_mib:.1f} | {one.disk_mib:.1f} | {one.observations:,} | {one.incidents} |"
        for one in result.days
    )
    return (
        f"# {len(result.days)} simulated days\n\nWritten by `python -m benchmarks.endure --write`. The stages that "
        f"look, judge, tell and tidy, the database and the page are the real ones; raw looks are kept for {RAW_DAYS} "
        f"days here, so that what is forgotten shows.\n\n| | |\n|---|---|\n{rows}\n\n"
        f"| day | memory, MiB | disk, MiB | raw looks | incidents |\n|---|---|---|---|---|\n{days}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
