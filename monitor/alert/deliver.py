"""Outbox → people: each message when its turn comes, retried after a failure, delivered at least once."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import escape
from msgspec.structs import replace

from monitor.alert.address import open_service, secrets_of, share_network_settings
from monitor.alert.case import Step
from monitor.alert.channel import TERMINAL, Channel, Format, pause_s
from monitor.alert.family import addressed, family_of, scheme_of
from monitor.alert.markup import cut, fit_lines, in_markdown, size, without_code
from monitor.alert.outbox import OutboxMessage
from monitor.alert.pager import opsgenie, pagerduty
from monitor.alert.request import Outgoing, ServiceRequest, post_all
from monitor.alert.text import MessageText
from monitor.alert.webhook import webhook
from monitor.diagnose.incident import Incident, Severity
from probes.model import Timer
from probes.redact import redact

GIVE_UP = timedelta(hours=24)

Print = Callable[[str], None]


async def send(
    channel: Channel, text: MessageText, severity: Severity | None, show: Print, timer: Timer = time.time
) -> str | None:
    """Send one message; `severity` is None if it reports an end. `timer` tells the seconds since 1970.

    Return None if it was accepted, else why not, without any of the channel's secrets.
    """
    if channel.url == TERMINAL.url:
        return _shown(text, show)
    try:
        async with asyncio.timeout(channel.limit_s):
            out = Outgoing(channel, text, severity, datetime.fromtimestamp(timer(), UTC))
            return await _in_thread(lambda: transmit(out))
    except TimeoutError:
        return f"no answer within {channel.limit_s:g} s"


def _shown(text: MessageText, show: Print) -> str | None:
    try:
        show(f"\n{text.title}\n{'-' * len(text.title)}\n{text.body}")
    except (OSError, ValueError) as error:  # the reader of our output is gone, or it was closed
        return f"the terminal cannot be written to ({getattr(error, 'strerror', None) or error})"
    return None


KINDS = {
    **{None: "success", Severity.CRITICAL: "failure", Severity.MAJOR: "warning", Severity.WARNING: "warning"},
    Severity.INFO: "info",
}
"""How a service marks a message, in Apprise's words."""


def next_try_at(message: OutboxMessage, now: datetime) -> datetime | None:
    """Return when to retry a message that has just failed; None: give up."""
    if now - message.at > GIVE_UP:
        return None
    return now + timedelta(seconds=pause_s(message.tries))


def would_disturb(message: OutboxMessage, channel: Channel, now: datetime) -> bool:
    """Whether a message decided by day, and not sent then, would now arrive in the channel's quiet hours."""
    if channel.quiet is None or not channel.quiet.is_on(now):
        return False
    reported = [(item.step, item.change.incident) for item in message.items if item.change]
    return bool(reported) and not any(one.drill or _is_urgent(step, one) for step, one in reported)


def _is_urgent(step: Step, incident: Incident) -> bool:
    return incident.severity is Severity.CRITICAL and step is not Step.MISSED


def fit_service(text: MessageText, title_most: int, body_most: int) -> MessageText:
    """Return the message as it fits a service: whole, without the evidence, in its brief form, or the start of that.

    Counted in bytes, as the strictest services do, and with the title, which many put before the body. A `title_most`
    of 0 means that the service has no title at all. No link and no word is cut.
    """
    title = cut(text.title, title_most) if title_most > 0 else text.title
    room = body_most - size(title) - 2
    for body in filter(None, (text.body, text.shorter)):
        if size(body) <= room:
            return replace(text, title=title, body=body)
    return replace(text, title=title, body=fit_lines(text.brief, text.format, max(room, 1), text.link))


def as_title(title: str, form: Format, title_most: int) -> str:
    """Return a title; without a field of its own it stands in the body, where markup has a meaning."""
    if title_most > 0:
        return title
    return {Format.TEXT: title, Format.MARKDOWN: in_markdown(title), Format.HTML: str(escape(title))}[form]


def transmit(out: Outgoing) -> str | None:
    """Send one message, and wait for the answer. Return None if it was accepted, else why not, without any secret."""
    channel = out.channel
    if own := OWN.get(scheme_of(channel.url)):
        share_network_settings(os.environ)
        return post_all(own(out), channel.limit_s, secrets_of(channel))
    return _notify(channel, out.text, out.severity)


OWN: Mapping[str, Callable[[Outgoing], Iterator[ServiceRequest]]] = {
    "opsgenie": opsgenie,
    "pagerduty": pagerduty,
    "webhook": webhook,
}
"""What sends to the families for which Apprise is not enough. Each is told of every incident by itself."""


def prepare(out: Outgoing) -> MessageText:
    """Return the message in the words in which its service gets it: cut, and without markup that it does not show."""
    if out.channel.url == TERMINAL.url or scheme_of(out.channel.url) in OWN:
        return out.text
    service = open_service(out.channel)
    return out.text if service is None else _fitted(out.text, out.channel, service[0])


def _fitted(text: MessageText, channel: Channel, service: Any) -> MessageText:
    family = family_of(channel.url)
    text = fit_service(text, service.title_maxlen, family.body_most or service.body_maxlen)
    if text.format == Format.MARKDOWN and not family.shows_code:
        return replace(text, body=without_code(text.body))
    return text


def _notify(channel: Channel, text: MessageText, severity: Severity | None) -> str | None:
    service = open_service(replace(channel, url=addressed(channel, severity, text.link)))
    if service is None:
        return "the address is not valid; `check` says more"
    it = service[0]
    if "rto=" not in channel.url:
        it.socket_read_timeout = channel.limit_s  # else four seconds, and a slow service gets it repeatedly
    text = _fitted(text, channel, it)
    if it.notify_format == Format.TEXT and "format=" not in channel.url:
        it.notify_format = str(text.format)  # else Apprise would turn it back into plain text
    title = as_title(text.title, text.format, it.title_maxlen)
    result = service.notify(title=title, body=text.body, notify_type=KINDS[severity], body_format=str(text.format))
    return None if result else _reason(result, channel)


def _reason(result: object, channel: Channel) -> str:
    """Return what Apprise says of its failure; its own texts may hold tokens and headers."""
    messages = [str(getattr(entry, "message", "")) for service in iter(result) for one in service for entry in one]  # type: ignore[call-overload]
    text = messages[-1] if messages else "the service refused the message"
    return redact(text, secrets_of(channel))[:200]


async def _in_thread(work: Callable[[], str | None]) -> str | None:
    """Run blocking work in its own thread, which exit does not wait for.

    Channels that hang could take all threads of a pool, and would delay the end of the process.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def settle(reason: str | None) -> None:
        if not done.done():
            done.set_result(reason)

    def target() -> None:
        try:
            reason = work()
        except Exception as error:  # noqa: BLE001 - a plugin's bug is a failed delivery, and its text may hold secrets
            reason = f"the channel's plugin failed ({type(error).__name__})"
        if not loop.is_closed():  # the process may be ending by now
            loop.call_soon_threadsafe(settle, reason)

    threading.Thread(target=target, daemon=True, name="delivery").start()
    return await done
