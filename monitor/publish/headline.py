"""The one sentence at the top of the page; pure. It says that all is well only if all was seen to be well."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from monitor.diagnose.incident import Incident
from monitor.diagnose.subject import Scope
from monitor.publish.ability import is_overdue
from monitor.publish.snapshot import AccountView, Snapshot
from monitor.publish.status import CurrentState, Mark
from monitor.sentence.translation import ENGLISH, PageLanguage

NAMED = 3
"""Most causes named in the sentence; the rest are counted."""

OTHERS = {
    Mark.SUSPECTED: ("The other one is being rechecked.", "The other {n} are being rechecked."),
    Mark.UNKNOWN: ("The other one is not fully known.", "The other {n} are not fully known."),
    Mark.AT_RISK: ("The other one is at risk.", "The other {n} are at risk."),
    Mark.UP: ("The other one works.", "The other {n} work."),
}
"""Sentences for the others, if all of them have one mark."""
AMONG = {
    Mark.SUSPECTED: ("{n} is being rechecked", "{n} are being rechecked"),
    Mark.UNKNOWN: ("{n} is not fully known", "{n} are not fully known"),
    Mark.AT_RISK: ("{n} is at risk", "{n} are at risk"),
    Mark.UP: ("{n} works", "{n} work"),
}
"""Words for those of them that have a mark, if others have another."""
SUSPECTED = ("{who} failed just now and is being rechecked", "{who} failed just now and are being rechecked")
NEW = ("{who} has not answered yet", "{who} have not answered yet")
UNCLEAR = ("{who} is not fully known", "{who} are not fully known")

ALL = {1: "The only account", 2: "Both accounts"}


class Headline(Struct, frozen=True):
    """`lead` and `causes` make the sentence; `rest` gives the state of the other accounts."""

    mark: Mark
    lead: str
    causes: tuple[str, ...] = ()
    rest: str = ""
    speech: PageLanguage = ENGLISH

    @property
    def sentence(self) -> str:
        say, causes = self.speech.say, self.speech.clauses(self.causes)
        return say("{lead}: {causes}.", lead=self.lead, causes=causes) if causes else say("{lead}.", lead=self.lead)


class AccountMarks(Struct, frozen=True):
    """All accounts, and the mark of each by id: trouble also if an open incident names the account."""

    accounts: tuple[AccountView, ...]
    marks: Mapping[str, Mark]
    now: CurrentState
    speech: PageLanguage

    def marked(self, *marks: Mark) -> list[AccountView]:
        return [account for account in self.accounts if self.marks[account.id] in marks]


def write_headline(snapshot: Snapshot, now: CurrentState, speech: PageLanguage = ENGLISH) -> Headline:
    roll = _roll(snapshot, now, speech)
    if not roll.accounts:
        return Headline(Mark.UNKNOWN, speech.say("No account is watched yet"), speech=speech)
    if roll.now.offline:
        lead = speech.say("This monitor is offline, so nothing is known about any account")
        return Headline(Mark.UNKNOWN, lead, speech=speech)
    if roll.now.incidents or roll.marked(Mark.DOWN, Mark.PARTLY):
        return _trouble(roll, {provider.id: provider.name for provider in snapshot.providers})
    if roll.marked(Mark.SUSPECTED):
        return _some(roll, Mark.SUSPECTED, SUSPECTED, lambda account: _suspicion(account, speech))
    if unknown := roll.marked(Mark.UNKNOWN):
        if all(account.is_new for account in unknown):
            return _some(roll, Mark.UNKNOWN, NEW, lambda account: account.id)
        return _some(roll, Mark.UNKNOWN, UNCLEAR, lambda account: _gap(account, roll))
    lead = speech.many(len(roll.accounts), "{who} works", "{who} work", who=_share(len(roll.accounts), roll))
    return _warned(roll, lead) if roll.now.signals else Headline(Mark.UP, lead, speech=speech)


def _warned(roll: AccountMarks, lead: str) -> Headline:
    """Say what is coming while everything works."""
    signs = [roll.speech.title(incident) for incident in roll.now.signals]
    said = roll.speech.many(len(signs), "{lead}, with {n} warning", "{lead}, with {n} warnings", lead=lead)
    return Headline(Mark.AT_RISK, said, _few(signs, roll.speech), speech=roll.speech)


def _roll(snapshot: Snapshot, now: CurrentState, speech: PageLanguage) -> AccountMarks:
    accounts = tuple(account for provider in snapshot.providers for account in provider.accounts)
    return AccountMarks(accounts, {account.id: _mark(account, now) for account in accounts}, now, speech)


def _mark(account: AccountView, now: CurrentState) -> Mark:
    """Count an account named by an open incident as in trouble, even if its canaries are just recovering."""
    mark = now.marks[account.id]
    return Mark.PARTLY if now.incident_at(account.targets) and not mark.is_trouble else mark


def _trouble(roll: AccountMarks, names: Mapping[str, str]) -> Headline:
    sick, speech = roll.marked(Mark.DOWN, Mark.PARTLY), roll.speech
    mark = Mark.DOWN if roll.marked(Mark.DOWN) else Mark.PARTLY
    causes = [_cause(incident, names, speech) for incident in roll.now.incidents]
    causes += [_own_cause(account, speech) for account in sick if not roll.now.incident_at(account.targets)]
    lead = speech.say("An incident is open")
    if sick:
        lead = speech.many(len(sick), "{who} has trouble", "{who} have trouble", who=_share(len(sick), roll))
    return Headline(mark, lead, _few(causes, speech), _rest(roll, *OTHERS), speech)


def _some(roll: AccountMarks, mark: Mark, verbs: tuple[str, str], cause: Callable[[AccountView], str]) -> Headline:
    accounts = roll.marked(mark)
    others, speech = list(OTHERS)[list(OTHERS).index(mark) + 1 :], roll.speech
    lead = speech.many(len(accounts), *verbs, who=_share(len(accounts), roll))
    return Headline(mark, lead, _few([cause(account) for account in accounts], speech), _rest(roll, *others), speech)


def _cause(incident: Incident, names: Mapping[str, str], speech: PageLanguage) -> str:
    subject = speech.subject(incident)
    if incident.scope is Scope.PROVIDER:
        subject = names.get(subject, subject)
    return speech.about(subject, speech.aside(speech.fault(incident.fault), speech.whose_hedged(incident)))


def _own_cause(account: AccountView, speech: PageLanguage) -> str:
    if account.fault is None:
        return speech.about(account.id, speech.say("cause not known"))
    return speech.about(account.id, speech.aside(speech.fault(account.fault), speech.blame(account.fault.blame)))


def _suspicion(account: AccountView, speech: PageLanguage) -> str:
    faults = sorted({speech.fault(target.fault) for target in account.targets if target.fault})
    return speech.about(account.id, speech.items(faults)) if faults else account.id


def _gap(account: AccountView, roll: AccountMarks) -> str:
    """Say why an account's state is unknown: the first reason among its targets."""
    now, speech = roll.now, roll.speech
    if not account.targets:
        return speech.about(account.id, speech.say("nothing there is watched"))
    reason = next((target.reason for target in account.targets if target.reason), None)
    if reason:
        return speech.about(account.id, speech.say(reason))
    seen = [target.seen_at for target in account.targets if is_overdue(target, now.at) and target.seen_at]
    since = speech.say("not seen since {time}", time=speech.moment(min(seen), now.at).words) if seen else ""
    return speech.about(account.id, since or speech.say("not seen yet"))


def _few(causes: Sequence[str], speech: PageLanguage) -> tuple[str, ...]:
    more = (speech.say("and {n} more", n=len(causes) - NAMED),) if len(causes) > NAMED else ()
    return (*causes[:NAMED], *more)


def _rest(roll: AccountMarks, *marks: Mark) -> str:
    """Give the state of the others: `The other 3 work.`"""
    speech = roll.speech
    counts = [(number, mark) for mark in marks if (number := len(roll.marked(mark)))]
    if len(counts) == 1:
        ((number, mark),) = counts
        return speech.many(number, *OTHERS[mark])
    said = speech.items(speech.many(number, *AMONG[mark]) for number, mark in counts)
    return speech.say("Of the others {said}.", said=said) if said else ""


def _share(some: int, roll: AccountMarks) -> str:
    every, speech = len(roll.accounts), roll.speech
    if some < every:
        return speech.say("{some} of {all} accounts", some=some, all=every)
    return speech.say(ALL.get(every, "All {all} accounts"), all=every)
