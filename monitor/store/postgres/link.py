"""A node's connection to the shared store for what goes between places and judges; made anew after each failure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from monitor.storage_refusal import StoreError
from monitor.store.outgoing import Received, Shipment
from monitor.store.postgres import inbox
from monitor.store.postgres.connection import PostgresDatabase, connect
from monitor.store.postgres.schema import check_ready, prepare


class SharedLink:
    """Not for use by two threads at once. Each method raises StoreError; the next call connects again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._db: PostgresDatabase | None = None

    def exchange(self, place: str, shipment: Shipment | None) -> Mapping[str, int]:
        """Ship, if there is something to be shipped; return what is wanted from this place, with the time in ms."""
        db = self._connected()
        try:
            if shipment:
                inbox.ship(db, place, shipment)
            return inbox.take_wanted(db, place)
        except StoreError:
            self.close()
            raise

    def receive(self, after: Mapping[str, int], most: int) -> list[Received]:
        """Return what was shipped and is not yet known."""
        db = self._connected()
        try:
            return inbox.next_received(db, after, most)
        except StoreError:
            self.close()
            raise

    def want(self, wanted: Sequence[tuple[str, str]], at: datetime) -> None:
        """Ask places to probe these targets, `(place, target)`, at once."""
        db = self._connected()
        try:
            inbox.want(db, wanted, at)
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
