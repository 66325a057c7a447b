"""The stage of a place that ships what was seen to the shared store, reports how the place itself is, and probes at
once what is wanted there.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf
from typing import Protocol

from msgspec import Struct

from monitor.state.belief import STALE, BeliefView
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError
from monitor.store.outgoing import Shipment
from monitor.store.place_report import PlaceReport
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
LOST = "results lost"
"""Key of the warning that some were dropped."""
LOST_TOLD_S = 86400.0
"""How long it is said after the last one."""
REPORT_S = 5.0
"""Seconds between two reports, as long as nothing changes."""
MOST_WARNINGS, LONGEST_WARNING = 20, 300
"""Most warnings in a report, and most characters of each."""


class ShippingRoute(Protocol):
    """The way to the shared store. Raises StoreError."""

    def exchange(
        self, place: str, shipment: Shipment | None, report: PlaceReport | None = None
    ) -> Mapping[str, int]: ...


class ShippingState(Struct):
    """How it went so far. `failures` in a row, since `well_s` by the timer; `reported`: the last report that arrived,
    at `reported_s`; `lost_s`: when results were last dropped; None: none were.
    """

    well_s: float
    failures: int = 0
    reported: PlaceReport | None = None
    reported_s: float = -inf
    lost: int = 0
    lost_s: float | None = None

    @property
    def rest_s(self) -> float:
        return REST_S[min(self.failures, len(REST_S)) - 1] if self.failures else 0.0


async def ship_observations(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, link: ShippingRoute
) -> None:
    """Ship what there is, in order, and hurry what is wanted; while the shared store is away, keep it."""
    state = ShippingState(services.edge.timer())
    while True:
        more = False
        try:
            more = await _exchange(services, belief, planned, signals, link, state)
            state.failures, state.well_s = 0, services.edge.timer()
            services.own.mended(WARNING)
        except StoreError as error:
            state.failures += 1
            await _say_away(services, str(error), state)
        rest_s = state.rest_s or (0.0 if more else ASK_S)
        await wait_for_event(rest_s, signals.outgoing if not state.failures else asyncio.Event())


async def _exchange(
    services: Services,
    belief: BeliefView,
    planned: ScheduleState,
    signals: StageSignals,
    link: ShippingRoute,
    state: ShippingState,
) -> bool:
    """Ship the oldest, report, and take what is wanted; return whether there may be more to ship."""
    signals.outgoing.clear()
    shipment = await services.storage.ask(Reader.next_shipment, AT_ONCE)
    report = await _due_report(services, belief, state)
    wanted = await asyncio.to_thread(link.exchange, belief.config.location, shipment, report)
    if report:
        state.reported, state.reported_s = report, services.edge.timer()
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


async def _due_report(services: Services, belief: BeliefView, state: ShippingState) -> PlaceReport | None:
    """Return what the place is to say of itself now; None: it has just said so."""
    _forget_lost(services, state)
    is_old = services.edge.timer() - state.reported_s >= REPORT_S
    waiting = state.reported.waiting if state.reported else 0
    if is_old:
        waiting = await services.storage.ask(Reader.count_outgoing)
    report = _report_of(services, belief, waiting)
    return report if is_old or report != state.reported else None


def _report_of(services: Services, belief: BeliefView, waiting: int) -> PlaceReport:
    control, own, now = belief.control, services.own, services.edge.clock()
    controls = {id: one for id, one in control.controls.items() if now - one.at < STALE}
    said = {key: words for key, words in own.warnings.items() if key != WARNING}
    said |= {"stages": own.fault} if own.fault else {}
    warnings = {key: said[key][:LONGEST_WARNING] for key in sorted(said)[:MOST_WARNINGS]}
    return PlaceReport(controls, control.online, warnings, waiting)


def _forget_lost(services: Services, state: ShippingState) -> None:
    if state.lost_s is not None and services.edge.timer() - state.lost_s >= LOST_TOLD_S:
        state.lost, state.lost_s = 0, None
        services.own.withdraw(LOST)


async def _say_away(services: Services, why: str, state: ShippingState) -> None:
    """Say, after a while, that the shared store is away, and how much waits for it; drop what is too much."""
    away_s, waiting = services.edge.timer() - state.well_s, await services.storage.ask(Reader.count_outgoing)
    if waiting > KEPT:
        state.lost += await services.storage.write(Writer.drop_outgoing, KEPT)
        state.lost_s = services.edge.timer()
        services.own.warn(LOST, f"{state.lost} results were dropped: more than {KEPT} waited for the shared store")
    if away_s >= PATIENCE_S or waiting >= NEARLY * KEPT:
        away = timedelta(seconds=round(away_s))
        words = f"{why}; away for {away}, {waiting} of at most {KEPT} observations wait here"
        services.own.warn(WARNING, words, logging.WARNING)
