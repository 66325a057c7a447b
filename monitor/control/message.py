"""The messages of the control socket: one request and one answer, each a line of JSON."""

from enum import StrEnum

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

MAX_LINE_BYTES = 64 * 1024
"""Most bytes of a line, either way."""
MOST_WORDS = 4_000
"""Most characters of a result's words: with each escaped in JSON they are shorter than a line may be."""
REQUEST_S = 5.0
"""Seconds in which a client must send its request, or be disconnected."""
WORK_S = 8.0
"""Seconds after which unfinished work is answered with PENDING."""
ANSWER_S = 12.0
"""Seconds after which a server without an answer counts as hanging."""


class RequestKind(StrEnum):
    """REPLY: a person's reply to an incident, or a silence. DRILL: a simulated incident. NOTE: words about one."""

    REPLY = "reply"
    DRILL = "drill"
    NOTE = "note"


class Request(Struct, frozen=True):
    """`body`: JSON of the type that `kind` implies."""

    kind: RequestKind
    body: Raw


class RequestStatus(StrEnum):
    """DONE: written. KNOWN: written before. PENDING: accepted, not written yet. REFUSED: never. BUSY: retry."""

    DONE = "done"
    KNOWN = "known"
    PENDING = "pending"
    REFUSED = "refused"
    BUSY = "busy"


class RequestResult(Struct, frozen=True):
    """The result of a request. `words`, for a person: why it was refused, or a notice about what was done."""

    status: RequestStatus
    words: str = ""


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors from decoding hostile bytes; RecursionError comes from deeply nested lists."""


def to_line(message: Request | RequestResult) -> bytes:
    """Return a message as a line. The words of a result are cut to MOST_WORDS: a longer line is no answer."""
    if isinstance(message, RequestResult) and len(message.words) > MOST_WORDS:
        message = replace(message, words=f"{message.words[: MOST_WORDS - 1]}…")
    return msgspec.json.encode(message) + b"\n"


def read_request(line: bytes) -> Request:
    """Raises one of UNREADABLE."""
    return msgspec.json.decode(line, type=Request)


def read_result(line: bytes) -> RequestResult:
    """Raises one of UNREADABLE."""
    return msgspec.json.decode(line, type=RequestResult)
