"""The store as the stages use it: every call runs off the loop, and a refusal is shown wherever people look."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import Struct

from monitor.stage import Stage
from monitor.state.self_health import SelfHealth
from monitor.storage_refusal import StorageRefusal
from monitor.store.held import HeldStore
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.store import Store
from monitor.store.writer import Writer
from monitor.thread import without_stop_iteration
from probes.model import Clock

log = logging.getLogger("monitor")

P = ParamSpec("P")
T = TypeVar("T")


class Storage(Struct, frozen=True):
    """Writes in one thread and reads in another; not more, as each thread keeps memory of its own."""

    store: Store
    failover: HeldStore
    writing: ThreadPoolExecutor
    reading: ThreadPoolExecutor
    own: SelfHealth
    clock: Clock

    async def write(self, work: Callable[Concatenate[Writer, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run a method of the writer off the loop, one at a time."""
        return await self._in_writing_thread(partial(self.failover.do, work, *args, **named))

    async def tidy(self, work: Callable[..., T], *args: object) -> T | None:
        """Run housekeeping, a method of the writer, as `write` does; None: the database takes no writes now."""
        return await self._in_writing_thread(partial(self.failover.tidy, lambda writer: work(writer, *args)))

    async def begin_anew(self) -> None:
        """Set the database aside if it is broken, and go on with a new one."""
        await self._in_writing_thread(self.failover.doubt)

    async def _in_writing_thread(self, work: Callable[[], T]) -> T:
        """Run it there, and report whether the database takes writes now."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self.writing, without_stop_iteration, work)
        finally:
            self._report_refusal()

    async def read(self, work: Callable[..., T], *args: object) -> T:
        """Run a long read off the loop, one at a time."""
        return await asyncio.get_running_loop().run_in_executor(
            self.reading, without_stop_iteration, partial(work, *args)
        )

    async def ask(self, work: Callable[Concatenate[Reader, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run a query on the store off the loop. Raises StoreError."""
        return await self.read(partial(self._asked, work, *args, **named))

    def _asked(self, work: Callable[Concatenate[Reader, P], T], *args: P.args, **named: P.kwargs) -> T:
        # Opened and closed in the reading thread: a cancelled task must not close what its thread still uses.
        with self.store.reading() as stored:
            return work(stored, *args, **named)

    async def save(self, batch: Batch) -> bool:
        """Save one beat's batch; return whether all of it was taken. Refused rows are set aside as our own fault."""
        refused = await self.write(self.store.save, batch)
        if not refused:
            return True
        what = f"{len(refused)} set aside in {self.store.aside_name}, the last for {refused[-1].error}"
        self.own.note_failure(Stage.EVALUATE, what, self.clock())
        await self.write(Writer.save_failing, list(self.own.failing.values()))
        return False

    def resume_refusal(self) -> None:
        """Warn that results cannot be written; log it only if no earlier round has."""
        if self.failover.refusal and self.failover.is_resumed:
            self.own.said_before("store", self._refused(self.failover.refusal))
        self._report_refusal()

    def look_where_it_lies(self) -> None:
        """Warn, on the page and in the log, if the database is on a network file system."""
        if words := self.store.place_warning():
            self.own.warn("place", words)
        else:
            self.own.mended("place")

    def _refused(self, refusal: StorageRefusal) -> str:
        return f"results cannot be written to {self.store.name}: {refusal.words}"

    def _report_refusal(self) -> None:
        """Set or clear the warning, for page, heartbeat and log, that results cannot be written."""
        if refusal := self.failover.refusal:
            self.own.refused_at = self.clock()
            self.own.warn("store", self._refused(refusal))
        elif self.own.withdraw("store"):
            log.warning("results are written to %s again", self.store.name)
        for event in self.failover.events:
            self.own.warn("database", event.words)
