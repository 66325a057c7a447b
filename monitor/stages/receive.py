"""The stages of a judge between the places and the beat: what was seen comes in, and what is wanted goes out."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from monitor.schedule import WantedProbes
from monitor.stages.probe import is_undecided
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals
from monitor.store.outgoing import Received
from monitor.words import count
from probes.model import Observation, Outcome
from probes.target_id import location_of, look_of

AT_ONCE = 5_000
"""Most observations taken at once of one origin."""
PAUSE_S = 0.25
"""Seconds between two looks for more."""
LATE = timedelta(minutes=5)
"""Age from which an observation only adds to the history: what it shows may be over."""
UNWATCHED = "unwatched"
"""Key of the warning of targets that no configuration here names."""


class Inbox(Protocol):
    """The way from the shared store. Raises StoreError."""

    def receive(self, after: Mapping[str, int], most: int) -> Sequence[Received]: ...


class Outlet(Protocol):
    """The way back to the places. Raises StoreError."""

    def want(self, wanted: Sequence[tuple[str, str]], at: datetime) -> None: ...


async def receive_observations(services: Services, belief: BeliefView, signals: StageSignals, inbox: Inbox) -> None:
    """Hand what the places ship to the beat, each place's in order."""
    known = dict[str, int]()
    while True:
        found = await asyncio.to_thread(inbox.receive, known, AT_ONCE)
        _hand_on(services, belief, signals, found)
        known |= {one.origin: one.seq for one in found}
        if len(found) < AT_ONCE:
            await asyncio.sleep(PAUSE_S)


def _hand_on(services: Services, belief: BeliefView, signals: StageSignals, found: Sequence[Received]) -> None:
    now, unwatched = services.edge.clock(), set[str]()
    for one in found:
        signals.arrivals.received[one.origin] = one.seq
        if one.observation is None:
            continue
        seen = _placed(one.observation, one.place)
        if seen.target.id not in belief.config.watches:
            unwatched.add(seen.target.id)
        elif now - seen.at > LATE:
            signals.arrivals.late.append(seen)
        else:
            _take(belief, signals, seen)
    if unwatched:
        what = f"{count(len(unwatched), 'target')} that no configuration here names, such as {min(unwatched)}"
        services.own.warn(UNWATCHED, f"{what}, were probed: give all nodes the same monitor.toml", logging.WARNING)


def _placed(seen: Observation, place: str) -> Observation:
    return replace(seen, target=replace(seen.target, location=place))


def _take(belief: BeliefView, signals: StageSignals, seen: Observation) -> None:
    signals.observations.put_nowait(seen)
    health = belief.healths.get(seen.target.id)
    if seen.outcome is not Outcome.OK or (health and is_undecided(health)):
        signals.urgent.set()


async def relay_wanted(services: Services, wanted: WantedProbes, outlet: Outlet) -> None:
    """Tell the places what is to be probed out of turn."""
    while True:
        if asked := wanted.take_wanted():
            pairs = [(location_of(target), look_of(target)) for target in asked]
            await asyncio.to_thread(outlet.want, pairs, min(asked.values()))
        await asyncio.sleep(PAUSE_S)
