"""What one account's suspension means for the others of the same company; pure."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose.incident import accounts_of_targets
from monitor.publish.snapshot import AccountView, Snapshot
from probes.model import Fault
from probes.phrase import Phrase
from probes.target_id import provider_of

CONTAGIOUS_FAULTS = frozenset({Fault.ACCOUNT_SUSPENDED})
"""Faults that can spread to the next account. A demand to verify, or an empty balance, is that account's alone."""


SHARING = "{account} is suspended and shares the {level} {name}: whatever caused that can hit this account, too"
BESIDE = "{account} is suspended: whatever caused that can hit this account, too"


class Caution(Struct, frozen=True):
    """Why an account is offered with a warning; `withheld`: not offered, as it is tied to a suspended one."""

    words: Phrase
    withheld: bool


def find_cautions(snapshot: Snapshot, also_suspended: Iterable[str] = ()) -> Mapping[str, Caution]:
    """Return the caution of each account that has one, by id; suspended accounts have none."""
    accounts = [account for provider in snapshot.providers for account in provider.accounts]
    named = _named(snapshot).union(also_suspended)
    suspended = {one.id: one for one in accounts if one.id in named or _is_suspended(one)}
    if not suspended:
        return {}
    others = (one for one in accounts if one.id not in suspended)
    return {one.id: caution for one in others if (caution := _caution(one, tuple(suspended.values())))}


def _named(snapshot: Snapshot) -> set[str]:
    """Return the accounts whose suspension is an open incident, even while they cannot be probed."""
    incidents = (view.incident for view in snapshot.open_incidents)
    return {
        id
        for one in incidents
        if one.fault in CONTAGIOUS_FAULTS and not one.drill
        for id in accounts_of_targets(one.targets)
    }


def _is_suspended(account: AccountView) -> bool:
    return any(one.state is State.DOWN and one.fault in CONTAGIOUS_FAULTS for one in account.targets)


def _caution(account: AccountView, suspended: Sequence[AccountView]) -> Caution | None:
    its = [one for one in suspended if _company(one) == _company(account)]
    for one in its:
        if shared := next((tie for tie in account.ties if tie in one.ties), None):
            level, _, name = shared.partition(" ")  # its level is our word, its name is the user's
            return Caution(Phrase(SHARING, {"account": one.id, "level": Phrase(level), "name": name}), withheld=True)
    if not its:
        return None
    return Caution(Phrase(BESIDE, {"account": its[0].id}), withheld=False)


def _company(account: AccountView) -> str:
    return account.company or provider_of(account.id)
