"""What is here already → the accounts to propose: variables, env files of a folder, clients' configurations."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.config.env_file import read_env
from monitor.setup.clients import read_clients
from monitor.setup.entry import text_at
from monitor.setup.proposal import Proposal, Variables, tidied
from monitor.setup.variables import Place, read_variables
from probes.catalog import Catalog

EXAMPLES = ("example", "sample", "template", "dist")
"""Ends of the names of env files that hold no keys."""


def discover(folder: Path, environment: Variables, catalog: Catalog) -> Proposal:
    """Return what is found. A key that is both in an env file and in the environment is taken from the file."""
    files = dict(_env_files(folder))
    found, held = Proposal(), dict[str, str]()
    for name, variables in files.items():
        found += read_variables(variables, Place(f"file:{name}#", name), catalog)
        held |= variables
    rest = {name: value for name, value in environment.items() if held.get(name) != value}
    found += read_variables(rest, Place("env:", "the environment"), catalog)
    home = environment.get("HOME", "")
    return tidied(found + read_clients(Path(home), catalog) if home else found)


def _env_files(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the env files of a folder; one that cannot be read has nothing for us."""
    for file in sorted(folder.glob(".env*")):
        if not file.name.endswith(EXAMPLES):
            yield file.name, read_env(text_at(file) or "")
