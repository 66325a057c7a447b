"""Whatever was learnt outside → values that can be stored, shown and reckoned with, whoever reads them later."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from probes.model import Target
from probes.redact import CONTROLS

LONGEST = 16_384
"""No text that is kept is longer; the longest of them, an answer's body, has a fourth of it."""
LARGEST = 2**53
"""The largest number that SQLite, JSON and a float of any reader hold alike."""
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""A date outside cannot be reckoned with: a few more days, and it overflows."""

T = TypeVar("T")


Rule = Callable[[str], str]


def admit(value: T, text: Rule | None = None) -> T:
    """Return a value with every field of it made sound, however deep: the same one where all of it is.

    Texts lose what no text may hold, and their end where they are too long. A date, or a measure, that is none or too
    large to be meant is as if it had not been told; of a count that is too large the largest is taken. What names a
    target is ours. `text` makes a text sound, where more than `clean` is wanted.
    """
    return cast(T, _admitted(value, text or clean))


def clean(text: str) -> str:
    """Return a text without control characters, marks of no width and halves of surrogate pairs."""
    return text if len(text) <= LONGEST and text.isprintable() else CONTROLS.sub("", text[:LONGEST])


def _admitted(value: object, text: Rule) -> object:
    match value:
        case str():
            return text(value) if type(value) is str else value  # a word of an enum is sound
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
    return value if -LARGEST <= value <= LARGEST else None  # false for NaN, too


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
"""By the type itself: a truth and nothing at all are sound."""
