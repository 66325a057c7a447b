"""Queries on messages, their delivery, and replies."""

from datetime import datetime

from monitor.alert.case import Delivery, DeliveryResult, MessageKey, OutboxState, Step, describe_topic
from monitor.alert.reply import Reply
from monitor.diagnose.incident import Incident
from monitor.store.database import Database, Row
from monitor.store.row import from_json, from_ms, read_rows, reply_from, to_ms


class MessageLog:
    """The messages and replies of one location."""

    def __init__(self, connection: Database, location: str) -> None:
        self._db = connection
        self._location = location

    def of(self, incident: str) -> tuple[Delivery, ...]:
        """Return the messages about an incident, their channels and their delivery; oldest first."""
        query = """
            SELECT channel, step, state, coalesce(done, next) AS at, tries, error
            FROM outbox WHERE (location, incident_id) = (?, ?) ORDER BY id
        """
        return tuple(read_rows(self._db.execute(query, (self._location, incident)), _delivery))

    def latest(self, most: int) -> list[tuple[Incident | None, str, Delivery]]:
        """Return the latest messages, newest first, with the incident as it was reported, or the other subject."""
        query = """
            SELECT incident, note, about_channel, channel, step, state, coalesce(done, next) AS at, tries, error
            FROM outbox LEFT JOIN change ON (change.location, change.id) = (outbox.location, change_id)
            WHERE outbox.location = ? ORDER BY outbox.id DESC LIMIT ?
        """
        return list(read_rows(self._db.execute(query, (self._location, most)), _delivery_with_subject))

    def fates(self, since: datetime) -> dict[MessageKey, DeliveryResult]:
        """Return the delivery of each message decided since then."""
        query = """
            SELECT change_id, channel, step, number, state, tries, error FROM outbox WHERE location = ? AND at >= ?
        """
        return dict(read_rows(self._db.execute(query, (self._location, to_ms(since))), _fate))

    def failing_channels(self) -> list[tuple[str, str]]:
        """Return the channels whose latest message still fails after some tries, with the reason."""
        query = """
            SELECT channel, error FROM outbox WHERE id IN (
                SELECT max(id) FROM outbox
                WHERE location = ? AND error IS NOT NULL AND state IN ('waiting', 'failed') GROUP BY channel
            ) ORDER BY channel
        """
        return [(row["channel"], row["error"]) for row in self._db.execute(query, (self._location,))]

    def replies(self) -> list[Reply]:
        return list(
            read_rows(
                self._db.execute("SELECT details FROM reply WHERE location = ? ORDER BY at", (self._location,)),
                reply_from,
            )
        )

    def is_replied(self, reply: str) -> bool:
        query = "SELECT 1 FROM reply WHERE (location, id) = (?, ?)"
        return self._db.execute(query, (self._location, reply)).fetchone() is not None


def _delivery_with_subject(row: Row) -> tuple[Incident | None, str, Delivery]:
    incident = from_json(row["incident"], Incident) if row["incident"] is not None else None
    return incident, describe_topic(row["about_channel"], row["note"]), _delivery(row)


def _delivery(row: Row) -> Delivery:
    step, state = Step(row["step"]), OutboxState(row["state"])
    return Delivery(row["channel"], step, state, from_ms(row["at"]), row["tries"], row["error"])


def _fate(row: Row) -> tuple[MessageKey, DeliveryResult]:
    key = row["change_id"], row["channel"], Step(row["step"]), row["number"]
    return key, DeliveryResult(OutboxState(row["state"]), row["tries"], row["error"])
