"""The road of a request: how aiohttp is told to go it, and how far along it one has come."""

import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp

from probes.proxy import Proxies, Proxy, Way, choose
from probes.transport.certificate import trust
from probes.transport.progress import UNDER_WAY

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

NOTHING: Mapping[str, Any] = {}


class Connector(aiohttp.TCPConnector):
    """Notes how far each request has come. aiohttp's own tracing cost a tenth of a look's CPU, and knows no TLS."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list["Trace"], timeout: aiohttp.ClientTimeout
    ) -> "Connection":
        progress = UNDER_WAY.get()
        if progress is None:
            return await super().connect(req, traces, timeout)
        progress.begin()
        made = await super().connect(req, traces, timeout)
        progress.send()
        return made


def make_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket for one of the addresses of a host."""
    if progress := UNDER_WAY.get():
        progress.open_socket()
    family, kind, protocol, *_ = address
    return socket.socket(family, kind, protocol)


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
