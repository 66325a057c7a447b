"""Pure: a text → the JSON, and the literals of programming languages, somewhere in it."""

import json
import re
from collections.abc import Iterator
from typing import Any

MOST_BEGINNINGS = 6
"""Most places to try as the start of an object."""
MOST_BROKEN = 3
"""Most broken objects before the search ends."""
MOST_ESCAPES = 3
"""Most times that a text is unescaped."""

JSON = json.JSONDecoder(strict=False)  # people paste answers with raw line breaks inside strings
BEGINNING = re.compile(r"""\{(?=(?:\s|\\+[nrt]){0,40}(?:\\{0,8}["']|[A-Za-z_$][\w$]{0,60}\s?:|\}|\Z))""")
# An unclosed string runs to the end: searching for its end from each quote would take quadratic time.
TOKEN = re.compile(
    r""""(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|'((?:[^'\\]|\\(?:.|\Z))*)(?:'|\Z)|\b(None|True|False|nil|undefined|X{3,40})\b"""
    r"""|(?<![\w$])([A-Za-z_$][\w$]{0,60})(?=\s?:)|(=>)"""
    r"""|(?:(?<=[\[{])\s{0,40}(?:\.{3}|…)\s{0,40},?|,?\s{0,40}(?:\.{3}|…),?(?=\s{0,40}[\]}])|,(?=\s{0,40}[\]}]))"""
    r"""|(,?\s{0,40}(?:\.{3}|…)\s{0,40},?)""",
    re.DOTALL,
)
IN_JSON = {"None": "null", "True": "true", "False": "false", "nil": "null", "undefined": "null"}
"""Digits masked as XXXX are null; dots stand for items left out."""
ESCAPED = re.compile(r"""\\([\\"'/nrt])""")
BREAKS = {"n": " ", "r": " ", "t": " "}
PAIR = re.compile(
    r"""\b(code|type|status|reason|message|msg|detail|description|result|error)["']?\s?(?::|=>?)\s?(?:\w{1,12}\()?(?:\w{1,12}\()?"""
    r"""(?:"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)|(\d+))"""
)


def decode_literal(text: str) -> Any:
    """Return the first literal in a text; of a broken one the readable pairs; otherwise None."""
    for start in _beginnings(text):
        value = _read(text, start)[0]
        return value if value is not None else _pairs(text[start:]) or None
    return None


def literals(text: str) -> Iterator[Any]:
    """Yield the literals in a text, and last the readable pairs of what is broken."""
    end, broken = 0, list[int]()
    for start in _beginnings(text):
        if start < end or len(broken) == MOST_BROKEN:
            continue
        value, end = _read(text, start)
        if value is None:
            broken.append(start)
        else:
            yield value
    if broken and (pairs := _pairs(text[broken[0] :])):
        yield pairs


def _beginnings(text: str) -> Iterator[int]:
    if text.startswith("["):
        yield 0
    for number, found in enumerate(BEGINNING.finditer(text)):
        if number == MOST_BEGINNINGS:
            return
        yield found.start()


def _read(text: str, start: int) -> tuple[Any, int]:
    """Return the literal that starts there and its end; None and where to continue when it cannot be read."""
    try:
        return JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    for spelling in _spellings(text[start:]):
        try:
            return JSON.raw_decode(spelling)[0], len(text)
        except (ValueError, RecursionError):
            continue
    return None, start + 1


def _spellings(literal: str) -> Iterator[str]:
    """Yield other ways to read it: as Python, Ruby or JavaScript print it, or as JSON nested in strings."""
    yield literal_to_json(literal)
    for _ in range(MOST_ESCAPES):
        if "\\" not in literal:
            return
        literal = ESCAPED.sub(lambda found: BREAKS.get(found[1], found[1]), literal)
        yield literal


def literal_to_json(literal: str) -> str:
    """Return the JSON of what Python, Ruby or JavaScript printed, complete or cut off; JSON is unchanged."""
    return TOKEN.sub(_json_token, literal)


def _json_token(token: re.Match[str]) -> str:
    if token[1] is not None:
        return '"' + token[1].replace("\\'", "'").replace('"', '\\"').replace("\\x", "\\u00") + '"'
    if token[3]:
        return f'"{token[3]}"'
    if token[2]:
        return IN_JSON.get(token[2], "null")
    if token[4]:
        return ":"
    if token[5]:
        return ","
    return token[0].replace("\\'", "'") if token[0][0] == '"' else ""


def _pairs(text: str) -> dict[str, str]:
    found = {name: one or other or number for name, one, other, number in reversed(PAIR.findall(text))}
    return {name: value for name, value in found.items() if value}
