"""What an imported file holds, of whatever type: read without trusting any of it."""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]


def entries(value: object) -> Sequence[Entry]:
    """Return the tables of a list; what is none is left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(entry: Entry, name: str) -> str:
    """Return a text without blanks around it; "" if there is none."""
    value = entry.get(name)
    return value.strip() if isinstance(value, str) else ""
