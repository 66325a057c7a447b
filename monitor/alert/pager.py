"""Messages → alerts at PagerDuty and Opsgenie: one for each incident, opened, updated and closed by its id. Pure.

Apprise can say neither: each of its messages opens another alert, or closes none that an earlier process opened.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from monitor.alert.case import Step
from monitor.alert.family import priority_of
from monitor.alert.markup import cut
from monitor.alert.pager_address import RESPONDERS, PagerAddress, read_pager
from monitor.alert.request import Outgoing, ServiceRequest, as_json
from monitor.alert.text import IncidentNews
from monitor.diagnose.incident import Severity

SUMMARY_MOST, MESSAGE_MOST, DESCRIPTION_MOST = 1024, 130, 15_000
"""Most characters of PagerDuty's summary, of Opsgenie's message and of its description."""


class Alert(Struct, frozen=True):
    """One step of one alert, by its key. `severity` is None if it is over; `is_update`: it has changed meanwhile."""

    key: str
    title: str = ""
    text: str = ""
    severity: Severity | None = None
    is_update: bool = False
    about: Mapping[str, str] = {}
    links: Mapping[str, str] = {}


def alerts(out: Outgoing) -> Iterator[Alert]:
    """Yield the steps that a message means. Each may be repeated: the service knows the alert by its key."""
    text = out.text
    for id in text.closes:
        yield Alert(id)
    for one in text.news:
        yield from _steps(one)
    if not text.news:
        yield from _notice(out)


def _steps(one: IncidentNews) -> Iterator[Alert]:
    links = {one.id: one.link, **one.links} if one.link else dict(one.links)
    about = {"incident": one.id, "subject": one.subject, "scope": one.scope, "fault": one.fault}
    step = Alert(one.id, one.title, one.text, one.severity, one.step is Step.CHANGED, about, links)
    if not one.over or one.unheard:
        # What is over before anybody heard of it leaves its trace there, but calls nobody.
        yield replace(step, severity=Severity.INFO) if one.over else step
    if one.over:
        yield replace(step, severity=None)


def _notice(out: Outgoing) -> Iterator[Alert]:
    """Yield what a message about no incident means: an alert that stays only if what it is about does."""
    text, key = out.text, out.text.topic or out.text.id or "notice"
    links = {text.link: text.link} if text.link else {}
    step = Alert(key, text.title, text.body, out.severity, links=links)
    if out.severity is not None:
        yield step
    if not text.topic or out.severity is None:
        yield replace(step, severity=None)


def pagerduty(out: Outgoing) -> Iterator[ServiceRequest]:
    """Yield the events. Source: PagerDuty, Events API v2, Send an Alert Event."""
    it = read_pager(out.channel.url)
    for one in alerts(out):
        yield ServiceRequest(f"{it.host}/v2/enqueue", as_json(_event(one, it, out)))


def _event(one: Alert, it: PagerAddress, out: Outgoing) -> dict[str, object]:
    named = {"routing_key": it.key, "dedup_key": _key(one, out)}
    if one.severity is None:
        return {**named, "event_action": "resolve"}
    payload = {
        "summary": cut(one.title, SUMMARY_MOST),
        "source": out.text.location or "provider-monitor",
        "severity": priority_of(out.channel, one.severity),
        "component": one.about.get("subject", "provider-monitor"),
        "class": one.about.get("fault", "monitor"),
        "custom_details": {**one.about, "message": one.text},
    }
    links = [{"href": link, "text": name} for name, link in one.links.items()]
    return {**named, "event_action": "trigger", "client": "provider-monitor", "payload": payload, "links": links}


def opsgenie(out: Outgoing) -> Iterator[ServiceRequest]:
    """Yield the requests. Source: Opsgenie, Alert API: create, update message, description and priority, close."""
    it = read_pager(out.channel.url)
    headers = {"Authorization": f"GenieKey {it.key}"}
    for one in alerts(out):
        for method, path, body in _opsgenie_steps(one, it, out):
            yield ServiceRequest(f"{it.host}/v2/alerts{path}", as_json(body), headers, method)


def _opsgenie_steps(one: Alert, it: PagerAddress, out: Outgoing) -> Iterator[tuple[str, str, dict[str, object]]]:
    named, alias = "?identifierType=alias", _key(one, out)
    at = f"/{quote(alias, safe='')}"
    if one.severity is None:
        yield "POST", f"{at}/close{named}", {"source": "provider-monitor", "note": cut(one.title, DESCRIPTION_MOST)}
        return
    priority = priority_of(out.channel, one.severity).upper()
    links = "".join(f"{name}: {link}\n" for name, link in one.links.items() if link not in one.text)
    what: dict[str, object] = {
        "message": cut(one.title, MESSAGE_MOST),
        "description": cut(f"{one.text}\n{links}".strip(), DESCRIPTION_MOST),
        "priority": priority,
    }
    whom = [_responder(name) for name in it.targets]
    rest = {"alias": alias, "responders": whom, "details": one.about, "source": "provider-monitor"}
    yield "POST", "", {**what, **rest, "entity": one.about.get("subject", "provider-monitor")}
    if one.is_update:  # a second creation only counts: what it says is kept as it was
        for field, value in what.items():
            yield "PUT", f"{at}/{field}{named}", {field: value}


def _responder(name: str) -> dict[str, str]:
    kind, field = RESPONDERS[name[0]]
    return {"type": kind, field: name[1:]}


def _key(one: Alert, out: Outgoing) -> str:
    return f"provider-monitor {out.text.location} {one.key}"
