"""What goes over the control socket: one request and one answer, each a line of JSON."""

from enum import StrEnum

import msgspec
from msgspec import Raw, Struct

LONGEST = 64 * 1024
"""Bytes of a line, either way."""
REQUEST_S = 5.0
"""Who has not sent his request by then is sent away."""
WORK_S = 8.0
"""What is not done by then is answered with PENDING."""
ANSWER_S = 12.0
"""Who has not answered by then hangs."""


class RequestKind(StrEnum):
    """REPLY: what somebody answers to an incident, or a silence. DRILL: simulated trouble."""

    REPLY = "reply"
    DRILL = "drill"


class Request(Struct, frozen=True):
    """`body` is the JSON of what is asked, of the type that `kind` says."""

    kind: RequestKind
    body: Raw


class RequestStatus(StrEnum):
    """DONE: written. KNOWN: it was before. PENDING: taken, and not written yet. REFUSED: never. BUSY: try again."""

    DONE = "done"
    KNOWN = "known"
    PENDING = "pending"
    REFUSED = "refused"
    BUSY = "busy"


class RequestResult(Struct, frozen=True):
    """What came of a request. `words` are for a person: why it was refused, or what to know of what was done."""

    status: RequestStatus
    words: str = ""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding hostile bytes raises; the last of lists within lists without end."""


def to_line(message: Request | RequestResult) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def read_request(line: bytes) -> Request:
    """Raises one of UNREADABLE."""
    return msgspec.json.decode(line, type=Request)


def read_result(line: bytes) -> RequestResult:
    """Raises one of UNREADABLE."""
    return msgspec.json.decode(line, type=RequestResult)
