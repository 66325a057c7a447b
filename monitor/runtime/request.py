"""What another process asks of the one that holds the database: to write a reply, to begin a drill."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import msgspec

from monitor.alert.reply import Reply, is_dated, is_meant
from monitor.control.message import UNREADABLE, Request, RequestKind, RequestResult, RequestStatus
from monitor.control.server import ControlServer
from monitor.stages.drill import Drill, begin_drill
from monitor.stages.notify import take_reply
from monitor.stages.state import World
from monitor.storage_refusal import StoreError
from monitor.store.ownership import owner_of
from monitor.store.standby import Place
from monitor.store.submission import socket_files
from probes.border import admit

CHECK_S = 5.0
"""Pause between two looks whether the socket's file is still there."""
WARNING = "control socket"
"""What its trouble is called among the warnings."""


@asynccontextmanager
async def answering(world: World) -> AsyncIterator[None]:
    """Answer what is asked over the control socket."""
    database = world.config.database
    server = ControlServer(socket_files(database), owner_of(database), partial(obey, world), world.keeper.is_holder)
    await _listen(world, server)
    listening = asyncio.create_task(_keep_listening(world, server))
    try:
        yield
    finally:
        listening.cancel()
        await server.close()


async def _keep_listening(world: World, server: ControlServer) -> None:
    while True:
        await asyncio.sleep(CHECK_S)
        await _listen(world, server)


async def _listen(world: World, server: ControlServer) -> None:
    try:
        await server.listen()
    except OSError as error:
        world.warn(WARNING, f"`acknowledge`, `snooze`, `silence` and `drill` are not heard: {error.strerror or error}")
    else:
        world.mended(WARNING)


async def obey(world: World, request: Request) -> RequestResult:
    """Do what is asked, and say what came of it."""
    try:
        is_new = await TAKING[request.kind](world, bytes(request.body))
    except UNREADABLE as error:
        return RequestResult(RequestStatus.REFUSED, f"what was asked cannot be read: {error}")
    except (sqlite3.Error, StoreError, ValueError) as error:
        return RequestResult(RequestStatus.REFUSED, f"it cannot be written: {error}")
    return RequestResult(RequestStatus.DONE if is_new else RequestStatus.KNOWN, _to_know(world))


def _to_know(world: World) -> str:
    """Return what to know of something that was written elsewhere than in the database."""
    keeper = world.keeper
    if keeper.refusal is None or keeper.place is Place.DISK:
        return ""
    where = "in memory, and lost if the monitor ends" if keeper.place is Place.MEMORY else "in the runtime folder"
    name = world.config.database.name
    return f"{name} cannot be written now ({keeper.refusal.words}): until it can, this is kept {where}"


async def _take_reply(world: World, body: bytes) -> bool:
    reply = admit(msgspec.json.decode(body, type=Reply))
    if not is_meant(reply):
        raise msgspec.ValidationError("a reply has a time, and a silence says what it holds")
    return await take_reply(world, reply)


async def _begin_drill(world: World, body: bytes) -> bool:
    drill = admit(msgspec.json.decode(body, type=Drill))
    if not is_dated(drill.at):
        raise msgspec.ValidationError("a drill has a time")
    return await begin_drill(world, drill)


TAKING: Mapping[RequestKind, Callable[[World, bytes], Awaitable[bool]]] = {
    RequestKind.REPLY: _take_reply,
    RequestKind.DRILL: _begin_drill,
}
