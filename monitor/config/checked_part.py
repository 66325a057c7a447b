"""A file that was refused → all that is wrong with it, as far as each can be known, and what of it is right."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.document import Document
from monitor.config.load import examine, key_problems, read_document, resolve
from probes.document import Problem


class CheckedPart(Struct, frozen=True):
    """What could be checked of a file: everything wrong with it, and the configuration of the tables that are right.

    `config` is None if nothing is left.
    """

    problems: Sequence[Problem]
    config: Config | None


def check_parts(path: Path, environment: Mapping[str, str], *, keys: bool) -> CheckedPart:
    """Return everything that is wrong with a file that was refused, `keys` included, and what remains of it.

    Raises DocumentError if it cannot be read at all.
    """
    document, problems = read_document(path)
    examined = examine(document, path, environment, problems, sends=keys)
    lost = key_problems(examined.draft, {one.key for one in examined.problems}) if keys else {}
    config = _config_of_rest(document, path, environment, examined.problems[len(problems) :])
    return CheckedPart([*examined.problems, *lost.values()], config)


ROUNDS = 4
"""Times that tables are left out: what named a table that is gone is wrong next."""


def _config_of_rest(
    document: Document, path: Path, environment: Mapping[str, str], problems: Sequence[Problem]
) -> Config | None:
    for _ in range(ROUNDS):
        document = _without_tables(document, [one.key for one in problems])
        examined = examine(document, path, environment, (), sends=False)
        problems = examined.problems
        if not problems:
            return resolve(examined.draft, examined.outward)
    return None


def _without_tables(document: Document, keys: Sequence[str]) -> Document:
    """Return a document without the tables in which these keys are."""
    usual = Document()
    kept: dict[str, Any] = {}
    for field in Document.__struct_fields__:
        match getattr(document, field):
            case list(its):
                kept[field] = [one for one in its if not _holds_any(_name_in_list(field, one), keys)]
            case dict(its):
                kept[field] = {name: one for name, one in its.items() if not _holds_any(f"{field}.{name}", keys)}
            case its:
                kept[field] = _without_values(its, getattr(usual, field), field, keys)
    return Document(**kept)


def _without_values(section: Any, usual: Any, name: str, keys: Sequence[str]) -> Any:
    """Return a section with the usual value at each of these keys; all of it is as usual if that is no value of its."""
    if not _holds_any(name, keys):
        return section
    fields = {field for field in getattr(usual, "__struct_fields__", ()) if _holds_any(f"{name}.{field}", keys)}
    return replace(section, **{field: getattr(usual, field) for field in fields}) if fields else usual


def _name_in_list(field: str, table: object) -> str:
    """Return how problems name a table in a list; those without a name are left out together."""
    name = getattr(table, "name", None)
    return f"{field}.{name}" if name else field


def _holds_any(table: str, keys: Sequence[str]) -> bool:
    return any(key == table or key.startswith((f"{table}.", f"{table}[")) for key in keys)
