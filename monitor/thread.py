"""Threads that nobody waits for: what blocks in one holds up neither another nor the end of the process."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Does each piece of work in a thread of its own.

    The loop's usual pool has six on two cores: so many names that no resolver answers for would hold up status pages,
    client programs and messages, and then the end.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        done: Future[T] = Future()
        work = partial(fn, *args, **kwargs)
        Thread(target=_settle, args=(done, work), daemon=True, name="beside").start()
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nobody."""


def with_threads(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Let a new loop do what blocks, the look-up of names too, in threads that nobody waits for."""
    loop.set_default_executor(Threads())
    return loop


def plainly(work: Callable[[], T]) -> T:
    """Do it, and let it fail as any coroutine can be told: asyncio before Python 3.12 waits for ever after this one."""
    try:
        return work()
    except StopIteration as error:
        raise RuntimeError("what runs in a thread met an end that it did not expect") from error


def _settle(done: "Future[Any]", work: Callable[[], Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        result = plainly(work)
    except BaseException as error:  # noqa: BLE001 - it is for whoever waits for the result
        done.set_exception(error)
    else:
        done.set_result(result)
