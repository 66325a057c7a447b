"""Changes, replies and time → the outbox: the stage that decides which messages are due."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from monitor.alert.case import Message, with_changes, without_old
from monitor.alert.digest import due_digests
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply
from monitor.alert.routing import RoutingInput, decide
from monitor.alert.storage_notice import LastNotice, StorageEventKind, due_notices, read_notice, storage_message
from monitor.diagnose.incident import Change
from monitor.state.alert_state import AlertState
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.redact import redact_decoded

log = logging.getLogger("monitor")

CHECK_STEPS = 5
"""Number of steps between two checks for due messages: only a reply is urgent within seconds."""


async def notify_when_due(services: Services, belief: BeliefView, told: AlertState, signals: StageSignals) -> None:
    """Queue what time or a reply has made due: reminders, held messages, digests."""
    await import_legacy_replies(services, told, signals)
    while True:
        signals.replied.clear()
        await write_due_messages(services, belief, told, signals)
        await wait_for_event(CHECK_STEPS * services.pauses.step_s, signals.replied)


def queue_messages(belief: BeliefView, told: AlertState, changes: Sequence[Change], now: datetime) -> list[Message]:
    """Return the messages that these changes need at once; they count as sent from here on."""
    if not changes:
        return []
    told.cases = with_changes(told.cases, changes)
    messages = decide(routing_input(belief, told, now), {change.incident.id for change in changes})
    told.note(messages, now)
    return messages


def routing_input(belief: BeliefView, told: AlertState, now: datetime) -> RoutingInput:
    """Return the inputs of routing: everything that decides who is notified of what."""
    config = belief.config
    return RoutingInput(told.cases, config.channels, config.rules, told.replies, now, belief.fading)


async def write_due_messages(services: Services, belief: BeliefView, told: AlertState, signals: StageSignals) -> None:
    """Write every due message to the outbox."""
    now = services.edge.clock()
    told.cases = without_old(told.cases, now)
    messages = (
        decide(routing_input(belief, told, now))
        + _digests(belief, told, now)
        + _storage_messages(services, belief, told, now)
    )
    if messages:
        told.note(messages, now)
        await services.storage.save(Batch(now, messages=tuple(messages)))
        signals.outbox.set()
        signals.news.set()


def _digests(belief: BeliefView, told: AlertState, now: datetime) -> list[Message]:
    config = belief.config
    due = due_digests(config.channels, config.digest, told.digests, told.digest_from, now)
    told.digests |= dict.fromkeys((message.channel for message in due), now)
    return due


def _storage_messages(services: Services, belief: BeliefView, told: AlertState, now: datetime) -> list[Message]:
    """Return the due messages about the database; they count as sent from here on."""
    failover, channels = services.storage.failover, belief.config.channels
    events, failover.events = failover.events, []
    due = list(
        due_notices(channels, failover.refusal, services.own.refused_at, told.heard, now, services.pauses.lock_notice)
    )
    for message in due:
        told.heard[message.channel] = LastNotice(read_notice(message.note)[0], now)
    return [*(storage_message(one, StorageEventKind.EVENT, it.words, it.at) for it in events for one in channels), *due]


async def save_reply(services: Services, told: AlertState, signals: StageSignals, reply: Reply) -> bool:
    """Save a reply, which takes effect at once; return whether it is new.

    Raises StoreError or ValueError if it cannot be saved.
    """
    reply = _concealed(reply, services.prober.secrets)
    is_new = await services.storage.write(Writer.save_reply, reply)
    if is_new:
        told.replies.append(reply)
        signals.replied.set()
        signals.news.set()
    return is_new


async def save_note(services: Services, signals: StageSignals, note: IncidentNote) -> bool:
    """Save a note about an incident, which is shown at once; return whether it is new. Raises StoreError."""
    secrets = services.prober.secrets
    note = replace(note, by=redact_decoded(note.by, secrets), text=redact_decoded(note.text, secrets))
    is_new = await services.storage.write(Writer.save_note, note)
    if is_new:
        signals.news.set()
    return is_new


async def import_legacy_replies(services: Services, told: AlertState, signals: StageSignals) -> None:
    """Import the replies that an older version left; keep them until the database has them."""
    store = services.storage.store
    found = await asyncio.to_thread(store.left_replies)
    for one in found:
        try:
            await save_reply(services, told, signals, one.reply)
        except (StoreError, ValueError) as error:  # it would block all notifications otherwise, after every start
            log.error("a reply that was left as a file cannot be saved: %s", error)
    if not services.storage.failover.refusal:
        await asyncio.to_thread(store.forget_left, found)


def _concealed(reply: Reply, secrets: Sequence[str]) -> Reply:
    """Return the reply with any typed secrets masked: the command that took it may not know them."""
    return replace(reply, by=redact_decoded(reply.by, secrets), reason=redact_decoded(reply.reason, secrets))
