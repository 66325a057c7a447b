"""JSON of smaller status page hosts: Instatus, Better Stack, Datadog, Flashduty.

Sources: https://instatus.com/help/api; https://betterstack.com/docs/uptime; the pages of Together, OpenRouter
(`/config.json`) and DeepSeek (`/summary/active`) as they answered in 2026.
"""

from collections.abc import Iterable, Mapping, Sequence

from probes.doubt import Defect, Defective, ShapeUnknown
from probes.feeds import vocabulary as word
from probes.feeds.payload import (
    ComponentShape,
    Many,
    Shape,
    component_groups,
    components_by_id,
    flatten_components,
    named_components,
    read_shape,
)
from probes.feeds.report import ParsedFeed, SourceReport, UnreadableFeed
from probes.feeds.text import EARLIEST, plain_text, read_id, read_name, read_time, safe_link
from probes.notice import ComponentState, Impact, NoticePhase

# Instatus: no components in the summary ----------------------------------------------------------------


class InstatusPage(Shape, frozen=True):
    status: object = None


class InstatusEvent(Shape, frozen=True):
    name: object
    id: object = None
    status: object = None
    impact: object = None
    url: object = None
    started: object = None
    start: object = None
    resolved: object = None
    updatedAt: object = None
    components: Many[ComponentShape] = Many()


class Instatus(Shape, frozen=True):
    page: Many[InstatusPage] = Many()
    components: Many[ComponentShape] = Many()
    activeIncidents: Many[InstatusEvent] | None = None
    activeMaintenances: Many[InstatusEvent] | None = None


def read_instatus(text: str) -> ParsedFeed:
    """Raises UnreadableFeed."""
    summary, unread = read_shape(text, Instatus, "Instatus")
    incidents, planned = summary.activeIncidents, summary.activeMaintenances
    said = next((one.status for one in summary.page), None)
    if said is None and incidents is None and planned is None:
        raise UnreadableFeed(ShapeUnknown("Instatus"))
    known = components_by_id(summary.components)
    reports = [_of_instatus(one, known, False) for one in incidents or ()]
    reports += [_of_instatus(one, known, True) for one in planned or ()]
    overall = None if said is None else word.impact_of(said) or Impact.UNKNOWN
    return ParsedFeed(
        tuple(reports),
        flatten_components(summary.components),
        component_groups(summary.components),
        overall,
        unread=unread,
    )


def _of_instatus(event: InstatusEvent, known: Mapping[str, ComponentShape], planned: bool) -> SourceReport:
    phase = word.phase_of(event.status, event.resolved)
    return SourceReport(
        id=read_id(event.id, event.url, event.name),
        title=plain_text(event.name, 200),
        url=safe_link(event.url),
        phase=phase,
        impact=word.impact_of(event.impact),
        parts=named_components(event.components, known),
        began_at=read_time(event.started, event.start),
        updated_at=read_time(event.updatedAt),
        ended_at=None if phase.is_open else read_time(event.resolved),
        by_end=word.phase_of(event.status) is NoticePhase.UNKNOWN,
        planned=planned,
    )


# Better Stack: JSON:API; `included` has the resources and at most one active report ----------------------


class BetterStackPart(Shape, frozen=True):
    status_page_resource_id: object
    status: object = None


class BetterStackFacts(Shape, frozen=True):
    aggregate_state: object = None
    public_name: object = None
    status: object = None
    title: object = None
    report_type: object = None
    starts_at: object = None
    ends_at: object = None
    updated_at: object = None
    affected_resources: Many[BetterStackPart] = Many()

    @property
    def is_watched(self) -> bool:
        return bool(self.public_name) and self.status != "not_monitored"


class BetterStackItem(Shape, frozen=True):
    type: str
    id: object = None
    attributes: BetterStackFacts = BetterStackFacts()


class BetterStack(Shape, frozen=True):
    data: Many[BetterStackItem] = Many()
    included: Many[BetterStackItem] = Many()


def read_better_stack(text: str) -> ParsedFeed:
    """Raises UnreadableFeed."""
    page, unread = read_shape(text, BetterStack, "Better Stack")
    state = next((one.attributes.aggregate_state for one in page.data), None)
    resources = [one for one in page.included if one.type == "status_page_resource" and one.attributes.is_watched]
    reports = [one for one in page.included if one.type == "status_report"]
    if state is None and not resources and not reports:
        raise UnreadableFeed(Defective(Defect.NO_STATE))
    names = {str(one.id): read_name(one.attributes.public_name) for one in resources}
    return ParsedFeed(
        tuple(_of_better_stack(one, names) for one in reports),
        tuple(_standing(one.attributes.public_name, one.attributes.status) for one in resources),
        overall=None if state is None else word.impact_of(state) or Impact.UNKNOWN,
        unread=unread,
    )


def _standing(title: object, status: object) -> ComponentState:
    return ComponentState(read_name(title), word.impact_of(status) or Impact.UNKNOWN)


def _of_better_stack(item: BetterStackItem, names: Mapping[str, str]) -> SourceReport:
    facts = item.attributes
    began, ended, state = read_time(facts.starts_at), read_time(facts.ends_at), facts.aggregate_state
    planned = facts.report_type == "maintenance"
    over = state in ("resolved", "operational")
    affected = [(names.get(str(one.status_page_resource_id)), one.status) for one in facts.affected_resources]
    return SourceReport(
        id=read_id(item.id, facts.title),
        title=plain_text(facts.title, 200),
        url=None,
        phase=_over(planned) if over else NoticePhase.IN_PROGRESS if planned else NoticePhase.INVESTIGATING,
        impact=word.impact_of(state),
        parts=tuple(_standing(*one) for one in affected) if all(title for title, _ in affected) else (),
        began_at=began,
        updated_at=read_time(facts.updated_at) or began,
        ended_at=ended if over else None,
        planned=planned,
    )


def _over(planned: bool) -> NoticePhase:
    return NoticePhase.COMPLETED if planned else NoticePhase.RESOLVED


# Datadog: components in groups; incidents with a timeline each, newest first -----------------------------


class DatadogUpdate(Shape, frozen=True):
    status: object = None
    description: object = None
    startedAt: object = None


class DatadogIncident(Shape, frozen=True):
    title: object
    id: object = None
    currentStatus: object = None
    description: object = None
    publishedDate: object = None
    resolvedDate: object = None
    lastModifiedAt: object = None
    componentsAffected: Many[ComponentShape] = Many()
    timeline: Many[DatadogUpdate] = Many()


class Datadog(Shape, frozen=True):
    components: Many[ComponentShape] = Many()
    incidents: Many[DatadogIncident] | None = None
    maintenances: Many[DatadogIncident] | None = None


def read_datadog(text: str) -> ParsedFeed:
    """Raises UnreadableFeed. It lists past incidents too, so the page changed when the newest of them did."""
    page, unread = read_shape(text, Datadog, "Datadog Status Pages")
    if not page.components and page.incidents is None and page.maintenances is None:
        raise UnreadableFeed(ShapeUnknown("Datadog Status Pages"))
    if not (page.components or page.incidents or page.maintenances):
        raise UnreadableFeed(Defective(Defect.NO_COMPONENT))
    known = components_by_id(page.components)
    reports = [_of_datadog(one, known, False) for one in page.incidents or ()]
    reports += [_of_datadog(one, known, True) for one in page.maintenances or ()]
    newest_at = max((one.updated_at for one in reports if one.updated_at), default=None)
    return ParsedFeed(
        tuple(reports),
        flatten_components(page.components),
        component_groups(page.components),
        newest_at=newest_at,
        unread=unread,
    )


def _of_datadog(incident: DatadogIncident, known: Mapping[str, ComponentShape], planned: bool) -> SourceReport:
    phase, title = word.phase_of(incident.currentStatus, incident.resolvedDate), plain_text(incident.title, 200)
    newest = incident.timeline[0] if incident.timeline else DatadogUpdate()
    return SourceReport(
        id=read_id(incident.id, incident.title),
        title=title,
        url=None,
        phase=phase,
        parts=named_components(incident.componentsAffected, known),
        impact=word.impact_of_title(title),
        began_at=read_time(incident.publishedDate),
        updated_at=read_time(incident.lastModifiedAt, newest.startedAt),
        ended_at=None if phase.is_open else read_time(incident.resolvedDate),
        by_end=word.phase_of(incident.currentStatus) is NoticePhase.UNKNOWN,
        text=plain_text(newest.description or incident.description),
        planned=planned or word.is_planned(phase, title),
    )


# Flashduty: components without a state of their own, and the active changes ------------------------------


class FlashdutyUpdate(Shape, frozen=True):
    at_seconds: object = None
    description: object = None


class FlashdutyChange(Shape, frozen=True):
    title: object
    change_id: object = None
    status: object = None
    type: object = None
    description: object = None
    start_at_seconds: object = None
    close_at_seconds: object = None
    affected_components: Many[ComponentShape] = Many()
    updates: Many[FlashdutyUpdate] = Many()


class FlashdutyPage(Shape, frozen=True):
    components: Many[ComponentShape] = Many()


class FlashdutySummary(Shape, frozen=True):
    active_changes: Many[FlashdutyChange] | None
    page: Many[FlashdutyPage] = Many()


class Flashduty(Shape, frozen=True):
    data: FlashdutySummary


def read_flashduty(text: str) -> ParsedFeed:
    """Raises UnreadableFeed. A component is in the state of the worst change that names it, and fine without one."""
    answer, unread = read_shape(text, Flashduty, "Flashduty")
    changes = answer.data.active_changes or ()
    parts = [part for one in answer.data.page for part in one.components]
    if not parts and not changes:
        raise UnreadableFeed(Defective(Defect.NO_COMPONENT))
    reports = [_of_flashduty(one) for one in changes]
    return ParsedFeed(
        tuple(reports), _standings(flatten_components(parts), reports), component_groups(parts), unread=unread
    )


def _standings(components: Sequence[ComponentState], reports: Iterable[SourceReport]) -> tuple[ComponentState, ...]:
    worst: dict[str, Impact] = {
        one.name.casefold(): one.impact for one in components if one.impact is not Impact.UNKNOWN
    }
    for part in (part for report in reports if report.phase.is_open for part in report.parts):
        folded = part.name.casefold()
        worst[folded] = max(part.impact, worst.get(folded, Impact.NONE))
    return tuple(ComponentState(one.name, worst.get(one.name.casefold(), Impact.NONE)) for one in components)


def _of_flashduty(change: FlashdutyChange) -> SourceReport:
    phase, title = word.phase_of(change.status, change.close_at_seconds), plain_text(change.title, 200)
    dated = {read_time(one.at_seconds) or EARLIEST: one for one in reversed(change.updates)}
    newest = dated[max(dated)] if dated else FlashdutyUpdate()
    return SourceReport(
        id=read_id(change.change_id, change.title),
        title=title,
        url=None,
        phase=phase,
        parts=named_components(change.affected_components),
        began_at=read_time(change.start_at_seconds),
        updated_at=read_time(newest.at_seconds, change.start_at_seconds),
        ended_at=None if phase.is_open else read_time(change.close_at_seconds),
        by_end=word.phase_of(change.status) is NoticePhase.UNKNOWN,
        text=plain_text(newest.description or change.description),
        planned=change.type == "maintenance" or word.is_planned(phase, title),
    )
