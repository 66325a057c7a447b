"""Atlassian Statuspage's public JSON, which incident.io serves too, and incident.io's own summary.

Sources: https://metastatuspage.com/api; incident.io's `/api/v1/summary` as Groq's page answered in 2026. incident.io
writes null where Statuspage writes an empty list.
"""

from collections.abc import Mapping

from probes.doubt import Defect, Defective
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
from probes.feeds.text import plain_text, read_id, read_time, safe_link
from probes.notice import ComponentState, Impact, NoticePhase


class PageShape(Shape, frozen=True):
    updated_at: object = None


class Status(Shape, frozen=True):
    indicator: object = None


class Update(Shape, frozen=True):
    status: object = None
    body: object = None
    created_at: object = None


class IncidentShape(Shape, frozen=True):
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
    components: Many[ComponentShape] = Many()


class SummaryShape(Shape, frozen=True):
    page: Many[PageShape] = Many()
    status: Many[Status] = Many()
    components: Many[ComponentShape] | None = None
    groups: Many[ComponentShape] = Many()
    component_groups: Many[ComponentShape] = Many()
    incidents: Many[IncidentShape] | None = None
    scheduled_maintenances: Many[IncidentShape] | None = None


def read_summary(text: str) -> ParsedFeed:
    """Raises UnreadableFeed. Also reads parts: components.json, incidents.json, scheduled-maintenances.json."""
    summary, unread = read_shape(text, SummaryShape, "Statuspage")
    parts = (*(summary.components or ()), *summary.groups, *summary.component_groups)
    incidents, planned = summary.incidents, summary.scheduled_maintenances
    if not parts and incidents is None and planned is None:
        raise UnreadableFeed(Defective(Defect.NO_COMPONENT_OR_INCIDENT))
    if summary.components is not None and not parts and not incidents and not planned:
        raise UnreadableFeed(Defective(Defect.NO_COMPONENT))
    known = components_by_id(parts)
    reports = [_report(one, known) for one in incidents or ()]
    return ParsedFeed(
        (*reports, *(_report(one, known, planned=True) for one in planned or ())),
        flatten_components(parts),
        component_groups(parts),
        next((word.impact_of(one.indicator) for one in summary.status), None),
        next((read_time(one.updated_at) for one in summary.page), None),
        unread,
    )


def _report(incident: IncidentShape, known: Mapping[str, ComponentShape], planned: bool = False) -> SourceReport:
    newest = max(incident.incident_updates, key=lambda one: str(one.created_at or ""), default=Update())
    phase, title = word.phase_of(incident.status, incident.resolved_at), plain_text(incident.name, 200)
    impact = word.impact_of(incident.impact)
    return SourceReport(
        id=read_id(incident.id, incident.shortlink, incident.name),
        title=title,
        url=safe_link(incident.shortlink),
        phase=phase,
        impact=impact,
        parts=named_components(incident.components, known),
        began_at=read_time(incident.scheduled_for, incident.started_at, incident.created_at),
        updated_at=read_time(incident.updated_at, newest.created_at),
        ended_at=None if phase.is_open else read_time(incident.resolved_at),
        by_end=word.phase_of(incident.status) is NoticePhase.UNKNOWN,
        text=plain_text(newest.body),
        planned=planned or word.is_planned(phase, title, impact),
    )


# incident.io's own summary ------------------------------------------------------------------------------


class Affected(ComponentShape, frozen=True):
    """A component as an incident or the page names it: by its own name, or by its id in the list of all."""

    component_id: object = None

    def __post_init__(self) -> None:
        if not self.label and self.key is None:
            raise ValueError("has neither name nor id")

    @property
    def key(self) -> object:
        return self.id if self.component_id is None else self.component_id

    def standing_of(self, known: Mapping[str, ComponentShape]) -> ComponentState:
        """Return its state; the name is empty where nothing gives it."""
        meant = known.get(str(self.key)) or known.get(self.label) or self
        return ComponentState(meant.label, self.standing.impact)


class OngoingUpdate(Shape, frozen=True):
    message_string: object = None
    published_at: object = None


class Ongoing(Shape, frozen=True):
    name: object
    id: object = None
    status: object = None
    url: object = None
    started_at: object = None
    starts_at: object = None
    published_at: object = None
    last_update_at: object = None
    last_update_message: object = None
    current_worst_impact: object = None
    affected_components: Many[Affected] = Many()
    component_impacts: Many[Affected] = Many()
    updates: Many[OngoingUpdate] = Many()

    def parts(self, known: Mapping[str, ComponentShape]) -> tuple[ComponentState, ...]:
        """Return everything that it names; nothing if one of those has no name, as that may be ours."""
        found = [one.standing_of(known) for one in (*self.affected_components, *self.component_impacts)]
        return tuple(found) if all(one.name for one in found) else ()


class Own(Shape, frozen=True):
    """Where components have no state of their own, `affected_components` has the state of each that is not well."""

    components: Many[ComponentShape] = Many()
    affected_components: Many[Affected] | None = None
    ongoing_incidents: Many[Ongoing] | None = None
    in_progress_maintenances: Many[Ongoing] | None = None
    scheduled_maintenances: Many[Ongoing] = Many()

    @property
    def is_told(self) -> bool:
        told = (self.affected_components, self.ongoing_incidents, self.in_progress_maintenances)
        return any(one is not None for one in told)


class Wrapped(Own, frozen=True):
    """The widget's form, with everything at the top level, or the page's own, with everything in `summary`."""

    summary: Many[Own] = Many()


def read_incident_io(text: str) -> ParsedFeed:
    """Raises UnreadableFeed. Reads all the platform's forms: two of its own, and the one it shares with Statuspage."""
    document, unread = read_shape(text, Wrapped, "incident.io")
    told = [one for one in (document, *document.summary) if one.is_told]
    if not told:
        return read_summary(text)
    reports = tuple(report for one in told for report in _reports(one))
    standings = tuple(standing for one in told for standing in _stand(one))
    shown = [*(one.impact for one in reports if one.impact), *(one.impact for one in standings)]
    unread += all(one.ongoing_incidents is None for one in told)
    unread += sum(not one.name for one in standings)
    named = tuple(one for one in standings if one.name)
    return ParsedFeed(reports, named, overall=max(shown, default=Impact.NONE), unread=unread)


def _reports(own: Own) -> list[SourceReport]:
    known = components_by_id(own.components)
    kinds = (
        (own.ongoing_incidents, None),
        (own.in_progress_maintenances, NoticePhase.IN_PROGRESS),
        (own.scheduled_maintenances, NoticePhase.SCHEDULED),
    )
    return [_ongoing(one, known, phase) for some, phase in kinds for one in some or ()]


def _stand(own: Own) -> list[ComponentState]:
    """Return the state of each component, those without a name included."""
    known = components_by_id(own.components)
    affected = [one.standing_of(known) for one in own.affected_components or ()]
    worst = {one.name: max(it.impact for it in affected if it.name == one.name) for one in affected}
    usual = Impact.UNKNOWN if own.affected_components is None else Impact.NONE
    well = [one for one in own.components if not one.is_group and one.label not in worst]
    return [
        *(ComponentState(*one) for one in worst.items()),
        *(ComponentState(one.label, one.standing.impact if one.status else usual) for one in well),
    ]


def _ongoing(
    incident: Ongoing, known: Mapping[str, ComponentShape], planned: NoticePhase | None = None
) -> SourceReport:
    newest = max(incident.updates, key=lambda one: str(one.published_at or ""), default=OngoingUpdate())
    return SourceReport(
        id=read_id(incident.id, incident.url, incident.name),
        title=plain_text(incident.name, 200),
        url=safe_link(incident.url),
        phase=planned or word.phase_of(incident.status),
        impact=word.impact_of(incident.current_worst_impact),
        parts=incident.parts(known),
        began_at=read_time(incident.starts_at, incident.started_at, incident.published_at),
        updated_at=read_time(incident.last_update_at, newest.published_at),
        text=plain_text(incident.last_update_message or newest.message_string),
        planned=planned is not None,
    )
