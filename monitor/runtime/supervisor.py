"""Keeps the stages running: one that fails is restarted and reported; the others are not touched."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.stage_failure import CALM, LASTING, back_off_s, error_name
from monitor.diagnose.subject import Scope
from monitor.stage import Stage
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import SaveChange, StageSignals
from monitor.storage_refusal import StoreError
from monitor.store.writer import Writer
from monitor.tally import Event

log = logging.getLogger("monitor")

Work = Callable[[], Coroutine[Any, Any, None]]


class Supervisor(Struct, frozen=True):
    """Restarts stages. `tell` saves a change that no observation led to, and queues its messages.

    `rest_s` returns the seconds a stage backs off, given its number of failures.
    """

    services: Services
    belief: BeliefView
    signals: StageSignals
    tell: SaveChange
    rest_s: Callable[[int], float] = back_off_s

    async def keep(self, stage: Stage, work: Work) -> None:
        """Run a stage to its end; after an error restart it, with a longer back-off after each failure."""
        while error := await self._go_on(stage, work):
            await self._failed(stage, error)
            failing = self.services.own.failing.get(stage)
            await asyncio.sleep(self.rest_s(failing.times if failing else LASTING))

    async def attempt(self, stage: Stage, work: Work) -> None:
        """Run a stage's step once, in a single round; if it fails, the rest of the round goes on."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - no stage may end another
            await self._failed(stage, error)

    async def review(self, stage: Stage) -> None:
        """Open an incident for a stage that keeps failing; resolve it once the stage has run well for a while."""
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
        """Return the error that ended a stage; None if it finished."""
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
        """Report a stage's failure, in the log and wherever people look; as an incident once it lasts."""
        log.error("the stage `%s` failed and is restarted", stage, exc_info=error)
        self.services.tally.count(Event.RESTART, (stage,))
        try:
            self.services.own.note_failure(stage, error_name(error), self.services.edge.clock())
            self.signals.news.set()
            await self._note_failing()
            await self.review(stage)
        except Exception:  # whatever removed one stage's modules may have removed ours
            log.exception("the failure of `%s` cannot be recorded", stage)

    async def _review_safely(self, stage: Stage) -> None:
        try:
            await self.review(stage)
        except Exception:  # it would end the stage itself otherwise
            log.exception("the state of `%s` cannot be reported", stage)

    async def _note_failing(self) -> None:
        """Save the failing stages for `status`, which runs in another process."""
        try:
            await self.services.storage.write(Writer.save_failing, list(self.services.own.failing.values()))
        except (StoreError, ValueError) as error:
            log.error("the failing stages cannot be saved: %s", error)

    async def _change(self, change: Change) -> None:
        try:
            await self.tell(change)
        except Exception:  # the failing stage may be the one that notifies
            log.exception("no message can be queued about the stage `%s`", change.incident.subject)

    def _open(self, stage: Stage) -> list[Incident]:
        its = self.belief.incidents.values()
        return [one for one in its if one.scope is Scope.STAGE and one.subject == stage and not one.drill]
