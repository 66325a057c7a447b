"""Providers' files → the names and hosts by which an answer speaks of each."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

import msgspec

from probes.answer.known_name import FILE, KnownNames, plain
from probes.catalog import load_provider, provider_ids
from probes.document import DocumentError, Problem
from probes.provider import Provider


def known_names(providers: Iterable[Provider]) -> KnownNames:
    """Return the names and hosts of all providers. Raises DocumentError where two have the same one."""
    names, hosts = dict[str, str](), dict[str, str]()
    problems: list[Problem] = []
    for one in providers:
        problems += _add(names, one.id, "also_called", map(plain, _names(one)))
        problems += _add(hosts, one.id, "also_at", _hosts(one))
    if problems:
        raise DocumentError(problems)
    return KnownNames(dict(sorted(names.items())), dict(sorted(hosts.items())))


def _add(known: dict[str, str], id: str, key: str, its: Iterable[str]) -> Iterator[Problem]:
    for name in its:
        if known.setdefault(name, id) != id:
            repair = "an answer that names it can be about one only: leave it out of one file"
            yield Problem(f"{id}.toml", key, f'= "{name}" already means {known[name]}', repair)


def _names(provider: Provider) -> Iterator[str]:
    """Yield its names. A client, or a gateway at each user's own address, only has those that its file lists."""
    if not provider.is_command and (provider.base or not provider.relays):
        yield from (provider.id, provider.name)
    yield from provider.also_called


def _hosts(provider: Provider) -> Iterator[str]:
    if provider.base:
        yield urlsplit(provider.base).hostname or ""
    yield from provider.also_at


def encoded(known: KnownNames) -> bytes:
    """Return the content of the file that is shipped."""
    return msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n"


if __name__ == "__main__":  # `make schema`
    FILE.write_bytes(encoded(known_names(map(load_provider, provider_ids()))))
