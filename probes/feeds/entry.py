"""One feed entry → a report: its state is read from the form of its body, never from prose."""

import re
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from probes.feeds import vocabulary as word
from probes.feeds.report import ParsedFeed, SourceReport
from probes.feeds.syndication import FeedItem, read_entries
from probes.feeds.text import plain_text, read_id, read_name, read_time, safe_link
from probes.notice import ComponentState, Impact, NoticePhase

STATUS = re.compile(
    r"(?:\s|<[^<>]*>)*(?:status|状态|狀態)\s*[:：]\s*(?:</?(?:b|strong)>\s*)?"
    r"([^\W\d_][^\W\d]{1,15}(?: [^\W\d]{1,15}){0,2})",
    re.IGNORECASE,
)
STATE = re.compile(
    r"<(strong|b|h[1-6])\b[^<>]{0,200}>\s*(?:(?:status|状态|狀態)\s*[:：]\s*)?"
    r"([^\W\d_](?:[^\W\d]| ){1,24})\s*[:：]?\s*</\1>",
    re.IGNORECASE,
)
LEAD = re.compile(r"(?:^|\bUTC|\bGMT)(?:\s|<[^<>]*>)*([^\W\d_](?:[^\W\d]| ){2,24}?)\s+[-–—]\s", re.IGNORECASE)
"""Statuspage's form where somebody removed the bold: `Nov 29, 18:00 UTC Resolved - It is over.`"""
LEAD_CHARACTERS = 3000
"""Characters to search for it: the newest update comes first, and is not longer."""
SEVERITY = re.compile(r"severity:\s*(?:</?(?:b|strong)>\s*)?([a-z][a-z_ ]{2,24})", re.IGNORECASE)
ENDED = re.compile(r"resolved:\s*(?:</?(?:b|strong)>\s*)?([^<>]{8,60})", re.IGNORECASE)
AFFECTED = re.compile(
    r"(?:<(?:b|strong|h\d|p)>\s*|^[ \t]*|(?<=[>\r\n])[ \t]*)"
    r"(?:affected (?:components|services)|受?影响的?(?:组件|服务)|受?影響的?(?:組件|元件|服務))"
    r"[ \t]*(?:[:：]|$|(?=[<\r\n]))",
    re.IGNORECASE,
)
"""A heading, or the start of a line: in prose these words name nothing."""
BEFORE = re.compile(r"(?:</?\w+ ?/?>|[\s:：])*")
"""What comes between the heading and the first name."""
STOPS = " \t\r\n.。;；"
LISTED = re.compile(r"<li\b[^<>]{0,200}>(?:\s|<(?!/?li\b|/ul)[^<>]*>)*([^<>]{1,200})", re.IGNORECASE)
SUFFIX = re.compile(r"^(.*?)\s*\(([a-z_ ]{2,24})\)$", re.IGNORECASE)
DATED = re.compile(r"<small>.{0,200}?</small>", re.IGNORECASE | re.DOTALL)
TITLE_STATE = re.compile(
    r"\brecovered$|[\[(](?:resolved|recovered|completed)[\])]|^\W*(?:resolved|recovered|completed)\s*[:\-–—|]"
    r"|[\[(【（](?:已解决|已恢复|已修复|已完成|已解決|已恢復|已修復)[\])】）]|(?:已解决|已恢复|已修复|已解決|已恢復)$",
    re.IGNORECASE,
)
PREFIX = re.compile(r"^\s*\[([^\[\]]{1,80})\]\s*")
SLUG = re.compile(r"/(?:incidents?|maintenances?|scheduled[-_]maintenances?|notices?)/+([\w-]{4,64})", re.IGNORECASE)
UPDATE_NUMBER = re.compile(r"_\d{9,13}$")


class StatedPhase(Struct, frozen=True):
    """A phase, and where its text starts and ends in the body."""

    phase: NoticePhase
    begin: int = 0
    end: int | None = None


def read_feed(tell: Callable[[FeedItem], SourceReport], text: str) -> ParsedFeed:
    """Raises UnreadableFeed."""
    entries, unread = read_entries(text)
    reports = tuple(map(tell, entries))
    newest_at = max((one.updated_at for one in reports if one.updated_at), default=None)
    return ParsedFeed(reports, newest_at=newest_at, unread=unread)


def read_entry(entry: FeedItem) -> SourceReport:
    """Return the report of an entry in any of the forms that almost every platform uses."""
    return _read(entry, phase_in_body(entry))


def _read(entry: FeedItem, state: StatedPhase) -> SourceReport:
    title, parts = plain_text(entry.title, 200), _parts(entry.body)
    severity = SEVERITY.search(entry.body)
    said = word.impact_of(severity[1]) if severity else None
    graded = any(part.impact is not Impact.UNKNOWN for part in parts)
    return SourceReport(
        id=_id(entry),
        title=title,
        url=safe_link(entry.link) or safe_link(entry.id),
        phase=state.phase,
        impact=said if said or graded else word.impact_of_title(title),
        parts=parts,
        began_at=entry.began_at,
        updated_at=entry.updated_at,
        ended_at=None if state.phase.is_open else _ended_at(entry),
        text=_text(entry.body, state),
        planned=word.is_planned(state.phase, title, said or max((part.impact for part in parts), default=None)),
    )


def phase_in_body(entry: FeedItem) -> StatedPhase:
    if status := STATUS.match(entry.body):
        found = word.phase_of(status[1])
        if found is NoticePhase.UNKNOWN:
            found = word.phase_of(status[1].split()[0])
        if found is not NoticePhase.UNKNOWN:
            return StatedPhase(found, status.end())
    if states := _states(entry.body) or _leads(entry.body):
        return states[0]
    return StatedPhase(_phase_of_title(entry.title))


def _states(body: str) -> list[StatedPhase]:
    """Return the phases named in bold, in document order. `Update` keeps the phase before it."""
    marks = [mark for mark in STATE.finditer(body) if _is_state(mark[2])]
    named = [word.phase_of(mark[2]) for mark in marks]
    ends = [*(mark.start() for mark in marks), len(body)][1:]
    return [
        StatedPhase(
            next((one for one in named[at:] if one is not NoticePhase.UNKNOWN), NoticePhase.INVESTIGATING),
            mark.end(),
            end,
        )
        for at, (mark, end) in enumerate(zip(marks, ends, strict=False))
    ]


def _leads(body: str) -> list[StatedPhase]:
    known = [
        lead for lead in LEAD.finditer(body, 0, LEAD_CHARACTERS) if word.phase_of(lead[1]) is not NoticePhase.UNKNOWN
    ]
    ends = [*(lead.start() for lead in known), len(body)][1:]
    return [StatedPhase(word.phase_of(lead[1]), lead.end(), end) for lead, end in zip(known, ends, strict=True)]


def _is_state(text: str) -> bool:
    return text.strip().lower() == "update" or word.phase_of(text) is not NoticePhase.UNKNOWN


def _phase_of_title(title: str) -> NoticePhase:
    return NoticePhase.RESOLVED if TITLE_STATE.search(plain_text(title, 300)) else NoticePhase.UNKNOWN


def _id(entry: FeedItem) -> str:
    """Return the incident's own id where a URL contains it, so that a page's feed and its JSON agree."""
    for address in (entry.id, entry.link):
        if slug := SLUG.search(address):
            return slug[1]
    return read_id(entry.id, entry.link, f"{entry.title}\n{entry.began_at}")


def _parts(body: str) -> tuple[ComponentState, ...]:
    heading = AFFECTED.search(body)
    if not heading:
        return ()
    rest = body[heading.end() :]
    listed = LISTED.findall(rest) or re.split("[,，、]", BEFORE.sub("", rest, count=1).partition("<")[0])
    return tuple(_part(text) for text in listed if read_name(text.strip(STOPS)))


def _part(text: str) -> ComponentState:
    told = read_name(text.strip(STOPS))
    suffix = SUFFIX.match(told)
    found = word.impact_of(suffix[2]) if suffix else None
    return ComponentState(suffix[1], found) if suffix and found else ComponentState(told, Impact.UNKNOWN)


def _ended_at(entry: FeedItem) -> datetime | None:
    found = ENDED.search(entry.body)
    return found and read_time(found[1].strip()) or entry.updated_at


def _text(body: str, state: StatedPhase) -> str:
    told = ENDED.sub("", SEVERITY.sub("", DATED.sub("", body[state.begin : state.end])))
    heading = AFFECTED.search(told)
    return plain_text(told[: heading.start()] if heading else told).lstrip("-–—: ")


# Platforms whose entries differ in more than wording ----------------------------------------------------


def read_by_category(entry: FeedItem) -> SourceReport:
    """Return the report where the state, if given at all, is a category."""
    found = (word.phase_of(category) for category in entry.categories)
    phase = next((one for one in found if one is not NoticePhase.UNKNOWN), None)
    return _read(entry, replace(phase_in_body(entry), phase=phase)) if phase else read_entry(entry)


def read_in_any_order(entry: FeedItem) -> SourceReport:
    """Instatus: updates come in either order, so anything closed is closed."""
    states = _states(entry.body)
    if not states:
        return read_entry(entry)
    return _read(entry, next((state for state in states if not state.phase.is_open), states[-1]))


def read_by_prefix(entry: FeedItem) -> SourceReport:
    """xAI: the component precedes the title."""
    report, prefix = read_by_category(entry), PREFIX.match(entry.title)
    if not prefix:
        return report
    impact = (report.impact or Impact.UNKNOWN) if report.phase.is_open else Impact.NONE
    title = plain_text(entry.title[prefix.end() :], 200)
    return replace(report, title=title, parts=(ComponentState(read_name(prefix[1]), impact),))


def read_by_service(entry: FeedItem) -> SourceReport:
    """Azure: services and regions are the categories, and an item exists only while something is wrong."""
    services = tuple(ComponentState(read_name(one), Impact.UNKNOWN) for one in entry.categories if read_name(one))
    return replace(read_entry(entry), parts=services)


def read_by_update(entry: FeedItem) -> SourceReport:
    """AWS: each update is an item of its own, with its number at the end of its id."""
    report = read_entry(entry)
    return replace(report, id=f"{UPDATE_NUMBER.sub('', report.id)}/{PREFIX.sub('', report.title)}")


def merge_reports(parsed: ParsedFeed) -> ParsedFeed:
    """Merge reports of one id that differ in component: open while one is, with all components."""
    groups: dict[str, list[SourceReport]] = {}
    for report in parsed.reports:
        groups.setdefault(report.id, []).append(report)
    return replace(parsed, reports=tuple(_united(group) for group in groups.values()))


def _united(group: list[SourceReport]) -> SourceReport:
    latest: dict[tuple[str, ...], SourceReport] = {}
    for report in sorted(group, key=lambda one: one.updated_at.timestamp() if one.updated_at else 0.0):
        latest[tuple(part.name for part in report.parts)] = report
    alive = [one for one in latest.values() if one.phase.is_open] or list(latest.values())
    parts = tuple(part for one in latest.values() for part in one.parts)
    return replace(alive[-1], parts=parts, impact=max((one.impact for one in alive if one.impact), default=None))
