"""A monitor that saw nothing for a while, since the road was cut or nobody ran it, says so when it is back."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from random import random
from time import monotonic
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from monitor.alert.channel import Channel
from monitor.alert.rule import AlertLimits, Match, Route, Rules
from monitor.alert.window import Quiet
from monitor.config.document import ProbeSection
from monitor.diagnose.incident import Severity, absence_change
from monitor.diagnose.status_source import StatusSource
from monitor.diagnose.subject import Scope
from monitor.runtime.round import run_round
from monitor.stages.apply_config import apply_config
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.row import Batch
from monitor.words import title
from probes.model import Observation, Outcome
from tests.conftest import at
from tests.receiver import Road, webhook
from tests.test_run import config, simulator, watching


@pytest.mark.parametrize(
    ("blind", "title", "line"),
    [
        (
            AlertLimits().offline,
            "[GAP] the monitor was offline for ",
            "Not watched in the meantime: openai (2 accounts), groq (1 account)",
        ),
        (
            timedelta(0),
            "[RESOLVED] the monitor was offline for ",
            "This is the first you hear of it: no earlier message got through.",
        ),
    ],
)
def test_a_monitor_that_was_cut_off_says_so_once_to_each_channel_when_it_is_back(tmp_path, blind, title, line):
    """Also where it has lasted long enough to be told meanwhile, and no channel could be reached."""
    rules = Rules(patience=AlertLimits(failing_tries=1, offline=blind))

    async def play():
        road = Road()
        async with simulator() as other_side, webhook() as phone, webhook() as mail:
            channels = [Channel(name, f"json://127.0.0.1:{await road.to(inbox.port)}/hook")
                        for name, inbox in (("phone", phone), ("mail", mail))]  # fmt: skip
            port = int(other_side.base("openai").split(":")[2].partition("/")[0])
            through = await road.to(port)
            settings = config(tmp_path, other_side, *channels, rules=rules)
            accounts = {id: replace(one, base=one.base.replace(f":{port}", f":{through}"))
                        for id, one in settings.accounts.items()}  # fmt: skip
            probe = ProbeSection(connect_s=1, silence_s=1, total_s=2, online=[f"127.0.0.1:{through}"], blip_s=0.5)
            async with watching(replace(settings, accounts=accounts, probe=probe)) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == 6)
                road.cut()
                await monitor.until(lambda: monitor.state.belief.incidents)
                (incident,) = monitor.state.belief.incidents.values()
                await monitor.until(lambda: blind or _tries(settings) >= 2)
                await asyncio.sleep(1)
                await road.mend()
                await monitor.until(lambda: not monitor.state.belief.incidents)
                await monitor.until(lambda: phone.messages and mail.messages)
                await monitor.until(lambda: not _waiting(settings), limit_s=30)
                await asyncio.sleep(1)
            road.cut()
        return incident, phone, mail

    incident, phone, mail = asyncio.run(play())
    assert incident.scope is Scope.MONITOR
    for inbox in (phone, mail):
        (message,) = inbox.messages
        assert message["title"].startswith(title)
        lines = message["message"].splitlines()
        assert line in lines
        assert [line.split(":")[0] for line in lines if line.startswith(("Began", "Ended"))] == ["Began", "Ended"]


def test_status_pages_that_a_cut_off_monitor_could_not_read_are_not_accused(tmp_path):
    """After six hours without a source somebody shall look whether it moved; not so when it was we who were away."""

    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url), base="http://127.0.0.1:1/v1")
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.state.belief.incidents)
                long_ago = datetime.now(UTC) - timedelta(hours=7)
                monitor.state.belief.sources["openai/status"] = StatusSource(
                    "openai/status", problem="x", doubtful_since=long_ago
                )
                await asyncio.sleep(0.5)
                for id, account in settings.accounts.items():
                    base = other_side.base(account.provider)
                    settings = replace(settings, accounts={**settings.accounts, id: replace(account, base=base)})
                apply_config(monitor.state, settings)
                await inbox.until(lambda messages: messages)
                await asyncio.sleep(1)
            return inbox.titles(), monitor.state.belief.sources["openai/status"].doubtful_since - long_ago

    titles, later = asyncio.run(play())
    assert [title.split(" for ")[0] for title in titles] == ["[GAP] the monitor was offline"]
    assert later > timedelta(hours=6)


def _tries(settings):
    return _ask(settings, "SELECT coalesce(sum(tries), 0) FROM outbox")


def _waiting(settings):
    return _ask(settings, "SELECT count(*) FROM outbox WHERE state = 'waiting'")


def _ask(settings, query):
    with closing(sqlite3.connect(settings.store.database)) as db:
        return db.execute(query).fetchone()[0]


def stopped_for(settings, **span):
    """Let the last beat be so long ago."""
    then = datetime.now(UTC) - timedelta(**span)
    with closing(sqlite3.connect(settings.store.database)) as db, db:
        db.execute("UPDATE mark SET value = ? WHERE name = 'beat'", (str(int(then.timestamp() * 1000)),))


def after_a_stop(folder, *facts, channel_facts=None, rules=None, **span):
    """Return what a channel hears of a stop, and the page of the time after it."""

    async def play():
        async with simulator() as other_side, webhook() as inbox:
            channel = Channel("hook", inbox.url, **(channel_facts or {}))
            settings = config(folder, other_side, channel, **({"rules": rules} if rules else {}))
            async with watching(settings) as monitor:
                await monitor.until(lambda: monitor.state.times.beaten_at)
            stopped_for(settings, **span)
            for _ in range(2):  # the second start has nothing to tell
                async with watching(settings) as monitor:
                    await monitor.until(lambda: monitor.state.times.beaten_at)
                    await asyncio.sleep(0.7)
                    await monitor.until(lambda: not _waiting(settings))
            return inbox.messages, [page.read_text() for page in settings.folder.rglob("*.html")]

    return asyncio.run(play())


def test_a_monitor_that_was_stopped_for_an_hour_tells_the_gap_once_and_shows_it(tmp_path):
    (message,), pages = after_a_stop(tmp_path, hours=1, seconds=1)

    assert message["title"] == "[GAP] the monitor was not watching for 1 h"
    assert message["type"] == "success"
    assert "Nothing is known about this time, neither that accounts worked nor that they failed." in message["message"]
    assert sum("the monitor was not watching for 1 h" in page for page in pages) >= 2  # its own, and the history's


def test_a_restart_is_worth_no_word(tmp_path):
    assert after_a_stop(tmp_path, minutes=4)[0] == []


def test_a_gap_is_told_by_the_rules_of_what_is_information(tmp_path):
    assert after_a_stop(tmp_path, channel_facts={"severity": Severity.WARNING}, hours=1)[0] == []


def test_a_route_by_scope_leads_a_gap_elsewhere(tmp_path):
    rules = Rules(routes=(Route(Match(scopes=(Scope.MONITOR,)), ()),))

    assert after_a_stop(tmp_path, rules=rules, hours=1)[0] == []


def test_a_gap_breaks_no_quiet_hours(tmp_path):
    quiet = Quiet(time(0), time(0), ZoneInfo("UTC"))

    assert after_a_stop(tmp_path, channel_facts={"quiet": quiet}, hours=1)[0] == []


def test_a_machine_that_slept_while_it_watched_has_a_gap_too(tmp_path):
    async def play():
        async with (
            simulator() as other_side,
            watching(config(tmp_path, other_side), absent=timedelta(seconds=1)) as monitor,
        ):
            await monitor.until(lambda: monitor.state.times.beaten_at)
            monitor.state.times.beat_at -= timedelta(hours=2)
            monitor.state.times.beaten_at -= 7200
            await monitor.until(lambda: monitor.shown)
            return monitor

    assert asyncio.run(play()).titles() == ["[GAP] the monitor was not watching for 2 h"]


def test_a_clock_that_was_set_forward_is_no_gap(tmp_path, caplog):
    async def play():
        async with simulator() as other_side, watching(config(tmp_path, other_side)) as monitor:
            await monitor.until(lambda: monitor.state.times.beaten_at)
            beats = monitor.state.times.beaten_at
            monitor.state.times.beat_at -= timedelta(hours=2)
            await monitor.until(lambda: monitor.state.times.beaten_at > beats)
            return monitor.shown, monitor.state.told.cases

    assert asyncio.run(play()) == ([], {})
    assert "the clock was set forward by 2 h: no gap" in caplog.text


@pytest.mark.parametrize(
    ("pauses", "gap_s", "told"),
    [
        ((60,) * 5, 250, False),
        ((60,) * 5, 600, True),
        ((3600,) * 5, 2.5 * 3600, False),
        ((3600,) * 5, 4 * 3600, True),
        ((600, 5, 10) * 4, 1700, False),
        ((600, 5, 10) * 4, 1900, True),
        ((), 400, True),
    ],
)
def test_cron_that_missed_rounds_says_so_by_how_far_apart_they_usually_are(tmp_path, pauses, gap_s, told):
    last, shown = datetime.now(UTC) - timedelta(seconds=gap_s), []
    at_s = [-sum(pauses[:number]) for number in range(len(pauses) + 1)]

    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            target = next(iter(settings.watches.values())).target
            looks = [Observation(target, last + timedelta(seconds=one), Outcome.OK) for one in at_s]
            edge = Edge(lambda: datetime.now(UTC), monotonic, random, shown.append)
            async with open_state(settings, edge) as state:
                await state.services.storage.save(Batch(last, tuple(looks)))
            async with open_state(settings, edge) as state:
                await run_round(state)

    asyncio.run(play())
    assert len([text for text in shown if "[GAP]" in text]) == told


@pytest.mark.parametrize(("seconds", "words"), [(3600, "1 h"), (400, "6 min"), (200_000, "2 days 7 h")])
def test_a_gap_is_named_by_its_length(seconds, words):
    assert title(absence_change(at(0), at(seconds)).incident) == f"the monitor was not watching for {words}"
