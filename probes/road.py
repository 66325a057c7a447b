"""The road of a request: how aiohttp is told to go it, and how far along it one has come."""

import os
import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import aiohttp
from msgspec import Struct

from probes.model import Phase
from probes.proxy import Proxies, Proxy, Way, choose

NOTHING: Mapping[str, Any] = {}


class Progress(Struct):
    """How far a request has come. `phase` is what goes on now; `reused`: by a connection that was open before.

    `proxy` is what it goes through, None where it goes straight out.
    """

    phase: Phase | None = None
    reused: bool = False
    proxy: Proxy | None = None
    is_proxy_secured: bool = False


UNDER_WAY: ContextVar[Progress | None] = ContextVar("UNDER_WAY", default=None)
"""The request that this task makes; the handshake of TLS, which nobody else can tell of, looks for it here."""


class Handshake(ssl.SSLObject):
    """Tells that a connection was made and TLS is being agreed on; aiohttp's own tracing has no word for that."""

    _is_begun = False

    def do_handshake(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            _begin_handshake(UNDER_WAY.get())
        super().do_handshake()


def _begin_handshake(progress: Progress | None) -> None:
    if progress is None:
        return
    if progress.proxy and progress.proxy.scheme == "https" and not progress.is_proxy_secured:
        progress.is_proxy_secured = True  # the first handshake is the proxy's own
        return
    progress.phase = Phase.TLS


class NoAuthority(Exception):
    """The file of authorities cannot be used; the text says why."""


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return whose word on certificates is taken: of a file's authorities alone, or of the system's.

    A file that was changed is read anew. Raises NoAuthority.
    """
    if ca_file is None:
        return _trusting(None, 0)
    try:
        return _trusting(ca_file, os.stat(ca_file).st_mtime_ns)
    except ssl.SSLError:
        raise NoAuthority("holds no certificate that can be read") from None
    except OSError as error:
        raise NoAuthority(f"cannot be read ({error.strerror or error})") from None


@lru_cache(64)
def _trusting(ca_file: str | None, _: int) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.sslobject_class = Handshake
    return context


def options(way: Way, address: str) -> Mapping[str, Any]:
    """Return what aiohttp is told besides, so that a request goes this way. Raises NoAuthority."""
    through = _through(way.proxies, address) if way.proxies.http or way.proxies.https else NOTHING
    return {**through, "ssl": trust(way.ca_file)} if address.startswith("https:") else through


@lru_cache(2_000)
def _through(proxies: Proxies, address: str) -> Mapping[str, Any]:
    proxy = choose(proxies, address)
    if proxy is None:
        return NOTHING
    told = proxy.authorization
    return {"proxy": proxy.url, "proxy_headers": {"Proxy-Authorization": told} if told else None}


def headers_for(proxy: Proxy | None, address: str) -> Mapping[str, str]:
    """Return what the proxy itself reads of a request that goes to it in plain; else it reads what opens the tunnel."""
    if proxy is None or address.startswith("https:") or proxy.authorization is None:
        return NOTHING
    return {"proxy-authorization": proxy.authorization}


def tracing() -> aiohttp.TraceConfig:
    """Return what notes how far each request has come in the Progress that goes with it."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(_connect)
    trace.on_dns_resolvehost_start.append(_look_up)
    trace.on_dns_resolvehost_end.append(_connect)
    trace.on_connection_create_end.append(_send)
    trace.on_connection_reuseconn.append(_reuse)
    trace.on_request_headers_sent.append(_wait)
    return trace


def _progress(context: SimpleNamespace) -> Progress:
    """Return the one of a request; of a status page, or a heartbeat, nobody asks for it."""
    return context.trace_request_ctx or Progress()


async def _connect(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    progress = _progress(context)
    progress.phase = Phase.PROXY if progress.proxy else Phase.CONNECT


async def _look_up(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _progress(context).phase = Phase.NAME


async def _send(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _progress(context).phase = Phase.REQUEST


async def _reuse(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    progress = _progress(context)
    progress.phase, progress.reused = Phase.REQUEST, True


async def _wait(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _progress(context).phase = Phase.FIRST_BYTE
