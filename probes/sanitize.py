"""Untrusted input → values that are safe to store, display and calculate with."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from probes.model import Target
from probes.redact import CONTROLS

MAX_LENGTH = 16_384
"""Most characters of any text we keep; the longest, an answer's body, uses a quarter of it."""
LARGEST = 2**53
"""Largest whole number that SQLite, JSON and every float hold exactly."""
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Dates that we accept: beyond these, adding a few days overflows."""

T = TypeVar("T")


Rule = Callable[[str], str]


def sanitize(value: T, text: Rule | None = None) -> T:
    """Return the value with every field cleaned, at any depth; the same object if nothing had to change.

    Texts lose forbidden characters and are cut at MAX_LENGTH. A date or float that is invalid or out of range becomes
    None; an int that is too large is clamped. A Target is our own and passes unchanged. `text` cleans a text where
    `clean_text` is not enough.
    """
    return cast(T, _admitted(value, text or clean_text))


def clean_text(text: str) -> str:
    """Return at most MAX_LENGTH characters of a text, without controls, zero-width marks and lone surrogates."""
    return text if len(text) <= MAX_LENGTH and text.isprintable() else CONTROLS.sub("", text[:MAX_LENGTH])


def sanitize_line(value: T) -> T:
    """Like `sanitize`, for what a person says: every text becomes one line, as titles, tables and logs need."""
    return sanitize(value, _one_line)


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())


def _admitted(value: object, text: Rule) -> object:
    match value:
        case str():
            return text(value) if type(value) is str else value  # an enum member is ours
        case tuple():
            return _items(value, text)
        case dict():
            return {_admitted(key, text): _admitted(one, text) for key, one in value.items()}
    if (rule := RULES.get(type(value))) is not None:
        return rule(value)
    return _struct(value, text) if isinstance(value, Struct) else value


def _struct(value: Struct, text: Rule) -> Struct:
    changed = {}
    for name in value.__struct_fields__:
        before = getattr(value, name)
        if (after := _admitted(before, text)) is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


def _items(value: tuple[object, ...], text: Rule) -> tuple[object, ...]:
    sound = tuple(_admitted(one, text) for one in value)
    return value if all(after is before for after, before in zip(sound, value, strict=True)) else sound


def _count(value: int) -> int:
    return value if -LARGEST <= value <= LARGEST else min(max(value, -LARGEST), LARGEST)


def _measure(value: float) -> float | None:
    return value if -LARGEST <= value <= LARGEST else None  # also false for NaN


def _date(value: datetime) -> datetime | None:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware if EARLIEST <= aware <= LATEST else None


def _ours(value: Target) -> Target:
    return value


RULES: Mapping[type, Callable[[Any], object]] = {
    int: _count,
    float: _measure,
    datetime: _date,
    Target: _ours,
}
"""Rules by exact type; bool and None need none."""
