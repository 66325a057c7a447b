"""What goes on beside the beats."""

import asyncio
import random
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from monitor.config.load import load_config
from monitor.publish import incident_record
from monitor.publish.collect import FRESH_AT_LEAST_S
from monitor.publish.snapshot import CROWD
from monitor.stages.apply_config import apply_config
from monitor.stages.beat import beat
from monitor.stages.publish import LONGEST_QUIET_S, PUBLISH_S, REST_S, Published, publish, publish_once, quiet_s, rest_s
from monitor.stages.reload import watch_config
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge, Pauses
from probes.model import Answer, Fault, Observation, Outcome
from tests.parts import run_stage


@pytest.mark.parametrize(("took_s", "rests_s"), [(0.0, REST_S), (0.05, REST_S), (0.5, 4.5), (60.0, PUBLISH_S)])
def test_a_page_that_is_costly_to_make_is_made_more_seldom(took_s, rests_s):
    assert rest_s(took_s) == rests_s


@pytest.mark.parametrize(("took_s", "quiet"), [(0.05, PUBLISH_S), (1.5, 45.0), (60.0, LONGEST_QUIET_S)])
def test_and_while_nothing_happens_still_more_seldom(took_s, quiet):
    assert quiet_s(took_s) == quiet


def test_even_the_largest_page_is_anew_before_it_is_called_stale():
    slow_s = 20
    assert rest_s(slow_s) + quiet_s(slow_s) + slow_s < FRESH_AT_LEAST_S


def test_both_sites_are_made_beside_the_loop(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n')
    asked_by = set()

    def clock():
        asked_by.add(threading.get_ident())
        return datetime.now(UTC)

    async def play():
        edge = Edge(clock, time.monotonic, random.random, print)
        async with open_state(load_config(tmp_path / "monitor.toml", {"KEY": "k"}), edge) as state:
            asked_by.clear()
            making = asyncio.create_task(run_stage(publish, state))
            async with asyncio.timeout(15):
                while not (tmp_path / "public" / "index.html").exists():  # noqa: ASYNC110 - written by a thread
                    await asyncio.sleep(0.02)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    asyncio.run(play())
    assert (tmp_path / "site" / "index.html").exists()
    assert asked_by
    assert threading.get_ident() not in asked_by


def test_a_page_that_can_be_written_again_does_not_say_that_it_cannot_and_the_log_says_both_once(tmp_path, caplog):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n')
    site = tmp_path / "site"

    async def play():
        edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, print)
        async with open_state(load_config(tmp_path / "monitor.toml", {"KEY": "k"}), edge) as state:
            site.write_text("in the way")
            for _ in range(2):
                await run_stage(publish_once, state, Published())
            site.unlink()
            await run_stage(publish_once, state, Published())

    asyncio.run(play())
    words = f"the page cannot be written to {site}: Not a directory"
    assert "cannot be written" not in (site / "index.html").read_text()
    assert [one.getMessage() for one in caplog.records if words in one.getMessage()] == [
        words,
        f"this is over: {words}",
    ]


KEYS = {"main": "sk-main-0123456789abcdefghij", "backup": "sk-backup-0123456789abcdefghij"}
ANOTHER = "sk-another-0123456789abcdefghij"
ACCOUNTS = "".join(f'[[accounts]]\nname = "{name}"\nprovider = "openai"\nkey = "file:{name}.key"\n' for name in KEYS)


@asynccontextmanager
async def following(folder, more=""):
    """A monitor that follows its configuration, with its keys in files; yields it and a way to wait."""
    (folder / "monitor.toml").write_text(ACCOUNTS + more)
    for name, key in KEYS.items():
        (folder / f"{name}.key").write_text(key)
    edge = Edge(lambda: datetime.now(UTC), time.monotonic, random.random, print)
    async with open_state(load_config(folder / "monitor.toml", {}), edge, pauses=Pauses(step_s=0.05)) as state:
        task = asyncio.create_task(run_stage(watch_config, state, partial(apply_config, state), asyncio.Event()))
        await asyncio.sleep(0.1)

        async def until(check):
            async with asyncio.timeout(60):
                while not check():  # noqa: ASYNC110 - a file is looked at now and then
                    await asyncio.sleep(0.02)

        try:
            yield state, until
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


LATER = {
    "location": ('location = "there"\n', "location"),
    "database": ('[store]\npath = "elsewhere/monitor.db"\n', "[store] path"),
    "page": ('[site]\nfolder = "pages"\npublic_folder = "open"\n', "[site] folder, [site] public_folder"),
    "metrics": ('[site]\nmetrics = "m/a.prom"\n', "[site] metrics"),
    "server": ('[site]\nserve = false\nport = 1\nhost = "::1"\n', "[site] serve, [site] port, [site] host"),
    "address": ('[site]\nurl = "https://a.example.com"\n', "[site] url"),
}


@pytest.mark.parametrize(("head", "names"), LATER.values(), ids=LATER)
def test_what_takes_effect_at_a_start_only_is_said_to_wait_for_one_and_stays_as_it_is(tmp_path, caplog, head, names):
    caplog.set_level("WARNING")

    async def play():
        async with following(tmp_path) as (state, until):
            before, own = state.belief.config, state.services.own
            (tmp_path / "monitor.toml").write_text(head + ACCOUNTS)
            await until(lambda: "restart" in own.warnings)
            assert (own.warnings["restart"], state.belief.config) == (
                f"what monitor.toml says now of {names} takes effect after a restart; until then, commands may look in "
                "another place",
                before,
            )
            (tmp_path / "monitor.toml").write_text(ACCOUNTS)
            await until(lambda: "restart" not in own.warnings)

    asyncio.run(play())
    assert [one.getMessage().partition(": ")[0] for one in caplog.records][1:] == ["this is over"]


def test_where_run_was_told_to_listen_is_no_change_of_the_file(tmp_path):
    async def play():
        async with following(tmp_path) as (state, until):
            state.belief.config = replace(state.belief.config, site=replace(state.belief.config.site, host="0.0.0.0"))
            (tmp_path / "monitor.toml").write_text("[budget]\ndaily_usd = 0.2\n" + ACCOUNTS)
            await until(lambda: state.belief.config.budgets["openai/main"].daily_usd == 0.2)
            return state.services.own.warnings, state.belief.config.site.host

    assert asyncio.run(play()) == ({}, "0.0.0.0")


def key_of(state, name):
    return state.belief.config.accounts[f"openai/{name}"].key


def test_a_key_that_was_written_into_its_file_is_in_use_soon_and_tried_at_once(tmp_path):
    async def play():
        async with following(tmp_path) as (state, until):
            later = datetime.now(UTC) + timedelta(hours=1)
            for id in state.belief.config.watches:
                state.planned.probes.set(id, later)
            (tmp_path / "main.key").write_text(ANOTHER)
            await until(lambda: key_of(state, "main") == ANOTHER)
            hurried = [id for id in state.belief.config.watches if state.planned.probes.first_of([id]) < later]
            return key_of(state, "backup"), {id.split("/")[1] for id in hurried}

    assert asyncio.run(play()) == (KEYS["backup"], {"main"})


@pytest.mark.parametrize("spoil", ["gone", "empty", "a folder", "no text", "quoted"])
def test_a_key_file_that_cannot_be_used_is_told_and_the_old_key_stays(tmp_path, spoil):
    file = tmp_path / "main.key"

    async def play():
        async with following(tmp_path) as (state, until):
            file.unlink()
            match spoil:
                case "empty":
                    file.write_text("")
                case "a folder":
                    file.mkdir()
                case "no text":
                    file.write_bytes(b"\xff\xfe\x00")
                case "quoted":
                    file.write_text(f'"{ANOTHER}"')
            await until(lambda: "keys" in state.services.own.warnings)
            told, kept = state.services.own.warnings["keys"], key_of(state, "main")
            assert state.belief.config.accounts["openai/main"].problem is None
            if file.is_dir():
                file.rmdir()
            file.write_text(ANOTHER)
            await until(lambda: key_of(state, "main") == ANOTHER)
            return told, kept, state.services.own.warnings

    told, kept, warnings = asyncio.run(play())
    assert kept == KEYS["main"]
    assert told.startswith("openai/main goes on with the key that it had: ")
    assert "main.key" in told.partition("had: ")[2]
    assert ANOTHER not in told
    assert warnings == {}


def test_one_key_that_is_gone_holds_up_no_other(tmp_path):
    async def play():
        async with following(tmp_path) as (state, until):
            (tmp_path / "main.key").unlink()
            await until(lambda: "keys" in state.services.own.warnings)
            (tmp_path / "backup.key").write_text(ANOTHER)
            await until(lambda: key_of(state, "backup") == ANOTHER)
            return key_of(state, "main"), state.services.own.warnings["keys"]

    kept, told = asyncio.run(play())
    assert kept == KEYS["main"]
    assert told.startswith("openai/main goes on with the key that it had: the file main.key cannot be read")


def test_an_account_that_is_set_up_anew_does_not_take_its_old_key_along(tmp_path):
    async def play():
        async with following(tmp_path) as (state, until):
            (tmp_path / "main.key").unlink()
            await until(lambda: "keys" in state.services.own.warnings)
            other = ACCOUNTS.replace('name = "main"', 'name = "main"\nbase = "https://gateway.example.com/v1"')
            (tmp_path / "monitor.toml").write_text(other)
            await until(lambda: state.belief.config.accounts["openai/main"].base)
            return state.belief.config.accounts["openai/main"]

    account = asyncio.run(play())
    assert account.key is None
    assert "main.key cannot be read" in account.problem


def test_the_address_of_a_channel_is_followed_too(tmp_path):
    (tmp_path / "hook").write_text("json://127.0.0.1:1/old")

    async def play():
        async with following(tmp_path, '[[channels]]\nname = "hook"\nurl = "file:hook"\n') as (state, until):
            (tmp_path / "hook").write_text("json://127.0.0.1:1/newer")
            await until(lambda: state.belief.config.channels[0].url.endswith("newer"))
            (tmp_path / "hook").unlink()
            await until(lambda: "configuration" in state.services.own.warnings)
            return state.belief.config.channels[0].url, state.services.own.warnings["configuration"]

    url, told = asyncio.run(play())
    assert url == "json://127.0.0.1:1/newer"
    assert told.startswith("hook was changed but is not used, because of: monitor.toml: channels.hook.url")


def test_each_problem_of_a_changed_file_is_logged_once(tmp_path, caplog):
    async def play():
        async with following(tmp_path, "") as (state, until):
            file = tmp_path / "monitor.toml"
            file.write_text(file.read_text() + "[probe]\nblip_s = true\nfailures = true\n")
            await until(lambda: "configuration" in state.services.own.warnings)

    asyncio.run(play())
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert (said.count("probe.blip_s = true"), said.count("probe.failures = true")) == (1, 1)


def test_the_page_of_an_incident_long_past_is_made_once_with_its_whole_story(tmp_path, monkeypatch):
    monkeypatch.setattr(incident_record, "RECENT", 0)
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n')
    config = load_config(tmp_path / "monitor.toml", {"KEY": "k"})
    (target, *_) = [watch.target for watch in config.watches.values()]
    began = datetime.now(UTC)
    now = [began]

    async def play():
        async with open_state(config, Edge(lambda: now[0], time.monotonic, random.random, print)) as state:
            for step, fault in enumerate((Fault.INVALID_KEY, Fault.INVALID_KEY, *[None] * 6)):
                now[0] = began + timedelta(seconds=60 * step)
                facts = {"outcome": Outcome.FAILED, "fault": fault, "status": 401, "answer": Answer("x", "no")}
                good = Observation(target, now[0], Outcome.OK, latency_s=0.5, status=200)
                await beat(state, [replace(good, **facts) if fault else good], now[0])
            now[0] += 7 * timedelta(days=1)
            pages = await run_stage(publish_once, state, Published())
            (page,) = config.folder.glob("incidents/*.html")
            assert "Ended" in page.read_text()
            assert "Confirmed" in page.read_text()
            page.write_text(page.read_text().replace("Confirmed", "Made before"))
            await run_stage(publish_once, state, pages)
            assert "Made before" in page.read_text()

    asyncio.run(play())


CROWDED = "".join(f'[[accounts]]\nname = "a{n}"\nprovider = "openai"\nkey = "env:KEY"\n' for n in range(CROWD + 1))


def times(folder):
    return {file.stem: file.stat().st_mtime_ns for file in folder.glob("accounts/openai/*.html")}


def test_of_a_crowd_only_pages_with_news_and_those_whose_turn_it_is_are_written(tmp_path):
    (tmp_path / "monitor.toml").write_text(CROWDED)
    config = load_config(tmp_path / "monitor.toml", {"KEY": "k"})
    targets = [watch.target for watch in config.watches.values()]
    began = datetime.now(UTC)
    now = [began]
    edge = Edge(lambda: now[0], time.monotonic, random.random, print)

    async def play():
        async with open_state(config, edge) as state:
            pages = [Published()]

            async def made_anew(*observations):
                now[0] += timedelta(seconds=30)
                await beat(state, observations, now[0])
                before = times(config.folder)
                pages.append(await run_stage(publish_once, state, pages[-1]))
                after = times(config.folder)
                assert set(before) <= set(after)
                return {name for name, at in after.items() if before.get(name) != at}

            good = [Observation(one, began, Outcome.OK, latency_s=0.5, status=200) for one in targets]
            assert len(await made_anew(*good)) == CROWD + 1
            assert await made_anew() == {"a0", "a1", "a2", "a3", "a4"}
            no = {"outcome": Outcome.FAILED, "fault": Fault.INVALID_KEY, "status": 401, "answer": Answer("x", "no")}
            refused = [replace(one, **no) for one in good if one.target.account == "openai/a30"]
            assert await made_anew(*refused) == {"a5", "a6", "a7", "a8", "a9", "a30"}
            apply_config(state, replace(config))
            assert len(await made_anew()) == CROWD + 1

    asyncio.run(play())
