"""Atlassian Statuspage's public JSON, which incident.io answers in too, and incident.io's own summary.

Sources: https://metastatuspage.com/api; incident.io's `/api/v1/summary` as Groq's page answered in 2026.
incident.io writes null where Statuspage writes an empty list.
"""

from collections.abc import Mapping

from probes.feeds import word
from probes.feeds.payload import Many, Part, Shape, by_id, groups, leaves, named, read
from probes.feeds.report import Parsed, Report, Unfit
from probes.feeds.text import key, link, moment, plain
from probes.notice import Impact, Phase


class Page(Shape, frozen=True):
    updated_at: object = None


class Status(Shape, frozen=True):
    indicator: object = None


class Update(Shape, frozen=True):
    status: object = None
    body: object = None
    created_at: object = None


class Incident(Shape, frozen=True):
    name: object
    id: object = None
    status: object = None
    impact: object = None
    shortlink: object = None
    created_at: object = None
    started_at: object = None
    updated_at: object = None
    resolved_at: object = None
    scheduled_for: object = None
    incident_updates: Many[Update] = Many()
    components: Many[Part] = Many()


class Summary(Shape, frozen=True):
    page: Many[Page] = Many()
    status: Many[Status] = Many()
    components: Many[Part] | None = None
    groups: Many[Part] = Many()
    component_groups: Many[Part] = Many()
    incidents: Many[Incident] | None = None
    scheduled_maintenances: Many[Incident] | None = None


def read_summary(text: str) -> Parsed:
    """Raises Unfit. Reads the summary's parts as well: components.json, incidents.json, scheduled-maintenances.json."""
    summary, unread = read(text, Summary, "Statuspage")
    parts = (*(summary.components or ()), *summary.groups, *summary.component_groups)
    incidents, planned = summary.incidents, summary.scheduled_maintenances
    if not parts and incidents is None and planned is None:
        raise Unfit("names neither components nor incidents")
    if summary.components is not None and not parts and not incidents and not planned:
        raise Unfit("names no component")
    known = by_id(parts)
    reports = [_report(one, known) for one in incidents or ()]
    return Parsed(
        (*reports, *(_report(one, known, planned=True) for one in planned or ())),
        leaves(parts),
        groups(parts),
        next((word.impact(one.indicator) for one in summary.status), None),
        next((moment(one.updated_at) for one in summary.page), None),
        unread,
    )


def _report(incident: Incident, known: Mapping[str, Part], planned: bool = False) -> Report:
    newest = max(incident.incident_updates, key=lambda one: str(one.created_at or ""), default=Update())
    phase, title = word.phase(incident.status, incident.resolved_at), plain(incident.name, 200)
    impact = word.impact(incident.impact)
    return Report(
        id=key(incident.id, incident.shortlink, incident.name),
        title=title,
        url=link(incident.shortlink),
        phase=phase,
        impact=impact,
        parts=named(incident.components, known),
        began_at=moment(incident.scheduled_for, incident.started_at, incident.created_at),
        updated_at=moment(incident.updated_at, newest.created_at),
        ended_at=None if phase.is_open else moment(incident.resolved_at),
        by_end=word.phase(incident.status) is Phase.UNKNOWN,
        text=plain(newest.body),
        planned=planned or word.is_planned(phase, title, impact),
    )


# incident.io's own summary ------------------------------------------------------------------------------


class Ongoing(Shape, frozen=True):
    name: object
    id: object = None
    status: object = None
    url: object = None
    started_at: object = None
    starts_at: object = None
    last_update_at: object = None
    last_update_message: object = None
    current_worst_impact: object = None
    affected_components: Many[Part] = Many()


class Widget(Shape, frozen=True):
    ongoing_incidents: Many[Ongoing] = Many()
    in_progress_maintenances: Many[Ongoing] = Many()
    scheduled_maintenances: Many[Ongoing] = Many()


def read_incident_io(text: str) -> Parsed:
    """Raises Unfit. Reads both of the platform's forms: its own, and the one it shares with Statuspage."""
    if '"ongoing_incidents"' not in text and '"in_progress_maintenances"' not in text:
        return read_summary(text)
    widget, unread = read(text, Widget, "incident.io")
    kinds = ((widget.in_progress_maintenances, Phase.IN_PROGRESS), (widget.scheduled_maintenances, Phase.SCHEDULED))
    planned = [_ongoing(one, phase) for some, phase in kinds for one in some]
    reports = [_ongoing(one) for one in widget.ongoing_incidents]
    worst = max((one.impact for one in reports if one.impact), default=Impact.NONE)
    return Parsed((*reports, *planned), overall=worst, unread=unread)


def _ongoing(incident: Ongoing, planned: Phase | None = None) -> Report:
    return Report(
        id=key(incident.id, incident.url, incident.name),
        title=plain(incident.name, 200),
        url=link(incident.url),
        phase=planned or word.phase(incident.status),
        impact=word.impact(incident.current_worst_impact),
        parts=named(incident.affected_components),
        began_at=moment(incident.starts_at, incident.started_at),
        updated_at=moment(incident.last_update_at),
        text=plain(incident.last_update_message),
        planned=planned is not None,
    )
