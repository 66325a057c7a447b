"""Keeps the stages going: what ends by an error is begun anew, and its failing told; no other stage is touched."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.stage import Stage
from monitor.diagnose.stage_failure import CALM, LASTING, back_off_s, named, once_more
from monitor.diagnose.subject import Scope
from monitor.stages.belief import BeliefView
from monitor.stages.services import Services
from monitor.stages.signals import Signals
from monitor.storage_refusal import StoreError
from monitor.store.writer import Writer

log = logging.getLogger("monitor")

Work = Callable[[], Coroutine[Any, Any, None]]
Tell = Callable[[Change], Awaitable[None]]


class Supervisor(Struct, frozen=True):
    """Begins stages anew. `tell` is how a change that no look led to is remembered and told.

    `rest_s` is how long a stage rests after it failed so many times.
    """

    services: Services
    belief: BeliefView
    signals: Signals
    tell: Tell
    rest_s: Callable[[int], float] = back_off_s

    async def keep(self, stage: Stage, work: Work) -> None:
        """Let a stage go on to its end; after an error it is begun anew, the later the more often it failed."""
        while error := await self._go_on(stage, work):
            await self._failed(stage, error)
            failing = self.services.own.failing.get(stage)
            await asyncio.sleep(self.rest_s(failing.times if failing else LASTING))

    async def attempt(self, stage: Stage, work: Work) -> None:
        """Do once what a stage does, in a round of its own: where it fails, the rest of the round goes on."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - whatever it is: no stage ends another
            await self._failed(stage, error)

    async def review(self, stage: Stage) -> None:
        """Tell of a stage that keeps failing, and that it is over when it has gone on for a while."""
        now, its_failing = self.services.edge.clock(), self.services.own.failing
        if (failing := its_failing.get(stage)) and failing.is_over(now):
            failing = None
            del its_failing[stage]
            self.signals.news.set()
            await self._note_failing()
        standing = self._open(stage)
        if failing and failing.is_lasting and not standing:
            opened = replace(failing.incident(self.belief.config.location), detected_at=now)
            await self._change(Change(opened, ChangeKind.OPENED, now))
        elif failing is None:
            for one in standing:
                await self._change(Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))

    async def _go_on(self, stage: Stage, work: Work) -> BaseException | None:
        """Return the error by which a stage ended; None where it had no more to do."""
        task = asyncio.create_task(work(), name=stage)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=CALM.total_seconds())
                if not task.done():
                    await self._review_safely(stage)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    async def _failed(self, stage: Stage, error: BaseException) -> None:
        """Note that a stage failed, in the log and wherever people look; once it keeps failing, as an incident."""
        log.error("the stage `%s` failed, and is begun anew", stage, exc_info=error)
        failing = self.services.own.failing
        try:
            failing[stage] = once_more(failing.get(stage), stage, named(error), self.services.edge.clock())
            self.signals.news.set()
            await self._note_failing()
            await self.review(stage)
        except Exception:  # what took one stage's modules away may have taken ours
            log.exception("it cannot be noted that `%s` fails", stage)

    async def _review_safely(self, stage: Stage) -> None:
        try:
            await self.review(stage)
        except Exception:  # else the stage itself would end by it
            log.exception("it cannot be told how `%s` fares", stage)

    async def _note_failing(self) -> None:
        """Keep what fails where `status` finds it, which runs in a process of its own."""
        try:
            await self.services.storage.write(Writer.save_failing, list(self.services.own.failing.values()))
        except (StoreError, ValueError) as error:
            log.error("what fails cannot be noted: %s", error)

    async def _change(self, change: Change) -> None:
        try:
            await self.tell(change)
        except Exception:  # who tells may be what fails
            log.exception("it cannot be told that `%s` fails", change.incident.subject)

    def _open(self, stage: Stage) -> list[Incident]:
        its = self.belief.incidents.values()
        return [one for one in its if one.scope is Scope.STAGE and one.subject == stage and not one.drill]
