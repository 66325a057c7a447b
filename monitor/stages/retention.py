"""The stage that rolls up what is past, forgets what is old, and sees whether the database is whole."""

import asyncio
import sqlite3
from datetime import datetime

from monitor.config.config import Config
from monitor.stages.state import World, pause
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store import overlap
from monitor.store.expected_schema import Foreign
from monitor.store.rollup import Retention, RollUp
from monitor.store.store import open_store
from monitor.store.writer import Writer

TIDY_S = 60.0


async def tidy(world: World) -> None:
    """Roll up closed hours and forget what is too old, a step at a time; first see whether the file is whole."""
    await examine(world)
    while True:
        if world.is_doubted:
            await examine(world)
        try:
            more = await tidy_step(world)
        except (sqlite3.Error, StoreError) as error:
            more = False
            world.warn("tidy", f"old results cannot be rolled up: {error}")
        await pause(0 if more else TIDY_S, world.unsound)


async def examine(world: World) -> None:
    """Look through the database for broken pages. Where it is broken the watch goes on with a new one."""
    world.is_doubted = False
    world.unsound.clear()
    try:
        sound = await world.read(_is_sound, world.config)
    except (sqlite3.Error, StoreError) as error:
        sound = not is_corrupt(error) and not isinstance(error, Foreign)
    if not sound:
        await world.begin_anew()


def _is_sound(config: Config) -> bool:
    with open_store(config.database, config.location).reading() as stored:
        return stored.is_sound()


async def tidy_step(world: World) -> bool:
    """Do one piece of housekeeping; return whether there is more to do."""
    now = world.edge.clock()
    await _count_overlaps(world)
    if due := await world.read(_next_roll_up, world.config, now):
        await world.tidy(Writer.save_roll_up, due)
        return world.keeper.refusal is None
    keep = world.config.store
    retention = Retention(keep.raw_days, keep.hourly_days, keep.daily_days)
    return bool(await world.tidy(Writer.forget, retention, now))


async def _count_overlaps(world: World) -> None:
    if times := await asyncio.to_thread(overlap.take, world.config.database):
        before = await world.read(_overlap, world.config)
        if after := overlap.add(before, times):
            await world.write(Writer.save_overlap, after)


def _overlap(config: Config) -> overlap.Overlap | None:
    with open_store(config.database, config.location).reading() as stored:
        return stored.marks.overlap()


def _next_roll_up(config: Config, now: datetime) -> RollUp | None:
    # The thread that reads opens and closes: a cancelled task must not close what its thread still uses.
    with open_store(config.database, config.location).reading() as stored:
        return stored.next_roll_up(now)
