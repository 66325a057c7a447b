"""The endpoints of general monitors that are those of LLM APIs → accounts.

Sources: config/endpoint of github.com/TwiN/gatus; src/components/settings/Backup.vue and server/model/monitor.js of
github.com/louislam/uptime-kuma.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from monitor.setup.address import GATEWAY, base_of, is_address, provider_at, settle, speaks_like_one
from monitor.setup.entry import Entry, entries, text_of
from monitor.setup.proposal import Proposal, ProposedAccount, label
from probes.answer.known_name import known_names
from probes.catalog import Catalog

VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
"""How Gatus writes a variable: the whole text is replaced before it is read."""
KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
ANTHROPIC = "anthropic-version"
ASKING = ("http", "keyword", "json-query")
"""The kinds of Uptime Kuma's monitors that send a request over HTTP."""


class WatchedEndpoint(Struct, frozen=True):
    """What is asked there: an address, its headers by their names in lower case, and a body. `is_off`: it is not."""

    place: str
    name: str
    url: str
    headers: Mapping[str, str]
    body: str = ""
    is_off: bool = False


def read_gatus(tables: Entry, file: str, catalog: Catalog) -> Proposal:
    """Return the accounts behind `endpoints` (once `services`), and each endpoint that is none."""
    given = entries(tables.get("endpoints")) or entries(tables.get("services"))
    return _read([_of_gatus(one, number, file) for number, one in enumerate(given, 1)], catalog)


def read_kuma(tables: Entry, file: str, catalog: Catalog) -> Proposal:
    """Return the accounts behind the monitors of a backup, and each monitor that is none."""
    given = entries(tables.get("monitorList"))
    return _read([_of_kuma(one, number, file) for number, one in enumerate(given, 1)], catalog)


def _of_gatus(one: Entry, number: int, file: str) -> WatchedEndpoint:
    name = text_of(one, "name")
    place = f"{file}: endpoint {number} ({label(name, 'without a name')})"
    url, headers, is_off = text_of(one, "url"), _folded(one.get("headers")), one.get("enabled") is False
    return WatchedEndpoint(place, name, url, headers, text_of(one, "body"), is_off)


def _of_kuma(one: Entry, number: int, file: str) -> WatchedEndpoint:
    name = text_of(one, "name")
    place = f"{file}: monitor {number} ({label(name, 'without a name')})"
    headers = dict(_folded(_decoded(text_of(one, "headers"))))
    if one.get("authMethod") == "bearer" and (token := text_of(one, "bearer_token")):
        headers["authorization"] = f"Bearer {token}"
    url = text_of(one, "url") if one.get("type") in ASKING else ""
    return WatchedEndpoint(place, name, url, headers, text_of(one, "body"), one.get("active") in (False, 0))


def _read(endpoints: list[WatchedEndpoint], catalog: Catalog) -> Proposal:
    accounts, unread = list[ProposedAccount](), list[str]()
    for one in endpoints:
        found = _account(one, catalog)
        if found and one.is_off:
            unread.append(f"{one.place} is switched off")
        elif found:
            accounts.append(found)
        else:
            unread.append(f"{one.place} asks no LLM API")
    return Proposal(tuple(accounts), tuple(unread))


def _account(one: WatchedEndpoint, catalog: Catalog) -> ProposedAccount | None:
    hosts = known_names().hosts
    if not is_address(one.url) or one.url.partition("//")[2].startswith("$"):
        return None
    known = provider_at(one.url, hosts)
    if known is None and not (speaks_like_one(one.url) and _key(one)):
        return None
    usual = "anthropic" if ANTHROPIC in one.headers else GATEWAY
    provider, base = settle(known or usual, base_of(one.url), catalog, hosts)
    key = _key(one)
    variable = VARIABLE.fullmatch(key)
    model = text_of(_decoded(one.body), "model")
    return ProposedAccount(
        provider,
        label(one.name),
        one.place,
        key=f"env:{variable[1]}" if variable else None,
        secret="" if variable else key,
        base=base,
        models=(model,) if model else (),
    )


def _key(one: WatchedEndpoint) -> str:
    given = next((one.headers[name] for name in KEY_HEADERS if name in one.headers), "")
    return re.sub(r"^(?:bearer|basic)\s+", "", given.strip(), flags=re.I)


def _folded(headers: object) -> Mapping[str, str]:
    if not isinstance(headers, dict):
        return {}
    return {str(name).lower(): value for name, value in headers.items() if isinstance(value, str)}


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
