"""What the suspension of one account means for the others of the same company; pure."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose.incident import accounts_of
from monitor.publish.snapshot import AccountView, Snapshot
from probes.identity import provider_of
from probes.model import Fault

PULLS = frozenset({Fault.ACCOUNT_SUSPENDED})
"""What got one account this can cost the next. A demand to verify, or an empty wallet, is of that account alone."""


class Caution(Struct, frozen=True):
    """Why an account is offered with a warning; `withheld`: it is not offered, as it belongs to a suspended one."""

    words: str
    withheld: bool


def cautions(snapshot: Snapshot, also_suspended: Iterable[str] = ()) -> Mapping[str, Caution]:
    """Return the caution of each account that has one, by its id; the suspended ones have none."""
    accounts = [account for provider in snapshot.providers for account in provider.accounts]
    named = _named(snapshot).union(also_suspended)
    suspended = {one.id: one for one in accounts if one.id in named or _is_suspended(one)}
    if not suspended:
        return {}
    others = (one for one in accounts if one.id not in suspended)
    return {one.id: caution for one in others if (caution := _caution(one, tuple(suspended.values())))}


def _named(snapshot: Snapshot) -> set[str]:
    """Return the accounts whose suspension is an open incident, also while nobody can ask them."""
    told = (view.incident for view in snapshot.open_incidents)
    return {id for one in told if one.fault in PULLS and not one.drill for id in accounts_of(one.targets)}


def _is_suspended(account: AccountView) -> bool:
    return any(one.state is State.DOWN and one.fault in PULLS for one in account.targets)


def _caution(account: AccountView, suspended: Sequence[AccountView]) -> Caution | None:
    its = [one for one in suspended if _company(one) == _company(account)]
    for one in its:
        if shared := next((tie for tie in account.ties if tie in one.ties), None):
            words = f"{one.id} is suspended and shares the {shared}: whatever caused that can hit this account, too"
            return Caution(words, withheld=True)
    if not its:
        return None
    return Caution(f"{its[0].id} is suspended: whatever caused that can hit this account, too", withheld=False)


def _company(account: AccountView) -> str:
    return account.company or provider_of(account.id)
