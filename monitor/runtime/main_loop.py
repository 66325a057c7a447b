"""The one loop in which all stages meet: look, remember, judge, tell."""

import asyncio
import logging
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec.structs import replace

from monitor.config.cost import most_used
from monitor.detect import target_memory
from monitor.detect.health import Health, State
from monitor.detect.latency import pace
from monitor.diagnose.diagnosis import ACCOUNT_WIDE, BREATH, NEVER, Scope, is_suspected, is_unreachable
from monitor.diagnose.incident import Change, ChangeKind, absence, as_of, redated
from monitor.diagnose.stage_failure import Stage
from monitor.runtime.supervisor import Work, keep
from monitor.schedule import Agenda, Spending, Watch, has_room, is_affordable, is_patient, next_at
from monitor.stages import drill
from monitor.stages.deliver import deliver, warm_up
from monitor.stages.evaluate import conclude, is_to_confirm, judge, take_note, tracks_to_save
from monitor.stages.liveness import beat_outside, reassure
from monitor.stages.notify import herald, tell
from monitor.stages.poll_status import enquire, listen
from monitor.stages.state import World, pause
from monitor.stages.upkeep import follow_configuration, publish, tidy, weigh
from monitor.store.clock import Reading, was_set
from monitor.store.value import Batch
from monitor.words import duration, title
from probes.model import Account, Answer, Blame, Fault, Observation, Outcome, Target, Usage
from probes.remedy import explain

log = logging.getLogger("monitor")

Stages = Mapping[Stage, Work]

BEAT_S = 1.0
"""Good news waits so long for company, so that many results share one transaction. Bad news does not wait."""
ENOUGH = 500
"""So many results are company enough, and so are those of all targets: no more can come."""
JUMP = timedelta(seconds=30)
"""A clock that moved so far against the monotonic one was set, or the machine slept: all is planned anew."""
RELOOK = timedelta(seconds=15)
"""So soon a balance that is low, or a list that lacks a model, is read again."""
SIBLINGS = 10
"""So many other accounts of a provider are asked at once: enough to tell, and no burst at a provider in trouble."""
RIVALS = 2
"""So many other accounts are asked out of turn what costs something: one may fail by itself."""
IDLE_S = 10.0
"""There is a beat so often at least, also when nothing was seen: whoever waits for it learns that we live."""
ABSENT = timedelta(minutes=5)
"""A gap between two beats that is worth a word; a restart takes seconds."""


async def run(world: World, reload: asyncio.Event) -> None:
    """Watch until cancelled. Probes under way are then dropped, not stored as failures."""
    beside: Stages = {
        Stage.PUBLISH: publish,
        Stage.TIDY: tidy,
        Stage.WEIGH: weigh,
        Stage.DRILL: drills,
        Stage.HEARTBEAT: beat_outside,
        Stage.REASSURE: reassure,
        Stage.CONFIGURATION: partial(follow_configuration, reload=reload),
    }
    await _keep_all(world, {**WATCHING, **beside})


async def watch_and_tell(world: World) -> None:
    """Look, judge and tell, without what goes on beside."""
    await _keep_all(world, WATCHING)


async def _keep_all(world: World, stages: Stages) -> None:
    async with asyncio.TaskGroup() as kept:
        for stage, work in stages.items():
            kept.create_task(keep(world, stage, work, change))


def is_wavering(health: Health) -> bool:
    """Whether one more look may soon decide: a failure that is not confirmed, or an outage that may be over."""
    return is_suspected(health) or (health.state is State.DOWN and health.successes > 0)


async def look(world: World) -> None:
    """Start every probe when its time comes, without waiting for any to end."""
    world.plan_anew()  # whatever was under way when this stage ended
    offset = _offset(world)
    async with asyncio.TaskGroup() as attempts:
        while True:
            if abs(_offset(world) - offset) > JUMP:
                offset = _offset(world)
                _plan_after_jump(world)
            for target in world.agenda.take_due(world.edge.clock()):
                if watch := world.config.watches.get(target):
                    attempts.create_task(probe(world, watch))
            world.planned.clear()
            await pause(world.seconds_to(world.agenda.next_at()), world.planned)


async def probe(world: World, watch: Watch) -> None:
    """Look at one target, unless there is a reason not to, and hand on what was seen."""
    account = world.config.accounts.get(watch.target.account)
    if account is None:
        return  # a new configuration came in between
    try:
        observation = await _look_at(world, account, watch)
    except Exception as error:  # a bug of ours must neither end the watch nor be blamed on anybody
        log.exception("%s: the attempt itself failed", watch.target.id)
        observation = unseen(watch, world.edge.clock(), f"the monitor's own fault ({type(error).__name__})")
    if watch.aside:
        observation = _set_aside(observation)
    world.finished.put_nowait(observation)
    if (
        world.finished.qsize() >= min(ENOUGH, len(world.config.watches))
        or observation.outcome is not Outcome.OK
        or is_wavering(world.healths.get(watch.target.id, Health()))
    ):
        world.urgent.set()


async def _look_at(world: World, account: Account, watch: Watch) -> Observation:
    if refusal := _refusal(world, account, watch):
        return unseen(watch, world.edge.clock(), refusal)
    async with world.host(account.id):
        world.begun[watch.target.id] = world.read_clocks()
        provider = world.config.providers[account.provider]
        seen = await world.outside.attempt(world.prober, provider, account, watch.target)
        return _explained(world, seen)


def _explained(world: World, observation: Observation) -> Observation:
    """Take for our own fault what the account's configuration explains, as long as that has never worked."""
    target, account = observation.target, world.config.accounts.get(observation.target.account)
    if observation.outcome is Outcome.OK:
        world.proven.add(target.id)
    if observation.fault is None or account is None:
        return observation
    provider, proven = world.config.providers[account.provider], target.id in world.proven
    others = None if proven else _works_otherwise(world, target)
    return explain(provider, account, observation, proven=proven, others=others)


def _works_otherwise(world: World, target: Target) -> bool | None:
    """Return whether another ability of the account answers well; None when there is no other."""
    watches = (one for one in world.config.watches.values() if one.target.account == target.account and not one.aside)
    others = [one.target.id for one in watches if one.target.canary != target.canary]
    return any(world.healths.get(id, Health()).state is State.UP for id in others) if others else None


def _set_aside(observation: Observation) -> Observation:
    """Take the failure of a look beside the account's work as not having seen, unless it speaks of all of it."""
    if observation.fault is None or observation.fault in ACCOUNT_WIDE:
        return observation
    return replace(observation, outcome=Outcome.UNKNOWN, fault=None)


def _refusal(world: World, account: Account, watch: Watch) -> str | None:
    if account.problem:
        return f"not asked: {account.problem}"
    now = world.edge.clock()
    if not watch.free and not is_affordable(world.config.budgets[account.id], _spent(world, account.id, now), now):
        return "the day's budget for this account's canaries is spent"
    return None


def unseen(watch: Watch, at: datetime, reason: str) -> Observation:
    """Return the observation of a look that did not take place."""
    return Observation(watch.target, at, Outcome.UNKNOWN, answer=Answer("monitor/not-asked", reason))


async def remember(world: World) -> None:
    """Turn what was seen into one beat after the other."""
    while True:
        await _gather(world)
        await follow_clock(world)
        observations = seen(world)
        if observations or world.unsettled or world.keeper.refusal or _is_idle(world):
            now = world.edge.clock()
            await note_absence(world, now)
            try:
                await beat(world, observations, now)
            except Exception:
                _plan_as_usual(world, observations)
                raise


async def note_absence(world: World, now: datetime, pause: timedelta = ABSENT) -> None:
    """Remember that nobody was watching: there was no beat for longer than the pauses between them may be."""
    if world.beat_at is None or now - world.beat_at < pause:
        return
    if world.beaten_at is not None and world.edge.uptime() - world.beaten_at < pause.total_seconds():
        log.warning("the clock was set forward by %s: no gap", duration((now - world.beat_at).total_seconds()))
    else:
        await change(world, absence(world.beat_at, now))


async def _gather(world: World) -> None:
    """Wait for what is to be seen: for good news a moment longer, since there may be more; for bad news no longer."""
    try:
        async with asyncio.timeout(BEAT_S):
            await world.urgent.wait()
    except TimeoutError:
        pass
    world.urgent.clear()


def seen(world: World, before: Sequence[Observation] = ()) -> list[Observation]:
    """Return what has been seen, after what was taken before, all dated as the clock goes now."""
    now = world.read_clocks()
    found = [*before, *(world.finished.get_nowait() for _ in range(world.finished.qsize()))]
    return [_as_dated_now(one, world.begun.pop(one.target.id, now), now) for one in found]


def _as_dated_now(one: Observation, began: Reading, now: Reading) -> Observation:
    by = was_set(began, now)
    return replace(one, at=min(one.at + by, now.at)) if by or one.at > now.at else one


async def follow_clock(world: World) -> None:
    """Date anew what is open when the clock was set: it has lasted as long as it did, whatever the clock says."""
    before, world.clocks = world.clocks, world.read_clocks()
    by, world.set_by = world.set_by, timedelta(0)
    by += was_set(before, world.clocks)
    if not by:
        return
    how = "forward" if by > timedelta(0) else "back"
    log.warning("the clock was set %s by %s: what is open is dated anew", how, duration(abs(by).total_seconds()))
    now = world.clocks.at
    world.redate(by)
    changes = tuple(redated(one, by, now) for one in world.incidents.values())
    _adopt(world, changes)
    messages = tuple(tell(world, changes, now))
    await world.save(Batch(now, changes=changes, messages=messages, trace=world.trace()))
    world.mail.set()
    world.news.set()


async def beat(
    world: World, observations: Sequence[Observation], now: datetime, ahead: timedelta = timedelta(0)
) -> None:
    """One heartbeat: judge what was seen, remember all of it in one transaction, and let it be told.

    Nothing more is seen for the time `ahead`: what that time alone would settle is settled now.
    """
    down = {one.target.id for one in observations if _is_down(world, one.target.id)}
    healths = judge(world, observations)
    notes = take_note(world, observations)
    tracks, pools = tracks_to_save(world, observations, now)
    is_news = world.stirred
    plans = _plan(world, healths, observations)
    _ask_the_rest(world, {id for id in down if not _is_down(world, id)})
    changes = [as_of(change, now) for change in conclude(world, now, ahead)]
    _adopt(world, changes)
    if is_news:
        _hurry_associates(world, now)
    messages = tell(world, changes, now)
    spent = _spend(world, observations)
    batch = Batch(
        now,
        tuple(observations),
        healths,
        plans,
        spent,
        tuple(changes),
        tuple(messages),
        notes=notes,
        tracks=tracks,
        pools=pools,
        trace=world.trace(),
    )
    if observations or changes or world.keeper.refusal or _is_idle(world):
        await world.save(batch)
        world.beaten_at, world.beat_at = world.edge.uptime(), now
    if messages:
        world.mail.set()
    if changes or is_news:
        world.news.set()


def _is_idle(world: World) -> bool:
    return world.beaten_at is None or world.edge.uptime() - world.beaten_at >= IDLE_S


def _plan(world: World, healths: Mapping[str, Health], observations: Sequence[Observation]) -> dict[str, datetime]:
    """Plan the next look at each target that was seen; the first failure brings its neighbours' looks forward."""
    plans: dict[str, datetime] = {}
    turning: list[Watch] = []
    shared = _shared(world)
    for observation in observations:
        id = observation.target.id
        if id in healths:
            watch, health = world.config.watches[id], healths[id]
            failures, chance = world.config.probe.failures, world.edge.chance()
            again_s = _again_s(world, watch)
            plans[id] = next_at(watch, health, observation.at, failures, chance, world.round_at, again_s)
            if is_to_confirm(world, observation):
                plans[id] = min(plans[id], observation.at + RELOOK)
            if id in shared:
                plans[id] = min(plans[id], observation.at + timedelta(seconds=watch.interval_s))
            world.agenda.set(id, plans[id])
            if _is_turning(health):
                turning.append(watch)
    if turning:
        warm_up(world.config.channels, world.templates)
        for id in _neighbours(world, turning) - _just_asked(healths, turning):
            _hurry(world, id)
    world.planned.set()
    return plans


def _just_asked(healths: Mapping[str, Health], turning: Sequence[Watch]) -> set[str]:
    """Return who was asked since the first of those, or in the same breath: to ask again would tell no more."""
    first = min(healths[one.target.id].began_at or NEVER for one in turning)
    return {id for id, health in healths.items() if health.seen_at and health.seen_at >= first - BREATH}


def _is_down(world: World, target: str) -> bool:
    return world.healths.get(target, Health()).state is State.DOWN


def _ask_the_rest(world: World, back: Set[str]) -> None:
    """Ask at once who of an incident is down still and was not asked since a part of it recovered."""
    for incident in [one for one in world.incidents.values() if not back.isdisjoint(one.members)]:
        since = min(world.healths[id].since or NEVER for id in back & incident.members)
        for id in incident.members & world.config.watches.keys():
            if _is_down(world, id) and (world.healths[id].seen_at or NEVER) < since:
                _hurry(world, id)


def _plan_as_usual(world: World, observations: Sequence[Observation]) -> None:
    """Look again at what could not be judged, in its interval: what nobody plans is never looked at."""
    for target in {one.target.id for one in observations}:
        if (watch := world.config.watches.get(target)) and target not in world.agenda:
            world.agenda.set(target, world.edge.clock() + timedelta(seconds=watch.interval_s))


def _shared(world: World) -> frozenset[str]:
    """Return what is part of a trouble that no account is to blame for: no back-off helps anybody's appeal there."""
    its = (one.members for one in world.incidents.values() if one.blame is not Blame.ACCOUNT)
    return frozenset().union(*its)


def _again_s(world: World, watch: Watch) -> float | None:
    """Return in how many seconds a look out of turn would tell more; None: no hurry, or no money for it."""
    memory, account = world.tracks.get(watch.target.id), watch.target.account
    if memory is None or (again := target_memory.again_s(memory, pace(watch.interval_s))) is None:
        return None
    return again if watch.free or _can_afford(world, account) else None


def _is_turning(health: Health) -> bool:
    """Whether this was the first sign of a trouble, or of its end: in a brownout each good answer might be one."""
    brownout = health.evidence is not None and health.evidence.failed < health.evidence.looks
    ending = health.state is State.DOWN and health.successes == 1 and not brownout
    return ending or (health.state is State.SUSPECTED and health.failures == 1)


def _hurry(world: World, target: str) -> None:
    """Ask at once; but a re-check keeps its pause, for at once it would meet the same blip again.

    So does who asked to be left alone for a while; and what lies beside the account's work, and was not seen when it
    was asked, tells nothing of it the next time either.
    """
    health, watch, now = world.healths.get(target, Health()), world.config.watches.get(target), world.edge.clock()
    is_idle = watch is not None and watch.aside and health.state is State.UNKNOWN
    if not (is_suspected(health) or is_patient(health, now) or is_idle):
        world.agenda.hurry(target, now)


def _neighbours(world: World, turning: Sequence[Watch]) -> set[str]:
    """Return who can tell whose trouble it is, or whether it is over.

    The accounts' other canaries, free ones of some siblings, the same paid one of a few, and, where no answer came at
    all, one free canary of every other provider: perhaps it is this machine that is offline. Whatever is of the same
    trouble.
    """
    ids, accounts = {one.target.id for one in turning}, {one.target.account for one in turning}
    failing = [world.healths[id] for id in ids]
    doubted = [one for one in turning if _is_not_the_accounts(world.healths[one.target.id])]
    world.doubted |= {one.target.answerer for one in doubted}
    if doubted:
        world.doubt.set()
    elsewhere = 1 if any(map(is_unreachable, failing)) else 0
    room = dict.fromkeys((one.target.answerer for one in turning), SIBLINGS)
    paid = dict.fromkeys((_asked(one.target) for one in turning), RIVALS)
    found: set[str] = set()
    for id, watch in world.config.watches.items():
        answerer, asked = watch.target.answerer, _asked(watch.target)
        if watch.target.account in accounts:
            found.add(id)
        elif watch.free and room.setdefault(answerer, elsewhere):
            room[answerer] -= 1
            found.add(id)
        elif not watch.free and paid.get(asked) and _can_afford(world, watch.target.account):
            paid[asked] -= 1
            found.add(id)
    members = (one.members for one in world.incidents.values() if not ids.isdisjoint(one.members))
    return found.union(*members) - ids


def _is_not_the_accounts(health: Health) -> bool:
    return health.fault is not None and health.fault.blame is not Blame.ACCOUNT


def _asked(target: Target) -> tuple[str, str, str | None]:
    """Return what asks the same: who answers, the canary and the model."""
    return target.answerer, target.canary, target.model


def _can_afford(world: World, account: str) -> bool:
    now = world.edge.clock()
    return has_room(world.config.budgets[account], _spent(world, account, now), now)


def _hurry_associates(world: World, now: datetime) -> None:
    """Ask at once whoever belongs to an account that is now suspended: one ban often pulls the next.

    Where it is its key that is refused, ask some others there, too: they may be refused by now.
    """
    suspended = {world.config.watches[id].target.account for id, one in world.healths.items() if _is_pulling(one)}
    for account in suspended - world.suspended:
        associates = set(world.config.associates(account))
        its = [watch for watch in world.config.watches.values() if watch.target.account in associates]
        free = {watch.target.account for watch in its if watch.free}
        for watch in its:
            if watch.free or watch.target.account not in free:  # a subscription has nothing that is free
                world.agenda.hurry(watch.target.id, now)
        for id in _others_there(world, account):
            _hurry(world, id)
    world.suspended = suspended


def _others_there(world: World, account: str) -> list[str]:
    """Return a free canary each of some other accounts that work where a key is refused; none where it is not the key.

    What is dead already is left alone.
    """
    its = [watch.target for watch in world.config.watches.values() if watch.target.account == account]
    if not any(world.healths.get(one.id, Health()).fault is Fault.INVALID_KEY for one in its):
        return []
    there = [w.target for w in world.config.watches.values() if w.free and not w.aside]
    others = [one for one in there if one.answerer == its[0].answerer and one.account != account]
    well = {one.account: one.id for one in others if world.healths.get(one.id, Health()).state is State.UP}
    return list(well.values())[:RIVALS]


def _is_pulling(health: Health) -> bool:
    return health.state is State.DOWN and health.fault in ACCOUNT_WIDE


def _spend(world: World, observations: Sequence[Observation]) -> dict[str, Spending]:
    spent: dict[str, Spending] = {}
    for observation in observations:
        paid = _paid(world, observation)
        if paid.usage.tokens_in or paid.usage.tokens_out:
            account = observation.target.account
            world.spendings[account] = spent[account] = _spent(world, account, observation.at).add(paid)
    return spent


def _spent(world: World, account: str, at: datetime) -> Spending:
    """Return what was last known to be spent; nothing on the day of `at` where nothing is known."""
    return world.spendings.get(account) or Spending(at.date())


def _paid(world: World, observation: Observation) -> Observation:
    """Return it with what it was billed for; what an answer does not tell counts as the most it can be."""
    watch = world.config.watches.get(observation.target.id)
    if watch is None or watch.free or observation.status != 200 or observation.usage != Usage():
        return observation
    target, config = watch.target, world.config
    usage, usd = most_used(target, config.providers[target.provider], config.accounts[target.account])
    return replace(observation, usage=usage, cost_usd=usd)


def _adopt(world: World, changes: Sequence[Change]) -> None:
    world.adopt(changes)
    for change in changes:
        log.info("%s: %s (%s)", change.kind, title(change.incident), change.incident.id)
    if any(one.incident.closed_at and one.incident.scope is Scope.MONITOR for one in changes):
        world.hear_anew()


async def drills(world: World) -> None:
    """Begin the drills that somebody asked for, and end them after a while."""
    while True:
        await begin_drills(world)
        await end_drills(world)
        await asyncio.sleep(1)


async def begin_drills(world: World) -> None:
    for wish in await asyncio.to_thread(drill.take, world.config.database):
        await change(world, Change(wish.incident, ChangeKind.OPENED, world.edge.clock()))


async def end_drills(world: World) -> None:
    now = world.edge.clock()
    for one in [one for one in world.incidents.values() if drill.is_over(one, now)]:
        await change(world, Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))


async def change(world: World, one: Change) -> None:
    """Remember one change that no observation led to, and let it be told."""
    now = world.edge.clock()
    one = as_of(one, now)
    _adopt(world, [one])
    await world.save(Batch(now, changes=(one,), messages=tuple(tell(world, [one], now))))
    world.mail.set()
    world.news.set()


def _offset(world: World) -> timedelta:
    return world.edge.clock() - timedelta(seconds=world.edge.timer()) - datetime.fromtimestamp(0, UTC)


def _plan_after_jump(world: World) -> None:
    log.warning("the clock jumped, or the machine slept: every look is planned anew")
    world.agenda = Agenda()
    world.plan_anew()


WATCHING: Stages = {
    Stage.LOOK: look,
    Stage.REMEMBER: remember,
    Stage.LISTEN: listen,
    Stage.ENQUIRE: enquire,
    Stage.HERALD: herald,
    Stage.DELIVER: deliver,
}
"""What it takes to look, judge and tell."""
