"""Everything that is written to the store: one transaction per beat, and the outbox."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import isfinite

from msgspec.structs import replace

from monitor.alert.case import Case, Message, Notification, OutboxState, Step
from monitor.alert.incident_note import IncidentNote
from monitor.alert.outbox import OutboxMessage, OutboxRow
from monitor.alert.reply import Reply
from monitor.detect.account_memory import AccountMemory
from monitor.detect.health import Health
from monitor.detect.limits import MOST
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.diagnose.stage_failure import FailingStage
from monitor.diagnose.status_source import StatusSource
from monitor.schedule import Spending
from monitor.storage_refusal import StorageRefusal
from monitor.store import rollup
from monitor.store.database import Database, Row
from monitor.store.key_value import TALLY, KeyValues
from monitor.store.outgoing import drop_oldest, forget_received, forget_shipped, name_origin, queue_observations
from monitor.store.overlap import Overlap
from monitor.store.rollup import RollUp
from monitor.store.row import (
    OUTCOMES,
    UNREADABLE,
    Batch,
    answer_digest,
    duration_ms,
    from_json,
    from_ms,
    midnight_ms,
    ms_or_none,
    pool_id,
    time_or_none,
    to_json,
    to_ms,
)
from monitor.store.setting import Retention
from monitor.store.statement import (
    CHANGE,
    EVIDENCE,
    INCIDENT,
    INCIDENT_NOTE,
    MARK,
    NOTE,
    OBSERVATION,
    POOL,
    REPLY,
    SERIES,
    SOURCE,
    SPENDING,
    TRACK,
)
from monitor.tally import TallyPart
from probes.model import Answer, Limit, Observation, Target

log = logging.getLogger("monitor")

FARTHEST_MS = 15 * 60 * 1000
"""Longest delay of a retry in ms; a message that waits longer was postponed before the clock was set back."""


UNDER_WAY = timedelta(minutes=1)
"""Age below which a message may not be sent yet."""

LimitRow = tuple[int, str, int, float | None, float | None, int, int]
"""A row of `ceiling`."""


class Writer:
    """The one writing connection; not for use by two threads at once."""

    def __init__(self, connection: Database, location: str) -> None:
        self._db = connection
        self.location = location
        self._series: dict[str, int] = {}
        self._ceilings: dict[int, tuple[tuple[str, int], ...]] = {}

    def close(self) -> None:
        self._db.close()

    def check(self) -> None:
        """Check that the tables are still ours. Raises ForeignDatabase."""
        self._db.check_tables()

    def save(self, batch: Batch) -> None:
        """Write one beat, in one transaction."""
        with self._transaction():
            answers = self._save_observations((*batch.late, *batch.observations))
            self._save_healths(batch, answers)
            self._save_limits(batch.observations)
            self._save_spendings(batch.spendings)
            self._save_notes(batch.notes)
            self._save_daily_credits(batch)
            self._save_tracks(batch)
            self._save_changes(batch.changes)
            self._save_messages(batch.messages, batch.at)
            self._save_replies(batch.replies)
            if batch.ships:
                queue_observations(self._db, self.location, batch.observations)
            if batch.received:
                forget_received(self._db, batch.received)
            self._mark("beat", str(to_ms(batch.at)))
            if batch.trace:
                self._mark("clock", to_json(batch.trace))

    def recall(self, cases: Iterable[Case], replies: Iterable[Reply], now: datetime) -> None:
        """Write the cases, messages and replies that a process still knows and the database lacks.

        Whether a message was delivered is no longer known: one decided long ago counts as sent.
        """
        with self._transaction():
            for case in cases:
                self._save_changes(case.changes)
                for channel, tellings in case.told.items():
                    self._recall_tellings(case, channel, tellings, now)
            self._save_replies(replies)

    def _recall_tellings(self, case: Case, channel: str, tellings: Iterable[Notification], now: datetime) -> None:
        rows = [
            (
                self.location,
                case.incident.id,
                one.change_id,
                channel,
                one.step,
                one.number,
                to_ms(one.at),
                _fate(one, now),
                to_ms(one.at),
            )
            for one in tellings
        ]
        self._write(
            """
            INSERT INTO outbox (location, incident_id, change_id, channel, step, number, note, at, state, tries, next)
            VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, 0, ?) ON CONFLICT DO NOTHING
            """,
            rows,
        )

    def save_roll_up(self, due: RollUp) -> None:
        rollup.save_roll_up(self._db, due)

    def forget(self, keep: Retention, now: datetime) -> bool:
        """Delete some of the rows past their retention; return whether there may be more."""
        return rollup.delete_old(self._db, keep, now)

    def forget_shipped(self, last: int) -> None:
        """Forget the observations up to this number: they are in the shared store."""
        forget_shipped(self._db, self.location, last)

    def drop_outgoing(self, kept: int) -> int:
        """Drop all but the newest so many that are on their way; return how many were lost."""
        return drop_oldest(self._db, kept)

    def name_origin(self) -> None:
        """Give the database a name of its own as the origin of what is shipped, if it has none."""
        name_origin(self._db, self.location)

    def save_source(self, source: StatusSource) -> None:
        with self._transaction():
            row = (self.location, source.id, to_json(source))
            self._db.execute(SOURCE, row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._db.transaction():
                yield
        except BaseException:
            self._series.clear()  # ids handed out in this transaction are void
            self._ceilings.clear()
            raise

    def save_failing(self, failing: Sequence[FailingStage]) -> None:
        """Save the stages that fail now, for commands in another process."""
        with self._transaction():
            self._mark("failing", to_json(failing))

    def save_said(self, said: Mapping[str, str]) -> None:
        """Save the monitor's own warnings already logged, so that the next round need not repeat them."""
        with self._transaction():
            self._mark("said", to_json(said))

    def save_tally(self, parts: Mapping[str, TallyPart]) -> None:
        """Save what was counted, by account."""
        with self._transaction():
            for of, part in parts.items():
                self._mark(f"{TALLY}{of}", to_json(part))

    def save_overlap(self, overlap: Overlap) -> None:
        with self._transaction():
            self._mark("overlap", to_json(overlap))

    def save_refusal(self, refusal: StorageRefusal) -> StorageRefusal:
        """Save, in the stand-in, why the database refuses; return it with when that began."""
        known = KeyValues(self._db, self.location).refusal() or refusal
        refusal = replace(refusal, since=known.since)
        with self._transaction():
            self._mark("refused", to_json(refusal))
        return refusal

    def _mark(self, name: str, value: str) -> None:
        self._db.execute(MARK, (self.location, name, value))

    def _write(self, query: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Run a statement with each row; return how many rows that changed. A beat has none for most tables."""
        return self._db.executemany(query, rows).rowcount if rows else 0

    def series(self, target: Target) -> int:
        found = self._series.get(target.id)
        if found is None:
            key = (self.location, target.provider, target.account, target.canary, target.model or "", target.location)
            self._db.execute(SERIES, key)
            query = "SELECT id FROM series WHERE (location, account, canary, model, place) = (?, ?, ?, ?, ?)"
            found = self._series[target.id] = int(self._db.execute(query, (key[0], *key[2:])).fetchone()[0])
        return found

    def _save_observations(self, observations: Sequence[Observation]) -> dict[Answer, int]:
        rows = [_observation_row(self.series(one.target), one) for one in observations]
        # Two probes of one target within a millisecond cannot both be real: the clock stepped back.
        self._write(OBSERVATION, rows)
        answers: dict[Answer, int] = {}
        for one in observations:
            if one.answer:
                answers[one.answer] = self._answer(one.answer, one.at)
                row = (self.series(one.target), to_ms(one.at), answers[one.answer], one.request_id)
                self._db.execute(EVIDENCE, row)
        return answers

    def _answer(self, answer: Answer, at: datetime) -> int:
        digest = answer_digest(answer)
        row = (digest, answer.rule, answer.confidence, answer.words, answer.body, answer.phase, to_ms(at))
        self._db.execute(
            """
            INSERT INTO answer (digest, rule, confidence, words, body, phase, first_at)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
            """,
            row,
        )
        return int(self._db.execute("SELECT id FROM answer WHERE digest = ?", (digest,)).fetchone()[0])

    def _save_healths(self, batch: Batch, answers: Mapping[Answer, int]) -> None:
        targets = {one.target.id: one.target for one in batch.observations}
        rows = [
            _health_row(self.series(targets[id]), health, answers, batch.plans.get(id))
            for id, health in batch.healths.items()
        ]
        # A health that outlives its beat keeps the answer stored before.
        self._write(
            """
            INSERT INTO health (
                series_id, state, since, failures, successes, began, seen, fault, status, request_id, answer_id,
                reason, next, evidence, well
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (series_id) DO UPDATE SET
                state = excluded.state, since = excluded.since,
                failures = excluded.failures, successes = excluded.successes,
                began = excluded.began, seen = excluded.seen,
                fault = excluded.fault, status = excluded.status, request_id = excluded.request_id,
                answer_id = CASE
                    WHEN excluded.fault IS NOT NULL THEN coalesce(excluded.answer_id, health.answer_id)
                END,
                reason = excluded.reason, next = excluded.next, evidence = excluded.evidence, well = excluded.well
            """,
            rows,
        )

    def _save_limits(self, observations: Sequence[Observation]) -> None:
        rows = [row for one in observations if one.limits for row in self._limit_rows(one, one.limits)]
        # An answer that states only the remainder (or that none is left) does not reset the ceiling.
        self._write(
            """
            INSERT INTO ceiling (series_id, unit, "window", most, remaining, since, at) VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (series_id, unit, "window") DO UPDATE SET
                since = CASE
                    WHEN excluded.most IS NULL OR excluded.most = ceiling.most THEN ceiling.since ELSE excluded.since
                END,
                most = coalesce(excluded.most, ceiling.most), remaining = excluded.remaining, at = excluded.at
            """,
            rows,
        )
        self._save_daily_ceilings(rows)

    def _save_daily_ceilings(self, rows: Iterable[LimitRow]) -> None:
        """Write what each ceiling is today. It is mostly what it was before: then nothing is written."""
        days = [
            (series, midnight_ms(at), unit, window, most)
            for series, unit, window, most, _, at, _ in rows
            if most is not None and isfinite(most)
        ]
        self._write(
            """
            INSERT INTO daily_ceiling (series_id, at, unit, "window", most) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (series_id, at, unit, "window") DO UPDATE SET most = excluded.most
            WHERE daily_ceiling.most <> excluded.most
            """,
            days,
        )

    def _save_daily_credits(self, batch: Batch) -> None:
        """Write what the credit is today of each account that reported it in this beat."""
        reported = {one.target.id: one.target for one in batch.observations if one.credits}
        days = [
            (self.series(reported[one.target]), midnight_ms(to_ms(one.at)), one.unit, one.left)
            for note in batch.notes.values()
            for one in note.credits.values()
            if one.target in reported and one.left is not None
        ]
        self._write(
            """
            INSERT INTO daily_credit (series_id, at, unit, remaining) VALUES (?, ?, ?, ?)
            ON CONFLICT (series_id, at, unit) DO UPDATE SET remaining = excluded.remaining
            WHERE daily_credit.remaining <> excluded.remaining
            """,
            days,
        )

    def _limit_rows(self, one: Observation, limits: Sequence[Limit]) -> Iterator[LimitRow]:
        """Yield the limits to write, at most MOST of a target: the others are made up."""
        series, at = self.series(one.target), to_ms(one.at)
        known = self._ceilings.get(series)
        if known is None:
            query = 'SELECT unit, "window" FROM ceiling WHERE series_id = ?'
            known = tuple((unit, window) for unit, window in self._db.execute(query, (series,)))
        for limit in limits:
            key = limit.key
            if key not in known and len(known) < MOST:
                known += (key,)
            if key in known:
                yield (series, *key, limit.limit, limit.remaining, at, at)
        self._ceilings[series] = known

    def _save_spendings(self, spendings: Mapping[str, Spending]) -> None:
        rows = [
            (self.location, account, spent.day.isoformat(), spent.tokens, spent.usd)
            for account, spent in spendings.items()
        ]
        self._write(SPENDING, rows)

    def _save_tracks(self, batch: Batch) -> None:
        targets = {one.target.id: one.target for one in batch.observations}
        rows = [(self.series(targets[id]), to_json(track)) for id, track in batch.tracks.items()]
        self._write(TRACK, rows)
        pools = [(self.location, pool_id(key), to_json(pool)) for key, pool in batch.pools.items()]
        self._write(POOL, pools)

    def _save_notes(self, notes: Mapping[str, AccountMemory]) -> None:
        rows = [(self.location, account, to_json(note)) for account, note in notes.items()]
        self._write(NOTE, rows)

    def _save_changes(self, changes: Iterable[Change]) -> None:
        for change in changes:
            incident, json = change.incident, to_json(change.incident)
            self._db.execute(
                INCIDENT,
                (
                    self.location,
                    incident.id,
                    incident.scope,
                    incident.subject,
                    incident.fault,
                    incident.severity,
                    incident.confidence,
                    to_ms(incident.opened_at),
                    ms_or_none(incident.closed_at),
                    int(incident.drill),
                    json,
                ),
            )
            row = (self.location, change.id, incident.id, change.kind, to_ms(change.at), json)
            self._db.execute(CHANGE, row)

    def _save_messages(self, messages: Iterable[Message], at: datetime) -> None:
        here = self.location
        rows = [(here, here, *_message_row(message), to_ms(at), to_ms(at)) for message in messages]
        self._write(
            """
            INSERT INTO outbox
                (location, incident_id, change_id, channel, step, number, note, about_channel, at, next, state, tries)
            VALUES (
                ?, (SELECT incident_id FROM change WHERE (location, id) = (?, ?)), ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 0
            ) ON CONFLICT DO NOTHING
            """,
            rows,
        )

    def end_elsewhere(self, location: str, changes: Iterable[Change]) -> None:
        """Write changes that end the incidents of another location, for which nobody watches any more."""
        with self._transaction():
            Writer(self._db, location)._save_changes(changes)

    def save_reply(self, reply: Reply) -> bool:
        """Write one reply, outside of a beat; return whether it is new."""
        with self._transaction():
            return self._save_replies([reply]) > 0

    def _save_replies(self, replies: Iterable[Reply]) -> int:
        """Return how many of them are new."""
        rows = [
            (self.location, one.id, one.kind, one.subject, to_ms(one.at), ms_or_none(one.until), to_json(one))
            for one in replies
        ]
        return self._write(REPLY, rows)

    def save_note(self, note: IncidentNote) -> bool:
        """Write one note about an incident; return whether it is new."""
        row = (self.location, note.id, note.incident, to_ms(note.at), note.by, note.text, int(note.public))
        with self._transaction():
            return self._db.execute(INCIDENT_NOTE, row).rowcount > 0

    def due_messages(self, now: datetime) -> list[OutboxMessage]:
        """Return the due messages. A channel gets the messages about an incident in order.

        A message that failed before gives way to a newer one about the same incident: nobody needs both. A notice of a
        failing channel is dropped once something got through that channel again.
        """
        if self.next_message_at() is None:
            return []
        with self._transaction():
            self._db.execute(
                """
                UPDATE outbox SET state = 'replaced'
                WHERE location = ? AND state = 'waiting' AND step = 'failing' AND EXISTS (
                    SELECT 1 FROM outbox AS sent
                    WHERE sent.location = outbox.location AND sent.state = 'sent' AND sent.done > outbox.at
                        AND sent.channel = outbox.about_channel
                )
                """,
                (self.location,),
            )
            self._db.execute(
                """
                UPDATE outbox SET state = 'replaced'
                WHERE location = ? AND state = 'waiting' AND tries > 0 AND EXISTS (
                    SELECT 1 FROM outbox AS newer
                    WHERE newer.location = outbox.location AND newer.state = 'waiting'
                        AND newer.channel = outbox.channel AND newer.incident_id = outbox.incident_id
                        AND newer.id > outbox.id
                )
                """,
                (self.location,),
            )
        messages: dict[tuple[str, int, str], list[OutboxRow]] = defaultdict(list)
        when = {"here": self.location, "now": to_ms(now), "farthest": to_ms(now) + FARTHEST_MS}
        for row in self._db.execute(DUE, when).fetchall():
            if item := self._item(row, now):
                messages[row["channel"], row["at"], "" if row["kind"] else row["step"]].append(item)
        return [OutboxMessage(channel, from_ms(at), tuple(items)) for (channel, at, _), items in messages.items()]

    def _item(self, row: Row, now: datetime) -> OutboxRow | None:
        """Return a due message; give up an unreadable one, so that the page shows it."""
        try:
            return self._named(row["channel"], _item(row))
        except UNREADABLE as error:
            log.error("a message to %s cannot be read and is given up: %s", row["channel"], error)
            what = "UPDATE outbox SET state = 'failed', tries = tries + 1, done = ?, error = ? WHERE id = ?"
            with self._transaction():
                self._db.execute(what, (to_ms(now), "what it was to tell cannot be read any more", row["id"]))
        return None

    def _named(self, channel: str, item: OutboxRow) -> OutboxRow:
        """Return the message if its key finds it again, else it would be sent repeatedly. Raises ValueError."""
        query = f"SELECT 1 FROM outbox WHERE id = ? AND {OUTBOX_KEY} = (?, ?, ?, ?, ?, ?)"
        if self._db.execute(query, (item.id, *outbox_key(channel, item))).fetchone():
            return item
        raise ValueError("its name is no text")

    def next_message_at(self) -> datetime | None:
        query = "SELECT min(next) FROM outbox WHERE location = ? AND state = 'waiting'"
        (at,) = self._db.execute(query, (self.location,)).fetchone()
        return time_or_none(at)

    def delivered(self, message: OutboxMessage, at: datetime) -> None:
        self._mark_all(message, "state = 'sent', tries = tries + 1, done = ?, error = NULL", to_ms(at))

    def postponed(self, message: OutboxMessage, error: str, again_at: datetime) -> None:
        self._mark_all(message, "tries = tries + 1, next = ?, error = ?", to_ms(again_at), error)

    def given_up(self, message: OutboxMessage, error: str, at: datetime) -> None:
        self._mark_all(message, "state = 'failed', tries = tries + 1, done = ?, error = ?", to_ms(at), error)

    def _mark_all(self, message: OutboxMessage, what: str, *values: object) -> None:
        with self._transaction():
            rows = [(*values, self.location, *outbox_key(message.channel, item)) for item in message.items]
            which = f"location = ? AND {OUTBOX_KEY} = (?, ?, ?, ?, ?, ?) AND state <> 'sent'"
            self._write(f"UPDATE outbox SET {what} WHERE {which}", rows)

    def complain(self, about: str, error: str, recipients: Sequence[str], at: datetime) -> None:
        """Queue a notice to `recipients` that a channel does not work; once, until something gets through it again."""
        query = """
            SELECT 1 FROM outbox
            WHERE location = :here AND step = 'failing' AND about_channel = :about AND at > coalesce(
                (SELECT max(done) FROM outbox WHERE location = :here AND channel = :about AND state = 'sent'), 0
            )
        """
        with self._transaction():
            if not self._db.execute(query, {"here": self.location, "about": about}).fetchone():
                number = to_ms(at)
                told = (Message(None, one, Step.FAILING, number, note=error, about_channel=about) for one in recipients)
                self._save_messages(told, at)


OutboxKey = tuple[str, str, Step, int, str, str]

OUTBOX_KEY = "(coalesce(change_id, ''), channel, step, number, note, about_channel)"
"""SQL key of a message that holds in every file: its row id differs in a stand-in."""


def outbox_key(channel: str, item: OutboxRow) -> OutboxKey:
    """Return the key of a message, as KEY does."""
    return item.change_id, channel, item.step, item.number, item.note, item.about_channel


DUE = """
    SELECT outbox.id, coalesce(change_id, '') AS change_id, channel, step, number, note, about_channel, tries,
        outbox.at, kind, change.at AS changed, change.incident,
        NOT EXISTS (
            SELECT 1 FROM outbox AS sent
            WHERE sent.location = outbox.location AND sent.incident_id = outbox.incident_id
                AND sent.channel = outbox.channel AND sent.state = 'sent'
        ) AS first
    FROM outbox LEFT JOIN change ON (change.location, change.id) = (outbox.location, change_id)
    WHERE outbox.location = :here AND state = 'waiting' AND (next <= :now OR next > :farthest) AND NOT EXISTS (
        SELECT 1 FROM outbox AS earlier
        WHERE earlier.location = outbox.location AND earlier.state = 'waiting' AND earlier.channel = outbox.channel
            AND earlier.incident_id = outbox.incident_id AND earlier.id < outbox.id
    )
    ORDER BY outbox.id
"""


def _fate(telling: Notification, now: datetime) -> OutboxState:
    return OutboxState.WAITING if now - telling.at < UNDER_WAY else OutboxState.SENT


def _message_row(message: Message) -> tuple[object, ...]:
    return (
        message.change_id,
        message.change_id,
        message.channel,
        message.step,
        message.number,
        message.note,
        message.about_channel,
    )


def _item(row: Row) -> OutboxRow:
    told = None
    if row["incident"] is not None:
        told = Change(from_json(row["incident"], Incident), ChangeKind(row["kind"]), from_ms(row["changed"]))
    return OutboxRow(
        row["id"],
        Step(row["step"]),
        row["number"],
        told,
        row["note"],
        row["tries"],
        bool(row["first"]),
        row["change_id"],
        row["about_channel"],
    )


def _observation_row(series: int, one: Observation) -> tuple[object, ...]:
    usage = one.usage
    return (
        series,
        to_ms(one.at),
        OUTCOMES.index(one.outcome),
        one.fault,
        one.status,
        duration_ms(one.latency_s),
        duration_ms(one.ttft_s),
        usage.tokens_in or None,
        usage.tokens_out or None,
        None if one.cost_usd is None else round(one.cost_usd * 1e9),
    )


def _health_row(
    series: int, health: Health, answers: Mapping[Answer, int], next_at: datetime | None
) -> tuple[object, ...]:
    return (
        series,
        health.state,
        ms_or_none(health.since),
        health.failures,
        health.successes,
        ms_or_none(health.began_at),
        ms_or_none(health.seen_at),
        health.fault,
        health.status,
        health.request_id,
        answers.get(health.answer) if health.answer else None,
        health.reason,
        ms_or_none(next_at),
        None if health.evidence is None else to_json(health.evidence),
        ms_or_none(health.well_at),
    )
