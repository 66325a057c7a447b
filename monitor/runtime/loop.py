"""The one loop that runs all stages: probe, judge, notify, deliver. Each stage gets what its signature names."""

import asyncio
from collections.abc import Mapping
from functools import partial

from monitor.runtime.supervisor import Supervisor, Work
from monitor.stage import Stage
from monitor.stages.apply_config import take_up
from monitor.stages.beat import change, remember
from monitor.stages.deliver import deliver
from monitor.stages.drill import drills
from monitor.stages.liveness import beat_outside, feed_watchdog
from monitor.stages.notify import notify
from monitor.stages.objectives import weigh
from monitor.stages.poll_status import poll_sources, probe_controls
from monitor.stages.probe import look
from monitor.stages.publish import publish
from monitor.stages.reload import follow_configuration
from monitor.stages.retention import tidy
from monitor.state.monitor_state import MonitorState

Stages = Mapping[Stage, Work]


async def run(state: MonitorState, reload: asyncio.Event) -> None:
    """Run until cancelled. Probes under way are then dropped, not stored as failures."""
    await _keep_all(state, {**watching(state), **beside(state, reload)})


async def watch_and_tell(state: MonitorState) -> None:
    """Run only the stages that probe, judge and notify."""
    await _keep_all(state, watching(state))


async def _keep_all(state: MonitorState, stages: Stages) -> None:
    supervisor = supervise(state)
    async with asyncio.TaskGroup() as kept:
        for stage, work in stages.items():
            kept.create_task(supervisor.keep(stage, work))


def supervise(state: MonitorState) -> Supervisor:
    return Supervisor(state.services, state.belief, state.signals, partial(change, state))


def watching(state: MonitorState) -> Stages:
    """Return the stages that probe, judge and notify."""
    services, belief, told, planned, signals = state.services, state.belief, state.told, state.planned, state.signals
    return {
        Stage.PROBE: partial(look, services, belief, planned, signals),
        Stage.EVALUATE: partial(remember, state),
        Stage.POLL_STATUS: partial(poll_sources, services, belief, planned, signals),
        Stage.CONTROL_PROBE: partial(probe_controls, services, belief, signals),
        Stage.NOTIFY: partial(notify, services, belief, told, signals),
        Stage.DELIVER: partial(deliver, services, belief, told, signals),
    }


def beside(state: MonitorState, reload: asyncio.Event) -> Stages:
    """Return the other stages."""
    services, belief, signals = state.services, state.belief, state.signals
    return {
        Stage.PUBLISH: partial(publish, services, belief, signals),
        Stage.RETENTION: partial(tidy, services, belief, signals),
        Stage.OBJECTIVES: partial(weigh, services, belief, signals),
        Stage.DRILL: partial(drills, services, belief, partial(change, state)),
        Stage.HEARTBEAT: partial(beat_outside, services, belief, state.planned, state.times, signals),
        Stage.WATCHDOG: partial(feed_watchdog, services, belief, state.planned, state.times),
        Stage.RELOAD: partial(follow_configuration, services, belief, signals, partial(take_up, state), reload),
    }
