"""One request without a key to a host: how far it came, whose certificate it met, and what time it is there."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from monitor.config.config import Config
from probes.model import Clock, Phase, TimeLimits
from probes.proxy import PORTS, Egress, Proxy, choose_proxy
from probes.transport.certificate import CaFileError
from probes.transport.client import headers_for, request_options
from probes.transport.failure import RequestTrace, explain_error, explain_proxy_answer
from probes.transport.progress import UNDER_WAY, Progress


class Certificate(Struct, frozen=True):
    """What a host's certificate says, in its own words: they may be hostile."""

    issuer: str
    ends_at: datetime | None = None


class HostRoute(Struct, frozen=True):
    """Where to go, and how; `needed_by`: the first account, or status source, that needs it."""

    address: str
    needed_by: str
    way: Egress

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.address)
        return parts.port or PORTS.get(parts.scheme, 0)

    @property
    def proxy(self) -> Proxy | None:
        return choose_proxy(self.way.proxies, self.address)

    @property
    def is_secured(self) -> bool:
        return self.address.startswith("https:")


class HostCheck(Struct, frozen=True):
    """How far a request got along a route. `phase` and `words`: where and why it ended early; None: an answer came.

    `untrusted`: the certificate was refused. `ahead_s`: by how much our clock is ahead of the host's, to within a
    second; None: it told no time.
    """

    route: HostRoute
    phase: Phase | None = None
    words: str | None = None
    untrusted: bool = False
    certificate: Certificate | None = None
    ahead_s: float | None = None


def routes_of(config: Config) -> list[HostRoute]:
    """Return the way to each host that is needed, once for each proxy and set of authorities."""
    found: dict[tuple[str, Egress], HostRoute] = {}
    for address, id, way in _needed(config):
        parts = urlsplit(address)
        if parts.hostname and parts.scheme in PORTS:
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            root = f"{parts.scheme}://{host}:{parts.port or PORTS[parts.scheme]}/"  # without a login
            found.setdefault((root, way), HostRoute(root, id, way))
    return [] if config.simulated else [*found.values()]


def _needed(config: Config) -> Iterable[tuple[str, str, Egress]]:
    for account in config.accounts.values():
        if address := account.base or config.providers[account.provider].base:
            yield address, account.id, account.way
    yield from ((feed.url, id, config.way) for id, feed in config.feeds.items())


class _Seen(Progress):
    """Also keeps whose certificate was accepted."""

    certificate: Certificate | None = None

    def end_handshake(self, peer: ssl.SSLObject) -> None:
        self.certificate = read_certificate(peer.getpeercert() or {})


async def check_host(session: aiohttp.ClientSession, route: HostRoute, clock: Clock, limit_s: float) -> HostCheck:
    """Ask a host for its root, without a key. Never raises for what the network does."""
    progress = _Seen(proxy=route.proxy)
    UNDER_WAY.set(progress)
    trace = RequestTrace(route.address, progress, TimeLimits(limit_s, limit_s, limit_s))
    began = clock()
    try:
        async with (
            asyncio.timeout(limit_s),
            session.head(
                route.address,
                headers=headers_for(route.proxy, route.address),
                allow_redirects=False,
                **request_options(route.way, route.address),
            ) as answer,
        ):
            failure = explain_proxy_answer(answer.status, answer.headers, trace)
            if failure is None:
                return HostCheck(
                    route, certificate=progress.certificate, ahead_s=_ahead_s(began, clock(), answer.headers)
                )
    except (aiohttp.ClientError, OSError, ValueError, CaFileError) as error:
        failure = explain_error(error, trace)
    return HostCheck(route, failure.phase, failure.words, failure.rule == "transport/certificate", progress.certificate)


def _ahead_s(began: datetime, ended: datetime, headers: Mapping[str, str]) -> float | None:
    """Return our clock less the host's; its second is cut off, so half of one is added."""
    try:
        there = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    here = began + (ended - began) / 2
    return (here - there.replace(tzinfo=there.tzinfo or UTC)).total_seconds() - 0.5


async def with_refused_certificate(seen: HostCheck, limit_s: float) -> HostCheck:
    """Return a check with what the certificate says that was refused, if the host shows it again in time."""
    if not seen.untrusted or (seen.route.proxy and seen.route.proxy.scheme != "http"):
        return seen
    with suppress(OSError, ValueError, TimeoutError, EOFError):
        async with asyncio.timeout(limit_s):
            return HostCheck(seen.route, seen.phase, seen.words, True, await _unverified(seen.route))
    return seen


NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: an expired one is read, too. Source: X509_VERIFY_PARAM_set_flags(3)."""


async def _unverified(route: HostRoute) -> Certificate:
    """Read the certificate in two handshakes: only one that is verified is decoded, so it is made to vouch for itself.

    Nothing is sent over either.
    """
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    shown = (await _peer(route, blind)).getpeercert(binary_form=True) or b""
    vouched = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    vouched.check_hostname = False
    vouched.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    vouched.load_verify_locations(cadata=shown)
    return read_certificate((await _peer(route, vouched)).getpeercert() or {})


async def _peer(route: HostRoute, context: ssl.SSLContext) -> ssl.SSLObject:
    writer = await _way_to(route)
    try:
        await writer.start_tls(context, server_hostname=route.host)
        peer: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return peer
    finally:
        writer.transport.abort()


async def _way_to(route: HostRoute) -> asyncio.StreamWriter:
    """Connect, through a tunnel if there is a proxy (RFC 9110, 9.3.6); what it refuses fails at the handshake."""
    proxy, place = route.proxy, urlsplit(route.address).netloc
    if proxy is None:
        _, writer = await asyncio.open_connection(route.host, route.port)
        return writer
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    known = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{known}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return writer


def read_certificate(told: Mapping[str, Any]) -> Certificate:
    """Return what `getpeercert` tells."""
    names = {key: value for part in told.get("issuer", ()) for key, value in part}
    issuer = names.get("organizationName") or names.get("commonName") or "an authority without a name"
    ends = told.get("notAfter")
    return Certificate(issuer, datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None)
