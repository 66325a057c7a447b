"""The state of a running monitor; opened, resumed and closed in one place."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from msgspec import Struct, field

from monitor import __version__
from monitor.alert.text import MessageTemplates
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.detect.health import Health, State
from monitor.diagnose.subject import Scope
from monitor.schedule import ProbePlan, Spending, Watch, is_affordable
from monitor.slo.objective import signal_of_incident
from monitor.state.alert_state import AlertState
from monitor.state.beat_times import BeatTimes
from monitor.state.belief import Belief
from monitor.state.schedule_state import ScheduleState
from monitor.state.self_health import SelfHealth
from monitor.state.services import DEFAULT_PAUSES, REAL_CALLS, Edge, OutsideCalls, Pauses, Services
from monitor.state.stage_signal import StageSignals
from monitor.state.storage import Storage
from monitor.storage_refusal import StoreError
from monitor.store.clock import clock_set_back
from monitor.store.held import HeldStore
from monitor.store.resumption import RestoredBelief, RestoredMessages, Resumption
from monitor.store.store import Store
from monitor.store.writer import Writer
from monitor.tally import EventTally, expect, resume_tally
from probes.canary import Prober, open_session
from probes.catalog import load_wording
from probes.model import TimeLimits
from probes.remedy import PREFIX


class MonitorState(Struct, frozen=True, kw_only=True):
    """The parts of a running monitor. Only the beat gets all of it; each stage gets the parts that it names."""

    services: Services
    belief: Belief
    told: AlertState
    planned: ScheduleState
    times: BeatTimes
    signals: StageSignals = field(default_factory=StageSignals)


@asynccontextmanager
async def open_state(
    config: Config,
    edge: Edge,
    outside: OutsideCalls = REAL_CALLS,
    pauses: Pauses = DEFAULT_PAUSES,
    store: Store | None = None,
) -> AsyncIterator[MonitorState]:
    """Take the lock, open the database and the session, and resume. Raises StoreError.

    `store`: one that is held already; None: what the configuration names.
    """
    store = store or open_store(config.store, pauses.store)
    with (
        store.writing(edge.clock, edge.timer) as failover,
        ThreadPoolExecutor(1, "store") as writing,
        ThreadPoolExecutor(1, "page") as reading,
    ):
        own = SelfHealth(failing={one.stage: one for one in failover.reader.marks.failing()})
        storage = Storage(store, failover, writing, reading, own, edge.clock)
        async with open_session(__version__) as session:
            secrets = tuple(config.secrets)
            prober = Prober(session, load_wording(), edge.clock, edge.timer, probe_limits(config), secrets=secrets)
            services = Services(
                edge=edge,
                storage=storage,
                own=own,
                prober=prober,
                templates=MessageTemplates(config.templates),
                tally=_resumed_tally(config, edge, failover),
                outside=outside,
                pauses=pauses,
            )
            state = _resumed(config, services, failover)
            storage.resume_refusal()
            try:
                yield state
            finally:
                with suppress(StoreError):
                    await storage.write(Writer.save_tally, services.tally.take_changed())


def probe_limits(config: Config) -> TimeLimits:
    return TimeLimits(config.probe.connect_s, config.probe.silence_s, config.probe.total_s)


def _resumed(config: Config, services: Services, failover: HeldStore) -> MonitorState:
    """Return the state in which the previous process ended."""
    edge, stored = services.edge, failover.reader
    left = stored.resumption
    remembered, before = left.resume(), left.correspondence(edge.clock())
    set_by = clock_set_back(stored.marks.trace(), edge.trace())
    belief, told = _belief(config, remembered, left), _alert_state(before, edge.clock())

    def recall(writer: Writer) -> None:
        writer.recall(told.cases.values(), told.replies, edge.clock())
        writer.save_tally(services.tally.parts)

    failover.recall = recall
    planned = ScheduleState(
        probes=_probe_plan(config, remembered, edge.clock(), set_by),
        spendings=dict(remembered.spendings),
        proven={id for id, health in belief.healths.items() if _is_proven(health)},
    )
    times = BeatTimes(clocks=edge.read_clocks(), set_by=set_by, beat_at=before.beat)
    return MonitorState(services=services, belief=belief, told=told, planned=planned, times=times)


def _resumed_tally(config: Config, edge: Edge, failover: HeldStore) -> EventTally:
    tally = resume_tally(failover.reader.marks.tally(), edge.clock())
    expect(tally, (one.name for one in config.channels), config.feeds)
    return tally


def _belief(config: Config, remembered: RestoredBelief, left: Resumption) -> Belief:
    objectives = [one for one in remembered.incidents.values() if one.scope is Scope.OBJECTIVE]
    belief = Belief(
        config=config,
        healths={id: health for id, health in remembered.healths.items() if id in config.watches},
        incidents=dict(remembered.incidents),
        notes=dict(remembered.notes),
        tracks={id: track for id, track in left.tracks().items() if id in config.watches},
        pools=left.pools(),
        sources={id: source for id, source in remembered.sources.items() if id in config.feeds},
        burning={one.subject: signal_of_incident(one) for one in objectives},
    )
    belief.find_anew()
    return belief


def _alert_state(before: RestoredMessages, now: datetime) -> AlertState:
    return AlertState(
        digest_from=before.beat or now,
        cases=dict(before.cases),
        replies=list(before.replies),
        digests=dict(before.digests),
        heard=dict(before.heard),
    )


def _probe_plan(config: Config, remembered: RestoredBelief, now: datetime, set_by: timedelta) -> ProbePlan:
    """Resume the plans still in the future; what became due meanwhile, or can be asked again, is planned anew."""
    agenda, again = ProbePlan(), _askable_again(config, remembered, now)
    for id, planned in remembered.plans.items():
        if id in config.watches and id not in again and (at := planned + set_by) > now:
            agenda.set(id, at)
    return agenda


def _askable_again(config: Config, remembered: RestoredBelief, now: datetime) -> set[str]:
    """Return the targets that were not asked for want of a key, or for a budget that was spent, and now can be.

    One that reports more than whether the account works has a reason, too, if its own answer was not understood.
    """
    unasked = [watch for id, watch in config.watches.items() if remembered.healths.get(id, Health()).reason is not None]
    main = [watch for watch in unasked if not watch.aside and _is_askable(config, remembered, watch, now)]
    accounts, ids = {one.target.account for one in main}, {one.target.id for one in main}
    return ids | {one.target.id for one in unasked if one.aside and one.target.account in accounts}


def _is_askable(config: Config, remembered: RestoredBelief, watch: Watch, now: datetime) -> bool:
    account = watch.target.account
    spent = remembered.spendings.get(account, Spending(now.date()))
    affordable = watch.free or is_affordable(config.budgets[account], spent, now)
    return affordable and config.accounts[account].problem is None


def _is_proven(health: Health) -> bool:
    """Whether a target is known to be set up right: it was well before, and no answer since says otherwise."""
    was_well = health.well_at is not None or health.state is State.UP
    return was_well and not (health.answer and health.answer.rule.startswith(PREFIX))
