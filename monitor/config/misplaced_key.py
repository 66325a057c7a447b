"""Keys in the wrong place in monitor.toml: each is reported by its place, and never shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from probes.document import Problem, Steps, dotted_path, walk_values
from probes.redact import grants_access, has_key

SHOWN = frozenset(
    {
        "name",
        "tags",
        "title",
        "public_title",
        "location",
        "models",
        "expect",
        "note",
        "headers",
        "channels",
        "proxy",
        "host",
    }
)
"""Fields that pages and messages show; a random text there is most likely a key of some issuer."""
REPAIR = 'take it out, put it into an environment variable or a file and write key = "env:NAME" or "file:PATH"'


def find_misplaced_keys(tables: Mapping[str, Any], file: str) -> Iterator[Problem]:
    """Report each text of a document that holds a key where none belongs, even as the name of a field."""
    found = (
        _field(path) for path, text in walk_values(tables, ()) if isinstance(text, str) and _is_misplaced(path, text)
    )
    for path in dict.fromkeys(found):
        yield Problem(file, dotted_path(tables, path), "holds what looks like a key", REPAIR)


def _field(path: Steps) -> Steps:
    """Return the field that a place is in: `accounts.a.tags` is enough to find it."""
    if path[0] == "providers":
        return path
    return path[:3] if len(path) > 1 and isinstance(path[1], int) else path[:2]


def _is_misplaced(path: Steps, text: str) -> bool:
    is_name = text == path[-1]
    if not is_name and (_is_place(path) or _is_proxy(path, text)):
        return False
    shown = is_name or not SHOWN.isdisjoint(path)
    return has_key(text) or (shown and grants_access(text))


def _is_proxy(path: Steps, text: str) -> bool:
    """Whether it is an address, which `monitor.config.proxy_setting` checks, and reports without its password."""
    return path[-1] == "proxy" and "://" in text


def _is_place(path: Steps) -> bool:
    """Whether a secret may be there, or a text with a check of its own that never shows it."""
    if path[0] in ("channels", "heartbeat") and not {"url", "secret"}.isdisjoint(path):
        return True
    return not {"key", "admin_key", "environment", "headers", "auth", "command"}.isdisjoint(path)
