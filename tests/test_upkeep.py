"""What goes on beside the beats."""

import asyncio
import random
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from monitor.config import load
from monitor.publish.snapshot import CROWD
from monitor.run import beat
from monitor.upkeep import LONGEST_QUIET_S, PUBLISH_S, REST_S, publish, publish_now, quiet_s, rest_s
from monitor.view import FRESH_AT_LEAST_S
from monitor.world import Edge, open_world
from probes.model import Answer, Fault, Observation, Outcome


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
        async with open_world(load(tmp_path / "monitor.toml", {"KEY": "k"}), edge) as world:
            asked_by.clear()
            making = asyncio.create_task(publish(world))
            async with asyncio.timeout(15):
                while not (tmp_path / "site" / "public" / "index.html").exists():  # noqa: ASYNC110 - written by a thread
                    await asyncio.sleep(0.02)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)

    asyncio.run(play())
    assert (tmp_path / "site" / "index.html").exists()
    assert asked_by
    assert threading.get_ident() not in asked_by


CROWDED = "".join(f'[[accounts]]\nname = "a{n}"\nprovider = "openai"\nkey = "env:KEY"\n' for n in range(CROWD + 1))


def times(folder):
    return {file.stem: file.stat().st_mtime_ns for file in folder.glob("accounts/openai/*.html")}


def test_of_a_crowd_only_pages_with_news_and_those_whose_turn_it_is_are_written(tmp_path):
    (tmp_path / "monitor.toml").write_text(CROWDED)
    config = load(tmp_path / "monitor.toml", {"KEY": "k"})
    targets = [watch.target for watch in config.watches.values()]
    began = datetime.now(UTC)
    now = [began]
    edge = Edge(lambda: now[0], time.monotonic, random.random, print)

    async def play():
        async with open_world(config, edge) as world:

            async def made_anew(*observations):
                now[0] += timedelta(seconds=30)
                await beat(world, observations, now[0])
                before = times(config.folder)
                publish_now(world)
                after = times(config.folder)
                assert set(before) <= set(after)
                return {name for name, at in after.items() if before.get(name) != at}

            good = [Observation(one, began, Outcome.OK, latency_s=0.5, status=200) for one in targets]
            assert len(await made_anew(*good)) == CROWD + 1
            assert await made_anew() == {"a0", "a1", "a2", "a3", "a4"}
            no = {"outcome": Outcome.FAILED, "fault": Fault.INVALID_KEY, "status": 401, "answer": Answer("x", "no")}
            refused = [replace(one, **no) for one in good if one.target.account == "openai/a30"]
            assert await made_anew(*refused) == {"a5", "a6", "a7", "a8", "a9", "a30"}
            world.take_up(replace(config))
            assert len(await made_anew()) == CROWD + 1

    asyncio.run(play())
