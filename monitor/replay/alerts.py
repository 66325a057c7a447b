"""Replay of a recorded stretch by today's rules: who would have been notified of what; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor.alert.case import (
    Cases,
    DeliveryResult,
    Message,
    MessageKey,
    Step,
    with_changes,
    with_messages,
    without_old,
)
from monitor.alert.channel import Channel, pause_s
from monitor.alert.digest import Timing, due_digests
from monitor.alert.reply import Reply
from monitor.alert.routing import RoutingInput, decide
from monitor.alert.rule import Rules
from monitor.diagnose.incident import Change, Incident, Severity

MINUTE = timedelta(minutes=1)


class Record(Struct, frozen=True):
    """What is on record of a stretch: what happened, what people replied, and how each message went."""

    since: datetime
    changes: Sequence[Change]
    replies: Sequence[Reply]
    fates: Mapping[MessageKey, DeliveryResult]


class ReplayedMessage(Struct, frozen=True):
    """One message that would have been sent, together with `together` - 1 others.

    `fate` is None if it was not sent then: it counts as delivered. `incident` is None if it is about none, and the
    message's note says more.
    """

    at: datetime
    message: Message
    incident: Incident | None = None
    together: int = 1
    fate: DeliveryResult | None = None


class _Channels(Struct):
    """Which channels fail in this replay, and what the others get about it, and when."""

    failing: set[str] = field(default_factory=set)
    due: list[tuple[datetime, str, str, bool]] = field(default_factory=list)


def replay_alerts(
    record: Record, channels: Sequence[Channel], rules: Rules, timing: Timing, now: datetime
) -> Iterator[ReplayedMessage]:
    """Yield what would have been sent, in order. Time moves from change to change and, in between, by minutes."""
    cases: Cases = {}
    digests: dict[str, datetime] = {}
    state = _Channels()
    changes: dict[datetime, list[Change]] = defaultdict(list)
    for change in record.changes:
        changes[change.at].append(change)
    is_calm_told = any(channel.digest for channel in channels)
    for at in _instants(record.since, changes, now, is_calm_told):
        if new := changes.get(at):
            cases = without_old(with_changes(cases, new), at)
        if cases:  # most of a quiet stretch's minutes have none, and there are ten thousand in a week
            given = [one for one in record.replies if one.at <= at]
            messages = decide(RoutingInput(cases, channels, rules, given, at))
            cases = with_messages(cases, [(message, at) for message in messages])
            for line in _as_sent(messages, cases, record.fates, at):
                yield line
                _follow(state, line, rules.patience.failing_tries)
        yield from (ReplayedMessage(at, message) for message in _failing_notices(state, channels, at))
        for message in due_digests(channels, timing, digests, record.since, at):
            digests[message.channel] = at
            yield ReplayedMessage(at, message)


def _instants(since: datetime, changes: Iterable[datetime], now: datetime, is_calm_told: bool) -> Iterator[datetime]:
    """Yield each change's instant, and every minute of the stretch in which anybody may be told of anything."""
    within = [at for at in changes if since <= at <= now]
    first = since if is_calm_told else min(within, default=now)
    minutes = range(int((first - since) / MINUTE), int((now - since) / MINUTE) + 1)
    yield from sorted({*(since + number * MINUTE for number in minutes), *within})


def _as_sent(
    messages: Sequence[Message], cases: Cases, fates: Mapping[MessageKey, DeliveryResult], at: datetime
) -> Iterator[ReplayedMessage]:
    together = Counter(message.channel for message in messages)
    for one in messages:
        incident = cases[one.incident_id or ""].incident
        fate = fates.get((one.change_id, one.channel, one.step, one.number))
        yield ReplayedMessage(at, one, incident, together[one.channel], fate)


def _follow(state: _Channels, line: ReplayedMessage, failing_tries: int) -> None:
    """Note what a delivery says of its channel: it fails, or messages get through again."""
    channel, failures = line.message.channel, line.fate.failures if line.fate else 0
    if failures < failing_tries:
        state.failing.discard(channel)
    elif channel not in state.failing:
        state.failing.add(channel)
        after_s = sum(pause_s(number) for number in range(failing_tries - 1))
        critical = line.incident is not None and line.incident.severity is Severity.CRITICAL
        why = (line.fate and line.fate.error) or "no reason is on record"
        state.due.append((line.at + timedelta(seconds=after_s), channel, why, critical))


def _failing_notices(state: _Channels, channels: Sequence[Channel], at: datetime) -> Iterator[Message]:
    for one in [one for one in state.due if one[0] <= at]:
        state.due.remove(one)
        _, name, why, critical = one
        for other in channels:
            if other.name != name and (critical or not (other.quiet and other.quiet.is_on(at))):
                yield Message(None, other.name, Step.FAILING, note=why, about_channel=name)
