"""A road to a server that can be cut, so that both sockets stay and nothing passes, or be made slow."""

import asyncio
import threading
from contextlib import contextmanager, suppress


class Road:
    """Passes what comes to `port` on to a server. Used by any thread."""

    def __init__(self, loop, to_port):
        self._loop, self._to_port = loop, to_port
        self._open, self.delay_s, self.port = asyncio.Event(), 0, None
        self._open.set()
        self._kept, self._writers = set(), []

    def cut(self):
        self._loop.call_soon_threadsafe(self._open.clear)

    def heal(self):
        self.delay_s = 0
        self._loop.call_soon_threadsafe(self._open.set)

    async def begin(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self):
        self._server.close()
        for one in self._writers:
            one.transport.abort()
        for one in self._kept:
            one.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)

    def _accept(self, reader, writer):
        task = self._loop.create_task(self._join(reader, writer))
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def _join(self, reader, writer):
        self._writers.append(writer)
        with suppress(OSError):
            await self._open.wait()
            theirs, to_them = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._writers.append(to_them)
            await asyncio.gather(self._pass(reader, to_them, 0), self._pass(theirs, writer, 1))
        writer.close()

    async def _pass(self, reader, writer, is_answer):
        """Pass on what comes, the end included, each answer with the delay."""
        said = b"."
        while said:
            said = b""
            with suppress(OSError):
                said = await reader.read(65536)
            await self._open.wait()
            if self.delay_s and is_answer:
                await asyncio.sleep(self.delay_s)
                await self._open.wait()
            writer.write(said)
            with suppress(OSError):
                await writer.drain()
        writer.close()


@contextmanager
def roads(to_port, names):
    """Yield a road for each name."""
    loop = asyncio.new_event_loop()
    made = {name: Road(loop, to_port) for name in names}
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        for one in made.values():
            asyncio.run_coroutine_threadsafe(one.begin(), loop).result(10)
        yield made
        for one in made.values():
            asyncio.run_coroutine_threadsafe(one.end(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
