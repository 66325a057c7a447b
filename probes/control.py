"""The control probe: list the models without a key. A refusal shows that the API is alive and reachable."""

import asyncio
import re
from collections.abc import Sequence

from probes.canary import Prober, attempt_request
from probes.model import Account, ControlAnswer, Fault, Target
from probes.provider import Provider
from probes.proxy import DIRECT, DIRECT_EGRESS, Egress, Proxies, Proxy, choose_proxy
from probes.transport.certificate import make_ssl_context

CONTROL = "list"
"""The canary that it uses; every provider with an address has it."""

TUNNELLED = re.compile(rb"HTTP/1\.[01] 2\d\d\b")

PATH_FAULTS = frozenset(
    {Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE, Fault.CONNECTION_FAILED, Fault.PROXY_FAILED},
)
PROVIDER_FAULTS = frozenset({Fault.OVERLOADED, Fault.SERVER_ERROR, Fault.INVALID_RESPONSE, Fault.TIMEOUT})


async def probe_control(
    prober: Prober, provider: Provider, base: str | None, way: Egress = DIRECT_EGRESS
) -> ControlAnswer:
    """Probe a provider, or a gateway at its own `base`, without a key. The other side's failures never raise."""
    nobody = Account("", provider.id, None, base, way=way)
    seen = await attempt_request(prober, provider, nobody, Target(nobody.id, provider.id, CONTROL))
    stands = seen.fault if seen.fault in PATH_FAULTS | PROVIDER_FAULTS else None
    return ControlAnswer(seen.at, stands, seen.status, seen.latency_s)


def is_gated(provider: Provider, account: Account) -> bool:
    """Whether a gate in front of the API needs secret headers of this account, besides its key.

    A call without a key sends no secrets, so it would only meet the gate and say nothing about the API behind it: we
    make none. A header that replaces the key counts as the key.
    """
    return not account.secret_headers.keys() <= {provider.auth.header.lower()}


async def is_online(
    places: Sequence[tuple[str, int]], limit_s: float, roads: Sequence[Proxies] = (DIRECT,)
) -> bool | None:
    """Return whether any of these hosts accepts a connection, by any of these proxies; None without hosts."""
    if not places:
        return None
    ways = {(host, port, choose_proxy(road, f"https://{host}:{port}")) for host, port in places for road in roads}
    tries = [asyncio.create_task(_connects(host, port, proxy, limit_s)) for host, port, proxy in ways]
    try:
        for one in asyncio.as_completed(tries):
            if await one:
                return True
        return False
    finally:
        for task in tries:
            task.cancel()


async def _connects(host: str, port: int, proxy: Proxy | None, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            if proxy:
                return await _is_let_through(proxy, f"{host}:{port}")
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    return True


async def _is_let_through(proxy: Proxy, place: str) -> bool:
    """Ask a proxy for a tunnel (RFC 9110, 9.3.6); only a 2xx shows that the place itself was reached."""
    asked = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    asked += [f"Proxy-Authorization: {proxy.authorization}"] if proxy.authorization else []
    secured = make_ssl_context(None) if proxy.scheme == "https" else None
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port, ssl=secured)
    try:
        writer.write("\r\n".join([*asked, "", ""]).encode())
        return TUNNELLED.match(await reader.readline()) is not None
    finally:
        writer.close()
