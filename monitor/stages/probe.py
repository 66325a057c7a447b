"""The stage that looks: every probe is started when its time comes, and what it saw is handed on."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from monitor.detect.health import Health, State
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.target_state import is_suspected
from monitor.schedule import Agenda, Watch, is_affordable
from monitor.stages.spend import spent_today
from monitor.stages.state import World, pause
from probes.model import Account, Answer, Observation, Outcome, Target
from probes.remedy import explain

log = logging.getLogger("monitor")

ENOUGH = 500
"""So many results are company enough, and so are those of all targets: no more can come."""
JUMP = timedelta(seconds=30)
"""A clock that moved so far against the monotonic one was set, or the machine slept: all is planned anew."""


def is_wavering(health: Health) -> bool:
    """Whether one more look may soon decide: a failure that is not confirmed, or an outage that may be over."""
    return is_suspected(health) or (health.state is State.DOWN and health.successes > 0)


async def look(world: World) -> None:
    """Start every probe when its time comes, without waiting for any to end."""
    world.plan_anew()  # whatever was under way when this stage ended
    offset = _offset(world)
    async with asyncio.TaskGroup() as attempts:
        while True:
            if abs(_offset(world) - offset) > JUMP:
                offset = _offset(world)
                _plan_after_jump(world)
            for target in world.agenda.take_due(world.edge.clock()):
                if watch := world.config.watches.get(target):
                    attempts.create_task(probe(world, watch))
            world.planned.clear()
            await pause(world.seconds_to(world.agenda.next_at()), world.planned)


async def probe(world: World, watch: Watch) -> None:
    """Look at one target, unless there is a reason not to, and hand on what was seen."""
    account = world.config.accounts.get(watch.target.account)
    if account is None:
        return  # a new configuration came in between
    try:
        observation = await _look_at(world, account, watch)
    except Exception as error:  # a bug of ours must neither end the watch nor be blamed on anybody
        log.exception("%s: the attempt itself failed", watch.target.id)
        observation = unseen(watch, world.edge.clock(), f"the monitor's own fault ({type(error).__name__})")
    if watch.aside:
        observation = _set_aside(observation)
    world.finished.put_nowait(observation)
    if (
        world.finished.qsize() >= min(ENOUGH, len(world.config.watches))
        or observation.outcome is not Outcome.OK
        or is_wavering(world.healths.get(watch.target.id, Health()))
    ):
        world.urgent.set()


async def _look_at(world: World, account: Account, watch: Watch) -> Observation:
    if refusal := _refusal(world, account, watch):
        return unseen(watch, world.edge.clock(), refusal)
    async with world.host(account.id):
        world.begun[watch.target.id] = world.read_clocks()
        provider = world.config.providers[account.provider]
        seen = await world.outside.attempt(world.prober, provider, account, watch.target)
        return _explained(world, seen)


def _explained(world: World, observation: Observation) -> Observation:
    """Take for our own fault what the account's configuration explains, as long as that has never worked."""
    target, account = observation.target, world.config.accounts.get(observation.target.account)
    if observation.outcome is Outcome.OK:
        world.proven.add(target.id)
    if observation.fault is None or account is None:
        return observation
    provider, proven = world.config.providers[account.provider], target.id in world.proven
    others = None if proven else _works_otherwise(world, target)
    return explain(provider, account, observation, proven=proven, others=others)


def _works_otherwise(world: World, target: Target) -> bool | None:
    """Return whether another ability of the account answers well; None when there is no other."""
    watches = (one for one in world.config.watches.values() if one.target.account == target.account and not one.aside)
    others = [one.target.id for one in watches if one.target.canary != target.canary]
    return any(world.healths.get(id, Health()).state is State.UP for id in others) if others else None


def _set_aside(observation: Observation) -> Observation:
    """Take the failure of a look beside the account's work as not having seen, unless it speaks of all of it."""
    if observation.fault is None or observation.fault in ACCOUNT_WIDE:
        return observation
    return replace(observation, outcome=Outcome.UNKNOWN, fault=None)


def _refusal(world: World, account: Account, watch: Watch) -> str | None:
    if account.problem:
        return f"not asked: {account.problem}"
    now = world.edge.clock()
    if not watch.free and not is_affordable(world.config.budgets[account.id], spent_today(world, account.id, now), now):
        return "the day's budget for this account's canaries is spent"
    return None


def unseen(watch: Watch, at: datetime, reason: str) -> Observation:
    """Return the observation of a look that did not take place."""
    return Observation(watch.target, at, Outcome.UNKNOWN, answer=Answer("monitor/not-asked", reason))


def _offset(world: World) -> timedelta:
    return world.edge.clock() - timedelta(seconds=world.edge.timer()) - datetime.fromtimestamp(0, UTC)


def _plan_after_jump(world: World) -> None:
    log.warning("the clock jumped, or the machine slept: every look is planned anew")
    world.agenda = Agenda()
    world.plan_anew()
