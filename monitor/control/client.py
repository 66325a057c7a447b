"""A command's side of the control socket."""

import time
from collections.abc import Collection
from pathlib import Path
from socket import socket

from monitor.control.message import (
    ANSWER_S,
    LONGEST,
    UNREADABLE,
    Request,
    RequestResult,
    RequestStatus,
    read_result,
    to_line,
)
from monitor.control.socket_file import connect


def ask(file: Path, users: Collection[int], request: Request, wait_s: float = ANSWER_S) -> RequestResult | None:
    """Return the answer of whoever listens at `file`, a socket of one of these users.

    None: nobody does, or he could not do it now, or ended before he answered; ask again. Raises TimeoutError where he
    hangs, else OSError where he cannot be reached.
    """
    ends_s = time.monotonic() + wait_s
    try:
        connection = connect(file, users, wait_s)
    except BlockingIOError:  # too many wait to be let in
        return None
    if connection is None:
        return None
    with connection:
        try:
            connection.sendall(to_line(request))
            answer = read_result(_line(connection, ends_s))
        except (ConnectionError, *UNREADABLE):  # an answer that is cut short is none
            return None
    return None if answer.status is RequestStatus.BUSY else answer


def _line(connection: socket, ends_s: float) -> bytes:
    heard = b""
    while not heard.endswith(b"\n") and len(heard) < LONGEST:
        connection.settimeout(max(ends_s - time.monotonic(), 0.001))
        piece = connection.recv(LONGEST)
        if not piece:
            break
        heard += piece
    return heard
