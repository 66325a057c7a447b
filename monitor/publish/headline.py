"""The one sentence on top of the page; pure. It says that all is well only when all was seen to be well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitor.diagnose import Scope
from monitor.incident import Incident
from monitor.publish.mark import Mark, Standing, is_late, mark_account, standing
from monitor.publish.snapshot import AccountView, Snapshot
from monitor.words import BLAMES, FAULTS, capital, count, moment, title, whose_hedged

NAMED = 3
"""So many causes are named in the sentence; the rest is counted."""

REST = {
    Mark.SUSPECTED: ("is being rechecked", "are being rechecked"),
    Mark.UNKNOWN: ("is not fully known", "are not fully known"),
    Mark.UP: ("works", "work"),
}


@dataclass(frozen=True, slots=True)
class Headline:
    """`lead` and `causes` make the sentence; `rest` says how the other accounts are."""

    mark: Mark
    lead: str
    causes: tuple[str, ...] = ()
    rest: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.lead}: {'; '.join(self.causes)}." if self.causes else f"{self.lead}."


@dataclass(frozen=True, slots=True)
class Roll:
    """All accounts, and the mark of each by id: trouble also where an open incident names one."""

    accounts: tuple[AccountView, ...]
    marks: Mapping[str, Mark]
    now: Standing

    def marked(self, *marks: Mark) -> list[AccountView]:
        return [account for account in self.accounts if self.marks[account.id] in marks]


def headline(snapshot: Snapshot) -> Headline:
    roll = _roll(snapshot)
    if not roll.accounts:
        return Headline(Mark.UNKNOWN, "No account is watched yet")
    if roll.now.offline:
        return Headline(Mark.UNKNOWN, "This monitor is offline, so nothing is known of any account")
    if roll.now.incidents or roll.marked(Mark.DOWN, Mark.PARTLY):
        return _trouble(roll, {provider.id: provider.name for provider in snapshot.providers})
    if roll.marked(Mark.SUSPECTED):
        return _some(roll, Mark.SUSPECTED, "failed just now and {be} being rechecked", _suspicion)
    if roll.marked(Mark.UNKNOWN):
        return _some(roll, Mark.UNKNOWN, "{be} not fully known", lambda account: _gap(account, roll.now))
    lead = f"{capital(_all(len(roll.accounts)))} {REST[Mark.UP][len(roll.accounts) != 1]}"
    return _warned(roll, lead) if roll.now.signals else Headline(Mark.UP, lead)


def _warned(roll: Roll, lead: str) -> Headline:
    """Say what is coming while all works."""
    signs = [title(incident) for incident in roll.now.signals]
    return Headline(Mark.PARTLY, f"{lead}, with {count(len(signs), 'warning')}", _few(signs))


def _roll(snapshot: Snapshot) -> Roll:
    now = standing(snapshot)
    accounts = tuple(account for provider in snapshot.providers for account in provider.accounts)
    return Roll(accounts, {account.id: _mark(account, now) for account in accounts}, now)


def _mark(account: AccountView, now: Standing) -> Mark:
    """Count an account that an open incident names as in trouble, although its canaries recover just now."""
    mark = mark_account(account, now)
    named = any(now.incident_of(target.id) for target in account.targets)
    return Mark.PARTLY if named and not mark.is_trouble else mark


def _trouble(roll: Roll, names: Mapping[str, str]) -> Headline:
    sick = roll.marked(Mark.DOWN, Mark.PARTLY)
    mark = Mark.DOWN if roll.marked(Mark.DOWN) else Mark.PARTLY
    causes = [_cause(incident, names) for incident in roll.now.incidents]
    causes += [_own_cause(account) for account in sick if not _is_explained(account, roll.now)]
    lead = f"{_share(len(sick), roll)} {'has' if len(sick) == 1 else 'have'} trouble" if sick else "An incident is open"
    return Headline(mark, lead, _few(causes), _rest(roll, Mark.SUSPECTED, Mark.UNKNOWN, Mark.UP))


def _some(roll: Roll, mark: Mark, words: str, cause: Callable[[AccountView], str]) -> Headline:
    accounts = roll.marked(mark)
    verb = words.format(be="is" if len(accounts) == 1 else "are")
    others = list(REST)[list(REST).index(mark) + 1 :]
    lead = f"{_share(len(accounts), roll)} {verb}"
    return Headline(mark, lead, _few([cause(account) for account in accounts]), _rest(roll, *others))


def _cause(incident: Incident, names: Mapping[str, str]) -> str:
    subject = names.get(incident.subject, incident.subject) if incident.scope is Scope.PROVIDER else incident.subject
    return f"{subject}: {FAULTS[incident.fault]} ({whose_hedged(incident)})"


def _own_cause(account: AccountView) -> str:
    if account.fault is None:
        return f"{account.id}: cause not known"
    return f"{account.id}: {FAULTS[account.fault]} ({BLAMES[account.fault.blame]})"


def _is_explained(account: AccountView, now: Standing) -> bool:
    return any(now.incident_of(target.id) for target in account.targets)


def _suspicion(account: AccountView) -> str:
    faults = sorted({FAULTS[target.fault] for target in account.targets if target.fault})
    return f"{account.id}: {', '.join(faults)}" if faults else account.id


def _gap(account: AccountView, now: Standing) -> str:
    """Say why an account is not known: the first reason that one of its targets gives."""
    if not account.targets:
        return f"{account.id}: nothing of it is watched"
    reason = next((target.reason for target in account.targets if target.reason), None)
    if reason:
        return f"{account.id}: {reason}"
    seen = [target.seen_at for target in account.targets if is_late(target, now.at) and target.seen_at]
    return f"{account.id}: not seen since {moment(min(seen), now.at).words}" if seen else f"{account.id}: not seen yet"


def _few(causes: Sequence[str]) -> tuple[str, ...]:
    more = (f"and {len(causes) - NAMED} more",) if len(causes) > NAMED else ()
    return (*causes[:NAMED], *more)


def _rest(roll: Roll, *marks: Mark) -> str:
    """Say how the others are: `The other 3 work.`"""
    counts = [(len(roll.marked(mark)), REST[mark]) for mark in marks]
    said = [f"{number} {verbs[number != 1]}" for number, verbs in counts if number]
    if len(said) == 1:
        return f"The other {said[0]}.".replace("other 1 ", "other one ")
    return f"Of the others {', '.join(said)}." if said else ""


def _share(some: int, roll: Roll) -> str:
    every = len(roll.accounts)
    return f"{some} of {every} accounts" if some < every else capital(_all(every))


def _all(accounts: int) -> str:
    match accounts:
        case 1:
            return "the only account"
        case 2:
            return "both accounts"
        case _:
            return f"all {accounts} accounts"
