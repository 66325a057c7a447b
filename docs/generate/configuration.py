"""docs/reference/configuration.md: every table and key of monitor.toml."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from docs.generate.json_type import kind
from docs.generate.markdown import code, paragraphs, plain, sentence
from monitor.config.document import Document
from monitor.config.schema import meanings, schema, sections, summary
from monitor.config.section import LABEL_WORDS

Facts = Mapping[str, Any]
SECTION = "Section"
"""How the names of tables end."""

INTRODUCTION = f"""# Configuration

Every key of `monitor.toml`, with what it may be and its default. Everything has a default; the shipped
[monitor.toml](../../monitor.toml) shows each key in use, and names the schema with which editors complete and check
them. What is wrong is told by `provider-monitor check`, all at once.

`[table]` stands once, `[[table]]` as often as there are such things. A secret is written as where it is: `env:NAME` (a
variable), `file:PATH` (the content of a file), `file:PATH#NAME` (a line `NAME=...` in it) or `command:PROGRAM ARGS`
(what a program prints; no shell is involved). A name has {LABEL_WORDS}.
"""


def page() -> Iterator[str]:
    yield INTRODUCTION
    made = schema()["$defs"]
    by_name = {one.__name__: one for one in sections()}
    top = made[Document.__name__]["properties"]
    tables = {key: name for key, facts in top.items() if (name := section_of(facts))}
    yield from ("## Beside all tables", "")
    own, usual = meanings(Document), defaults(Document)
    yield from (_key(key, own[key], facts, usual[key], made) for key, facts in top.items() if key not in tables)
    yield ""
    for key, name in tables.items():
        yield from _table([key], name, "array" in str(top[key].get("type")), by_name, made, 2)


def section_of(facts: Facts) -> str:
    """Return the name of the table that a key holds, once or several times; "" if it holds a value."""
    for one in (facts, facts.get("items", {}), *facts.get("anyOf", ())):
        name = str(one.get("$ref", "")).rpartition("/")[2]
        if name.endswith(SECTION):
            return name
    return ""


def _table(
    path: list[str], name: str, several: bool, by_name: Mapping[str, Any], made: Mapping[str, Facts], level: int
) -> Iterator[str]:
    section = by_name[name]
    yield from (f"{'#' * level} {code(_title(path, several))}", "")
    yield from paragraphs(summary(section))
    words, usual, properties = meanings(section), defaults(section), made[name]["properties"]
    yield from (_key(key, words[key], facts, usual[key], made) for key, facts in properties.items())
    yield ""
    for key, facts in properties.items():
        if inner := section_of(facts):
            yield from _table([*path, key], inner, facts.get("type") == "array", by_name, made, level + 1)


def _title(path: list[str], several: bool) -> str:
    first, *inner = path
    if inner:
        return f"{first}: {'.'.join(inner)} = {'[{...}]' if several else '{...}'}"
    return f"[[{first}]]" if several else f"[{first}]"


def _key(key: str, words: str, facts: Facts, default: object, made: Mapping[str, Facts]) -> str:
    told = str(facts.get("description", ""))
    form = told.removeprefix(f"{words} (").removesuffix(")") if told != words else ""
    known = {**facts, "description": form}
    return f"- `{key}`: {plain(sentence(words))} *{plain(sentence(kind(known, made) + default_of(default)))}*"


def default_of(default: object) -> str:
    """Return what a key has if it is left out; nothing where that is nothing."""
    if default is msgspec.NODEFAULT:
        return "; required"
    if default in (None, "", [], {}) or isinstance(default, msgspec.Struct):
        return ""
    return f"; default: {code(_toml(default))}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(one)}' for key, one in value.items())} }}"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def defaults(section: type[msgspec.Struct]) -> dict[str, object]:
    """Return the default of each key of a table, NODEFAULT for one that is required."""
    fields = msgspec.structs.fields(section)
    return {
        one.name: one.default if one.default_factory is msgspec.NODEFAULT else one.default_factory() for one in fields
    }
