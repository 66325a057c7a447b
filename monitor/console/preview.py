"""What a channel would be sent about an incident now. Sends nothing."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from monitor.alert.case import Case, Step
from monitor.alert.channel import Channel
from monitor.alert.deliver import prepare
from monitor.alert.family import family_of, priority_of
from monitor.alert.rehearsal import can_rehearse, rehearse
from monitor.alert.request import Outgoing
from monitor.alert.routing import RoutingInput
from monitor.alert.signed_link import link_urls
from monitor.alert.text import MessagePart, MessageTemplates, compose, worst_severity
from monitor.config.config import Config
from monitor.console.report_row import PreviewReport
from monitor.console.terminal import Print
from monitor.publish.collect import glance_of_beliefs
from monitor.stages.deliver import full_context, message_style
from monitor.store.resumption import RestoredBelief

NO_KEY = b"of a preview"
"""Signs the links of a preview, which therefore answer nothing: whoever reads it may not be who gets the message."""


def preview(config: Config, case: Case, channel: Channel, scene: RoutingInput, known: RestoredBelief) -> PreviewReport:
    """Return what this channel would be sent: of an open incident its opening, of one that is over its end."""
    out = _message(config, case, channel, scene, known)
    text = prepare(out)
    return PreviewReport(
        channel=channel.name,
        incident=case.incident.id,
        step=_step(case),
        service=family_of(channel.url).name or channel.url.partition(":")[0],
        priority=priority_of(channel, out.severity) or None,
        link=text.link or None,
        format=text.format,
        title=text.title,
        body=text.body,
        requests=[msgspec.to_builtins(one) for one in rehearse(out)] if can_rehearse(channel.url) else None,
    )


def _message(config: Config, case: Case, channel: Channel, scene: RoutingInput, known: RestoredBelief) -> Outgoing:
    incident, now = case.incident, scene.now
    around = full_context(
        config, incident, glance_of_beliefs(config, known.healths, [*known.incidents.values()], now), scene
    )
    links = _links(config, case, channel, now)
    part = MessagePart(_step(case), 0, replace(case.last, incident=incident), replace(around, links=links))
    text = compose([part], message_style(channel, MessageTemplates(config.templates), config), now)
    return Outgoing(channel, replace(text, id="msg_preview"), worst_severity([part]), now)


def _step(case: Case) -> Step:
    return Step.RESOLVED if case.incident.closed_at else Step.OPENED


def _links(config: Config, case: Case, channel: Channel, now: datetime) -> dict[str, str]:
    if not config.site.url or case.incident.closed_at or case.incident.drill:
        return {}
    return link_urls(NO_KEY, config.site.url, case.incident.id, channel.name, now)


def tell_preview(row: PreviewReport, say: Print) -> None:
    say(
        f"{row.channel} ({row.service}), priority: {row.priority or 'none there'}, a tap opens: {row.link or 'nothing'}"
    )
    say(f"\n{row.title}\n{'-' * len(row.title)}\n{row.body.rstrip()}")
    if row.requests is None:
        say("\nWhat travels is not shown: this service is not reached over HTTP, or not known here")
    for one in row.requests or []:
        say(f"\n{one['method']} {one['url']}")
        for name, value in one["headers"].items():
            say(f"{name}: {value}")
        say(_as_text(one["body"]))
    say("\nNothing was sent. Its links answer nothing, and keys are shown as ***")


def _as_text(body: Any) -> str:
    return body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
