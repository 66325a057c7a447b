"""The process around the loop: signals, the page's server, the start and the end."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from monitor.alert.deliver import Print
from monitor.alert.link import link_key
from monitor.alert.reply import Reply
from monitor.config.config import Config
from monitor.control.message import WORK_S
from monitor.liveness import systemd
from monitor.liveness.systemd import Manager, find_manager
from monitor.publish.collect import fresh_s, pulse
from monitor.publish.snapshot import Pulse
from monitor.runtime import shutdown
from monitor.runtime.loop import run
from monitor.runtime.request import answering
from monitor.stages.belief import BeliefView
from monitor.stages.notify import take_reply
from monitor.stages.services import Services, real_edge
from monitor.stages.state import MonitorState, open_state
from monitor.storage_refusal import StoreError
from monitor.thread import with_threads
from monitor.web.connection_limit import ConnectionLimit
from monitor.web.link_reply import LinkReplies
from monitor.web.server import site_app
from monitor.words import count

log = logging.getLogger("monitor")

BACKLOG = 100
"""So many connections are taken at once: each is an open file before anybody can be sent away."""
LOOPBACK = "127.0.0.1"
"""Whoever is on another machine is not let in, unless somebody says so."""
EVERYWHERE = ("0.0.0.0", "::")
TURN_S = 0.0005
"""So long the thread that makes the page keeps the interpreter when the loop wants it: by default it is 5 ms, and
each of the loop's calls to a socket waits anew. With 200 of 1,000 accounts hanging, the p99 of a probe's lag fell
from 61 ms to 5."""
READERS_S = 0.5
"""So long the page's readers may finish at the end."""


def watch(config: Config, show: Print) -> None:
    """Watch until SIGTERM or SIGINT. Raises StoreError when the database cannot be used."""
    with runner() as loop:
        loop.run(_watch(config, show))


def runner() -> asyncio.Runner:
    """Return what runs a resident monitor: on uvloop where it is installed."""
    prepare_interpreter()
    make = _fast_loop() or asyncio.new_event_loop
    return asyncio.Runner(loop_factory=lambda: with_threads(make()))


def prepare_interpreter() -> None:
    """Look for no garbage among what stays: modules and the configuration; let the loop have its turn."""
    gc.freeze()
    sys.setswitchinterval(TURN_S)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # the extra is not installed
        return None
    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make


async def _watch(config: Config, show: Print) -> None:
    async with open_state(config, real_edge(show)) as state, answering(state), serve(state) as address:
        with suppress(OSError):  # nobody reads what we print: that is no reason not to watch
            if address:
                show(f"status page: {address}")
            targets, accounts = count(len(config.watches), "target"), count(len(config.accounts), "account")
            show(f"watching {targets} of {accounts}; Ctrl-C ends it")
        state.services.storage.look_where_it_lies()
        state.services.manager = find_manager(os.environ, os.getpid())
        await until_signalled(state)


async def until_signalled(state: MonitorState) -> None:
    """Run the stages until somebody asks for the end.

    Looks under way are dropped, and what is written stays. Messages under way have a while to be answered, so that
    few are sent twice; who asks a second time does not wait for them. What hangs even so ends with the process.
    """
    reload, asked = asyncio.Event(), asyncio.Semaphore(0)
    _take_signals(state.services.manager, reload, asked)
    stages = asyncio.create_task(run(state, reload))
    state.services.manager.tell(systemd.READY)
    await _first_of(stages, asked.acquire())
    if stages.done():
        await stages
    state.services.manager.tell(systemd.STOPPING)
    shutdown.begin(0)
    stages.cancel()
    asyncio.get_running_loop().call_later(shutdown.GRACE_S, state.signals.dropped.set)
    ended = asyncio.gather(stages, return_exceptions=True)
    await _first_of(ended, asked.acquire())
    state.signals.dropped.set()
    await ended
    log.info("ended")


def _take_signals(manager: Manager, reload: asyncio.Event, asked: asyncio.Semaphore) -> None:
    def begin_reload() -> None:
        manager.tell(*systemd.reloading())
        reload.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, begin_reload)
    for number in shutdown.ASKING:
        loop.add_signal_handler(number, asked.release)


async def _first_of(work: asyncio.Future[Any], wish: Coroutine[Any, Any, bool]) -> None:
    end = asyncio.create_task(wish)
    await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
    end.cancel()


@asynccontextmanager
async def serve(state: MonitorState) -> AsyncIterator[str | None]:
    """Serve the page, and the signed links; yield its address, or None when it is not served."""
    services, belief, config = state.services, state.belief, state.belief.config
    if not config.site.serve:
        yield None
        return
    public = urlsplit(config.site.url or "").hostname  # a proxy in front passes this name on
    link_replies = _answerer(state)
    connections = ConnectionLimit()
    names = [public] if public else []
    app = site_app(
        config.folder, names, link_replies, lambda: _pulse(services, belief), connections, lambda: _stuck(services)
    )
    # What a reader sends compressed is none of our forms, and would be an error of ours where it is no gzip.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=READERS_S, auto_decompress=False)
    await runner.setup()
    connections.server = runner.server
    server = await _listen(connections, config)
    try:
        services.link_key = link_replies.key if server and link_replies else None
        yield _address(server) if server else None
    finally:
        if server:
            server.close()
        await runner.cleanup()


def _answerer(state: MonitorState) -> LinkReplies | None:
    """Return what stands behind signed links; None where the key that signs them cannot be kept."""
    services, config = state.services, state.belief.config
    try:
        key = link_key(config.database)
        return LinkReplies(services.storage.store, key, services.edge.clock, _submitter(state))
    except OSError as error:
        log.warning("no message has a link to answer it: %s", error.strerror)
        return None


def _submitter(state: MonitorState) -> Callable[[Reply], bool]:
    """Return how a thread has the loop write a reply."""
    loop = asyncio.get_running_loop()

    def submit(reply: Reply) -> bool:
        return asyncio.run_coroutine_threadsafe(
            take_reply(state.services, state.told, state.signals, reply), loop
        ).result(WORK_S)

    return submit


def _address(server: asyncio.Server) -> str:
    host, port, *_ = server.sockets[0].getsockname()
    host = "localhost" if host in EVERYWHERE else host  # which is the name that a reader here has for it
    return f"http://{host}:{port}/"


def _stuck(services: Services) -> str | None:
    """Return why the pages may say what is so no more: they cannot be written, or what they are made from cannot."""
    return services.own.warnings.get("page") or services.own.warnings.get("store")


def _pulse(services: Services, belief: BeliefView) -> Pulse:
    config = belief.config
    if refused := services.own.warnings.get("store"):
        return Pulse(None, fresh_s(config), refused)
    try:
        with services.storage.store.reading() as stored:
            return pulse(stored.marks, config, services.edge.clock())
    except StoreError as error:
        return Pulse(None, fresh_s(config), f"{config.database.name} cannot be read: {error}")


async def _listen(connections: ConnectionLimit, config: Config) -> asyncio.Server | None:
    host, loop = config.site.host or LOOPBACK, asyncio.get_running_loop()
    # The demonstration takes any port when its own is held, most likely by the real monitor.
    for port in (config.site.port, 0) if config.simulated else (config.site.port,):
        try:
            return await loop.create_server(connections, host, port, backlog=BACKLOG)
        except (OSError, ValueError) as error:
            log.warning("the page is not served on %s:%d: %s", host, port, getattr(error, "strerror", error))
    return None
