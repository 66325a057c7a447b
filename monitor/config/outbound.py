"""What leaves this machine: where messages and pings go, and how requests travel."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from monitor.config.address import LADEN, is_address
from monitor.config.config import Collector, Heartbeat
from monitor.config.document import Document, id_of_section
from monitor.config.proxy_setting import EgressDefaults, read_default_egress, read_egress
from monitor.config.secret import SecretError, is_reference, resolve_secret
from probes.catalog import Catalog
from probes.document import Problem
from probes.header import why_refused, why_unsendable
from probes.proxy import Egress


class Outbound(Struct, frozen=True):
    """The address of each channel by name, and the way of each account by id; `usual` is that of the rest.

    A channel whose address or secret could not be resolved has "". `secrets` are those of the channels that have one.
    `store_url` is that of the shared store; "": there is none.
    """

    urls: Mapping[str, str]
    secrets: Mapping[str, str]
    store_url: str
    heartbeat: Heartbeat | None
    collector: Collector | None
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
    collector, export_problems = _read_collector(document, path, environment)
    store_url, unstored = _read_store(document, path, environment)
    usual, wrong = read_default_egress(environment)
    ways, way_problems = _read_ways(document, providers, EgressDefaults(path, environment, usual))
    problems = [*url_problems, *secret_problems, *unstored, *ping_problems, *export_problems, *wrong, *way_problems]
    return Outbound(urls, secrets, store_url, heartbeat, collector, usual, ways), problems


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


def _read_store(document: Document, path: Path, environment: Mapping[str, str]) -> tuple[str, list[Problem]]:
    text, key = document.store.url, "store.url"
    if text is None:
        return "", []
    try:
        url = _followed(text, path, environment)
    except SecretError as error:
        return "", [Problem(path.name, key, error.what, f"{error.repair}, or leave it out")]
    # The value is not shown: most of it may be right, and then a part of it is the password.
    if not url.startswith(("postgresql://", "postgres://")):
        what = f'= "{text}" leads to what is no address of a PostgreSQL' if is_reference(text) else "is none"
        return "", [Problem(path.name, key, what, "write postgresql://user@host/database, or env:NAME")]
    if not is_importable("psycopg"):
        what = "needs a library that is not installed"
        return "", [Problem(path.name, key, what, 'say pip install "provider-monitor[postgres]", or leave it out')]
    return url, []


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


def _read_collector(
    document: Document, path: Path, environment: Mapping[str, str]
) -> tuple[Collector | None, list[Problem]]:
    section = document.metrics
    if section.otlp is None:
        return None, []
    problems = [Problem(path.name, "metrics.otlp", *one) for one in _check_collector(section.otlp)]
    headers = dict[str, str]()
    for name, text in section.headers.items():
        key = f"metrics.headers.{name}"
        try:
            headers[name.lower()] = value = _followed(text, path, environment)
        except SecretError as error:
            problems.append(Problem(path.name, key, error.what, f"{error.repair}, or leave this header out"))
        else:
            if why := why_refused(name) or why_unsendable(value):
                problems.append(Problem(path.name, key, why, "mend it, or leave this header out"))
    return Collector(_with_path(section.otlp), headers), problems


def _check_collector(url: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with it, and the repair."""
    if not is_address(url):
        yield "is no web address", 'write it as "http://host:4318"'
    elif urlsplit(url).username or urlsplit(url).query:
        yield LADEN, 'put what it grants access by into headers = { authorization = "env:NAME" }'
    elif not is_importable("opentelemetry.proto"):
        yield "needs a library that is not installed", 'say pip install "provider-monitor[otlp]", or leave it out'


def is_importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def _with_path(url: str) -> str:
    """Return the address with the path of metrics if it has none. Source: OTLP Specification, OTLP/HTTP Request."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1/metrics"


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
