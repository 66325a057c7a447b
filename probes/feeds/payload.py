"""A platform's JSON → its declared shape. A bad list item is dropped and counted; anything else is UnreadableFeed."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, TypeVar, get_args, get_origin

import msgspec

from probes.doubt import Bound, BoundExceeded, Defect, Defective, ShapeUnknown
from probes.feeds import vocabulary as word
from probes.feeds.report import ComponentGroup, UnreadableFeed
from probes.feeds.text import read_name
from probes.feeds.unread_field import has_unread_trouble
from probes.notice import ComponentState, Impact

T = TypeVar("T")

MOST_ITEMS = 60_000
"""Most items to read; a history of everything a large cloud sells has some thousands."""
HALF = re.compile(r"(\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})|\\u[dD][89a-fA-F][\da-fA-F]{2}")
"""A lone surrogate escape (RFC 8259, 8.2): JavaScript leaves one when it cuts a text in the middle of a pair."""
MOST_MARKS = 500_000
"""Most commas and opening brackets; Google's history of some MiB has a third of these."""


class Shape(msgspec.Struct, frozen=True):
    """The part of a platform's JSON that we read; keys not named here are ignored.

    A field of type `object` accepts anything: its reader picks out words, times and texts.
    """


class Many(tuple[T, ...], Generic[T]):
    """The items of a list, or values of an object, that have the shape; also a single object that has it."""


def read_shape(text: str, kind: type[T], platform: str) -> tuple[T, int]:
    """Return the document, and how many items at any depth lack the shape. Raises UnreadableFeed.

    One more counts as unread where the document reports trouble outside the shape: then silence is not good news.
    """
    data = text.encode("utf-8", "replace")
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_MARKS:
        raise UnreadableFeed(Defective(Defect.TOO_MANY_VALUES))
    salvage = _Salvage()
    try:
        document = _decode(data, text)
        if get_origin(kind) is Many and not isinstance(document, list):
            raise msgspec.ValidationError
        value = msgspec.convert(document, kind, dec_hook=salvage.fit)
    except msgspec.ValidationError:
        raise UnreadableFeed(ShapeUnknown(platform)) from None
    except (ValueError, RecursionError):
        raise UnreadableFeed(Defective(Defect.NOT_JSON)) from None
    return value, salvage.unread + has_unread_trouble(document, value)


def _decode(data: bytes, text: str) -> object:
    """Return the document, even with lone surrogates or raw line breaks in strings. Raises ValueError."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError):  # ValueError: a lone surrogate
        return json.loads(HALF.sub(lambda found: found[1] or r"\ufffd", text), strict=False)


class _Salvage:
    """A decoder for what msgspec rejects: arbitrary objects, and lists with bad items."""

    def __init__(self) -> None:
        self.seen = 0
        self.unread = 0

    def fit(self, kind: type, value: object) -> object:
        return self._many(get_args(kind)[0], value) if get_origin(kind) is Many else value

    def _many(self, kind: type, value: object) -> Many[object]:
        items = self._items(kind, value)
        self.seen += len(items)
        if self.seen > MOST_ITEMS:
            raise UnreadableFeed(BoundExceeded(Bound.ITEMS, MOST_ITEMS))
        found = [one for one in (self._one(kind, item) for item in items) if one is not None]
        self.unread += len(items) - len(found)
        return Many(found)

    def _items(self, kind: type, value: object) -> list[object]:
        if value is None:
            return []
        if isinstance(value, list):
            return value
        if isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values()):
            return list(value.values()) if self._one(kind, value) is None else [value]
        return [value]

    def _one(self, kind: type, value: object) -> object | None:
        told = {"name": value} if isinstance(value, str) and kind is ComponentShape else value
        try:
            return msgspec.convert(told, kind, dec_hook=self.fit)
        except msgspec.ValidationError:
            return None


class ComponentShape(Shape, frozen=True):
    """A component, or a group of them, with the platforms' various names for it and for its state."""

    name: object = None
    title: object = None
    public_name: object = None
    display_name: object = None
    component_name: object = None
    productName: object = None
    status: object = None
    current_status: object = None
    state: object = None
    id: object = None
    group_id: object = None
    group: object = None
    components: Many["ComponentShape"] = Many()
    children: Many["ComponentShape"] = Many()

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError("has no name")

    @property
    def label(self) -> str:
        names = (self.name, self.title, self.public_name, self.display_name, self.component_name, self.productName)
        return next((found for found in map(read_name, names) if found), "")

    @property
    def standing(self) -> ComponentState:
        said = (word.impact_of(one) for one in (self.status, self.current_status, self.state))
        return ComponentState(self.label, next((one for one in said if one), Impact.UNKNOWN))

    @property
    def inner(self) -> tuple["ComponentShape", ...]:
        return (*self.components, *self.children)

    @property
    def is_group(self) -> bool:
        return self.group is True or bool(self.inner)


NO_PARTS: Mapping[str, ComponentShape] = MappingProxyType({})


def flatten_components(parts: Sequence[ComponentShape]) -> tuple[ComponentState, ...]:
    """Return the components themselves, at any depth of the groups."""
    known = components_by_id(parts)
    return tuple(part.standing for part in _walk(parts) if not part.is_group and _meant(part, known) is part)


def named_components(
    parts: Iterable[ComponentShape], known: Mapping[str, ComponentShape] = NO_PARTS
) -> tuple[ComponentState, ...]:
    """Return everything that an incident names, groups too; a bare id is resolved to its component's name."""
    return tuple(ComponentState(_meant(part, known).label, part.standing.impact) for part in _walk(parts))


def components_by_id(parts: Iterable[ComponentShape]) -> dict[str, ComponentShape]:
    return {str(part.id): part for part in _walk(parts) if part.id is not None}


def _meant(part: ComponentShape, known: Mapping[str, ComponentShape]) -> ComponentShape:
    """Return the component behind a bare id, as in a Statuspage group; otherwise the part itself."""
    return part if part.id is not None else known.get(part.label, part)


def component_groups(parts: Sequence[ComponentShape]) -> tuple[ComponentGroup, ...]:
    """Return the groups with their members: nested ones or, in a flat list, those that refer to the group."""
    within: dict[str, list[ComponentShape]] = {}
    known = components_by_id(parts)
    for part in parts:
        if part.group_id is not None:
            within.setdefault(str(part.group_id), []).append(part)
    return tuple(
        ComponentGroup(
            part.standing,
            flatten_components([_meant(one, known) for one in part.inner] or within.get(str(part.id), [])),
        )
        for part in _walk(parts)
        if part.is_group
    )


def _walk(parts: Iterable[ComponentShape]) -> Iterator[ComponentShape]:
    for part in parts:
        yield part
        yield from _walk(part.inner)
