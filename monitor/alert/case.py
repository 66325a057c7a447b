"""An incident as alerting sees it: what happened to it, and which channel was notified of what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.subject import Scope, Subject
from probes.model import Fault

KEEP_FOR = timedelta(hours=48)
"""Time after its end that an incident is kept: for what quiet hours held back, and to count its returns."""


class Step(StrEnum):
    """What a message is. MISSED: over before anybody was notified. FAILING: of a channel. STORE: of the database."""

    OPENED = "opened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    MISSED = "missed"
    DIGEST = "digest"
    FAILING = "failing"
    STORE = "store"


END_STEPS = (Step.RESOLVED, Step.MISSED)


class Message(Struct, frozen=True):
    """One message to one channel: a row of the outbox before it is sent.

    Unique by change, channel, step and `number` (which reminder, which escalation). Messages to one channel that were
    decided at the same instant are sent as one. `change_id` is None for what is about no incident, `about_channel`
    names the channel that a FAILING one is about; "": none.
    """

    change_id: str | None
    channel: str
    step: Step = Step.OPENED
    number: int = 0
    incident_id: str | None = None
    note: str = ""
    about_channel: str = ""


def describe_topic(about_channel: str, note: str) -> str:
    """Return in words what a message is about that is about no incident."""
    return f"{about_channel}: {note}" if about_channel else note


MessageKey = tuple[str | None, str, Step, int]
"""What identifies a message: its change, its channel, its step and its number."""


class OutboxState(StrEnum):
    """REPLACED: a newer one took its place before it got through. FAILED: given up."""

    WAITING = "waiting"
    SENT = "sent"
    REPLACED = "replaced"
    FAILED = "failed"


class Delivery(Struct, frozen=True):
    """One message of an incident: to which channel, at which step, and how it went.

    `at` is when it was sent or given up; for one that waits, when it is retried.
    """

    channel: str
    step: Step
    state: OutboxState
    at: datetime
    tries: int
    error: str | None = None


class DeliveryResult(Struct, frozen=True):
    """How a message went that was really sent in the replayed past. `error` is that of the last failed try."""

    state: OutboxState
    tries: int
    error: str | None

    @property
    def failures(self) -> int:
        return self.tries - 1 if self.state is OutboxState.SENT else self.tries


class Notification(Struct, frozen=True):
    """What a channel was notified of, and when that was decided."""

    step: Step
    number: int
    change_id: str
    at: datetime


class Case(Struct, frozen=True):
    """One incident, its changes, and what each channel was notified of; all oldest first.

    `owed` are the channels that were notified of it, but not yet of its end.
    """

    incident: Incident
    changes: tuple[Change, ...] = ()
    told: Mapping[str, tuple[Notification, ...]] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()

    @property
    def key(self) -> tuple[Subject, Fault | None, bool, bool]:
        """What stays the same when a trouble ends and comes again."""
        one = self.incident
        return one.about.identity, one.fault if one.signal else None, one.is_flap, one.drill

    @property
    def last(self) -> Change:
        return self.changes[-1]

    @property
    def opened(self) -> Change:
        return self.changes[0]

    def is_silently_over(self) -> bool:
        """Whether nobody is notified of its end: it went on in another one, or was a date that somebody moved."""
        withdrawn = self.last.kind is ChangeKind.WITHDRAWN
        return self.last.kind is ChangeKind.MERGED or (withdrawn and self.incident.scope is Scope.REMINDER)


Cases = Mapping[str, Case]


def with_changes(cases: Cases, changes: Iterable[Change]) -> dict[str, Case]:
    """Return the cases after these changes."""
    after = dict(cases)
    for change in changes:
        id = change.incident.id
        before = after.get(id, Case(change.incident))
        after[id] = replace(before, incident=change.incident, changes=(*before.changes, change))
    return after


def with_messages(cases: Cases, messages: Iterable[tuple[Message, datetime]]) -> dict[str, Case]:
    """Return the cases once these messages, each with the instant of its decision, are on their way."""
    told: dict[str, dict[str, list[Notification]]] = defaultdict(lambda: defaultdict(list))
    for message, at in messages:
        if message.incident_id and message.change_id:
            telling = Notification(message.step, message.number, message.change_id, at)
            told[message.incident_id][message.channel].append(telling)
    after = dict(cases)
    for id, channels in told.items():
        if case := cases.get(id):
            added = {name: (*case.told.get(name, ()), *its) for name, its in channels.items()}
            over = {name for name, its in channels.items() if any(one.step in END_STEPS for one in its)}
            after[id] = replace(case, told={**case.told, **added}, owed=(case.owed | added.keys()) - over)
    return after


def shift_cases(cases: Cases, by: timedelta) -> dict[str, Case]:
    """Return the cases, with the notifications of open ones re-dated after the clock was set by `by`."""
    return {id: case if case.incident.closed_at else _redated(case, by) for id, case in cases.items()}


def _redated(case: Case, by: timedelta) -> Case:
    told = {name: tuple(replace(one, at=one.at + by) for one in its) for name, its in case.told.items()}
    return replace(case, told=told)


def without_old(cases: Cases, now: datetime) -> dict[str, Case]:
    return {
        id: case
        for id, case in cases.items()
        if case.incident.closed_at is None or now - max(case.last.at, case.incident.closed_at) < KEEP_FOR
    }
