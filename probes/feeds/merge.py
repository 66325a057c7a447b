"""Reports → notices: one per incident, limited to what matters to an account and is not long over."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from probes.feeds.report import MOST_COMPONENTS, MOST_REPORTS, ComponentGroup, ParsedFeed, SourceReport
from probes.notice import CLAIMS, UNTITLED, Bulletin, Claim, ComponentState, Impact, Notice, NoticePhase, Trust

KEPT = timedelta(days=7)
"""Age after which an ended incident is history, and one of unknown phase counts as over."""
SKEW = timedelta(hours=1)
"""Most that a source's clock may be ahead of ours; anything later has not happened yet, or never will."""
AHEAD = timedelta(days=60)
"""Furthest ahead that a maintenance may be announced; a later date is wrong."""

REOPENED = {NoticePhase.RESOLVED: NoticePhase.INVESTIGATING, NoticePhase.COMPLETED: NoticePhase.IN_PROGRESS}


def to_notices(parsed: ParsedFeed, components: Sequence[str], now: datetime) -> tuple[Notice, ...]:
    """Return the newest report of each incident as a notice, open and worst ones first, at most MOST_REPORTS."""
    newest: dict[str, SourceReport] = {}
    for report in (_without_impossible_times(one, now) for one in parsed.reports):
        known = newest.get(report.id)
        newest[report.id] = report if known is None else _newer(known, report)
    well = bool(parsed.standings) and all(one.impact is Impact.NONE for one in parsed.standings)
    ours = {
        one.standing.name
        for one in parsed.groups
        if any(is_component_of(part.name, components) for part in one.members)
    }
    notices = (_notice(one, components, ours, well) for one in newest.values())
    return tuple(sorted((one for one in notices if one and is_relevant(one, now)), key=_order)[:MOST_REPORTS])


def component_states(parsed: ParsedFeed, components: Sequence[str]) -> tuple[ComponentState, ...]:
    """Return the states of our components, each once, or of the groups of that name; the worst are kept."""
    found = [one for one in parsed.standings if is_component_of(one.name, components)]
    found = found or [_summed(one) for one in parsed.groups if is_component_of(one.standing.name, components)]
    by_name: dict[str, Impact] = {}
    for one in found:
        by_name[one.name] = max(one.impact, by_name.get(one.name, Impact.NONE))
    ours = [ComponentState(*one) for one in by_name.items()]
    return tuple(ours if len(ours) <= MOST_COMPONENTS else sorted(ours, key=_badness)[:MOST_COMPONENTS])


def component_notices(standings: Sequence[ComponentState], notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Return notices for those of our components that are in trouble, or in maintenance, without a posted one.

    A notice that names no component covers all that are no worse than it.
    """
    of_trouble = [one for one in notices if one.is_open and one.impact > Impact.MAINTENANCE and not one.planned]
    told = {
        Impact.MAINTENANCE: [one for one in notices if one.planned],
        **dict.fromkeys((Impact.MINOR, Impact.MAJOR, Impact.CRITICAL), of_trouble),
    }
    bad = [one for one in standings if one.impact in CLAIMS and not _is_covered(one, told[one.impact])]
    bad.sort(key=_badness)
    return tuple(component_notice(f"component/{one.name}", Claim(one.name, one.impact)) for one in bad[:MOST_REPORTS])


def _is_covered(standing: ComponentState, notices: Sequence[Notice]) -> bool:
    of_all = worst_impact(one.impact for one in notices if not one.components) or Impact.NONE
    return standing.impact <= of_all or any(standing.name in one.components for one in notices)


def component_notice(id: str, it: Claim) -> Notice:
    """Return the notice that stands for what a page shows."""
    is_planned, parts = it.impact is Impact.MAINTENANCE, (it.part,) if it.part else ()
    return Notice(id, it.title, None, NoticePhase.UNKNOWN, it.impact, parts, planned=is_planned, posted=False)


def is_component_of(name: str, components: Sequence[str]) -> bool:
    return not components or any(re.search(one, name, re.IGNORECASE) for one in components)


def is_relevant(notice: Notice, now: datetime) -> bool:
    """Whether a notice is recent or open.

    An open one without a date may be new; repeated polls show how long it stays.
    """
    if not notice.times:
        return notice.phase not in (NoticePhase.RESOLVED, NoticePhase.COMPLETED)
    if notice.phase is NoticePhase.UNKNOWN or not notice.is_open:
        return max(notice.times) >= now - KEPT
    return True


def worst_impact(impacts: Iterable[Impact]) -> Impact | None:
    return max(impacts, default=None)


def _without_impossible_times(report: SourceReport, now: datetime) -> SourceReport:
    """Remove impossible times: a date of 2099 must not stay the newest until then."""
    began = report.began_at if report.began_at and report.began_at <= now + AHEAD else None
    updated = report.updated_at if report.updated_at and report.updated_at <= now + SKEW else None
    if began and began > now + SKEW and not report.planned:
        began = None
    if report.ended_at and report.ended_at > now + SKEW:  # its state is more reliable than a time without a zone
        phase = REOPENED.get(report.phase, report.phase) if report.by_end else report.phase
        return replace(report, began_at=began, updated_at=updated, ended_at=None, phase=phase)
    return replace(report, began_at=began, updated_at=updated)


def _newer(known: SourceReport, other: SourceReport) -> SourceReport:
    """Return the later one; at the same time the closed one; without times the first one."""
    newer, older = (other, known) if _age_key(other) > _age_key(known) else (known, other)
    begins = [one.began_at for one in (newer, older) if one.began_at]
    return replace(newer, began_at=min(begins, default=None))


def _age_key(report: SourceReport) -> tuple[float, bool]:
    time = report.updated_at or report.began_at
    return time.timestamp() if time else 0.0, not report.phase.is_open


def _notice(report: SourceReport, components: Sequence[str], groups: Collection[str], well: bool) -> Notice | None:
    """Return None when it names components and none is ours. `groups` are those that contain one of ours."""
    parts = [part for part in report.parts if is_component_of(part.name, components) or part.name in groups]
    if report.parts and not parts:
        return None
    return Notice(
        id=report.id,
        title=report.title or report.text[:200] or UNTITLED,
        url=report.url,
        phase=report.phase,
        impact=_impact(report, parts, well),
        components=tuple(dict.fromkeys(part.name for part in parts)),
        began_at=report.began_at,
        updated_at=report.updated_at,
        ended_at=report.ended_at,
        text=report.text,
        planned=report.planned,
    )


def _impact(report: SourceReport, parts: Sequence[ComponentState], well: bool) -> Impact:
    of_parts = worst_impact(part.impact for part in parts)
    if of_parts and of_parts not in (Impact.NONE, Impact.UNKNOWN):
        return of_parts
    if report.planned:
        return Impact.MAINTENANCE
    if report.phase.is_open and not parts and well:
        # One source opens "critical" incidents by itself while every component is fine.
        return Impact.UNKNOWN
    if report.phase.is_open and of_parts is Impact.NONE:
        return report.impact or Impact.NONE
    # Once it is over, its components are fine again: that does not say how bad it was.
    return Impact.UNKNOWN if report.impact in (None, Impact.NONE) else report.impact


def _summed(group: ComponentGroup) -> ComponentState:
    if group.standing.impact is not Impact.UNKNOWN:
        return group.standing
    return ComponentState(group.standing.name, worst_impact(one.impact for one in group.members) or Impact.UNKNOWN)


def _badness(standing: ComponentState) -> int:
    return -standing.impact.rank


def _order(notice: Notice) -> tuple[bool, int, float]:
    return not notice.is_open, -notice.impact.rank, -(notice.updated_at.timestamp() if notice.updated_at else 0.0)


def renew_bulletin(last: Bulletin | None, bulletin: Bulletin) -> Bulletin:
    """Return an unchanged bulletin with the last content, as far as it still matters; any other as it is."""
    if bulletin.trust is not Trust.UNCHANGED or last is None:
        return bulletin
    kept = tuple(one for one in last.notices if is_relevant(one, bulletin.at))
    return replace(
        bulletin,
        notices=kept,
        components=last.components,
        impact=last.impact,
        newest_at=last.newest_at,
        unread=last.unread,
    )
