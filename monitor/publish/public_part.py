"""A snapshot → the lines of the public page: providers and services, each with the targets that count for it; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.own_words import first_words, in_language
from monitor.config.public_page import PublicService
from monitor.publish.ability import is_working
from monitor.publish.paths import slug
from monitor.publish.snapshot import ProviderView, Snapshot, TargetView
from monitor.publish.status import CurrentState, Mark, mark_target
from monitor.slo.indicator import Cell

SERVICE = "service"
"""The first level of a service's id: a provider's has only one."""


class PublicPart(Struct, frozen=True):
    """One line of the public page, with its words as in the first language: `parts_in_language` gives others.

    `key`: its name in addresses, which no other part has. `group`: by which services belong together; `group_name`: its
    name for readers. `service`: what it is made of, None of a provider. `targets`: those that count, by account; `ids`:
    their ids by that of the account; `enough` working accounts make it work. The rest is as of a provider.
    """

    id: str
    key: str
    name: str
    targets: tuple[tuple[TargetView, ...], ...]
    ids: Mapping[str, frozenset[str]]
    target_ids: frozenset[str]
    enough: int
    cells: tuple[Cell, ...]
    days: tuple[Cell, ...]
    watched_since: datetime | None
    about: str = ""
    group: str | None = None
    group_name: str = ""
    service: PublicService | None = None

    @property
    def is_service(self) -> bool:
        return self.service is not None


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
    its = {one.id: tuple(it for it in one.targets if not it.aside) for one in view.accounts if not one.own_host}
    return PublicPart(
        id=view.id,
        key=slug(view.id),
        name=view.name,
        targets=tuple(filter(None, its.values())),
        ids=_ids(its),
        target_ids=_target_ids(its.values()),
        enough=1,
        cells=view.cells,
        days=view.days,
        watched_since=view.watched_since,
    )


def _service(snapshot: Snapshot, number: int) -> PublicPart:
    view = snapshot.services[number]
    its = {
        account.id: tuple(one for one in account.targets if one.id in view.service.targets)
        for provider in snapshot.providers
        for account in provider.accounts
    }
    return PublicPart(
        id=f"{SERVICE}/{slug(view.service.key)}",
        key=f"{SERVICE}-{slug(view.service.key)}",
        name=first_words(view.service.name),
        targets=tuple(filter(None, its.values())),
        ids=_ids(its),
        target_ids=_target_ids(its.values()),
        enough=view.service.enough,
        cells=view.cells,
        days=view.days,
        watched_since=view.watched_since,
        about=first_words(view.service.about),
        group=first_words(view.service.group) if view.service.group else None,
        group_name=first_words(view.service.group) if view.service.group else "",
        service=view.service,
    )


def parts_in_language(parts: Sequence[PublicPart], code: str) -> list[PublicPart]:
    """Return the parts with their words in a language; a group is named as by the first of it that has a table."""
    told = ((part.group, part.service.group) for part in reversed(parts) if part.service)
    groups = {group: in_language(words, code) for group, words in told if words and not isinstance(words, str)}
    return [_in_language(part, groups, code) for part in parts]


def _in_language(part: PublicPart, groups: Mapping[str | None, str], code: str) -> PublicPart:
    if (its := part.service) is None:
        return part
    name, about = in_language(its.name, code), in_language(its.about, code)
    return replace(part, name=name, about=about, group_name=groups.get(part.group, part.group_name))


def _ids(targets: Mapping[str, Iterable[TargetView]]) -> Mapping[str, frozenset[str]]:
    return {account: ids for account, its in targets.items() if (ids := frozenset(one.id for one in its))}


def _target_ids(targets: Iterable[Iterable[TargetView]]) -> frozenset[str]:
    return frozenset(one.id for its in targets for one in its)


def works(part: PublicPart, now: CurrentState) -> bool:
    """Whether a service is seen to work at enough accounts, or a provider anywhere: others may fail for reasons of
    their own. What is being re-checked still counts for a service, as it does for `usable`.
    """
    if part.is_service:
        return sum(all(is_working(one, now.at) for one in its) for its in part.targets) >= part.enough
    return any(mark_target(one, now) is Mark.UP for its in part.targets for one in its)
