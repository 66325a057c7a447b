"""A single round, for cron: probe what is due, confirm failures, notify, publish, and return."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.detect.health import Health
from monitor.runtime.loop import make_supervisor
from monitor.runtime.supervisor import Work
from monitor.schedule import is_due
from monitor.stage import Stage
from monitor.stages.beat import beat, follow_clock_change, is_conclusion_due, record_absence, take_observations
from monitor.stages.deliver import deliver, deliver_due
from monitor.stages.export import export_once
from monitor.stages.notify import import_legacy_replies, write_due_messages
from monitor.stages.objectives import check_burn_rates
from monitor.stages.poll_status import poll_source_safely, probe_controls
from monitor.stages.probe import is_undecided, probe_target
from monitor.stages.publish import Published, publish_once
from monitor.stages.retention import check_database, retention_step
from monitor.state.belief import BeliefView
from monitor.state.monitor_state import MonitorState
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals
from monitor.state.storage import Storage
from monitor.storage_refusal import StoreError
from monitor.store.standby import WritePlace
from monitor.store.store import Store
from monitor.store.writer import Writer
from probes.model import Observation, Timer

log = logging.getLogger("monitor")

BATCH_S = 1.0
"""Seconds that the first answer waits for the others probed at the same instant."""
MINUTE = timedelta(seconds=60)
"""Cron's shortest interval: whatever time alone would settle before the next round is settled at the end of this."""
EPOCH = datetime.fromtimestamp(0, UTC)
GAP_FACTOR = 3
"""Multiple of the usual pause between rounds from which a pause is a gap."""
EARLY = timedelta(seconds=15)
"""Time by which a status page may be polled early, as the next round comes too late."""


class RoundTimes(Struct, frozen=True):
    """Time limits of a round, in seconds.

    `waits_s`: total wait for re-checks; that of a definite failure comes after 15 s. `looks_s`: limit of each probe,
    and none starts that may end later: the rest of the minute is for messages and the page. `stop_s`: probes still
    under way are dropped as if never started; the next round probes again.
    """

    waits_s: float = 16.0
    looks_s: float = 45.0
    stop_s: float = 48.0


USUAL = RoundTimes()


class RoundClock(Struct):
    """The time of one round, by the monotonic clock. `running`: each probe under way and its start, by target."""

    timer: Timer
    began_s: float
    times: RoundTimes
    waited_s: float = 0.0
    longest_s: float = 0.0
    running: dict[str, tuple[asyncio.Task[None], float]] = field(default_factory=dict)

    @property
    def passed_s(self) -> float:
        return self.timer() - self.began_s

    def has_time(self, pause_s: float = 0.0) -> bool:
        """Whether a probe started after this pause can end in time, if it takes as long as the longest so far."""
        return self.passed_s + pause_s + self.longest_s < self.times.looks_s


async def run_round(state: MonitorState, times: RoundTimes = USUAL) -> None:
    """Run one round. What it cannot confirm in time is saved for the next round."""
    services, state.planned.round_at = state.services, state.services.edge.clock()
    patience = services.prober.patience
    services.prober = replace(services.prober, patience=replace(patience, total_s=min(patience.total_s, times.looks_s)))
    supervisor, steps = make_supervisor(state), _steps(state, times)
    for stage, step in steps:
        await supervisor.attempt(stage, step)
    for stage in dict(steps):
        await supervisor.review(stage)


def _steps(state: MonitorState, times: RoundTimes) -> Sequence[tuple[Stage, Work]]:
    """Return the steps of a round, in order."""
    services, belief, told, signals = state.services, state.belief, state.told, state.signals
    return (
        (Stage.EVALUATE, partial(_resume, state)),
        (Stage.NOTIFY, partial(import_legacy_replies, services, told, signals)),
        (Stage.PROBE, partial(_probe_step, state, times)),
        (Stage.OBJECTIVES, partial(check_burn_rates, services, belief, signals)),
        (Stage.EVALUATE, partial(_settle, state)),
        (Stage.NOTIFY, partial(write_due_messages, services, belief, told, signals)),
        (Stage.DELIVER, partial(deliver_due, services, belief, told, signals)),
        (Stage.PUBLISH, partial(_publish, services, belief, signals)),
        (Stage.RETENTION, partial(_run_retention, services, belief, signals)),
        (Stage.EXPORT, partial(_export, services, belief, signals)),
    )


@asynccontextmanager
async def skip_logged_warnings(services: Services) -> AsyncIterator[None]:
    """Do not log a warning of ours that an earlier round already logged: cron mails every line."""
    before = services.storage.failover.reader.marks.said()
    services.own.logged = before | services.own.logged
    yield
    after = {about: words for about, words in services.own.logged.items() if about not in OF_THE_DATABASE}
    if after != before:
        await services.storage.write(Writer.save_said, after)


OF_THE_DATABASE = ("store", "database")
"""The warnings for which the FailoverWriter itself knows whether an earlier round logged them."""


async def _resume(state: MonitorState) -> None:
    now = state.planned.round_at or state.services.edge.clock()
    await follow_clock_change(state)
    state.told.tells_unremembered = await _is_first_of_hour(state.services.storage, now)
    await _note_missed_rounds(state, now)


async def _probe_step(state: MonitorState, times: RoundTimes) -> None:
    async with _beside_probes(state), asyncio.TaskGroup() as probes:
        await _probe_due(state, probes, times)


async def _settle(state: MonitorState) -> None:
    if is_conclusion_due(state) or state.belief.pending.stirred or state.times.beaten_at is None:
        await beat(state, [], state.services.edge.clock(), ahead=MINUTE)


async def _publish(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    made = await publish_once(services, belief, signals, Published())
    while made.more:
        made = await publish_once(services, belief, signals, made)


async def _run_retention(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    try:
        if signals.unsound.is_set():
            await check_database(services, signals)
        await retention_step(services, belief)
    except StoreError as error:
        log.warning("old results cannot be rolled up: %s", error)


async def _export(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Send the metrics of the page, last: nothing waits for a collector that hangs."""
    if not signals.exported.empty():
        await export_once(services, belief, signals.exported.get_nowait())


@asynccontextmanager
async def _beside_probes(state: MonitorState) -> AsyncIterator[None]:
    """While the probes run: poll the due status pages, call doubted answerers without a key, deliver messages."""
    services, belief, planned, signals = state.services, state.belief, state.planned, state.signals
    due = [id for id in belief.config.feeds if _is_to_read(belief, id, services.edge.clock())]
    polls = [asyncio.create_task(poll_source_safely(services, belief, planned, signals, id)) for id in due]
    others = [
        asyncio.create_task(probe_controls(services, belief, signals)),
        asyncio.create_task(deliver(services, belief, state.told, signals)),
    ]
    try:
        yield
        await asyncio.gather(*polls)
    finally:
        for task in (*polls, *others):
            task.cancel()
        await asyncio.gather(*polls, *others, return_exceptions=True)


def _is_to_read(belief: BeliefView, source: str, now: datetime) -> bool:
    known = belief.sources.get(source)
    since = timedelta(seconds=belief.config.status.interval_s) - EARLY
    return known is None or known.polled_at is None or now - known.polled_at >= since


async def _probe_due(state: MonitorState, probes: asyncio.TaskGroup, times: RoundTimes) -> None:
    """Probe what is due, and re-check what must be confirmed, while there is time."""
    services, belief, planned, clock = state.services, state.belief, state.planned, state.services.edge.clock
    round_clock = RoundClock(services.edge.timer, services.edge.timer(), times)
    _bring_forward(belief, planned, clock())
    while True:
        if round_clock.has_time():
            for target in planned.probes.take_due(clock()):
                probing = probe_target(services, belief, planned, state.signals, belief.config.watches[target])
                round_clock.running[target] = probes.create_task(probing), round_clock.timer()
        pause_s = _next_in_s(belief, planned, round_clock, clock())
        if pause_s is None and not round_clock.running:
            return
        if observations := await _next_observations(state, round_clock, pause_s):
            await beat(state, observations, clock())
        if round_clock.passed_s >= times.stop_s:
            _drop(belief.config, round_clock)


def _bring_forward(belief: BeliefView, planned: ScheduleState, now: datetime) -> None:
    """Make due whatever is due in a moment, oldest observation first, as there may be no time for all."""
    for id, watch in belief.config.watches.items():
        at = planned.probes.first_of([id])
        if at is not None and is_due(watch, at, now):
            planned.probes.set(id, min(now, belief.healths.get(id, Health()).seen_at or EPOCH))


def _next_in_s(belief: BeliefView, planned: ScheduleState, round_clock: RoundClock, now: datetime) -> float | None:
    """Return the seconds until the next probe that this round waits for; None: it waits for none.

    With nothing under way it waits at most `waits_s`, enough to confirm a failure that answers at once.
    """
    first = planned.probes.next_at()
    if first is None or (first - now).total_seconds() > round_clock.times.looks_s:
        return None
    at = planned.probes.first_of(id for id, health in belief.healths.items() if is_undecided(health))
    if at is None:
        return None
    pause_s = max((at - now).total_seconds(), 0.0)
    patient = bool(round_clock.running) or round_clock.waited_s + pause_s <= round_clock.times.waits_s
    return pause_s if patient and round_clock.has_time(pause_s) else None


async def _next_observations(state: MonitorState, round_clock: RoundClock, pause_s: float | None) -> list[Observation]:
    """Return the observations by the end of the pause or round; quick answers of one instant come as one batch.

    Whether one account is refused or all of them shows only when the others have answered.
    """
    began_s, idle, stop_s = round_clock.timer(), not round_clock.running, round_clock.times.stop_s
    stops_in_s = stop_s - round_clock.passed_s if round_clock.passed_s < stop_s else None
    try:
        async with asyncio.timeout(min((one for one in (pause_s, stops_in_s) if one is not None), default=None)):
            found = [await state.signals.observations.get()]
    except TimeoutError:
        round_clock.waited_s += round_clock.timer() - began_s if idle else 0.0
        return []
    with suppress(TimeoutError):
        async with asyncio.timeout(min(BATCH_S, max(stop_s - round_clock.passed_s, 0.0))):
            while len(found) < len(round_clock.running):
                found.append(await state.signals.observations.get())
    await follow_clock_change(state)
    found = take_observations(state, found)
    for one in found:
        _, its_start_s = round_clock.running.pop(one.target.id, (None, round_clock.timer()))
        round_clock.longest_s = max(round_clock.longest_s, round_clock.timer() - its_start_s)
    return found


def _drop(config: Config, round_clock: RoundClock) -> None:
    """Cancel the probes under way, except client programs: they have their own limit and have already cost money."""
    for id, (probing, _) in list(round_clock.running.items()):
        if not config.providers[config.watches[id].target.provider].is_command:
            probing.cancel()
            del round_clock.running[id]
            log.debug("%s: no answer within this round; the next one probes again", id)


async def _note_missed_rounds(state: MonitorState, now: datetime) -> None:
    """Record a gap if cron missed rounds; the usual pause is known only from the past ones."""
    storage, absent, before = state.services.storage, state.services.pauses.absent, state.times.beat_at
    if before and now - before >= absent and storage.failover.place is not WritePlace.MEMORY:
        usual = await asyncio.to_thread(_usual_pause, storage.store)
        await record_absence(state, now, max(absent, GAP_FACTOR * usual))


async def _is_first_of_hour(storage: Storage, now: datetime) -> bool:
    """Whether this is the hour's first round; only matters when no round can save anything."""
    forgets = storage.failover.place is WritePlace.MEMORY
    pause = max(MINUTE, await asyncio.to_thread(_usual_pause, storage.store)) if forgets else MINUTE
    return now - now.replace(minute=0, second=0, microsecond=0) < pause


def _usual_pause(store: Store) -> timedelta:
    try:
        with store.reading() as stored:
            return stored.history.usual_pause(timedelta(seconds=USUAL.looks_s))
    except StoreError:
        return timedelta(0)
