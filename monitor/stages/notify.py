"""Changes, replies and time → the outbox: the stage that asks what is due to be told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from monitor.alert.case import Message, with_changes, without_old
from monitor.alert.digest import due_digests
from monitor.alert.reply import Reply
from monitor.alert.routing import decide
from monitor.alert.storage_notice import Heard, StoreNews, due_news, news, read_news
from monitor.diagnose.incident import Change
from monitor.stages.state import STEP_S, World
from monitor.store import mailbox
from monitor.store.replies import waiting
from monitor.store.value import Batch
from probes.redact import conceal

PACE = 5
"""So many looks for replies to one look at what is due: nothing but a reply is a matter of seconds."""


async def herald(world: World) -> None:
    """Take up what people answer, and tell what time has made due: reminders, what was held back, digests."""
    look = 0
    while True:
        replied = await take_replies(world)
        if replied or look % PACE == 0:
            await tell_due(world)
        look += 1
        await asyncio.sleep(STEP_S)


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


async def take_replies(world: World) -> bool:
    """Take up the replies that were left; return whether there were new ones."""
    found = await asyncio.to_thread(waiting, world.config.database)
    if not found:
        return False
    known = {reply.id for reply in world.replies}
    fresh = [_concealed(reply, world.prober.secrets) for _, reply in found if reply.id not in known]
    world.replies += fresh
    if fresh:
        await world.save(Batch(world.edge.clock(), replies=tuple(fresh)))
    if not world.keeper.refusal:  # else they stay until they are written
        await asyncio.to_thread(_remove, [file for file, _ in found])
    if fresh:
        world.news.set()
    return bool(fresh)


def _concealed(reply: Reply, secrets: Sequence[str]) -> Reply:
    """Return a reply without the secrets that somebody typed: whoever leaves one may know none of them."""
    return replace(reply, by=conceal(reply.by, secrets), reason=conceal(reply.reason, secrets))


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        mailbox.remove(file)
