"""The server side of the control socket, in the process that holds the database: one request per connection."""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from socket import socket
from typing import Protocol

from msgspec import Struct

from monitor.control.message import (
    MAX_LINE_BYTES,
    REQUEST_S,
    UNREADABLE,
    WORK_S,
    Request,
    RequestResult,
    RequestStatus,
    read_request,
    to_line,
)
from monitor.control.socket_file import Owner, bind, file_id, remove_socket

log = logging.getLogger("monitor")

MOST = 32
"""Most open connections; more get BUSY."""
SHARE = 8
"""Part (1/SHARE) of the open-file limit that connections may take: the probes need the rest."""
LAST_S = 1.0
"""Seconds that requests under way get at shutdown."""
LAST_ANSWER_S = 0.1
"""Seconds to send their answers then."""

Handle = Callable[[Request], Awaitable[RequestResult]]


class RequestServer(Protocol):
    """Hears the requests of commands while this process holds the store."""

    async def listen(self) -> None:
        """Begin to hear them, or do so again. Raises OSError."""

    async def close(self) -> None:
        """Hear no more; requests under way are finished."""


class Listener(Struct, frozen=True):
    """Where a server listens; `held` identifies the file that it made."""

    file: Path
    held: tuple[int, int] | None
    server: asyncio.Server


class ControlServer:
    """Answers requests at the first of `places` that takes a socket. `is_holder`: whether we still hold the lock.

    The places may change while it listens, as the database may be moved behind a link.
    """

    def __init__(
        self,
        places: Callable[[], Sequence[Path]],
        owner: Owner,
        handle: Handle,
        is_holder: Callable[[], bool],
        most: int | None = None,
        request_s: float = REQUEST_S,
        work_s: float = WORK_S,
    ) -> None:
        self._places, self._owner, self._handle, self._is_holder = places, owner, handle, is_holder
        self._most = most or max(1, min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // SHARE))
        self._request_s, self._work_s = request_s, work_s
        self._seat: Listener | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._work: set[asyncio.Task[RequestResult]] = set()

    async def listen(self) -> None:
        """Listen, again if the socket's file was deleted, but never in place of a new holder of the lock.

        Raises OSError if no place takes a socket.
        """
        if not await asyncio.to_thread(self._is_to_open):
            return
        self._leave()
        file, made = await asyncio.to_thread(self._bind)
        server = await asyncio.start_unix_server(self._receive, sock=made, limit=MAX_LINE_BYTES)
        self._seat = Listener(file, file_id(file), server)

    async def close(self) -> None:
        """Stop listening, let requests under way finish and be answered, and disconnect the others."""
        self._leave()
        for under_way, limit_s in ((self._work, LAST_S), (self._visits, LAST_ANSWER_S)):
            if under_way:
                await asyncio.wait(under_way, timeout=limit_s)
        for visit in self._visits:
            visit.cancel()

    def _bind(self) -> tuple[Path, socket]:
        first: OSError | None = None
        for file in self._places():
            try:
                return file, bind(file, self._owner)
            except OSError as error:
                first = first or error
        raise first or FileNotFoundError("there is no place for a socket")

    def _is_to_open(self) -> bool:
        seat = self._seat
        is_there = seat is not None and file_id(seat.file) == seat.held is not None and seat.file in self._places()
        return not is_there and self._is_holder()

    def _leave(self) -> None:
        if self._seat:
            remove_socket(self._seat.file, self._seat.held)
            self._seat.server.close()
            self._seat = None

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit
        self._visits.add(visit)
        try:
            writer.write(to_line(await self._answer(reader)))
            async with asyncio.timeout(self._request_s):
                await writer.drain()
        except (OSError, TimeoutError):  # the client is gone, or does not read
            writer.transport.abort()
        finally:
            self._visits.discard(visit)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> RequestResult:
        if len(self._visits) > self._most:
            return RequestResult(RequestStatus.BUSY, "too many ask at once")
        try:
            async with asyncio.timeout(self._request_s):
                request = read_request(await reader.readuntil(b"\n"))
        except (*UNREADABLE, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return RequestResult(RequestStatus.REFUSED, "this is no request of this version of provider-monitor")
        return await self._done(request)

    async def _done(self, request: Request) -> RequestResult:
        """Carry out a request to the end, even if its client disconnects: half of it is neither done nor refused."""
        work = asyncio.ensure_future(self._handle(request))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        await asyncio.wait({work}, timeout=self._work_s)
        if not work.done():
            return RequestResult(RequestStatus.PENDING)
        if error := work.exception():
            log.error("a request over the control socket failed", exc_info=error)
            return RequestResult(
                RequestStatus.REFUSED, f"the monitor's own fault ({type(error).__name__}); its log says more"
            )
        return work.result()
