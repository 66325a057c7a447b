"""The store that several nodes share, in a PostgreSQL: what the other packages know of it."""

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.storage_refusal import StoreError
from monitor.store import salvage
from monitor.store.link_key import LENGTH, keep_key
from monitor.store.lock import Lock
from monitor.store.postgres.cluster import ClusterView, view_cluster
from monitor.store.postgres.connection import SCHEMA, PostgresDatabase, connect
from monitor.store.postgres.held import HeldPostgres, LeadingConnection
from monitor.store.postgres.leader import lead
from monitor.store.postgres.request import RequestTable, submit_request
from monitor.store.postgres.schema import check_ready, prepare
from monitor.store.reader import Reader
from monitor.store.replies import clean_note, clean_reply, log, note_request, reply_request
from monitor.store.row import Batch, from_ms, to_ms
from monitor.store.salvage import UnwritablePart
from monitor.store.store import Store
from monitor.store.writer import Writer

if TYPE_CHECKING:
    from monitor.alert.incident_note import IncidentNote
    from monitor.alert.reply import Reply
    from monitor.control.message import Request
    from monitor.control.server import Handle
    from monitor.store.checkup import StoreCheckup
    from monitor.store.legacy_reply import LegacyReply
    from monitor.store.postgres.transfer import TableCount
    from probes.model import Clock, Timer


class PostgresStore(Store, frozen=True):
    """The store of one location, or of all judges. Nothing is opened before it is used.

    `led`: the connection by which this process leads already; None: it takes the lead to write.
    """

    led: LeadingConnection | None = None

    def view_cluster(self) -> ClusterView:
        """Return who leads, and what each place has shipped. Raises StoreError."""
        with closing(connect(self._url, read_only=True)) as db:
            check_ready(db)
            return view_cluster(db)

    def place_warning(self) -> str | None:
        """Return why the database should not be where it is: a server may be anywhere."""
        return None

    def examine(self, limit_s: float) -> "StoreCheckup":
        """Return how it is, whatever state it is in. Changes nothing, never raises."""
        from monitor.store.checkup import StoreCheckup

        problem = None
        try:
            with self.reading():
                pass
        except StoreError as error:
            problem = str(error)
        return StoreCheckup(name=self.name, folder=self.address.database.parent, there=True, problem=problem)

    def written_places(self) -> tuple[Path, ...]:
        """Return where it writes on this machine: its folder, for what could not be written."""
        return (self.address.database.parent,)

    # Reading and writing

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open a reader. Raises StoreError, also from within."""
        with closing(connect(self._url, read_only=True)) as db:
            check_ready(db)
            yield Reader(db, self.location)

    @contextmanager
    def writing(self, clock: "Clock", timer: "Timer") -> Iterator[HeldPostgres]:
        """Hold the database for writing. Raises StoreError, also from within; Busy if another process holds it."""
        if self.led:
            yield HeldPostgres(self.led.database, self.location, self.led.is_leading)
            return
        with closing(connect(self._url)) as db:
            prepare(db)
            lead(db)
            yield HeldPostgres(db, self.location)

    def save(self, writer: Writer, batch: Batch) -> list[UnwritablePart]:
        """Work for a writer: write a batch, set aside the parts whose values are refused, and return those."""
        return salvage.save_batch(writer, batch, self._aside)

    @property
    def aside_name(self) -> str:
        """The name of the file for parts that cannot be written."""
        return self._aside.name

    # Copies

    def back_up(self, file: Path, named: Collection[Path] = ()) -> bool:
        """Write a consistent copy, an SQLite database; return whether it replaced an older one. Raises StoreError."""
        from monitor.store.backup import back_up_shared
        from monitor.store.postgres.transfer import copy_to_sqlite

        with closing(connect(self._url, read_only=True)) as db:
            check_ready(db)
            return back_up_shared(self.address.database, file, named, lambda copy: copy_to_sqlite(db, copy))

    def restore(self, file: Path, at: datetime) -> list[str]:
        """Put a copy in the store's place; return the names under which the present one is kept, none if none was.

        Raises StoreError, Busy if a process is using it; the present one then stays.
        """
        from monitor.store.backup import open_backup
        from monitor.store.postgres.transfer import copy_to_postgres

        with closing(open_backup(file)) as copy, closing(connect(self._url)) as db:
            lead(db)
            with db.transaction():
                kept = _set_aside(db, at)
                prepare(db)
                for _ in copy_to_postgres(copy, db):
                    pass
            return kept

    def migrate(self, after: str, show: Callable[[str], None]) -> "Sequence[TableCount]":
        """Copy the history of this location's own database into the shared one, where it is `after`'s; it may be called
        again after it was cut short. `show` gets each table's name as it is begun. Return the rows on both sides.

        Raises StoreError, Busy if a monitor is at work on either.
        """
        from monitor.store.connection import open_read_only
        from monitor.store.postgres.transfer import Relocation, copy_to_postgres, count_rows, is_begun, is_filled

        relocation, lock = Relocation(self.location, after), Lock(self.address.database)
        try:
            with closing(open_read_only(self.address.database)) as source, closing(connect(self._url)) as db:
                prepare(db)
                lead(db)
                if is_filled(db) and not is_begun(db):
                    raise StoreError(f"{self.name}: holds results already; name an empty database in [store] url")
                for table, _ in groupby(copy_to_postgres(source, db, relocation), key=lambda part: part.table):
                    show(table)
                return count_rows(source, db, relocation)
        finally:
            lock.release()

    def clear(self) -> None:
        """Delete everything that is stored."""
        with closing(connect(self._url)) as db:
            lead(db)
            db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")

    # Between processes

    def submit(self, request: "Request", alone: Callable[[], None]) -> str:
        """Have the process that leads carry out a request, or run `alone` if there is none. Raises StoreError."""
        return submit_request(self._url, request, alone)

    def submit_reply(self, reply: "Reply") -> None:
        """Save a reply through the process that leads, else by ourselves; the same one twice counts once."""
        reply = clean_reply(reply)
        self._submit_words(reply_request(reply), lambda writer: writer.save_reply(reply))

    def submit_note(self, note: "IncidentNote") -> None:
        """Save a note about an incident, in the same way. Raises StoreError."""
        note = clean_note(note)
        self._submit_words(note_request(note), lambda writer: writer.save_note(note))

    def _submit_words(self, request: "Request", work: Callable[[Writer], object]) -> None:
        if told := self.submit(request, lambda: self._write_alone(work)):
            log.warning("%s", told)

    def _write_alone(self, work: Callable[[Writer], object]) -> None:
        with closing(connect(self._url)) as db:
            check_ready(db)
            lead(db)
            work(Writer(db, self.location))

    def control_server(self, handle: "Handle", is_holder: Callable[[], bool]) -> RequestTable:
        """Return the server of the requests that other processes submit."""
        return RequestTable(self._url, handle, is_holder)

    def left_replies(self) -> list["LegacyReply"]:
        """Return the replies that an older version left: none has written here."""
        return []

    def forget_left(self, replies: Collection["LegacyReply"]) -> None:
        """Forget those that were taken."""

    def note_overlap(self, at: datetime) -> None:
        """Note that a round was skipped, as another was at work."""
        with closing(connect(self._url)) as db:
            db.execute("INSERT INTO skipped_round VALUES (?) ON CONFLICT DO NOTHING", (to_ms(at),))

    def take_overlaps(self) -> list[datetime]:
        """Return and remove the times of rounds skipped."""
        with closing(connect(self._url)) as db:
            return sorted(from_ms(at) for (at,) in db.tuples("DELETE FROM skipped_round RETURNING at"))

    # The key of signed links

    def link_key(self) -> bytes:
        """Return the key that signs links, the same for all nodes, which is made when first needed.

        A copy is kept beside what this node keeps, so that it is known as a secret without asking the server.
        """
        with closing(connect(self._url)) as db:
            made = secrets.token_bytes(LENGTH)
            db.execute("INSERT INTO link_key VALUES (1, ?) ON CONFLICT DO NOTHING", (made,))
            key = bytes(db.tuples("SELECT key FROM link_key").fetchone()[0])
        self.address.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return keep_key(self.address.database, key)

    @property
    def _url(self) -> str:
        return self.address.url

    @property
    def _aside(self) -> Path:
        return self.address.database.with_name("shared.aside.jsonl")


def _set_aside(db: PostgresDatabase, at: datetime) -> list[str]:
    """Rename our schema, so that a new one may take its place; return its new name, if there was one."""
    if db.tuples("SELECT to_regnamespace(?)", (SCHEMA,)).fetchone()[0] is None:
        return []
    name = f"{SCHEMA}_{at.astimezone(UTC):%Y%m%d_%H%M%S}"
    db.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {name}")
    return [f"{db.name} {name}"]
