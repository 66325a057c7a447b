"""Beats → those outside who notice when they stop: the heartbeat URL and the service manager."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from monitor import __version__
from monitor.config.config import Config
from monitor.detect.health import State
from monitor.liveness import systemd
from monitor.liveness.heartbeat import Ping, send_ping
from monitor.state.beat_times import BeatTimes
from monitor.state.belief import BeliefView
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals
from monitor.words import count
from probes.canary import open_session

LAST_PING_S = 1.0
"""Seconds that a round being stopped still tries to send its last ping."""
STALLED = timedelta(seconds=60)
"""Delay after which a due probe shows that the schedule is stuck."""


def beat_problem(services: Services, belief: BeliefView) -> str | None:
    """Return why the latest beat was not good; None when it was.

    Good means that the results are saved and that anything can be reached: an offline monitor does not watch, and its
    own messages may be stuck as well.
    """
    if belief.is_offline:
        return "the monitor is offline: nothing answers"
    return services.own.warnings.get("store") or services.own.fault


def is_stuck(services: Services, planned: ScheduleState) -> bool:
    """Whether probing has stalled: a beat then proves nothing, so no ping is sent."""
    at = planned.probes.next_at()
    return at is not None and services.edge.clock() - at > STALLED


async def send_heartbeats(
    services: Services, belief: BeliefView, planned: ScheduleState, times: BeatTimes, signals: StageSignals
) -> None:
    """Ping after a beat, once per interval, and at once when a beat fails after a good one.

    No beat, no ping: silence is the alarm.
    """
    pinged, failing, due_s = None, False, 0.0
    while True:
        heartbeat, beat, why = belief.config.heartbeat, times.beaten_at, beat_problem(services, belief)
        is_due = services.edge.timer() >= due_s or bool(why and not failing)
        if heartbeat and beat != pinged and is_due and not is_stuck(services, planned):
            pinged, failing = beat, why is not None
            _note_result(
                services,
                signals,
                await _ping(services, belief, heartbeat.url, _kind_of_ping(why), why or ""),
            )
            due_s = services.edge.timer() + heartbeat.interval_s
        await asyncio.sleep(services.pauses.step_s)


def _kind_of_ping(why: str | None) -> Ping:
    return Ping.FAIL if why else Ping.SUCCESS


async def _ping(services: Services, belief: BeliefView, url: str, word: Ping, reason: str = "") -> str | None:
    return await send_ping(services.prober.session, url, word, reason, belief.config.way, services.pauses.ping_s)


def _note_result(services: Services, signals: StageSignals, error: str | None) -> None:
    """Set or clear the warning, on the page and in the log, that the heartbeat does not get through."""
    before = services.own.warnings.get("heartbeat")
    if error:
        services.own.warn("heartbeat", f"the heartbeat is not taken: {error}")
    else:
        services.own.mended("heartbeat")
    if before != services.own.warnings.get("heartbeat"):
        signals.news.set()


async def feed_watchdog(services: Services, belief: BeliefView, planned: ScheduleState, times: BeatTimes) -> None:
    """Feed the service manager's watchdog while beats go on, and keep its status line current.

    A refusing store is reported there and to the heartbeat, but does not cause a restart: that repairs no disk and
    loses what waits to be written.
    """
    manager, fed, fed_at, shown = services.manager, None, 0.0, ""
    step_s = services.pauses.step_s
    pause_s = (manager.watchdog_s or 2 * step_s) / 2
    while manager.address:
        beat, now_s = times.beaten_at, services.edge.timer()
        if manager.watchdog_s and beat != fed and now_s - fed_at >= pause_s and not is_stuck(services, planned):
            fed, fed_at = beat, now_s
            manager.tell(systemd.WATCHDOG)
        if (words := systemd.status(_summary(services, belief))) != shown:
            shown = words
            manager.tell(words)
        await asyncio.sleep(min(step_s, pause_s / 4))


def _summary(services: Services, belief: BeliefView) -> str:
    states = Counter(health.state for health in belief.healths.values())
    seen = ", ".join(f"{states[state]} {state}" for state in State if states[state])
    watched = f"{count(len(belief.config.watches), 'target')}: {seen or 'not probed yet'}"
    return "; ".join(
        filter(None, (watched, count(len(belief.incidents), "open incident"), beat_problem(services, belief)))
    )


@asynccontextmanager
async def ping_round(services: Services, belief: BeliefView, signals: StageSignals) -> AsyncIterator[None]:
    """Ping around a single round: the start while it runs, and at the end success or the reason for failure."""
    if belief.config.heartbeat is None:
        yield
        return
    url = belief.config.heartbeat.url
    start = asyncio.create_task(_ping(services, belief, url, Ping.START))
    why: str | None = "the round was cut short"
    limit_s: float | None = LAST_PING_S
    try:
        yield
        why, limit_s = beat_problem(services, belief), None
    except Exception as error:
        why, limit_s = f"the monitor's own fault ({type(error).__name__})", None
        raise
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await start  # so that it arrives first
                _note_result(services, signals, await _ping(services, belief, url, _kind_of_ping(why), why or ""))


async def ping_failure(config: Config, why: str) -> None:
    """Ping that the monitor could not even start."""
    if config.heartbeat:
        async with open_session(__version__) as session:
            await send_ping(session, config.heartbeat.url, Ping.FAIL, why, config.way)
