"""Time that passes only while nothing else is to be done: an hour of a monitor in seconds, the same in every run."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class PromptLoop(asyncio.SelectorEventLoop):
    """A loop that does the work of other threads itself, on the spot: to hand it over takes longer than the work."""

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever waits for the work gets its error
            done.set_exception(error)
        return done


def promptly(work: Coroutine[Any, Any, T]) -> T:
    """Run it as `asyncio.run` does, without other threads."""
    with asyncio.Runner(loop_factory=PromptLoop) as runner:
        return runner.run(work)


class VirtualLoop(PromptLoop):
    """A loop that goes on to its next timer at once."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Hasty(self))

    def time(self) -> float:
        return self.now_s


class _Hasty(selectors.BaseSelector):
    """Looks whether anything real is there, and else lets the time pass that it was asked to wait."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop, self._real = loop, selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("nobody waits for a time: nothing can happen any more")
        self._loop.now_s += timeout
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
