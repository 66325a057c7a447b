"""What an imported file holds, of whatever type: read without trusting any of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from probes.document import LARGEST_BYTES, read_file, why_no_file

Entry = Mapping[str, Any]


def entries(value: object) -> Sequence[Entry]:
    """Return the tables of a list; what is none is left out."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_of(entry: Entry, name: str) -> str:
    """Return a text without blanks around it; "" if there is none."""
    value = entry.get(name)
    return value.strip() if isinstance(value, str) else ""


def text_at(file: Path) -> str | None:
    """Return what a file holds; None for one that is not there, cannot be read, or is a pipe or a folder."""
    try:
        return None if why_no_file(file) else read_file(file, LARGEST_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return None
