"""What a document says of trouble in places that nobody reads: a platform may move its fields at any time; pure."""

import re
from collections.abc import Mapping

from msgspec import Struct

from probes.feeds import word
from probes.feeds.text import name
from probes.notice import Impact, NoticePhase

EVENTS = re.compile(
    r"(?:incident|outage|disruption|issue|event|notice|change|report|maintenance)s?$|^(?:ongoing|active|open|unresolved)"
)
"""Lists of what happened, by their key without its case and signs: each item says how far it has come."""
PARTS = re.compile(r"(?:component|resource|service|product|system|impact)s?$|^affected")
"""Lists of what can be in trouble: each item says how it stands."""
BARE = re.compile(r"^(?:ongoing|active|open|unresolved|affected)|(?:incident|outage)s?$")
"""What stands in these is trouble, also where it says no more."""
WHOLE = ("indicator", "aggregatestate", "overallstatus", "overallstate")
STATES = (
    *("status", "state", "current_status", "currentStatus", "current_state", "indicator", "aggregate_state"),
    *("impact", "current_worst_impact"),
)
ENDS = ("resolved_at", "resolvedAt", "resolved", "ended_at", "end", "endTime", "resolvedDate")
DEEPEST = 12
"""Levels of nesting that are looked into."""


def is_astray(document: object, value: object) -> bool:
    """Whether trouble stands where nothing of it was taken into `value`, which was read out of the document."""
    if not isinstance(document, dict) or not isinstance(value, Struct):
        return False
    read = value.__struct_fields__
    inner = {key: told for key, told in document.items() if key not in read or isinstance(told, dict | list)}
    return any(_is_missed(key, told, getattr(value, key, None)) for key, told in inner.items())


def _is_missed(key: str, told: object, taken: object) -> bool:
    if isinstance(taken, Struct):
        return is_astray(told, taken)
    if isinstance(taken, tuple):  # items of a list are taken whole or counted as unread
        return isinstance(told, dict) and len(taken) == 1 and is_astray(told, taken[0])
    return _speaks(key, told)


def _speaks(key: str, told: object, depth: int = 0) -> bool:
    """Whether something in trouble stands at a key, or anywhere below it."""
    if depth > DEEPEST:
        return False
    letters = re.sub(r"[\W_]+", "", key).lower()
    if isinstance(told, str):
        return letters in WHOLE and (word.impact(told) or Impact.NONE) >= Impact.MINOR
    if isinstance(told, dict):
        within = any(_speaks(name, inner, depth + 1) for name, inner in told.items())
        return within or (bool(told) and _is_trouble(letters, told))
    items = told if isinstance(told, list) else []
    return any(_speaks(key, one, depth + 1) for one in items if isinstance(one, dict))


def _is_trouble(key: str, item: Mapping[str, object]) -> bool:
    events, parts = EVENTS.search(key), PARTS.search(key)
    if not events and not parts:
        return False
    said = [text for text in (name(item.get(one)) for one in STATES) if text]
    phases = {word.phase(one) for one in said} - {NoticePhase.UNKNOWN}
    if events and phases:
        return any(one.is_open for one in phases) and not any(not one.is_open for one in phases)
    impacts = [impact for impact in map(word.impact, said) if impact]
    return max(impacts) >= Impact.MINOR if impacts else _is_bare(key, item, said)


def _is_bare(key: str, item: Mapping[str, object], said: list[str]) -> bool:
    """Whether an item that says nothing of how it stands is trouble by where it stands: it has a name, and no end."""
    named = any(item.get(one) for one in ("name", "title", "id", "component_id"))
    return bool(BARE.search(key)) and named and not said and not any(item.get(one) for one in ENDS)
