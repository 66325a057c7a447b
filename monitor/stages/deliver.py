"""Outbox → channels: the stage that carries each letter, again after a failure."""

import asyncio
import logging
import sqlite3
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.alert.address import open_service
from monitor.alert.case import Step
from monitor.alert.deliver import again_at, would_disturb
from monitor.alert.digest import begins
from monitor.alert.link import addresses
from monitor.alert.outbox import Letter
from monitor.alert.routing import past
from monitor.alert.rule import TERMINAL, Channel
from monitor.alert.storage_notice import severity_of_news
from monitor.alert.text import (
    Circumstances,
    DigestSummary,
    MessageTemplates,
    Piece,
    Text,
    UsableAccount,
    compose,
    compose_digest,
    compose_failing,
    compose_news,
    worst,
)
from monitor.diagnose.incident import Change, Incident, Severity
from monitor.publish.advice import Glance, advice_for, instead, is_replaced
from monitor.publish.collect import glance
from monitor.stages.state import STEP_S, World, pause
from monitor.storage_refusal import StoreError
from monitor.store.store import open_store
from monitor.store.writer import Writer, key

log = logging.getLogger("monitor")

REMEMBERED = 10_000
"""So many of the latest messages are known to be sent whatever became of the note of it; the others are by the note."""


def warm_up(channels: Iterable[Channel], templates: MessageTemplates) -> None:
    """Load what sends messages beside the work, as soon as there may be one: it takes as long as a slow canary."""
    addressed = [channel for channel in channels if channel.url != TERMINAL.url]
    if addressed and "apprise" not in sys.modules:
        threading.Thread(target=_warm_up, args=(addressed, templates), daemon=True, name="warm-up").start()


def _warm_up(channels: Iterable[Channel], templates: MessageTemplates) -> None:
    for channel in channels:
        open_service(channel)
    templates.load()


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
    """Carry one letter, to its end also when we are asked to stop meanwhile: else it would be sent once more."""
    work = asyncio.create_task(_deliver_one(world, letter))
    try:
        await _to_its_end(world, work)
    except (sqlite3.Error, StoreError) as error:  # sent, but not noted: it is noted when it is met again
        world.warn("store", f"a delivery cannot be noted: {error}")
    except Exception as error:  # one letter that cannot be written must hold up no other
        log.exception("channel %s: a message failed", letter.channel)
        await _put_off(world, letter, f"the monitor's own fault ({type(error).__name__})")
    finally:
        busy.discard(letter.channel)
        world.mail.set()


async def _put_off(world: World, letter: Letter, error: str) -> None:
    now = world.edge.clock()
    if again := again_at(letter, now):
        await world.write(Writer.postponed, letter, error, again)
    else:
        await world.write(Writer.given_up, letter, error, now)


async def _to_its_end(world: World, work: asyncio.Task[None]) -> None:
    """Wait for work that has a time limit of its own, also when we are to end, until all that goes on is dropped."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        dropped = asyncio.create_task(world.dropped.wait())
        await asyncio.wait((work, dropped), return_when=asyncio.FIRST_COMPLETED)
        dropped.cancel()
        if world.dropped.is_set():
            work.cancel()
        await work
        raise


async def _deliver_one(world: World, letter: Letter) -> None:
    channel = _channel(world, letter.channel)
    if channel is None:
        await world.write(Writer.given_up, letter, "no such channel any more", world.edge.clock())
        return
    pieces = _pieces(world, letter, channel)
    text, severity = await _text(world, letter, pieces, channel), _severity(letter, pieces)
    error = await world.outside.send(channel, text, severity, world.edge.show)
    now = world.edge.clock()
    if error is None:
        _remember(world, letter)
        await world.write(Writer.delivered, letter, now)
    elif again := again_at(letter, now):
        log.warning("channel %s: not delivered (%s); next try at %s", channel.name, error, f"{again:%H:%M:%S} UTC")
        await world.write(Writer.postponed, letter, error, again)
        await _complain(world, letter, error, now)
    else:
        log.error("channel %s: given up (%s)", channel.name, error)
        await world.write(Writer.given_up, letter, error, now)
    world.news.set()


async def _complain(world: World, letter: Letter, error: str, now: datetime) -> None:
    """Let the other channels be told of one that fails. What was not critical disturbs nobody's quiet hours.

    While nothing can be reached from here they fail alike, and none of them is to blame.
    """
    if letter.tries + 1 < world.config.rules.patience.failing_tries or world.is_offline:
        return
    critical = any(one.change and one.change.incident.severity is Severity.CRITICAL for one in letter.items)
    others = (one for one in world.config.channels if one.name != letter.channel)
    hearers = [one.name for one in others if critical or not (one.quiet and one.quiet.is_on(now))]
    if hearers:
        await world.write(Writer.complain, letter.channel, error, hearers, now)
        world.mail.set()


def _pieces(world: World, letter: Letter, channel: Channel) -> list[Piece]:
    """Return the parts of a message. In a list of many nobody needs more of each than what to do."""
    told = [(item, _as_it_is(world, item.change)) for item in letter.items if item.change]
    if not told:
        return []
    around = _around if len(told) == 1 else _briefly
    seen = glance(world.config, world.healths, world.incidents.values(), world.edge.clock())
    return [
        Piece(item.step, item.number, change, around(world, change.incident, channel, seen), item.first)
        for item, change in told
    ]


def _as_it_is(world: World, change: Change) -> Change:
    """Return a change with its incident as that stands now: what is sent late shall not be what was true before."""
    now = world.incidents.get(change.incident.id)
    return replace(change, incident=now) if now and not change.incident.closed_at else change


def _briefly(world: World, incident: Incident, _: Channel, seen: Glance) -> Circumstances:
    config = world.config
    return Circumstances(config.location, config.simulated, advice_for(incident, config, seen), url=config.site.url)


def _severity(letter: Letter, pieces: Sequence[Piece]) -> Severity | None:
    if pieces:
        return worst(pieces)
    first = letter.items[0]
    match first.step:
        case Step.FAILING:
            return Severity.WARNING
        case Step.STORE:
            return severity_of_news(first.note)
        case _:
            return Severity.INFO


async def _text(world: World, letter: Letter, pieces: Sequence[Piece], channel: Channel) -> Text:
    now, config, form = world.edge.clock(), world.config, channel.format
    first = letter.items[0]
    if pieces:
        text = compose(pieces, channel.detail, form, world.templates, now)
    elif first.step is Step.DIGEST:
        summary = await asyncio.to_thread(_summary, world, channel, first.note)
        text = compose_digest(summary, channel.detail, form, world.templates)
    elif first.step is Step.STORE:
        text = compose_news(first.note, config.location, channel.detail, form, world.templates)
    else:
        text = compose_failing(first.about_channel, first.note, config.location, channel.detail, form, world.templates)
    _warn_of_templates(world)
    return text


def _warn_of_templates(world: World) -> None:
    told = {f"template {name}": words for name, words in world.templates.warnings.items()}
    for about in [one for one in world.warnings if one.startswith("template ") and one not in told]:
        world.mended(about)
    for about, words in told.items():
        world.warn(about, words)


def _summary(world: World, channel: Channel, due: str) -> DigestSummary:
    until = datetime.fromisoformat(due)
    since = begins(channel.digest or "daily", until)
    with open_store(world.config.database, world.config.location).reading() as stored:
        incidents = stored.incidents.between(since, until)
    return DigestSummary(since, until, incidents, world.config.location, world.config.site.url)


def _links(world: World, incident: Incident, channel: Channel, now: datetime) -> dict[str, str]:
    url = world.config.site.url
    if not (url and world.link_key) or incident.closed_at or incident.drill:
        return {}
    return addresses(world.link_key, url, incident.id, channel.name, now)


def _around(world: World, incident: Incident, channel: Channel, seen: Glance) -> Circumstances:
    now = world.edge.clock()
    scene = world.scene(now)
    case = scene.cases.get(incident.id)
    lately = past(case, scene) if case else [incident]
    return replace(
        _briefly(world, incident, channel, seen),
        usable=[
            UsableAccount(one.account, one.checked_at or now, one.caution.words if one.caution else "")
            for one in instead(incident, world.config, seen)
        ],
        replaced=is_replaced(incident),
        links=_links(world, incident, channel, now),
        times=len(lately),
        downtime_s=sum(((one.closed_at or now) - one.opened_at).total_seconds() for one in lately),
    )


async def _due_letters(world: World) -> list[Letter]:
    now = world.edge.clock()
    if world.is_mute:
        return []
    try:
        letters = [rest for one in await world.write(Writer.letters, now) if (rest := await _unsent(world, one))]
        return [one for one in letters if not ((to := _channel(world, one.channel)) and would_disturb(one, to, now))]
    except sqlite3.Error as error:
        world.warn("store", f"the outbox cannot be read: {error}")
        return []


def _remember(world: World, letter: Letter) -> None:
    world.sent |= dict.fromkeys(key(letter.channel, item) for item in letter.items)
    while len(world.sent) > REMEMBERED:
        del world.sent[next(iter(world.sent))]


async def _unsent(world: World, letter: Letter) -> Letter | None:
    """Return what this process has not sent of a letter. What it has is noted again: the note was lost."""
    done = tuple(item for item in letter.items if key(letter.channel, item) in world.sent)
    if not done:
        return letter
    await world.write(Writer.delivered, replace(letter, items=done), world.edge.clock())
    rest = tuple(item for item in letter.items if item not in done)
    return replace(letter, items=rest) if rest else None


def _channel(world: World, name: str) -> Channel | None:
    return next((one for one in world.config.channels if one.name == name), None)


async def _next_letter_at(world: World) -> datetime | None:
    try:
        return await world.write(Writer.next_letter_at)
    except sqlite3.Error:
        return world.edge.clock() + timedelta(seconds=5)
