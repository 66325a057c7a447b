"""Trouble that a document reports in places we do not read: a platform may move its fields at any time; pure."""

import re
from collections.abc import Mapping

from msgspec import Struct

from probes.feeds import vocabulary as word
from probes.feeds.text import read_name
from probes.notice import Impact, NoticePhase

EVENTS = re.compile(
    r"(?:incident|outage|disruption|issue|event|notice|change|report|maintenance)s?$|^(?:ongoing|active|open|unresolved)"
)
"""Keys of lists of events, folded: each item says how far it has come."""
PARTS = re.compile(r"(?:component|resource|service|product|system|impact)s?$|^affected")
"""Keys of lists of what can be in trouble: each item has a state."""
BARE = re.compile(r"^(?:ongoing|active|open|unresolved|affected)|(?:incident|outage)s?$")
"""Keys whose items are trouble even if they say no more."""
WHOLE = ("indicator", "aggregatestate", "overallstatus", "overallstate")
STATES = (
    *("status", "state", "current_status", "currentStatus", "current_state", "indicator", "aggregate_state"),
    *("impact", "current_worst_impact"),
)
ENDS = ("resolved_at", "resolvedAt", "resolved", "ended_at", "end", "endTime", "resolvedDate")
DEEPEST = 12
"""Most levels of nesting to search."""


def has_unread_trouble(document: object, value: object) -> bool:
    """Whether the document reports trouble in a place from which nothing went into `value`, which was read from it."""
    if not isinstance(document, dict) or not isinstance(value, Struct):
        return False
    read = value.__struct_fields__
    inner = {key: told for key, told in document.items() if key not in read or isinstance(told, dict | list)}
    return any(_is_missed(key, told, getattr(value, key, None)) for key, told in inner.items())


def _is_missed(key: str, told: object, taken: object) -> bool:
    if isinstance(taken, Struct):
        return has_unread_trouble(told, taken)
    if isinstance(taken, tuple):  # list items are read whole or counted as unread
        return isinstance(told, dict) and len(taken) == 1 and has_unread_trouble(told, taken[0])
    return _reports_trouble(key, told)


def _reports_trouble(key: str, told: object, depth: int = 0) -> bool:
    """Whether something in trouble is at a key, or anywhere below it."""
    if depth > DEEPEST:
        return False
    letters = re.sub(r"[\W_]+", "", key).lower()
    if isinstance(told, str):
        return letters in WHOLE and (word.impact_of(told) or Impact.NONE) >= Impact.MINOR
    if isinstance(told, dict):
        within = any(_reports_trouble(name, inner, depth + 1) for name, inner in told.items())
        return within or (bool(told) and _is_trouble(letters, told))
    items = told if isinstance(told, list) else []
    return any(_reports_trouble(key, one, depth + 1) for one in items if isinstance(one, dict))


def _is_trouble(key: str, item: Mapping[str, object]) -> bool:
    events, parts = EVENTS.search(key), PARTS.search(key)
    if not events and not parts:
        return False
    said = [text for text in (read_name(item.get(one)) for one in STATES) if text]
    phases = {word.phase_of(one) for one in said} - {NoticePhase.UNKNOWN}
    if events and phases:
        return any(one.is_open for one in phases) and not any(not one.is_open for one in phases)
    impacts = [impact for impact in map(word.impact_of, said) if impact]
    return max(impacts) >= Impact.MINOR if impacts else _is_bare(key, item, said)


def _is_bare(key: str, item: Mapping[str, object], said: list[str]) -> bool:
    """Whether an item without a state is trouble because of where it is: it has a name, and no end."""
    named = any(item.get(one) for one in ("name", "title", "id", "component_id"))
    return bool(BARE.search(key)) and named and not said and not any(item.get(one) for one in ENDS)
