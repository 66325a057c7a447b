"""A TOML document → a frozen value, or every error at once, each with its repair."""

import os
import re
import select
import stat
import time
import tomllib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date
from functools import cache
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from msgspec import Struct

from probes.redact import CONTROLS, is_random, mask_keys, mask_secrets
from probes.sanitize import EARLIEST, LARGEST, LATEST

if TYPE_CHECKING:
    from jsonschema import ValidationError

T = TypeVar("T")
Steps = tuple[str | int, ...]

LARGEST_BYTES = 4 * 1024 * 1024
"""Bytes above which a configuration is a mistake (or an attack)."""
DEEPEST = 50
"""Levels of nesting that a configuration may have: its readers, and our error reporting, are recursive."""
MOST_NAMED = 40
"""Most words that a repair lists; a table of monitor.toml has fewer keys."""
MOST_COMPARED = 1_000
"""Most known words to search for a near match: a file with thousands of mistakes would search them all each time."""
PIPE_LIMIT_S = 5.0
"""Seconds to wait for a pipe where a file is expected; nobody may ever write to it."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters that no text in a configuration may contain; line breaks and tabs are fine in a note."""


class Problem(Struct, frozen=True):
    """One thing wrong in one file. `key` is a dotted path, empty for the file itself; `wants` are missing fields.

    A key pasted in place of a name is masked in the message. `value`: what stands there, if `what` does not say it all;
    never a secret.
    """

    file: str
    key: str
    what: str
    repair: str
    wants: tuple[str, ...] = ()
    value: str = ""

    def __str__(self) -> str:
        return escape_unprintable(
            mask_keys(f"{self.file}: {self.key}{' ' if self.key else ''}{self.what}; {self.repair}")
        )


class Violation(Struct, frozen=True):
    """A problem, with the path of what must be dropped for the rest to be valid."""

    path: Steps
    what: str
    repair: str
    wants: tuple[str, ...] = ()


class DocumentError(Exception):
    """Everything that is wrong, as `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_toml(path: Path, file: str | None = None, kind: type[Struct] | None = None) -> dict[str, Any]:
    """Return the tables of a TOML file; `file` is its name in errors, `kind` what it may hold, if errors shall say so.

    Raises DocumentError when it is missing, unreadable, too large or not TOML.
    """
    name = file or path.name or str(path)
    try:
        content = read_file(path, LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise DocumentError([Problem(name, "", f"is larger than {LARGEST_BYTES} bytes", "give a smaller file")])
        return parse_toml(content.decode("utf-8-sig"), name, kind)  # Windows editors begin a file with a BOM
    except FileNotFoundError:
        raise DocumentError([Problem(name, "", "does not exist", f"create {path} or name another file")]) from None
    except OSError as error:
        reason = error.strerror or str(error) or "cannot be read"
        raise DocumentError(
            [Problem(name, "", f"cannot be read ({reason})", f"make {path}, and its folder, readable")]
        ) from None
    except UnicodeDecodeError as error:
        problem = Problem(name, "", f"is not UTF-8 (byte {error.start})", "save it as UTF-8")
        raise DocumentError([problem]) from None


def parse_toml(text: str, file: str, kind: type[Struct] | None = None) -> dict[str, Any]:
    """Return the tables of a text. Raises DocumentError; for `file` and `kind` see `read_toml`."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        repeated = list(_repeated_tables(text, file, kind)) if kind else []
        raise DocumentError(repeated or [Problem(file, "", f"is not TOML: {error}", "mend that line")]) from None
    except RecursionError:
        raise DocumentError([_too_deep(file)]) from None
    except ValueError:  # Python refuses numbers of more than 4,300 digits
        raise DocumentError([Problem(file, "", "holds a number of thousands of digits", "shorten it")]) from None
    if _is_deeper(tables, DEEPEST):
        raise DocumentError([_too_deep(file)])
    return tables


TABLE = re.compile(r"[ \t]*(\[{1,2})[ \t]*([\w-]+)[ \t]*\]{1,2}")
"""The line that begins a table at the top."""


def _repeated_tables(text: str, file: str, kind: type[Struct]) -> Iterator[Problem]:
    """Yield each table of `kind` that begins more than once with one bracket: TOML's own error names only one line."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if begin := TABLE.match(line):
            found.setdefault(begin[2], []).append((number, begin[1]))
    tables = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"]
    for name, places in found.items():
        if name not in tables or len(places) < 2 or all(brackets == "[[" for _, brackets in places):
            continue
        written = [f"{_bracketed(name, brackets)} in line {number}" for number, brackets in places]
        several = tables[name].get("type") == "array"
        repair = f"write [[{name}]] in each of them" if several else f"keep one [{name}], with the keys of all below it"
        yield Problem(file, name, f"is {', '.join(written[:-1])} and {written[-1]}", repair)


def _bracketed(name: str, brackets: str) -> str:
    return f"{brackets}{name}{brackets.replace('[', ']')}"


def _is_deeper(tables: dict[str, Any], depth: int) -> bool:
    level: list[object] = [tables]
    for _ in range(depth):
        level = [inner for outer in level for inner in _inner(outer)]
    return bool(level)


def _inner(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _too_deep(file: str) -> Problem:
    return Problem(file, "", "is nested too deeply", "flatten it")


def why_no_file(path: Path) -> str | None:
    """Return why a path must not be written to, or read: it is no regular file. None if it is one, or is missing."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # the write itself reports this
        return None
    if stat.S_ISDIR(mode):
        return "is a folder"
    return None if stat.S_ISREG(mode) else "is a pipe or a device, and no file"


def read_file(path: Path, most: int) -> bytes:
    """Return at most `most` bytes of a file. Raises OSError, also for a pipe that nobody writes to in time."""
    if "\0" in str(path):
        raise OSError("its name holds a zero byte")
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(file, "rb", buffering=0) as source:
        if stat.S_ISREG(os.fstat(file).st_mode):
            return _read_whole(source, most)
        return _read_piped(file, most)


def _read_whole(source: RawIOBase, most: int) -> bytes:
    content = b""
    while len(content) < most and (piece := source.read(most - len(content))):
        content += piece
    return content


def _read_piped(file: int, most: int) -> bytes:
    content, ends = b"", time.monotonic() + PIPE_LIMIT_S
    while len(content) < most:
        ready, _, _ = select.select([file], [], [], max(ends - time.monotonic(), 0))
        if not ready:
            raise OSError(f"is a pipe, and nobody wrote to it within {PIPE_LIMIT_S:g} s")
        if not (piece := os.read(file, most - len(content))):
            break
        content += piece
    return content


def escape_unprintable(text: str) -> str:
    """Return a text with control and unprintable characters escaped, since a name may contain anything."""
    return text if text.isprintable() else CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


def without_unsound(tables: dict[str, Any], file: str) -> tuple[dict[str, Any], list[Problem]]:
    """Return a document without the texts, numbers and dates that are out of range, and a problem for each."""
    found = {path: what for path, value in walk_values(tables, ()) if (what := _unsound(value))}
    if not found:
        return tables, []
    plain = deepcopy(tables)
    for path in sorted(found, key=_backwards, reverse=True):
        _drop(plain, path)
    return plain, [Problem(file, dotted_path(tables, path), *what) for path, what in found.items()]


def walk_values(value: object, path: Steps) -> Iterator[tuple[Steps, object]]:
    """Yield each value in a document, and each field name, with its path."""
    match value:
        case dict():
            for key, inner in value.items():
                yield (*path, key), key
                yield from walk_values(inner, (*path, key))
        case list():
            for number, inner in enumerate(value):
                yield from walk_values(inner, (*path, number))
        case _:
            yield path, value


def _unsound(value: object) -> tuple[str, str] | None:
    match value:
        case str() if found := CONTROL.search(value):
            return f"holds a control character (U+{ord(found[0]):04X})", "take it out"
        case int() if abs(value) > LARGEST:
            return "is larger than anything that is counted", "give a smaller number"
        case date() if not EARLIEST.year <= value.year < LATEST.year:
            return f"is in the year {value.year}", f"give a date from {EARLIEST.year} to {LATEST.year - 1}"
    return None


def convert(tables: Mapping[str, Any], kind: type[T], file: str) -> tuple[T | None, list[Problem]]:
    """Return the value of the valid part of `tables`, and a problem for each invalid one.

    Invalid parts are left out, so a caller can check the rest; the value is None when too much is missing.
    """
    try:
        return msgspec.convert(tables, kind), []
    except msgspec.ValidationError:
        return _explain(tables, kind, file)


def suggest(word: object, known: Iterable[str], otherwise: str = "leave it out") -> str:
    """Return the repair for a word that is not among the `known`; `otherwise`: what to do where nothing is."""
    from difflib import get_close_matches  # only a mistake pays for this import

    words = sorted(known)
    if len(words) > MOST_COMPARED:
        return f"it is none of {len(words)} that there are"
    # `api_key` means `key`, and `round` means `round_px`.
    part = [known for known in words if known in str(word).split("_") or word in known.split("_")]
    near = part or get_close_matches(str(word), words, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    more = [f"and {len(words) - MOST_NAMED} more"] if len(words) > MOST_NAMED else []
    return "use one of: " + ", ".join(words[:MOST_NAMED] + more) if words else otherwise


def wrong_word(file: str, key: str, word: str, what: str, repair: str) -> Problem:
    """Return what is wrong with a word at a key, where a list or table may hold others that are right."""
    return Problem(file, key, f'= "{word}": {what}', repair, value=show_value(word))


def show_value(value: object) -> str:
    """Return a value as an error may print it: short, and without anything that may hold a secret, such as a table."""
    import json  # valid values are never shown

    text = mask_keys(mask_secrets(json.dumps(value, ensure_ascii=False, default=str)))
    if (isinstance(value, dict | list) and value) or any(map(is_random, RUN.findall(text))):
        return f"({_kind(value)} that is not shown, as it may hold a secret)"
    return text if len(text) <= 60 else text[:57] + "..."


RUN = re.compile(r"\w{16,}")


def _kind(value: object) -> str:
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a text"


@cache
def _schema(kind: Hashable) -> Mapping[str, Any]:
    """Return it, cached: to make it takes longer than to check a document by it, and `check` reads one part by part."""
    return msgspec.json.schema(kind)


def _explain(tables: Mapping[str, Any], kind: type[T], file: str) -> tuple[T | None, list[Problem]]:
    # Only a document with a mistake pays for this import.
    from jsonschema import Draft202012Validator

    plain = msgspec.to_builtins(tables)
    schema = _schema(cast(Hashable, kind))
    check = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors = list(check.iter_errors(plain))
    # The schema reports two missing keys of one table twice.
    findings = list(dict.fromkeys(finding for error in errors for finding in _describe(error)))
    homes = _homes(schema)
    problems = [
        Problem(file, dotted_path(plain, one.path), one.what, _home(one, plain, homes) or one.repair, one.wants)
        for one in findings
    ]
    for path in sorted({one.path for one in findings}, key=_backwards, reverse=True):
        _drop(plain, path)
    try:
        return msgspec.convert(plain, kind), sorted(problems, key=str)
    except msgspec.ValidationError as error:
        return None, sorted(problems, key=str) or [Problem(file, "", str(error), "mend that value")]


def _homes(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return where a key of each name belongs: in which tables at the top of a document, or above them all."""
    found: dict[str, list[str]] = {}
    for table, facts in _defined(schema, schema).get("properties", {}).items():
        is_list = facts.get("type") == "array"
        inner = _defined(facts.get("items", {}) if is_list else facts, schema)
        if "properties" not in inner:
            found.setdefault(table, []).append(ABOVE)
        for key in inner.get("properties", {}):
            found.setdefault(key, []).append(f"in [[{table}]]" if is_list else f"in [{table}]")
    return found


ABOVE = "above the first [table]"


def _defined(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part of a schema, from its definition if it only refers to that."""
    reference = str(facts.get("$ref", ""))
    found: Mapping[str, Any] = schema["$defs"].get(reference.removeprefix("#/$defs/"), {}) if reference else facts
    return found


UNKNOWN = "is not known"


def _home(it: Violation, tables: object, homes: Mapping[str, Sequence[str]]) -> str:
    """Return the repair for a key that other tables have; "" if none has it, or if it is a misspelt table itself."""
    if not it.path or it.what != UNKNOWN or (len(it.path) == 1 and _is_table(_child(tables, it.path[0]))):
        return ""
    places = homes.get(str(it.path[-1]), ())
    return f"it belongs {' or '.join(places)}" if places else ""


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def dotted_path(tables: object, path: Steps) -> str:
    """Return `accounts.team-a.provider` for a path; a table in a list goes by its name or id, if it has one."""
    text = ""
    for step in path:
        tables = _child(tables, step)
        text += list_step(tables, step + 1) if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def list_step(item: object, number: int) -> str:
    """Return the step of a path to an item of a list: its name or id, if it has one, else its place, from 1 on."""
    name = isinstance(item, dict) and (item.get("name") or item.get("id"))
    return f".{name}" if isinstance(name, str) else f"[{number}]"


def _describe(error: "ValidationError") -> Iterator[Violation]:
    """Yield what one of the schema's errors comes to."""
    path = tuple(error.absolute_path)
    if error.validator in ("anyOf", "oneOf"):
        for inner in _likeliest_branch(error):
            yield from _describe(inner)
    elif error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance.keys() - known.keys():
            yield Violation((*path, key), UNKNOWN, suggest(key, known.keys() - error.instance.keys()))
    elif error.validator == "required":
        for key in set(error.validator_value) - error.instance.keys():
            yield Violation(path, f"lacks `{key}`", f"add {key} = ...", (key,))
    elif error.validator == "type" and _brackets(error):
        what = "is one table" if isinstance(error.instance, dict) else "is a list of tables"
        yield Violation(path, what, _repair(error))
    elif HIDDEN.intersection(path):
        yield Violation(path, "is not of the form that it has to be", _repair(error))
    elif error.validator == "enum":
        repair = suggest(error.instance, map(str, error.validator_value))
        yield Violation(path, f"= {show_value(error.instance)}: no such {path[-1]}", repair)
    else:
        yield Violation(path, f"= {show_value(error.instance)}", _repair(error))


def _repair(error: "ValidationError") -> str:
    if error.validator == "type" and (brackets := _brackets(error)):
        return brackets
    return "give " + (_in_words(error) or REPAIRS.get(str(error.validator), "{}").format(error.validator_value))


def _in_words(error: "ValidationError") -> str:
    """Say what a value has to be, by its declaration where that has words; "" if the kind of error is enough."""
    if error.validator == "pattern":
        return str(error.schema.get("description", "a text of another form"))
    if error.validator == "type":
        wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
        return " or ".join(TYPES.get(one, one) for one in wanted)
    return ""


def _brackets(error: "ValidationError") -> str:
    """Return the repair for a table with a list's brackets, or the other way round."""
    path = tuple(error.absolute_path)
    if len(path) != 1:
        return ""
    if error.validator_value == "array" and isinstance(error.instance, dict):
        return f"write [[{path[0]}]], with two brackets: there may be several"
    if error.validator_value == "object" and isinstance(error.instance, list):
        return f"write [{path[0]}], with one bracket: there is only one"
    return ""


HIDDEN = frozenset({"key", "admin_key", "environment", "headers", "url", "auth", "base"})
"""Keys whose values are never shown: they are, or contain, a secret."""


TYPES = {
    "string": "a text, in quotes",
    "integer": "a whole number, without quotes",
    "number": "a number, without quotes",
    "boolean": "true or false",
    "array": 'a list: ["one", "two"]',
    "object": "a table: { name = value }",
    "null": "nothing",
}
REPAIRS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} character(s)",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "format": "a {}, as in 2026-12-31",
}


def _likeliest_branch(error: "ValidationError") -> list["ValidationError"]:
    """Return the errors of the branch that was probably intended: of the right type, and matching deepest."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    return max(branches.values(), key=_fit)


def _fit(branch: Sequence["ValidationError"]) -> tuple[int, bool]:
    return max(len(inner.path) for inner in branch), all(inner.validator != "type" for inner in branch)


def _child(tables: object, step: str | int) -> object:
    try:
        return tables[step]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _drop(tables: Any, path: Steps) -> None:
    for step in path[:-1]:
        tables = _child(tables, step)
    if path and _child(tables, path[-1]) is not None:
        del tables[path[-1]]


def _backwards(path: Steps) -> list[tuple[bool, str | int]]:
    """Sort key: last list items first, so that dropping one does not shift the others."""
    return [(isinstance(step, str), step) for step in path]
