"""A part of a JSON Schema → what a value may be, in words."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from docs.generate.markdown import code, either
from monitor.config.section import LABEL_WORDS

Facts = Mapping[str, Any]
NAMES = {LABEL_WORDS: "a name", "small letters, digits and hyphens": "small letters, digits and hyphens"}


def kind(facts: Facts, definitions: Mapping[str, Facts]) -> str:
    """Return what a value may be; the description of a text says what form it has."""
    if "anyOf" in facts:
        ways = [one for one in facts["anyOf"] if one.get("type") != "null"]
        return either(dict.fromkeys(kind(one, definitions) for one in ways))
    if "$ref" in facts:
        return _named(facts["$ref"].rpartition("/")[2], definitions)
    if "const" in facts or "enum" in facts:
        return _choice(facts.get("enum", [facts.get("const")]))
    return _of_type(facts, definitions)


def _of_type(facts: Facts, definitions: Mapping[str, Facts]) -> str:
    match _type(facts):
        case "boolean":
            return "`true` or `false`"
        case "integer":
            return f"whole number{_range(facts)}"
        case "number":
            return f"number{_range(facts)}"
        case "string":
            return _text(facts)
        case "array":
            return f"list of {_plural(kind(facts.get('items', {}), definitions))}"
        case "object":
            return _table(facts, definitions)
    return "anything"


def _type(facts: Facts) -> object:
    """Return the type of a value; where it may be null, too, the other one."""
    kinds = facts.get("type")
    return next((one for one in kinds if one != "null"), None) if isinstance(kinds, list) else kinds


def _named(name: str, definitions: Mapping[str, Facts]) -> str:
    found = definitions[name]
    if "enum" in found:
        return "a fault" if name == "Fault" else _choice(found["enum"])
    return "table"


def _choice(words: list[Any]) -> str:
    return either(code(json.dumps(one)) for one in words)


def _table(facts: Facts, definitions: Mapping[str, Facts]) -> str:
    value = facts.get("additionalProperties")
    return f"table of {_plural(kind(value, definitions))}" if isinstance(value, Mapping) and value else "table"


def _plural(words: str) -> str:
    known = {"a name": "names", "a fault": "faults", "a time": "times"}
    counted = re.sub(r"^(whole number|number|text|list|table|object)\b", r"\1s", words)
    return known.get(words, counted)


def _text(facts: Facts) -> str:
    words = str(facts.get("description", ""))
    least, most = facts.get("minLength", 0), facts.get("maxLength")
    if "format" in facts:
        return {"date": "a date", "date-time": "a time"}[facts["format"]]
    if not words and most:
        words = f"{least} to {most} characters" if least else f"at most {most} characters"
    return f"text of {words}" if words.endswith(" characters") else NAMES.get(words, words) or "text"


def _range(facts: Facts) -> str:
    return " ".join(["", *_bounds(facts)])


def _bounds(facts: Facts) -> Iterator[str]:
    least, most = facts.get("minimum"), facts.get("maximum")
    above, below = facts.get("exclusiveMinimum"), facts.get("exclusiveMaximum")
    if least is not None and most is not None:
        yield f"from {least:,g} to {most:,g}"
        return
    if above is not None:
        yield f"above {above:,g}"
    if least is not None:
        yield f"from {least:,g}"
    if most is not None:
        yield f"to {most:,g}"
    if below is not None:
        yield f"below {below:,g}" if above is None else f"and below {below:,g}"
