"""Whose pages are made anew: of a crowd those with news, and some of the others in turn; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose import Scope
from monitor.incident import Incident
from monitor.publish.mark import is_late
from monitor.publish.snapshot import AccountView, Measure, Snapshot

TURNS = 10
"""A page is made anew at every so manieth time at the latest, though there is nothing new."""


class Glimpse(Struct, frozen=True):
    """What was read of a target's past for the page of its account and is told elsewhere, too."""

    since: datetime | None
    latency: Measure
    ttft: Measure
    availability: float | None


Rota = Mapping[str, tuple[Glimpse, ...]]
"""The accounts whose pages say that they simply work, by id, the oldest page first; a glimpse of each target."""


def at_rest(rota: Rota, accounts: Sequence[AccountView], incidents: Iterable[Incident], at: datetime) -> set[str]:
    """Return the accounts whose pages stay: they work as they did, and it is not their turn."""
    troubled = _troubled(incidents)
    if troubled is None:
        return set()
    turn = set(islice(rota, -(-len(rota) // TURNS)))
    works = (one for one in accounts if one.id in rota and one.id not in turn and one.id not in troubled)
    return {one.id for one in works if _is_plain(one, at) and _since(one) == [it.since for it in rota[one.id]]}


def advance(rota: Rota, snapshot: Snapshot) -> Rota:
    """Return the rota after the pages of a snapshot were made. Where there are few accounts, all pages are."""
    troubled = _troubled(view.incident for view in snapshot.open_incidents)
    if troubled is None:
        return {}
    crowds = [one for provider in snapshot.providers if provider.is_crowded for one in provider.accounts]
    stood = {one.id for one in crowds if one.stands}
    made = [one for one in crowds if not one.stands and one.id not in troubled and _is_plain(one, snapshot.made_at)]
    return {id: its for id, its in rota.items() if id in stood} | {one.id: _glimpses(one) for one in made}


def _troubled(incidents: Iterable[Incident]) -> set[str] | None:
    """Return the accounts that open incidents speak of; None: all of them, as nothing can be reached from here."""
    found: set[str] = set()
    for incident in incidents:
        if incident.scope is Scope.MONITOR:
            return None
        found |= {"/".join(target.split("/")[:2]) for target in incident.targets}
    return found


def _is_plain(account: AccountView, at: datetime) -> bool:
    return all(one.state is State.UP and not is_late(one, at) for one in account.targets)


def _since(account: AccountView) -> list[datetime | None]:
    return [one.since for one in account.targets]


def _glimpses(account: AccountView) -> tuple[Glimpse, ...]:
    return tuple(Glimpse(one.since, one.latency, one.ttft, one.availability) for one in account.targets)
