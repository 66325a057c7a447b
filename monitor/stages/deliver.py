"""Outbox → channels: the stage that sends each message, and retries after a failure."""

import asyncio
import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import assert_never

from msgspec.structs import replace

from monitor.alert.address import open_service
from monitor.alert.case import Step
from monitor.alert.channel import TERMINAL, Channel
from monitor.alert.deliver import OWN, next_try_at, would_disturb
from monitor.alert.digest import begins
from monitor.alert.family import format_of, scheme_of
from monitor.alert.outbox import OutboxMessage, OutboxRow
from monitor.alert.routing import RoutingInput, past_incidents
from monitor.alert.signed_link import link_urls
from monitor.alert.storage_notice import severity_of_notice
from monitor.alert.text import (
    LISTED,
    DigestSummary,
    MessageContext,
    MessagePart,
    MessageStyle,
    MessageTemplates,
    MessageText,
    UsableAccount,
    compose,
    compose_channel_failure,
    compose_digest,
    compose_storage_notice,
    worst_severity,
)
from monitor.config.config import Config
from monitor.diagnose.incident import Change, Incident, Severity
from monitor.publish.advice import Glance, advice_for, find_substitutes, needs_substitute
from monitor.publish.collect import glance_of_beliefs
from monitor.publish.usable import Usable
from monitor.sentence.translation import PageLanguage, load_language
from monitor.stages.notify import routing_input
from monitor.state.alert_state import AlertState
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError
from monitor.store.standby import WritePlace
from monitor.store.store import Store
from monitor.store.writer import Writer, outbox_key
from monitor.tally import Event, MessageResult

log = logging.getLogger("monitor")

LOOK_AGAIN = timedelta(seconds=5)
"""Longest time between two looks into the outbox: who queues a message says so, but not who puts a database back."""
EPOCH, NEVER = datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC)


def preload_libraries(channels: Iterable[Channel], templates: MessageTemplates) -> None:
    """Load the message libraries in a thread as soon as a message may be due: it takes as long as a slow canary."""
    addressed = [channel for channel in channels if channel.url != TERMINAL.url]
    if addressed and "apprise" not in sys.modules:
        threading.Thread(target=_warm_up, args=(addressed, templates), daemon=True, name="warm-up").start()


def _warm_up(channels: Iterable[Channel], templates: MessageTemplates) -> None:
    for channel in channels:
        open_service(channel)
    templates.load()


async def deliver(services: Services, belief: BeliefView, told: AlertState, signals: StageSignals) -> None:
    """Send each message to its channel; no channel waits for another."""
    busy: set[str] = set()
    looked_at, next_at = EPOCH, EPOCH
    async with asyncio.TaskGroup() as deliveries:
        while True:
            now = services.edge.clock()
            if signals.outbox.is_set() or not looked_at <= now < min(next_at, looked_at + LOOK_AGAIN):
                signals.outbox.clear()
                for message in await _due_messages(services, belief, told):
                    if message.channel not in busy:
                        busy.add(message.channel)
                        deliveries.create_task(_deliver_safely(services, belief, told, signals, message, busy))
                looked_at, next_at = now, await _next_message_at(services) or NEVER
            # Not at once, even when a message is due: its channel may be busy with an earlier one.
            await wait_for_event(services.pauses.step_s, signals.outbox)


async def deliver_due(services: Services, belief: BeliefView, told: AlertState, signals: StageSignals) -> None:
    """Try every due message once, each channel's in order, and return."""
    tried: set[int] = set()
    while messages := [message for message in await _due_messages(services, belief, told) if message.id not in tried]:
        tried |= {message.id for message in messages}
        await asyncio.gather(
            *(_deliver_safely(services, belief, told, signals, message, set()) for message in messages)
        )


async def _deliver_safely(
    services: Services,
    belief: BeliefView,
    told: AlertState,
    signals: StageSignals,
    message: OutboxMessage,
    busy: set[str],
) -> None:
    """Send one message. A stop waits for it to finish: it would be sent twice otherwise."""
    work = asyncio.create_task(_deliver_one(services, belief, told, signals, message))
    try:
        await _finish(signals, work)
    except StoreError as error:  # sent but not recorded: recorded when it is next found due
        services.own.warn("store", f"a delivery cannot be noted: {error}")
    except Exception as error:  # one broken message must not hold up the others
        log.exception("channel %s: a message failed", message.channel)
        await _postpone(services, message, f"the monitor's own fault ({type(error).__name__})")
    finally:
        busy.discard(message.channel)
        signals.outbox.set()


async def _postpone(services: Services, message: OutboxMessage, error: str) -> None:
    now = services.edge.clock()
    if again := next_try_at(message, now):
        _count(services, message.channel, MessageResult.RETRIED)
        await services.storage.write(Writer.postponed, message, error, again)
    else:
        _count(services, message.channel, MessageResult.GIVEN_UP)
        await services.storage.write(Writer.given_up, message, error, now)


async def _finish(signals: StageSignals, work: asyncio.Task[None]) -> None:
    """Wait for work that has its own time limit, even through a stop; give up when `dropped` is set."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        dropped = asyncio.create_task(signals.dropped.wait())
        await asyncio.wait((work, dropped), return_when=asyncio.FIRST_COMPLETED)
        dropped.cancel()
        if signals.dropped.is_set():
            work.cancel()
        await work
        raise


async def _deliver_one(
    services: Services, belief: BeliefView, told: AlertState, signals: StageSignals, message: OutboxMessage
) -> None:
    channel = _channel(belief, message.channel)
    if channel is None:
        await services.storage.write(Writer.given_up, message, "no such channel any more", services.edge.clock())
        return
    pieces = _pieces(services, belief, told, message, channel)
    text, severity = await _text(services, belief, message, pieces, channel), _severity(message, pieces)
    text = replace(text, id=message_id(message, belief.config.location), closes=_over_by_now(told, message))
    error = await services.outside.send(channel, text, severity, services.edge.show)
    now = services.edge.clock()
    if error is None:
        _count(services, channel.name, MessageResult.DELIVERED)
        told.note_sent([outbox_key(message.channel, item) for item in message.items])
        await services.storage.write(Writer.delivered, message, now)
    elif again := next_try_at(message, now):
        _count(services, channel.name, MessageResult.RETRIED)
        log.warning("channel %s: not delivered (%s); next try at %s", channel.name, error, f"{again:%H:%M:%S} UTC")
        await services.storage.write(Writer.postponed, message, error, again)
        await _report_failing_channel(services, belief, signals, message, error, now)
    else:
        _count(services, channel.name, MessageResult.GIVEN_UP)
        log.error("channel %s: given up (%s)", channel.name, error)
        await services.storage.write(Writer.given_up, message, error, now)
    signals.news.set()


def _count(services: Services, channel: str, result: MessageResult) -> None:
    services.tally.count(Event.MESSAGE, (channel, result))


def message_id(message: OutboxMessage, location: str) -> str:
    """Return an id of a message that stays the same at each try, so that a receiver can drop what arrives twice."""
    keys = [str(outbox_key(message.channel, item)) for item in message.items]
    return f"msg_{sha256(repr((location, *keys)).encode()).hexdigest()[:24]}"


def _over_by_now(told: AlertState, message: OutboxMessage) -> tuple[str, ...]:
    """Return the incidents that this channel was told of, and whose end is no message: they went on in another one."""
    its = {item.change.incident.id for item in message.items if item.change}
    cases = [case for case in told.cases.values() if message.channel in case.owed and case.incident.id not in its]
    return tuple(case.incident.id for case in cases if case.incident.closed_at or case.is_silently_over())


async def _report_failing_channel(
    services: Services, belief: BeliefView, signals: StageSignals, message: OutboxMessage, error: str, now: datetime
) -> None:
    """Tell the other channels that this one fails. Only a critical message breaks into quiet hours.

    While we are offline all channels fail, and none of them is to blame.
    """
    if message.tries + 1 < belief.config.rules.patience.failing_tries or belief.is_offline:
        return
    critical = any(one.change and one.change.incident.severity is Severity.CRITICAL for one in message.items)
    others = (one for one in belief.config.channels if one.name != message.channel)
    recipients = [one.name for one in others if critical or not (one.quiet and one.quiet.is_on(now))]
    if recipients:
        await services.storage.write(Writer.complain, message.channel, error, recipients, now)
        signals.outbox.set()


def _pieces(
    services: Services, belief: BeliefView, told: AlertState, message: OutboxMessage, channel: Channel
) -> list[MessagePart]:
    """Return the parts of a message. Of several incidents each gets its advice, and the account to use instead."""
    items = [(item, _with_present_incident(belief, item.change)) for item in message.items if item.change]
    if not items:
        return []
    now, config = services.edge.clock(), belief.config
    seen = glance_of_beliefs(config, belief.healths, belief.incidents.values(), now)
    if len(items) > 1:
        return [
            _part(item, change, _listed_context(config, change, seen, with_substitute=number < LISTED))
            for number, (item, change) in enumerate(items)
        ]
    ((item, change),) = items
    around = full_context(config, change.incident, seen, routing_input(belief, told, now))
    return [_part(item, change, replace(around, links=_links(services, config, change.incident, channel, now)))]


def _part(item: OutboxRow, change: Change, around: MessageContext) -> MessagePart:
    return MessagePart(item.step, item.number, change, around, item.first)


def _with_present_incident(belief: BeliefView, change: Change) -> Change:
    """Return the change with its incident as it is now: a late message must not report an old state."""
    now = belief.incidents.get(change.incident.id)
    return replace(change, incident=now) if now and not change.incident.closed_at else change


def _listed_context(config: Config, change: Change, seen: Glance, *, with_substitute: bool) -> MessageContext:
    """Return what a list says of one incident; of one that is over, or only counted, no substitute is named."""
    brief = _brief_context(config, change.incident, seen)
    if change.incident.closed_at or not with_substitute:
        return brief
    best = [_usable(one, seen.now.at) for one in find_substitutes(change.incident, config, seen)[:1]]
    return replace(brief, usable=best, replaced=needs_substitute(change.incident))


def _usable(one: Usable, now: datetime) -> UsableAccount:
    return UsableAccount(one.account, one.well_at or now, one.doubt)


def _brief_context(config: Config, incident: Incident, seen: Glance) -> MessageContext:
    return MessageContext(config.location, config.simulated, advice_for(incident, config, seen), url=config.site.url)


def _severity(message: OutboxMessage, pieces: Sequence[MessagePart]) -> Severity | None:
    if pieces:
        return worst_severity(pieces)
    first = message.items[0]
    match first.step:
        case Step.FAILING:
            return Severity.WARNING
        case Step.STORE:
            return severity_of_notice(first.note)
        case Step.DIGEST:
            return Severity.INFO
        case Step.OPENED | Step.CHANGED | Step.RESOLVED | Step.REMINDER | Step.ESCALATED | Step.MISSED:
            return Severity.INFO  # none of its incidents can be read any more
    assert_never(first.step)


async def _text(
    services: Services, belief: BeliefView, message: OutboxMessage, pieces: Sequence[MessagePart], channel: Channel
) -> MessageText:
    now, config = services.edge.clock(), belief.config
    style = message_style(channel, services.templates, config)
    first = message.items[0]
    match first.step:
        case _ if pieces:
            text = compose(pieces, style, now)
        case Step.DIGEST:
            summary = await asyncio.to_thread(_summary, services.storage.store, config, channel, first.note)
            text = compose_digest(summary, style)
        case Step.STORE:
            text = compose_storage_notice(first.note, config.location, style)
        case Step.FAILING | Step.OPENED | Step.CHANGED | Step.RESOLVED | Step.REMINDER | Step.ESCALATED | Step.MISSED:
            text = compose_channel_failure(first.about_channel, first.note, config.location, style)
        case _:
            assert_never(first.step)
    _warn_of_templates(services)
    return text


def message_style(channel: Channel, templates: MessageTemplates, config: Config) -> MessageStyle:
    return MessageStyle(
        templates,
        channel.detail,
        format_of(channel),
        message_language(channel, config),
        scheme_of(channel.url) in OWN,
    )


def message_language(channel: Channel, config: Config) -> PageLanguage:
    """Return the language of a channel's messages, with its zone."""
    return load_language(channel.language, config.own_folders, zone=channel.zone)


def _warn_of_templates(services: Services) -> None:
    warnings = {f"template {name}": str(one) for name, one in services.templates.warnings.items()}
    for about in [one for one in services.own.warnings if one.startswith("template ") and one not in warnings]:
        services.own.mended(about)
    for about, words in warnings.items():
        services.own.warn(about, words)


def _summary(store: Store, config: Config, channel: Channel, due: str) -> DigestSummary:
    until = datetime.fromisoformat(due)
    since = begins(channel.digest or "daily", until)
    with store.reading() as stored:
        incidents = stored.incidents.between(since, until)
    return DigestSummary(since, until, incidents, config.location, config.site.url)


def _links(services: Services, config: Config, incident: Incident, channel: Channel, now: datetime) -> dict[str, str]:
    url = config.site.url
    if not (url and services.link_key) or incident.closed_at or incident.drill:
        return {}
    return link_urls(services.link_key, url, incident.id, channel.name, now)


def full_context(config: Config, incident: Incident, seen: Glance, situation: RoutingInput) -> MessageContext:
    """Return what a message about one incident says besides it, without the signed links."""
    now, case = situation.now, situation.cases.get(incident.id)
    lately = past_incidents(case, situation) if case else [incident]
    return replace(
        _brief_context(config, incident, seen),
        usable=[_usable(one, now) for one in find_substitutes(incident, config, seen)],
        replaced=needs_substitute(incident),
        times=len(lately),
        downtime_s=sum(((one.closed_at or now) - one.opened_at).total_seconds() for one in lately),
    )


async def _due_messages(services: Services, belief: BeliefView, told: AlertState) -> list[OutboxMessage]:
    now = services.edge.clock()
    if not told.tells_unremembered and services.storage.failover.place is WritePlace.MEMORY:
        return []
    try:
        waiting = await services.storage.write(Writer.due_messages, now)
        messages = [rest for one in waiting if (rest := await _unsent(services, told, one))]
        return [one for one in messages if not ((to := _channel(belief, one.channel)) and would_disturb(one, to, now))]
    except StoreError as error:
        services.own.warn("store", f"the outbox cannot be read: {error}")
        return []


async def _unsent(services: Services, told: AlertState, message: OutboxMessage) -> OutboxMessage | None:
    """Return the part of a message this process has not sent. The rest is recorded again: that record was lost."""
    done = tuple(item for item in message.items if outbox_key(message.channel, item) in told.sent)
    if not done:
        return message
    await services.storage.write(Writer.delivered, replace(message, items=done), services.edge.clock())
    rest = tuple(item for item in message.items if item not in done)
    return replace(message, items=rest) if rest else None


def _channel(belief: BeliefView, name: str) -> Channel | None:
    return next((one for one in belief.config.channels if one.name == name), None)


async def _next_message_at(services: Services) -> datetime | None:
    try:
        return await services.storage.write(Writer.next_message_at)
    except StoreError:
        return services.edge.clock() + timedelta(seconds=5)
