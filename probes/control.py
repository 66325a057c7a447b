"""The control probe: the free list, asked without a key. A refusal shows that the API lives and is within reach."""

import asyncio
import socket
from collections.abc import Sequence

from probes.canary import Prober, attempt
from probes.model import Account, Fault, Knock, Target
from probes.provider import Provider

CONTROL = "list"
"""The canary that is asked; every provider with an address has it."""

OF_THE_ROAD = frozenset(
    {Fault.REGION_BLOCKED, Fault.BLOCKED_BY_EDGE, Fault.CONNECTION_FAILED, Fault.PROXY_FAILED},
)
OF_THE_PROVIDER = frozenset({Fault.OVERLOADED, Fault.SERVER_ERROR, Fault.INVALID_RESPONSE, Fault.TIMEOUT})


async def knock(prober: Prober, provider: Provider, base: str | None) -> Knock:
    """Ask a provider, or a gateway at its own `base`, without a key. Never raises for the other side's trouble."""
    nobody = Account("", provider.id, None, base)
    seen = await attempt(prober, provider, nobody, Target(nobody.id, provider.id, CONTROL))
    stands = seen.fault if seen.fault in OF_THE_ROAD | OF_THE_PROVIDER else None
    return Knock(seen.at, stands, seen.status, seen.latency_s)


def is_gated(provider: Provider, account: Account) -> bool:
    """Whether a gate stands before the API that opens to secret headers of this account, besides its key.

    A call without a key takes no secret with it, so it would meet the gate and be no witness of what lies behind:
    none is made. A header in the place of the key is the key.
    """
    return not account.secret_headers.keys() <= {provider.auth.header.lower()}


async def is_online(places: Sequence[tuple[str, int]], limit_s: float) -> bool | None:
    """Return whether any of these hosts takes a connection; None when there is none to ask."""
    if not places:
        return None
    tries = [asyncio.create_task(_connects(host, port, limit_s)) for host, port in places]
    try:
        for one in asyncio.as_completed(tries):
            if await one:
                return True
        return False
    finally:
        for task in tries:
            task.cancel()


async def _connects(host: str, port: int, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError, socket.gaierror):
        return False
    writer.close()
    return True
