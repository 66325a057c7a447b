"""aiohttp's settings for a request's proxy and certificates, and hooks that note its progress."""

import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp

from probes.proxy import Egress, Proxies, Proxy, choose_proxy
from probes.transport.certificate import make_ssl_context
from probes.transport.progress import UNDER_WAY

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

NOTHING: Mapping[str, Any] = {}


class Connector(aiohttp.TCPConnector):
    """Notes each request's progress. aiohttp's own tracing took a tenth of a probe's CPU, and does not cover TLS."""

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
    """Return a socket for one of a host's addresses."""
    if progress := UNDER_WAY.get():
        progress.open_socket()
    family, kind, protocol, *_ = address
    return socket.socket(family, kind, protocol)


def request_options(way: Egress, address: str) -> Mapping[str, Any]:
    """Return aiohttp's extra options for a request to go this way. Raises CaFileError."""
    through = _through(way.proxies, address) if way.proxies.http or way.proxies.https else NOTHING
    return {**through, "ssl": make_ssl_context(way.ca_file)} if address.startswith("https:") else through


@lru_cache(2_000)
def _through(proxies: Proxies, address: str) -> Mapping[str, Any]:
    proxy = choose_proxy(proxies, address)
    if proxy is None:
        return NOTHING
    told = proxy.authorization
    return {"proxy": proxy.url, "proxy_headers": {"Proxy-Authorization": told} if told else None}


def headers_for(proxy: Proxy | None, address: str) -> Mapping[str, str]:
    """Return the headers for the proxy itself on a plain request; for a tunnel they go into CONNECT instead."""
    if proxy is None or address.startswith("https:") or proxy.authorization is None:
        return NOTHING
    return {"proxy-authorization": proxy.authorization}
