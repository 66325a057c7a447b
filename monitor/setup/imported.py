"""A file of another tool → the accounts in it: LiteLLM, one-api, new-api, Gatus, Uptime Kuma, or an env file."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from monitor.config.env_file import EnvFile, parse_env
from monitor.setup.channels import find_channels, read_channels
from monitor.setup.endpoints import read_gatus, read_kuma
from monitor.setup.litellm import read_litellm
from monitor.setup.model import small_model
from monitor.setup.proposal import Proposal, ProposedAccount, tidied
from monitor.setup.variables import Place, read_variables
from probes.catalog import Catalog
from probes.document import LARGEST_BYTES, DocumentError, Problem, read_file

Reader = Callable[[Mapping[str, Any], str, Catalog], Proposal]
READERS: Mapping[str, Reader] = {
    "model_list": read_litellm,
    "endpoints": read_gatus,
    "services": read_gatus,
    "monitorList": read_kuma,
}
"""By the list that only files of one tool have."""
FORMS = (
    "known are LiteLLM's config.yaml (model_list), channels of one-api or new-api as JSON (type, key, models), Gatus "
    "(endpoints), a backup of Uptime Kuma (monitorList), and NAME=value lines"
)


def import_file(path: Path, reference: str, catalog: Catalog) -> Proposal:
    """Return what a file holds. `reference` begins a reference to a variable in it, if it is an env file.

    Raises DocumentError for a file that cannot be read, or in which no account is found.
    """
    text = _text(path)
    if variables := _env_file(text, path):
        found = _of_variables(variables, Place(reference, path.name), catalog)
    else:
        found = _read(_parsed(text, path), path.name, catalog)
    if not found.accounts:
        raise DocumentError([*_as_problems(found, path.name), Problem(path.name, "", "holds no account", FORMS)])
    return tidied(replace(found, accounts=tuple(_with_cheap_model(one, catalog) for one in found.accounts)))


def _as_problems(found: Proposal, file: str) -> Iterator[Problem]:
    for words in found.unread:
        yield Problem(file, "", words.removeprefix(f"{file}: "), "add it by hand, if it is an account")


def _read(document: object, file: str, catalog: Catalog) -> Proposal:
    try:
        return _of_its_tool(document, file, catalog)
    except ValueError:  # Python writes no number of more than 4,300 digits, and YAML has them in hexadecimal
        raise DocumentError([Problem(file, "", "holds a number of thousands of digits", "shorten it")]) from None


def _of_its_tool(document: object, file: str, catalog: Catalog) -> Proposal:
    channels = find_channels(document)
    if channels is not None:
        return read_channels(channels, file, catalog)
    if isinstance(document, dict):
        for name, reader in READERS.items():
            if isinstance(document.get(name), list):
                return reader(document, file, catalog)
    raise DocumentError([Problem(file, "", _strange(document), FORMS)])


def _strange(document: object) -> str:
    """Say what a file of no known form holds; no value is shown, but that of its version."""
    if not isinstance(document, dict):
        return "is of no form that is known here"
    version = document.get("version")
    told = f' of version "{version}"' if isinstance(version, str | int | float) and len(str(version)) < 20 else ""
    named = ", ".join(sorted(str(name)[:40] for name in document)[:8])
    return f"is of no form that is known here{told}: it has {named or 'nothing'}"


def _text(path: Path) -> str:
    try:
        content = read_file(path, LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise DocumentError(
                [Problem(path.name, "", f"is larger than {LARGEST_BYTES} bytes", "give a smaller file")]
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or str(error)
        raise DocumentError([Problem(path.name, "", f"cannot be read ({why})", f"compare the path {path}")]) from None
    except UnicodeDecodeError as error:
        raise DocumentError(
            [Problem(path.name, "", f"is not UTF-8 (byte {error.start})", "save it as UTF-8")]
        ) from None


def _env_file(text: str, path: Path) -> EnvFile | None:
    """Return the variables of an env file: by its name, or if most lines are of its form; None for another one."""
    found = parse_env(text)
    is_named = ".env" in path.suffixes or path.name.startswith(".env")
    is_likely = is_named or len(found.variables) > len(found.strange)
    return found if found.variables and is_likely and text.lstrip()[:1] not in ("{", "[") else None


def _of_variables(read: EnvFile, place: Place, catalog: Catalog) -> Proposal:
    found = read_variables(read.variables, place, catalog, tell_all=True)
    return found + Proposal((), tuple(f"{place.words}: line {number} is no NAME=value" for number in read.strange))


def _parsed(text: str, path: Path) -> object:
    """Return the content of JSON or YAML."""
    return _json(text, path) if text.lstrip()[:1] in ("{", "[") else _yaml(text, path)


def _json(text: str, path: Path) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise DocumentError(
            [Problem(path.name, "", f"is not JSON{where}", "export it again; half of it may lack")]
        ) from None


def _yaml(text: str, path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise DocumentError([Problem(path.name, "", f"is neither JSON nor YAML{where}", FORMS)]) from None


def _with_cheap_model(one: ProposedAccount, catalog: Catalog) -> ProposedAccount:
    """Return an account that asks one cheap model: the company's usual one, else the smallest that the file names.

    The others are only expected to stay on the list, which costs nothing; where there is none, they are left out.
    """
    provider = catalog[one.provider]
    chat, named = provider.canaries.get("chat"), dict.fromkeys((*one.models, *one.expect))
    usual = chat.model if chat and one.base is None else None
    asked = usual or small_model(named)
    lists = any(canary.offers for canary in provider.canaries.values())
    expect = tuple(model for model in named if model != asked and len(model) <= LONGEST_MODEL) if lists else ()
    return replace(one, models=(asked,) if asked and not usual else (), expect=expect)


LONGEST_MODEL = 200
"""Most characters of the name of a model in `expect`."""
