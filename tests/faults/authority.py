"""A private authority, and a server of TLS that keeps what it is told once the handshake is through."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import trustme

from tests.faults.hostile import answer

GOOD = answer(200, b'{"object":"list","data":[{"id":"gpt-5-nano"}]}')
LASTS = timedelta(days=30)


class Authority:
    def __init__(self, folder):
        self._authority, self.file = trustme.CA(), folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def context(self, name):
        """Return what a server shows that bears this name."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name, not_after=datetime.now(UTC) + LASTS).configure_cert(made)
        return made


class Listener:
    """`heard` is all that was said to it in clear or inside TLS; with `cuts` it hangs up in the handshake."""

    def __init__(self, listening, context, *, cuts, says):
        self._listening, self._context, self._cuts, self._says = listening, context, cuts, says
        self.heard = b""
        self.port, self.asked = listening.getsockname()[1], 0

    def serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.asked += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with suppress(OSError), connection:
            connection.settimeout(10)
            if self._cuts:
                connection.recv(100)
                return
            plain = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with plain:
                self.heard += plain.recv(65536)
                plain.sendall(self._says)


@contextmanager
def listener(context=None, *, cuts=False, says=GOOD, host="", port=0, enter=lambda: None):
    """`enter` is called in the server's thread first, as that of `backstage`."""
    ready, made = threading.Event(), []

    def serve():
        enter()
        with socket.create_server((host, port), backlog=50) as listening:
            made.append((Listener(listening, context, cuts=cuts, says=says), listening))
            ready.set()
            made[0][0].serve()

    threading.Thread(target=serve, daemon=True).start()
    assert ready.wait(10)
    try:
        yield made[0][0]
    finally:
        with suppress(OSError):
            made[0][1].shutdown(socket.SHUT_RDWR)
