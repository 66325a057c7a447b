"""Threads nobody waits for: a blocked one holds up neither another nor the end of the process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Runs each piece of work in a thread of its own.

    The loop's default pool has six threads on two cores: six unanswered DNS look-ups would hold up status pages,
    client programs, messages and finally the shutdown.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        done: Future[T] = Future()
        work = partial(fn, *args, **kwargs)
        Thread(target=_settle, args=(done, work), daemon=True, name="beside").start()
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Return at once, without waiting for any thread."""


def use_own_threads(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Have a new loop run blocking work, DNS look-ups included, in threads nobody waits for."""
    loop.set_default_executor(Threads())
    return loop


def without_stop_iteration(work: Callable[[], T]) -> T:
    """Run `work`, with StopIteration turned into a RuntimeError: asyncio before Python 3.12 hangs on the former."""
    try:
        return work()
    except StopIteration as error:
        raise RuntimeError("what runs in a thread met an end that it did not expect") from error


def _settle(done: "Future[Any]", work: Callable[[], Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        result = without_stop_iteration(work)
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the result
        done.set_exception(error)
    else:
        done.set_result(result)
