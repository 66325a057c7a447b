"""The one loop in which all stages meet: look, remember, judge, tell."""

import asyncio
from collections.abc import Mapping
from functools import partial

from monitor.diagnose.stage import Stage
from monitor.runtime.supervisor import Work, keep
from monitor.stages.beat import change, remember
from monitor.stages.deliver import deliver
from monitor.stages.drill import drills
from monitor.stages.liveness import beat_outside, reassure
from monitor.stages.notify import herald
from monitor.stages.objectives import weigh
from monitor.stages.poll_status import enquire, listen
from monitor.stages.probe import look
from monitor.stages.publish import publish
from monitor.stages.reload import follow_configuration
from monitor.stages.retention import tidy
from monitor.stages.state import World

Stages = Mapping[Stage, Work]


async def run(world: World, reload: asyncio.Event) -> None:
    """Watch until cancelled. Probes under way are then dropped, not stored as failures."""
    beside: Stages = {
        Stage.PUBLISH: publish,
        Stage.TIDY: tidy,
        Stage.WEIGH: weigh,
        Stage.DRILL: drills,
        Stage.HEARTBEAT: beat_outside,
        Stage.REASSURE: reassure,
        Stage.CONFIGURATION: partial(follow_configuration, reload=reload),
    }
    await _keep_all(world, {**WATCHING, **beside})


async def watch_and_tell(world: World) -> None:
    """Look, judge and tell, without what goes on beside."""
    await _keep_all(world, WATCHING)


async def _keep_all(world: World, stages: Stages) -> None:
    async with asyncio.TaskGroup() as kept:
        for stage, work in stages.items():
            kept.create_task(keep(world, stage, work, change))


WATCHING: Stages = {
    Stage.LOOK: look,
    Stage.REMEMBER: remember,
    Stage.LISTEN: listen,
    Stage.ENQUIRE: enquire,
    Stage.HERALD: herald,
    Stage.DELIVER: deliver,
}
"""What it takes to look, judge and tell."""
