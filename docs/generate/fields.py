"""A JSON Schema, or a part of one → a list of its fields."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.generate.json_type import kind
from docs.generate.markdown import code, plain, sentence


def fields(facts: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]], depth: int = 0) -> Iterator[str]:
    """Yield a line for each field of an object, and below it those of what it holds."""
    room = "  " * depth
    for name, one in facts.get("properties", {}).items():
        yield f"{room}- {code(name)}: {_told(one, definitions)}"
        if inner := _inner(one, definitions):
            yield from fields(inner, definitions, depth + 1)


def _told(one: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> str:
    kinds = one.get("type") if isinstance(one.get("type"), list) else [way.get("type") for way in one.get("anyOf", ())]
    words = plain(kind({**one, "description": ""}, definitions)) + (" or null" if "null" in kinds else "")
    return f"{words}. {plain(sentence(one['description']))}" if one.get("description") else words


def _inner(one: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the object that a field holds, once, in a list, or in a table; None if it holds none."""
    for it in (one, one.get("items", {}), one.get("additionalProperties"), *one.get("anyOf", ())):
        found = definitions.get(str(it.get("$ref")).rpartition("/")[2], it) if isinstance(it, Mapping) else {}
        if found.get("properties"):
            return found
        if found is not one and (inner := found.get("items")) and inner.get("$ref"):
            return definitions[inner["$ref"].rpartition("/")[2]]
    return None
