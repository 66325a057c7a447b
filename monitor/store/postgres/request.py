"""Requests of commands, on any machine, to the process that leads: rows that it carries out and answers."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from uuid import uuid4

from msgspec import Raw

from monitor.control.message import (
    ANSWER_S,
    MAX_LINE_BYTES,
    WORK_S,
    Request,
    RequestKind,
    RequestResult,
    RequestStatus,
    to_line,
)
from monitor.control.server import LAST_S
from monitor.storage_refusal import StoreError
from monitor.store.file_owner import NotCarriedOut
from monitor.store.lock import Busy
from monitor.store.postgres.connection import PostgresDatabase, connect
from monitor.store.postgres.leader import holder_of
from monitor.store.postgres.schema import check_ready

log = logging.getLogger("monitor")

POLL_S = 0.3
"""Seconds between two looks for requests, and for an answer."""
KEPT = "1 hour"
"""How long an answered request is kept."""

Handle = Callable[[Request], Awaitable[RequestResult]]


def submit_request(url: str, request: Request, alone: Callable[[], None]) -> str:
    """Have the process that leads carry out a request, or run `alone` if none does; return a notice, mostly empty.

    Raises StoreError, such as NotCarriedOut.
    """
    if len(to_line(request)) > MAX_LINE_BYTES:
        raise NotCarriedOut(f"this is too long; name less than {MAX_LINE_BYTES // 1024} KiB at once")
    with closing(connect(url)) as db:
        check_ready(db)
        if holder_of(db) is not None:
            return _ask(db, request)
    try:
        alone()
    except Busy:  # somebody has begun to lead meanwhile
        with closing(connect(url)) as db:
            return _ask(db, request)
    return ""


def _ask(db: PostgresDatabase, request: Request) -> str:
    id, ends_s = uuid4().hex, time.monotonic() + ANSWER_S
    row = (id, request.kind, bytes(request.body).decode())
    db.execute("INSERT INTO request (id, kind, body) VALUES (?, ?, ?)", row)
    while time.monotonic() < ends_s:
        time.sleep(POLL_S)
        status, words = db.execute("SELECT status, words FROM request WHERE id = ?", (id,)).fetchone()
        if status is not None:
            return _heeded(RequestResult(RequestStatus(status), words), db.name)
    raise NotCarriedOut(
        f"the process that leads on {db.name} has not answered within {ANSWER_S:.0f} s; it may do it yet"
    )


def _heeded(answer: RequestResult, name: str) -> str:
    if answer.status is RequestStatus.REFUSED:
        raise NotCarriedOut(f"the process that leads on {name} refuses this: {answer.words}")
    if answer.status is RequestStatus.PENDING:
        raise NotCarriedOut(f"the process that leads on {name} could not write this within {WORK_S:.0f} s; look again")
    return answer.words


class RequestTable:
    """Answers requests while this process leads: the counterpart of ControlServer, which hears this machine alone."""

    def __init__(self, url: str, handle: Handle, is_holder: Callable[[], bool]) -> None:
        self._url, self._handle, self._is_holder = url, handle, is_holder
        self._work: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Begin to answer, if that has not begun or has failed."""
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._answer_all())

    async def close(self) -> None:
        if self._work:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({self._work}, timeout=LAST_S)

    async def _answer_all(self) -> None:
        db = await asyncio.to_thread(connect, self._url)
        try:
            while self._is_holder():
                for id, request in await asyncio.to_thread(_waiting, db):
                    result = await self._answer(request)
                    await asyncio.to_thread(_write_answer, db, id, result)
                await asyncio.sleep(POLL_S)
        except StoreError as error:
            log.warning("requests of commands are not heard: %s", error)
        finally:
            db.close()

    async def _answer(self, request: Request | None) -> RequestResult:
        if request is None:
            return RequestResult(RequestStatus.REFUSED, "this is no request of this version of provider-monitor")
        try:
            async with asyncio.timeout(WORK_S):
                return await self._handle(request)
        except TimeoutError:
            return RequestResult(RequestStatus.PENDING)
        except Exception as error:
            log.exception("a request failed")
            words = f"the monitor's own fault ({type(error).__name__}); its log says more"
            return RequestResult(RequestStatus.REFUSED, words)


def _waiting(db: PostgresDatabase) -> list[tuple[str, Request | None]]:
    """Return the requests to carry out, oldest first, and forget those answered long ago."""
    db.execute(f"DELETE FROM request WHERE status IS NOT NULL AND at < now() - interval '{KEPT}'")
    rows = db.execute("SELECT id, kind, body FROM request WHERE status IS NULL ORDER BY at LIMIT 100").fetchall()
    return [(row["id"], _request(row["kind"], row["body"])) for row in rows]


def _request(kind: str, body: str) -> Request | None:
    try:
        return Request(RequestKind(kind), Raw(body.encode()))
    except ValueError:
        return None


def _write_answer(db: PostgresDatabase, id: str, result: RequestResult) -> None:
    db.execute("UPDATE request SET status = ?, words = ? WHERE id = ?", (result.status, result.words, id))
