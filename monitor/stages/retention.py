"""The stage that rolls up closed hours, deletes old results, and checks the database for corruption."""

import asyncio

from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store import overlap
from monitor.store.expected_schema import ForeignDatabase
from monitor.store.reader import Reader
from monitor.store.writer import Writer

RETENTION_INTERVAL_S = 60.0


async def run_retention(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Check the database, then roll up closed hours and delete what is too old, one step at a time."""
    await check_database(services, signals)
    while True:
        if signals.unsound.is_set():
            await check_database(services, signals)
        try:
            more = await retention_step(services, belief)
        except StoreError as error:
            more = False
            services.own.warn("tidy", f"old results cannot be rolled up: {error}")
        await wait_for_event(0 if more else RETENTION_INTERVAL_S, signals.unsound)


async def check_database(services: Services, signals: StageSignals) -> None:
    """Check the database for corruption; if it is broken, go on with a new one."""
    signals.unsound.clear()
    try:
        sound = await services.storage.ask(Reader.is_sound)
    except StoreError as error:
        sound = not is_corrupt(error) and not isinstance(error, ForeignDatabase)
    if not sound:
        await services.storage.begin_anew()


async def retention_step(services: Services, belief: BeliefView) -> bool:
    """Do one piece of housekeeping; return whether there is more to do."""
    now = services.edge.clock()
    await _count_overlaps(services)
    if due := await services.storage.ask(Reader.next_roll_up, now):
        await services.storage.tidy(Writer.save_roll_up, due)
        return services.storage.failover.refusal is None
    return bool(await services.storage.tidy(Writer.forget, belief.config.retention, now))


async def _count_overlaps(services: Services) -> None:
    if times := await asyncio.to_thread(services.storage.store.take_overlaps):
        before = await services.storage.ask(lambda stored: stored.marks.overlap())
        if after := overlap.add_skipped_rounds(before, times):
            await services.storage.write(Writer.save_overlap, after)
