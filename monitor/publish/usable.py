"""Which account works now, and until when that is valid; pure. For gateways, and for `pick`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from monitor.detect.health import State
from monitor.publish.ability import Assessment, is_working, valid_until
from monitor.publish.shared_risk import Caution, find_cautions
from monitor.publish.snapshot import AccountView, ProviderView, Snapshot, TargetView
from monitor.publish.status import CurrentState, Mark
from monitor.publish.uptime import counted_targets
from probes.model import Confidence, Fault
from probes.phrase import Phrase

VERSION = 1
"""Version of the format of `usable.json`. Fields are added without a new version, never removed or changed."""


RECHECKED = Phrase("it failed just now and is being rechecked")


class Usable(Struct, frozen=True):
    """Whether an account can be used for all its configured work. `usable`: None if unknown.

    `checked_at`: the oldest proof of its canaries; `retry_at`: its next probe. `valid_until`: when the first proof
    becomes stale; for an unusable account a while after `retry_at`, as it does not recover unseen. `suspected`: a
    failure is being re-checked, and the earlier result holds. `abilities`: usability by kind of canary; `models`: by
    model, where one kind is probed on several. `caution`: None if there is no warning. `well_at`: the oldest of its
    canaries' last good answers.
    """

    account: str
    provider: str
    usable: bool | None
    state: Mark
    fault: Fault | None
    since: datetime | None
    confidence: Confidence | None
    checked_at: datetime | None
    valid_until: datetime | None
    retry_at: datetime | None
    suspected: bool
    warned: bool
    abilities: Mapping[str, bool | None]
    models: Mapping[str, Mapping[str, bool | None]]
    caution: Caution | None = None
    well_at: datetime | None = None

    @property
    def offered(self) -> bool:
        return bool(self.usable) and not (self.caution and self.caution.withheld)

    @property
    def doubt(self) -> Phrase | None:
        """Why it may be lost next, or be lost already; None if nothing says so."""
        if self.suspected:
            return RECHECKED
        return self.caution.words if self.caution else None

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """The sort key of what to offer, lowest first: accounts without a warning first, re-checked ones last."""
        return self.suspected, self.caution is not None, self.state is Mark.PARTLY, self.warned


def assess_usability(snapshot: Snapshot, now: CurrentState, also_suspended: Iterable[str] = ()) -> list[Usable]:
    """Return the usability of each account. `also_suspended`: treated as suspended, as in a drill."""
    told = find_cautions(snapshot, also_suspended)
    margin = timedelta(seconds=snapshot.fresh_s)
    return [
        _usable(account, provider, now, margin, told.get(account.id))
        for provider in snapshot.providers
        for account in provider.accounts
    ]


def pick(every: Sequence[Usable], provider: str) -> Usable | None:
    """Return the account of a provider to use now: the best of those offered, ties in the order of the file."""
    its = (one for one in every if one.provider == provider and one.offered)
    return min(its, key=lambda one: one.rank, default=None)


def _usable(
    account: AccountView, provider: ProviderView, now: CurrentState, margin: timedelta, caution: Caution | None
) -> Usable:
    targets, mark, judged = counted_targets(account), now.marks[account.id], now.judgements[account.id]
    incident = now.incident_at(targets)  # one about what counts for nothing says nothing of how sure we are
    seen = [target.seen_at for target in targets if target.seen_at]
    return Usable(
        account=account.id,
        provider=provider.id,
        usable=judged.usable,
        state=mark,
        fault=None if mark.works else account.fault,
        since=account.since,
        confidence=incident.confidence if incident else None,
        checked_at=min(seen, default=None) if len(seen) == len(targets) else None,
        valid_until=_valid_until(targets, judged, now.at, margin),
        retry_at=_retry_at(targets),
        suspected=any(target.state is State.SUSPECTED for target in targets),
        warned=account.id in now.warned,
        abilities=judged.abilities,
        models=judged.models,
        caution=caution,
        well_at=min((target.well_at for target in targets if target.well_at), default=None),
    )


def _retry_at(targets: Sequence[TargetView]) -> datetime | None:
    return min((target.next_at for target in targets if target.next_at), default=None)


def _valid_until(targets: Sequence[TargetView], judged: Assessment, at: datetime, margin: timedelta) -> datetime | None:
    match judged.usable:
        case True:
            return min(valid_until(target) for target in targets if is_working(target, at))
        case False:
            return max(_retry_at(targets) or at, at) + margin
        case None:
            return None
    assert_never(judged.usable)
