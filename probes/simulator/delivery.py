"""How an answer travels: intact, mangled, cut short, or endless."""

import asyncio
import zlib
from collections.abc import Mapping

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

SSE = "text/event-stream; charset=utf-8"
BLOCK = b"a" * 65_536
HUGE_BLOCKS = 16_384
"""Blocks that make a gibibyte."""
BOMB_MIB = 256

EDGE_PAGE = b"""<!DOCTYPE html>
<html lang="en-US">
<head><title>Attention Required! | Cloudflare</title></head>
<body>
<h1>Sorry, you have been blocked</h1>
<p>You are unable to access this provider. Cloudflare Ray ID: 0000000000000000</p>
</body>
</html>
"""
SOME_PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>Please sign in.</body></html>\n"


class WireReply(Struct, frozen=True):
    """An answer. For a stream, `lead` precedes the first word; for any other, `rest` is empty."""

    status: int
    headers: Mapping[str, str]
    lead: bytes
    rest: tuple[bytes, ...] = ()

    @property
    def body(self) -> bytes:
        return self.lead + b"".join(self.rest)


class Delays(Struct, frozen=True):
    """The delays in seconds: before the headers, until the first word, and between words."""

    latency_s: float = 0.0
    ttft_s: float = 0.0
    gap_s: float = 0.0

    def times(self, factor: float) -> "Delays":
        return Delays(self.latency_s * factor, self.ttft_s * factor, self.gap_s * factor)


async def send_reply(request: web.Request, reply: WireReply, pace: Delays) -> web.StreamResponse:
    await _wait(pace.latency_s)
    if not reply.rest:
        return web.Response(status=reply.status, headers=reply.headers, body=reply.lead)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    await response.prepare(request)
    if pace.ttft_s or pace.gap_s:
        await _speak(response, reply, pace)
    else:
        await response.write(reply.body)
    return response


async def _speak(response: web.StreamResponse, reply: WireReply, pace: Delays) -> None:
    await response.write(reply.lead)
    await _wait(pace.ttft_s)
    for piece in reply.rest:
        await response.write(piece)
        await _wait(pace.gap_s)


async def _wait(pause_s: float) -> None:
    if pause_s:
        await asyncio.sleep(pause_s)


async def send_half(request: web.Request, reply: WireReply, pace: Delays) -> web.StreamResponse:
    """Send the first half, for a stream half of what follows its lead, and close the connection."""
    await _wait(pace.latency_s)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if not reply.rest:
        response.content_length = len(reply.lead)
    await response.prepare(request)
    await response.write(_half(reply))
    if request.transport:
        request.transport.close()
    return response


def _half(reply: WireReply) -> bytes:
    if not reply.rest:
        return reply.lead[: len(reply.lead) // 2]
    return reply.lead + b"".join(reply.rest[: len(reply.rest) // 2])


# Endless answers. Each stops when the client disconnects: the server cancels the handler.


async def hang(request: web.Request, pace: Delays) -> web.StreamResponse:
    never: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()
    return await never


async def send_comments(request: web.Request, pace: Delays) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": SSE})
    await response.prepare(request)
    while True:
        await response.write(b": keep-alive\n\n")
        await asyncio.sleep(pace.gap_s)


async def send_huge(request: web.Request, pace: Delays) -> web.StreamResponse:
    """Send a gibibyte of well-formed JSON, generated on the fly."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"data": "')
    for _ in range(HUGE_BLOCKS):
        await response.write(BLOCK)
    await response.write(b'"}')
    return response


async def send_bomb(request: web.Request, pace: Delays) -> web.StreamResponse:
    """Send a few hundred KiB that decompress to BOMB_MIB."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    await response.prepare(request)
    press = zlib.compressobj(wbits=31)  # 31: with a gzip header
    mebibyte = bytes(1_048_576)
    for _ in range(BOMB_MIB):
        await response.write(press.compress(mebibyte))
        await asyncio.sleep(0)  # compression blocks the loop; let others run
    await response.write(press.flush())
    return response


# Mangled answers


def blocked_by_edge(reply: WireReply) -> WireReply:
    headers = {"Content-Type": "text/html; charset=UTF-8", "server": "cloudflare", "cf-ray": "0000000000000000-SIM"}
    return WireReply(403, headers, EDGE_PAGE)


def not_json(reply: WireReply) -> WireReply:
    return WireReply(200, {"Content-Type": "text/html; charset=utf-8"}, SOME_PAGE)


def nothing_in_it(reply: WireReply) -> WireReply:
    """Answer like gateways that think all is well: good status, good code, and no payload."""
    return WireReply(200, {"Content-Type": "application/json"}, b'{"code":0,"msg":"success","data":null}')


def empty(reply: WireReply) -> WireReply:
    return replace(reply, status=200, lead=b"", rest=())


def truncated(reply: WireReply) -> WireReply:
    """Cut the body in the middle, of a stream in the middle of an event, and end it cleanly."""
    return replace(reply, lead=reply.body[: len(reply.body) // 2], rest=())


def wrong_charset(reply: WireReply) -> WireReply:
    """Declare a charset that does not exist, for bytes that are not UTF-8 either."""
    kind = reply.headers["Content-Type"].partition(";")[0]
    headers = {**reply.headers, "Content-Type": f"{kind}; charset=utf-9"}
    return replace(reply, headers=headers, lead=reply.body.decode().encode("utf-16"), rest=())
