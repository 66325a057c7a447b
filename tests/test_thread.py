"""Threads that nobody waits for."""

import asyncio
import threading
import time

import pytest

from monitor.thread import use_own_threads


def run(work):
    with asyncio.Runner(loop_factory=lambda: use_own_threads(asyncio.new_event_loop())) as loop:
        return loop.run(work)


def test_what_blocks_holds_up_neither_what_comes_after_it_nor_the_end():
    blocked, began = threading.Event(), time.monotonic()

    async def play():
        hung = [asyncio.create_task(asyncio.to_thread(blocked.wait, 60)) for _ in range(100)]
        await asyncio.sleep(0)
        return await asyncio.to_thread(str, 7), len(hung)

    try:
        assert run(play()) == ("7", 100)
        assert time.monotonic() - began < 10
    finally:
        blocked.set()


def test_what_fails_in_a_thread_fails_where_it_is_waited_for():
    async def play():
        await asyncio.to_thread(int, "seven")

    with pytest.raises(ValueError, match="seven"):
        run(play())


@pytest.mark.parametrize("error", [StopIteration(), KeyError("x")])
def test_whatever_is_raised_in_a_thread_reaches_who_waits(error):
    def fail():
        raise error

    async def play():
        async with asyncio.timeout(5):
            await asyncio.to_thread(fail)

    with pytest.raises((RuntimeError, KeyError)):
        run(play())
