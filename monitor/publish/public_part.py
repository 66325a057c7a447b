"""A snapshot → the lines of the public page: providers and services, each with the targets that count for it; pure."""

from datetime import datetime

from msgspec import Struct

from monitor.publish.ability import is_working
from monitor.publish.paths import slug
from monitor.publish.snapshot import ProviderView, Snapshot, TargetView
from monitor.publish.status import CurrentState, Mark, mark_target
from monitor.slo.indicator import Cell

SERVICE = "service"
"""The first level of a service's id: a provider's has only one."""


class PublicPart(Struct, frozen=True):
    """One line of the public page.

    `key`: its name in addresses. `targets`: those that count, by account; `enough` working accounts make it work. The
    rest is as of a provider.
    """

    id: str
    key: str
    name: str
    targets: tuple[tuple[TargetView, ...], ...]
    enough: int
    cells: tuple[Cell, ...]
    days: tuple[Cell, ...]
    watched_since: datetime | None
    about: str = ""
    group: str | None = None
    is_service: bool = False

    @property
    def target_ids(self) -> frozenset[str]:
        return frozenset(one.id for its in self.targets for one in its)


def shows_providers(snapshot: Snapshot) -> bool:
    told = snapshot.manner.public.providers
    return not snapshot.services if told is None else told


def public_providers(snapshot: Snapshot) -> list[ProviderView]:
    """Return the shipped providers with at least one account that uses the provider's own base URL."""
    if not shows_providers(snapshot):
        return []
    return [one for one in snapshot.providers if one.shipped and any(not it.own_host for it in one.accounts)]


def public_parts(snapshot: Snapshot) -> list[PublicPart]:
    """Return the services in their order, those of a group together, and the providers."""
    services = [_service(snapshot, number) for number in range(len(snapshot.services))]
    groups = dict.fromkeys(one.group for one in services)
    return [
        *(one for group in groups for one in services if one.group == group),
        *(_provider(one) for one in public_providers(snapshot)),
    ]


def _provider(view: ProviderView) -> PublicPart:
    its = [[one for one in account.targets if not one.aside] for account in view.accounts if not account.own_host]
    return PublicPart(
        id=view.id,
        key=slug(view.id),
        name=view.name,
        targets=tuple(tuple(targets) for targets in its if targets),
        enough=1,
        cells=view.cells,
        days=view.days,
        watched_since=view.watched_since,
    )


def _service(snapshot: Snapshot, number: int) -> PublicPart:
    view = snapshot.services[number]
    its = [
        tuple(one for one in account.targets if one.id in view.service.targets)
        for provider in snapshot.providers
        for account in provider.accounts
    ]
    return PublicPart(
        id=f"{SERVICE}/{slug(view.service.key)}",
        key=slug(view.service.key),
        name=view.service.name,
        targets=tuple(filter(None, its)),
        enough=view.service.enough,
        cells=view.cells,
        days=view.days,
        watched_since=view.watched_since,
        about=view.service.about,
        group=view.service.group,
        is_service=True,
    )


def works(part: PublicPart, now: CurrentState) -> bool:
    """Whether a service is seen to work at enough accounts, or a provider anywhere: others may fail for reasons of
    their own. What is being re-checked still counts for a service, as it does for `usable`.
    """
    if part.is_service:
        return sum(all(is_working(one, now.at) for one in its) for its in part.targets) >= part.enough
    return any(mark_target(one, now) is Mark.UP for its in part.targets for one in its)
