"""The dead man's switch: pings to an outside service that alerts when they stop."""

import asyncio
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from probes.model import TimeLimits
from probes.proxy import DIRECT_EGRESS, Egress, choose_proxy
from probes.transport.client import headers_for, request_options
from probes.transport.failure import RequestTrace, explain_error, explain_proxy_answer
from probes.transport.progress import UNDER_WAY, Progress

LIMIT_S = 10.0
"""Seconds that a ping may take; the next one is its retry."""

LONGEST = 1000
"""Most characters of a reason that are sent; every version of healthchecks keeps ten times as much of a body."""


class Ping(StrEnum):
    """The kinds of ping. Source: healthchecks, Pinging API: URL suffix `/start` or `/fail`, none for success."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


def ping_url(url: str, word: Ping) -> str:
    """Return the URL of a ping; a query stays at its end."""
    if word is Ping.SUCCESS:
        return url
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{word}").geturl()


async def send_ping(
    session: aiohttp.ClientSession,
    url: str,
    word: Ping,
    reason: str = "",
    way: Egress = DIRECT_EGRESS,
    limit_s: float = LIMIT_S,
) -> str | None:
    """Send one ping, with its reason as the body. Return None if it was accepted, else why not.

    Never raises for network errors, and never names the URL: whoever knows it could ping.
    """
    progress = Progress(proxy=choose_proxy(way.proxies, url))
    UNDER_WAY.set(progress)
    trip = RequestTrace(
        "", progress, TimeLimits(limit_s, limit_s, limit_s)
    )  # without the host: it is part of the secret URL
    try:
        async with (
            asyncio.timeout(limit_s),
            session.post(
                ping_url(url, word),
                data=reason[:LONGEST].encode(),
                headers={"Content-Type": "text/plain; charset=utf-8", **headers_for(progress.proxy, url)},
                allow_redirects=False,  # the URL is a secret shared with this host only
                **request_options(way, url),
            ) as response,
        ):
            if refused := explain_proxy_answer(response.status, response.headers, trip):
                return refused.words
            return None if 200 <= response.status < 300 else f"HTTP {response.status}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return explain_error(error, trip).words
