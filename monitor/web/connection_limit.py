"""Limits of the page's server: so many connections at a time, and none without a request."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

MOST = 100
"""Most open connections; further readers of the page take turns."""
SHARE = 8
"""Part (1/SHARE) of the open-file limit that connections may take: the probes need the rest."""
REQUEST_S = 10.0
"""Seconds until a connection without a complete request is closed."""
LONGEST_S = 300.0
"""Seconds until any connection is closed: a reader who stays connects again."""


class ConnectionLimit:
    """Makes the connections of a server. When it is full, the connection idle for longest is closed."""

    def __init__(self, most: int | None = None) -> None:
        self.server: web.Server | None = None
        self._most = most or max(1, min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // SHARE))
        self._heard: set[asyncio.Protocol] = set()
        self._busy: set[asyncio.Protocol] = set()

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        if self.server is None:
            raise RuntimeError("the door has no server behind it yet")
        self._make_room(self.server)
        visitor = self.server()
        asyncio.get_running_loop().call_later(REQUEST_S, self._check_later, visitor)
        return visitor

    @contextmanager
    def serving(self, visitor: asyncio.Protocol) -> Iterator[None]:
        """Mark a connection as busy with a request for the time of the context."""
        self._heard.add(visitor)
        self._busy.add(visitor)
        try:
            yield
        finally:
            self._busy.discard(visitor)

    def _make_room(self, server: web.Server) -> None:
        within = [one for one in server.connections if one.transport]
        self._heard.intersection_update(within)
        idle = [one for one in within if one not in self._busy] or within
        for one in idle[: max(0, len(within) + 1 - self._most)]:
            _close(one)

    def _check_later(self, visitor: web.RequestHandler) -> None:
        if visitor not in self._heard:
            _close(visitor)
        elif visitor.transport:
            asyncio.get_running_loop().call_later(LONGEST_S, _close, visitor)


def _close(visitor: web.RequestHandler) -> None:
    if isinstance(visitor.transport, asyncio.Transport):
        visitor.transport.abort()
