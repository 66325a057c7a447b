"""Virtual time: it passes while all wait, never while somebody works, and the same way each time."""

import asyncio
import time

import pytest

from benchmarks.virtual import VirtualLoop


def played(work):
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


def test_an_hour_passes_in_an_instant():
    async def work():
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert played(work) == pytest.approx(3600)
    assert time.monotonic() - began < 5


def test_what_waits_less_comes_first():
    async def work():
        order = []

        async def after(seconds):
            await asyncio.sleep(seconds)
            order.append(seconds)

        await asyncio.gather(after(30), after(10), after(20))
        return order

    assert played(work) == [10, 20, 30]


def test_no_time_passes_while_another_thread_would_work():
    async def work():
        result = await asyncio.to_thread(lambda: sum(range(10)))
        return result, asyncio.get_running_loop().time()

    assert played(work) == (45, 0.0)


def test_an_error_of_such_work_is_raised_where_it_is_waited_for():
    async def work():
        await asyncio.to_thread(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        played(work)


def test_a_limit_of_time_cuts_off_what_takes_longer():
    async def work():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(6)
        return asyncio.get_running_loop().time()

    assert played(work) == pytest.approx(5)


def test_waiting_for_nothing_at_all_is_an_error():
    async def work():
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing can happen"):
        played(work)
