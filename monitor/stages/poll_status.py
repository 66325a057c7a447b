"""The stages that gather corroboration: status pages, calls without a key, our own connection."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from math import inf

from monitor.diagnose.status_source import StatusSource, is_news, update_source
from monitor.sentence.doubt import describe_doubt
from monitor.state.belief import BeliefView, ControlResult
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError
from monitor.store.writer import Writer
from monitor.tally import count_poll
from probes.control import is_gated
from probes.doubt import PollBroken
from probes.feeds.poll_interval import USUAL_S, next_poll_s
from probes.model import Account, Blame, ControlAnswer
from probes.notice import Bulletin, Trust
from probes.proxy import Proxies

log = logging.getLogger("monitor")

CONTROL_INTERVAL = timedelta(seconds=60)
"""Time between calls without a key to one answerer while a failure may not be the account's."""
ONLINE_LIMIT_S = 5.0
STALE_S = 5.0
"""Seconds until the neutral hosts' answer is stale: on a flapping connection it holds for the last drop only."""


async def poll_sources(services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals) -> None:
    """Poll each status source when due, without waiting for any to answer."""
    async with asyncio.TaskGroup() as polls:
        while True:
            planned.plan_polls(belief.config.feeds, services.edge.clock(), services.pauses.spread_s)
            for id in planned.polls.take_due(services.edge.clock()):
                if id in belief.config.feeds:
                    polls.create_task(poll_source_safely(services, belief, planned, signals, id))
            await wait_for_event(services.seconds_to(planned.polls.next_at()), signals.polls_planned)
            signals.polls_planned.clear()


async def poll_source_safely(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, id: str
) -> None:
    """Poll one source. A bug of ours must not stop the other sources."""
    try:
        await poll_source(services, belief, planned, signals, id)
        services.own.mended(f"source {id}")
    except Exception as error:
        log.exception("%s: what it says cannot be followed", id)
        services.own.warn(f"source {id}", f"{id} cannot be followed: the monitor's own fault ({type(error).__name__})")
        planned.polls.set(id, services.edge.clock() + timedelta(seconds=belief.config.status.interval_s))


async def poll_source(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, id: str
) -> None:
    """Poll one source, and report the result to the beat."""
    feed, before = belief.config.feeds[id], belief.sources.get(id, StatusSource(id))
    prober, way = services.prober, belief.config.way
    try:
        bulletin = await services.outside.poll(
            prober.session, feed, before.validators, prober.clock, prober.timer, source=id, way=way
        )
        bulletin = await asyncio.to_thread(services.prober.admit, bulletin)  # a page is long: keep it off the loop
    except Exception as error:  # our bug must not look like the source being silent
        log.exception("%s: the poll itself failed", id)
        bulletin = Bulletin(id, prober.clock(), Trust.DOUBTFUL, PollBroken(type(error).__name__))
    count_poll(services.tally, bulletin)
    after = update_source(before, bulletin)
    latest = bulletin if after.problem else after.last or bulletin
    wait_s = next_poll_s(latest, after.failures, after.quiet_polls, services.edge.chance())
    pause_s = wait_s * belief.config.status.interval_s / USUAL_S
    planned.polls.set(id, services.edge.clock() + timedelta(seconds=pause_s))
    await _report_source(services, signals, before, after)


async def _report_source(services: Services, signals: StageSignals, before: StatusSource, after: StatusSource) -> None:
    if after.problem and before.problem != after.problem:
        log.warning("status source %s is not believed: %s", after.id, describe_doubt(after.problem))
    try:
        await services.storage.write(Writer.save_source, after)
    except StoreError as error:
        services.own.warn("store", f"a status source cannot be noted: {error}")
    is_new = is_news(before, after)
    signals.report(after, is_urgent=is_new)
    if is_new:
        signals.news.set()


async def probe_controls(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Call each doubted answerer without a key, as soon as there is a doubt and again while it lasts."""
    asked_s = -inf
    while True:
        await wait_for_event(services.pauses.step_s, signals.doubt)
        signals.doubt.clear()
        asked_s = await probe_controls_now(services, belief, signals, asked_s)


async def probe_controls_now(
    services: Services, belief: BeliefView, signals: StageSignals, asked_s: float = -inf
) -> float:
    """Call each doubted answerer without a key, and check whether anything can be reached from here.

    `asked_s` is when neutral hosts were last asked, in seconds of the timer; return the new value.
    """
    now, is_new = services.edge.clock(), bool(signals.doubted)
    by = {one: _account_on_same_way(belief, one) for one in sorted({*signals.doubted, *_standing_doubts(belief)})}
    signals.doubted.clear()
    before = belief.control
    known = {
        id: probe_control for id, probe_control in before.controls.items() if by.get(id, probe_control) is not None
    }
    due = {
        one: account
        for one, account in by.items()
        if account and (one not in known or now - known[one].at >= CONTROL_INTERVAL)
    }
    if not due and not (is_new and services.edge.timer() - asked_s >= STALE_S):
        if known.keys() != before.controls.keys():
            signals.report(ControlResult(known, before.online, before.places), is_urgent=False)
        return asked_s
    asked_s = services.edge.timer()
    met, online = await asyncio.gather(_probe_controls(services, belief, due), _check_online(services, belief))
    signals.report(ControlResult({**known, **met}, online, before.places))
    return asked_s


def _standing_doubts(belief: BeliefView) -> Iterable[str]:
    """Yield the answerers of the targets in open incidents that are not an account's own."""
    for incident in belief.incidents.values():
        if incident.blame is not Blame.ACCOUNT and not (incident.signal or incident.drill):
            for id in incident.targets:
                if watch := belief.config.watches.get(id):
                    yield watch.target.answerer


async def _probe_controls(
    services: Services, belief: BeliefView, due: Mapping[str, Account]
) -> dict[str, ControlAnswer]:
    providers = belief.config.providers
    asked = (
        services.outside.probe_control(services.prober, providers[one.provider], one.base, one.way)
        for one in due.values()
    )
    return dict(zip(due, await asyncio.gather(*asked), strict=True))


def _account_on_same_way(belief: BeliefView, answerer: str) -> Account | None:
    """Return an account that uses the same way out as the failing ones.

    None if they use several ways, as one says nothing about another, or if the provider allows no call without a key.
    """
    watches = [one for one in belief.config.watches.values() if one.target.answerer == answerer]
    failing = [one for one in watches if (health := belief.healths.get(one.target.id)) and health.failures]
    accounts = [belief.config.accounts[one.target.account] for one in failing or watches[:1]]
    if len({one.way for one in accounts}) != 1:
        return None
    provider = belief.config.providers[accounts[0].provider]
    return None if provider.is_command or is_gated(provider, accounts[0]) else accounts[0]


def _proxies_of(belief: BeliefView, target: str) -> Proxies:
    watch = belief.config.watches.get(target)
    return belief.config.accounts[watch.target.account].way.proxies if watch else belief.config.way.proxies


async def _check_online(services: Services, belief: BeliefView) -> bool | None:
    """Ask neutral hosts, over the same proxies as the targets that got no answer; None if all got one."""
    unanswered = [id for id, health in belief.healths.items() if health.status is None and health.failures]
    if not unanswered:
        return None
    roads = {_proxies_of(belief, id) for id in unanswered}
    return await services.outside.is_online(belief.config.neutral_hosts, ONLINE_LIMIT_S, list(roads))
