"""Outbox → people: each message when its turn comes, retried after a failure, delivered at least once."""

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import unquote

from msgspec.structs import replace

from monitor.alert.address import open_service
from monitor.alert.case import Step
from monitor.alert.channel import TERMINAL, Channel, Format, pause_s
from monitor.alert.outbox import OutboxMessage
from monitor.alert.text import MessageText
from monitor.diagnose.incident import Incident, Severity
from probes.redact import redact

GIVE_UP = timedelta(hours=24)

SMALLER = {"ntfy": 4096}
"""Bytes of a message where Apprise allows more than the service does: ntfy turns a longer one into a file."""

Print = Callable[[str], None]


async def send(channel: Channel, text: MessageText, severity: Severity | None, show: Print) -> str | None:
    """Send one message; `severity` is None if it reports an end.

    Return None if it was accepted, else why not, without any of the channel's secrets.
    """
    if channel.url == TERMINAL.url:
        return _shown(text, show)
    try:
        async with asyncio.timeout(channel.limit_s):
            return await _in_thread(lambda: _notify(channel, text, KINDS[severity]))
    except TimeoutError:
        return f"no answer within {channel.limit_s:g} s"


def _shown(text: MessageText, show: Print) -> str | None:
    try:
        show(f"\n{text.title}\n{'-' * len(text.title)}\n{text.body}")
    except (OSError, ValueError) as error:  # the reader of our output is gone, or it was closed
        return f"the terminal cannot be written to ({getattr(error, 'strerror', None) or error})"
    return None


KINDS = {None: "success", Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
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
    """Return the message as it fits a service: the brief form if the whole is too long, cut if that is, too.

    Counted in bytes, as the strictest services do, and with the title, which many put before the body. A `title_most`
    of 0 means that the service has no title at all.
    """
    title = _cut(text.title, title_most) if title_most > 0 else text.title
    room = body_most - _size(title) - 2
    if _size(text.body) <= room:
        return replace(text, title=title)
    return MessageText(title, _first_lines(text.brief, max(room, 1)), text.brief)


def _size(text: str) -> int:
    return len(text.encode())


def _first_lines(text: str, most: int) -> str:
    """Return as many whole lines as fit, since half a link is useless; part of the first if not even that fits."""
    kept = ""
    for line in text.splitlines(keepends=True):
        if _size(kept + line) > most:
            return kept or _cut(text, most)
        kept += line
    return kept


def _cut(text: str, most: int) -> str:
    if _size(text) <= most:
        return text
    return text.encode()[: max(most - 3, 0)].decode(errors="ignore").rstrip() + "…"


def _notify(channel: Channel, text: MessageText, kind: str) -> str | None:
    service = open_service(channel)
    if service is None:
        return "the address is not valid; `check` says more"
    if "rto=" not in channel.url:
        service[0].socket_read_timeout = channel.limit_s  # else four seconds, and a slow service gets it repeatedly
    text = fit_service(text, service[0].title_maxlen, SMALLER.get(service[0].service_name, service[0].body_maxlen))
    if service[0].notify_format == Format.TEXT and "format=" not in channel.url:
        service[0].notify_format = str(text.format)  # else Apprise would turn it back into plain text
    result = service.notify(title=text.title, body=text.body, notify_type=kind, body_format=str(text.format))
    return None if result else _reason(result, channel)


def _reason(result: object, channel: Channel) -> str:
    """Return what Apprise says of its failure; its own texts may hold tokens and headers."""
    messages = [str(getattr(entry, "message", "")) for service in iter(result) for one in service for entry in one]  # type: ignore[call-overload]
    text = messages[-1] if messages else "the service refused the message"
    return redact(text, [channel.url, unquote(channel.url)])[:200]


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
