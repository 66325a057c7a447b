"""A server that answers each path with the bytes it was given, well-formed or not."""

import socket
import threading
from contextlib import contextmanager


def answer(status=200, body=b"{}", *headers, kind=b"application/json"):
    head = [b"HTTP/1.1 %d X" % status, b"Content-Type: " + kind, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*head, b"Connection: close", b"", body])


def stream(*events):
    body = b"".join(b"data: " + event + b"\n\n" for event in events)
    return answer(200, body, kind=b"text/event-stream")


class Hostile:
    """`answers` holds, by the first part of a path, the bytes to a GET and to a POST."""

    def __init__(self, listening):
        self._listening, self.answers = listening, {}
        self.port = listening.getsockname()[1]

    def base(self, name):
        return f"http://127.0.0.1:{self.port}/{name}/v1"

    def serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            connection.settimeout(10)
            try:
                request = _read(connection)
                method, path = request.split(b" ", 2)[:2]
                get, post = self.answers[path.split(b"/")[1].decode()]
                connection.sendall(post if method == b"POST" else get)
            except (OSError, ValueError, KeyError):
                pass


def _read(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        if not (piece := connection.recv(65536)):
            raise ValueError("half a request")
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (piece := connection.recv(65536)):
        body += piece
    return request


@contextmanager
def hostile():
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        made = Hostile(listening)
        threading.Thread(target=made.serve, daemon=True).start()
        yield made
