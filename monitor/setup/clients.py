"""Clients' own configurations → the accounts whose keys' places they name. No key is read here."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.setup.address import GATEWAY, is_address, settle
from monitor.setup.entry import text_at
from monitor.setup.proposal import Proposal, ProposedAccount, label
from probes.answer.known_name import known_names
from probes.catalog import Catalog

CODEX, CLAUDE = Path(".codex/config.toml"), Path(".claude/settings.json")
"""Below the home. Sources: developers.openai.com/codex/config-reference, code.claude.com/docs/en/settings."""
SUBSCRIPTIONS = {"codex": Path(".codex/auth.json"), "claude-code": Path(".claude/.credentials.json")}
"""Where a client keeps its login: that there is one is all that is looked at."""
SHELL = re.compile(r"[|&;<>$`*?(){}\n]")
"""What only a shell understands: `command:` has none."""


def read_clients(home: Path, catalog: Catalog) -> Proposal:
    """Return what the clients' files below a home name; one that cannot be read names nothing."""
    accounts = (*_codex(_tables(home / CODEX), catalog), *_claude(_json(home / CLAUDE), catalog), *_logins(home))
    return Proposal(accounts)


def _codex(tables: Mapping[str, Any], catalog: Catalog) -> Iterator[ProposedAccount]:
    """Yield the providers of Codex that say in which variable their key is."""
    hosts = known_names().hosts
    for id, table in _mappings(tables.get("model_providers")):
        base, variable = table.get("base_url"), table.get("env_key")
        if isinstance(base, str) and isinstance(variable, str) and is_address(base):
            provider, settled = settle(GATEWAY, base, catalog, hosts)
            yield ProposedAccount(provider, label(id), f"~/{CODEX}", f"env:{variable}", base=settled)


def _claude(settings: Mapping[str, Any], catalog: Catalog) -> Iterator[ProposedAccount]:
    """Yield the account whose key a program prints for Claude Code."""
    program = settings.get("apiKeyHelper")
    if not isinstance(program, str) or SHELL.search(program):
        return
    variables = settings.get("env")
    base = variables.get("ANTHROPIC_BASE_URL") if isinstance(variables, dict) else None
    if base is not None and not (isinstance(base, str) and is_address(base)):
        return
    provider, settled = settle("anthropic", base, catalog, known_names().hosts)
    key, why = f"command:{program}", "a program prints its key, and is run only if you remove the #"
    yield ProposedAccount(provider, "claude-code", f"~/{CLAUDE}", key, base=settled, hindrance=why)


def _logins(home: Path) -> Iterator[ProposedAccount]:
    why = "each question takes a little of the subscription: remove the # if you want that"
    for id, file in SUBSCRIPTIONS.items():
        if os.path.isfile(home / file):  # `Path.is_file` raises in a folder that is closed to us
            yield ProposedAccount(id, "subscription", f"the login of its client, ~/{file.parent}", hindrance=why)


def _mappings(value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield from ((str(key), inner) for key, inner in value.items() if isinstance(inner, dict))


def _tables(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text_at(file) or "")
    except (ValueError, RecursionError):
        return {}


def _json(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(text_at(file) or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
