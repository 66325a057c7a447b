"""Pure: what people paste as an answer: curl output with headers, events from a stream, half a list."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from probes.answer.literal import literal_to_json, literals
from probes.answer.payload import LISTS, end_of_entries, has_content, read_ollama
from probes.answer.proof import Proof, close_text, prove_value
from probes.answer.sse import is_stream, split_events

MOST_HEADS = 5
"""Most response heads: redirects, proxies and 100 Continue come before the last one."""
HEAD = re.compile(
    r"\s*HTTP/\d(?:\.\d)? (\d{3})[^\n]{0,200}\n((?:[\w-]{1,100}:[^\n]{0,8000}(?:\n|\Z))*)\s*?(?:\r?\n|\Z)"
)
NOTE = re.compile(r"^(?:[*>] .*|>|[{}] \[\d{1,9} bytes data\])\r?(?:\n|\Z)", re.MULTILINE)
"""What `curl -v` prints between the lines of an answer, and before its headers."""
TAKEN = re.compile(r"^<(?: |(?=\r?$))", re.MULTILINE)

MARGIN = re.compile(r"^[\ufeff \t\r\n]{1,200}", re.MULTILINE)

BEGINNINGS = ("{", "[", "data:", "event:", "id:", ":")
"""How a body begins, JSON or events."""
ENVELOPE = frozenset({"choices", "candidates", "output", "embedding", "embeddings"})
"""Fields where a good answer keeps its content; an error has none of them."""
PRINTED = re.compile(
    r"""\b(?:Text\w*Block|TextPart|(?:ChatCompletion|AI)?Message|ChoiceDelta)\((?:\s{0,20}\w+=(?:'[^']{0,200}'|[\w.-]{1,80}),){0,8}"""
    r"""\s{0,20}(?:(?:text|content)=(?:'(?!')|"(?!"))|tool_calls=\[\w)"""
)
"""A model's words as SDK objects print them in Python."""

OF_AN_ANSWER = re.compile(
    r"""["']?\b(?:choices|candidates|finish_?reason|stop_reason|completion_tokens|output_tokens|candidates_?token_?count"""
    r"""|tokens_predicted|eval_count|generation_settings|done_reason|embeddings?)\b["']?\s{0,20}[:=]|\bchat\.completion\b|\bobject["']?\s{0,9}:\s{0,9}["']model\b""",
    re.IGNORECASE,
)
"""Fields that only answers have, never requests."""
SHOWN = re.compile(
    r"""["']?\b(?:content|text|reasoning(?:_content)?|thinking|generated_text|outputText|response)\b["']?\s{0,20}[:=]"""
    r"""\s{0,20}(?:"(?!")|'(?!'))(?=.{0,20}?\w)|\btool_calls["']?\s{0,20}[:=]\s{0,20}\[\s{0,20}[\w{]"""
    r"""|\bid["']?\s{0,9}:\s{0,9}["'][^"']{1,200}["'],\s{0,60}["']?object["']?\s{0,9}:\s{0,9}["']model\b"""
    r"""|\bembeddings?["']?\s{0,20}[:=]\s{0,20}\[[\[\s]{0,20}-?\d""",
    re.DOTALL,
)
TOLD_ERROR = r"error(?!s?[\"']?\s{0,9}[:=]\s{0,9}(?:null|none|false|undefined|\[\]))"
FAILING = re.compile(rf"""["']{TOLD_ERROR}s?["']\s{{0,9}}[:=]""", re.IGNORECASE)
TROUBLED = re.compile(
    rf"{TOLD_ERROR}|exception|traceback|fail|invalid|warn"
    r"|empty|[错誤误]|失[败敗]|异常|異常|为空",
    re.IGNORECASE,
)


class Excerpt(Struct, frozen=True):
    """An answer without its transport's additions; `status` is None where none is given."""

    status: int | None
    headers: dict[str, str]
    body: str


def read_excerpt(pasted: str) -> Excerpt:
    """Return the answer in the output of `curl -i` or `curl -v`, or in what was pasted as the body."""
    text = TAKEN.sub("", NOTE.sub("", pasted)) if "< HTTP/" in pasted else pasted
    status: int | None = None
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADS):
        head = HEAD.match(text)
        if head is None:
            break
        status, headers, text = int(head[1]), _headers(head[2]), text[head.end() :]
    return Excerpt(status, headers, text) if status else Excerpt(None, {}, pasted)


def _headers(lines: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines.splitlines())
    return {name.lower(): value.strip() for name, _, value in pairs}


def is_part_of_good(text: str) -> bool:
    """Whether a text is the beginning of a good answer and nothing else, so its words are a model's."""
    if not text.lstrip().startswith(BEGINNINGS) or FAILING.search(text):
        return False
    proofs = [prove_part(value) for value in _values(text)]
    return Proof.GOOD in proofs and Proof.FAILED not in proofs


def is_cut(text: str) -> bool:
    """Whether a text is an object without its end."""
    return text.lstrip().startswith(("{", "[{")) and not is_stream(text) and not text.rstrip().endswith(("}", "]"))


def prove_excerpt(text: str) -> Proof | None:
    """Return GOOD for part of a good answer, FILTERED or EMPTY for a complete one without content.

    None: it cannot be decided. The end may have been cut off, so none is required.
    """
    if PRINTED.search(text):
        return Proof.GOOD
    values = list(_values(text))
    proofs = [prove_part(value) for value in values]
    for proof in (Proof.GOOD, Proof.FILTERED):
        if proof in proofs:
            return proof
    if OF_AN_ANSWER.search(text) and SHOWN.search(text) and not names_failure(text):
        return Proof.GOOD  # in a form that cannot be parsed
    return Proof.EMPTY if any(map(_is_envelope, values)) else None


def names_failure(text: str) -> bool:
    """Whether a text names a failure of any kind."""
    return TROUBLED.search(text) is not None


def prove_part(value: Any) -> Proof:
    """Return what a value within a longer text proves."""
    return Proof.GOOD if _speaks(value) else prove_value(value)


def _values(pasted: str) -> Iterator[Any]:
    text = MARGIN.sub("", pasted)
    if is_stream(text) and (streamed := list(_streamed(text))):
        yield from streamed
        return
    yield from literals(text)
    if begun := close_text(literal_to_json(text[max(text.find("{"), 0) :]), end_of_entries):
        yield from literals(begun)


def _streamed(text: str) -> Iterator[Any]:
    for event in split_events(text):
        for line in event.data.decode("utf-8", "replace").splitlines():
            yield from literals(line)


def _speaks(value: Any) -> bool:
    """Whether it is a bare message of a model, or a line of Ollama's stream."""
    if not isinstance(value, dict):
        return False
    return (value.get("role") == "assistant" and has_content(value)) or ("done" in value and read_ollama(value).content)


def _is_envelope(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    if value.get("done") is True:  # Ollama
        return True
    return not ENVELOPE.isdisjoint(value) or any(value.get(name) == [] for name in LISTS)
