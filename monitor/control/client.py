"""The client side of the control socket, used by commands."""

import time
from collections.abc import Collection
from pathlib import Path
from socket import socket

from monitor.control.message import (
    ANSWER_S,
    MAX_LINE_BYTES,
    UNREADABLE,
    Request,
    RequestResult,
    RequestStatus,
    read_result,
    to_line,
)
from monitor.control.socket_file import connect


def send_request(
    file: Path, users: Collection[int], request: Request, wait_s: float = ANSWER_S
) -> RequestResult | None:
    """Return the answer of the process that listens at `file`, a socket of one of these users.

    None: nobody listens, or it was busy or ended before it answered; retry. Raises TimeoutError if it hangs, else
    OSError if it cannot be reached.
    """
    ends_s = time.monotonic() + wait_s
    try:
        connection = connect(file, users, wait_s)
    except BlockingIOError:  # the accept queue is full
        return None
    if connection is None:
        return None
    with connection:
        try:
            connection.sendall(to_line(request))
            answer = read_result(_line(connection, ends_s))
        except (ConnectionError, *UNREADABLE):  # a truncated answer counts as none
            return None
    return None if answer.status is RequestStatus.BUSY else answer


def _line(connection: socket, ends_s: float) -> bytes:
    received = b""
    while not received.endswith(b"\n") and len(received) < MAX_LINE_BYTES:
        connection.settimeout(max(ends_s - time.monotonic(), 0.001))
        piece = connection.recv(MAX_LINE_BYTES)
        if not piece:
            break
        received += piece
    return received
