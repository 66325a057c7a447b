"""Servers that hang, each in its own way; all are on loopback, and none reads what it is asked."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress


class Deaf:
    """`port` is where it listens; `asked` counts who got in."""

    def __init__(self, listening, say=b""):
        self._listening, self._say, self.asked, self.open = listening, say, 0, []
        self.port = listening.getsockname()[1]

    def serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.asked += 1
            self.open.append(connection)
            if self._say:
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection):
        """Say it byte by byte, and the last one for ever."""
        with suppress(OSError):
            for byte in self._say + b"a" * 100_000:
                connection.sendall(bytes([byte]))
                time.sleep(0.1)


@contextmanager
def deaf(say=b""):
    """Accept and never answer, or begin an answer that has no end."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening, ExitStack() as stack:
        made = Deaf(listening, say)
        stack.callback(lambda: [one.close() for one in made.open])
        threading.Thread(target=made.serve, daemon=True).start()
        yield made


@contextmanager
def crowded(host="127.0.0.1", port=0, enter=lambda: None):
    """Let whoever connects wait: nobody is let in any more. `enter` is called first in the thread that opens it all."""
    with ThreadPoolExecutor(1, initializer=enter) as thread, ExitStack() as stack:
        listening, waiting = thread.submit(_fill, host, port).result()
        for one in (listening, *waiting):
            stack.enter_context(one)
        yield Deaf(listening)


def _fill(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=0)
    waiting = [socket.socket(family) for _ in range(8)]
    for one in waiting:
        one.setblocking(False)
        with suppress(BlockingIOError):
            one.connect(listening.getsockname())
    return listening, waiting
