"""A document for programs → JSON on one line."""

import json
from collections.abc import Mapping

import msgspec


def encode(document: Mapping[str, object]) -> bytes:
    """Return it with all escaped that is not ASCII: half a character, or a mark that turns the reading direction."""
    return _encoded(document) + b"\n"


def ready(part: Mapping[str, object]) -> msgspec.Raw:
    """Return one of many parts of a document as its text, which takes a third of the part's memory."""
    return msgspec.Raw(_encoded(part))


def _encoded(value: Mapping[str, object]) -> bytes:
    try:
        text = msgspec.json.encode(value)  # a seventh of the time, and little memory
    except UnicodeEncodeError:  # half a character
        return _escaped(value)
    return text if text.isascii() else _escaped(value)


def _escaped(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, default=lambda part: json.loads(bytes(part))).encode()
