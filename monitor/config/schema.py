"""The JSON Schema of monitor.toml, for editors and for the reference: of the types, with the words of their docstrings.

A section's docstring ends with a line for each key, `key: meaning`; a meaning of several lines is indented. The
`description` of a field's type says what form a text has, and stands in errors.
"""

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, get_args

import msgspec

from monitor.config.document import Document
from monitor.config.section import Section

SCHEMA = Path(__file__).parent / "schema.json"
KEY = re.compile(r"^(\w+): (.+(?:\n  .+)*)\n?", re.MULTILINE)


def schema() -> dict[str, Any]:
    """Return the schema: the same under each Python and each msgspec."""
    made = msgspec.json.schema(Document)
    known = {one.__name__: one for one in sections()}
    for name, definition in made["$defs"].items():
        if name in known:
            _describe(definition, known[name], known)
        elif "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def sections(top: type[Section] = Document) -> Iterator[type[Section]]:
    """Yield each kind of table that monitor.toml may hold, itself a first."""
    yield top
    for field in msgspec.structs.fields(top):
        for kind in _parts(field.type):
            if isinstance(kind, type) and issubclass(kind, Section):
                yield from sections(kind)


def _parts(kind: object) -> Iterator[object]:
    yield kind
    for one in get_args(kind):
        yield from _parts(one)


def _describe(definition: dict[str, Any], section: type[Section], known: Mapping[str, type[Section]]) -> None:
    definition["description"] = summary(section)
    its = meanings(section)
    for key, facts in definition["properties"].items():
        inner = known.get(_section_of(facts))
        if key not in its and inner is None:
            raise LookupError(f"{section.__name__}: its docstring lacks a line `{key}: what it means`")
        words = its.get(key) or summary(inner or section).partition("\n\n")[0]
        form = facts.get("description")
        facts["description"] = f"{words} ({form})" if form else words


def summary(section: type[Section]) -> str:
    """Return what is said of a table as a whole."""
    return KEY.sub("", cleandoc(section.__doc__ or "")).strip()


def meanings(section: type[Section]) -> dict[str, str]:
    """Return the meaning of each key that a section's docstring explains, or that of one it extends."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, Section):
            found |= {key: " ".join(words.split()) for key, words in KEY.findall(cleandoc(kind.__doc__ or ""))}
    return found


def _section_of(facts: Mapping[str, Any]) -> str:
    """Return the name of what a key holds, once or as a list; "" if that has no name of its own."""
    found = re.search(r"'#/\$defs/(\w+)'", str(facts))
    return found[1] if found else ""


if __name__ == "__main__":  # `make schema`
    from json import dumps

    SCHEMA.write_text(dumps(schema(), indent=2) + "\n", encoding="utf-8")
