"""A single round, as cron starts one each minute: in one process, with its pauses cut short."""

import asyncio
import random
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from monitor.alert.channel import Channel
from monitor.config.document import ProbeSection
from monitor.detect.health import State
from monitor.runtime.round import RoundTimes, run_round
from monitor.schedule import ProbePauses
from monitor.stages.beat import beat
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge, Pauses
from monitor.store.setting import WriterLimits
from probes.model import Observation, Outcome
from probes.simulator import Trouble
from tests.backstage import backstage, call
from tests.receiver import webhook
from tests.test_run import KEYS, config, simulator

FREE = {f"{id}/list" for id in KEYS}


PAUSES = Pauses(step_s=0.1, probes=ProbePauses(confirm_s=(0.1, 0.1, 0.1), final_s=0.1, revive_s=0.1))
IMPATIENT = replace(PAUSES, store=WriterLimits(wait_s=0, retry_wait_s=0), lock_notice=timedelta(0))
QUICK = RoundTimes(waits_s=1.0)


class Cron:
    """Rounds, each a minute after the one before, give or take what cron is late."""

    def __init__(self, settings, late_s=(0.0,), times=QUICK, pauses=PAUSES):
        self.pauses = pauses
        self.settings, self.times = replace(settings, apart=timedelta(seconds=0.05)), times
        self.late_s, self.shown, self.number, self.set_s = late_s, [], 0, 0.0

    def now(self):
        late_s = self.late_s[self.number % len(self.late_s)]
        return datetime.fromtimestamp(time.time() + 60 * self.number + late_s + self.set_s, UTC)

    async def round(self):
        edge = Edge(self.now, time.monotonic, random.random, self.shown.append)
        began = time.monotonic()
        async with open_state(self.settings, edge, pauses=self.pauses) as made:
            made.planned.plan_probes(made.belief.config.watches, made.services.edge.clock(), 0)
            await run_round(made, self.times)
        self.number += 1
        return made, time.monotonic() - began

    def titles(self):
        return [text.strip().splitlines()[0] for text in self.shown]


def each_minute(settings):
    """Its canaries at the paces that are usual: free ones each minute, paid ones each five."""
    watches = {id: replace(one, interval_s=60.0 if one.free else 300.0) for id, one in settings.watches.items()}
    return replace(settings, watches=watches)


def looks(settings):
    query = """
        SELECT account || '/' || canary AS target, count(*) AS number
        FROM observation JOIN series ON series.id = series_id GROUP BY 1
    """
    with closing(sqlite3.connect(settings.store.database)) as db:
        return Counter(dict(db.execute(query).fetchall()))


def test_each_round_looks_at_every_free_canary_and_at_no_paid_one_before_its_time(tmp_path):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)), late_s=(0.0, 4.0, 1.0, 5.0, 0.0))
            for _ in range(6):
                await cron.round()
            return looks(cron.settings)

    assert asyncio.run(play()) == {
        f"{id}/{canary}": times for id in KEYS for canary, times in (("list", 6), ("chat", 2))
    }


def test_what_a_resident_monitor_had_planned_is_looked_at_by_the_second_round(tmp_path):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)))
            async with open_state(cron.settings, Edge(cron.now, time.monotonic, random.random, print)) as made:
                watches = made.belief.config.watches.values()
                seen = [Observation(one.target, cron.now(), Outcome.OK, latency_s=0.1, status=200) for one in watches]
                await beat(made, seen, cron.now())
            cron.number = 1
            for _ in range(2):
                await cron.round()
            return looks(cron.settings)

    assert all(number >= 2 for target, number in asyncio.run(play()).items() if target in FREE)


def test_a_server_that_hangs_holds_up_neither_what_is_confirmed_elsewhere_nor_its_message(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            patient = ProbeSection(connect_s=1, silence_s=3, total_s=9, online=[], blip_s=0.5)
            cron = Cron(each_minute(config(tmp_path, other_side, Channel("hook", inbox.url), probe=patient)))
            other_side.set(KEYS["groq/llama"], Trouble.HANG)
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            under_way = asyncio.create_task(cron.round())
            await inbox.until(lambda messages: messages, limit_s=10)
            still_waits = not under_way.done()
            _, took_s = await under_way
            return inbox.titles(), still_waits, took_s

    titles, still_waits, took_s = asyncio.run(play())
    assert titles[0] == "[DOWN] openai/main: account suspended"
    assert still_waits
    assert took_s >= 3


def test_what_a_round_has_no_time_to_confirm_the_next_ones_do(tmp_path):
    times = replace(QUICK, looks_s=0.6, stop_s=0.9)

    async def play():
        async with simulator() as other_side:
            patient = ProbeSection(connect_s=5, silence_s=5, total_s=5, online=[], blip_s=100)
            cron = Cron(each_minute(config(tmp_path, other_side, ids=["groq/llama"], probe=patient)), times=times)
            other_side.set(KEYS["groq/llama"], Trouble.HANG)
            took, states = [], []
            while not cron.shown and cron.number < 6:
                made, took_s = await cron.round()
                took.append(took_s)
                states.append(made.belief.healths["groq/llama/list"].state)
            return cron, took, states

    cron, took, states = asyncio.run(play())
    assert states == [State.SUSPECTED, State.SUSPECTED, State.DOWN]
    assert len(cron.titles()) == 1, "told by the third round"
    assert max(took) < 5


def test_what_all_accounts_of_a_provider_meet_is_told_of_the_provider_at_once(tmp_path):
    async def play():
        async with simulator() as other_side:
            patient = ProbeSection(connect_s=5, silence_s=5, total_s=5, online=[], blip_s=100)
            cron = Cron(each_minute(config(tmp_path, other_side, probe=patient)))
            await cron.round()
            other_side.set("openai", Trouble.SERVER_ERROR)
            while not cron.shown and cron.number < 6:
                await cron.round()
            return cron

    cron = asyncio.run(play())
    assert cron.titles() == ["[DOWN] openai: server errors"]
    assert cron.number == 4, "told by the third round that failed"


def test_what_comes_to_no_answer_in_the_time_of_a_round_is_no_failure_and_first_in_the_next(tmp_path):
    times = replace(QUICK, looks_s=0.6, stop_s=0.8)

    async def play():
        async with simulator() as other_side:
            patient = ProbeSection(connect_s=5, silence_s=5, total_s=5, per_host=1, online=[])
            cron = Cron(
                each_minute(config(tmp_path, other_side, ids=["openai/main", "openai/backup"], probe=patient)),
                times=times,
            )
            cron.settings = replace(
                cron.settings, watches={id: cron.settings.watches[id] for id in FREE if "openai" in id}
            )
            other_side.set("openai", Trouble.HANG)
            seen = []
            for _ in range(2):
                made, _ = await cron.round()
                seen.append({id for id, health in made.belief.healths.items() if health.failures})
            return seen, looks(cron.settings)

    (first, both), counted = asyncio.run(play())
    assert (len(first), len(both)) == (1, 2)
    assert set(counted.values()) == {1}


def test_a_clock_that_is_set_back_in_the_middle_of_a_round_does_not_prolong_it(tmp_path):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)))
            other_side.set(KEYS["openai/main"], Trouble.SERVER_ERROR)
            under_way = asyncio.create_task(cron.round())
            await asyncio.sleep(0.15)
            cron.set_s = -3600
            _, took_s = await under_way
            return took_s

    assert asyncio.run(play()) < 5


def test_nothing_of_a_round_is_dated_later_than_its_end(tmp_path):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            for _ in range(2):
                made, _ = await cron.round()
                cron.number -= 1
                ended = cron.now()
                cron.number += 1
                assert made.times.beat_at <= ended
                assert all(one.detected_at <= ended for one in made.belief.incidents.values())
            with closing(sqlite3.connect(cron.settings.store.database)) as db:
                (last,) = db.execute("SELECT max(at) FROM change").fetchone()
            assert last <= ended.timestamp() * 1000
            return cron.titles()

    assert asyncio.run(play()) == ["[DOWN] openai/main: account suspended"]


def test_where_no_round_can_remember_anything_the_first_of_an_hour_tells(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "no such folder"))

    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)), pauses=IMPATIENT)
            cron.set_s = (57 * 60 - time.time()) % 3600  # a while before the next hour
            await cron.round()
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            with closing(sqlite3.connect(cron.settings.store.database, isolation_level=None)) as intruder:
                intruder.execute("BEGIN IMMEDIATE")
                told = []
                for _ in range(4):
                    at = f"{cron.now():%M}"
                    await cron.round()
                    told.append((at, cron.titles()))
                    cron.shown.clear()
                intruder.execute("ROLLBACK")
            return told

    down, refused = (
        "[DOWN] openai/main: account suspended",
        "[MONITOR] results cannot be written; alerts go on from memory",
    )
    assert [(at, sorted(titles)) for at, titles in asyncio.run(play())] == [
        ("58", []),
        ("59", []),
        ("00", [down, refused]),
        ("01", []),
    ]


def test_rounds_that_remember_beside_the_database_tell_once(tmp_path):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side)), pauses=IMPATIENT)
            await cron.round()
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            with closing(sqlite3.connect(cron.settings.store.database, isolation_level=None)) as intruder:
                intruder.execute("BEGIN IMMEDIATE")
                for _ in range(3):
                    await cron.round()
                intruder.execute("ROLLBACK")
            other_side.set(KEYS["openai/main"], None)
            while len(cron.titles()) < 4 and cron.number < 20:
                await cron.round()
            return cron.titles(), looks(cron.settings)["openai/main/list"]

    titles, number = asyncio.run(play())
    assert sorted(titles) == [
        "[DOWN] openai/main: account suspended",
        "[MONITOR] results are written again",
        "[MONITOR] results cannot be written; alerts go on from memory",
        "[RESOLVED] openai/main: account suspended",
    ]
    assert number >= 6


def test_what_ails_the_page_is_said_by_one_round_and_its_end_by_one_as_cron_mails_every_line(tmp_path):
    site = tmp_path / "site"
    with backstage() as stage:
        stage.write_config(tmp_path, channel=False)
        said = [call("once", folder=tmp_path)[2]]
        shutil.rmtree(site)
        site.write_text("in the way")
        said += [call("once", folder=tmp_path)[2] for _ in range(3)]
        site.unlink()
        said += [call("once", folder=tmp_path)[2] for _ in range(2)]

    words = f"the page cannot be written to {site}: Not a directory"
    assert [one.count(words) for one in said] == [0, 1, 0, 0, 1, 0]
    assert f"this is over: {words}" in said[4]
    assert "cannot be written" not in (site / "index.html").read_text()


def test_a_file_of_keys_that_others_can_read_is_named_by_one_round_and_once_more_when_it_is_closed(tmp_path):
    with backstage() as stage:
        stage.write_config(tmp_path)  # with the address of a channel, which is a secret
        file = tmp_path / "monitor.toml"
        file.chmod(0o644)
        said = [call("once", folder=tmp_path)[2] for _ in range(2)]
        file.chmod(0o600)
        said += [call("once", folder=tmp_path)[2] for _ in range(2)]

    assert [one.count("holds secrets") for one in said] == [1, 0, 1, 0]
    assert "this is over" in said[2]
