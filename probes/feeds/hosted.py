"""The JSON of smaller hosts of status pages: Instatus, Better Stack, Datadog, Flashduty.

Sources: https://instatus.com/help/api; https://betterstack.com/docs/uptime; the pages of Together,
OpenRouter (`/config.json`) and DeepSeek (`/summary/active`) as they answered in 2026.
"""

from probes.feeds import word
from probes.feeds.payload import Shape, read
from probes.feeds.report import MOST_COMPONENTS, MOST_REPORTS, Parsed, Report, Unfit
from probes.feeds.text import link, moment, name, plain
from probes.notice import Impact, Phase, Standing


def _standing(title: str, status: object) -> Standing:
    return Standing(name(title), word.impact(status) or Impact.UNKNOWN)


# Instatus: no component in the summary -----------------------------------------------------------------


class InstatusPage(Shape, frozen=True):
    status: str


class InstatusEvent(Shape, frozen=True):
    id: str
    name: str
    status: str | None = None
    impact: str | None = None
    url: str | None = None
    started: str | None = None
    start: str | None = None
    updatedAt: str | None = None


class Instatus(Shape, frozen=True):
    page: InstatusPage
    activeIncidents: list[InstatusEvent] | None = None
    activeMaintenances: list[InstatusEvent] | None = None


def read_instatus(data: bytes) -> Parsed:
    """Raises Unfit."""
    summary = read(data, Instatus, "Instatus")
    reports = [_of_instatus(one, False) for one in (summary.activeIncidents or [])[:MOST_REPORTS]]
    reports += [_of_instatus(one, True) for one in (summary.activeMaintenances or [])[:MOST_REPORTS]]
    return Parsed(tuple(reports), overall=word.impact(summary.page.status) or Impact.UNKNOWN)


def _of_instatus(event: InstatusEvent, planned: bool) -> Report:
    return Report(
        id=event.id,
        title=plain(event.name, 200),
        url=link(event.url),
        phase=word.phase(event.status),
        impact=word.impact(event.impact),
        began_at=moment(event.started or event.start),
        updated_at=moment(event.updatedAt),
        planned=planned,
    )


# Better Stack: JSON:API; `included` holds the resources and at most the report that is active ------------


class BetterStackFacts(Shape, frozen=True):
    aggregate_state: str | None = None
    public_name: str | None = None
    status: str | None = None
    title: str | None = None
    report_type: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    updated_at: str | None = None


class BetterStackItem(Shape, frozen=True):
    type: str
    id: str | int | None = None
    attributes: BetterStackFacts = BetterStackFacts()


class BetterStack(Shape, frozen=True):
    data: BetterStackItem
    included: list[BetterStackItem] | None = None


def read_better_stack(data: bytes) -> Parsed:
    """Raises Unfit."""
    page = read(data, BetterStack, "Better Stack")
    state = page.data.attributes.aggregate_state
    if state is None:
        raise Unfit("lacks the page's aggregate state")
    items = page.included or []
    resources = [one.attributes for one in items if one.type == "status_page_resource"][:MOST_COMPONENTS]
    reports = [_of_better_stack(one) for one in items if one.type == "status_report"][:MOST_REPORTS]
    standings = tuple(_standing(one.public_name, one.status) for one in resources if one.public_name)
    return Parsed(tuple(reports), standings, word.impact(state) or Impact.UNKNOWN)


def _of_better_stack(item: BetterStackItem) -> Report:
    facts = item.attributes
    began, ended, state = moment(facts.starts_at), moment(facts.ends_at), facts.aggregate_state
    planned = facts.report_type == "maintenance"
    over = state in ("resolved", "operational")
    return Report(
        id=str(item.id or facts.title),
        title=plain(facts.title, 200),
        url=None,
        phase=_over(planned) if over else Phase.IN_PROGRESS if planned else Phase.INVESTIGATING,
        impact=word.impact(state),
        began_at=began,
        updated_at=moment(facts.updated_at) or began,
        ended_at=ended if over else None,
        planned=planned,
    )


def _over(planned: bool) -> Phase:
    return Phase.COMPLETED if planned else Phase.RESOLVED


# Datadog: components in groups, and incidents each with a timeline, newest first -------------------------


class DatadogComponent(Shape, frozen=True):
    name: str
    status: str | None = None
    components: list["DatadogComponent"] | None = None


class DatadogUpdate(Shape, frozen=True):
    status: str | None = None
    description: str | None = None
    startedAt: str | None = None


class DatadogIncident(Shape, frozen=True):
    id: str
    title: str
    currentStatus: str | None = None
    description: str | None = None
    publishedDate: str | None = None
    resolvedDate: str | None = None
    lastModifiedAt: str | None = None
    componentsAffected: list[DatadogComponent] | None = None
    timeline: list[DatadogUpdate] | None = None


class Datadog(Shape, frozen=True):
    components: list[DatadogComponent]
    incidents: list[DatadogIncident] | None = None
    maintenances: list[DatadogIncident] | None = None


def read_datadog(data: bytes) -> Parsed:
    """Raises Unfit. Its incidents are a history, so the newest change of one is the page's."""
    page = read(data, Datadog, "Datadog Status Pages")
    leaves = [leaf for one in page.components[:MOST_COMPONENTS] for leaf in one.components or [one]]
    reports = [_of_datadog(one, False) for one in (page.incidents or [])[:MOST_REPORTS]]
    reports += [_of_datadog(one, True) for one in (page.maintenances or [])[:MOST_REPORTS]]
    times = [one.updated_at for one in reports if one.updated_at]
    standings = tuple(_standing(one.name, one.status) for one in leaves[:MOST_COMPONENTS])
    return Parsed(tuple(reports), standings, newest_at=max(times, default=None))


def _of_datadog(incident: DatadogIncident, planned: bool) -> Report:
    phase = word.phase(incident.currentStatus)
    newest = incident.timeline[0] if incident.timeline else DatadogUpdate()
    return Report(
        id=incident.id,
        title=plain(incident.title, 200),
        url=None,
        phase=phase,
        parts=tuple(_standing(one.name, one.status) for one in (incident.componentsAffected or [])[:MOST_COMPONENTS]),
        impact=word.impact_of_title(incident.title),
        began_at=moment(incident.publishedDate),
        updated_at=moment(incident.lastModifiedAt) or moment(newest.startedAt),
        ended_at=None if phase.is_open else moment(incident.resolvedDate),
        text=plain(newest.description or incident.description),
        planned=planned or word.is_planned(phase, incident.title),
    )


# Flashduty: components without a state of their own, and the changes that are going on -------------------


class FlashdutyComponent(Shape, frozen=True):
    name: str
    component_id: str | int | None = None
    status: str | None = None


class FlashdutyUpdate(Shape, frozen=True):
    at_seconds: float | None = None
    description: str | None = None


class FlashdutyChange(Shape, frozen=True):
    change_id: str | int
    title: str
    status: str | None = None
    type: str | None = None
    description: str | None = None
    start_at_seconds: float | None = None
    close_at_seconds: float | None = None
    affected_components: list[FlashdutyComponent] | None = None
    updates: list[FlashdutyUpdate] | None = None


class FlashdutyPage(Shape, frozen=True):
    components: list[FlashdutyComponent]


class FlashdutySummary(Shape, frozen=True):
    page: FlashdutyPage
    active_changes: list[FlashdutyChange] | None


class Flashduty(Shape, frozen=True):
    data: FlashdutySummary


def read_flashduty(data: bytes) -> Parsed:
    """Raises Unfit. A component stands as badly as the worst change that names it, and well without one."""
    summary = read(data, Flashduty, "Flashduty").data
    if not summary.page.components:
        raise Unfit("names no component")
    reports = [_of_flashduty(one) for one in (summary.active_changes or [])[:MOST_REPORTS]]
    worst: dict[str, Impact] = {}
    for part in (part for report in reports if report.phase.is_open for part in report.parts):
        worst[part.name] = max(part.impact, worst.get(part.name, Impact.NONE))
    names = [name(one.name) for one in summary.page.components[:MOST_COMPONENTS]]
    return Parsed(tuple(reports), tuple(Standing(one, worst.get(one, Impact.NONE)) for one in names))


def _of_flashduty(change: FlashdutyChange) -> Report:
    phase = word.phase(change.status)
    newest = max(change.updates or [], key=lambda one: one.at_seconds or 0, default=FlashdutyUpdate())
    return Report(
        id=str(change.change_id),
        title=plain(change.title, 200),
        url=None,
        phase=phase,
        parts=tuple(_standing(one.name, one.status) for one in (change.affected_components or [])[:MOST_COMPONENTS]),
        began_at=moment(change.start_at_seconds),
        updated_at=moment(newest.at_seconds) or moment(change.start_at_seconds),
        ended_at=None if phase.is_open else moment(change.close_at_seconds),
        text=plain(newest.description or change.description),
        planned=change.type == "maintenance" or word.is_planned(phase, change.title),
    )
