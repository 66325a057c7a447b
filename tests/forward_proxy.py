"""A real forward proxy on loopback, written by RFC 9110 and by nothing of ours, that can be told to misbehave."""

import asyncio
from base64 import b64decode
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

UNKNOWN = (
    b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
)


@dataclass
class ForwardProxy:
    """What was asked of it, and how it behaves.

    `places` says where a host really is: names that only it can resolve. `login` is who may pass, None: everybody.
    `answer` is said in the place of letting anybody through: b"" closes, None hangs.
    """

    places: dict = field(default_factory=dict)
    login: tuple[str, str] | None = None
    answer: bytes | None = b"let through"
    asked: list = field(default_factory=list)
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def name(self):
        return f"127.0.0.1:{self.port}"

    def targets(self):
        return [target for _, target in self.asked]

    async def serve(self, reader, writer):
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append((method, target))
        if refusal := self._refuses(head):
            writer.write(refusal)
            await writer.drain()
        elif self.answer is None:
            await asyncio.sleep(60)
        elif self.answer == b"let through":
            await self._pass(method, target, head, reader, writer)

    def _refuses(self, head):
        if self.login and self._login(head) != self.login:
            return UNKNOWN
        return self.answer if self.answer not in (None, b"let through") else None

    def _login(self, head):
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "proxy-authorization":
                user, _, password = b64decode(value.removeprefix("Basic ")).decode().partition(":")
                return user, password
        return None

    async def _pass(self, method, target, head, reader, writer):
        parts = urlsplit(target if "://" in target else f"//{target}")
        host, port = self.places.get(parts.hostname, (parts.hostname, parts.port or 80))
        try:
            back, forth = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            forth.write(head.replace(target.encode(), (parts.path or "/").encode(), 1))
        try:
            await asyncio.gather(_pour(reader, forth), _pour(back, writer))
        finally:
            forth.close()


async def _pour(reader, writer):
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@asynccontextmanager
async def forward_proxy(**settings):
    proxy = ForwardProxy(**settings)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
