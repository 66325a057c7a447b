"""What happened to an incident, who was told, what people said → the lines of its story, in order; pure."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from monitor import words
from monitor.alert.case import Delivery, OutboxState, Step
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply, ReplyKind, active_replies, without_repeated
from monitor.diagnose.incident import ChangeKind, Incident
from monitor.diagnose.incident_step import IncidentState, IncidentStep
from monitor.diagnose.subject import Scope
from monitor.publish.snapshot import IncidentView
from monitor.publish.status import Mark, mark_incident
from monitor.publish.view_model import TimelineRow
from monitor.sentence.translation import ENGLISH, PageLanguage
from monitor.words import Moment

SCOPES = {
    Scope.TARGET: "one canary",
    Scope.MODEL: "one model",
    Scope.CAPABILITY: "one ability of an account",
    Scope.LOCATION: "some places, not others",
    Scope.ACCOUNT: "the whole account",
    Scope.ORGANIZATION: "several accounts that belong together",
    Scope.PROVIDER: "the provider, across accounts",
    Scope.EGRESS: "the network of this monitor",
    Scope.MONITOR: "this monitor",
    Scope.SOURCE: "a status page that we read",
    Scope.REMINDER: "a date that you entered",
    Scope.OBJECTIVE: "an objective that you set",
    Scope.STAGE: "a stage of this monitor",
}
STEPS = {
    Step.OPENED: "first message",
    Step.CHANGED: "news",
    Step.RESOLVED: "all-clear",
    Step.REMINDER: "reminder",
    Step.ESCALATED: "escalation",
    Step.MISSED: "message after quiet hours",
}
"""Words for the messages about an incident; the other steps are about none."""
Line = tuple[datetime, int, str, str, str | None]
"""When, its place among what is of the same instant, the words, the symbol, and why it failed."""
NAMED = 5
"""Most accounts named in one line."""
AT_ONCE = timedelta(seconds=1)
"""Less than this between a notice and our reading of it is no delay."""


def build_timeline(view: IncidentView, speech: PageLanguage) -> tuple[TimelineRow, ...]:
    """Return all that happened, oldest first; at one instant the begin stands first and the end last."""
    incident = view.incident
    first = (incident.opened_at, 0, speech.say(_began(incident)), str(mark_incident(incident)), None)
    rows: list[Line] = [first]
    rows += [(at, 1, said, icon, None) for at, said, icon in (*_steps(view, speech), *_announcement(view, speech))]
    rows += [(told.at, 2, _message(told, speech), "message", told.error) for told in view.told]
    rows += [(max(at, incident.opened_at), 2, said, "message", None) for at, said in _replies(view, speech)]
    rows += [(one.at, 2, _note(one, speech), "message", None) for one in view.notes]
    if incident.closed_at:
        ended = "The drill is over" if incident.drill else "Ended"
        rows.append((incident.closed_at, 3, speech.say(ended), "ended", None))
    rows.sort(key=lambda row: row[:2])
    return tuple(TimelineRow(clock(at, incident, speech), said, icon, error) for at, _, said, icon, error in rows)


def _began(incident: Incident) -> str:
    if incident.drill:
        return "The drill begins here"
    return "First sign seen" if incident.signal else "First failure seen: the incident begins here"


def clock(at: datetime, incident: Incident, speech: PageLanguage) -> Moment:
    """Name an instant to the second, with its day if that is not the first of the incident."""
    here, began = at.astimezone(speech.zone), incident.opened_at.astimezone(speech.zone)
    time = f"{here:%H:%M:%S}"
    dated = speech.say("{date}, {time}", date=speech.day(here), time=time)
    return replace(speech.instant(at), words=time if here.date() == began.date() else dated)


# What became of it


def _steps(view: IncidentView, speech: PageLanguage) -> Iterator[tuple[datetime, str, str]]:
    before: IncidentState | None = None
    for step in view.steps:
        for said in _step(step, before, speech):
            yield step.at, said, "dot"
        before = step.state


def _step(step: IncidentStep, before: IncidentState | None, speech: PageLanguage) -> Iterator[str]:
    """Yield what one step tells. What it changed is told by what was known before; None: that is not known."""
    many = speech.many
    match step.kind:
        case ChangeKind.OPENED:
            if accounts := step.state.accounts:
                names = _names(accounts, speech)
                yield many(len(accounts), "Confirmed at {names}", "Confirmed at {n} accounts: {names}", names=names)
        case ChangeKind.CHANGED | ChangeKind.UPDATED:
            if before:
                yield from _differences(before, step.state, speech)
        case ChangeKind.MERGED:
            if step.state.parent:
                yield speech.say("Became part of a wider incident: {id}", id=step.state.parent)
        case ChangeKind.REDATED:
            yield speech.say("The clock was set, and these times with it")
        case ChangeKind.WITHDRAWN:
            yield speech.say("No longer watched")
        case ChangeKind.RESOLVED | ChangeKind.ANNOUNCED:
            return
        case _:
            assert_never(step.kind)


def _differences(before: IncidentState, after: IncidentState, speech: PageLanguage) -> Iterator[str]:
    if before.parent and not after.parent:
        yield speech.say("It outlasts the wider incident that it was part of")
    if joined := after.accounts - before.accounts:
        names = _names(joined, speech)
        yield speech.many(len(joined), "{names} joined", "{n} accounts joined: {names}", names=names)
    if gone := before.accounts - after.accounts:
        names = _names(gone, speech)
        yield speech.many(len(gone), "{names} recovered", "{n} accounts recovered: {names}", names=names)
    if turned := list(_turns(before, after, speech)):
        yield speech.clauses(turned)


def _turns(before: IncidentState, after: IncidentState, speech: PageLanguage) -> Iterator[str]:
    """Yield what changed in the diagnosis."""
    say = speech.say
    pairs: list[tuple[str, str | None, str | None]] = [
        (say("Whose fault"), speech.blame(before.blame), speech.blame(after.blame)),
        (say("What is affected"), _affected(before, speech), _affected(after, speech)),
        (say("What is wrong"), speech.fault(before.fault), speech.fault(after.fault)),
        (say("How sure"), say(words.CERTAINTIES[before.confidence]), say(words.CERTAINTIES[after.confidence])),
    ]
    for what, one, other in pairs:
        if one and other and one != other:
            yield speech.about(what, say("first {before}, then {after}", before=one, after=other))


def _affected(it: IncidentState, speech: PageLanguage) -> str | None:
    return speech.say(SCOPES[it.about.scope]) if it.about else None


def _names(ids: Collection[str], speech: PageLanguage) -> str:
    return words.join_items(sorted(ids), NAMED, speech)


def _announcement(view: IncidentView, speech: PageLanguage) -> Iterator[tuple[datetime, str, str]]:
    """Yield what the provider's page said, when it did so, and how old that was when we read it."""
    if (told := view.incident.announcement) is None:
        return
    read_at = next((step.at for step in view.steps if step.kind is ChangeKind.ANNOUNCED), told.at)
    said = speech.say("The provider's page says: {title}", title=told.title)
    if read_at - told.at >= AT_ONCE:
        late = speech.duration((read_at - told.at).total_seconds())
        said = speech.aside(said, speech.say("{late} old when we read it", late=late))
    yield told.at, said, Mark.PARTLY


# Who was told


def _message(told: Delivery, speech: PageLanguage) -> str:
    kind = words.capitalize(speech.say(STEPS.get(told.step, told.step)))
    return speech.say("{kind} to {channel}: {fate}", kind=kind, channel=told.channel, fate=_fate(told, speech))


def _fate(told: Delivery, speech: PageLanguage) -> str:
    tries = speech.many(told.tries, "one try", "{n} tries")
    match told.state:
        case OutboxState.SENT:
            return speech.say("delivered") if told.tries <= 1 else speech.say("delivered after {tries}", tries=tries)
        case OutboxState.WAITING:
            return speech.say("to be retried after {tries}", tries=tries) if told.tries else speech.say("on the way")
        case OutboxState.REPLACED:
            return speech.say("replaced by the next one after {tries}", tries=tries)
        case OutboxState.FAILED:
            return speech.say("{state} after {tries}", state=speech.say("failed"), tries=tries)
    assert_never(told.state)


# What people said


def _replies(view: IncidentView, speech: PageLanguage) -> Iterator[tuple[datetime, str]]:
    """Yield each reply when it was given; a snooze during another one changes that."""
    before: Reply | None = None
    for one in without_repeated(view.replies):
        if one.kind is not ReplyKind.SNOOZE:
            yield one.at, _reply(one, speech)
            continue
        is_change = before is not None and before.is_running(one.at)
        yield one.at, _changed_snooze(one, speech) if is_change else _reply(one, speech)
        before = one


def _changed_snooze(one: Reply, speech: PageLanguage) -> str:
    who = one.by or speech.say("somebody")
    until = speech.moment(one.until, one.at).words if one.until else ""
    return speech.say("Snooze changed by {who}: until {time}", who=who, time=until)


def _reply(one: Reply, speech: PageLanguage, today: datetime | None = None) -> str:
    who = one.by or speech.say("somebody")
    until = speech.moment(one.until, today or one.at).words if one.until else ""
    match one.kind:
        case ReplyKind.ACKNOWLEDGE:
            return speech.say("Acknowledged by {who}", who=who)
        case ReplyKind.SNOOZE:
            return speech.say("Snoozed by {who} until {time}", who=who, time=until)
        case ReplyKind.SILENCE:
            said = speech.say("Silenced by {who} until {time}", who=who, time=until)
            return speech.about(said, one.reason) if one.reason else said
        case ReplyKind.LIFT:
            return speech.say("Silence ended by {who}", who=who)
    assert_never(one.kind)


def _note(one: IncidentNote, speech: PageLanguage) -> str:
    who = one.by or speech.say("somebody")
    return speech.about(speech.say("{who}, also in public", who=who) if one.public else who, one.text)


def standing_replies(view: IncidentView, now: datetime, speech: PageLanguage = ENGLISH) -> tuple[str, ...]:
    """Say which replies are in effect now, by whom and since when; none of a closed incident."""
    if view.incident.closed_at:
        return ()
    return tuple(_standing(one, now, speech) for one in active_replies(view.replies, now))


def _standing(one: Reply, now: datetime, speech: PageLanguage) -> str:
    said = _reply(one, speech, now)
    if one.kind is not ReplyKind.ACKNOWLEDGE:
        return said
    return speech.say("{said} at {time}", said=said, time=speech.moment(one.at, now).words)
