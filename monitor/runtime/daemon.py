"""The process around the loop: signals, the page's server, start and shutdown."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

import monitor.store
from monitor.alert.deliver import Print
from monitor.alert.reply import Reply
from monitor.config.config import Config
from monitor.control.message import WORK_S
from monitor.liveness import systemd
from monitor.liveness.systemd import Manager, find_manager
from monitor.publish.collect import fresh_s, read_freshness
from monitor.publish.snapshot import Freshness
from monitor.runtime import shutdown
from monitor.runtime.loop import run_loop
from monitor.runtime.request import serve_requests
from monitor.sentence.translation import PageLanguage, load_language
from monitor.stages.beat import save_change
from monitor.stages.deliver import message_language
from monitor.stages.former_location import end_former_locations
from monitor.stages.notify import save_reply
from monitor.state.belief import BeliefView
from monitor.state.monitor_state import MonitorState, open_state
from monitor.state.services import Services, real_edge
from monitor.storage_refusal import StoreError
from monitor.thread import use_own_threads
from monitor.web.connection_limit import ConnectionLimit
from monitor.web.link_reply import LinkReplies
from monitor.web.server import site_app
from monitor.words import count

log = logging.getLogger("monitor")

BACKLOG = 100
"""Most connections accepted at once: each is an open file before it can be refused."""
LOOPBACK = "127.0.0.1"
"""Default host: other machines get in only if the configuration says so."""
EVERYWHERE = ("0.0.0.0", "::")
TURN_S = 0.0005
"""Seconds that the publishing thread may keep the interpreter while the loop wants it. The default is 5 ms, and each
socket call of the loop waits again. With 200 of 1,000 accounts hanging, the p99 of a probe's lag fell from 61 ms to
5."""
READERS_S = 0.5
"""Seconds that the page's readers get to finish at shutdown."""


def run_daemon(config: Config, show: Print) -> None:
    """Run until SIGTERM or SIGINT. Raises StoreError if the database cannot be used."""
    preload_program()
    with runner() as loop:
        loop.run(_watch(config, show))


NEEDED_SELDOM = {"monitor.store.schema"}
"""Not preloaded: it makes a new database, and its library takes longer to load than all else."""


def preload_program() -> None:
    """Import what a stage may want later: an upgrade replaces or removes the program's files while it runs."""
    for one in iter_modules(monitor.store.__path__, f"{monitor.store.__name__}."):
        if not one.ispkg and one.name not in NEEDED_SELDOM:
            import_module(one.name)
    import_module("probes.decode")


def runner() -> asyncio.Runner:
    """Return the runner of a resident monitor, on uvloop if that is installed."""
    prepare_interpreter()
    make = _fast_loop() or asyncio.new_event_loop
    return asyncio.Runner(loop_factory=lambda: use_own_threads(make()))


def prepare_interpreter() -> None:
    """Keep the garbage collector off what stays (modules, configuration), and shorten thread switches for the loop."""
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
    async with open_state(config, real_edge(show)) as state, serve_requests(state), serve_site(state) as address:
        with suppress(OSError):  # stdout is closed: no reason not to watch
            if address:
                show(f"status page: {address}")
            if public := _public_place(config):
                show(f"public page: {public}")
            targets, accounts = count(len(config.watches), "target"), count(len(config.accounts), "account")
            show(f"watching {targets} of {accounts}; Ctrl-C ends it")
        state.services.storage.look_where_it_lies()
        await end_former_locations(state.services, state.told, partial(save_change, state))
        state.services.manager = find_manager(os.environ, os.getpid())
        await run_until_signalled(state)


def _public_place(config: Config) -> str | None:
    """Return where the public page is: at its address, or only in its folder, which `run` does not serve."""
    if config.public_folder is None:
        return None
    return config.site.public_url or str(config.public_folder / "index.html")


async def run_until_signalled(state: MonitorState) -> None:
    """Run the stages until a signal asks for shutdown.

    Probes under way are dropped; whatever is written stays. Messages under way get a grace period, so that few are
    sent twice; a second signal ends it. Whatever still hangs ends with the process.
    """
    reload, asked = asyncio.Event(), asyncio.Semaphore(0)
    take_signals(state.services.manager, reload.set, asked)
    stages = asyncio.create_task(run_loop(state, reload))
    state.services.manager.tell(systemd.READY)
    await first_of(stages, asked.acquire())
    if stages.done():
        await stages
    state.services.manager.tell(systemd.STOPPING)
    shutdown.limit_shutdown(0)
    stages.cancel()
    asyncio.get_running_loop().call_later(shutdown.GRACE_S, state.signals.dropped.set)
    ended = asyncio.gather(stages, return_exceptions=True)
    await first_of(ended, asked.acquire())
    state.signals.dropped.set()
    await ended
    log.info("ended")


def take_signals(manager: Manager, reload: Callable[[], object], asked: asyncio.Semaphore) -> None:
    """Reload at SIGHUP; count the signals that ask for shutdown."""

    def begin_reload() -> None:
        manager.tell(*systemd.reloading())
        reload()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, begin_reload)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came during the start waits
    for number in shutdown.STOP_SIGNALS:
        loop.add_signal_handler(number, asked.release)


async def first_of(work: asyncio.Future[Any], signalled: Coroutine[Any, Any, bool]) -> None:
    """Wait until the work is done, or a signal came."""
    end = asyncio.create_task(signalled)
    await asyncio.wait((work, end), return_when=asyncio.FIRST_COMPLETED)
    end.cancel()


@asynccontextmanager
async def serve_site(state: MonitorState) -> AsyncIterator[str | None]:
    """Serve the page and the signed links; yield the address, or None if it is not served."""
    services, belief, config = state.services, state.belief, state.belief.config
    if not config.site.serve:
        yield None
        return
    public = urlsplit(config.site.url or "").hostname  # the Host that a proxy in front passes on
    link_replies = _answerer(state)
    connections = ConnectionLimit()
    names = [public] if public else []
    app = site_app(
        config.folder,
        names,
        link_replies,
        lambda: _freshness(services, belief),
        connections,
        lambda: _stuck(services),
        lambda: _speech_of(belief.config, None),
    )
    # Our forms never come compressed, and a body that is not really gzip would count as an error of ours.
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
    """Return the handler of signed links; None if the signing key cannot be stored."""
    services, belief, store = state.services, state.belief, state.services.storage.store

    def speech_of(channel: str | None) -> PageLanguage:
        return _speech_of(belief.config, channel)

    try:
        return LinkReplies(store, store.link_key(), services.edge.clock, _submitter(state), speech_of)
    except OSError as error:
        log.warning("messages have no links to reply with, as their key cannot be stored: %s", error.strerror)
        return None


def _speech_of(config: Config, channel: str | None) -> PageLanguage:
    """Return the language of a channel's messages; that of the site if no channel has that name."""
    found = next((one for one in config.channels if one.name == channel), None)
    return message_language(found, config) if found else load_language(config.site.language, config.own_folders)


def _submitter(state: MonitorState) -> Callable[[Reply], bool]:
    """Return a function by which another thread has the loop save a reply."""
    loop = asyncio.get_running_loop()

    def submit(reply: Reply) -> bool:
        return asyncio.run_coroutine_threadsafe(
            save_reply(state.services, state.told, state.signals, reply), loop
        ).result(WORK_S)

    return submit


def _address(server: asyncio.Server) -> str:
    host, port, *_ = server.sockets[0].getsockname()
    host = "localhost" if host in EVERYWHERE else host  # the name for readers on this machine
    return f"http://{host}:{port}/"


def _stuck(services: Services) -> str | None:
    """Return why the pages may be stale: they, or the database they are made from, cannot be written."""
    return services.own.warnings.get("page") or services.own.warnings.get("store")


def _freshness(services: Services, belief: BeliefView) -> Freshness:
    config = belief.config
    if refused := services.own.warnings.get("store"):
        return Freshness(None, fresh_s(config), refused)
    try:
        with services.storage.store.reading() as stored:
            return read_freshness(stored.marks, config, services.edge.clock())
    except StoreError as error:
        return Freshness(None, fresh_s(config), f"{services.storage.store.name} cannot be read: {error}")


async def _listen(connections: ConnectionLimit, config: Config) -> asyncio.Server | None:
    host, loop = config.site.host or LOOPBACK, asyncio.get_running_loop()
    # The demonstration takes any free port when its own is taken, most likely by the real monitor.
    for port in (config.site.port, 0) if config.simulated else (config.site.port,):
        try:
            return await loop.create_server(connections, host, port, backlog=BACKLOG)
        except (OSError, ValueError) as error:
            log.warning("the page is not served on %s:%d: %s", host, port, getattr(error, "strerror", error))
    return None
