"""The stage that rolls up what is past, forgets what is old, and sees whether the database is whole."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from monitor.config.document import StoreSection
from monitor.stages.belief import BeliefView
from monitor.stages.services import Services
from monitor.stages.signals import Signals, pause
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store import overlap, reader, rollup
from monitor.store.connection import open_reader
from monitor.store.expected_schema import Foreign
from monitor.store.writer import Writer

TIDY_S = 60.0


async def tidy(services: Services, belief: BeliefView, signals: Signals) -> None:
    """Roll up closed hours and forget what is too old, a step at a time; first see whether the file is whole."""
    await examine(services, belief, signals)
    while True:
        if signals.unsound.is_set():
            await examine(services, belief, signals)
        try:
            more = await tidy_step(services, belief)
        except (sqlite3.Error, StoreError) as error:
            more = False
            services.own.warn("tidy", f"old results cannot be rolled up: {error}")
        await pause(0 if more else TIDY_S, signals.unsound)


async def examine(services: Services, belief: BeliefView, signals: Signals) -> None:
    """Look through the database for broken pages. Where it is broken the watch goes on with a new one."""
    signals.unsound.clear()
    try:
        sound = await services.storage.read(_is_sound, belief.config.database)
    except (sqlite3.Error, StoreError) as error:
        sound = not is_corrupt(error) and not isinstance(error, Foreign)
    if not sound:
        await services.storage.begin_anew()


def _is_sound(database: Path) -> bool:
    with closing(open_reader(database)) as db:
        return reader.is_sound(db)


async def tidy_step(services: Services, belief: BeliefView) -> bool:
    """Do one piece of housekeeping; return whether there is more to do."""
    now = services.edge.clock()
    await _count_overlaps(services, belief)
    if due := await services.storage.read(_next_roll_up, belief.config.database, now):
        await services.storage.tidy(due.save)
        return services.storage.keeper.refusal is None
    return bool(await services.storage.tidy(_forget, belief.config.store, now))


async def _count_overlaps(services: Services, belief: BeliefView) -> None:
    if times := await asyncio.to_thread(overlap.take, belief.config.database):
        before = await services.storage.read(_overlap, belief.config.database)
        if after := overlap.add(before, times):
            await services.storage.write(Writer.save_overlap, after)


def _overlap(database: Path) -> overlap.Overlap | None:
    with closing(open_reader(database)) as db:
        return reader.overlap(db)


def _next_roll_up(database: Path, now: datetime) -> rollup.RollUp | None:
    # The thread that reads opens and closes: a cancelled task must not close what its thread still uses.
    with closing(open_reader(database)) as db:
        return rollup.next_roll_up(db, now)


def _forget(db: sqlite3.Connection, keep: StoreSection, now: datetime) -> bool:
    ages = {
        "observation": keep.raw_days,
        "evidence": keep.raw_days,
        "ceiling": keep.raw_days,
        "hourly": keep.hourly_days,
        "daily": keep.daily_days,
    }
    gone = sum(rollup.forget(db, table, now - timedelta(days=days)) for table, days in ages.items())
    if gone:
        return True
    rollup.forget_answers(db, now - timedelta(days=keep.raw_days))
    return False
