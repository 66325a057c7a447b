"""The dead man's switch: a word to an address outside, where somebody notices when it stays away."""

import asyncio
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from probes.model import TimeLimits
from probes.proxy import STRAIGHT, Way, choose
from probes.transport.client import headers_for, options
from probes.transport.failure import Trip, explain, of_answer
from probes.transport.progress import UNDER_WAY, Progress

LIMIT_S = 10.0
"""A ping takes at most so long; the next one is its retry."""

LONGEST = 1000
"""So much of a reason is sent; healthchecks keeps ten times as much of a body in each of its versions."""


class Ping(StrEnum):
    """What is told. Source: healthchecks, Pinging API: `/start` and `/fail` behind the address, nothing for success."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


def address(url: str, word: Ping) -> str:
    """Return where to send a word; a query stays behind it."""
    if word is Ping.SUCCESS:
        return url
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{word}").geturl()


async def ping(
    session: aiohttp.ClientSession,
    url: str,
    word: Ping,
    reason: str = "",
    way: Way = STRAIGHT,
    limit_s: float = LIMIT_S,
) -> str | None:
    """Send one word, with its reason as the body. Return None when it was taken, else why not.

    Never raises for what happens on the way, and never names the address: whoever knows it could ping.
    """
    progress = Progress(proxy=choose(way.proxies, url))
    UNDER_WAY.set(progress)
    trip = Trip("", progress, TimeLimits(limit_s, limit_s, limit_s))  # without the host: it is part of the address
    try:
        async with (
            asyncio.timeout(limit_s),
            session.post(
                address(url, word),
                data=reason[:LONGEST].encode(),
                headers={"Content-Type": "text/plain; charset=utf-8", **headers_for(progress.proxy, url)},
                allow_redirects=False,  # the address is a secret of this host only
                **options(way, url),
            ) as response,
        ):
            if refused := of_answer(response.status, response.headers, trip):
                return refused.words
            return None if 200 <= response.status < 300 else f"HTTP {response.status}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return explain(error, trip).words
