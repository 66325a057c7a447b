"""One request to a service of the user's own, which gets an answer or a reason; it never raises for network errors."""

import asyncio
from collections.abc import Mapping

import aiohttp
from msgspec import Struct

from probes.model import TimeLimits
from probes.proxy import Egress, choose_proxy
from probes.transport.client import headers_for, request_options
from probes.transport.failure import RequestTrace, explain_error, explain_proxy_answer
from probes.transport.progress import UNDER_WAY, Progress

MOST_READ = 64 * 1024
"""Most bytes of an answer that are read."""


class Posted(Struct, frozen=True):
    """Why a request was not accepted, None: it was; and the start of the answer."""

    problem: str | None
    answer: bytes = b""


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str], way: Egress, limit_s: float
) -> Posted:
    """Post a body. The reason for a failure never names the URL, of which a part may be a secret."""
    progress = Progress(proxy=choose_proxy(way.proxies, url))
    UNDER_WAY.set(progress)
    trip = RequestTrace("", progress, TimeLimits(limit_s, limit_s, limit_s))  # without the host: it is part of the URL
    try:
        async with (
            asyncio.timeout(limit_s),
            session.post(
                url,
                data=body,
                headers={**headers, **headers_for(progress.proxy, url)},
                allow_redirects=False,  # the URL and the headers are secrets shared with this host only
                **request_options(way, url),
            ) as response,
        ):
            if refused := explain_proxy_answer(response.status, response.headers, trip):
                return Posted(refused.words)
            if not 200 <= response.status < 300:
                return Posted(f"HTTP {response.status}")
            return Posted(None, await response.content.read(MOST_READ))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Posted(explain_error(error, trip).words)
