"""Incidents → the texts that the templates show; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from monitor import words
from monitor.alert.case import Delivery, OutboxState
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import Incident, accounts_of_targets
from monitor.publish.chart import last_day
from monitor.publish.incident_timeline import SCOPES, build_timeline, standing_replies
from monitor.publish.lane import draw_lanes
from monitor.publish.paths import account_page, incident_page, month_page
from monitor.publish.snapshot import USUAL_IMPORTANCE, AccountView, IncidentView, Snapshot, Substitute
from monitor.publish.status import MARKS, RANKS, mark_incident
from monitor.publish.view_model import (
    AccountProofs,
    IncidentRow,
    IncidentStory,
    LinkedText,
    Month,
    ProofRow,
    SubstituteRow,
)
from monitor.sentence.translation import ENGLISH, PageLanguage
from probes.model import Fault
from probes.target_id import account_of

RECENT = 5
"""Number of past incidents on the front page."""
IncidentsByNotice = Mapping[tuple[str, str], Incident]
"""Incidents by source and id of the notice about them."""
IncidentsByAccount = Mapping[str, tuple[Incident, ...]]
ADDRESS = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")


def incidents_by_notice(incidents: Iterable[Incident]) -> IncidentsByNotice:
    """Return the incident that each notice is about; of several, the one we were sure of first."""
    known = [one for one in incidents if one.announcement and one.lead is not None and not one.drill]
    known.sort(key=lambda one: one.lead or timedelta())
    return {(one.announcement.source, one.announcement.notice): one for one in known if one.announcement}


def build_months(snapshot: Snapshot, speech: PageLanguage = ENGLISH) -> tuple[Month, ...]:
    """Return the months, newest first. A part of a wider incident is in its own month."""
    by_month: dict[str, list[IncidentView]] = {}
    for view in wider_first(snapshot.past_incidents):
        by_month.setdefault(month_page(view.incident.opened_at), []).append(view)
    return tuple(_month(href, by_month[href], snapshot.made_at, speech) for href in sorted(by_month, reverse=True))


def _month(href: str, views: Sequence[IncidentView], made_at: datetime, speech: PageLanguage) -> Month:
    name = speech.month(views[0].incident.opened_at)
    return Month(name, href, tuple(build_row(view, made_at, None, speech) for view in views))


def build_story(view: IncidentView, made_at: datetime, speech: PageLanguage = ENGLISH) -> IncidentStory:
    """Return one incident in full. A closed one does not depend on `made_at`, so its page stays byte for byte."""
    incident = view.incident
    return IncidentStory(
        row=build_row(view, made_at, None, speech),
        is_open=incident.closed_at is None,
        ended=speech.moment(incident.closed_at) if incident.closed_at else None,
        severity=speech.say(incident.severity),
        scope=speech.say(SCOPES[incident.scope]),
        blame_at_length=speech.say(words.whose_fault_at_length(incident)),
        targets=incident.targets,
        events=build_timeline(view, speech),
        proofs=tuple(_proof(evidence, incident.signal, speech) for evidence in incident.evidence),
        instead=None if view.instead is None else substitutes(view, made_at, speech),
        answers=tuple(_answers(incident, speech)),
        lanes=draw_lanes(incident, made_at, speech),
    )


def substitutes(view: IncidentView, made_at: datetime, speech: PageLanguage) -> tuple[SubstituteRow, ...]:
    return tuple(_substitute(one, made_at, speech) for one in view.instead or ())


def _substitute(one: Substitute, made_at: datetime, speech: PageLanguage) -> SubstituteRow:
    caution = speech.phrase(one.caution) if one.caution else ""
    return SubstituteRow(one.account, account_page(one.account), speech.moment(one.seen_at, made_at), caution)


def split_links(text: str) -> tuple[LinkedText, ...]:
    """Split a text so that its http(s) URLs can be links."""
    found: list[LinkedText] = []
    end = 0
    for address in ADDRESS.finditer(text):
        found += [LinkedText(text[end : address.start()]), LinkedText(address[0], address[0])]
        end = address.end()
    return tuple(piece for piece in (*found, LinkedText(text[end:])) if piece.text)


def worst_sentence(views: Sequence[IncidentView], made_at: datetime, speech: PageLanguage) -> tuple[LinkedText, ...]:
    """Say which open incident is the gravest, and what to use instead; empty if none tells of a loss."""
    view = next((one for one in views if not (one.incident.drill or one.incident.signal)), None)
    if view is None:
        return ()
    incident = view.incident
    subject, what = speech.subject_and_what(incident)
    who = speech.whose_hedged(incident)
    said = (
        speech.say("Worst: {name}: {what} ({who}).", name=NAME, what=what, who=who)
        if subject
        else speech.say("Worst: {name}.", name=NAME)
    )
    named = LinkedText(subject or what, incident_page(incident.id), is_own=True)
    return (*_linked(said, named), *_use_sentence(view, made_at, speech))


def ended_sentence(ended: datetime, href: str, made_at: datetime, speech: PageLanguage) -> tuple[LinkedText, ...]:
    """Say that nothing is open, and when the last incident ended, with a link to it."""
    said = speech.say("Nothing is open; the last incident ended {time}.", time=NAME)
    return tuple(_linked(said, LinkedText(speech.moment(ended, made_at).words, href, is_own=True)))


NAME = "\0"
"""Stands in a sentence for the name that is a link."""


def _linked(said: str, named: LinkedText) -> Iterator[LinkedText]:
    before, _, after = said.partition(NAME)
    yield from (LinkedText(before), named, LinkedText(after))


def _use_sentence(view: IncidentView, made_at: datetime, speech: PageLanguage) -> Iterator[LinkedText]:
    if not view.instead:
        return
    best, gap = _best(view.instead), LinkedText(speech.sentences(("", "")))
    passed = speech.duration((made_at - best.seen_at).total_seconds())
    said = speech.say("Use {account}, seen working {passed} ago.", account=NAME, passed=passed)
    yield gap
    yield from _linked(said, LinkedText(best.account, account_page(best.account), is_own=True))
    if best.caution:
        yield gap
        yield LinkedText(speech.say("Caution: {caution}.", caution=speech.phrase(best.caution)))


def _best(instead: Sequence[Substitute]) -> Substitute:
    """Return the first that has no caution; where each has one, the first."""
    return next((one for one in instead if not one.caution), instead[0])


def gravest_first(views: Sequence[IncidentView], known: Mapping[str, AccountView]) -> list[IncidentView]:
    """Sort by what a reader must know first: real before drill, the worst, the most important, then the oldest.

    `known`: the accounts by id.
    """

    def place(view: IncidentView) -> tuple[bool, int, int, int, datetime]:
        it = view.incident
        hit = [known[id].importance for id in accounts_of_targets(it.targets) if id in known]
        return it.drill, RANKS[mark_incident(it)], -it.severity.rank, min(hit, default=USUAL_IMPORTANCE), it.opened_at

    return sorted(views, key=place)


def top_incidents(snapshot: Snapshot) -> list[IncidentView]:
    """Return the open incidents that are not part of another open one."""
    ids = {view.incident.id for view in snapshot.open_incidents}
    return [view for view in snapshot.open_incidents if view.incident.parent not in ids]


def marked_today(snapshot: Snapshot) -> IncidentsByAccount:
    """Return by account the incidents that its charts of a day mark."""
    return marked_incidents(snapshot, last_day(snapshot.made_at).first)


def marked_incidents(snapshot: Snapshot, since: datetime) -> IncidentsByAccount:
    """Return by account the incidents since then that its charts of durations mark.

    Left out are drills, parts of wider ones, and what warns of anything but slow answers.
    """
    every = [view.incident for view in (*snapshot.open_incidents, *snapshot.past_incidents)]
    late = [one for one in every if one.closed_at is None or one.closed_at > since]
    ids = {one.id for one in late}
    found: dict[str, tuple[Incident, ...]] = {}
    for one in late:
        if not one.drill and one.parent not in ids and (not one.signal or one.fault is Fault.SLOW):
            for account in accounts_of_targets(one.members):
                found[account] = (*found.get(account, ()), one)
    return found


def newest_first(views: Sequence[IncidentView]) -> list[IncidentView]:
    return sorted(views, key=lambda view: (view.incident.opened_at, view.incident.id), reverse=True)


def wider_first(views: Sequence[IncidentView]) -> list[IncidentView]:
    """Sort by the newest first, but a part right below its wider incident, whenever it began."""
    known = {view.incident.id: view.incident for view in views}

    def place(view: IncidentView) -> tuple[datetime, str, int, datetime, str]:
        line = _line_up(view.incident, known)
        return line[-1].opened_at, line[-1].id, -len(line), view.incident.opened_at, view.incident.id

    return sorted(views, key=place, reverse=True)


def _line_up(incident: Incident, known: Mapping[str, Incident]) -> list[Incident]:
    """Return an incident, the wider one that it is part of, and so on up to the widest known."""
    line = [incident]
    while (wider := known.get(line[-1].parent or "")) and wider not in line:
        line.append(wider)
    return line


def build_row(
    view: IncidentView,
    made_at: datetime,
    today: datetime | None,
    speech: PageLanguage,
    known: Mapping[str, AccountView] | None = None,
) -> IncidentRow:
    """Return the line of an incident. `known`: the accounts by id, for its priority."""
    incident = view.incident
    until = incident.closed_at or made_at
    mark = mark_incident(incident)
    subject, what = speech.subject_and_what(incident)
    return IncidentRow(
        id=incident.id,
        href=incident_page(incident.id),
        title=speech.title(incident),
        subject=subject,
        what=what,
        mark=mark,
        state=speech.say(MARKS[mark]),
        drill=incident.drill,
        whose=words.capitalize(speech.owner(incident)),
        use=_use(view, speech),
        priority=_priority(incident, known) if known else "",
        blame=words.capitalize(speech.whose(incident)),
        certainty=speech.certainty(incident) if words.is_blamed(incident) else "",
        began=speech.moment(incident.opened_at, today),
        lasted=speech.duration((until - incident.opened_at).total_seconds()),
        advice=split_links(speech.sentences(view.advice)),
        reasons=(*speech.reasons(incident), *filter(None, [speech.ending(incident)])),
        told=_told_words(view.told, speech),
        undelivered=any(map(_is_stuck, view.told)),
        lead=words.capitalize(speech.lead(incident.lead)),
        parent=incident.parent,
        replies=standing_replies(view, made_at, speech),
    )


def _use(view: IncidentView, speech: PageLanguage) -> str:
    """Say in a few words what works instead; empty where that is no question."""
    if view.incident.signal:
        return speech.say("Still works")
    if view.instead:
        best = _best(view.instead)
        return speech.say("Use {account}, with caution" if best.caution else "Use {account}", account=best.account)
    return "" if view.instead is None else speech.say("No substitute known")


def _priority(incident: Incident, known: Mapping[str, AccountView]) -> str:
    """Return the highest priority that one of its accounts was given, as `P1`; empty if none was."""
    its = (known[id].priority for id in accounts_of_targets(incident.targets) if id in known)
    told = min((one for one in its if one is not None), default=None)
    return "" if told is None else f"P{told}"


def _told_words(told: Sequence[Delivery], speech: PageLanguage) -> str:
    """Say how the delivery of an incident's messages went, worst first."""
    told = [it for it in told if it.state is not OutboxState.REPLACED]
    stuck = sum(map(_is_stuck, told))
    waiting = sum(it.state is not OutboxState.SENT for it in told) - stuck
    if not told:
        return speech.say("no message was due")
    if stuck:
        return speech.many(
            len(told), "{stuck} of {n} message not delivered", "{stuck} of {n} messages not delivered", stuck=stuck
        )
    if waiting:
        return speech.many(waiting, "{n} message on the way", "{n} messages on the way")
    return speech.many(len(told), "{n} message delivered", "{n} messages delivered")


def _is_stuck(told: Delivery) -> bool:
    return told.state not in (OutboxState.SENT, OutboxState.REPLACED) and told.tries > 0


def _answers(incident: Incident, speech: PageLanguage) -> Iterator[AccountProofs]:
    """Yield the failing answers of each account."""
    found: dict[str, list[ProofRow]] = {}
    for one in incident.evidence:
        found.setdefault(account_of(one.target), []).append(_proof(one, incident.signal, speech))
    for account, its in found.items():
        yield AccountProofs(account, speech.many(len(its), "{n} answer", "{n} answers"), tuple(its))


def _status(evidence: Evidence, signal: bool, speech: PageLanguage) -> str:
    if signal:
        return speech.say("a probe that shows it")
    return f"HTTP {evidence.status}" if evidence.status else speech.say("no HTTP answer")


def _proof(evidence: Evidence, signal: bool, speech: PageLanguage) -> ProofRow:
    return ProofRow(
        target=evidence.target,
        at=speech.instant(evidence.at),
        fault=speech.fault(evidence.fault),
        status=_status(evidence, signal, speech),
        request_id=evidence.request_id,
        rule=evidence.rule,
        words=speech.remark(evidence.words),
        phase=speech.say(words.PHASES[evidence.phase]) if evidence.phase else "",
    )
