"""The beat: judge new observations, save everything in one transaction, and queue the messages."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

from msgspec.structs import replace

from monitor.diagnose.incident import Change, ChangeKind, absence_change, date_at
from monitor.diagnose.incident import shift_incident as redated_incident
from monitor.diagnose.status_source import StatusSource, is_news
from monitor.diagnose.subject import Scope
from monitor.stages.evaluate import memories_to_save, run_detectors, update_accounts, update_incidents
from monitor.stages.first_answer import FirstAnswer
from monitor.stages.notify import queue_messages
from monitor.stages.plan import hurry_associates, is_target_suspected, plan_probes, plan_unjudged, probe_the_rest
from monitor.stages.spend import record_spending
from monitor.stages.startup_probe import StartupProbes
from monitor.state.belief import Belief, ControlResult
from monitor.state.monitor_state import MonitorState
from monitor.state.stage_signal import Arrivals, BurningObjectives, StageReport, StageSignals
from monitor.store.clock import ClockReading, clock_shift, shift_dates
from monitor.store.row import Batch
from monitor.tally import count_change, count_probe
from monitor.words import duration, title
from probes.model import Observation

log = logging.getLogger("monitor")


async def run_beats(state: MonitorState) -> None:
    """Run beat after beat on the observations that come in."""
    first = StartupProbes(frozenset(watch.target.answerer for watch in state.belief.config.watches.values()))
    answers = first_answers(state)
    while True:
        await _gather(state.signals, state.services.pauses.beat_s)
        await follow_clock_change(state)
        observations, arrived = take_observations(state), state.signals.arrivals.take()
        first.take(observations)
        answers.take(observations)
        if (
            observations
            or arrived.received
            or is_conclusion_due(state)
            or state.services.storage.failover.refusal
            or _is_idle(state)
        ):
            now = state.services.edge.clock()
            await record_absence(state, now, state.services.pauses.absent)
            try:
                await beat(state, observations, now, arrived=arrived)
            except Exception:
                plan_unjudged(state.services, state.belief, state.planned, observations)
                raise


def first_answers(state: MonitorState) -> FirstAnswer:
    """Return what says of each account once that it works; an account that cannot be asked was named before."""
    config = state.belief.config
    targets: dict[str, set[str]] = {}
    for id, watch in config.watches.items():
        if not watch.aside and not config.accounts[watch.target.account].problem:
            targets.setdefault(watch.target.account, set()).add(id)
    counted = {account: frozenset(its) for account, its in targets.items()}
    return FirstAnswer(targets=counted, show=partial(log.info, "%s"), timer=state.services.edge.timer)


async def _gather(signals: StageSignals, beat_s: float) -> None:
    """Wait up to `beat_s` to batch good results; a failure ends the wait at once."""
    with suppress(TimeoutError):
        async with asyncio.timeout(beat_s):
            await signals.urgent.wait()
    signals.urgent.clear()


def is_conclusion_due(state: MonitorState) -> bool:
    """Whether a stage other than the prober reported something, or time alone may change the conclusions."""
    return state.belief.pending.unsettled or not state.signals.reports.empty()


async def record_absence(state: MonitorState, now: datetime, pause: timedelta) -> None:
    """Record that nobody was watching: the gap since the last beat is longer than `pause`."""
    before, times = state.times.beat_at, state.times
    if before is None or now - before < pause:
        return
    if times.beaten_at is not None and state.services.edge.uptime() - times.beaten_at < pause.total_seconds():
        log.warning("the clock was set forward by %s: no gap", duration((now - before).total_seconds()))
    else:
        await save_change(state, absence_change(before, now, state.belief.config.location))


def take_observations(state: MonitorState, before: Sequence[Observation] = ()) -> list[Observation]:
    """Return `before` and all observations in the queue, dated by the clock as it is set now."""
    now, waiting = state.services.edge.read_clocks(), state.signals.observations
    found = [*before, *(waiting.get_nowait() for _ in range(waiting.qsize()))]
    return [_as_dated_now(one, state.planned.begun.pop(one.target.id, now), now) for one in found]


def _as_dated_now(one: Observation, began: ClockReading, now: ClockReading) -> Observation:
    by = clock_shift(began, now)
    return replace(one, at=min(one.at + by, now.at)) if by or one.at > now.at else one


async def follow_clock_change(state: MonitorState) -> None:
    """Re-date whatever is open when the clock was set, so that durations stay true."""
    times, edge = state.times, state.services.edge
    before, times.clocks = times.clocks, edge.read_clocks()
    by, times.set_by = times.set_by, timedelta(0)
    by += clock_shift(before, times.clocks)
    if not by:
        return
    how = "forward" if by > timedelta(0) else "back"
    log.warning("the clock was set %s by %s: open incidents are re-dated", how, duration(abs(by).total_seconds()))
    now = times.clocks.at
    _redate(state, by)
    changes = tuple(redated_incident(one, by, now) for one in state.belief.incidents.values())
    _adopt(state, changes)
    messages = tuple(queue_messages(state.belief, state.told, changes, now))
    await _save(state, Batch(now, changes=changes, messages=messages, trace=edge.trace()))
    state.signals.outbox.set()
    state.signals.news.set()


def _redate(state: MonitorState, by: timedelta) -> None:
    """Shift the dates of everything in progress by `by`; drop what is only good for minutes."""
    belief, times = state.belief, state.times
    belief.healths = shift_dates(belief.healths, by)
    belief.tracks = shift_dates(belief.tracks, by)
    belief.pools = shift_dates(belief.pools, by)
    belief.burning = {id: replace(one, since=one.since + by) for id, one in belief.burning.items()}
    belief.control = ControlResult(online=belief.control.online, places=belief.control.places)
    belief.pending.stirred = True
    state.told.redate(by)
    times.beat_at = times.beat_at and times.beat_at + by
    times.tracked_at.clear()
    state.planned.plan_polls_anew()
    state.signals.polls_planned.set()


def apply_reports(belief: Belief, signals: StageSignals) -> None:
    """Take in what the other stages reported since the last beat."""
    for _ in range(signals.reports.qsize()):
        _believe(belief, signals.reports.get_nowait())


def _believe(belief: Belief, report: StageReport) -> None:
    match report:
        case StatusSource():
            belief.pending.stirred |= is_news(belief.sources.get(report.id, StatusSource(report.id)), report)
            belief.sources[report.id] = report
        case ControlResult():
            belief.pending.stirred = True
            belief.control = report
        case BurningObjectives():
            belief.pending.unsettled |= report.by_id.keys() != belief.burning.keys()
            belief.burning = report.by_id
        case _:
            assert_never(report)


NOTHING_ARRIVED = Arrivals()


async def beat(
    state: MonitorState,
    observations: Sequence[Observation],
    now: datetime,
    ahead: timedelta = timedelta(0),
    arrived: Arrivals = NOTHING_ARRIVED,
) -> None:
    """One beat: judge the observations, save everything in one transaction, and queue the messages.

    No further observation comes within `ahead`: whatever that time alone would settle is settled now. `arrived`: what
    else came from places.
    """
    services, belief, told, planned, signals = (
        state.services,
        state.belief,
        state.told,
        state.planned,
        state.signals,
    )
    apply_reports(belief, signals)
    doubted = {one.target.id for one in observations if is_target_suspected(belief, one.target.id)}
    for one in observations:
        count_probe(services.tally, one)
    healths = run_detectors(belief, services.own, observations)
    notes = update_accounts(belief, services.own, observations)
    tracks, pools = memories_to_save(belief, state.times.tracked_at, observations, now)
    state.times.tracked_at |= dict.fromkeys(tracks, now)
    stirred = belief.pending.stirred
    plans = plan_probes(services, belief, planned, signals, healths, observations)
    back = {id for id in doubted & healths.keys() if not is_target_suspected(belief, id)}
    probe_the_rest(services, belief, planned, back)
    offline = [case.incident for case in told.cases.values() if case.incident.is_offline]
    changes = [date_at(change, now) for change in update_incidents(belief, services.own, offline, now, ahead)]
    _adopt(state, changes)
    if stirred:
        hurry_associates(services, belief, planned, now)
    messages = queue_messages(belief, told, changes, now)
    batch = Batch(
        now,
        tuple(observations),
        healths,
        plans,
        record_spending(belief, planned, observations),
        tuple(changes),
        tuple(messages),
        notes=notes,
        tracks=tracks,
        pools=pools,
        trace=services.edge.trace(),
        ships=services.ships,
        late=tuple(arrived.late),
        received=arrived.received,
    )
    if observations or arrived.received or changes or services.storage.failover.refusal or _is_idle(state):
        await _save(state, batch)
        state.times.beaten_at, state.times.beat_at = services.edge.uptime(), now
    if messages:
        signals.outbox.set()
    if changes or stirred:
        signals.news.set()


async def _save(state: MonitorState, batch: Batch) -> None:
    if not await state.services.storage.save(batch):
        state.signals.news.set()
    if batch.ships:
        state.signals.outgoing.set()


def _is_idle(state: MonitorState) -> bool:
    before, uptime_s = state.times.beaten_at, state.services.edge.uptime()
    return before is None or uptime_s - before >= state.services.pauses.idle_s


def _adopt(state: MonitorState, changes: Sequence[Change]) -> None:
    state.belief.adopt(changes)
    for change in changes:
        count_change(state.services.tally, change)
        level = logging.DEBUG if change.kind is ChangeKind.UPDATED else logging.INFO  # nobody would act differently
        log.log(level, "%s: %s (%s)", change.kind, title(change.incident), change.incident.id)
    if any(one.incident.closed_at and one.incident.scope is Scope.MONITOR for one in changes):
        _poll_sources_again(state)


def _poll_sources_again(state: MonitorState) -> None:
    """Poll every status source now and reset its failures: it was our connection that was down."""
    now = state.services.edge.clock()
    state.belief.trust_anew(now)
    state.planned.hurry_polls(now)
    state.signals.polls_planned.set()


async def save_change(state: MonitorState, one: Change) -> None:
    """Save one change that no observation led to, and queue its messages."""
    now = state.services.edge.clock()
    one = date_at(one, now)
    _adopt(state, [one])
    await _save(state, Batch(now, changes=(one,), messages=tuple(queue_messages(state.belief, state.told, [one], now))))
    state.signals.outbox.set()
    state.signals.news.set()
