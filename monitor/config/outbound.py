"""What leaves this machine: where messages and pings go, and how requests travel."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from monitor.config.address import is_address
from monitor.config.config import Heartbeat
from monitor.config.document import Document, id_of_section
from monitor.config.proxy_setting import EgressDefaults, read_default_egress, read_egress
from monitor.config.secret import SecretError, is_reference, resolve_secret
from probes.catalog import Catalog
from probes.document import Problem
from probes.proxy import Egress


class Outbound(Struct, frozen=True):
    """The address of each channel by name, and the way of each account by id; `usual` is that of the rest.

    A channel whose address or secret could not be resolved has "". `secrets` are those of the channels that have one.
    """

    urls: Mapping[str, str]
    secrets: Mapping[str, str]
    heartbeat: Heartbeat | None
    usual: Egress
    ways: Mapping[str, Egress]


def read_outbound(
    document: Document, providers: Catalog, path: Path, environment: Mapping[str, str]
) -> tuple[Outbound, list[Problem]]:
    named = {one.name: one.url for one in document.channels}
    urls, url_problems = _read_references("url", named, path, environment)
    signing = {one.name: one.secret for one in document.channels if one.secret}
    secrets, secret_problems = _read_references("secret", signing, path, environment)
    urls |= {name: "" for name, secret in secrets.items() if not secret}
    heartbeat, ping_problems = _read_heartbeat(document, path, environment)
    usual, wrong = read_default_egress(environment)
    ways, way_problems = _read_ways(document, providers, EgressDefaults(path, environment, usual))
    problems = [*url_problems, *secret_problems, *ping_problems, *wrong, *way_problems]
    return Outbound(urls, secrets, heartbeat, usual, ways), problems


def _read_references(
    key: str, texts: Mapping[str, str], path: Path, environment: Mapping[str, str]
) -> tuple[dict[str, str], list[Problem]]:
    """Return this key of each channel by its name, with references resolved; "" if that failed."""
    found, problems = dict[str, str](), list[Problem]()
    for name, text in texts.items():
        try:
            found[name] = _followed(text, path, environment)
        except SecretError as error:
            found[name] = ""
            repair = f"{error.repair}, or leave this channel out"
            problems.append(Problem(path.name, f"channels.{name}.{key}", error.what, repair))
    return found, problems


def _read_heartbeat(
    document: Document, path: Path, environment: Mapping[str, str]
) -> tuple[Heartbeat | None, list[Problem]]:
    section, key = document.heartbeat, "heartbeat.url"
    if section is None:
        return None, []
    try:
        url = _followed(section.url, path, environment)
    except SecretError as error:
        return None, [Problem(path.name, key, error.what, f"{error.repair}, or leave [heartbeat] out")]
    if is_address(url):
        return Heartbeat(url, section.interval_s), []
    # The value is not shown: most of it may be right, and then it is the secret.
    is_named = is_reference(section.url)
    what = f'= "{section.url}" leads to what is no web address' if is_named else "is no web address"
    repair = "give the ping address: https://hc-ping.com/..., or env:NAME"
    return Heartbeat(url, section.interval_s), [Problem(path.name, key, what, repair)]


def _followed(text: str, path: Path, environment: Mapping[str, str]) -> str:
    """Return an address, resolving a reference. Raises SecretError."""
    return resolve_secret(text, path.parent, environment) if is_reference(text) else text


def _read_ways(
    document: Document, providers: Catalog, ground: EgressDefaults
) -> tuple[dict[str, Egress], list[Problem]]:
    """Return how the requests of each account leave; a problem with a provider's way is reported once."""
    ways, problems = dict[str, Egress](), dict[str, Problem]()
    for section in document.accounts:
        id = id_of_section(section)
        ways[id], found = read_egress(section, id, ground, providers.get(section.provider))
        for one in found:
            problems.setdefault(one.key, one)
    return ways, list(problems.values())
