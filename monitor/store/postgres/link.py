"""A node's connection to the shared store for what goes between places and judges; made anew after each failure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from monitor.storage_refusal import StoreError
from monitor.store.outgoing import Received, Shipment
from monitor.store.place_report import PlaceNews, PlaceReport
from monitor.store.postgres import inbox, places
from monitor.store.postgres.connection import PostgresDatabase, connect
from monitor.store.postgres.schema import check_ready, prepare
from probes.model import Clock

T = TypeVar("T")


class SharedLink:
    """Not for use by two threads at once. Each method raises StoreError; the next call connects again.

    `clock`: of this node, which is compared with the server's.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._db: PostgresDatabase | None = None

    def exchange(self, place: str, shipment: Shipment | None, report: PlaceReport | None = None) -> Mapping[str, int]:
        """Ship and report what there is; return what is wanted from this place, with the time in ms."""

        def work(db: PostgresDatabase) -> Mapping[str, int]:
            if report:
                places.tell(db, place, report, self._clock)
            if shipment:
                inbox.ship(db, place, shipment)
            return inbox.take_wanted(db, place)

        return self._do(work)

    def receive(self, after: Mapping[str, int], most: int) -> list[Received]:
        """Return what was shipped and is not yet known."""
        return self._do(lambda db: inbox.next_received(db, after, most))

    def want(self, wanted: Sequence[tuple[str, str]], at: datetime) -> None:
        """Ask places to probe these targets, `(place, target)`, at once."""
        self._do(lambda db: inbox.want(db, wanted, at))

    def expect(self, names: Iterable[str]) -> None:
        """Count the silence of these places from now, unless something was heard of them before."""
        self._do(lambda db: places.expect(db, names))

    def heard_of(self) -> list[PlaceNews]:
        """Return what is known of each place."""
        return self._do(places.heard_of)

    def _do(self, work: Callable[[PostgresDatabase], T]) -> T:
        db = self._connected()
        try:
            return work(db)
        except StoreError:
            self.close()
            raise

    def _connected(self) -> PostgresDatabase:
        if self._db is None:
            db = connect(self._url)
            try:
                prepare(db)
                check_ready(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def close(self) -> None:
        with suppress(StoreError):
            if self._db:
                self._db.close()
        self._db = None
