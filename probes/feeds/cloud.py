"""JSON of the large clouds' own pages, which cover everything they sell: Google, AWS, Alibaba.

Sources: https://status.cloud.google.com/incidents.schema.json; AWS's `/public/events` and Alibaba's
`/api/status/listHistoryEvent` as they answered in 2026.
"""

import re

from probes.doubt import Defect, Defective, ShapeUnknown
from probes.feeds import vocabulary as word
from probes.feeds.payload import ComponentShape, Many, Shape, named_components, read_shape
from probes.feeds.report import ParsedFeed, SourceReport, UnreadableFeed
from probes.feeds.text import EARLIEST, plain_text, read_id, read_name, read_time, safe_link
from probes.notice import ComponentState, Impact, NoticePhase

SEVERAL = re.compile(r"multiple\W?(products|services)", re.IGNORECASE)

# Google: a long history, newest first; without an end it is open ----------------------------------------


class GoogleUpdate(Shape, frozen=True):
    status: object = None
    text: object = None
    when: object = None


class GoogleIncident(Shape, frozen=True):
    id: object
    external_desc: object = None
    service_name: object = None
    severity: object = None
    begin: object = None
    end: object = None
    modified: object = None
    uri: object = None
    affected_products: Many[ComponentShape] = Many()
    most_recent_update: Many[GoogleUpdate] = Many()

    def __post_init__(self) -> None:
        if not (self.external_desc or self.service_name):
            raise ValueError("says nothing of what it is")


def read_google(text: str) -> ParsedFeed:
    """Raises UnreadableFeed."""
    incidents, unread = read_shape(text, Many[GoogleIncident], "Google Cloud")
    if not incidents and not unread:
        raise UnreadableFeed(Defective(Defect.NO_HISTORY))
    reports = tuple(_of_google(one) for one in incidents)
    times = [one.updated_at for one in reports if one.updated_at]
    return ParsedFeed(reports, newest_at=max(times, default=None), unread=unread)


def _of_google(incident: GoogleIncident) -> SourceReport:
    newest, ended = next(iter(incident.most_recent_update), GoogleUpdate()), read_time(incident.end)
    impact = word.impact_of(newest.status) or word.impact_of(incident.severity)
    if impact is Impact.NONE:  # AVAILABLE once it is over; its severity says how bad it was
        impact = word.impact_of(incident.severity)
    products = [one.name for one in named_components(incident.affected_products)] or [_service(incident.service_name)]
    return SourceReport(
        id=read_id(incident.id),
        title=plain_text(incident.external_desc or incident.service_name, 200),
        url=safe_link(f"https://status.cloud.google.com/{incident.uri}") if incident.uri else None,
        phase=NoticePhase.RESOLVED if ended else NoticePhase.INVESTIGATING,
        impact=impact,
        parts=tuple(ComponentState(one, impact or Impact.UNKNOWN) for one in products if one),
        began_at=read_time(incident.begin),
        updated_at=read_time(incident.modified, newest.when),
        ended_at=ended,
        by_end=True,
        text=plain_text(newest.text),
    )


def _service(told: object) -> str:
    """Return no name for `Multiple Products`: it may include ours."""
    found = read_name(told)
    return "" if SEVERAL.match(found) else found


# AWS: one event per incident, its updates as JSON inside the JSON ---------------------------------------


class AwsUpdate(Shape, frozen=True):
    summary: object = None
    message: object = None
    status: object = None
    timestamp: object = None


class AwsMetadata(Shape, frozen=True):
    EVENT_LOG: object = None


class AwsEvent(Shape, frozen=True):
    service: object
    region: object = None
    arn: object = None
    typeCode: object = None
    startTime: object = None
    endTime: object = None
    lastUpdatedTime: object = None
    metadata: Many[AwsMetadata] = Many()


AWS_IMPACTS = {"1": Impact.MINOR, "2": Impact.MAJOR, "3": Impact.CRITICAL}


def read_aws(text: str) -> ParsedFeed:
    """Raises UnreadableFeed. An empty list is good news: it only holds events of the last days."""
    events, unread = read_shape(text, Many[AwsEvent], "AWS Health")
    return ParsedFeed(tuple(_of_aws(one) for one in events), unread=unread)


def _of_aws(event: AwsEvent) -> SourceReport:
    log, service = _log(event), _service(event.service)
    newest, ended = log[-1] if log else AwsUpdate(), read_time(event.endTime)
    worst = max((AWS_IMPACTS.get(str(one.status), Impact.UNKNOWN) for one in log), default=Impact.UNKNOWN)
    began = read_time(event.startTime)
    return SourceReport(
        id=read_id(
            event.arn, f"{event.service}/{event.region}/{event.typeCode}/{began.timestamp() * 1000 if began else 0:.0f}"
        ),
        title=plain_text(newest.summary or event.typeCode, 200),
        url=None,
        phase=NoticePhase.RESOLVED if ended else NoticePhase.INVESTIGATING,
        impact=worst,
        parts=(ComponentState(read_name(f"{service} ({event.region})" if event.region else service), worst),)
        if service
        else (),
        began_at=began,
        updated_at=read_time(event.lastUpdatedTime, newest.timestamp),
        ended_at=ended,
        by_end=True,
        text=plain_text(newest.message),
    )


def _log(event: AwsEvent) -> list[AwsUpdate]:
    """Return an event's updates, oldest first; none when they cannot be read, since the event itself still counts."""
    told = next((one.EVENT_LOG for one in event.metadata), None)
    try:
        log, _ = read_shape(told, Many[AwsUpdate], "AWS Health") if isinstance(told, str) else ((), 0)
    except UnreadableFeed:
        return []
    return sorted(log, key=lambda one: read_time(one.timestamp) or EARLIEST)


# Alibaba: the whole cloud; without an end it is open (unless it lies ahead: see fold) ----------------------


class AlibabaEvent(Shape, frozen=True):
    title: object
    id: object = None
    startTime: object = None
    endTime: object = None
    lastUpdateTime: object = None
    products: Many[ComponentShape] = Many()


class Alibaba(Shape, frozen=True):
    data: Many[AlibabaEvent] | None
    success: object


def read_alibaba(text: str) -> ParsedFeed:
    """Raises UnreadableFeed."""
    answer, unread = read_shape(text, Alibaba, "Alibaba Cloud")
    if answer.success is not True:
        raise UnreadableFeed(Defective(Defect.NO_SUCCESS))
    if answer.data is None:
        raise UnreadableFeed(ShapeUnknown("Alibaba Cloud"))
    return ParsedFeed(tuple(_of_alibaba(one) for one in answer.data), unread=unread)


def _of_alibaba(event: AlibabaEvent) -> SourceReport:
    ended, title = read_time(event.endTime), plain_text(event.title, 200)
    return SourceReport(
        id=read_id(event.id, title),
        title=title,
        url=None,
        phase=NoticePhase.RESOLVED if ended else NoticePhase.INVESTIGATING,
        impact=word.impact_of_title(title),
        parts=tuple(ComponentState(one.name, Impact.UNKNOWN) for one in named_components(event.products)),
        began_at=read_time(event.startTime),
        updated_at=read_time(event.lastUpdateTime, event.startTime),
        ended_at=ended,
        by_end=True,
    )
