"""Keeps the stages going: what ends by an error is begun anew, and its failing told; no other stage is touched."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from msgspec.structs import replace

from monitor.diagnose.diagnosis import Scope
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.stage_failure import CALM, LASTING, Stage, back_off_s, named, once_more
from monitor.stages.state import World
from monitor.store.writer import Writer

log = logging.getLogger("monitor")

Work = Callable[[World], Coroutine[Any, Any, None]]
Tell = Callable[[World, Change], Awaitable[None]]


async def keep(world: World, stage: Stage, work: Work, tell: Tell) -> None:
    """Let a stage go on to its end; after an error it is begun anew, the later the more often it failed."""
    while error := await _go_on(world, stage, work, tell):
        await failed(world, stage, error, tell)
        failing = world.failing.get(stage)
        await asyncio.sleep(back_off_s(failing.times if failing else LASTING))


async def attempt(world: World, stage: Stage, work: Work, tell: Tell) -> None:
    """Do once what a stage does, in a round of its own: where it fails, the rest of the round goes on."""
    try:
        await work(world)
    except Exception as error:  # noqa: BLE001 - whatever it is: no stage ends another
        await failed(world, stage, error, tell)


async def failed(world: World, stage: Stage, error: BaseException, tell: Tell) -> None:
    """Note that a stage failed, in the log and wherever people look; once it keeps failing, as an incident."""
    log.error("the stage `%s` failed, and is begun anew", stage, exc_info=error)
    try:
        world.failing[stage] = once_more(world.failing.get(stage), stage, named(error), world.edge.clock())
        world.news.set()
        await note_failing(world)
        await review(world, stage, tell)
    except Exception:  # what took one stage's modules away may have taken ours
        log.exception("it cannot be noted that `%s` fails", stage)


async def review(world: World, stage: Stage, tell: Tell) -> None:
    """Tell of a stage that keeps failing, and that it is over when it has gone on for a while."""
    now = world.edge.clock()
    if (failing := world.failing.get(stage)) and failing.is_over(now):
        failing = None
        del world.failing[stage]
        world.news.set()
        await note_failing(world)
    standing = _open(world, stage)
    if failing and failing.is_lasting and not standing:
        opened = replace(failing.incident(world.config.location), detected_at=now)
        await _change(world, Change(opened, ChangeKind.OPENED, now), tell)
    elif failing is None:
        for one in standing:
            await _change(world, Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now), tell)


async def _go_on(world: World, stage: Stage, work: Work, tell: Tell) -> BaseException | None:
    """Return the error by which a stage ended; None where it had no more to do."""
    task = asyncio.create_task(work(world), name=stage)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=CALM.total_seconds())
            if not task.done():
                await _review_safely(world, stage, tell)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def _review_safely(world: World, stage: Stage, tell: Tell) -> None:
    try:
        await review(world, stage, tell)
    except Exception:  # else the stage itself would end by it
        log.exception("it cannot be told how `%s` fares", stage)


async def note_failing(world: World) -> None:
    """Keep what fails where `status` finds it, which runs in a process of its own."""
    try:
        await world.write(Writer.save_failing, list(world.failing.values()))
    except (sqlite3.Error, ValueError) as error:
        log.error("what fails cannot be noted: %s", error)


async def _change(world: World, change: Change, tell: Tell) -> None:
    try:
        await tell(world, change)
    except Exception:  # who tells may be what fails
        log.exception("it cannot be told that `%s` fails", change.incident.subject)


def _open(world: World, stage: Stage) -> list[Incident]:
    its: Iterable[Incident] = world.incidents.values()
    return [one for one in its if one.scope is Scope.STAGE and one.subject == stage and not one.drill]
