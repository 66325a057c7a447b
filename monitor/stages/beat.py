"""One beat after the other: judge what was seen, remember it in one transaction, and let it be told."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.diagnose.diagnosis import Scope
from monitor.diagnose.incident import Change, absence, as_of, redated
from monitor.stages.evaluate import conclude, judge, take_note, tracks_to_save
from monitor.stages.notify import tell
from monitor.stages.plan import ask_the_rest, hurry_associates, is_doubted, plan_as_usual, plan_looks
from monitor.stages.spend import note_spending
from monitor.stages.state import World
from monitor.store.clock import Reading, was_set
from monitor.store.value import Batch
from monitor.words import duration, title
from probes.model import Observation

log = logging.getLogger("monitor")

BEAT_S = 1.0
"""Good news waits so long for company, so that many results share one transaction. Bad news does not wait."""
IDLE_S = 10.0
"""There is a beat so often at least, also when nothing was seen: whoever waits for it learns that we live."""
ABSENT = timedelta(minutes=5)
"""A gap between two beats that is worth a word; a restart takes seconds."""


async def remember(world: World) -> None:
    """Turn what was seen into one beat after the other."""
    while True:
        await _gather(world)
        await follow_clock(world)
        observations = seen(world)
        if observations or world.unsettled or world.keeper.refusal or _is_idle(world):
            now = world.edge.clock()
            await note_absence(world, now)
            try:
                await beat(world, observations, now)
            except Exception:
                plan_as_usual(world, observations)
                raise


async def note_absence(world: World, now: datetime, pause: timedelta = ABSENT) -> None:
    """Remember that nobody was watching: there was no beat for longer than the pauses between them may be."""
    if world.beat_at is None or now - world.beat_at < pause:
        return
    if world.beaten_at is not None and world.edge.uptime() - world.beaten_at < pause.total_seconds():
        log.warning("the clock was set forward by %s: no gap", duration((now - world.beat_at).total_seconds()))
    else:
        await change(world, absence(world.beat_at, now, world.config.location))


async def _gather(world: World) -> None:
    """Wait for what is to be seen: for good news a moment longer, since there may be more; for bad news no longer."""
    try:
        async with asyncio.timeout(BEAT_S):
            await world.urgent.wait()
    except TimeoutError:
        pass
    world.urgent.clear()


def seen(world: World, before: Sequence[Observation] = ()) -> list[Observation]:
    """Return what has been seen, after what was taken before, all dated as the clock goes now."""
    now = world.read_clocks()
    found = [*before, *(world.finished.get_nowait() for _ in range(world.finished.qsize()))]
    return [_as_dated_now(one, world.begun.pop(one.target.id, now), now) for one in found]


def _as_dated_now(one: Observation, began: Reading, now: Reading) -> Observation:
    by = was_set(began, now)
    return replace(one, at=min(one.at + by, now.at)) if by or one.at > now.at else one


async def follow_clock(world: World) -> None:
    """Date anew what is open when the clock was set: it has lasted as long as it did, whatever the clock says."""
    before, world.clocks = world.clocks, world.read_clocks()
    by, world.set_by = world.set_by, timedelta(0)
    by += was_set(before, world.clocks)
    if not by:
        return
    how = "forward" if by > timedelta(0) else "back"
    log.warning("the clock was set %s by %s: what is open is dated anew", how, duration(abs(by).total_seconds()))
    now = world.clocks.at
    world.redate(by)
    changes = tuple(redated(one, by, now) for one in world.incidents.values())
    _adopt(world, changes)
    messages = tuple(tell(world, changes, now))
    await world.save(Batch(now, changes=changes, messages=messages, trace=world.trace()))
    world.mail.set()
    world.news.set()


async def beat(
    world: World, observations: Sequence[Observation], now: datetime, ahead: timedelta = timedelta(0)
) -> None:
    """One heartbeat: judge what was seen, remember all of it in one transaction, and let it be told.

    Nothing more is seen for the time `ahead`: what that time alone would settle is settled now.
    """
    doubted = {one.target.id for one in observations if is_doubted(world, one.target.id)}
    healths = judge(world, observations)
    notes = take_note(world, observations)
    tracks, pools = tracks_to_save(world, observations, now)
    is_news = world.stirred
    plans = plan_looks(world, healths, observations)
    ask_the_rest(world, {id for id in doubted & healths.keys() if not is_doubted(world, id)})
    changes = [as_of(change, now) for change in conclude(world, now, ahead)]
    _adopt(world, changes)
    if is_news:
        hurry_associates(world, now)
    messages = tell(world, changes, now)
    spent = note_spending(world, observations)
    batch = Batch(
        now,
        tuple(observations),
        healths,
        plans,
        spent,
        tuple(changes),
        tuple(messages),
        notes=notes,
        tracks=tracks,
        pools=pools,
        trace=world.trace(),
    )
    if observations or changes or world.keeper.refusal or _is_idle(world):
        await world.save(batch)
        world.beaten_at, world.beat_at = world.edge.uptime(), now
    if messages:
        world.mail.set()
    if changes or is_news:
        world.news.set()


def _is_idle(world: World) -> bool:
    return world.beaten_at is None or world.edge.uptime() - world.beaten_at >= IDLE_S


def _adopt(world: World, changes: Sequence[Change]) -> None:
    world.adopt(changes)
    for change in changes:
        log.info("%s: %s (%s)", change.kind, title(change.incident), change.incident.id)
    if any(one.incident.closed_at and one.incident.scope is Scope.MONITOR for one in changes):
        world.hear_anew()


async def change(world: World, one: Change) -> None:
    """Remember one change that no observation led to, and let it be told."""
    now = world.edge.clock()
    one = as_of(one, now)
    _adopt(world, [one])
    await world.save(Batch(now, changes=(one,), messages=tuple(tell(world, [one], now))))
    world.mail.set()
    world.news.set()
