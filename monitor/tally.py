"""What happened so far, counted: probes, messages, incidents, polls, restarts. It only grows, also over restarts.

The store keeps it, one part for each account and one for the monitor itself, so that a round of cron goes on where the
last one stopped. Whoever shows it saves it first: after a kill it may lack what nobody saw, and never shrinks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from monitor.diagnose.incident import Change, ChangeKind
from monitor.stage import Stage
from probes.model import Observation, Outcome
from probes.notice import Bulletin, Trust


class Event(StrEnum):
    """What is counted; stored by its value."""

    PROBE = "probe"
    COST = "cost"
    MESSAGE = "message"
    INCIDENT = "incident"
    RESTART = "restart"
    POLL = "poll"


LABELS: Mapping[Event, tuple[str, ...]] = {
    Event.PROBE: ("canary", "model", "outcome", "fault"),
    Event.COST: (),
    Event.MESSAGE: ("channel", "result"),
    Event.INCIDENT: ("scope", "fault", "blame", "severity"),
    Event.RESTART: ("stage",),
    Event.POLL: ("source", "result"),
}
"""What the labels of each event say, in order. Probes and their cost are those of one account."""


class MessageResult(StrEnum):
    """How one try to send a message ended. RETRIED: it failed, and another try follows."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    GIVEN_UP = "given_up"


class PollResult(StrEnum):
    READ = "read"
    FAILED = "failed"


class Timed(StrEnum):
    """What is timed of good answers: all of one, or what passes until its first token."""

    ANSWER = "answer"
    FIRST_TOKEN = "first_token"


EDGES_S = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0)
"""Longest duration in each bucket but the last: fine where answers usually are, up to the time limit of a probe."""
TIMED_LABELS = ("provider", "canary", "model")

Labels = tuple[str, ...]


class EventCount(Struct, frozen=True, array_like=True):
    event: Event
    labels: Labels
    number: float


class TimedSpread(Struct, frozen=True, array_like=True):
    """How many durations fell into each bucket, the last one without an end, and their sum."""

    timed: Timed
    labels: Labels
    buckets: tuple[int, ...]
    total_s: float


class TallyPart(Struct, frozen=True):
    """What was counted of one account, or of the monitor itself, since an instant."""

    since: datetime
    counts: tuple[EventCount, ...] = ()
    spreads: tuple[TimedSpread, ...] = ()


OWN = ""
"""The part of the monitor itself, in the place of an account's id."""


class EventTally(Struct, kw_only=True):
    """The counts of a running monitor. `begun_at` is when it began, for parts that are new.

    `parts`: by account, as last given away to be saved; `changed`: those that have grown since.
    """

    begun_at: datetime
    parts: Mapping[str, TallyPart] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    numbers: dict[str, dict[tuple[Event, Labels], float]] = field(default_factory=lambda: defaultdict(dict))
    spreads: dict[tuple[Timed, Labels], tuple[list[int], float]] = field(default_factory=dict)

    def count(self, event: Event, labels: Labels = (), of: str = OWN, by: float = 1) -> None:
        """Count an event of an account, or of the monitor itself; by 0 it is shown although it never happened."""
        its, key = self.numbers[of], (event, labels)
        if by or key not in its:
            its[key] = its.get(key, 0) + by
            self.changed.add(of)

    def time(self, timed: Timed, labels: Labels, seconds: float) -> None:
        buckets, total_s = self.spreads.get((timed, labels)) or ([0] * (len(EDGES_S) + 1), 0.0)
        buckets[bisect_left(EDGES_S, seconds)] += 1
        self.spreads[timed, labels] = buckets, total_s + seconds
        self.changed.add(OWN)

    def take_changed(self) -> dict[str, TallyPart]:
        """Return the parts that have grown since the last time, by account."""
        taken = {of: self._part(of) for of in self.changed}
        self.changed = set()
        self.parts = {**self.parts, **taken}
        return taken

    def _part(self, of: str) -> TallyPart:
        before = self.parts.get(of)
        counts = tuple(EventCount(event, labels, number) for (event, labels), number in self.numbers[of].items())
        spreads = self.spreads.items() if of == OWN else ()
        return TallyPart(
            before.since if before else self.begun_at,
            counts,
            tuple(TimedSpread(timed, labels, tuple(its), total_s) for (timed, labels), (its, total_s) in spreads),
        )


def resume_tally(parts: Mapping[str, TallyPart], begun_at: datetime) -> EventTally:
    """Return a tally that goes on from what was saved; durations in other buckets than today's begin anew."""
    tally = EventTally(begun_at=begun_at, parts=parts)
    for of, part in parts.items():
        tally.numbers[of] = {(one.event, one.labels): one.number for one in part.counts}
        fit = (one for one in part.spreads if len(one.buckets) == len(EDGES_S) + 1)
        tally.spreads |= {(one.timed, one.labels): ([*one.buckets], one.total_s) for one in fit}
    return tally


def expect(tally: EventTally, channels: Iterable[str], sources: Iterable[str]) -> None:
    """Show what may happen to these as 0 until it does: a rate needs a first value."""
    for stage in Stage:
        tally.count(Event.RESTART, (stage,), by=0)
    for channel in channels:
        for result in MessageResult:
            tally.count(Event.MESSAGE, (channel, result), by=0)
    for source in sources:
        for read in PollResult:
            tally.count(Event.POLL, (source, read), by=0)


def count_probe(tally: EventTally, seen: Observation) -> None:
    """EventCount an attempt by how it ended; time it if it was answered well."""
    target, model = seen.target, seen.target.model or ""
    tally.count(Event.PROBE, (target.canary, model, seen.outcome, seen.fault or ""), target.account)
    if seen.cost_usd:
        tally.count(Event.COST, (), target.account, seen.cost_usd)
    if seen.outcome is Outcome.OK:
        labels = target.provider, target.canary, model
        for timed, seconds in ((Timed.ANSWER, seen.latency_s), (Timed.FIRST_TOKEN, seen.ttft_s)):
            if seconds is not None:
                tally.time(timed, labels, seconds)


def count_change(tally: EventTally, change: Change) -> None:
    """EventCount an incident that opens; a drill is none."""
    one = change.incident
    if change.kind is ChangeKind.OPENED and not one.drill:
        tally.count(Event.INCIDENT, (one.scope, one.fault, one.blame, one.severity))


def count_poll(tally: EventTally, bulletin: Bulletin) -> None:
    result = PollResult.FAILED if bulletin.trust is Trust.DOUBTFUL else PollResult.READ
    tally.count(Event.POLL, (bulletin.source, result))
