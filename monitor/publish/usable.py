"""Which account works now, and until when that may be believed; pure. For gateways, and for `pick`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.incident import Incident
from monitor.publish.mark import LATE, Mark, Standing, mark_target
from monitor.publish.snapshot import AccountView, ProviderView, Snapshot, TargetView
from monitor.publish.uptime import counting
from probes.model import Confidence, Fault

VERSION = 1
"""Of the format of `usable.json`. Fields are added without a new version, never removed or changed."""

ORDER = (Mark.UP, Mark.SUSPECTED, Mark.PARTLY)
"""What is taken first; what is down or not known is not taken at all."""


class Usable(Struct, frozen=True):
    """Whether an account can be used. `usable` is None when it is not known.

    `checked_at` is the oldest proof of its canaries, `valid_until` when the first of them is too old to be
    believed, `retry_at` when it is looked at next. `abilities` says it of each kind of canary.
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
    warned: bool
    abilities: dict[str, bool | None]


def usables(snapshot: Snapshot, now: Standing) -> list[Usable]:
    return [_usable(account, provider, now) for provider in snapshot.providers for account in provider.accounts]


def pick(every: Sequence[Usable], provider: str) -> str | None:
    """Return the account of a provider to use now: one that works before one that is doubted, or warned of."""
    its = [one for one in every if one.provider == provider and one.usable]
    best = min(its, key=lambda one: (ORDER.index(one.state), one.warned), default=None)
    return best.account if best else None


def _usable(account: AccountView, provider: ProviderView, now: Standing) -> Usable:
    targets, mark = counting(account), now.marks[account.id]
    abilities = _abilities(account, now)
    incident = next((it for it in map(now.incident_of, (target.id for target in targets)) if it), None)
    usable = _verdict(mark, abilities)
    seen = [target.seen_at for target in targets if target.seen_at]
    complete = len(seen) == len(targets)
    return Usable(
        account=account.id,
        provider=provider.id,
        usable=usable,
        state=mark,
        fault=account.fault if mark is not Mark.UP else None,
        since=account.since,
        confidence=incident.confidence if incident else None,
        checked_at=min(seen, default=None) if complete else None,
        valid_until=min(map(_valid_until, targets), default=None) if complete and usable is not None else None,
        retry_at=min((target.next_at for target in targets if target.next_at), default=None),
        warned=any(_speaks_of(sign, account.id) for sign in now.signals),
        abilities=abilities,
    )


def _speaks_of(sign: Incident, account: str) -> bool:
    """Whether a sign is of this account, or of more and was seen at it, too."""
    of = (sign.subject, *(one.target for one in sign.evidence))
    return any(f"{one}/".startswith(f"{account}/") for one in of)


def _verdict(mark: Mark, abilities: dict[str, bool | None]) -> bool | None:
    """What works badly or in part is usable as long as nothing that was asked for is lost."""
    if mark is Mark.UNKNOWN:
        return None
    return mark in ORDER and False not in abilities.values()


def _abilities(account: AccountView, now: Standing) -> dict[str, bool | None]:
    """Say of each kind of canary whether any of its models works."""
    kinds: dict[str, list[Mark]] = {}
    for target in counting(account):
        kinds.setdefault(target.canary, []).append(mark_target(target, now))
    return {kind: _any_works(marks) for kind, marks in kinds.items()}


def _any_works(marks: Sequence[Mark]) -> bool | None:
    if any(mark in ORDER for mark in marks):
        return True
    return None if Mark.UNKNOWN in marks else False


def _valid_until(target: TargetView) -> datetime:
    if target.seen_at is None:
        raise ValueError(f"{target.id}: was never seen, so nothing of it is valid")
    return target.seen_at + timedelta(seconds=LATE * target.interval_s)
