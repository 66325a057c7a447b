"""Which accounts' pages are made this time: of a crowd, those with news and some of the others in turn; pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice

from msgspec import Struct

from monitor.diagnose.incident import accounts_of_targets
from monitor.publish.ability import is_overdue
from monitor.publish.snapshot import CROWD, AccountView, DurationView, ProviderView, Snapshot
from monitor.publish.status import CurrentState

TURNS = 10
"""Number of runs within which every page is made, even without news."""
MOST = 200
"""Most pages with news made in one run: in a storm, and at the start, the others wait for the next."""

PageDigest = tuple[object, ...]
"""The contents of a page whose change must not wait for its turn."""


class PastMeasures(Struct, frozen=True):
    """The part of a target's past that was read for its account's page and is shown elsewhere, too."""

    latency: DurationView
    ttft: DurationView
    token: DurationView
    availability: float | None


class RenderedPage(Struct, frozen=True):
    """The gist of an account's page, and the past measures of each of its targets."""

    gist: PageDigest
    past_measures: tuple[PastMeasures, ...]


Rotation = Mapping[str, RenderedPage]
"""Accounts whose pages are kept, by id, oldest page first. Those of few accounts are always made."""


class DuePages(Struct, frozen=True):
    """The accounts whose pages are to be made; `more`: others have news, too."""

    accounts: frozenset[str]
    more: bool


def due_pages(rotation: Rotation, snapshot: Snapshot, now: CurrentState) -> DuePages:
    """Return the accounts whose pages are due: none that was never probed. `snapshot` holds no past yet."""
    few = [one.id for provider in snapshot.providers if not provider.is_crowded for one in provider.accounts]
    long = [id for provider in snapshot.providers for id in shown_in_full(provider, now)]
    gists = _gists(snapshot, now)
    new = {one.id for provider in snapshot.providers for one in provider.accounts if one.is_new}
    news = [id for id, gist in gists.items() if (rotation[id].gist != gist if id in rotation else id not in new)]
    news.sort(key=lambda id: now.marks[id].works)  # failing accounts first
    turn = islice(rotation, -(-len(rotation) // TURNS))
    made = frozenset((*few, *long, *news[:MOST], *turn))
    return DuePages(made, not made.issuperset(news))


def shown_in_full(provider: ProviderView, now: CurrentState) -> Iterator[str]:
    """Yield those of a crowd that every page shows in full: the first that do not simply work."""
    if not provider.is_crowded:
        return iter(())
    return islice((one.id for one in provider.accounts if not now.marks[one.id].works), CROWD)


def advance_rotation(rotation: Rotation, snapshot: Snapshot, now: CurrentState) -> Rotation:
    """Return the rotation after the pages of a snapshot were made."""
    gists = _gists(snapshot, now)
    crowds = [one for provider in snapshot.providers if provider.is_crowded for one in provider.accounts]
    stand = {one.id for one in crowds if one.stands}
    made = {one.id: RenderedPage(gists[one.id], _glimpses(one)) for one in crowds if not one.stands}
    return {id: entry for id, entry in rotation.items() if id in stand} | made


def _gists(snapshot: Snapshot, now: CurrentState) -> dict[str, PageDigest]:
    """Return the gist of each account in a crowd: its state, its targets', and the open incidents about it."""
    speaking: dict[str, list[str]] = {}
    for view in snapshot.open_incidents:
        for account in accounts_of_targets(view.incident.targets):
            speaking.setdefault(account, []).append(view.incident.id)
    for id, sign in now.warned.items():
        speaking.setdefault(id, []).append(sign.id)
    crowds = (provider.accounts for provider in snapshot.providers if provider.is_crowded)
    return {
        one.id: (now.marks[one.id], *_gist(one, now.at), *speaking.get(one.id, ())) for its in crowds for one in its
    }


def _gist(account: AccountView, at: datetime) -> Iterator[PageDigest]:
    return ((one.state, one.fault, one.since, one.reason, is_overdue(one, at)) for one in account.targets)


def _glimpses(account: AccountView) -> tuple[PastMeasures, ...]:
    return tuple(PastMeasures(one.latency, one.ttft, one.token, one.availability) for one in account.targets)
