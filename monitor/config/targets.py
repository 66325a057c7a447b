"""Which targets are watched of each account, and how often."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from monitor.config.address import is_address
from monitor.config.document import AccountSection, ProbeSection, id_of_section
from monitor.schedule import Watch
from probes.catalog import MODELLESS, Catalog
from probes.model import Target
from probes.provider import Canary, Provider

USUAL = ("chat", "command")
"""Paid canaries that are used by default, if the provider has them."""
CORE = "list"
"""The free canary that shows whether the key works, whatever else its answer reports."""


def core_canary(provider: Provider) -> Canary | None:
    """Return the canary by which an address is checked before anything is sent."""
    return provider.canaries.get("chat") or provider.canaries.get(CORE)


def models_for(section: AccountSection, provider: Provider, canary: str) -> Sequence[str | None]:
    """Return the models a canary asks for; [None] if it asks for none, empty if it needs one and has none."""
    facts = provider.canaries[canary]
    if facts.dialect in MODELLESS:
        return [None]
    chosen = section.models.get(canary, []) if isinstance(section.models, dict) else section.models
    return list(dict.fromkeys(chosen)) or ([facts.model] if facts.model else [])


def watches_of(section: AccountSection, providers: Catalog, probe: ProbeSection) -> Iterator[Watch]:
    """Yield what is probed, of the canaries that exist; unknown ones are reported as problems."""
    provider = providers[section.provider]
    host = urlsplit(section.base).netloc if section.base and is_address(section.base) else None
    canaries = section.canaries or [
        name for name, facts in provider.canaries.items() if _is_usual(name, facts, section)
    ]
    for canary in dict.fromkeys(name for name in canaries if name in provider.canaries):
        facts = provider.canaries[canary]
        usual_s = facts.every_s or (probe.free_interval_s if facts.free else probe.paid_interval_s)
        for model in models_for(section, provider, canary):
            target = Target(id_of_section(section), section.provider, canary, model, host)
            yield Watch(target, section.interval_s.get(canary, usual_s), facts.free, is_aside(canary, facts))


def is_aside(name: str, facts: Canary) -> bool:
    """Whether a canary reports more than whether the account works; see `Watch`."""
    return name != CORE and (facts.admin or facts.offers is not None or facts.credit is not None)


def _is_usual(name: str, facts: Canary, section: AccountSection) -> bool:
    """Whether a canary is used by default: chat, and all that are free and can be called."""
    if facts.admin:
        return section.admin_key is not None
    if section.base and facts.is_elsewhere:
        return False
    return (facts.free and not facts.optional) or name in USUAL


def requested_models(watches: Iterable[Watch]) -> Mapping[str, set[str]]:
    """Return the requested models, by account."""
    asked: dict[str, set[str]] = defaultdict(set)
    for watch in watches:
        asked[watch.target.account] |= {watch.target.model} if watch.target.model else set()
    return asked
