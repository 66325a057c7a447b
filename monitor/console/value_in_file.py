"""What stands at a key of a configuration file, as an error may show it."""

from collections.abc import Iterator

from monitor.config.secret import describe_reference, is_reference
from probes.document import HIDDEN, list_step, show_value


def value_at(tables: object, key: str) -> str | None:
    """Return the value at a key, such as `accounts.team-a.provider`, as it may be shown.

    None: there is none, it is no single one, several tables go by that name, or it may be a secret.
    """
    found = [_shown(value, key) for value in _find(tables, key)]
    return found[0] if len(found) == 1 else None


def _shown(value: object, key: str) -> str | None:
    if isinstance(value, dict | list):
        return None
    if isinstance(value, str) and is_reference(value):
        return describe_reference(value)
    return None if HIDDEN.intersection(key.split(".")) else show_value(value)


def _find(tables: object, key: str) -> Iterator[object]:
    if not key:
        yield tables
    elif isinstance(tables, dict):
        for name, inner in tables.items():
            yield from _below(inner, name, key)
    elif isinstance(tables, list):
        for number, inner in enumerate(tables, 1):
            yield from _below(inner, list_step(inner, number).removeprefix("."), key)


def _below(inner: object, name: str, key: str) -> Iterator[object]:
    if key == name:
        yield inner
    elif key.startswith((f"{name}.", f"{name}[")):
        yield from _find(inner, key.removeprefix(name).removeprefix("."))
