"""When each fact about a provider was read last, and which were not for long; pure."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from msgspec import Struct

from probes.document import Problem
from probes.provider import Canary, Feed, NoPage, Provider, Rule, Signal, Wording

SHARED = "wording"
"""What stands for a provider's id where a fact is shared by all."""
AHEAD = timedelta(days=1)
"""How far another time zone's day may be ahead of ours."""


class DatedFact(Struct, frozen=True):
    """One fact that can be wrong by itself: its dotted path in the provider's file, and where and when it was read.

    `source` is an address, or words that begin with "unverified"; an address of help is its own source.
    """

    provider: str
    path: str
    source: str
    checked: date
    verified: bool


class Origin(NamedTuple):
    """Where and when a fact was read."""

    source: str
    checked: date


def dated_facts(provider: Provider) -> Iterator[DatedFact]:
    """Yield each fact of a provider; what has no source or day of its own has those of its block, or of the file."""
    origins, whole = _origins(provider), Origin(provider.source, provider.checked)
    for path, verified in provider.facts().items():
        above = (origin for block, origin in origins.items() if path.startswith(f"{block}."))
        yield DatedFact(provider.id, path, *(origins.get(path) or next(above, whole)), verified)


def _origins(provider: Provider) -> dict[str, Origin]:
    blocks: list[tuple[str, Canary | Rule | Signal | Feed]] = [
        *((f"canaries.{name}", one) for name, one in provider.canaries.items()),
        *((f"rules.{one.id}", one) for one in provider.rules),
        *((f"signals.{one.id}", one) for one in provider.signals),
        *((f"feeds.{one.id}", one) for one in provider.feeds),
    ]
    told = {path: Origin(one.source, one.checked or provider.checked) for path, one in blocks}
    prices = {f"prices.{one.model}": Origin(one.source, one.checked) for one in provider.prices}
    read = provider.help_checked or provider.checked
    places = {f"help.{fault}": place for fault, place in provider.help.items()}
    pages = {f"verification.{demand}": page for demand, page in provider.verification.items()}
    helps = {
        path: Origin(provider.source if isinstance(place, NoPage) else place, read)
        for path, place in (places | pages).items()
    }
    return told | prices | helps


def dated_wording(wording: Wording) -> Iterator[DatedFact]:
    """Yield each rule and signal of the shared layer."""
    for kind, blocks in (("rules", wording.rules), ("signals", wording.signals)):
        for one in blocks:
            verified = not one.source.startswith("unverified")
            yield DatedFact(SHARED, f"{kind}.{one.id}", one.source, one.checked or wording.checked, verified)


def stale(facts: Iterable[DatedFact], today: date, days: int) -> list[DatedFact]:
    """Return the facts that were not read for this many days, the oldest first."""
    return sorted((one for one in facts if age_days(one, today) >= days), key=lambda one: one.checked)


def age_days(fact: DatedFact, today: date) -> int:
    """Return for how many days a fact was not read; 0 for what another time zone read tomorrow."""
    return max((today - fact.checked).days, 0)


def future_days(facts: Iterable[DatedFact], today: date) -> Iterator[Problem]:
    """Yield a problem for each day on which nobody can have read anything yet, one for all facts of a file with it."""
    told: dict[tuple[str, date], str] = {}
    for one in facts:
        if one.checked > today + AHEAD:
            told.setdefault((one.provider, one.checked), one.path)
    for (id, day), path in sorted(told.items()):
        what = f"was checked on {day}, which is after today, {today}"
        yield Problem(f"{id}.toml", path, what, "give the day on which its source was read")
