"""Requests of other processes to the one that holds the database: save a reply or a note, start a drill."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from monitor.alert.incident_note import IncidentNote, objection_to_note, shorten_name
from monitor.alert.reply import Reply, WrongArgument, is_complete, is_dated, objection, subjects
from monitor.control.message import UNREADABLE, Request, RequestKind, RequestResult, RequestStatus
from monitor.control.server import RequestServer
from monitor.stages import drill
from monitor.stages.beat import save_change
from monitor.stages.drill import Drill, begin_drill
from monitor.stages.notify import save_note, save_reply
from monitor.state.monitor_state import MonitorState
from monitor.state.self_health import SelfHealth
from monitor.state.storage import Storage
from monitor.storage_refusal import StoreError
from monitor.store.reader import Reader
from monitor.store.standby import WritePlace
from probes.sanitize import sanitize_line

CHECK_S = 5.0
"""Seconds between checks that the socket's file is still there."""
WARNING = "control socket"
"""Key of its warnings."""


@asynccontextmanager
async def serve_requests(state: MonitorState, check_s: float = CHECK_S) -> AsyncIterator[None]:
    """Answer requests on the control socket while the context is open."""
    services, storage = state.services, state.services.storage
    server = storage.store.control_server(partial(handle_request, state), storage.failover.is_holder)
    await _listen(services.own, server)
    listening = asyncio.create_task(_keep_listening(services.own, server, check_s))
    try:
        yield
    finally:
        listening.cancel()
        await server.close()


async def _keep_listening(own: SelfHealth, server: RequestServer, check_s: float) -> None:
    while True:
        await asyncio.sleep(check_s)
        await _listen(own, server)


async def _listen(own: SelfHealth, server: RequestServer) -> None:
    try:
        await server.listen()
    except OSError as error:
        own.warn(
            WARNING, f"`acknowledge`, `snooze`, `silence`, `drill` and notes are not heard: {error.strerror or error}"
        )
    else:
        own.mended(WARNING)


async def handle_request(state: MonitorState, request: Request) -> RequestResult:
    """Carry out a request and return its result."""
    try:
        is_new = await HANDLERS[request.kind](state, bytes(request.body))
    except UNREADABLE as error:
        return RequestResult(RequestStatus.REFUSED, f"what was asked cannot be read: {error}")
    except NotMeant as error:
        return RequestResult(RequestStatus.REFUSED, str(error))
    except (StoreError, ValueError) as error:
        return RequestResult(RequestStatus.REFUSED, f"it cannot be written: {error}")
    return RequestResult(RequestStatus.DONE if is_new else RequestStatus.KNOWN, _to_know(state.services.storage))


def _to_know(storage: Storage) -> str:
    """Return a notice if the write went to a stand-in for the database; "" if not."""
    failover = storage.failover
    if failover.refusal is None or failover.place is WritePlace.DISK:
        return ""
    where = (
        "in memory, and lost if the monitor ends" if failover.place is WritePlace.MEMORY else "in the runtime folder"
    )
    return f"{storage.store.name} cannot be written now ({failover.refusal.words}): until it can, this is kept {where}"


class NotMeant(Exception):
    """A request that can be read, and not be meant; the text says why, and the repair."""


async def _take_reply(state: MonitorState, body: bytes) -> bool:
    reply = sanitize_line(msgspec.json.decode(body, type=Reply))
    if not is_complete(reply):
        raise msgspec.ValidationError("a reply has a time, and a silence says what it holds")
    if found := _objection(state, reply):
        return await _unless_known(state, reply, found)
    return await save_reply(state.services, state.told, state.signals, reply)


def _objection(state: MonitorState, reply: Reply) -> WrongArgument | None:
    now, belief = state.services.edge.clock(), state.belief
    meant = subjects(reply.kind, belief.incidents.keys(), state.told.replies, now)
    return objection(reply, belief.config.names, meant, now)


async def _unless_known(state: MonitorState, reply: Reply, found: WrongArgument) -> bool:
    """Return False for a reply that was taken before, as what it named may have ended since. Raises NotMeant."""
    if reply in state.told.replies or await state.services.storage.ask(_is_replied, reply.id):
        return False
    raise NotMeant(str(found))


async def _take_note(state: MonitorState, body: bytes) -> bool:
    note = shorten_name(sanitize_line(msgspec.json.decode(body, type=IncidentNote)))
    if not is_dated(note.at):
        raise msgspec.ValidationError("a note has a time")
    known = await state.services.storage.ask(_known_incidents)
    if found := objection_to_note(note, known, state.services.edge.clock()):
        raise NotMeant(str(found))
    return await save_note(state.services, state.signals, note)


def _known_incidents(stored: Reader) -> list[str]:
    return stored.incidents.ids()


def _is_replied(stored: Reader, id: str) -> bool:
    return stored.messages.is_replied(id)


async def _begin_drill(state: MonitorState, body: bytes) -> bool:
    wish = sanitize_line(msgspec.json.decode(body, type=Drill))
    if not is_dated(wish.at):
        raise msgspec.ValidationError("a drill has a time")
    if found := drill.objection(wish, state.belief.config, state.services.edge.clock()):
        raise NotMeant(str(found))
    return await begin_drill(state.services, state.told.cases.keys(), partial(save_change, state), wish)


HANDLERS: Mapping[RequestKind, Callable[[MonitorState, bytes], Awaitable[bool]]] = {
    RequestKind.REPLY: _take_reply,
    RequestKind.DRILL: _begin_drill,
    RequestKind.NOTE: _take_note,
}
