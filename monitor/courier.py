"""Outbox → channels: the stage that carries each letter, again after a failure."""

import asyncio
import logging
import sqlite3
from datetime import datetime, timedelta

from monitor.alert.deliver import again_at, send
from monitor.alert.text import Circumstances, Text, compose
from monitor.incident import Change
from monitor.store.writer import Letter
from monitor.view import advice_for, usable
from monitor.world import STEP_S, World, pause

log = logging.getLogger("monitor")


async def deliver(world: World) -> None:
    """Carry each letter to its channel; no channel waits for another."""
    busy: set[str] = set()
    async with asyncio.TaskGroup() as carriers:
        while True:
            world.mail.clear()
            for letter in await _due_letters(world):
                if letter.channel not in busy:
                    busy.add(letter.channel)
                    carriers.create_task(_carry(world, letter, busy))
            # Not at once, even for what is due: its channel may be busy with an earlier letter.
            await pause(max(world.seconds_to(await _next_letter_at(world)), STEP_S), world.mail)


async def deliver_due(world: World) -> None:
    """Carry what is due once, each channel's letters in order, and return."""
    tried: set[int] = set()
    while letters := [letter for letter in await _due_letters(world) if letter.id not in tried]:
        tried |= {letter.id for letter in letters}
        await asyncio.gather(*(_carry(world, letter, set()) for letter in letters))


async def _carry(world: World, letter: Letter, busy: set[str]) -> None:
    try:
        await _deliver_one(world, letter)
    except sqlite3.Error as error:  # sent, but not noted: it will be sent once more rather than never
        world.warn("store", f"a delivery cannot be noted: {error}")
    finally:
        busy.discard(letter.channel)
        world.mail.set()


async def _deliver_one(world: World, letter: Letter) -> None:
    channel = next((one for one in world.config.channels if one.name == letter.channel), None)
    if channel is None:
        await world.write(world.writer.given_up, letter, "no such channel any more", world.edge.clock())
        return
    error = await send(channel, letter.change, _text(world, letter.change), world.edge.show)
    now = world.edge.clock()
    if error is None:
        await world.write(world.writer.delivered, letter, now)
    elif again := again_at(letter, now):
        log.warning("channel %s: not delivered (%s); next try at %s", channel.name, error, f"{again:%H:%M:%S} UTC")
        await world.write(world.writer.postponed, letter, error, again)
    else:
        log.error("channel %s: given up (%s)", channel.name, error)
        await world.write(world.writer.given_up, letter, error, now)
    world.news.set()


def _text(world: World, change: Change) -> Text:
    circumstances = Circumstances(
        location=world.config.location,
        simulated=world.config.simulated,
        advice=advice_for(change.incident, world.config),
        usable=usable(change.incident, world.config, world.healths),
        url=world.config.site.url,
    )
    return compose(change, circumstances, world.edge.clock())


async def _due_letters(world: World) -> list[Letter]:
    try:
        return await world.write(world.writer.letters, world.edge.clock())
    except sqlite3.Error as error:
        world.warn("store", f"the outbox cannot be read: {error}")
        return []


async def _next_letter_at(world: World) -> datetime | None:
    try:
        return await world.write(world.writer.next_letter_at)
    except sqlite3.Error:
        return world.edge.clock() + timedelta(seconds=5)
