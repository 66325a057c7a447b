"""What the real stages recorded, and what hindsight makes of their looks."""

import asyncio
import random
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from benchmarks.virtual import VirtualLoop
from monitor.alert.reply import Reply, ReplyKind
from monitor.config.load import load_config
from monitor.replay.observations import replay_beats
from monitor.replay.tuning import neighbouring_settings
from monitor.runtime.loop import watch_and_notify
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge, OutsideCalls, Pauses
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.canary import outcome_of
from probes.model import Answer, ControlAnswer, Fault, Observation, Outcome, Target, Usage
from tests.backstage import call
from tests.conftest import observation
from tests.parts import spare_the_disk

KEYS = {f"KEY_{number}": f"sk-Wq8ZtL5vXn2RjP7mTb4K{number}" for number in range(6)}
ACCOUNTS = ("openai/a", "openai/b", "openai/c", "anthropic/a", "anthropic/b", "groq/a")
HOUR_S, DAY_S = 3600.0, 86_400.0
FILE = """
[status]
poll = false
[site]
serve = false
[probe]
{probe}
[[channels]]
name = "phone"
url = "terminal:"
severity = "critical"
[[channels]]
name = "mail"
url = "terminal:"
quiet = {{ start = "22:00", end = "07:00" }}
digest = "daily"
[[routes]]
accounts = ["groq/a"]
channels = ["mail"]
"""
STATUS = {Fault.SERVER_ERROR: 503, Fault.INVALID_KEY: 401, Fault.QUOTA_EXHAUSTED: 429, Fault.ACCOUNT_SUSPENDED: 403}


class Truth:
    """The world around the monitor: what each account meets, in hours since the beginning, and how slow it is."""

    def __init__(self, loop, begin, troubles, slow=(), blip=0.001):
        self.loop, self.begin, self.rng = loop, begin, random.Random(7)
        self.troubles, self.slow, self.blip = troubles, slow, blip

    def clock(self):
        return self.begin + timedelta(seconds=self.loop.now_s)

    async def attempt(self, _, provider, account, target):
        at, hour = self.clock(), self.loop.now_s / HOUR_S
        fault = self.met(account.id, hour)
        times = max((by for first, last, who, by in self.slow if first <= hour < last and who in account.id), default=1)
        latency_s = 0.25 * times * self.rng.lognormvariate(0, 0.2) if STATUS.get(fault, 200) else 20.0
        await asyncio.sleep(latency_s)
        if fault is None:
            return Observation(target, at, Outcome.OK, latency_s, ttft_s=latency_s / 2, status=200)
        answer = Answer(f"x/{fault}", "words")
        return Observation(
            target, at, outcome_of(fault), latency_s, status=STATUS.get(fault), fault=fault, answer=answer
        )

    def met(self, account, hour):
        for first, last, who, fault, share in self.troubles:
            if first <= hour < last and who in account and self.rng.random() < share:
                return fault
        return Fault.SERVER_ERROR if self.rng.random() < self.blip else None

    async def probe_control(self, _, provider, base, way):
        await asyncio.sleep(0.2)
        return ControlAnswer(self.clock(), None, 401, 0.2)

    async def is_online(self, places, limit_s, roads):
        hour = self.loop.now_s / HOUR_S
        return not any(first <= hour < last and who == "/" for first, last, who, *_ in self.troubles)

    async def send(self, channel, text, severity, show):
        await asyncio.sleep(0.3)


def write(folder, every_s, probe=""):
    blocks = [
        f'[[accounts]]\nname = "{id.split("/")[1]}"\nprovider = "{id.split("/")[0]}"\nkey = "env:KEY_{number}"\n'
        f'canaries = ["list"]\ninterval_s = {{ list = {every_s} }}\n'
        for number, id in enumerate(ACCOUNTS)
    ]
    (folder / "monitor.toml").write_text(FILE.format(probe=probe) + "\n".join(blocks))
    return load_config(folder / "monitor.toml", KEYS)


def record(folder, days, every_s, *troubles, slow=(), probe=""):
    """Let the real stages watch for so many days that end now; they look at the clock, which nobody sets, seldom."""
    config, begin = write(folder, every_s, probe), datetime.now(UTC) - timedelta(days=days)

    async def play():
        loop = asyncio.get_running_loop()
        truth = Truth(loop, begin, troubles, slow)
        edge = Edge(truth.clock, loop.time, truth.rng.random, lambda _: None, loop.time)
        outside = OutsideCalls(truth.attempt, truth.probe_control, is_online=truth.is_online, send=truth.send)
        async with open_state(config, edge, outside, Pauses(step_s=15.0)) as state:
            work = asyncio.create_task(watch_and_notify(spare_the_disk(state)))
            await asyncio.sleep(days * DAY_S)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            assert not state.services.own.failing

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())
    return config


def both(folder, days):
    """Return how many messages each command counts, and what they print."""
    _, replayed, _ = call("alerts", "replay", "--since", f"{days}d", folder=folder, **KEYS)
    code, tuned, err = call("tune", "--days", str(days), folder=folder, **KEYS)
    assert (code, err) == (0, "")
    (told,) = re.findall(r"^(\d+) messages in", replayed, re.MULTILINE)
    (row,) = re.findall(r"blip_s = 120 \(now\) +\d+ +[\d.]+ +(\d+) ", tuned)
    return int(told), int(row), replayed, tuned


@pytest.mark.slow
def test_tune_counts_the_messages_that_the_replay_of_alerts_prints(tmp_path):
    """Two days of the real stages: losses, a provider down, a brownout, flapping, slow hours, and all offline."""
    config = record(
        tmp_path,
        2,
        120,
        (3, 6, "openai/a", Fault.INVALID_KEY, 1),
        (8, 8.6, "openai/", Fault.SERVER_ERROR, 1),
        (10, 14, "openai/b", Fault.SERVER_ERROR, 0.4),
        (16, 16.4, "/", Fault.CONNECTION_FAILED, 1),
        *((18 + 0.4 * number, 18.1 + 0.4 * number, "anthropic/", Fault.SERVER_ERROR, 1) for number in range(5)),
        (25, 36, "groq/a", Fault.QUOTA_EXHAUSTED, 1),
        (43, 44, "anthropic/b", Fault.ACCOUNT_SUSPENDED, 1),
        slow=[(38, 41, "openai/", 4)],
    )
    told, counted, replayed, tuned = both(tmp_path, 2)

    assert counted == told > 40
    for what in ("key rejected", "server errors", "slower than usual", "again and again", "digest", "offline for"):
        assert what in replayed
    assert re.search(r"slower than usual \(now\) +1 ", tuned)

    with closing(open_writer(config.store.database)) as db:
        (lost,) = [one for one in Reader(db, "here").incidents.closed(100) if one.fault is Fault.QUOTA_EXHAUSTED]
        at = lost.opened_at + timedelta(minutes=5)
        Writer(db, "here").save(Batch(at, replies=(Reply(ReplyKind.ACKNOWLEDGE, at, "Jo", lost.id),)))
    answered, counted, *_ = both(tmp_path, 2)

    assert counted == answered < told


def unsteady(seed, hours=6):
    """Looks at all accounts, a minute apart, of which some fail for a while, together or alone, again and again."""
    rng = random.Random(seed)
    for number, account in enumerate(ACCOUNTS):
        target, fault, left = Target(account, account.partition("/")[0], "list"), None, 0
        for minute in range(60 * hours):
            fault, left = (fault, left - 1) if left else (None, 0)
            if not left and rng.random() < 0.01:
                fault, left = rng.choice(sorted(STATUS)), rng.choice((1, 2, 3, 4, 12, 90))
            failed = fault if left and rng.random() < 0.8 else None
            yield observation(
                failed, 60 * minute + 7 * number, target, **({"status": STATUS[failed]} if failed else {})
            )


def streams(*, slow_at):
    """Streams of six accounts, a minute apart for ten hours; in the last two, one account's are five times as slow."""
    rng = random.Random(7)
    for number, account in enumerate(ACCOUNTS):
        target = Target(account, account.partition("/")[0], "list")
        for minute in range(600):
            rate = rng.lognormvariate(4, 0.1) / (5 if account == slow_at and minute >= 480 else 1)
            one = observation(None, 60 * minute + 7 * number, target, ttft_s=0.3, usage=Usage(10, 100))
            yield replace(one, latency_s=0.3 + 99 / rate)


def test_each_setting_finds_a_slow_stream(tmp_path):
    config = write(tmp_path, 60)
    looks = sorted(streams(slow_at="openai/a"), key=lambda one: one.at)
    together = replay_beats(config, neighbouring_settings(config.thresholds), looks, (), looks[-1].at)

    for changes in together.values():
        assert changes
        assert {one.incident.evidence[0].rule for one in changes} == {"latency/token"}


@pytest.mark.parametrize("seed", range(2))
def test_each_setting_finds_what_it_would_find_as_the_current_one(tmp_path, seed):
    """What is looked at once for all settings, since it says the same with each, does say the same with each."""
    config = write(tmp_path, 60)
    looks = sorted(unsteady(seed), key=lambda one: one.at)
    tried = neighbouring_settings(config.thresholds)
    together = replay_beats(config, tried, looks, (), looks[-1].at)

    assert len(together[config.thresholds]) > 10
    for setting in tried:
        probe = replace(config.probe, failures=setting.failures, blip_s=setting.blip_s)
        assert (
            replay_beats(replace(config, probe=probe), [setting], looks, (), looks[-1].at)[setting] == together[setting]
        )
