"""What a restart resumes: beliefs and plans, the detectors' memory, and the messages sent."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from monitor.alert.case import KEEP_FOR, Case, Message, Step, with_changes, with_messages
from monitor.alert.reply import Reply
from monitor.alert.storage_notice import LastNotice, StorageEventKind, read_notice
from monitor.detect.account_memory import AccountMemory
from monitor.detect.health import Health
from monitor.detect.shared_latency import Pool, PoolKey
from monitor.detect.target_memory import TargetMemory
from monitor.diagnose.incident import Incident
from monitor.diagnose.status_source import StatusSource
from monitor.schedule import Spending
from monitor.store.database import Database, Row
from monitor.store.key_value import KeyValues
from monitor.store.row import (
    change_from,
    from_json,
    from_ms,
    health_from,
    pool_key,
    read_rows,
    read_values,
    reply_from,
    target_id_from,
    time_or_none,
    to_ms,
)


class RestoredBelief(Struct, frozen=True):
    """What a restart resumes of belief and plan, by target id, account id and incident id."""

    healths: Mapping[str, Health]
    plans: Mapping[str, datetime]
    spendings: Mapping[str, Spending]
    incidents: Mapping[str, Incident]
    notes: Mapping[str, AccountMemory]
    sources: Mapping[str, StatusSource]


class RestoredMessages(Struct, frozen=True):
    """What a restart resumes of messages and replies.

    `digests`: when each channel was last sent one. `beat`: when anything was last written; None: never. `heard`: what
    each channel was told about whether the database can be written.
    """

    cases: Mapping[str, Case]
    replies: Sequence[Reply]
    digests: Mapping[str, datetime]
    beat: datetime | None
    heard: Mapping[str, LastNotice]


RECENT = "SELECT id FROM incident WHERE location = :here AND (closed IS NULL OR closed > :since)"


class Resumption:
    """What the last process at one location left for the next."""

    def __init__(self, connection: Database, location: str, marks: KeyValues) -> None:
        self._db = connection
        self._location = location
        self._marks = marks

    def resume(self) -> RestoredBelief:
        """Return what was believed, planned, spent and open at the end of the last process."""
        healths: dict[str, Health] = {}
        plans: dict[str, datetime] = {}
        query = """
            SELECT health.*, rule, confidence, words, body, phase, account, canary, model, place
            FROM health JOIN series ON series.id = series_id LEFT JOIN answer ON answer.id = answer_id
            WHERE location = ?
        """
        for id, health, planned in read_rows(self._db.execute(query, (self._location,)), _planned):
            healths[id] = health
            if planned:
                plans[id] = planned
        return RestoredBelief(healths, plans, self._spendings(), self._open_incidents(), self._notes(), self.sources())

    def _spendings(self) -> dict[str, Spending]:
        query = """
            SELECT account, day, tokens, usd FROM spending
            WHERE location = :here AND (account, day) IN (
                SELECT account, max(day) FROM spending WHERE location = :here GROUP BY account
            )
        """
        return dict(read_rows(self._db.execute(query, {"here": self._location}), _spending))

    def sources(self) -> dict[str, StatusSource]:
        """Return the state of each status source, by its id."""
        rows = self._db.execute("SELECT id, source FROM source WHERE location = ? ORDER BY id", (self._location,))
        return read_values(((row["id"], row["source"]) for row in rows), StatusSource)

    def tracks(self) -> dict[str, TargetMemory]:
        """Return the detectors' memory of each target, by its id."""
        query = """
            SELECT account, canary, model, place, track FROM track JOIN series ON series.id = series_id
            WHERE location = ?
        """
        return read_values(
            ((target_id_from(row), row["track"]) for row in self._db.execute(query, (self._location,))), TargetMemory
        )

    def pools(self) -> dict[PoolKey, Pool]:
        """Return the detectors' memory of each pool."""
        rows = self._db.execute("SELECT id, pool FROM pool WHERE location = ?", (self._location,))
        return dict(read_rows(rows, lambda row: (pool_key(row["id"]), from_json(row["pool"], Pool))))

    def _notes(self) -> dict[str, AccountMemory]:
        rows = self._db.execute("SELECT account, note FROM note WHERE location = ?", (self._location,))
        return read_values(((row["account"], row["note"]) for row in rows), AccountMemory)

    def _open_incidents(self) -> dict[str, Incident]:
        query = "SELECT id, details FROM incident WHERE location = ? AND closed IS NULL ORDER BY opened"
        rows = self._db.execute(query, (self._location,))
        return read_values(((row["id"], row["details"]) for row in rows), Incident)

    def correspondence(self, now: datetime) -> RestoredMessages:
        query = "SELECT channel, max(at) AS at FROM outbox WHERE location = ? AND step = 'digest' GROUP BY channel"
        rows = self._db.execute(query, (self._location,))
        digests = {row["channel"]: from_ms(row["at"]) for row in rows}
        return RestoredMessages(self._cases(now), self._replies(now), digests, self._marks.last_beat(), self._heard())

    def _heard(self) -> dict[str, LastNotice]:
        query = """
            SELECT channel, note, number AS at FROM outbox
            WHERE location = ? AND step = 'store' AND note NOT LIKE ? ORDER BY number
        """
        rows = self._db.execute(query, (self._location, f"{StorageEventKind.EVENT}%"))
        return dict(
            read_rows(rows, lambda row: (row["channel"], LastNotice(read_notice(row["note"])[0], from_ms(row["at"]))))
        )

    def _cases(self, now: datetime) -> dict[str, Case]:
        """Return the recent incidents and who was notified, in order."""
        which = {"here": self._location, "since": to_ms(now - KEEP_FOR)}
        recent = f"location = :here AND incident_id IN ({RECENT})"
        query = f"SELECT incident, kind, at FROM change WHERE {recent} ORDER BY rowid"
        cases = with_changes({}, read_rows(self._db.execute(query, which), change_from))
        query = f"SELECT * FROM outbox WHERE {recent} AND change_id IS NOT NULL ORDER BY id"
        return with_messages(cases, read_rows(self._db.execute(query, which), _message))

    def _replies(self, now: datetime) -> list[Reply]:
        """Return the replies that may still be in effect, and the snoozes that replaced longer ones."""
        query = """
            SELECT details FROM reply
            WHERE location = :here AND (
                (kind IN ('silence', 'lift') AND coalesce(until, :now) >= :now)
                OR subject IN (SELECT id FROM incident WHERE location = :here AND closed IS NULL)
            )
            ORDER BY at
        """
        return list(read_rows(self._db.execute(query, {"here": self._location, "now": to_ms(now)}), reply_from))


def _planned(row: Mapping[str, Any]) -> tuple[str, Health, datetime | None]:
    return target_id_from(row), health_from(row), time_or_none(row["next"])


def _spending(row: Row) -> tuple[str, Spending]:
    return row["account"], Spending(date.fromisoformat(row["day"]), row["tokens"], row["usd"])


def _message(row: Row) -> tuple[Message, datetime]:
    message = Message(row["change_id"], row["channel"], Step(row["step"]), row["number"], row["incident_id"])
    return message, from_ms(row["at"])
