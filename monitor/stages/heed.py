"""The stage of a judge that heeds what places tell of themselves: that they are there, their clock, their road."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitor.config.config import Config
from monitor.diagnose.corroboration import LocalWitness
from monitor.diagnose.place_state import CLOCK_SAID_S, SILENT, is_clock_voteless
from monitor.state.belief import BeliefView, ControlResult
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals
from monitor.store.place_report import PlaceNews

HEED_S = 1.0
"""Seconds between two looks."""
LISTENED_S = 30.0
"""Seconds that this judge must have listened before it calls a place silent that was so before: after a fail-over, or
while the shared store was away, nobody could be heard."""
SAME = timedelta(seconds=5)
"""Difference up to which two beginnings of a silence are the same: the clock of a server is read each time."""


class Ear(Protocol):
    """The way from the places. Raises StoreError."""

    def expect(self, names: Iterable[str]) -> None: ...

    def heard_of(self) -> Sequence[PlaceNews]: ...


async def heed_places(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, ear: Ear
) -> None:
    """Hand what places tell of themselves to the beat, and have them look at once when they are heard of again."""
    began_s, config, names = services.edge.timer(), None, frozenset[str]()
    while True:
        if belief.config is not config:
            config, names = belief.config, watched_places(belief.config)
            await asyncio.to_thread(ear.expect, sorted(names))
        found = await asyncio.to_thread(ear.heard_of)
        listened_s = services.edge.timer() - began_s
        heed(services, belief, planned, signals, [one for one in found if one.name in names], listened_s)
        await asyncio.sleep(HEED_S)


def watched_places(config: Config) -> frozenset[str]:
    """Return the places from which anything is probed."""
    return frozenset(watch.target.location for watch in config.watches.values()) - {""}


def heed(
    services: Services,
    belief: BeliefView,
    planned: ScheduleState,
    signals: StageSignals,
    found: Sequence[PlaceNews],
    listened_s: float,
) -> None:
    """Take in what is known of all places; `listened_s`: for how long this judge has listened."""
    before, now = belief.control.places, services.edge.clock()
    after = {one.name: witness_of(one, before.get(one.name), now, listened_s) for one in found}
    if after != before:
        signals.report(ControlResult(places=after))
    back = {name for name, one in after.items() if before.get(name, one).silent_since and not one.silent_since}
    if back:
        _hurry(belief, planned, back, now)
    _pass_on(services, found)


def witness_of(news: PlaceNews, before: LocalWitness | None, now: datetime, listened_s: float) -> LocalWitness:
    """Return what a place's news make of it as a witness."""
    off_s = news.clock.least_s if news.clock else 0.0
    off_s = round(off_s) if abs(off_s) > CLOCK_SAID_S else round(off_s, 1)
    since = now - news.silent if news.silent >= SILENT else None
    if since and before and before.silent_since and abs(before.silent_since - since) < SAME:
        since = before.silent_since
    awaited = since is not None and listened_s < LISTENED_S
    muted = since is not None or is_clock_voteless(off_s)
    return LocalWitness(news.report.controls, news.report.online, muted, since, awaited, off_s)


def _hurry(belief: BeliefView, planned: ScheduleState, places: Iterable[str], now: datetime) -> None:
    """Have what costs nothing looked at from there at once: how it is now, nobody knows."""
    for id, watch in belief.config.watches.items():
        if watch.target.location in places and watch.free and not watch.aside:
            planned.probes.hurry(id, now)


def _pass_on(services: Services, found: Sequence[PlaceNews]) -> None:
    """Show what does not work at a place where people look: beside what does not work here."""
    own = services.own
    said = {f"place {one.name}: {key}": words for one in found for key, words in _warnings(one).items()}
    for key in [key for key in own.warnings if key.startswith("place ") and key not in said]:
        own.mended(key)
    for key, words in said.items():
        own.warn(key, words, logging.WARNING)


def _warnings(news: PlaceNews) -> Mapping[str, str]:
    return {key: f"{news.name}: {words}" for key, words in news.report.warnings.items()}
