"""The canaries' spending today, and the cost of each answer."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from monitor.config.cost import max_usage
from monitor.schedule import Spending
from monitor.state.belief import BeliefView
from monitor.state.schedule_state import ScheduleState
from probes.model import Observation, Usage


def record_spending(
    belief: BeliefView, planned: ScheduleState, observations: Sequence[Observation]
) -> dict[str, Spending]:
    spent: dict[str, Spending] = {}
    for observation in observations:
        paid = _paid(belief, observation)
        if paid.usage.tokens_in or paid.usage.tokens_out:
            account = observation.target.account
            planned.spendings[account] = spent[account] = spent_today(planned, account, observation.at).add(paid)
    return spent


def spent_today(planned: ScheduleState, account: str, at: datetime) -> Spending:
    """Return the last known spending; zero on the day of `at` if none is known."""
    return planned.spendings.get(account) or Spending(at.date())


def _paid(belief: BeliefView, observation: Observation) -> Observation:
    """Return the observation with its usage and cost; if the answer states none, the most it can be."""
    watch = belief.config.watches.get(observation.target.id)
    if watch is None or watch.free or observation.status != 200 or observation.usage != Usage():
        return observation
    target, config = watch.target, belief.config
    usage, usd = max_usage(target, config.providers[target.provider], config.accounts[target.account])
    return replace(observation, usage=usage, cost_usd=usd)
