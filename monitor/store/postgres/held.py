"""The store while one process holds it for writing."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import Struct

from monitor.storage_refusal import StorageRefusal, StoreError
from monitor.store.postgres.connection import PostgresDatabase, ValuesRefused
from monitor.store.reader import Reader
from monitor.store.standby import StorageEvent, WritePlace
from monitor.store.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")


class LeadingConnection(Struct, frozen=True):
    """The connection by which a leader writes, and whether it still leads."""

    database: PostgresDatabase
    is_leading: Callable[[], bool]


class HeldPostgres:
    """Writes while this process leads. A server that is away is no reason to write elsewhere: the probes keep what they
    see, and whoever leads next resumes from what was committed.

    Not for use by two threads at once. `refusal`: why the last write failed; None: it did not.
    """

    place = WritePlace.DISK
    is_resumed = False

    def __init__(
        self, connection: PostgresDatabase, location: str, is_leading: Callable[[], bool] = lambda: True
    ) -> None:
        self._connection, self._location, self._is_leading = connection, location, is_leading
        self.writer = Writer(connection, location)
        self.refusal: StorageRefusal | None = None
        self.events: list[StorageEvent] = []
        self.recall: Callable[[Writer], None] = lambda _: None

    @property
    def reader(self) -> Reader:
        return Reader(self._connection, self._location)

    def do(self, work: Callable[Concatenate[Writer, P], T], *args: P.args, **named: P.kwargs) -> T:
        """Run `work` on the database. Raises StoreError."""
        try:
            done = work(self.writer, *args, **named)
        except ValuesRefused:
            raise
        except StoreError as error:
            self.refusal = error.refusal
            raise
        self.refusal = None
        return done

    def tidy(self, work: Callable[[Writer], T]) -> T | None:
        """Run housekeeping."""
        return self.do(work)

    def doubt(self) -> None:
        """A server checks its own pages: there is nothing that we could set aside."""

    def is_holder(self) -> bool:
        """Whether this process still leads, so that nobody else writes."""
        return self._is_leading() and not self._connection.is_closed()

    def close(self) -> None:
        self._connection.close()
