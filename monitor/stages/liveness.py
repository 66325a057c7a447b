"""Beats → those outside who notice when they stop: the heartbeat's address, and the service manager."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from monitor import __version__
from monitor.config.config import Config
from monitor.detect.health import State
from monitor.liveness import systemd
from monitor.liveness.heartbeat import Ping, ping
from monitor.stages.state import STEP_S, World
from monitor.words import count
from probes.canary import open_session

FAREWELL_S = 1.0
"""So long a round that is asked to end goes on trying to say so."""
LATE = timedelta(seconds=60)
"""A look that is so late was forgotten: the schedule does not go on."""


def trouble(world: World) -> str | None:
    """Return why the latest beat was no good one; None when it was.

    Good means that what was seen is written, and that anything can be reached: who sees nothing does not watch,
    and its own messages may be stuck as well.
    """
    if world.is_offline:
        return "the monitor is offline: nothing answers"
    return world.warnings.get("store") or world.fault


def is_stuck(world: World) -> bool:
    """Whether the looks do not go on: then no beat says anything, and nothing is told."""
    at = world.agenda.next_at()
    return at is not None and world.edge.clock() - at > LATE


async def beat_outside(world: World) -> None:
    """Ping after a beat, once an interval, and at once when a beat is no good one after one that was.

    Without a beat nothing is sent: the silence is the message.
    """
    told, failing, due_s = None, False, 0.0
    while True:
        heartbeat, beat, why = world.config.heartbeat, world.beaten_at, trouble(world)
        is_due = world.edge.timer() >= due_s or bool(why and not failing)
        if heartbeat and beat != told and is_due and not is_stuck(world):
            told, failing = beat, why is not None
            _note(world, await _ping(world, heartbeat.url, Ping.FAIL if why else Ping.SUCCESS, why or ""))
            due_s = world.edge.timer() + heartbeat.interval_s
        await asyncio.sleep(STEP_S)


async def _ping(world: World, url: str, word: Ping, reason: str = "") -> str | None:
    return await ping(world.prober.session, url, word, reason, world.config.way)


def _note(world: World, error: str | None) -> None:
    """Say on the page and in the log that the heartbeat does not get through, or no more that it does not."""
    before = world.warnings.get("heartbeat")
    if error:
        world.warn("heartbeat", f"the heartbeat is not taken: {error}")
    else:
        world.mended("heartbeat")
    if before != world.warnings.get("heartbeat"):
        world.news.set()


async def reassure(world: World) -> None:
    """Keep the service manager's watchdog quiet while beats go on, and its status line true.

    A store that refuses is told there and to the heartbeat, but is no reason for a restart: that mends no disk,
    and loses what waits to be written.
    """
    manager, told, fed_at, said = world.manager, None, 0.0, ""
    pause_s = (manager.watchdog_s or 2 * STEP_S) / 2
    while manager.address:
        beat, now_s = world.beaten_at, world.edge.timer()
        if manager.watchdog_s and beat != told and now_s - fed_at >= pause_s and not is_stuck(world):
            told, fed_at = beat, now_s
            manager.tell(systemd.WATCHDOG)
        if (words := systemd.status(_summary(world))) != said:
            said = words
            manager.tell(words)
        await asyncio.sleep(min(STEP_S, pause_s / 4))


def _summary(world: World) -> str:
    states = Counter(health.state for health in world.healths.values())
    seen = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    watched = f"{count(len(world.config.watches), 'target')}: {seen or 'not looked at yet'}"
    return "; ".join(filter(None, (watched, count(len(world.incidents), "open incident"), trouble(world))))


@asynccontextmanager
async def told_round(world: World) -> AsyncIterator[None]:
    """Ping around a single round: its start, beside it, and at its end success or why it failed."""
    if world.config.heartbeat is None:
        yield
        return
    url = world.config.heartbeat.url
    start = asyncio.create_task(_ping(world, url, Ping.START))
    why: str | None = "the round was cut short"
    limit_s: float | None = FAREWELL_S
    try:
        yield
        why, limit_s = trouble(world), None
    except Exception as error:
        why, limit_s = f"the monitor's own fault ({type(error).__name__})", None
        raise
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await start  # so that it comes first
                _note(world, await _ping(world, url, Ping.FAIL if why else Ping.SUCCESS, why or ""))


async def tell_failure(config: Config, why: str) -> None:
    """Ping that not even a start was possible."""
    if config.heartbeat:
        async with open_session(__version__) as session:
            await ping(session, config.heartbeat.url, Ping.FAIL, why, config.way)
