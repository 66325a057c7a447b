"""The one loop that runs all stages: probe, judge, notify, deliver. Each stage gets what its signature names."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from monitor.config.config import Config
from monitor.runtime.supervisor import Supervisor, Work
from monitor.stage import Stage
from monitor.stages.apply_config import apply_config
from monitor.stages.beat import run_beats, save_change
from monitor.stages.deliver import deliver
from monitor.stages.drill import resolve_drills
from monitor.stages.export import export_metrics
from monitor.stages.liveness import feed_watchdog, send_heartbeats
from monitor.stages.notify import notify_when_due
from monitor.stages.objectives import watch_objectives
from monitor.stages.poll_status import poll_sources, probe_controls
from monitor.stages.probe import start_probes
from monitor.stages.publish import publish
from monitor.stages.reload import watch_config
from monitor.stages.retention import run_retention
from monitor.state.monitor_state import MonitorState

Stages = Mapping[Stage, Work]


async def run_loop(state: MonitorState, reload: asyncio.Event) -> None:
    """Run until cancelled. Probes under way are then dropped, not stored as failures."""
    await keep_all(state, {**watching_stages(state), **other_stages(state, reload)})


async def watch_and_notify(state: MonitorState) -> None:
    """Run only the stages that probe, judge and notify."""
    await keep_all(state, watching_stages(state))


async def keep_all(state: MonitorState, stages: Stages) -> None:
    """Run these stages until cancelled."""
    supervisor = make_supervisor(state)
    async with asyncio.TaskGroup() as kept:
        for stage, work in stages.items():
            kept.create_task(supervisor.keep(stage, work))


def make_supervisor(state: MonitorState) -> Supervisor:
    return Supervisor(state.services, state.belief, state.signals, partial(save_change, state))


def watching_stages(state: MonitorState) -> Stages:
    """Return the stages that probe, judge and notify."""
    services, belief, told, planned, signals = state.services, state.belief, state.told, state.planned, state.signals
    return {
        Stage.PROBE: partial(start_probes, services, belief, planned, signals),
        Stage.EVALUATE: partial(run_beats, state),
        Stage.POLL_STATUS: partial(poll_sources, services, belief, planned, signals),
        Stage.CONTROL_PROBE: partial(probe_controls, services, belief, signals),
        Stage.NOTIFY: partial(notify_when_due, services, belief, told, signals),
        Stage.DELIVER: partial(deliver, services, belief, told, signals),
    }


def other_stages(state: MonitorState, reload: asyncio.Event, take_up: Callable[[Config], None] | None = None) -> Stages:
    """Return the other stages. `take_up`: switches to a changed configuration; None: as all of the state does."""
    services, belief, signals = state.services, state.belief, state.signals
    return {
        Stage.PUBLISH: partial(publish, services, belief, signals),
        Stage.EXPORT: partial(export_metrics, services, belief, signals),
        Stage.RETENTION: partial(run_retention, services, belief, signals),
        Stage.OBJECTIVES: partial(watch_objectives, services, belief, signals),
        Stage.DRILL: partial(resolve_drills, services, belief, partial(save_change, state)),
        Stage.HEARTBEAT: partial(send_heartbeats, services, belief, state.planned, state.times, signals),
        Stage.WATCHDOG: partial(feed_watchdog, services, belief, state.planned, state.times),
        Stage.RELOAD: partial(watch_config, services, belief, signals, take_up or partial(apply_config, state), reload),
    }
