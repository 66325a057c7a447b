"""The election as an event loop sees it: wait until this node leads, and write while it does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from monitor.storage_refusal import StoreError
from monitor.store.postgres.connection import PostgresDatabase, connect
from monitor.store.postgres.held import LeadingConnection
from monitor.store.postgres.leadership import Leadership
from monitor.store.postgres.schema import prepare
from monitor.store.postgres.store import PostgresStore
from monitor.store.postgres.term import ClusterNode, Term, check_epoch, limit_stalls
from monitor.store.setting import StoreAddress


class Election:
    """One node's part in the election, from `open` until `close`."""

    def __init__(self, address: StoreAddress, node: ClusterNode) -> None:
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._leadership = Leadership(address.url, node, self._changed)
        self._begun = asyncio.Event()
        self._writing: PostgresDatabase | None = None

    def is_reached(self) -> bool:
        """Whether this node leads or can stand by: the server answers."""
        return self._leadership.problem is None

    async def open(self) -> None:
        """Begin to stand by. Raises StoreError where nobody could lead."""
        await asyncio.to_thread(self._leadership.open)

    async def close(self) -> None:
        """Hand over, if this node leads."""
        await asyncio.to_thread(self._leadership.close)

    @asynccontextmanager
    async def leading(self) -> AsyncIterator[PostgresStore]:
        """Wait until this node leads, and yield the store that it writes to while it does. Raises StoreError."""
        term = await self._term()
        db = self._writing = await asyncio.to_thread(self._connected, term)
        try:
            yield PostgresStore(self._address, led=LeadingConnection(db, partial(self._is_leading, term)))
        finally:
            self._writing = None
            await asyncio.to_thread(db.close)

    async def _term(self) -> Term:
        while (term := self._leadership.term) is None:
            self._begun.clear()
            await self._begun.wait()
        return term

    def _connected(self, term: Term) -> PostgresDatabase:
        db = connect(self._address.url)
        try:
            prepare(db)
            limit_stalls(db)
        except StoreError:
            db.close()
            raise
        db.begins_with = partial(check_epoch, db, term.epoch)
        return db

    def _is_leading(self, term: Term) -> bool:
        now = self._leadership.term
        return now is not None and now.epoch == term.epoch

    def _changed(self, term: Term | None) -> None:
        """Wake who waits to lead; where the term is over, cut what may hang in its last write."""
        if term:
            self._loop.call_soon_threadsafe(self._begun.set)
        elif writing := self._writing:
            writing.cut()
