"""The stage that looks how fast each error budget burns."""

import asyncio
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from monitor.config.config import Config
from monitor.diagnose.diagnosis import Diagnosis
from monitor.slo.objective import burning
from monitor.stages.state import World
from monitor.storage_refusal import StoreError
from monitor.store.store import open_store

WEIGH_S = 60.0


async def weigh(world: World) -> None:
    """Look once a minute how fast each objective's error budget burns."""
    while True:
        await weigh_step(world)
        await asyncio.sleep(WEIGH_S)


async def weigh_step(world: World) -> None:
    if not (world.config.objectives or world.burning):
        return
    try:
        found = await world.read(_weighed, world.config, world.burning, world.edge.clock())
        world.mended("objectives")
    except (sqlite3.Error, StoreError) as error:
        world.warn("objectives", f"the objectives cannot be weighed: {error}")
        return
    if found.keys() != world.burning.keys():
        world.unsettled = True
    world.burning = found


def _weighed(config: Config, before: Mapping[str, Diagnosis], now: datetime) -> dict[str, Diagnosis]:
    with open_store(config.database, config.location).reading() as stored:
        known = stored.history.series_ids()
        looks = stored.objectives.looks
        signs = [burning(one, looks(known, one, now), now, before.get(one.id)) for one in config.objectives]
    return {sign.subject: sign for sign in signs if sign}
