"""The road of a request: how aiohttp is told to go it, and how far along it one has come."""

from collections.abc import Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import aiohttp
from msgspec import Struct

from probes.model import Phase
from probes.proxy import Proxies, Proxy, Way, choose
from probes.trust import trust

NOTHING: Mapping[str, Any] = {}


class Progress(Struct):
    """How far a request has come. `phase` is what goes on now; `reused`: by a connection that was open before.

    `proxy` is what it goes through, None where it goes straight out.
    """

    phase: Phase | None = None
    reused: bool = False
    proxy: Proxy | None = None
    is_proxy_secured: bool = False

    def begin_handshake(self) -> None:
        if self.proxy and self.proxy.scheme == "https" and not self.is_proxy_secured:
            self.is_proxy_secured = True  # the first handshake is the proxy's own
            return
        self.phase = Phase.TLS


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
