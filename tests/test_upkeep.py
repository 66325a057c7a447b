"""What goes on beside the beats."""

import asyncio
import random
import threading
import time
from datetime import UTC, datetime

import pytest

from monitor.config import load
from monitor.upkeep import LONGEST_QUIET_S, PUBLISH_S, REST_S, publish, quiet_s, rest_s
from monitor.view import FRESH_AT_LEAST_S
from monitor.world import Edge, open_world


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
