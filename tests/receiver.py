"""Real receivers for alerts: an HTTP server that can be told to misbehave, and a mail server."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Inbox:
    """What a webhook has received. `answer` is the status it gives, after `delay_s`; None hangs.

    What it takes it keeps, also when the sender is gone before it is answered. `asked` counts the requests, also those
    that are not answered yet.
    """

    messages: list = field(default_factory=list)
    answer: int | None = 200
    delay_s: float = 0
    asked: int = 0
    port: int = 0
    event: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self):
        return f"json://127.0.0.1:{self.port}/hook"

    def titles(self):
        return [message["title"] for message in self.messages]

    async def until(self, check, limit_s=30):
        async with asyncio.timeout(limit_s):
            while not check(self.messages):
                self.event.clear()
                await self.event.wait()


@asynccontextmanager
async def _served(route):
    """Serve one route on loopback; yield the port."""
    app = web.Application()
    app.add_routes([route])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def webhook(answer=200):
    inbox = Inbox(answer=answer)

    async def receive(request):
        inbox.asked += 1
        answer, message = inbox.answer, await request.json()
        await asyncio.sleep(60 if answer is None else inbox.delay_s)
        if answer == 200:
            inbox.messages.append(message)
            inbox.event.set()
        return web.Response(status=answer or 500, text="ok" if answer == 200 else "no")

    async with _served(web.post("/hook", receive)) as inbox.port:
        yield inbox


class Road:
    """What lies between this machine and all others: each is reached through a port here, unless the road is cut."""

    def __init__(self):
        self.ends, self.servers, self.open = {}, {}, set()

    async def to(self, port):
        """Return the port by which another one is reached."""
        server = await self._serve(0, port)
        here = server.sockets[0].getsockname()[1]
        self.ends[here], self.servers[here] = port, server
        return here

    async def _serve(self, here, port):
        async def carry(reader, writer):
            there_reader, there = await asyncio.open_connection("127.0.0.1", port)
            self.open |= {writer, there}
            await asyncio.gather(self._pour(reader, there), self._pour(there_reader, writer))

        return await asyncio.start_server(carry, "127.0.0.1", here)

    async def _pour(self, source, drain):
        try:
            while data := await source.read(65536):
                drain.write(data)
        except OSError:
            pass
        finally:
            drain.close()

    def cut(self):
        """Refuse what comes, and break what is open."""
        for server in self.servers.values():
            server.close()
        for writer in self.open:
            writer.transport.abort()
        self.open.clear()

    async def mend(self):
        for here, port in self.ends.items():
            self.servers[here] = await self._serve(here, port)


@dataclass
class Switch:
    """A dead man's switch. `heard` holds method, path with query, and body; `answer` is as a webhook's."""

    heard: list = field(default_factory=list)
    answer: int | None = 200
    port: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/ping/5bf66975-secret"

    def words(self):
        return [path.removeprefix("/ping/5bf66975-secret").strip("/") or "success" for _, path, _ in self.heard]


@asynccontextmanager
async def dead_mans_switch(answer=200):
    switch = Switch(answer=answer)

    async def receive(request):
        switch.heard.append((request.method, request.path_qs, await request.text()))
        if switch.answer is None:
            await asyncio.sleep(60)
        return web.Response(status=switch.answer, headers={"Location": "/elsewhere"})

    async with _served(web.route("*", "/{any:.*}", receive)) as switch.port:
        yield switch
