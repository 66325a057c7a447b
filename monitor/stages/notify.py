"""Changes, replies and time → the outbox: the stage that asks what is due to be told."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from monitor.alert.case import Message, with_changes, without_old
from monitor.alert.digest import due_digests
from monitor.alert.reply import Reply
from monitor.alert.routing import decide
from monitor.alert.storage_notice import Heard, StoreNews, due_news, news, read_news
from monitor.diagnose.incident import Change
from monitor.stages.state import STEP_S, World, pause
from monitor.store.left_reply import forget_left, left_replies
from monitor.store.value import Batch
from monitor.store.writer import Writer
from probes.redact import conceal

log = logging.getLogger("monitor")

PACE = 5
"""So many steps lie between two looks at what is due: nothing but a reply is a matter of seconds."""


async def herald(world: World) -> None:
    """Tell what time, or what people answer, has made due: reminders, what was held back, digests."""
    await take_left_replies(world)
    while True:
        world.replied.clear()
        await tell_due(world)
        await pause(PACE * STEP_S, world.replied)


def tell(world: World, changes: Sequence[Change], now: datetime) -> list[Message]:
    """Return what is to be told of these changes at once; it counts as told from here on."""
    if not changes:
        return []
    world.cases = with_changes(world.cases, changes)
    messages = decide(world.scene(now), {change.incident.id for change in changes})
    world.note_told(messages, now)
    return messages


async def tell_due(world: World) -> None:
    """Write to the outbox whatever is due by now."""
    now = world.edge.clock()
    world.cases = without_old(world.cases, now)
    messages = decide(world.scene(now)) + _digests(world, now) + _news(world, now)
    if messages:
        world.note_told(messages, now)
        await world.save(Batch(now, messages=tuple(messages)))
        world.mail.set()
        world.news.set()


def _digests(world: World, now: datetime) -> list[Message]:
    config = world.config
    due = due_digests(config.channels, config.digest, world.digests, world.digest_from, now)
    world.digests |= dict.fromkeys((message.channel for message in due), now)
    return due


def _news(world: World, now: datetime) -> list[Message]:
    """Return what every channel is to hear of the database; it counts as heard from here on."""
    keeper, channels = world.keeper, world.config.channels
    events, keeper.events = keeper.events, []
    told = list(due_news(channels, keeper.refusal, world.refused_at, world.heard, now))
    for message in told:
        world.heard[message.channel] = Heard(read_news(message.note)[0], now)
    return [*(news(one, StoreNews.EVENT, it.words, it.at) for it in events for one in channels), *told]


async def take_reply(world: World, reply: Reply) -> bool:
    """Write what somebody answers, which counts from then on; return whether it is new.

    Raises sqlite3.Error or ValueError where it cannot be written at all.
    """
    reply = _concealed(reply, world.prober.secrets)
    is_new = await world.write(Writer.save_reply, reply)
    if is_new:
        world.replies.append(reply)
        world.replied.set()
        world.news.set()
    return is_new


async def take_left_replies(world: World) -> None:
    """Take up the replies that an older version left as files; they stay until the database itself has them."""
    database = world.config.database
    found = await asyncio.to_thread(left_replies, database)
    for _, reply in found:
        try:
            await take_reply(world, reply)
        except (sqlite3.Error, ValueError) as error:  # else it would hold up all telling, at each start anew
            log.error("what somebody left cannot be written: %s", error)
    if not world.keeper.refusal:
        await asyncio.to_thread(forget_left, database, [file for file, _ in found])


def _concealed(reply: Reply, secrets: Sequence[str]) -> Reply:
    """Return a reply without the secrets that somebody typed: whoever leaves one may know none of them."""
    return replace(reply, by=conceal(reply.by, secrets), reason=conceal(reply.reason, secrets))
