"""What a monitor at work counts: rounds of cron go on where the last one stopped."""

import asyncio
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime

from prometheus_client.openmetrics import parser as openmetrics

from monitor.alert.channel import Channel
from monitor.stage import Stage
from monitor.stages.publish import Published, publish_once
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.tally import OWN, Event
from probes.simulator import Trouble
from tests.parts import run_stage
from tests.receiver import webhook
from tests.test_round import Cron, each_minute
from tests.test_run import KEYS, config, simulator


def shown_by(settings):
    text = (settings.folder / "metrics.om").read_text()
    return [one for family in openmetrics.text_string_to_metric_families(text) for one in family.samples]


def numbers(settings, name, *labels):
    """Return a counter's values by some of its labels, added up."""
    found = Counter()
    for one in shown_by(settings):
        if one.name == name:
            found[tuple(one.labels[label] for label in labels)] += one.value
    return {key: value for key, value in found.items() if value}


def test_rounds_of_cron_count_on_and_a_counter_never_shrinks(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            cron = Cron(each_minute(config(tmp_path, other_side, Channel("hook", inbox.url), ids=["openai/main"])))
            await cron.round()
            first = numbers(cron.settings, "llm_probes_total", "canary", "outcome")
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            inbox.answer = 500
            await cron.round()
            inbox.answer = 200
            await cron.round()
            return cron.settings, first

    settings, first = asyncio.run(play())
    later = numbers(settings, "llm_probes_total", "canary", "outcome")
    failed = numbers(settings, "llm_probes_total", "outcome", "fault")
    assert first == {("list", "ok"): 1, ("chat", "ok"): 1}
    assert {key: later[key] for key in first} == first
    assert failed["failed", "account_suspended"] >= 2
    assert numbers(settings, "llm_incidents_opened_total", "scope", "fault") == {("account", "account_suspended"): 1}
    messages = numbers(settings, "llm_messages_total", "channel", "result")
    assert (messages["hook", "retried"], messages["hook", "delivered"]) >= (1, 1)
    timed = numbers(settings, "llm_probe_duration_seconds_count", "provider", "canary")
    assert timed == {("openai", "list"): 1, ("openai", "chat"): 1}
    for form in ("metrics.prom", "metrics.om"):
        assert KEYS["openai/main"] not in (settings.folder / form).read_text()
    (one,) = [one for one in shown_by(settings) if one.exemplar and one.name == "llm_incidents_opened_total"]
    assert (settings.folder / "incidents" / f"{one.exemplar.labels['incident']}.html").exists()


def test_a_stage_that_is_restarted_is_counted_also_when_it_is_the_one_that_publishes(tmp_path, monkeypatch):
    async def play():
        async with simulator() as other_side:
            cron = Cron(each_minute(config(tmp_path, other_side, ids=["openai/main"])))
            with monkeypatch.context() as patched:
                patched.setattr("monitor.runtime.round.publish_once", None)
                await cron.round()
            await cron.round()
            return cron.settings

    settings = asyncio.run(play())
    assert numbers(settings, "llm_monitor_stage_restarts_total", "stage") == {("publish",): 1}
    assert {one.labels["stage"] for one in shown_by(settings) if one.name == "llm_monitor_stage_restarts_total"} == {
        *Stage
    }


def test_what_is_shown_was_saved_before_so_that_a_kill_takes_no_number_back(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, print)
            async with open_state(settings, edge) as state:
                tally, stored = state.services.tally, state.services.storage.failover.reader.marks
                for _ in range(2):
                    tally.count(Event.RESTART, (Stage.PROBE,))
                await run_stage(publish_once, state, Published())
                tally.count(Event.RESTART, (Stage.PROBE,))
                saved = {(one.event, one.labels): one.number for one in stored.tally()[OWN].counts}
                shown = numbers(settings, "llm_monitor_stage_restarts_total", "stage")
            return saved[Event.RESTART, (Stage.PROBE,)], shown

    assert asyncio.run(play()) == (2, {("probe",): 2})


def test_a_stop_in_order_loses_no_count(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, print)
            for _ in range(2):
                async with open_state(settings, edge) as state:
                    state.services.tally.count(Event.RESTART, (Stage.PROBE,))
                    its = state.services.tally.numbers[OWN]
            return its[Event.RESTART, (Stage.PROBE,)]

    assert asyncio.run(play()) == 2


def test_a_page_does_not_wait_for_a_disk_that_hangs(tmp_path):
    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side, ids=["openai/main"])
            edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, print)
            async with open_state(settings, edge) as state:
                hangs = threading.Event()
                state.services.storage.writing.submit(hangs.wait)
                state.services.tally.count(Event.RESTART, (Stage.PROBE,))
                await run_stage(publish_once, state, Published())
                first = numbers(settings, "llm_monitor_stage_restarts_total", "stage")
                hangs.set()
                await asyncio.to_thread(state.services.storage.writing.submit(int).result)
                await run_stage(publish_once, state, Published())
                return first, numbers(settings, "llm_monitor_stage_restarts_total", "stage")

    assert asyncio.run(play()) == ({}, {("probe",): 1})
