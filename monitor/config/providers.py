"""Which providers there are: the shipped ones, those of the user, and their status feeds."""

from collections.abc import Iterator
from contextlib import suppress
from os.path import exists, isdir  # of a name too long, and in a folder that is closed to us, Path's own raise
from pathlib import Path

from msgspec.structs import replace

from monitor.config.address import is_address
from monitor.config.document import Document
from monitor.config.files import mkdir_repair
from monitor.config.secret import is_reference, looks_like_reference
from probes.answer.known_name import known_names, plain
from probes.catalog import FOLDER, Catalog, ProviderFiles, load_provider, provider_ids
from probes.document import DocumentError, Problem, suggest, wrong_word
from probes.provider import Feed, Provider
from probes.target_id import source_id


def read_provider_files(document: Document, path: Path) -> ProviderFiles:
    """Return where provider files are found."""
    folder = _provider_folder(document, path)
    return ProviderFiles((FOLDER, folder) if folder else (FOLDER,), document.providers)


def check_provider_files(document: Document, shelf: ProviderFiles, path: Path) -> Iterator[Problem]:
    """Report what is wrong with the user's own providers."""
    folder = _provider_folder(document, path)
    if folder and not isdir(folder):
        what = f'= "{document.provider_folder}" is no folder'
        yield Problem(path.name, "provider_folder", what, mkdir_repair(document.provider_folder, folder))
    for id in sorted(custom_providers(document, path)):
        is_table = not (folder and exists(folder / f"{id}.toml"))
        yield from (_in_table(one, id, path.name) if is_table else one for one in _faults(id, shelf))


def _faults(id: str, shelf: ProviderFiles) -> list[Problem]:
    try:
        return list(_check_provider(load_provider(id, shelf)))
    except DocumentError as error:
        return error.problems


def _in_table(problem: Problem, id: str, file: str) -> Problem:
    """Move a provider's problem to the table where the user wrote it: it has no file of its own, and ours are right."""
    return replace(problem, file=file, key=f"providers.{id}.{problem.key}".rstrip("."))


def _provider_folder(document: Document, path: Path) -> Path | None:
    return path.parent / document.provider_folder if document.provider_folder else None


def custom_providers(document: Document, path: Path) -> set[str]:
    """Return the providers that the user defines or changes: what answers there may be a gateway."""
    folder = _provider_folder(document, path)
    return {*document.providers, *(provider_ids(ProviderFiles((folder,))) if folder else ())}


def _check_provider(provider: Provider) -> Iterator[Problem]:
    for name, value in provider.headers.items():
        if looks_like_reference(value) and not is_reference(value):
            yield Problem(f"{provider.id}.toml", f"headers.{name}", "is not a reference to a value", VALUE_REPAIR)
    for feed in provider.feeds:
        for name, address in (("url", feed.url), ("page", feed.page)):
            if not is_address(address):
                key = f"feeds.{feed.id}.{name}"
                yield Problem(f"{provider.id}.toml", key, "is no web address", 'write it as "https://host/path"')


VALUE_REPAIR = 'put the value into an environment variable or a file and write "env:NAME" or "file:PATH"'


def read_providers(document: Document, shelf: ProviderFiles) -> Catalog:
    """Return the providers that accounts name, without what `check_provider_files` or `check_providers` reports."""
    known, providers = provider_ids(shelf), {}
    for id in dict.fromkeys(section.provider for section in document.accounts if section.provider in known):
        with suppress(DocumentError):
            providers[id] = load_provider(id, shelf)
    return providers


def check_providers(document: Document, shelf: ProviderFiles, file: str) -> Iterator[Problem]:
    """Report each unknown provider that accounts or [status] name."""
    known = provider_ids(shelf)
    named = [(f"accounts.{section.name}.provider", section.provider) for section in document.accounts]
    named += [("status.providers", id) for id in document.status.providers]
    for key, id in named:
        if id not in known:
            meant = known_names().names.get(plain(id))  # OpenAI, Claude, Google: as people and programs say it
            repair = f'did you mean "{meant}"?' if meant in known else suggest(id, known)
            yield wrong_word(file, key, id, "no such provider", repair)


def followed_feeds(document: Document, providers: Catalog, shelf: ProviderFiles) -> Iterator[tuple[str, Feed]]:
    """Yield the status sources of all providers with accounts, and of those named in [status]; all are known."""
    if not document.status.poll:
        return
    others = {*document.status.providers} - providers.keys()
    for provider in (*providers.values(), *(load_provider(id, shelf) for id in sorted(others))):
        yield from ((source_id(provider.id, feed.id), feed) for feed in provider.feeds)
