"""The telling inside the whole loop, on the simulator: what people answer, what fails, what time makes due."""

import asyncio
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from monitor.alert.channel import Channel
from monitor.alert.digest import Timing
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import AlertLimits, Rules
from monitor.alert.signed_link import read_link
from monitor.alert.window import Quiet
from monitor.backend import open_store
from monitor.config.document import SiteSection
from monitor.schedule import DailyBudget, Watch
from monitor.stages import notify
from monitor.stages.apply_config import apply_config
from monitor.state.monitor_state import open_state
from monitor.state.services import real_edge
from monitor.store.connection import open_reader
from probes.model import Account, Target
from probes.simulator import SimulatedAccount, Simulator, Trouble
from tests.receiver import webhook
from tests.test_run import KEYS, PAUSES, config, simulator, watching

ALWAYS = Quiet(time(0), time(0), ZoneInfo("UTC"))


def test_a_lost_account_with_twelve_targets_and_three_siblings_is_one_message_and_one_end_per_channel(tmp_path):
    names = ("main", "backup", "third", "fourth")
    keys = {name: f"sk-sim-{name}-0123456789abcdef" for name in names}
    models = tuple(f"gpt-{number}" for number in range(11))

    async def play():
        others = [SimulatedAccount("openai", key, models) for key in keys.values()]
        async with Simulator(others) as other_side, webhook() as phone, webhook() as mail:
            settings = config(tmp_path, other_side, Channel("phone", phone.url), Channel("mail", mail.url))
            accounts = {
                f"openai/{name}": Account(name, "openai", key, other_side.base("openai")) for name, key in keys.items()
            }
            targets = [
                Target(id, "openai", canary, model)
                for id in accounts
                for canary, model in (("list", None), *(("chat", model) for model in models))
            ]
            watches = {one.id: Watch(one, 0.5, one.canary == "list") for one in targets}
            budgets = {id: DailyBudget(100, 10**9) for id in accounts}
            settings = replace(settings, accounts=accounts, watches=watches, budgets=budgets)
            async with watching(settings) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == len(watches))
                other_side.set(keys["main"], Trouble.ACCOUNT_SUSPENDED)
                await monitor.until(lambda: len(phone.messages) == len(mail.messages) == 1, limit_s=60)
                await asyncio.sleep(3)
                other_side.set(keys["main"], None)
                await monitor.until(lambda: len(phone.messages) == len(mail.messages) == 2, limit_s=60)
                await asyncio.sleep(3)
            return phone.titles(), mail.titles()

    expected = ["[DOWN] openai/main: account suspended", "[RESOLVED] openai/main: account suspended"]
    assert asyncio.run(play()) == (expected, expected)


@pytest.mark.parametrize(
    ("openai", "told"),
    [
        (None, "wait, or switch to openai/main, which works now.\nWorking instead: openai/main (seen working"),
        (Trouble.ACCOUNT_SUSPENDED, "wait; nothing else watched here is known to work now.\n"),
    ],
)
def test_the_message_of_a_provider_that_fails_names_whose_account_works_instead(tmp_path, openai, told):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url), ids=("openai/main", "groq/llama"))
            other_side.set(KEYS["openai/main"], openai)
            async with watching(settings) as monitor:
                await monitor.until(lambda: len(monitor.state.belief.healths) == len(settings.watches))
                other_side.set("groq", Trouble.OVERLOADED)
                await inbox.until(lambda messages: any("groq" in one["title"] for one in messages))
            return next(one["message"] for one in inbox.messages if "groq" in one["title"])

    assert told in asyncio.run(play())


def test_an_answer_counts_at_once_and_survives_a_restart(tmp_path):
    rules = Rules(patience=AlertLimits(remind=(timedelta(seconds=1),)))

    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url), rules=rules)
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                await inbox.until(lambda messages: len(messages) >= 2)
                (id,) = monitor.state.belief.incidents
                reply = Reply(ReplyKind.ACKNOWLEDGE, datetime.now(UTC), "Jo", id)
                await asyncio.to_thread(open_store(settings.store).submit_reply, reply)
                assert monitor.state.told.replies == [reply]
                await monitor.until(lambda: not _waiting(settings))
                heard = len(inbox.messages)
            async with watching(settings):
                await asyncio.sleep(2)
            return heard, inbox.titles()

    heard, titles = asyncio.run(play())
    assert titles[:2] == ["[DOWN] openai/main: account suspended", "[STILL DOWN] openai/main: account suspended"]
    assert len(titles) == heard


def _waiting(settings):
    with closing(open_reader(settings.store.database)) as db:
        return db.execute("SELECT count(*) FROM outbox WHERE state = 'waiting'").fetchone()[0]


def _refused(settings):
    with closing(open_reader(settings.store.database)) as db:
        return db.execute("SELECT count(*) FROM outbox WHERE error IS NOT NULL").fetchone()[0]


@pytest.mark.parametrize(
    ("subject", "trouble", "told"),
    [("groq", Trouble.OVERLOADED, 0), ("sk-sim-main-0123456789", Trouble.ACCOUNT_SUSPENDED, 2)],
)
def test_a_channel_that_fails_breaks_quiet_hours_only_for_what_is_critical(tmp_path, subject, trouble, told):
    rules = Rules(patience=AlertLimits(failing_tries=1))

    async def play():
        async with simulator() as other_side, webhook(answer=500) as broken, webhook() as inbox:
            channels = (Channel("broken", broken.url), Channel("hook", inbox.url, quiet=ALWAYS))
            settings = config(tmp_path, other_side, *channels, rules=rules)
            other_side.set(subject, trouble)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _refused(settings) and len(inbox.messages) == told)
                await asyncio.sleep(0.5)
            return inbox

    assert len(asyncio.run(play()).messages) == told


def test_a_channel_that_fails_is_told_of_through_the_others(tmp_path):
    rules = Rules(patience=AlertLimits(failing_tries=1))

    async def play():
        async with simulator() as other_side, webhook(answer=500) as broken, webhook() as inbox:
            channels = (Channel("broken", broken.url), Channel("hook", inbox.url))
            settings = config(tmp_path, other_side, *channels, rules=rules)
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings):
                await inbox.until(lambda messages: len(messages) == 2)
                await asyncio.sleep(2)
            return inbox

    inbox = asyncio.run(play())
    assert sorted(inbox.titles()) == [
        "[CHANNEL FAILING] messages to broken are not getting through",
        "[DOWN] openai/main: account suspended",
    ]


def test_a_new_configuration_brings_its_channels_routes_and_templates(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "incident.txt.j2").write_text("Call Jo.")

    async def play():
        async with simulator() as other_side, webhook() as before, webhook() as after:
            settings = config(tmp_path, other_side, Channel("before", before.url))
            async with watching(settings) as monitor:
                apply_config(
                    monitor.state,
                    replace(settings, channels=(Channel("after", after.url),), templates=tmp_path / "words"),
                )
                other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
                await after.until(lambda messages: len(messages) == 1)
            return before.messages, after.messages[0]["message"].strip()

    assert asyncio.run(play()) == ([], "Call Jo.")


def test_a_template_that_fails_is_told_on_the_page_and_the_message_goes_out(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "incident.txt.j2").write_text("{{ nonsense }}")

    async def play():
        async with simulator() as other_side, webhook() as inbox:
            settings = config(tmp_path, other_side, Channel("hook", inbox.url), templates=tmp_path / "words")
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                await inbox.until(lambda messages: len(messages) == 1)
                page = settings.folder / "index.html"
                await monitor.until(lambda: "incident.txt.j2" in page.read_text())
            return inbox

    (message,) = asyncio.run(play()).messages
    assert "Whose fault: your account" in message["message"]


def test_a_digest_is_sent_once_when_its_time_has_come(tmp_path):
    now = datetime.now(UTC)

    async def play():
        async with simulator() as other_side, webhook() as inbox:
            channel = Channel("hook", inbox.url, digest="daily")
            settings = config(tmp_path, other_side, channel, digest=Timing((now - timedelta(minutes=1)).time()))
            async with watching(settings) as monitor:
                monitor.state.told.digest_from = now - timedelta(hours=1)
                await inbox.until(lambda messages: len(messages) == 1)
                await monitor.until(lambda: not _waiting(settings))
            async with watching(settings):
                await asyncio.sleep(1)
            return inbox

    (title,) = asyncio.run(play()).titles()
    assert title.startswith("[DIGEST] 0 open, 0 over since ")


def test_neither_a_digest_nor_a_late_warning_disturbs_quiet_hours(tmp_path):
    now = datetime.now(UTC)

    async def play():
        async with simulator() as other_side, webhook(answer=500) as inbox:
            channel = Channel("hook", inbox.url, digest="daily")
            settings = config(tmp_path, other_side, channel, digest=Timing((now - timedelta(minutes=1)).time()))
            other_side.set("groq", Trouble.OVERLOADED)
            async with watching(settings) as monitor:
                await monitor.until(lambda: _refused(settings))
            inbox.answer = 200
            with closing(sqlite3.connect(settings.store.database)) as db, db:
                db.execute("UPDATE outbox SET next = 0")
            quiet = replace(settings, channels=(replace(channel, quiet=ALWAYS),))
            async with watching(quiet) as monitor:
                monitor.state.told.digest_from = now - timedelta(hours=1)
                await asyncio.sleep(1)
                assert inbox.messages == []
            async with watching(settings):
                await inbox.until(lambda messages: len(messages) >= 1)
            return inbox

    assert asyncio.run(play()).titles()[0] == "[DOWN] groq: overloaded"


def test_a_message_has_signed_links_where_the_page_is_served(tmp_path):
    async def play():
        async with simulator() as other_side, webhook() as inbox:
            site = SiteSection(url="https://s.example/")
            settings = config(tmp_path, other_side, Channel("hook", inbox.url), site=site)
            other_side.set(KEYS["openai/main"], Trouble.ACCOUNT_SUSPENDED)
            async with watching(settings) as monitor:
                monitor.state.services.link_key = b"k" * 32
                await inbox.until(lambda messages: len(messages) == 1)
                (id,) = monitor.state.belief.incidents
            return inbox.messages[0]["message"], id

    message, id = asyncio.run(play())
    token = re.search(r"Acknowledge: https://s\.example/answer/(\S+)", message)[1]
    link = read_link(b"k" * 32, token, datetime.now(UTC))
    assert (link.kind, link.incident, link.channel) == (ReplyKind.ACKNOWLEDGE, id, "hook")


def test_a_secret_that_somebody_types_as_a_reason_is_neither_kept_nor_shown(tmp_path):
    plain = "correct horse battery staple"  # of no form that would give it away

    async def play():
        async with simulator() as other_side:
            settings = config(tmp_path, other_side)
            known = settings.accounts["openai/main"]
            settings = replace(settings, accounts={**settings.accounts, known.id: replace(known, key=plain)})
            async with open_state(settings, real_edge(print), pauses=PAUSES) as state:
                now = datetime.now(UTC)
                typed = f"the key is {plain} now"
                silence = Reply(ReplyKind.SILENCE, now, plain, until=now + timedelta(1), reason=typed)
                await notify.save_reply(state.services, state.told, state.signals, silence)
            with closing(sqlite3.connect(settings.store.database)) as db:
                return state.told.replies, db.execute("SELECT details FROM reply").fetchall()

    ((reply,), ((kept,),)) = asyncio.run(play())
    assert reply.reason == "the key is [redacted] now"
    assert plain not in kept + reply.by
