"""A TOML document → a frozen value, with every error at once, each with its repair."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct

from probes.redact import mask, screen

if TYPE_CHECKING:
    from jsonschema import ValidationError

T = TypeVar("T")
Steps = tuple[str | int, ...]
Finding = tuple[Steps, str, str]

LARGEST_BYTES = 4 * 1024 * 1024
"""A configuration above this size is a mistake (or an attack), not a configuration."""


class Problem(Struct, frozen=True):
    """One thing wrong in one file. `key` is a dotted path, empty for the file itself; `wants` are fields it misses.

    Said without a key that stands in the place of a name.
    """

    file: str
    key: str
    what: str
    repair: str
    wants: tuple[str, ...] = ()

    def __str__(self) -> str:
        return screen(f"{self.file}: {self.key}{' ' if self.key else ''}{self.what}; {self.repair}")


class DocumentError(Exception):
    """Everything that is wrong, as `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def read_toml(path: Path, file: str | None = None) -> dict[str, Any]:
    """Return the tables of a TOML file; `file` is how errors name it.

    Raises DocumentError when it is absent, unreadable, too large or not TOML.
    """
    name = file or path.name
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DocumentError([Problem(name, "", f"is larger than {LARGEST_BYTES} bytes", "give a smaller file")])
        return parse_toml(path.read_bytes().decode(), name)
    except FileNotFoundError:
        raise DocumentError([Problem(name, "", "does not exist", f"create {path} or name another file")]) from None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise DocumentError([Problem(name, "", f"cannot be read ({reason})", f"make {path} readable")]) from None
    except UnicodeDecodeError as error:
        problem = Problem(name, "", f"is not UTF-8 (byte {error.start})", "save it as UTF-8")
        raise DocumentError([problem]) from None


def parse_toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError([Problem(file, "", f"is not TOML: {error}", "mend that line")]) from None
    except RecursionError:
        raise DocumentError([Problem(file, "", "is nested too deeply", "flatten it")]) from None


def convert(tables: Mapping[str, Any], kind: type[T], file: str) -> tuple[T | None, list[Problem]]:
    """Return the value of what is right in `tables`, and a problem for each thing that is not.

    The value is there even beside problems (what is wrong is left out), so that a caller can go on
    checking the rest; None when too much is missing for that.
    """
    try:
        return msgspec.convert(tables, kind), []
    except msgspec.ValidationError:
        return _explain(tables, kind, file)


def suggest(word: object, known: Iterable[str]) -> str:
    """Return the repair for a word that is none of the `known`."""
    from difflib import get_close_matches  # only who mistypes pays for it

    words = sorted(known)
    part = [known for known in words if known in str(word).split("_")]  # api_key means key
    near = part or get_close_matches(str(word), words, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return "use one of: " + ", ".join(words) if words else "leave it out"


def show(value: object) -> str:
    """Return a value as an error may print it: short, and without anything that looks like a key."""
    import json  # what is well-formed is never shown

    text = mask(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else text[:57] + "..."


def _explain(tables: Mapping[str, Any], kind: type[T], file: str) -> tuple[T | None, list[Problem]]:
    # Only a document with a mistake pays for this import.
    from jsonschema import Draft202012Validator

    plain = msgspec.to_builtins(tables)
    check = Draft202012Validator(msgspec.json.schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER)
    errors = list(check.iter_errors(plain))
    # Of two keys that a table lacks the schema tells twice.
    findings = list(dict.fromkeys(finding for error in errors for finding in _describe(error)))
    problems = [Problem(file, dotted(plain, path), what, repair) for path, what, repair in findings]
    for path in sorted({path for path, _, _ in findings}, key=_backwards, reverse=True):
        _drop(plain, path)
    try:
        return msgspec.convert(plain, kind), sorted(problems, key=str)
    except msgspec.ValidationError as error:
        return None, sorted(problems, key=str) or [Problem(file, "", str(error), "mend that value")]


def dotted(tables: object, path: Steps) -> str:
    """Return `accounts.team-a.provider` for a path; a list's table is called by its name, if it has one."""
    text = ""
    for step in path:
        tables = _child(tables, step)
        name = isinstance(step, int) and isinstance(tables, dict) and (tables.get("name") or tables.get("id"))
        if isinstance(step, int) and not isinstance(name, str):
            text += f"[{step}]"
        else:
            text += f".{name or step}"
    return text.removeprefix(".")


def _describe(error: "ValidationError") -> Iterator[Finding]:
    """Yield where, what and repair for one of the schema's errors.

    `where` is what must be left out for the rest to stand.
    """
    path = tuple(error.absolute_path)
    if error.validator in ("anyOf", "oneOf"):
        for inner in _likeliest_branch(error):
            yield from _describe(inner)
    elif error.validator == "additionalProperties":
        known = error.schema["properties"]
        for key in error.instance.keys() - known.keys():
            yield (*path, key), "is not known", suggest(key, known.keys() - error.instance.keys())
    elif error.validator == "required":
        for key in set(error.validator_value) - error.instance.keys():
            yield path, f"lacks `{key}`", f"add {key} = ..."
    elif HIDDEN.intersection(path):
        yield path, "is not of the form that it has to be", _repair(error)
    elif error.validator == "enum":
        yield (
            path,
            f"= {show(error.instance)}: no such {path[-1]}",
            suggest(error.instance, map(str, error.validator_value)),
        )
    else:
        yield path, f"= {show(error.instance)}", _repair(error)


def _repair(error: "ValidationError") -> str:
    return "give " + REPAIRS.get(str(error.validator), "{}").format(error.validator_value)


HIDDEN = frozenset({"key", "admin_key", "environment", "headers"})
"""What stands there is not shown: most likely it is a secret, in the wrong place."""


REPAIRS = {
    "type": "a value of type {}",
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} character(s)",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "pattern": "a text of the form {}",
    "format": "a {}, as in 2026-12-31",
}


def _likeliest_branch(error: "ValidationError") -> list["ValidationError"]:
    """Return the errors of the branch that was meant: the one that got furthest into the value, of its type."""
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
    """Sort key: the last of a list first, so that leaving one out does not move the others."""
    return [(isinstance(step, str), step) for step in path]
