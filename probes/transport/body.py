"""Bounded reading of an answer's bytes, decompressed under a limit."""

import zlib
from collections.abc import AsyncIterator, Callable

from aiohttp import ClientResponse

KEPT_BYTES = 64 * 1024
"""Most bytes kept of an answer; the rest is not read. The largest healthy canary answer has a few KiB."""

GZIP_OR_ZLIB = 47  # zlib's wbits: detect either header


class UnreadableBody(Exception):
    """The body cannot be decompressed; the text says why."""


async def read_chunks(response: ClientResponse) -> AsyncIterator[bytes]:
    """Yield the decompressed body as it arrives, at most KEPT_BYTES in all. Raises UnreadableBody.

    We ask for no compression; a server that compresses anyway (or sends a bomb) is decompressed only up to the limit.
    """
    decode, room = _decoder(response), KEPT_BYTES
    async for raw in response.content.iter_any():
        chunk = decode(raw, room)
        room -= len(chunk)
        yield chunk
        if not room:
            return


async def read_text(
    response: ClientResponse, room: int = KEPT_BYTES, received: bytearray | None = None
) -> tuple[str, bool]:
    """Return the body as text and whether that is all of it. Invalid UTF-8 is replaced, not refused.

    `received` holds the bytes, even when the answer breaks off.
    """
    body = await read_body(response, room, received)
    return body.decode("utf-8", "replace"), len(body) < room


async def read_body(response: ClientResponse, room: int, received: bytearray | None = None) -> bytes:
    """Return the decompressed body, at most `room` bytes. Raises UnreadableBody. Faster than joining its chunks."""
    decode, body = _decoder(response), bytearray() if received is None else received
    while len(body) < room and (raw := await response.content.readany()):
        body += decode(raw, room - len(body))
    return bytes(body)


def _decoder(response: ClientResponse) -> Callable[[bytes, int], bytes]:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding in ("identity", ""):
        return lambda raw, room: raw[:room]
    if encoding not in ("gzip", "deflate"):
        raise UnreadableBody("is compressed in a way that was not asked for")
    inflate = zlib.decompressobj(GZIP_OR_ZLIB)

    def decode(raw: bytes, room: int) -> bytes:
        try:
            return inflate.decompress(raw, room)
        except zlib.error:
            raise UnreadableBody("says it is compressed but cannot be decompressed") from None

    return decode
