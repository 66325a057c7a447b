"""A single coroutine in a loop of its own, for short commands."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from monitor.thread import use_own_threads

T = TypeVar("T")


def run_short(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: use_own_threads(asyncio.new_event_loop())) as loop:
        return loop.run(work)
