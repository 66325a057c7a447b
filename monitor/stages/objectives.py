"""The stage that checks how fast each error budget burns."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from monitor.config.config import Config
from monitor.diagnose.diagnosis import Diagnosis
from monitor.slo.objective import burning
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import Burning, Signals
from monitor.storage_refusal import StoreError
from monitor.store.reader import Reader

WEIGH_S = 60.0


async def weigh(services: Services, belief: BeliefView, signals: Signals) -> None:
    """Check once a minute how fast each objective's error budget burns."""
    while True:
        await weigh_step(services, belief, signals)
        await asyncio.sleep(WEIGH_S)


async def weigh_step(services: Services, belief: BeliefView, signals: Signals) -> None:
    if not (belief.config.objectives or belief.burning):
        return
    try:
        found = await services.storage.ask(_weighed, belief.config, belief.burning, services.edge.clock())
        services.own.mended("objectives")
    except StoreError as error:
        services.own.warn("objectives", f"the objectives cannot be weighed: {error}")
        return
    signals.report(Burning(found), is_urgent=False)


def _weighed(stored: Reader, config: Config, before: Mapping[str, Diagnosis], now: datetime) -> dict[str, Diagnosis]:
    known, looks = stored.history.series_ids(), stored.objectives.looks
    signs = [burning(one, looks(known, one, now), now, before.get(one.id)) for one in config.objectives]
    return {sign.subject: sign for sign in signs if sign}
