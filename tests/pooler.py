"""A pooler before a PostgreSQL, as PgBouncer is one, with pool_mode=transaction or session.

Clients get numbers of its own, and a setting that they send at the start is dropped.
"""

import os
import socket
import struct
import threading
from contextlib import contextmanager, suppress

PLAIN = (80877103, 80877104)
"""Requests for encryption, by TLS and by GSSAPI."""
READY, QUERY, SYNC, END = b"Z", b"Q", b"S", b"X"


class Pooler:
    def __init__(self, to_port, by_transaction, version=None):
        self._to_port, self._by_transaction, self._version = to_port, by_transaction, version
        self._free, self._lock, self._threads = [], threading.Lock(), []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._begin(self._accept)

    def _begin(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        for one in self._threads:
            one.join(5)
        for one in (self._socket, *self._free):
            one.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self._begin(self._serve, client)

    def _serve(self, client):
        server = None
        with client, suppress(OSError, EOFError):
            wish = _wish(client)
            server, greeting = self._server(wish)
            client.sendall(b"".join(greeting))
            while True:
                server = self._free_one(server)
                batch = _read_until(client, (QUERY, SYNC, END))
                if batch[-1][:1] == END:
                    break
                server = server or self._server(wish)[0]
                server.sendall(b"".join(batch))
                answer = _read_until(server, (READY,))
                client.sendall(b"".join(answer))
                server.is_idle = answer[-1][-1:] == b"I"
        if server:
            server.close()

    def _free_one(self, server):
        """Give back the session of a client whose transaction has ended."""
        if not (self._by_transaction and server and server.is_idle):
            return server
        with self._lock:
            self._free.append(server)
        return None

    def _server(self, wish):
        with self._lock:
            if self._free:
                its = self._free.pop()
                return its, its.greeting
        server = _Server(socket.create_connection(("127.0.0.1", self._to_port)))
        server.sendall(_startup(wish))
        greeting = [one for one in _read_until(server, (READY,)) if one[:1] != b"K"]
        key = b"K" + struct.pack("!i", 12) + os.urandom(8)
        if self._version:
            name = b"server_version\0"
            greeting = [one for one in greeting if name not in one]
            said = name + self._version.encode() + b"\0"
            greeting.insert(-1, b"S" + struct.pack("!i", 4 + len(said)) + said)
        server.greeting = [*greeting[:-1], key, greeting[-1]]
        return server, server.greeting


class _Server:
    def __init__(self, its):
        self._its, self.is_idle = its, True
        self.recv, self.sendall, self.close = its.recv, its.sendall, its.close


def _wish(client):
    """Return what a client says at its start, in which encryption is refused."""
    while True:
        (length,) = struct.unpack("!i", _exactly(client, 4))
        said = _exactly(client, length - 4)
        if struct.unpack("!i", said[:4])[0] not in PLAIN:
            break
        client.sendall(b"N")
    parts = said[4:].split(b"\0")
    return {name: value for name, value in zip(parts[::2], parts[1::2], strict=False) if name in (b"user", b"database")}


def _startup(wish):
    said = struct.pack("!i", 196608) + b"".join(b"%s\0%s\0" % pair for pair in wish.items()) + b"\0"
    return struct.pack("!i", 4 + len(said)) + said


def _read_until(side, last):
    """Return the messages up to the first of one of these kinds."""
    messages = []
    while True:
        head = _exactly(side, 5)
        messages.append(head + _exactly(side, struct.unpack("!i", head[1:])[0] - 4))
        if head[:1] in last:
            return messages


def _exactly(side, count):
    read = b""
    while len(read) < count:
        some = side.recv(count - len(read))
        if not some:
            raise EOFError
        read += some
    return read


@contextmanager
def pooler(to_port, by_transaction=True, version=None):
    its = Pooler(to_port, by_transaction, version)
    try:
        yield its
    finally:
        its.close()
