"""The stages that hear other witnesses: status pages, calls without a key, our own connection."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable
from datetime import timedelta

from monitor.diagnose.status_source import Source, follow
from monitor.stages.state import STEP_S, World, pause
from monitor.store.writer import Writer
from probes.control import is_gated
from probes.feeds.pace import USUAL_S, next_poll_s
from probes.model import Account, Blame
from probes.notice import Bulletin, Trust
from probes.proxy import Proxies

log = logging.getLogger("monitor")

AGAIN = timedelta(seconds=60)
"""While something is not the account's trouble, who answers without a key is asked each minute, and not more often."""
ONLINE_LIMIT_S = 5.0
STALE_S = 5.0
"""What neutral hosts said so long ago may be otherwise: where a road comes and goes it was true of the last time."""


async def listen(world: World) -> None:
    """Poll each status source when its time comes, without waiting for any to answer."""
    async with asyncio.TaskGroup() as polls:
        while True:
            world.plan_sources()
            for id in world.pages_due.take_due(world.edge.clock()):
                if id in world.config.feeds:
                    polls.create_task(hear_safely(world, id))
            await pause(world.seconds_to(world.pages_due.next_at()), world.planned_pages)
            world.planned_pages.clear()


async def hear_safely(world: World, id: str) -> None:
    """Poll one source; what is our own fault with it is none of the others'."""
    try:
        await hear(world, id)
        world.mended(f"source {id}")
    except Exception as error:
        log.exception("%s: what it says cannot be followed", id)
        world.warn(f"source {id}", f"{id} cannot be followed: the monitor's own fault ({type(error).__name__})")
        world.pages_due.set(id, world.edge.clock() + timedelta(seconds=world.config.status.interval_s))


async def hear(world: World, id: str) -> None:
    """Poll one source, and let what it says be judged with all else."""
    feed, before = world.config.feeds[id], world.sources.get(id, Source(id))
    prober, way = world.prober, world.config.way
    try:
        told = await world.outside.poll(
            prober.session, feed, before.validators, prober.clock, prober.timer, source=id, way=way
        )
        told = await asyncio.to_thread(world.prober.admit, told)  # a page is long
    except Exception as error:  # a bug of ours must not be taken for the source's silence
        log.exception("%s: the poll itself failed", id)
        told = Bulletin(id, prober.clock(), Trust.DOUBTFUL, f"the monitor's own fault ({type(error).__name__})")
    after = world.sources[id] = follow(before, told)
    latest = told if after.problem else after.last or told
    wait_s = next_poll_s(latest, after.failures, after.quiet_polls, world.edge.chance())
    world.pages_due.set(id, world.edge.clock() + timedelta(seconds=wait_s * world.config.status.interval_s / USUAL_S))
    await _keep(world, before, after)


async def _keep(world: World, before: Source, after: Source) -> None:
    is_news = (before.problem, before.notices) != (after.problem, after.notices) or after.failures > 1
    if after.problem and before.problem != after.problem:
        log.warning("status source %s is not believed: %s", after.id, after.problem)
    try:
        await world.write(Writer.save_source, after)
    except sqlite3.Error as error:
        world.warn("store", f"a status source cannot be noted: {error}")
    if is_news:
        world.stirred = True
        world.urgent.set()
        world.news.set()


async def enquire(world: World) -> None:
    """Ask whoever is doubted without a key, as soon as there is a doubt, and again while it stands."""
    while True:
        await pause(STEP_S, world.doubt)
        world.doubt.clear()
        await enquire_now(world)


async def enquire_now(world: World) -> None:
    """Knock at each answerer that is in doubt, and look whether anything can be reached from here."""
    now, is_news = world.edge.clock(), bool(world.doubted)
    doubted = {*world.doubted, *_standing_doubts(world)}
    world.doubted.clear()
    by = {one: _whose_way(world, one) for one in sorted(doubted)}
    world.knocks = {id: knock for id, knock in world.knocks.items() if by.get(id, knock) is not None}
    due = [
        _knock(world, one, account)
        for one, account in by.items()
        if account and (one not in world.knocks or now - world.knocks[one].at >= AGAIN)
    ]
    if not due and not (is_news and world.edge.timer() - world.looked_out_s >= STALE_S):
        return
    await asyncio.gather(*due, _look_out(world))
    world.stirred = True
    world.urgent.set()


def _standing_doubts(world: World) -> Iterable[str]:
    """Yield who answers the targets of open incidents that are not an account's own."""
    for incident in world.incidents.values():
        if incident.blame is not Blame.ACCOUNT and not (incident.signal or incident.drill):
            for id in incident.targets:
                if watch := world.config.watches.get(id):
                    yield watch.target.answerer


async def _knock(world: World, answerer: str, account: Account) -> None:
    provider = world.config.providers[account.provider]
    world.knocks[answerer] = await world.outside.knock(world.prober, provider, account.base, account.way)


def _whose_way(world: World, answerer: str) -> Account | None:
    """Return an account whose way out those take that fail there.

    None where they take several, since what is met on one is no word on another, and where nobody can be asked.
    """
    watches = [one for one in world.config.watches.values() if one.target.answerer == answerer]
    failing = [one for one in watches if (health := world.healths.get(one.target.id)) and health.failures]
    accounts = [world.config.accounts[one.target.account] for one in failing or watches[:1]]
    if len({one.way for one in accounts}) != 1:
        return None
    provider = world.config.providers[accounts[0].provider]
    return None if provider.is_command or is_gated(provider, accounts[0]) else accounts[0]


def _road(world: World, target: str) -> Proxies:
    watch = world.config.watches.get(target)
    return world.config.accounts[watch.target.account].way.proxies if watch else world.config.way.proxies


async def _look_out(world: World) -> None:
    """Ask neutral hosts only when some target met no answer at all, and by the roads that those go."""
    world.looked_out_s = world.edge.timer()
    unanswered = [id for id, health in world.healths.items() if health.status is None and health.failures]
    if unanswered:
        roads = {_road(world, id) for id in unanswered}
        world.online = await world.outside.is_online(world.config.neutral_hosts, ONLINE_LIMIT_S, list(roads))
    else:
        world.online = None
