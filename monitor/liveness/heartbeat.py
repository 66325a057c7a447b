"""The dead man's switch: pings to an outside service that alerts when they stop."""

from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

from monitor.liveness.post import post
from probes.proxy import DIRECT_EGRESS, Egress

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
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    return (await post(session, ping_url(url, word), reason[:LONGEST].encode(), headers, way, limit_s)).problem
