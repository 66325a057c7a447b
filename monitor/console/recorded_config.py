"""A configuration made from what the database holds, to read on while monitor.toml cannot be used."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from monitor.backend import open_store
from monitor.config.config import Config
from monitor.config.document import AccountSection, Document, id_of_section
from monitor.config.load import bare_config, read_valid_part
from monitor.config.targets import is_aside, watches_of
from monitor.schedule import Watch
from monitor.storage_refusal import StoreError
from monitor.store.resumption import RestoredBelief
from probes.catalog import Catalog, load_provider, provider_ids
from probes.model import Account, Target
from probes.provider import Provider
from probes.target_id import account_of, canary_of, model_of, name_of, provider_of

RECENT = timedelta(days=1)
"""How long ago a target may have been probed to count as watched."""


def recorded_config(file: Path) -> Config | None:
    """Return what was watched lately, as the valid part of the file and the database tell; None if they tell nothing.

    It has no key, channel or rule, so it serves for reading only.
    """
    document = read_valid_part(file)
    bare = bare_config(document, file)
    with suppress(StoreError):
        return next((found for one in _placed(bare) if (found := _recorded(one, document))), None)
    return None


def _placed(bare: Config) -> list[Config]:
    """Return it at its location, then at each other in the database: the file may say so where it cannot be read."""
    with open_store(bare.store).reading() as stored:
        others = stored.other_locations()
    return [bare, *(replace(bare, store=replace(bare.store, location=other)) for other in others)]


def _recorded(bare: Config, document: Document) -> Config | None:
    with open_store(bare.store).reading() as stored:
        found = stored.resumption.resume()
    targets = [id for id in found.healths if _is_recent(found, id)]
    providers = _providers(targets)
    watches = {watch.target.id: watch for watch in _watches(targets, document, providers, found)}
    sections = {id_of_section(one): one for one in document.accounts}
    ids = dict.fromkeys(watch.target.account for watch in watches.values())
    accounts = {id: _account(id, sections.get(id)) for id in ids}
    return replace(bare, providers=providers, accounts=accounts, watches=watches) if watches else None


def _is_recent(found: RestoredBelief, target: str) -> bool:
    seen = found.healths[target].seen_at
    return seen is not None and datetime.now(UTC) - seen < RECENT


def _providers(targets: Iterable[str]) -> dict[str, Provider]:
    """Return the shipped ones: what the file says of its own may be what is wrong with it."""
    known = provider_ids()
    return {id: load_provider(id) for id in dict.fromkeys(map(provider_of, targets)) if id in known}


def _account(id: str, section: AccountSection | None) -> Account:
    its = section or AccountSection(name=name_of(id), provider=provider_of(id))
    return Account(its.name, its.provider, base=its.base, tags=tuple(its.tags), note=its.note, priority=its.priority)


def _watches(targets: Iterable[str], document: Document, providers: Catalog, found: RestoredBelief) -> Iterator[Watch]:
    planned = {
        watch.target.id: watch
        for section in document.accounts
        if section.provider in providers
        for watch in watches_of(section, providers, document.probe)
    }
    for id in targets:
        if watch := planned.get(id) or _watch(id, document, providers, found):
            yield watch


def _watch(id: str, document: Document, providers: Catalog, found: RestoredBelief) -> Watch | None:
    """Return how a target is watched; None if that is not known any more.

    Its interval is the usual one, or the time from its last probe to its next if that is longer.
    """
    canary, provider = canary_of(id), providers.get(provider_of(id))
    facts = provider.canaries.get(canary) if provider else None
    if facts is None:
        return None
    usual_s = facts.every_s or (document.probe.free_interval_s if facts.free else document.probe.paid_interval_s)
    seen, following = found.healths[id].seen_at, found.plans.get(id)
    planned_s = (following - seen).total_seconds() if seen and following else 0.0
    target = Target(account_of(id), provider_of(id), canary, model_of(id) or None)
    return Watch(target, max(usual_s, planned_s), facts.free, is_aside(canary, facts))
