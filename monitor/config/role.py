"""What a node does, where several share a store; and its part of the configuration that they have in common."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec.structs import replace

from monitor.alert.channel import TERMINAL
from monitor.config.config import Config
from monitor.schedule import DailyBudget, Watch

SHARED = "all places"
"""The location of what the judges write: it is seen from each of them."""


class Role(StrEnum):
    """What a node does. ALL: both of the others."""

    ALL = "all"
    PROBE = "probe"
    JUDGE = "judge"


def located_at(config: Config, location: str) -> Config:
    """Return the configuration of a node that is there, whatever its file says."""
    return replace(config, store=replace(config.store, location=location))


def probing_part(config: Config) -> Config:
    """Return what a node does at its place: it probes, and keeps what it sees until that is in the shared store.

    What costs money goes round the places: each has its turn in so many intervals, and its part of the budget.
    """
    here, store = config.location, replace(config.store, url="")
    watches = {id: one for id, watch in config.watches.items() if (one := _turn_of(config, watch, here))}
    return replace(
        config,
        store=store,
        watches=watches,
        budgets={id: _share_of(budget, len(places_of(config, id))) for id, budget in config.budgets.items()},
        site=replace(config.site, serve=False),
        channels=(TERMINAL,),
        feeds={},
        reminders=(),
        objectives=(),
        services=(),
        heartbeat=None,
        collector=None,
        public_folder=None,
        metrics=None,
    )


def judging_part(config: Config) -> Config:
    """Return what a judge goes by: each target as it is probed from each place. It needs no key."""
    watches = {one.target.id: one for watch in config.watches.values() for one in _everywhere(config, watch)}
    accounts = {id: replace(account, problem=None) for id, account in config.accounts.items()}
    return replace(config, store=replace(config.store, location=SHARED), watches=watches, accounts=accounts)


def places_of(config: Config, account: str) -> list[str]:
    """Return the places from which an account is probed."""
    return [one.name for one in config.locations if account not in one.without]


def _turn_of(config: Config, watch: Watch, here: str) -> Watch | None:
    """Return how a target is watched from one place; None: it is not."""
    places = places_of(config, watch.target.account)
    if here not in places:
        return None
    times = 1 if watch.free else len(places)
    return replace(watch, interval_s=watch.interval_s * times, turn=places.index(here) / len(places))


def _everywhere(config: Config, watch: Watch) -> Iterator[Watch]:
    for place in places_of(config, watch.target.account):
        if its := _turn_of(config, watch, place):
            yield replace(its, target=replace(watch.target, location=place))


def _share_of(budget: DailyBudget, places: int) -> DailyBudget:
    parts = max(1, places)
    return DailyBudget(budget.daily_usd / parts, budget.daily_tokens // parts)
