"""Pure: does an answer with a good status contain what was asked for? A status alone proves nothing."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from enum import Enum, auto
from typing import Any

import msgspec

from probes.answer.balance import find_by_path, raised_flag, read_credits
from probes.answer.dialects import CODECS
from probes.answer.payload import (
    CLOSING,
    NOTHING,
    TOKEN,
    AnswerPart,
    join_parts,
    read_allowance,
    read_anthropic,
    read_cloudflare,
    read_cohere,
    read_cohere_v1,
    read_converse,
    read_dashscope,
    read_gemini,
    read_generated,
    read_ollama,
    read_openai_chat,
    read_openai_responses,
    read_program,
)
from probes.answer.sse import ServerSentEvent, is_stream, split_events
from probes.provider import Canary, Dialect

Read = Callable[[Any], AnswerPart]
STREAMED: tuple[Read, ...] = (read_openai_chat, read_openai_responses, read_anthropic, read_gemini, read_cohere)
FOREIGN: tuple[Read, ...] = (
    read_cohere_v1,
    read_converse,
    read_dashscope,
    read_cloudflare,
    read_generated,
    read_program,
    read_allowance,
)
KNOWN: tuple[Read, ...] = (*dict.fromkeys(wire.read for wire in CODECS.values()), *FOREIGN)

DONE = b"[DONE]"
IDLE = frozenset({b"", b"ping", b"keep-alive", b"heartbeat"})
"""Data, or event names, that some servers send to keep a connection open."""
TROUBLES = frozenset({b"error", b"exception"})
"""Event names of a failure."""
MOST_ITEMS = 5
"""Most items of a list checked for a failure."""
ENDS = AnswerPart(ended=True)
CODES = ("code", "status", "status_code", "statusCode", "errcode")
REFUSING = re.compile(r"-\d+|[45]\d\d|4\d{4}|error|fail(?:ed|ure)?")
"""A code that no good answer carries: an HTTP error, a negative number, an errcode (40001)."""
GRANTS = frozenset({"success", "ok", *CODES})
UNPROVEN = (None, False, "")
DECODE = msgspec.json.Decoder().decode


class Proof(Enum):
    """What a 2xx answer proves, the most telling first.

    GOOD: it contains what was asked for. FAILED: it names a failure. FILTERED: a content filter withheld it. CUT: it
    broke off before its end. EMPTY: it is readable, and contains nothing that was asked for. UNREADABLE: it is neither
    JSON nor a stream.
    """

    GOOD = auto()
    FAILED = auto()
    FILTERED = auto()
    CUT = auto()
    EMPTY = auto()
    UNREADABLE = auto()


def prove(canary: Canary, body: str, *, whole: bool = True) -> Proof:
    """Return what a 2xx answer to a canary proves. Not `whole`: it continues after the part that was read."""
    return _prove(body, whole, reader_for(canary), canary.dialect)


def prove_any(canaries: Iterable[Canary], body: str, *, whole: bool = True) -> Proof:
    """Return what an answer proves if any of these canaries, or a request in any format, may have caused it."""
    if not whole:  # only lists and vectors are good answers of this length
        proofs = [_prove(body, False, wire.read, dialect) for dialect, wire in CODECS.items() if wire.whole]
        return min(proofs, key=lambda proof: proof.value)
    reads = [reader_for(canary) for canary in canaries if canary.dialect is not Dialect.COMMAND]
    proofs = [_prove(body, True, read, Dialect.ACCOUNT) for read in dict.fromkeys([*reads, *KNOWN])]
    return min([*proofs, _prove_ollama(body)], key=lambda proof: proof.value)


def prove_value(value: Any) -> Proof:
    """Return what a whole answer, or one event of a stream, proves in any format, regardless of its end."""
    return min((prove_part_sum(_read(read, value), streamed=False) for read in KNOWN), key=lambda proof: proof.value)


def reader_for(canary: Canary) -> Read:
    """Return the reader for a canary's answers."""
    if canary.dialect is Dialect.ACCOUNT or canary.holds:
        return lambda answer: AnswerPart(content=_tells(canary, answer))
    return CODECS[canary.dialect].read


def _tells(canary: Canary, answer: Any) -> bool:
    """Whether it has what the canary's file says a good answer has."""
    if canary.holds:
        return find_by_path(canary.holds, answer) not in UNPROVEN
    told = canary.credit is not None and bool(read_credits(canary.credit, answer))
    return told or raised_flag(canary.flags, answer) is not None


def read_event(read: Read, event: ServerSentEvent) -> AnswerPart:
    """Return what one event of a stream says."""
    data, name = event.data.strip(), event.name.lower()
    if data == DONE:
        return ENDS
    if name in TROUBLES:
        return AnswerPart(failed=True)
    if data in IDLE or (name and name in IDLE):
        return NOTHING
    try:
        return _read(read, _decode(data))
    except (ValueError, RecursionError):
        lines = data.split(b"\n")  # some servers forget the empty line between events
        return (
            _joined(read_event(read, ServerSentEvent(b"", line)) for line in lines)
            if len(lines) > 1
            else AnswerPart(failed=True)
        )


def prove_part_sum(piece: AnswerPart, *, streamed: bool) -> Proof:
    """Return what the sum of an answer proves; of a stream, only once it has ended."""
    if piece.failed:
        return Proof.FAILED
    if piece.holds:
        return Proof.GOOD if piece.ended or not streamed else Proof.CUT
    return Proof.FILTERED if piece.filtered else Proof.EMPTY


def first_failure(stream: str) -> ServerSentEvent | None:
    """Return the first event of a stream that names a failure, if any."""
    return next((event for event in split_events(stream) if read_event(_read_any_stream, event).failed), None)


def _read_any_stream(event: Any) -> AnswerPart:
    return _joined(read(event) for read in STREAMED)


def _prove(body: str, whole: bool, read: Read, dialect: Dialect) -> Proof:
    text = body.lstrip("\ufeff \t\r\n")
    if is_stream(text):
        heard = list(split_events(text))
        told = heard if whole else heard[:-1]  # the last one may be incomplete
        return prove_part_sum(_joined(read_event(read, event) for event in told), streamed=whole)
    try:
        value = _decode(text if whole else close_text(text, CODECS[dialect].whole))
    except (ValueError, RecursionError):
        return Proof.UNREADABLE
    return prove_part_sum(_read(read, value), streamed=False)


def _prove_ollama(body: str) -> Proof:
    """Return what a native Ollama answer proves: a stream of one JSON object per line, the last of them done."""
    for texts in ([body], body.strip().splitlines()):
        with suppress(ValueError, RecursionError):
            return prove_part_sum(_joined(_read(read_ollama, _decode(text)) for text in texts), streamed=True)
    return Proof.UNREADABLE


def _decode(text: str | bytes) -> Any:
    """Decode JSON, including lone surrogates and NaN, which servers in Java and Python write.

    Raises ValueError or RecursionError.
    """
    try:
        return DECODE(text)
    except msgspec.DecodeError:
        return json.loads(text)


def _read(read: Read, value: Any) -> AnswerPart:
    return AnswerPart(failed=True) if _is_failure(value) else read(value)


def _joined(pieces: Iterable[AnswerPart]) -> AnswerPart:
    """Return all parts joined, up to a failure: nothing after one undoes it."""
    whole = NOTHING
    for piece in pieces:
        whole = join_parts(whole, piece)
        if whole.failed:
            break
    return whole


def _is_failure(value: Any) -> bool:
    """Whether an answer calls itself an error, in the ways that all formats share."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and _is_failure(item) for item in value[:MOST_ITEMS])
    if not isinstance(value, dict):
        return False
    if value.get("error") or value.get("errors") or _is_refused(value):
        return True
    if value.get("type") == "error" or value.get("object") == "error":
        return True
    base = value.get("base_resp")  # MiniMax
    return isinstance(base, dict) and bool(base.get("status_code"))


def _is_refused(value: Mapping[str, Any]) -> bool:
    """Whether a field says that the request was refused, with or without a payload next to it."""
    if GRANTS.isdisjoint(value):  # the usual case
        return False
    if any(str(value.get(name)).lower() in ("false", "0") for name in ("success", "ok") if name in value):
        return True
    told = (str(value[name]).lower() for name in CODES if isinstance(value.get(name), int | str))
    return any(REFUSING.fullmatch(code) for code in told)


# Lists and vectors that are longer than what we read of them


def close_text(text: str, whole: Callable[[str], int] | None) -> str:
    """Return an answer closed after its last complete part; "" where it has none."""
    text = text[: whole(text)] if whole else ""
    return text + "".join(reversed(_open_brackets(text)))


def _open_brackets(text: str) -> list[str]:
    """Return the closing brackets for those still open, the outermost first."""
    stack: list[str] = []
    for token in TOKEN.finditer(text):
        if token[0] in CLOSING:
            stack.append(CLOSING[token[0]])
        elif stack and token[0] == stack[-1]:
            stack.pop()
    return stack
