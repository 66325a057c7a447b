"""The stage of a place that ships what was seen to the shared store, and probes at once what is wanted there."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from monitor.state.belief import BeliefView
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError
from monitor.store.outgoing import Shipment
from monitor.store.reader import Reader
from monitor.store.row import from_ms
from monitor.store.writer import Writer

log = logging.getLogger("monitor")

AT_ONCE = 1_000
"""Most observations in one shipment."""
KEPT = 500_000
"""Most observations kept while the shared store is away; then the oldest are dropped."""
NEARLY = 0.8
"""The share of KEPT from which that is said."""
ASK_S = 0.5
"""Longest time between two questions for what is wanted."""
REST_S = (1.0, 2.0, 5.0, 10.0)
"""Pauses after each failure in a row."""
PATIENCE_S = 60.0
"""How long the shared store is away before that is said."""
WARNING = "shared store"
"""Key of that warning."""


class ShippingRoute(Protocol):
    """The way to the shared store. Raises StoreError."""

    def exchange(self, place: str, shipment: Shipment | None) -> Mapping[str, int]: ...


async def ship_observations(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, link: ShippingRoute
) -> None:
    """Ship what there is, in order, and hurry what is wanted; while the shared store is away, keep it."""
    failures, well_s = 0, services.edge.timer()
    while True:
        more = False
        try:
            more = await _exchange(services, belief, planned, signals, link)
            failures, well_s = 0, services.edge.timer()
            services.own.mended(WARNING)
        except StoreError as error:
            failures += 1
            await _report(services, str(error), services.edge.timer() - well_s)
        rest_s = REST_S[min(failures, len(REST_S)) - 1] if failures else 0.0 if more else ASK_S
        await wait_for_event(rest_s, signals.outgoing if not failures else asyncio.Event())


async def _exchange(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, link: ShippingRoute
) -> bool:
    """Ship the oldest, and take what is wanted; return whether there may be more to ship."""
    signals.outgoing.clear()
    shipment = await services.storage.ask(Reader.next_shipment, AT_ONCE)
    wanted = await asyncio.to_thread(link.exchange, belief.config.location, shipment)
    if shipment:
        await services.storage.write(Writer.forget_shipped, shipment.last)
    for target, at in wanted.items():
        _hurry(services, belief, planned, target, from_ms(at))
    if wanted:
        signals.probes_planned.set()
    return shipment is not None and len(shipment.bodies) == AT_ONCE


def _hurry(services: Services, belief: BeliefView, planned: ScheduleState, target: str, asked_at: datetime) -> None:
    """Probe a target at once, unless it was probed since that was wanted."""
    health = belief.healths.get(target)
    if target in belief.config.watches and not (health and health.seen_at and health.seen_at >= asked_at):
        planned.probes.hurry(target, services.edge.clock())


async def _report(services: Services, why: str, away_s: float) -> None:
    """Say, after a while, that the shared store is away, and how much waits for it; drop what is too much."""
    waiting = await services.storage.ask(Reader.count_outgoing)
    lost = await services.storage.write(Writer.drop_outgoing, KEPT) if waiting > KEPT else 0
    if lost:
        log.error("%d observations were dropped: more than %d wait for the shared store", lost, KEPT)
    if away_s >= PATIENCE_S or waiting >= NEARLY * KEPT:
        away = timedelta(seconds=round(away_s))
        words = f"{why}; away for {away}, {waiting} of at most {KEPT} observations wait here"
        services.own.warn(WARNING, words, logging.WARNING)
