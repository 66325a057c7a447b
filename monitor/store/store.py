"""The store of one monitor: all that the other packages know of the database."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from monitor.store.setting import USUAL_LIMITS, StoreAddress, WriterLimits

# Each method imports what it needs: a command that asks one thing of the store need not pay for the others.
if TYPE_CHECKING:
    from monitor.alert.incident_note import IncidentNote
    from monitor.alert.reply import Reply
    from monitor.control.message import Request
    from monitor.control.server import Handle, RequestServer
    from monitor.store.checkup import StoreCheckup
    from monitor.store.held import HeldStore
    from monitor.store.legacy_reply import LegacyReply
    from monitor.store.reader import Reader
    from monitor.store.row import Batch
    from monitor.store.salvage import UnwritablePart
    from monitor.store.writer import Writer
    from probes.model import Clock, Timer


class Store(Struct, frozen=True):
    """The store of one location, in SQLite. Nothing is opened before it is used."""

    address: StoreAddress
    limits: WriterLimits = USUAL_LIMITS

    @property
    def name(self) -> str:
        """The short name, for messages."""
        return self.address.name

    @property
    def location(self) -> str:
        """Where its monitor stands."""
        return self.address.location

    def place_warning(self) -> str | None:
        """Return why the database should not be where it is; None: it is fine."""
        from monitor.store import file_system

        return file_system.check_location(self._database)

    def examine(self, limit_s: float) -> "StoreCheckup":
        """Return how it is, whatever state it is in, within about so many seconds. Changes nothing, never raises."""
        from monitor.store.checkup import examine_store

        return examine_store(self._database, limit_s)

    def written_places(self) -> tuple[Path, ...]:
        """Return where it writes: its folder, then its files, which nobody else is to read."""
        from monitor.store.checkup import written_places

        return written_places(self._database)

    # Reading and writing

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        """Open a reader, on the stand-in while the database cannot be written. Raises StoreError, also from within."""
        from monitor.store.connection import in_words, open_reader
        from monitor.store.reader import Reader

        with closing(open_reader(self._database, self.limits.wait_s)) as connection, in_words(self._database):
            yield Reader(connection, self.address.location)

    @contextmanager
    def writing(self, clock: "Clock", timer: "Timer") -> Iterator["HeldStore"]:
        """Hold the database for writing. Raises StoreError, also from within; Busy if another process holds it."""
        from monitor.store.connection import in_words
        from monitor.store.lock import Lock
        from monitor.store.standby import FailoverWriter
        from monitor.store.standby_path import standby_file

        lock = Lock(self._database)
        try:
            aside = standby_file(self._database)
            failover = FailoverWriter(self._database, self.address.location, lock, clock, timer, aside, self.limits)
            with in_words(self._database):
                failover.open()
                with closing(failover):
                    yield failover
        finally:
            lock.release()

    def save(self, writer: "Writer", batch: "Batch") -> list["UnwritablePart"]:
        """Work for a writer: write a batch, set aside the parts whose values are refused, and return those."""
        from monitor.store import salvage

        return salvage.save_batch(writer, batch, self._aside)

    @property
    def aside_name(self) -> str:
        """The name of the file for parts that cannot be written."""
        return self._aside.name

    # Copies

    def back_up(self, file: Path, named: Collection[Path] = ()) -> bool:
        """Write a consistent copy, also while a monitor is at work; return whether it replaced an older one.

        `named`: the files of the configuration, which a copy never replaces. Raises StoreError.
        """
        from monitor.store.backup import back_up

        return back_up(self._database, file, named)

    def restore(self, file: Path, at: datetime) -> list[str]:
        """Put a copy in the store's place; return the names under which the present one is kept, none if none was.

        Raises StoreError, Busy if a monitor is using it; the present one then stays.
        """
        from monitor.store.backup import restore

        return [one.name for one in restore(self._database, file, at)]

    def clear(self) -> None:
        """Delete everything that is stored."""
        from monitor.store.backup import clear

        clear(self._database)

    # Between processes

    def submit(self, request: "Request", alone: Callable[[], None]) -> str:
        """Have the process that holds the database carry out a request, or run `alone` if there is none.

        `alone` takes the lock, and raises Busy if another process has it. A repeated request is carried out once.
        Returns a notice, mostly empty. Raises StoreError, such as NotCarriedOut, if it was not carried out.
        """
        from monitor.store.submission import submit_request

        return submit_request(self._database, request, alone)

    def submit_reply(self, reply: "Reply") -> None:
        """Save a reply through the process that holds the database, else by ourselves; the same one twice counts once.

        Raises StoreError.
        """
        from monitor.store.replies import save_reply

        save_reply(self._database, self.address.location, reply)

    def submit_note(self, note: "IncidentNote") -> None:
        """Save a note about an incident, in the same way. Raises StoreError."""
        from monitor.store.replies import save_note

        save_note(self._database, self.address.location, note)

    def control_server(self, handle: "Handle", is_holder: Callable[[], bool]) -> "RequestServer":
        """Return the server of the requests that other processes submit. Raises NotCarriedOut."""
        from monitor.control.server import ControlServer
        from monitor.store.file_owner import owner_of
        from monitor.store.submission import socket_files

        places = partial(socket_files, self._database)
        return ControlServer(places, owner_of(self._database), handle, is_holder)

    def left_replies(self) -> list["LegacyReply"]:
        """Return the replies that an older version left."""
        from monitor.store.legacy_reply import legacy_replies

        return legacy_replies(self._database)

    def forget_left(self, replies: Collection["LegacyReply"]) -> None:
        """Forget those that were taken."""
        from monitor.store.legacy_reply import delete_legacy_replies

        delete_legacy_replies(self._database, replies)

    def note_overlap(self, at: datetime) -> None:
        """Note that a round was skipped, as another was at work. If that cannot be noted, it is not counted."""
        from monitor.store import overlap

        overlap.note_skipped_round(self._database, at)

    def take_overlaps(self) -> list[datetime]:
        """Return and remove the times of rounds skipped."""
        from monitor.store import overlap

        return overlap.take_skipped_rounds(self._database)

    # The key of signed links

    def link_key(self) -> bytes:
        """Return the key that signs links, which is made when first needed. Raises OSError if it cannot be kept."""
        from monitor.store.link_key import link_key

        return link_key(self._database)

    def link_secrets(self) -> list[str]:
        """Return that key in the forms in which a text could leak it; empty if there is none yet."""
        from monitor.store.link_key import link_secrets

        return link_secrets(self._database)

    @property
    def _database(self) -> Path:
        return self.address.database

    @property
    def _aside(self) -> Path:
        return self._database.with_name(f"{self.name}.aside.jsonl")


@contextmanager
def scratch_store(location: str) -> Iterator[Store]:
    """Make a store that is deleted at the end."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="rehearsal-") as folder:
        yield Store(StoreAddress(Path(folder) / "rehearsal.db", location))
