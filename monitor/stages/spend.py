"""What the canaries have spent today, and what an answer was billed for."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from monitor.config.cost import most_used
from monitor.schedule import Spending
from monitor.stages.state import World
from probes.model import Observation, Usage


def note_spending(world: World, observations: Sequence[Observation]) -> dict[str, Spending]:
    spent: dict[str, Spending] = {}
    for observation in observations:
        paid = _paid(world, observation)
        if paid.usage.tokens_in or paid.usage.tokens_out:
            account = observation.target.account
            world.spendings[account] = spent[account] = spent_today(world, account, observation.at).add(paid)
    return spent


def spent_today(world: World, account: str, at: datetime) -> Spending:
    """Return what was last known to be spent; nothing on the day of `at` where nothing is known."""
    return world.spendings.get(account) or Spending(at.date())


def _paid(world: World, observation: Observation) -> Observation:
    """Return it with what it was billed for; what an answer does not tell counts as the most it can be."""
    watch = world.config.watches.get(observation.target.id)
    if watch is None or watch.free or observation.status != 200 or observation.usage != Usage():
        return observation
    target, config = watch.target, world.config
    usage, usd = most_used(target, config.providers[target.provider], config.accounts[target.account])
    return replace(observation, usage=usage, cost_usd=usd)
