"""Atlassian Statuspage's public JSON, which incident.io answers in too, and incident.io's own summary.

Sources: https://metastatuspage.com/api; incident.io's `/api/v1/summary` as Groq's page answered in 2026.
incident.io writes null where Statuspage writes an empty list.
"""

from probes.feeds import word
from probes.feeds.payload import Shape, read
from probes.feeds.report import MOST_COMPONENTS, MOST_REPORTS, Parsed, Report, Unfit
from probes.feeds.text import link, moment, name, plain
from probes.notice import Impact, Phase, Standing


class Page(Shape, frozen=True):
    updated_at: str | None = None


class Status(Shape, frozen=True):
    indicator: str | None = None


class Component(Shape, frozen=True):
    name: str
    status: str | None = None
    group: bool | None = None


class Update(Shape, frozen=True):
    status: str | None = None
    body: str | None = None
    created_at: str | None = None


class Incident(Shape, frozen=True):
    id: str
    name: str
    status: str | None = None
    impact: str | None = None
    shortlink: str | None = None
    created_at: str | None = None
    started_at: str | None = None
    updated_at: str | None = None
    resolved_at: str | None = None
    scheduled_for: str | None = None
    incident_updates: list[Update] | None = None
    components: list[Component] | None = None


class Summary(Shape, frozen=True):
    page: Page
    status: Status | None = None
    components: list[Component] | None = None
    incidents: list[Incident] | None = None
    scheduled_maintenances: list[Incident] | None = None


def read_summary(data: bytes) -> Parsed:
    """Raises Unfit. Reads components.json and incidents.json as well, which are parts of the summary."""
    summary = read(data, Summary, "Statuspage")
    if not summary.components and summary.incidents is None:
        raise Unfit("names neither components nor incidents")
    planned = summary.scheduled_maintenances or []
    reports = [_report(one) for one in (summary.incidents or [])[:MOST_REPORTS]]
    reports += [_report(one, planned=True) for one in planned[:MOST_REPORTS]]
    return Parsed(
        tuple(reports),
        tuple(_standing(one) for one in (summary.components or [])[:MOST_COMPONENTS] if not one.group),
        word.impact(summary.status.indicator) if summary.status else None,
        moment(summary.page.updated_at),
    )


def _standing(component: Component) -> Standing:
    return Standing(name(component.name), word.impact(component.status) or Impact.UNKNOWN)


def _report(incident: Incident, planned: bool = False) -> Report:
    updates = incident.incident_updates or []
    newest = max(updates, key=lambda one: one.created_at or "", default=Update())
    phase = word.phase(incident.status)
    return Report(
        id=incident.id,
        title=plain(incident.name, 200),
        url=link(incident.shortlink),
        phase=phase,
        impact=word.impact(incident.impact),
        parts=tuple(_standing(one) for one in (incident.components or [])[:MOST_COMPONENTS]),
        began_at=moment(incident.scheduled_for or incident.started_at or incident.created_at),
        updated_at=moment(incident.updated_at) or moment(newest.created_at),
        ended_at=None if phase.is_open else moment(incident.resolved_at),
        text=plain(newest.body),
        planned=planned or word.is_planned(phase, incident.name),
    )


# incident.io's own summary ------------------------------------------------------------------------------


class Affected(Shape, frozen=True):
    name: str
    current_status: str | None = None


class Ongoing(Shape, frozen=True):
    id: str
    name: str
    status: str | None = None
    url: str | None = None
    started_at: str | None = None
    starts_at: str | None = None
    last_update_at: str | None = None
    last_update_message: str | None = None
    current_worst_impact: str | None = None
    affected_components: list[Affected] | None = None


class Widget(Shape, frozen=True):
    ongoing_incidents: list[Ongoing] | None
    in_progress_maintenances: list[Ongoing] | None = None
    scheduled_maintenances: list[Ongoing] | None = None


def read_incident_io(data: bytes) -> Parsed:
    """Raises Unfit. Reads both of the platform's forms: its own, and the one it shares with Statuspage."""
    if b'"ongoing_incidents"' not in data:
        return read_summary(data)
    widget = read(data, Widget, "incident.io")
    kinds = ((widget.in_progress_maintenances, Phase.IN_PROGRESS), (widget.scheduled_maintenances, Phase.SCHEDULED))
    planned = [_ongoing(one, phase) for some, phase in kinds for one in (some or [])[:MOST_REPORTS]]
    reports = [_ongoing(one) for one in (widget.ongoing_incidents or [])[:MOST_REPORTS]]
    worst = max((one.impact for one in reports if one.impact), default=Impact.NONE)
    return Parsed((*reports, *planned), overall=worst)


def _ongoing(incident: Ongoing, planned: Phase | None = None) -> Report:
    affected = (incident.affected_components or [])[:MOST_COMPONENTS]
    return Report(
        id=incident.id,
        title=plain(incident.name, 200),
        url=link(incident.url),
        phase=planned or word.phase(incident.status),
        impact=word.impact(incident.current_worst_impact),
        parts=tuple(Standing(name(one.name), word.impact(one.current_status) or Impact.UNKNOWN) for one in affected),
        began_at=moment(incident.starts_at or incident.started_at),
        updated_at=moment(incident.last_update_at),
        text=plain(incident.last_update_message),
        planned=planned is not None,
    )
