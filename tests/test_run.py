"""The whole loop in one process on the simulator, with its pauses cut short."""

import asyncio
import random
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from msgspec.structs import replace

from monitor.alert.channel import Channel
from monitor.alert.rule import AlertLimits, Rules
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.config.document import ProbeSection, SiteSection, StatusSection
from monitor.detect.account_memory import WarningSettings
from monitor.detect.credit import CreditThreshold
from monitor.detect.health import Health, State
from monitor.detect.latency import EXTRA_S, advance, sensitivity_for
from monitor.detect.target_memory import TargetMemory
from monitor.runtime.loop import run_loop
from monitor.runtime.request import serve_requests
from monitor.runtime.round import run_round
from monitor.schedule import DailyBudget, ProbePauses, Spending, Watch, next_at
from monitor.stages import drill
from monitor.stages.apply_config import apply_config
from monitor.stages.beat import apply_reports, beat
from monitor.stages.drill import Drill
from monitor.stages.poll_status import probe_controls_now
from monitor.state.belief import ControlResult
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge, Pauses
from monitor.store.connection import open_reader
from monitor.store.lock import Busy
from monitor.store.setting import Retention, StoreAddress, WriterLimits
from probes.catalog import ProviderFiles, load_provider
from probes.model import Account, ControlAnswer, Fault, Observation, Outcome, Target
from probes.provider import Feed, Platform, Signal
from probes.proxy import DIRECT_EGRESS, Egress, Proxies, Proxy
from probes.simulator import SimulatedAccount, Simulator, Trouble
from tests.conftest import health
from tests.parts import run_stage
from tests.receiver import webhook

KEYS = {
    "openai/main": "sk-sim-main-0123456789",
    "openai/backup": "sk-sim-backup-0123456789",
    "groq/llama": "gsk_simllama0123456789",
}
EVERY_S = 0.2


PAUSES = Pauses(
    step_s=0.1,
    beat_s=0.05,
    spread_s=0.1,
    drill=timedelta(seconds=0.3),
    probes=ProbePauses(confirm_s=(0.1, 0.1, 0.1), final_s=0.1, prove_s=0.2, revive_s=0.1, back_off=(1, 2)),
)


def config(folder, simulator, *channels, ids=KEYS, base=None, **facts):
    accounts = {}
    for id in ids:
        provider, name = id.split("/")
        accounts[id] = Account(
            name, provider, KEYS.get(id, f"sk-sim-{name}-0123456789"), base or simulator.base(provider)
        )
    watches = [
        Watch(Target(id, account.provider, canary, model), EVERY_S, free)
        for id, account in accounts.items()
        for canary, model, free in (("list", None, True), ("chat", _model(account.provider), False))
    ]
    return replace(
        Config(
            file=None,
            probe=ProbeSection(connect_s=1, silence_s=1, total_s=2, online=[], blip_s=0.5),
            store=StoreAddress(folder / "state" / "monitor.db", "here"),
            site=SiteSection(),
            folder=folder / "site",
            providers={one.provider: load_provider(one.provider) for one in accounts.values()},
            accounts=accounts,
            budgets={id: DailyBudget(1, 10**6) for id in accounts},
            watches={watch.target.id: watch for watch in watches},
            channels=channels or (Channel("terminal", "terminal:"),),
        ),
        **facts,
    )


def _model(provider):
    return load_provider(provider).canaries["chat"].model


def told_offline_after(**time):
    return Rules(patience=AlertLimits(offline=timedelta(**time)))


class Watching:
    """A monitor at work: its state, what it showed, and a way to wait for something."""

    def __init__(self, state, shown):
        self.state, self.shown = state, shown

    async def until(self, check, limit_s=15):
        async with asyncio.timeout(limit_s):
            while not check():  # noqa: ASYNC110 - we wait for a state of many parts, not for one event
                await asyncio.sleep(0.02)

    def states(self, id):
        return {health.state for key, health in self.state.belief.healths.items() if key.startswith(id)}

    def titles(self):
        return [text.strip().splitlines()[0] for text in self.shown]


@asynccontextmanager
async def watching(settings, **pauses):
    shown = []
    edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, shown.append)
    async with open_state(settings, edge, pauses=replace(PAUSES, **pauses)) as made, serve_requests(made):
        stages = asyncio.create_task(run_loop(made, asyncio.Event()))
        try:
            yield Watching(made, shown)
        finally:
            stages.cancel()
            await asyncio.gather(stages, return_exceptions=True)


def nobody_runs():
    raise AssertionError("a monitor runs, and is to be asked")


def simulator(**settings):
    return Simulator([SimulatedAccount(id.split("/")[0], key) for id, key in KEYS.items()], **settings)


def everything_below(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_suspended_account_is_noticed_explained_told_shown_and_its_recovery_too(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("openai/main") == {State.UP})
                other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                await inbox.until(lambda messages: len(messages) == 1)
                page = settings.folder / "index.html"
                await monitor.until(lambda: "account suspended" in page.read_text())
                other_side.set(KEYS["openai/main"], None)
                await inbox.until(lambda messages: len(messages) == 2)
                await monitor.until(
                    lambda: "Nothing is wrong" in page.read_text() or not monitor.state.belief.incidents
                )
            return inbox

    inbox = asyncio.run(play())
    assert inbox.titles() == [
        "[DOWN] openai/main: account suspended",
        "[RESOLVED] openai/main: account suspended",
    ]
    assert "request id" in inbox.messages[0]["message"]
    # At five looks a second a slow machine may not know just now that it works: then it is not named.
    offers = re.findall(r"openai/backup \(seen [^)]*\)", inbox.messages[0]["message"])
    assert all("openai/main is suspended" in offer for offer in offers)


def test_no_key_is_in_the_database_the_page_or_any_message(tmp_path, caplog):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                for id in KEYS:
                    other_side.set(KEYS[id], Trouble.ECHO_KEY)
                await monitor.until(lambda: all(State.DOWN in monitor.states(id) for id in KEYS), limit_s=60)
                await inbox.until(len)  # several at once are one message
                await asyncio.sleep(1.5)
            return repr(inbox.messages) + "".join(monitor.shown)

    told = asyncio.run(play())
    kept = everything_below(tmp_path)
    for key in KEYS.values():
        for part in (key, key[:12], key[-12:]):
            assert part.encode() not in kept
            assert part not in told + caplog.text


def test_an_overloaded_provider_is_one_incident_that_blames_no_account(tmp_path):
    async def play():
        async with simulator() as other_side:
            async with watching(config(tmp_path, other_side)) as monitor:
                await monitor.until(lambda: monitor.states("openai") == {State.UP})
                other_side.set("openai", Trouble.SERVER_ERROR)
                await monitor.until(lambda: monitor.shown)
                other_side.set("openai", None)
                await monitor.until(lambda: len(monitor.shown) == 2)
            return monitor

    assert asyncio.run(play()).titles() == ["[DOWN] openai: server errors", "[RESOLVED] openai: server errors"]


def test_a_single_bad_answer_wakes_nobody(tmp_path):
    async def play():
        async with simulator() as other_side:
            patient = ProbeSection(failures=50)
            async with watching(config(tmp_path, other_side, probe=patient)) as monitor:
                await monitor.until(lambda: monitor.states("openai/main") == {State.UP})
                other_side.set(KEYS["openai/main"], Trouble.SERVER_ERROR)
                await monitor.until(lambda: State.SUSPECTED in monitor.states("openai/main"))
                other_side.set(KEYS["openai/main"], None)
                await monitor.until(lambda: monitor.states("openai/main") == {State.UP})
            return monitor

    assert asyncio.run(play()).shown == []


def test_when_nothing_can_be_reached_nobody_is_blamed(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, base="http://127.0.0.1:1/v1", rules=told_offline_after(seconds=2))
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.state.belief.incidents)
                at_first = list(monitor.shown)
                await monitor.until(lambda: monitor.shown)
                await asyncio.sleep(0.5)
            return at_first, monitor.shown

    at_first, (message,) = asyncio.run(play())
    assert at_first == []
    assert "the monitor is offline" in message
    assert "nobody" in message


def test_where_a_road_comes_and_goes_neutral_hosts_are_asked_at_each_doubt(tmp_path):
    timer_s, answers = [1000.0], [True, False]

    async def is_online(*_):
        return answers.pop(0)

    async def play():
        async with simulator() as other_side:
            edge = Edge(lambda: datetime.now(UTC), lambda: timer_s[0], random.random, print)
            async with open_state(config(tmp_path, other_side), edge) as made:
                made.services.outside = replace(made.services.outside, is_online=is_online)
                target = next(iter(made.belief.config.watches.values())).target
                made.belief.healths[target.id] = health(Fault.CONNECTION_FAILED, target=target, status=None)
                for _ in range(2):
                    made.signals.doubted.add(target.answerer)
                    await run_stage(probe_controls_now, made)
                    apply_reports(made.belief, made.signals)
                    timer_s[0] += 20
                return made.belief.control.online

    assert asyncio.run(play()) is False


ELSEWHERE = Egress(Proxies(https=Proxy("http", "proxy.example", 3128)))
BELIEVING = Egress(ca_file="/ours.pem")


@pytest.mark.parametrize(
    ("failing", "asked"),
    [
        ({"openai/b"}, [ELSEWHERE]),  # though the first account goes straight
        ({"openai/a"}, [DIRECT_EGRESS]),
        ({"openai/b", "openai/c"}, []),  # what one road shows is no word on another
    ],
)
def test_a_call_without_a_key_goes_the_way_of_those_who_fail(tmp_path, failing, asked):
    ways, met, looked = {"openai/a": DIRECT_EGRESS, "openai/b": ELSEWHERE, "openai/c": BELIEVING}, [], []

    async def probe_control(_, __, ___, way):
        met.append(way)
        return ControlAnswer(datetime.now(UTC), None, 401, 0.1)

    async def is_online(*_):
        looked.append(1)

    async def play():
        async with simulator() as other_side:
            edge = Edge(lambda: datetime.now(UTC), lambda: 1000.0, random.random, print)
            settings = config(tmp_path, other_side)
            base = other_side.base("openai")
            accounts = {id: Account(id[-1:], "openai", "k", base, way=way) for id, way in ways.items()}
            watches = [Watch(Target(id, "openai", "list", None), EVERY_S, True) for id in ways]
            settings = replace(settings, accounts=accounts, watches={one.target.id: one for one in watches})
            async with open_state(settings, edge) as made:
                made.services.outside = replace(made.services.outside, probe_control=probe_control, is_online=is_online)
                for one in watches:
                    bad = [Fault.CONNECTION_FAILED] if one.target.account in failing else []
                    made.belief.healths[one.target.id] = health(*bad, target=one.target, status=None)
                answerer = watches[0].target.answerer
                before = ControlAnswer(datetime.now(UTC) - timedelta(minutes=2), None, 401, 0.1)
                made.belief.control = ControlResult({answerer: before})
                for _ in range(2):
                    made.signals.doubted.add(answerer)
                    await run_stage(probe_controls_now, made)
                    apply_reports(made.belief, made.signals)
                return list(made.belief.control.controls)

    kept = asyncio.run(play())
    assert (met, len(kept)) == (asked, len(asked))


def test_a_restart_in_the_middle_of_an_incident_tells_nothing_twice(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _delivered(settings) >= 1)
            async with watching(settings) as monitor:
                await asyncio.sleep(1)
                other_side.set(KEYS["openai/main"], None)
                await inbox.until(lambda messages: len(messages) == 2)
                await monitor.until(lambda: not monitor.state.belief.incidents)
            return inbox

    assert [title.split()[0] for title in asyncio.run(play()).titles()] == ["[DOWN]", "[RESOLVED]"]


def test_a_message_that_could_not_be_sent_is_sent_after_a_restart(tmp_path):
    async def play():
        async with simulator() as other_side, webhook(answer=500) as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _failed_tries(settings))
                await monitor.until(lambda: "not getting through" in (settings.folder / "index.html").read_text())
            inbox.answer = 200
            with closing(sqlite3.connect(settings.store.database)) as db, db:
                db.execute("UPDATE outbox SET next = 0")
            async with watching(settings):
                await inbox.until(lambda messages: len(messages) == 1)
            return inbox

    assert asyncio.run(play()).titles() == ["[DOWN] openai/main: account suspended"]


def _failed_tries(settings):
    with closing(open_reader(settings.store.database)) as db:
        return db.execute("SELECT count(*) FROM outbox WHERE error IS NOT NULL").fetchone()[0]


def test_a_channel_that_hangs_does_not_hold_up_the_others(tmp_path):
    async def play():
        async with simulator() as other_side, webhook(answer=None) as deaf, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("deaf", deaf.url, limit_s=1), Channel("hook", inbox.url))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings):
                await inbox.until(lambda messages: len(messages) == 1, limit_s=10)

    asyncio.run(play())


def test_a_message_under_way_is_carried_to_its_end_when_the_monitor_stops(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as slow:
            slow.delay_s = 1
            settings = config(tmp_path, other_side, Channel("slow", slow.url))
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                await monitor.until(lambda: slow.asked)
                assert _delivered(settings) == 0
            noted = _delivered(settings)
            async with watching(settings):
                await asyncio.sleep(1.5)
            return noted, slow.asked

    assert asyncio.run(play()) == (1, 1)


def test_what_sends_messages_is_loaded_as_soon_as_a_failure_is_suspected(tmp_path):
    """In a process of its own: here it is imported already."""
    script = """
import asyncio, pathlib, sys
from tests.parts import run_stage
from tests.test_run import KEYS, Channel, ProbeSection, Trouble, config, simulator, watching

async def play():
    async with simulator() as other_side:
        patient = ProbeSection(failures=50, online=[])
        settings = config(pathlib.Path(sys.argv[1]), other_side, Channel("hook", "json://127.0.0.1:1"), probe=patient)
        async with watching(settings) as monitor:
            await monitor.until(lambda: len(monitor.state.belief.healths) == 6)
            assert "apprise" not in sys.modules, "imported while all is well"
            other_side.set(KEYS["openai/main"], Trouble.SERVER_ERROR)
            await monitor.until(lambda: "apprise.plugins.custom_json" in sys.modules)
            await monitor.until(lambda: len(monitor.state.services.templates._shipped.cache) > 5)
            assert not monitor.state.belief.incidents

asyncio.run(play())
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)


def test_a_locked_database_loses_nothing(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings, store=WriterLimits(wait_s=0.1)) as monitor:
                await monitor.until(lambda: monitor.states("openai/main") == {State.UP})
                with closing(sqlite3.connect(settings.store.database, isolation_level=None)) as intruder:
                    intruder.execute("BEGIN IMMEDIATE")
                    other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                    await monitor.until(lambda: monitor.state.belief.incidents)
                    assert "store" in monitor.state.services.own.warnings
                    assert inbox.messages == []
                await inbox.until(lambda messages: len(messages) == 1)
                await monitor.until(lambda: "store" not in monitor.state.services.own.warnings)

    asyncio.run(play())


def test_results_are_kept_only_as_long_as_was_said(tmp_path):
    def kept(settings):
        return tuple(_count(settings, table) > 0 for table in ("hourly", "daily")), _oldest_age_d(settings) > 4

    async def play(keep, expected):
        async with simulator() as other_side:
            settings = config(tmp_path / str(keep), other_side, retention=keep)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _count(settings, "observation") > 5)
            with closing(sqlite3.connect(settings.store.database)) as db, db:
                db.execute("UPDATE OR IGNORE observation SET at = at - 86400000 * 5")
            async with watching(settings) as monitor:
                await monitor.until(lambda: kept(settings) == expected)

    asyncio.run(play(Retention(raw_days=9, hourly_days=9, daily_days=9), ((True, True), True)))
    asyncio.run(play(Retention(raw_days=1, hourly_days=9, daily_days=1), ((True, False), False)))
    asyncio.run(play(Retention(raw_days=1, hourly_days=1, daily_days=9), ((False, True), False)))


def test_a_message_links_to_the_page_where_people_reach_it(tmp_path):
    async def play():
        async with simulator() as other_side:
            site = SiteSection(url="https://status.example.com")
            async with watching(config(tmp_path, other_side, site=site)) as monitor:
                other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                await monitor.until(lambda: monitor.shown)
            return monitor.shown[0]

    assert "https://status.example.com/incidents/20" in asyncio.run(play())


@pytest.mark.parametrize(("tokens", "soon"), [(0, True), (9 * 10**5, False)])
def test_what_seems_slow_is_looked_at_again_soon_where_the_budget_has_room(tmp_path, tokens, soon):
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)

    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            paid = next(one for one in settings.watches.values() if not one.free)
            settings = replace(settings, watches={paid.target.id: replace(paid, interval_s=60.0)})
            edge = Edge(lambda: noon, time.monotonic, random.random, print)
            async with open_state(settings, edge) as made:
                made.planned.spendings["openai/main"] = Spending(noon.date(), tokens)
                made.belief.tracks[paid.target.id] = TargetMemory(total=seemingly_slow(noon))
                slot = next_at(settings.watches[paid.target.id], Health(), noon, 3, 0.0)
                await beat(made, [Observation(paid.target, slot, Outcome.OK, latency_s=1.1)], slot)
                return made.planned.probes.next_at() - slot

    assert (asyncio.run(play()) == timedelta(seconds=EXTRA_S)) is soon


def seemingly_slow(until):
    """Half a second, give or take, for ten hours; then an answer of more than twice that."""
    noise, series = random.Random(1), None
    for minute, seconds in enumerate([*(0.5 * noise.lognormvariate(0, 0.3) for _ in range(600)), 1.1]):
        series = advance(series, seconds, until - timedelta(minutes=601 - minute), sensitivity_for(60.0))
    return series


def test_a_spent_budget_makes_the_paid_canary_unknown_and_leaves_the_free_one(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            settings = replace(settings, budgets={"openai/main": DailyBudget(1, 1)})
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("openai/main/chat") == {State.UNKNOWN})
                await asyncio.sleep(0.5)
            return monitor, other_side.counts

    monitor, _ = asyncio.run(play())
    assert monitor.states("openai/main/list") == {State.UP}
    (reason,) = {health.reason for id, health in monitor.state.belief.healths.items() if "chat" in id}
    assert "budget" in reason
    assert monitor.shown == []


def test_an_account_without_its_key_is_unknown_with_the_reason_and_the_rest_runs(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            accounts = dict(settings.accounts)
            accounts["openai/main"] = Account("main", "openai", None, None, problem="the variable X is not set")
            async with watching(replace(settings, accounts=accounts)) as monitor:
                await monitor.until(lambda: monitor.states("openai/backup") == {State.UP})
                await monitor.until(lambda: monitor.states("openai/main") == {State.UNKNOWN})
                page = settings.folder / "index.html"
                await monitor.until(lambda: page.exists() and "the variable X is not set" in page.read_text())
            return other_side.received(KEYS["openai/main"])

    assert asyncio.run(play()) == []


def test_a_drill_rings_every_channel_is_marked_and_touches_no_account(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                wish = Drill("openai/main", Fault.QUOTA_EXHAUSTED, datetime.now(UTC))
                for _ in range(2):  # who was cut off before he was answered asks for the same again
                    await asyncio.to_thread(drill.request_drill, open_store(settings.store), wish, nobody_runs)
                await inbox.until(lambda messages: len(messages) == 2)
                return inbox, monitor.states("openai/main")

    inbox, states = asyncio.run(play())
    assert inbox.titles() == [
        "[DRILL] [DOWN] openai/main: credit or quota used up",
        "[DRILL] [RESOLVED] openai/main: credit or quota used up",
    ]
    assert "The drill is over" in inbox.messages[-1]["message"]
    assert State.DOWN not in states


def test_the_end_of_a_drill_counts_no_drill_before_it_as_downtime(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings):
                for heard in (2, 4):
                    begun = datetime.now(UTC) + timedelta(
                        seconds=heard
                    )  # who asks twice in a second asks for one drill
                    wish = Drill("openai/main", Fault.TIMEOUT, begun)
                    await asyncio.to_thread(drill.request_drill, open_store(settings.store), wish, nobody_runs)
                    await inbox.until(lambda messages, heard=heard: len(messages) == heard)
            return inbox.messages[-1]

    last = asyncio.run(play())
    assert last["title"] == "[DRILL] [RESOLVED] openai/main: no answer in time"
    assert "Within 24 hours" not in last["message"]
    assert "down for" not in last["message"]


def test_two_monitors_do_not_share_a_database(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            async with watching(settings):
                with pytest.raises(Busy):
                    async with watching(settings):
                        pass

    asyncio.run(play())


def test_a_hanging_provider_does_not_hold_up_the_others(tmp_path):
    async def play():
        async with simulator() as other_side:
            other_side.set("groq", Trouble.HANG)
            patient = ProbeSection(silence_s=60, total_s=60)
            async with watching(config(tmp_path, other_side, probe=patient)) as monitor:
                await monitor.until(lambda: other_side.counts[KEYS["openai/main"]] > 10)
                return monitor.states("openai"), monitor.states("groq")

    assert asyncio.run(play()) == ({State.UP}, set())


def test_no_more_attempts_at_one_host_than_allowed(tmp_path):
    async def play():
        async with simulator() as other_side:
            for key in KEYS.values():
                other_side.set(key, Trouble.HANG)
            probe = ProbeSection(connect_s=1, silence_s=5, total_s=5, per_host=2)
            async with watching(config(tmp_path, other_side, probe=probe)):
                await asyncio.sleep(1)
                return len(other_side.requests)

    assert asyncio.run(play()) == 2


def test_a_clock_that_is_set_back_an_hour_does_not_stop_the_watch(tmp_path):
    shift = [0.0]

    async def play():
        async with simulator() as other_side:
            edge = Edge(
                lambda: datetime.fromtimestamp(time.time() + shift[0], UTC), time.monotonic, random.random, print
            )
            async with open_state(config(tmp_path, other_side), edge, pauses=PAUSES) as made:
                stages = asyncio.create_task(run_loop(made, asyncio.Event()))
                await asyncio.sleep(1)
                shift[0] = -3600
                await asyncio.sleep(0.3)
                before = sum(other_side.counts.values())
                await asyncio.sleep(1)
                stages.cancel()
                await asyncio.gather(stages, return_exceptions=True)
                return sum(other_side.counts.values()) - before

    assert asyncio.run(play()) >= 6


def test_a_drill_that_a_crash_left_open_ends_after_the_restart(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                wish = Drill("openai/main", Fault.TIMEOUT, datetime.now(UTC))
                await asyncio.to_thread(drill.request_drill, open_store(settings.store), wish, nobody_runs)
                await monitor.until(lambda: _delivered(settings) >= 1)
            async with watching(settings) as monitor:
                await inbox.until(lambda messages: len(messages) == 2)
                await monitor.until(lambda: not monitor.state.belief.incidents)
            return inbox

    assert [title.split()[1] for title in asyncio.run(play()).titles()] == ["[DOWN]", "[RESOLVED]"]


def test_a_target_that_a_new_configuration_leaves_out_is_looked_at_no_more(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            async with watching(settings) as monitor:
                other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                await monitor.until(lambda: monitor.shown)
                smaller = {id: watch for id, watch in settings.watches.items() if not id.startswith("openai/main")}
                apply_config(monitor.state, replace(settings, watches=smaller))
                await monitor.until(lambda: not monitor.state.belief.incidents)
                await monitor.until(lambda: len(monitor.shown) == 2)
                await asyncio.sleep(0.3)
                before = other_side.counts[KEYS["openai/main"]]
                await asyncio.sleep(1)
                asked = other_side.counts[KEYS["openai/main"]] - before
                pages = settings.folder
                await monitor.until(
                    lambda: any("no longer watched" in one.read_text() for one in pages.glob("incidents/*.html")),
                    limit_s=60,  # a page may have a tenth of the time
                )
                return monitor, asked

    monitor, asked = asyncio.run(play())
    assert asked == 0
    assert monitor.titles() == [f"[{head}] openai/main: account suspended" for head in ("DOWN", "NO LONGER WATCHED")]


def test_one_ability_that_is_taken_out_ends_its_incident_alone(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            async with watching(settings) as monitor:
                other_side.set(KEYS["openai/main"], Trouble.READ_ONLY)
                await monitor.until(lambda: monitor.shown)
                smaller = {id: watch for id, watch in settings.watches.items() if watch.free}
                apply_config(monitor.state, replace(settings, watches=smaller))
                await monitor.until(lambda: len(monitor.shown) == 2)
                await asyncio.sleep(0.5)
            return monitor

    monitor = asyncio.run(play())
    assert [title.split("]")[0] for title in monitor.titles()] == ["[DOWN", "[NO LONGER WATCHED"]
    assert monitor.states("openai/main") == {State.UP}


def test_where_both_sites_are_written_stays_until_a_restart(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = replace(config(tmp_path, other_side), public_folder=tmp_path / "public", metrics=tmp_path / "m")
            async with watching(settings) as monitor:
                moved = replace(settings, folder=tmp_path / "other", public_folder=tmp_path / "x", metrics=None)
                apply_config(monitor.state, moved)
                return settings, monitor.state.belief.config

    before, after = asyncio.run(play())
    assert (after.folder, after.public_folder, after.metrics) == (before.folder, before.public_folder, before.metrics)


def test_old_results_are_rolled_up_and_forgotten_while_it_runs(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _count(settings, "observation") > 5)
            with closing(sqlite3.connect(settings.store.database)) as db, db:
                db.execute("UPDATE OR IGNORE observation SET at = at - 86400000 * 20")
            async with watching(settings) as monitor:
                await monitor.until(lambda: _count(settings, "daily") > 0 and _oldest_age_d(settings) < 15)

    asyncio.run(play())


def _delivered(settings):
    with closing(open_reader(settings.store.database)) as db:
        return db.execute("SELECT count(*) FROM outbox WHERE state = 'sent'").fetchone()[0]


def _count(settings, table):
    with closing(open_reader(settings.store.database)) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def _oldest_age_d(settings):
    with closing(open_reader(settings.store.database)) as db:
        (oldest,) = db.execute("SELECT min(at) FROM observation").fetchone()
    return (time.time() - oldest / 1000) / 86400 if oldest else 0


def test_a_first_failure_asks_the_accounts_neighbours_at_once_and_no_more_than_needed(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            rare = {id: replace(watch, interval_s=3600) for id, watch in settings.watches.items()}
            often = {id: replace(watch, interval_s=EVERY_S) for id, watch in rare.items() if id == "openai/main/list"}
            async with watching(replace(settings, watches=rare | often)) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == 6)
                before = other_side.counts.copy()
                other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                await monitor.until(lambda: monitor.shown)
                return monitor.states("openai/main/chat"), other_side.counts - before

    states, asked = asyncio.run(play())
    assert State.UP not in states, "the other canary was asked too"
    assert asked[KEYS["openai/backup"]] >= 1, "and a sibling"
    assert asked[KEYS["groq/llama"]] == 0, "but nobody elsewhere, since the provider did answer"


@pytest.mark.parametrize(("usd", "is_asked"), [(10.0, True), (0.0, False)])
def test_a_first_failure_of_what_costs_asks_the_same_of_a_sibling_whose_day_has_room(tmp_path, usd, is_asked):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            chats = {id for id, watch in settings.watches.items() if watch.target.canary == "chat"}
            (ours,) = (id for id in chats if id.startswith("openai/main/"))
            (theirs,) = (id for id in chats if id.startswith("openai/backup/"))
            rare = {id: replace(watch, interval_s=3600) for id, watch in settings.watches.items()}
            often = {ours: replace(rare[ours], interval_s=EVERY_S)}
            budgets = settings.budgets | {"openai/backup": DailyBudget(usd, 10**9 if usd else 0)}
            async with watching(replace(settings, watches=rare | often, budgets=budgets)) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == 6)
                before = monitor.state.belief.healths[theirs].seen_at
                other_side.set(KEYS["openai/main"], Trouble.SERVER_ERROR)
                await monitor.until(lambda: monitor.shown)
                return before, monitor.state.belief.healths[theirs].seen_at

    before, after = asyncio.run(play())
    assert (after != before) is is_asked


TELLING = {
    "id": "telling",
    "name": "Telling",
    "source": "https://docs.example.com",
    "checked": date(2026, 11, 21),
    "canaries": {
        "balance": {
            "dialect": "account",
            "path": "/balance",
            "free": True,
            "credit": {"left": "left", "currency": "USD"},
            "source": "https://docs.example.com",
        },
        "models": {
            "dialect": "list",
            "path": "/models",
            "free": True,
            "offers": "data[].id",
            "source": "https://docs.example.com",
        },
    },
}


@asynccontextmanager
async def telling(state):
    """A provider that tells of credit and models, and warns in a header, as `state` says."""

    async def balance(_):
        return web.json_response({"left": state["left"]})

    async def models(_):
        return web.json_response({"data": [{"id": name} for name in state["models"]]}, headers=state["headers"])

    app = web.Application()
    app.add_routes([web.get("/balance", balance), web.get("/models", models)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def telling_config(folder, base, *channels):
    account = Account("main", "telling", "key-0123456789", base)
    watches = [Watch(Target(account.id, "telling", canary), EVERY_S, True) for canary in TELLING["canaries"]]
    return replace(
        config(folder, None, *channels, ids=()),
        providers={"telling": load_provider("telling", ProviderFiles(tables={"telling": TELLING}))},
        accounts={account.id: account},
        budgets={account.id: DailyBudget(1, 1)},
        watches={watch.target.id: watch for watch in watches},
        attentions={account.id: WarningSettings(CreditThreshold({"USD": 5.0}), {"m"})},
    )


def test_what_is_coming_is_told_while_everything_works_and_once(tmp_path):
    state = {"left": 50, "models": ["m", "n"], "headers": {}}

    async def play():
        async with telling(state) as base, webhook() as inbox:
            settings = telling_config(tmp_path, base, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("telling/main") == {State.UP})
                state["left"] = 1.5
                await inbox.until(lambda messages: len(messages) == 1)
                page = settings.folder / "index.html"
                await monitor.until(lambda: "The only account works, with 1 warning" in page.read_text())
                state["models"] = ["n"]
                await inbox.until(lambda messages: len(messages) == 2)
                assert monitor.states("telling/main") == {State.UP}
                await monitor.until(lambda: page.read_text().count("1 message delivered") == 2)
            state["left"] = 60
            async with watching(settings) as monitor:  # a restart forgets nothing, and tells nothing twice
                await inbox.until(lambda messages: len(messages) == 3)
                await monitor.until(lambda: "60 USD" in page.read_text())
                state["models"] = ["m", "n"]
                await inbox.until(lambda messages: len(messages) == 4)
            return inbox

    inbox = asyncio.run(play())
    assert inbox.titles() == [
        "[AT RISK] telling/main: credit is running out",
        "[AT RISK] telling/main/m: model not available",
        "[RESOLVED] telling/main: credit is running out",
        "[RESOLVED] telling/main/m: model not available",
    ]
    assert "1.50 USD left" in inbox.messages[0]["message"]


def test_credit_that_cannot_be_read_is_not_known_and_no_loss_of_the_account(tmp_path):
    state = {"left": 50, "models": ["m"], "headers": {}}

    async def play():
        async with telling(state) as base, webhook() as inbox:
            settings = telling_config(tmp_path, f"{base}/elsewhere", Channel("hook", inbox.url))
            good = Watch(Target("telling/main", "telling", "models"), EVERY_S, True)
            settings = replace(
                settings,
                watches={id: replace(watch, aside=True) for id, watch in settings.watches.items()}
                | {good.target.id: replace(good, aside=True)},
            )
            async with watching(settings) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == 2)
                await asyncio.sleep(1)
                assert monitor.states("telling/main") == {State.UNKNOWN}
            return inbox

    inbox = asyncio.run(play())
    assert inbox.titles() == []


def test_an_answer_that_tells_no_usage_counts_as_the_most_it_can_be(tmp_path):
    async def play():
        async with simulator() as other, watching(config(tmp_path, other, ids=["openai/main"])) as monitor:
            await monitor.until(lambda: monitor.states("openai/main") == {State.UP})
            watch = next(watch for watch in monitor.state.belief.config.watches.values() if not watch.free)
            silent = Observation(watch.target, monitor.state.services.edge.clock(), Outcome.OK, status=200)
            before = monitor.state.planned.spendings["openai/main"].tokens
            await beat(monitor.state, [silent], silent.at)
            return monitor.state.planned.spendings["openai/main"].tokens - before

    assert asyncio.run(play()) >= 26


def test_a_header_that_warns_beside_a_good_answer_is_told(tmp_path):
    state = {"left": 50, "models": ["m"], "headers": {"sunset": "Fri, 01 Jan 2027 00:00:00 GMT"}}

    async def play():
        async with telling(state) as base, webhook() as inbox:
            settings = telling_config(tmp_path, base, Channel("hook", inbox.url))
            async with watching(settings) as monitor:
                facts = monitor.state.belief.config.providers["telling"]
                signal = Signal(id="sunset", header="sunset", fault=Fault.MODEL_RETIRING, source="https://rfc.example")
                monitor.state.belief.config.providers["telling"] = msgspec.structs.replace(facts, signals=[signal])
                await inbox.until(lambda messages: len(messages) == 1)
            return inbox

    inbox = asyncio.run(play())
    assert inbox.titles() == ["[AT RISK] telling/main: a model is being retired"]
    assert "01 Jan 2027" in inbox.messages[0]["message"]


def with_page(settings, simulator, id="openai"):
    """The same, with the simulator's status page followed, forty times as often as real ones."""
    url = f"{simulator.status_page(id)}/api/v2/summary.json"
    feed = Feed(
        id="page", form=Platform.STATUSPAGE, url=url, page=simulator.status_page(id), source="https://x.example"
    )
    return replace(settings, feeds={f"{id}/page": feed}, status=StatusSection(interval_s=1))


def test_an_outage_is_known_before_the_page_tells_of_it_and_one_message_says_so(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = with_page(config(tmp_path, other_side, Channel("hook", inbox.url)), other_side)
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("openai/") == {State.UP})
                await monitor.until(lambda: "openai/page" in monitor.state.belief.sources)
                assert monitor.state.belief.sources["openai/page"].last
                other_side.set("openai", Trouble.SERVER_ERROR)
                await inbox.until(lambda messages: len(messages) == 1)
                await asyncio.sleep(1)  # within one second nobody knew first
                other_side.announce("openai", "Elevated error rates", impact="major")
                page = settings.folder / "index.html"
                await monitor.until(lambda: "before the provider&#39;s page" in page.read_text())
                (told,) = monitor.state.belief.incidents.values()
                other_side.announce("openai", "Elevated error rates", phase="resolved")
                other_side.set("openai", None)
                await inbox.until(lambda messages: len(messages) == 2)
            return inbox, told

    inbox, told = asyncio.run(play())
    assert inbox.titles() == ["[DOWN] openai: server errors", "[RESOLVED] openai: server errors"]
    assert "the provider's page reports no trouble" in inbox.messages[0]["message"]
    assert "a call without a key failed too (HTTP 500, server errors" in inbox.messages[0]["message"]
    assert told.announcement.title == "Elevated error rates"
    assert timedelta() < told.lead < timedelta(seconds=15)
    assert re.search(r"Who knew first: we knew \d+ s before the provider's page", inbox.messages[1]["message"])


def test_a_page_that_claims_an_outage_while_canaries_pass_is_shown_and_told_to_nobody(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            other_side.announce("openai", "Everything is <b>down</b>", impact="critical")
            settings = with_page(config(tmp_path, other_side, Channel("hook", inbox.url)), other_side)
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("openai/") == {State.UP})
                page = settings.folder / "index.html"
                # What they say and what we see need not come to the page at the same making.
                both = ("Everything is", "All 3 accounts work")
                await monitor.until(lambda: page.exists() and all(one in page.read_text() for one in both))
                return inbox.titles(), page.read_text()

    titles, page = asyncio.run(play())
    assert titles == []
    assert "<b>down</b>" not in page


def test_a_page_that_cannot_be_read_is_said_to_be_so_and_accuses_nobody(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = with_page(config(tmp_path, other_side, Channel("hook", inbox.url)), other_side)
            feed = msgspec.structs.replace(settings.feeds["openai/page"], url=f"{other_side.root}/nowhere")
            settings = replace(settings, feeds={"openai/page": feed})
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.states("openai/") == {State.UP})
                page = settings.folder / "index.html"
                await monitor.until(lambda: page.exists() and "Not readable now" in page.read_text())
                return inbox.titles()

    assert asyncio.run(play()) == []


def test_who_cannot_be_reached_while_the_rest_of_the_world_can_is_not_this_machine(tmp_path):
    async def play(online):
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path / online, other_side, Channel("hook", inbox.url), base="http://127.0.0.1:9")
            settings = replace(settings, rules=told_offline_after(seconds=0))
            hosts = [other_side.root.removeprefix("http://")] if online == "online" else ["127.0.0.1:9"]
            probe = ProbeSection(connect_s=1, silence_s=1, total_s=2, online=hosts, blip_s=0.5)
            async with watching(replace(settings, probe=probe)):
                await inbox.until(lambda messages: len(messages) == 1)
            return inbox.titles()

    assert asyncio.run(play("online")) == ["[DOWN] the network here: no connection"]
    assert asyncio.run(play("offline")) == ["[DOWN] the monitor is offline: nothing answers"]


def test_a_single_round_reads_the_page_that_is_due_and_says_what_it_says(tmp_path):
    async def play():
        async with simulator() as other_side:
            other_side.announce("openai", "Elevated error rates", impact="major")
            other_side.set("openai", Trouble.SERVER_ERROR)
            settings = with_page(config(tmp_path, other_side), other_side)
            shown = []
            edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, shown.append)
            async with open_state(settings, edge) as made:
                made.planned.plan_probes(made.belief.config.watches, made.services.edge.clock(), 0)
                await run_round(made)
            return "".join(shown)

    said = asyncio.run(play())
    assert "openai: server errors" in said
    assert "the provider's page reports trouble: Elevated error rates" in said
