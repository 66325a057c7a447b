"""Pure: does an answer with a good status hold what was asked for? A status alone proves nothing."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum, auto
from typing import Any

import msgspec

from probes.balance import find, raised, read_credits
from probes.dialects import WIRES
from probes.payload import (
    NOTHING,
    Piece,
    join,
    read_anthropic,
    read_cohere,
    read_cohere_v1,
    read_converse,
    read_gemini,
    read_ollama,
    read_openai_chat,
    read_openai_responses,
)
from probes.provider import Canary, Dialect
from probes.sse import Event, events, is_stream

Read = Callable[[Any], Piece]
STREAMED: tuple[Read, ...] = (read_openai_chat, read_openai_responses, read_anthropic, read_gemini, read_cohere)
FOREIGN: tuple[Read, ...] = (read_cohere_v1, read_ollama, read_converse)

DONE = b"[DONE]"
IDLE = frozenset({b"", b"ping", b"keep-alive", b"heartbeat"})
"""What some servers send as data to keep a line open."""
MOST_ITEMS = 5
ENDS = Piece(ended=True)
UNPROVEN = (None, False, "")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
CLOSING = {"[": "]", "{": "}"}
JSON = json.JSONDecoder()
DECODE = msgspec.json.Decoder().decode
NUMBER = re.compile(r"-?\d[\d.eE+\-]*(?=\s*[,\]])")


class Proof(Enum):
    """What a 2xx answer proves, the most telling first.

    GOOD: it holds what was asked for. FAILED: it names a failure. FILTERED: a content filter withheld it. CUT: it
    broke off before its end. EMPTY: it can be read, and holds nothing of what was asked for. UNREADABLE: it is
    neither JSON nor a stream.
    """

    GOOD = auto()
    FAILED = auto()
    FILTERED = auto()
    CUT = auto()
    EMPTY = auto()
    UNREADABLE = auto()


def prove(canary: Canary, body: str, *, whole: bool = True) -> Proof:
    """Return what a 2xx answer to a canary proves. Not `whole`: the answer goes on after what was read of it."""
    return _prove(body, whole, reader(canary), canary.dialect)


def prove_any(canaries: Iterable[Canary], body: str) -> Proof:
    """Return what an answer proves to whoever may have asked for it: these canaries, or anybody in any format."""
    proofs = [prove(canary, body) for canary in canaries if canary.dialect is not Dialect.COMMAND]
    proofs += [_prove(body, True, wire.read, dialect) for dialect, wire in WIRES.items()]
    proofs += [_prove(body, True, read, Dialect.ACCOUNT) for read in FOREIGN]
    return min(proofs, key=lambda proof: proof.value)


def reader(canary: Canary) -> Read:
    """Return what reads the answers to a canary."""
    if canary.dialect is Dialect.ACCOUNT or canary.holds:
        return lambda answer: Piece(content=_tells(canary, answer))
    return WIRES[canary.dialect].read


def _tells(canary: Canary, answer: Any) -> bool:
    """Whether it tells what the canary's file says a good answer tells."""
    if canary.holds:
        return find(canary.holds, answer) not in UNPROVEN
    told = canary.credit is not None and bool(read_credits(canary.credit, answer))
    return told or raised(canary.flags, answer) is not None


def understand(read: Read, event: Event) -> Piece:
    """Return what one event of a stream says."""
    data = event.data.strip()
    if data == DONE:
        return ENDS
    if event.name == b"error":
        return Piece(failed=True)
    if data in IDLE:
        return NOTHING
    try:
        return _read(read, DECODE(data))
    except (msgspec.DecodeError, RecursionError):
        lines = data.split(b"\n")  # some servers forget the empty line between events
        return _joined(understand(read, Event(b"", line)) for line in lines) if len(lines) > 1 else Piece(failed=True)


def weigh(piece: Piece, *, streamed: bool) -> Proof:
    """Return what all that an answer says proves; of a stream, only once it has ended."""
    if piece.failed:
        return Proof.FAILED
    if piece.holds:
        return Proof.GOOD if piece.ended or not streamed else Proof.CUT
    return Proof.FILTERED if piece.filtered else Proof.EMPTY


def failing(stream: str) -> Event | None:
    """Return the first event of a stream that names a failure, if one does."""
    return next((event for event in events(stream) if understand(_read_any_stream, event).failed), None)


def _read_any_stream(event: Any) -> Piece:
    return _joined(read(event) for read in STREAMED)


def _prove(body: str, whole: bool, read: Read, dialect: Dialect) -> Proof:
    text = body.lstrip("\ufeff \t\r\n")
    if is_stream(text):
        return weigh(_joined(understand(read, event) for event in events(text)), streamed=True)
    try:
        value = DECODE(text if whole else _begun(text, dialect))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return Proof.UNREADABLE
    return weigh(_read(read, value), streamed=False)


def _read(read: Read, value: Any) -> Piece:
    """Read a whole answer; a list of events is a stream that was sent as one."""
    if _is_failure(value):
        return Piece(failed=True)
    piece = read(value)
    if piece.content or not isinstance(value, list):
        return piece
    return _joined(map(read, value))


def _joined(pieces: Iterable[Piece]) -> Piece:
    whole = NOTHING
    for piece in pieces:
        whole = join(whole, piece)
    return whole


def _is_failure(value: Any) -> bool:
    """Whether an answer says of itself that it is an error, in the ways that all formats share."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and _is_failure(item) for item in value[:MOST_ITEMS])
    if not isinstance(value, dict):
        return False
    if value.get("error") or value.get("errors") or value.get("success") is False:
        return True
    if value.get("type") == "error" or value.get("object") == "error":
        return True
    base = value.get("base_resp")  # MiniMax
    return isinstance(base, dict) and bool(base.get("status_code"))


# A list, or a vector, longer than what is read of it


def _begun(text: str, dialect: Dialect) -> str:
    """Return the answer as if it ended after the first thing that was asked for; nothing where it does not begin so."""
    begun = WIRES[dialect].begun
    start = begun and begun.match(text)
    if not start:
        return ""
    end = _end_of_first(text, start.start("first"))
    return text[:end] + "".join(reversed(list(_open_brackets(text[:end])))) if end else ""


def _end_of_first(text: str, start: int) -> int:
    if number := NUMBER.match(text, start):
        return number.end()
    try:
        return JSON.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return 0


def _open_brackets(text: str) -> Iterator[str]:
    """Yield what closes each bracket that is still open, the outermost first."""
    stack: list[str] = []
    for token in TOKEN.finditer(text):
        if token[0] in CLOSING:
            stack.append(CLOSING[token[0]])
        elif stack and token[0] == stack[-1]:
            stack.pop()
    yield from stack
