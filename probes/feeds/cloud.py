"""The JSON of the large clouds' own pages, which cover everything they sell: Google, AWS, Alibaba.

Sources: https://status.cloud.google.com/incidents.schema.json; AWS's `/public/events` and Alibaba's
`/api/status/listHistoryEvent` as they answered in 2026.
"""

import msgspec

from probes.feeds import word
from probes.feeds.payload import Shape, read
from probes.feeds.report import MOST_REPORTS, Parsed, Report, Unfit
from probes.feeds.text import link, moment, name, plain
from probes.notice import Impact, Phase, Standing

# Google: a long history, newest first; what has no end is open ------------------------------------------


class GoogleProduct(Shape, frozen=True):
    title: str


class GoogleUpdate(Shape, frozen=True):
    status: str | None = None
    text: str | None = None
    when: str | None = None


class GoogleIncident(Shape, frozen=True):
    id: str
    external_desc: str | None = None
    service_name: str | None = None
    severity: str | None = None
    begin: str | None = None
    end: str | None = None
    modified: str | None = None
    uri: str | None = None
    affected_products: list[GoogleProduct] | None = None
    most_recent_update: GoogleUpdate | None = None


def read_google(data: bytes) -> Parsed:
    """Raises Unfit."""
    incidents = read(data, list[GoogleIncident], "Google Cloud")[:MOST_REPORTS]
    if not incidents:
        raise Unfit("is an empty history, where there has always been one")
    reports = tuple(_of_google(one) for one in incidents)
    times = [one.updated_at for one in reports if one.updated_at]
    return Parsed(reports, newest_at=max(times, default=None))


def _of_google(incident: GoogleIncident) -> Report:
    newest, ended = incident.most_recent_update or GoogleUpdate(), moment(incident.end)
    impact = word.impact(newest.status) or word.impact(incident.severity)
    if impact is Impact.NONE:  # what is over is AVAILABLE; how bad it was is its severity
        impact = word.impact(incident.severity)
    products = [name(one.title) for one in (incident.affected_products or [])] or [name(incident.service_name)]
    return Report(
        id=incident.id,
        title=plain(incident.external_desc or incident.service_name, 200),
        url=link(f"https://status.cloud.google.com/{incident.uri}") if incident.uri else None,
        phase=Phase.RESOLVED if ended else Phase.INVESTIGATING,
        impact=impact,
        parts=tuple(Standing(one, impact or Impact.UNKNOWN) for one in products if one),
        began_at=moment(incident.begin),
        updated_at=moment(incident.modified) or moment(newest.when),
        ended_at=ended,
        text=plain(newest.text),
    )


# AWS: one event for each incident, its updates as JSON inside the JSON ----------------------------------


class AwsUpdate(Shape, frozen=True):
    summary: str | None = None
    message: str | None = None
    status: int | str | None = None
    timestamp: float | None = None


class AwsMetadata(Shape, frozen=True):
    EVENT_LOG: str | None = None


class AwsEvent(Shape, frozen=True):
    service: str
    region: str | None = None
    arn: str | None = None
    typeCode: str | None = None
    startTime: float | None = None
    endTime: float | None = None
    lastUpdatedTime: float | None = None
    metadata: AwsMetadata | None = None


AWS_IMPACTS = {"1": Impact.MINOR, "2": Impact.MAJOR, "3": Impact.CRITICAL}


def read_aws(data: bytes) -> Parsed:
    """Raises Unfit. No event is good news here: the list holds those of the last days only."""
    return Parsed(tuple(_of_aws(one) for one in read(data, list[AwsEvent], "AWS Health")[:MOST_REPORTS]))


def _of_aws(event: AwsEvent) -> Report:
    log = _log(event)
    newest, ended = log[-1] if log else AwsUpdate(), moment(event.endTime)
    worst = max((AWS_IMPACTS.get(str(one.status), Impact.UNKNOWN) for one in log), default=Impact.UNKNOWN)
    return Report(
        id=event.arn or f"{event.service}/{event.region}/{event.typeCode}/{event.startTime or 0:.0f}",
        title=plain(newest.summary or event.typeCode, 200),
        url=None,
        phase=Phase.RESOLVED if ended else Phase.INVESTIGATING,
        impact=worst,
        parts=(Standing(name(f"{event.service} ({event.region})" if event.region else event.service), worst),),
        began_at=moment(event.startTime),
        updated_at=moment(event.lastUpdatedTime) or moment(newest.timestamp),
        ended_at=ended,
        text=plain(newest.message),
    )


def _log(event: AwsEvent) -> list[AwsUpdate]:
    """Return an event's updates, oldest first; none when they cannot be read, for the event itself counts."""
    try:
        log = msgspec.json.decode((event.metadata or AwsMetadata()).EVENT_LOG or "[]", type=list[AwsUpdate])
    except (msgspec.DecodeError, RecursionError):
        return []
    return sorted(log, key=lambda one: one.timestamp or 0)


# Alibaba: the whole cloud; what has no end goes on (and one that lies ahead has not come: see fold) --------


class AlibabaEvent(Shape, frozen=True):
    id: str | int
    title: str
    startTime: float | None = None
    endTime: float | None = None
    lastUpdateTime: float | None = None
    products: list[str | dict[str, object]] | None = None


class Alibaba(Shape, frozen=True):
    data: list[AlibabaEvent]
    success: bool


def read_alibaba(data: bytes) -> Parsed:
    """Raises Unfit."""
    answer = read(data, Alibaba, "Alibaba Cloud")
    if not answer.success:
        raise Unfit("says itself that it failed")
    return Parsed(tuple(_of_alibaba(one) for one in answer.data[:MOST_REPORTS]))


def _of_alibaba(event: AlibabaEvent) -> Report:
    ended, title = moment(event.endTime), plain(event.title, 200)
    return Report(
        id=str(event.id),
        title=title,
        url=None,
        phase=Phase.RESOLVED if ended else Phase.INVESTIGATING,
        impact=word.impact_of_title(title),
        parts=tuple(Standing(one, Impact.UNKNOWN) for one in map(_product, event.products or []) if one),
        began_at=moment(event.startTime),
        updated_at=moment(event.lastUpdateTime) or moment(event.startTime),
        ended_at=ended,
    )


def _product(product: str | dict[str, object]) -> str:
    return name(product if isinstance(product, str) else product.get("name") or product.get("productName"))
