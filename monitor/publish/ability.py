"""Whether a target, an ability and an account work now: the one judgement that every output uses; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from msgspec import Struct

from monitor.detect.health import State
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.publish.snapshot import AccountView, TargetView
from monitor.publish.uptime import counted_targets

LATE_INTERVALS = 3
"""Number of intervals without an observation after which a canary is stale: one may be lost, two can be slow."""
LEAST = timedelta(seconds=60)
"""Shortest validity: what is written each half minute must hold until the next time, however short the interval."""


class Assessment(Struct, frozen=True):
    """Whether an account, each of its abilities and, where one is probed on several models, each model is usable.

    True: it had a good answer within its validity, is not down, and no incident is open against the whole account.
    None: not known.
    """

    usable: bool | None
    abilities: Mapping[str, bool | None]
    models: Mapping[str, Mapping[str, bool | None]]


def assess_account(account: AccountView, at: datetime, *, held: bool = False, offline: bool = False) -> Assessment:
    """Judge an account. `held`: an incident of the whole account is open; `offline`: nothing new is known of any.

    An account refused as a whole stays so until it is seen to work, however long it cannot be probed.
    """
    kinds = _kinds(account)
    if held or is_lost(account):
        return _alike(kinds, works=False)
    if offline:
        return _alike(kinds, works=None)
    abilities = {kind: _together(its, at) for kind, its in kinds.items()}
    models = {kind: {_model(one): is_working(one, at) for one in its} for kind, its in kinds.items() if len(its) > 1}
    return Assessment(_usable(kinds, abilities, at), abilities, models)


def is_working(target: TargetView, at: datetime) -> bool | None:
    """Return whether a target works. During a re-check the earlier result holds; None if it was never well."""
    if target.seen_at and not target.well_at and target.state is not State.UP:
        return False
    match target.state:
        case State.UP:
            return None if is_overdue(target, at) else True
        case State.DOWN:
            return False
        case State.UNKNOWN:
            return None
        case State.SUSPECTED:
            if target.confirmed:
                return False
            return True if at <= valid_until(target) else None
    assert_never(target.state)


def is_lost(account: AccountView) -> bool:
    """Whether one of its targets was refused with a fault of the whole account."""
    return any(target.state is State.DOWN and target.fault in ACCOUNT_WIDE for target in account.targets)


def is_overdue(target: TargetView, at: datetime) -> bool:
    return is_stale(target.seen_at, target.interval_s, at)


def is_stale(seen_at: datetime | None, interval_s: float, at: datetime) -> bool:
    """Return whether an observation of that time is stale for a canary with this interval."""
    return seen_at is None or at - seen_at > _validity(interval_s)


def valid_until(target: TargetView) -> datetime:
    """Return until when its latest good answer is valid."""
    well_at = target.well_at or target.seen_at
    if well_at is None:
        raise ValueError(f"{target.id}: was never seen, so nothing of it is valid")
    return well_at + _validity(target.interval_s)


def _validity(interval_s: float) -> timedelta:
    return max(LEAST, timedelta(seconds=LATE_INTERVALS * interval_s))


def _usable(
    kinds: Mapping[str, Sequence[TargetView]], abilities: Mapping[str, bool | None], at: datetime
) -> bool | None:
    """Return whether all the configured work is possible.

    A free canary only shows that a key is accepted: it decides only if no paid canary is configured, or known.
    """
    work = [kind for kind, its in kinds.items() if not all(one.free for one in its)] or kinds
    if any(abilities[kind] is False for kind in work):
        return False
    every = [one for its in kinds.values() for one in its]
    whole = _together(every, at)
    return None if whole and any(is_working(one, at) is None for one in every) else whole


def _together(targets: Sequence[TargetView], at: datetime) -> bool | None:
    """Return whether any of several works; None if one now unknown counted as well after others failed."""
    known = [is_working(one, at) for one in targets]
    if True in known:
        return True
    if False not in known:
        return None
    failing = min((one.since for one in targets if one.since and is_working(one, at) is False), default=at)
    unseen = [one for one in targets if is_working(one, at) is None and one.well_at]
    return None if any(valid_until(one) > failing for one in unseen) else False


def _kinds(account: AccountView) -> dict[str, list[TargetView]]:
    kinds: dict[str, list[TargetView]] = {}
    for target in counted_targets(account):
        kinds.setdefault(target.canary, []).append(target)
    return kinds


def _alike(kinds: Mapping[str, Iterable[TargetView]], *, works: bool | None) -> Assessment:
    several = {kind: {_model(one): works for one in its} for kind, its in kinds.items()}
    models = {kind: its for kind, its in several.items() if len(its) > 1}
    return Assessment(works, dict.fromkeys(kinds, works), models)


def _model(target: TargetView) -> str:
    return target.model or ""
