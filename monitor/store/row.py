"""Values ↔ columns: the one place that turns times into integers and incidents into JSON."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from monitor.alert.case import Message
from monitor.alert.incident_note import IncidentNote
from monitor.alert.reply import Reply
from monitor.detect.account_memory import AccountMemory
from monitor.detect.health import Health, State, Suspicion
from monitor.detect.measure import Measure
from monitor.detect.shared_latency import Pool, PoolKey
from monitor.detect.target_memory import TargetMemory
from monitor.diagnose.diagnosis import Evidence
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.incident_step import IncidentState, IncidentStep
from monitor.diagnose.subject import Scope, Subject, read_subject
from monitor.schedule import Spending
from monitor.store.clock import ClockTrace
from probes.model import Answer, Confidence, Fault, Observation, Outcome, Phase, Target
from probes.target_id import target_id

log = logging.getLogger("monitor")

EPOCH = datetime.fromtimestamp(0, UTC)
MILLISECOND = timedelta(milliseconds=1)
DAY_MS = 86_400_000
OUTCOMES = (Outcome.OK, Outcome.DEGRADED, Outcome.FAILED, Outcome.UNKNOWN)
"""Outcomes stored by their index here: 0 and 1 take no space in SQLite, and there are millions of rows."""
OK, DEGRADED, FAILED, UNKNOWN = range(4)

T = TypeVar("T")

# What differs between answers of the same meaning: ids, counters, times, addresses.
VARYING = re.compile(r"[0-9a-f]{8,}|[0-9A-Za-z_-]{20,}|\d+", re.IGNORECASE)


class Batch(Struct, frozen=True):
    """What one beat saves in one transaction. `plans`: when each target is probed next.

    `ships`: the observations are also to go to a store that is shared. There, `late` are those that came too late to
    change what is believed, and `received` is, by origin, the number of the last that came from there.
    """

    at: datetime
    observations: tuple[Observation, ...] = ()
    healths: Mapping[str, Health] = field(default_factory=dict)  # by target id
    plans: Mapping[str, datetime] = field(default_factory=dict)
    spendings: Mapping[str, Spending] = field(default_factory=dict)  # by account id
    changes: tuple[Change, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: Mapping[str, AccountMemory] = field(default_factory=dict)  # by account id
    tracks: Mapping[str, TargetMemory] = field(default_factory=dict)  # by target id
    pools: Mapping[PoolKey, Pool] = field(default_factory=dict)
    replies: tuple[Reply, ...] = ()
    trace: ClockTrace | None = None
    ships: bool = False
    late: tuple[Observation, ...] = ()
    received: Mapping[str, int] = field(default_factory=dict)


def to_ms(at: datetime) -> int:
    return (at - EPOCH) // MILLISECOND


def from_ms(at: int) -> datetime:
    return EPOCH + at * MILLISECOND


def midnight_ms(at: int) -> int:
    """Return the start of the day, in UTC, of a stored time."""
    return at // DAY_MS * DAY_MS


def ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def time_or_none(at: int | None) -> datetime | None:
    return None if at is None else from_ms(at)


def duration_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def to_json(value: object) -> str:
    """Return a value as JSON, to be read by `from_json` only."""
    return msgspec.json.encode(value).decode()


def from_json(text: str, kind: type[T]) -> T:
    """Return a stored value, also in the form of an older version. Raises msgspec.DecodeError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError:
        if kind is not Incident:
            raise
        return msgspec.json.decode(_as_of_now(text), type=kind)


class IncidentBefore(Struct, frozen=True):
    """The parts of a stored incident from the time when its subject was a plain name."""

    scope: Scope
    subject: str
    targets: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    widest: tuple[Scope, str] | None = None

    def read(self, scope: Scope, name: str) -> Subject:
        return read_subject(scope, name, {*self.targets, *self.covered, *(one.target for one in self.evidence)})


def _as_of_now(text: str) -> bytes:
    before = msgspec.json.decode(text, type=IncidentBefore)
    about, widest = before.read(before.scope, before.subject), before.widest and before.read(*before.widest)
    return msgspec.json.encode(msgspec.json.decode(text) | {"about": about, "widest": widest})


def read_values(rows: Iterable[tuple[str, str]], kind: type[T]) -> dict[str, T]:
    """Return the stored values by name; an unreadable one is left out and learnt again."""
    found = {}
    for name, text in rows:
        try:
            found[name] = from_json(text, kind)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            log.error("the stored state of %s cannot be read and is ignored: %s", name, error)
    return found


def pool_id(key: PoolKey) -> str:
    """Return the id of a pool in a row: `openai chat total`, from one place of several `:FRA:openai chat total`.

    A model's name may have spaces; the parts before it have none. A place has no ":", and a provider begins with none.
    """
    place = f":{key.location}:" if key.location else ""
    return place + " ".join(filter(None, (key.answerer, key.canary, key.kind, key.model)))


def pool_key(id: str) -> PoolKey:
    """Return the pool that a row's id means. Raises ValueError."""
    _, location, rest = id.split(":", 2) if id.startswith(":") else ("", "", id)
    answerer, canary, kind, *model = rest.split(" ", 3)
    return PoolKey(answerer, canary, Measure(kind), model[0] if model else None, location)


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError, OverflowError)
"""Errors from reading a row that another program or a broken disk wrote."""


def read_rows(rows: Iterable[Any], read: Callable[[Any], T]) -> Iterator[T]:
    """Yield the value of each row; an unreadable one is skipped and logged, so that it hides no other."""
    for row in rows:
        try:
            yield read(row)
        except UNREADABLE as error:
            log.error("a row of the database cannot be read and is skipped: %s", error)


def answer_digest(answer: Answer) -> bytes:
    """Return a digest that is equal for answers which differ only in ids, counters and times."""
    text = f"{answer.rule}\n{answer.words}\n{answer.body}" + (f"\n{answer.phase}" if answer.phase else "")
    return blake2b(VARYING.sub("#", text).encode(), digest_size=16).digest()


def health_from(row: Mapping[str, Any]) -> Health:
    """Return the health from a row joined with its answer."""
    return Health(
        state=State(row["state"]),
        since=time_or_none(row["since"]),
        failures=row["failures"],
        successes=row["successes"],
        began_at=time_or_none(row["began"]),
        seen_at=time_or_none(row["seen"]),
        fault=Fault(row["fault"]) if row["fault"] else None,
        status=row["status"],
        request_id=row["request_id"],
        answer=_answer_from(row) if row["rule"] else None,
        reason=row["reason"],
        evidence=from_json(row["evidence"], Suspicion) if row["evidence"] else None,
        well_at=time_or_none(row["well"]),
    )


def observation_from(row: Mapping[str, Any], target: Target) -> Observation:
    """Return one stored observation; if its answer is deleted already, nothing is sure."""
    outcome, sure = OUTCOMES[row["outcome"]], row["confidence"] or Confidence.LOW
    return Observation(
        target,
        from_ms(row["at"]),
        outcome,
        latency_s=_seconds(row["latency"]),
        ttft_s=_seconds(row["ttft"]),
        status=row["status"],
        fault=Fault(row["fault"]) if row["fault"] else None,
        answer=None if outcome is Outcome.OK else Answer(row["rule"] or "", "", Confidence(sure), phase=_phase(row)),
    )


def incident_from(row: Mapping[str, Any]) -> Incident:
    return from_json(row["details"], Incident)


def change_from(row: Mapping[str, Any]) -> Change:
    return Change(from_json(row["incident"], Incident), ChangeKind(row["kind"]), from_ms(row["at"]))


def reply_from(row: Mapping[str, Any]) -> Reply:
    return from_json(row["details"], Reply)


def step_from(row: Mapping[str, Any]) -> IncidentStep:
    return IncidentStep(ChangeKind(row["kind"]), from_ms(row["at"]), from_json(row["incident"], IncidentState))


def incident_note_from(row: Mapping[str, Any]) -> IncidentNote:
    return IncidentNote(row["incident_id"], from_ms(row["at"]), row["by"], row["text"], bool(row["public"]))


def target_id_from(row: Mapping[str, str]) -> str:
    return target_id(row["account"], row["canary"], row["model"] or None, row["place"])


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000


def _answer_from(row: Mapping[str, Any]) -> Answer:
    return Answer(row["rule"], row["words"], Confidence(row["confidence"]), row["body"], phase=_phase(row))


def _phase(row: Mapping[str, Any]) -> Phase | None:
    return Phase(row["phase"]) if row["phase"] else None
