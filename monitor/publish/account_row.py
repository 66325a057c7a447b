"""Accounts → one row each, the worst first, as the terminal lists them; pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from msgspec import Struct

from monitor import words
from monitor.diagnose.incident import Incident
from monitor.publish.ability import is_overdue
from monitor.publish.shared_risk import Caution, find_cautions
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from monitor.publish.status import CurrentState, Mark, Place, mark_target, place_account
from monitor.words import ENGLISH, Language


class AccountRow(Struct, frozen=True):
    """One account. `why`: what is wrong with it, or why its state is not known; "" if it simply works.

    `incident`: the open one about it, or the sign of one. `place`: among all accounts.
    """

    view: AccountView
    provider: str
    mark: Mark
    place: Place
    since: datetime | None
    why: str
    incident: Incident | None
    caution: Caution | None

    @property
    def id(self) -> str:
        return self.view.id

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is told of it but its state: no trouble, no incident, and it is offered."""
        return not self.mark.is_trouble and not self.incident and not _withheld(self.caution)


def account_rows(snapshot: Snapshot, now: CurrentState, language: Language = ENGLISH) -> list[AccountRow]:
    """Return a row for each account, the worst first; accounts alike keep the order of monitor.toml.

    It is told in English, with times in the zone of `language`.
    """
    told = find_cautions(snapshot)
    rows = [
        _row(account, provider.id, now, told.get(account.id), language)
        for provider in snapshot.providers
        for account in provider.accounts
    ]
    return sorted(rows, key=lambda row: (row.place, row.is_quiet))


def _row(
    account: AccountView, provider: str, now: CurrentState, caution: Caution | None, language: Language
) -> AccountRow:
    mark, incident = now.marks[account.id], now.told_of(account)
    return AccountRow(
        view=account,
        provider=provider,
        mark=mark,
        place=place_account(account, now),
        since=None if now.offline else account.since,
        why=_why(account, mark, incident, now, language) or _withheld(caution),
        incident=incident,
        caution=caution,
    )


def _withheld(caution: Caution | None) -> str:
    """Say why an account that works is offered to nobody."""
    return f"not offered: {caution.words}" if caution and caution.withheld else ""


def _why(account: AccountView, mark: Mark, incident: Incident | None, now: CurrentState, language: Language) -> str:
    match mark:
        case Mark.DOWN | Mark.PARTLY | Mark.SUSPECTED:
            return "; ".join(_troubles(account, now)) or (words.title(incident) if incident else "")
        case Mark.UNKNOWN:
            return _gap(account, now, language)
        case Mark.AT_RISK | Mark.UP:
            return _coming(incident)
    assert_never(mark)


def _coming(incident: Incident | None) -> str:
    """Say what is open about an account that works."""
    if incident is None:
        return ""
    said = words.FAULTS[incident.fault]
    return f"warning: {said}" if incident.signal else f"works again, not for long enough yet: {said}"


def _troubles(account: AccountView, now: CurrentState) -> Iterator[str]:
    """Yield each fault of an account, with the canaries that meet it if others are well."""
    met: dict[str, list[str]] = {}
    failing = [target for target in account.targets if target.fault and target.counts]
    for target in failing:
        met.setdefault(target_words(target), []).append(target.canary)
    others = [one for one in account.targets if one.counts and mark_target(one, now) is Mark.UP]
    for said, canaries in met.items():
        yield f"{', '.join(dict.fromkeys(canaries))}: {said}" if others or len(met) > 1 else said


def target_words(target: TargetView) -> str:
    if target.fault is None:
        return target.reason or ""
    return ", ".join(filter(None, (words.FAULTS[target.fault], words.where(target.fault, target.phase))))


def _gap(account: AccountView, now: CurrentState, language: Language) -> str:
    """Say why an account's state is not known."""
    if now.offline:
        return "this monitor is offline"
    if reason := next((target.reason for target in account.targets if target.reason), None):
        return reason
    late = [one.seen_at for one in account.targets if one.seen_at and is_overdue(one, now.at)]
    return f"not seen since {words.moment(min(late), now.at, language).words}" if late else "not seen yet"
