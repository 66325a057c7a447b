"""The stage that checks how fast each error budget burns."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from monitor.config.config import Config
from monitor.diagnose.diagnosis import Diagnosis
from monitor.slo.objective import burn_signal
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import BurningObjectives, StageSignals
from monitor.storage_refusal import StoreError
from monitor.store.reader import Reader

CHECK_INTERVAL_S = 60.0


async def watch_objectives(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Check once a minute how fast each objective's error budget burns."""
    while True:
        await check_burn_rates(services, belief, signals)
        await asyncio.sleep(CHECK_INTERVAL_S)


async def check_burn_rates(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    if not (belief.config.objectives or belief.burning):
        return
    try:
        found = await services.storage.ask(_burn_signals, belief.config, belief.burning, services.edge.clock())
        services.own.mended("objectives")
    except StoreError as error:
        services.own.warn("objectives", f"the objectives cannot be weighed: {error}")
        return
    signals.report(BurningObjectives(found), is_urgent=False)


def _burn_signals(
    stored: Reader, config: Config, before: Mapping[str, Diagnosis], now: datetime
) -> dict[str, Diagnosis]:
    known, counts = stored.history.series_ids(), stored.objectives.probe_counts
    signs = [burn_signal(one, counts(known, one, now), now, before.get(one.id)) for one in config.objectives]
    return {sign.subject: sign for sign in signs if sign}
