"""The dead man's switch: a word to an address outside, where somebody notices when it stays away."""

import asyncio
from enum import StrEnum
from urllib.parse import urlsplit

import aiohttp

LIMIT_S = 10.0
"""A ping takes at most so long; the next one is its retry."""

LONGEST = 1000
"""So much of a reason is sent; healthchecks keeps ten times as much of a body in each of its versions."""


class Word(StrEnum):
    """What is told. Source: healthchecks, Pinging API: `/start` and `/fail` behind the address, nothing for success."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"


def address(url: str, word: Word) -> str:
    """Return where to send a word; a query stays behind it."""
    if word is Word.SUCCESS:
        return url
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{word}").geturl()


async def ping(session: aiohttp.ClientSession, url: str, word: Word, reason: str = "") -> str | None:
    """Send one word, with its reason as the body. Return None when it was taken, else why not.

    Never raises for what happens on the way, and never names the address: whoever knows it could ping.
    """
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            session.post(
                address(url, word),
                data=reason[:LONGEST].encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
                allow_redirects=False,  # the address is a secret of this host only
            ) as response,
        ):
            return None if 200 <= response.status < 300 else f"HTTP {response.status}"
    except TimeoutError:
        return f"no answer within {LIMIT_S:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return f"no connection ({type(error).__name__})"
