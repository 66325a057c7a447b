"""The stage that probes: start each probe when due, and hand its observation on."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from monitor.detect.health import Health, State
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.target_state import is_suspected
from monitor.schedule import ProbePlan, Watch, is_affordable
from monitor.stages.spend import spent_today
from monitor.state.belief import BeliefView
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from probes.model import Account, Answer, Observation, Outcome, Target
from probes.remedy import explain_observation

log = logging.getLogger("monitor")

FULL_BATCH = 500
"""Most results in one batch before the beat is woken; so does one result per target, as no more can come."""
CLOCK_JUMP = timedelta(seconds=30)
"""Drift from the monotonic clock that shows the clock was set or the machine slept: replan everything."""


def is_undecided(health: Health) -> bool:
    """Whether one more probe may decide: a failure is unconfirmed, or an outage may be over."""
    return is_suspected(health) or (health.state is State.DOWN and health.successes > 0)


async def start_probes(services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals) -> None:
    """Start every probe when due, without waiting for any to end."""
    _plan_missing(services, belief, planned)  # the probes under way when this stage last ended
    offset = _offset(services)
    async with asyncio.TaskGroup() as attempts:
        while True:
            if abs(_offset(services) - offset) > CLOCK_JUMP:
                offset = _offset(services)
                log.warning("the clock jumped, or the machine slept: every probe is planned anew")
                planned.probes = ProbePlan()
                _plan_missing(services, belief, planned)
            for target in planned.probes.take_due(services.edge.clock()):
                if watch := belief.config.watches.get(target):
                    attempts.create_task(probe_target(services, belief, planned, signals, watch))
            signals.probes_planned.clear()
            await wait_for_event(services.seconds_to(planned.probes.next_at()), signals.probes_planned)


async def probe_target(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, watch: Watch
) -> None:
    """Probe one target, unless there is a reason not to, and hand on the observation."""
    account = belief.config.accounts.get(watch.target.account)
    if account is None:
        return  # removed by a reload since the probe was planned
    try:
        observation = await _attempt(services, belief, planned, account, watch)
    except Exception as error:  # our bug must neither stop the probing nor be blamed on the account
        log.exception("%s: the attempt itself failed", watch.target.id)
        observation = unprobed(watch, services.edge.clock(), f"the monitor's own fault ({type(error).__name__})")
    if watch.aside:
        observation = _set_aside(observation)
    signals.observations.put_nowait(observation)
    if (
        signals.observations.qsize() >= min(FULL_BATCH, len(belief.config.watches))
        or observation.outcome is not Outcome.OK
        or is_undecided(belief.healths.get(watch.target.id, Health()))
    ):
        signals.urgent.set()


async def _attempt(
    services: Services, belief: BeliefView, planned: ScheduleState, account: Account, watch: Watch
) -> Observation:
    if refusal := _refusal(services, belief, planned, account, watch):
        return unprobed(watch, services.edge.clock(), refusal)
    async with services.turnstiles.to(belief.config, account):
        planned.begun[watch.target.id] = services.edge.read_clocks()
        provider = belief.config.providers[account.provider]
        seen = await services.outside.attempt(services.prober, provider, account, watch.target)
        return _explained(belief, planned, seen)


def _explained(belief: BeliefView, planned: ScheduleState, observation: Observation) -> Observation:
    """Blame our configuration for a failure that it explains, as long as the target has never worked."""
    target, account = observation.target, belief.config.accounts.get(observation.target.account)
    if observation.outcome is Outcome.OK:
        planned.proven.add(target.id)
    if observation.fault is None or account is None:
        return observation
    provider, proven = belief.config.providers[account.provider], target.id in planned.proven
    others = None if proven else _does_another_canary_work(belief, target)
    return explain_observation(provider, account, observation, proven=proven, others=others)


def _does_another_canary_work(belief: BeliefView, target: Target) -> bool | None:
    """Return whether another canary of the account answers well; None when there is none."""
    watches = (one for one in belief.config.watches.values() if one.target.account == target.account and not one.aside)
    others = [one.target.id for one in watches if one.target.canary != target.canary]
    return any(belief.healths.get(id, Health()).state is State.UP for id in others) if others else None


def _set_aside(observation: Observation) -> Observation:
    """Turn a side target's failure into UNKNOWN, unless the fault concerns the whole account."""
    if observation.fault is None or observation.fault in ACCOUNT_WIDE:
        return observation
    return replace(observation, outcome=Outcome.UNKNOWN, fault=None)


def _refusal(
    services: Services, belief: BeliefView, planned: ScheduleState, account: Account, watch: Watch
) -> str | None:
    if account.problem:
        return f"not asked: {account.problem}"
    now = services.edge.clock()
    budget, spent = belief.config.budgets[account.id], spent_today(planned, account.id, now)
    if not watch.free and not is_affordable(budget, spent, now):
        return "the day's budget for this account's canaries is spent"
    return None


def unprobed(watch: Watch, at: datetime, reason: str) -> Observation:
    """Return the observation for a probe that did not take place."""
    return Observation(watch.target, at, Outcome.UNKNOWN, answer=Answer("monitor/not-asked", reason))


def _plan_missing(services: Services, belief: BeliefView, planned: ScheduleState) -> None:
    planned.plan_probes(belief.config.watches, services.edge.clock(), services.pauses.spread_s)


def _offset(services: Services) -> timedelta:
    return services.edge.clock() - timedelta(seconds=services.edge.timer()) - datetime.fromtimestamp(0, UTC)
