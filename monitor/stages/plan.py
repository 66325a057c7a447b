"""When each target is probed next, and whose probes a failure brings forward."""

from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta

from monitor.detect import target_memory
from monitor.detect.health import Health, State
from monitor.detect.latency import sensitivity_for
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.target_state import EPOCH, NEVER, SAME_INSTANT, is_suspected, is_unreachable
from monitor.schedule import Watch, has_room_for_extra, is_patient, next_at
from monitor.stages.deliver import preload_libraries
from monitor.stages.evaluate import needs_confirmation
from monitor.stages.spend import spent_today
from monitor.state.belief import BeliefView
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals
from probes.model import Blame, Fault, Observation, Target
from probes.target_id import look_of

MOST_SIBLINGS = 10
"""Most other accounts of a provider probed at once: enough to tell, without a burst at a provider in trouble."""
MOST_OTHERS = 2
"""Most other accounts probed out of turn for money, or for a refused key: not one, as one may fail by itself."""


def plan_probes(
    services: Services,
    belief: BeliefView,
    planned: ScheduleState,
    signals: StageSignals,
    healths: Mapping[str, Health],
    observations: Sequence[Observation],
) -> dict[str, datetime]:
    """Plan the next probe of each observed target; a first failure brings its neighbours' probes forward."""
    plans: dict[str, datetime] = {}
    turning: list[Watch] = []
    doubted: list[Target] = []
    shared = _shared(belief)
    for observation in observations:
        id = observation.target.id
        if id in healths:
            watch, health = belief.config.watches[id], healths[id]
            failures, chance = belief.config.probe.failures, services.edge.chance()
            again_s = _recheck_s(services, belief, planned, watch)
            plans[id] = next_at(
                watch, health, observation.at, failures, chance, planned.round_at, again_s, services.pauses.probes
            )
            if needs_confirmation(belief, observation):
                plans[id] = min(plans[id], observation.at + services.pauses.reread)
            if id in shared:
                plans[id] = min(plans[id], observation.at + timedelta(seconds=watch.interval_s))
            planned.probes.set(id, plans[id])
            if _is_first_sign(health):
                turning.append(watch)
            if watch.target.location and _is_being_confirmed(health, failures):
                doubted.append(watch.target)
    if turning:
        preload_libraries(belief.config.channels, services.templates)
        for id in _neighbours(services, belief, planned, signals, turning) - _just_probed(healths, turning):
            _hurry(services, belief, planned, id)
    asked = (_witnesses, _on_same_road) if doubted else ()
    for id in {id for ask in asked for id in ask(services, belief, planned, doubted)}:
        _hurry(services, belief, planned, id)
    signals.probes_planned.set()
    return plans


def _just_probed(healths: Mapping[str, Health], turning: Sequence[Watch]) -> set[str]:
    """Return the targets probed since the first of those, or at the same moment: another probe would add nothing."""
    first = min(healths[one.target.id].began_at or NEVER for one in turning)
    return {id for id, health in healths.items() if health.seen_at and health.seen_at >= first - SAME_INSTANT}


def is_target_suspected(belief: BeliefView, target: str) -> bool:
    return belief.healths.get(target, Health()).state in (State.DOWN, State.SUSPECTED)


def is_target_down(belief: BeliefView, target: str) -> bool:
    return belief.healths.get(target, Health()).state is State.DOWN


def probe_the_rest(services: Services, belief: BeliefView, planned: ScheduleState, back: Set[str]) -> None:
    """Probe at once the targets of an incident that are still down and not probed since a part of it recovered.

    A recovery of their account counts, even of a merely suspected target: else an hourly canary keeps the incident
    open for an hour.
    """
    if not back:
        return
    by_account = {belief.config.watches[id].target.account: belief.healths[id].seen_at or EPOCH for id in back}
    for incident in belief.incidents.values():
        since = min((belief.healths[id].since or NEVER for id in back & incident.members), default=EPOCH)
        for id in incident.members & belief.config.watches.keys():
            recovered_at = max(since, by_account.get(belief.config.watches[id].target.account, EPOCH))
            if is_target_down(belief, id) and (belief.healths[id].seen_at or NEVER) < recovered_at:
                _hurry(services, belief, planned, id)


def plan_unjudged(
    services: Services, belief: BeliefView, planned: ScheduleState, observations: Sequence[Observation]
) -> None:
    """Plan unjudged targets after their usual interval: without a plan they are never probed again."""
    for target in {one.target.id for one in observations}:
        if (watch := belief.config.watches.get(target)) and target not in planned.probes:
            planned.probes.set(target, services.edge.clock() + timedelta(seconds=watch.interval_s))


def _shared(belief: BeliefView) -> frozenset[str]:
    """Return the targets in incidents that are not an account's fault: backing off there helps nobody's appeal."""
    its = (one.members for one in belief.incidents.values() if one.blame is not Blame.ACCOUNT)
    return frozenset().union(*its)


def _recheck_s(services: Services, belief: BeliefView, planned: ScheduleState, watch: Watch) -> float | None:
    """Return seconds until a probe out of turn is useful; None: not needed, or no budget for it."""
    memory, account = belief.tracks.get(watch.target.id), watch.target.account
    if memory is None or (again := target_memory.extra_probe_s(memory, sensitivity_for(watch.interval_s))) is None:
        return None
    return again if watch.free or _can_afford(services, belief, planned, account) else None


def _is_first_sign(health: Health) -> bool:
    """Whether this is the first sign of trouble or of recovery; in a brownout a good answer is not one."""
    brownout = health.evidence is not None and health.evidence.failed < health.evidence.looks
    ending = health.state is State.DOWN and health.successes == 1 and not brownout
    return ending or (health.state is State.SUSPECTED and health.failures == 1)


def _is_being_confirmed(health: Health, failures: int) -> bool:
    """Whether each of its failures is news, so that other places are asked what they see."""
    return health.state in (State.SUSPECTED, State.DOWN) and 0 < health.failures <= failures


def _witnesses(
    services: Services, belief: BeliefView, planned: ScheduleState, doubted: Sequence[Target]
) -> Iterator[str]:
    """Yield the same looks from other places; of paid ones a few, as far as the budget has room."""
    places = {look_of(one.id): one.location for one in doubted}
    paid = dict.fromkeys(places, MOST_OTHERS)
    for id, watch in belief.config.watches.items():
        look = look_of(id)
        if places.get(look, watch.target.location) == watch.target.location:
            continue
        if watch.free:
            yield id
        elif paid[look] and _can_afford(services, belief, planned, watch.target.account):
            paid[look] -= 1
            yield id


def _on_same_road(
    services: Services, belief: BeliefView, planned: ScheduleState, doubted: Sequence[Target]
) -> Iterator[str]:
    """Yield a paid look at each other answerer where one of several places got no answer to a paid one.

    Its road may lose large answers, and no small one shows that.
    """
    watches = belief.config.watches
    lost = [one for one in doubted if not watches[one.id].free and is_unreachable(belief.healths[one.id])]
    places, asked = {one.location for one in lost}, {(one.location, one.answerer) for one in lost}
    for id, watch in watches.items() if places else ():
        there = watch.target.location, watch.target.answerer
        if watch.free or watch.target.location not in places or there in asked:
            continue
        if _can_afford(services, belief, planned, watch.target.account):
            asked.add(there)
            yield id


def _hurry(services: Services, belief: BeliefView, planned: ScheduleState, target: str) -> None:
    """Probe at once, except for a re-check: it keeps its pause, or it would meet the same blip again.

    A target that asked for a pause keeps it too. A side target without an observation tells nothing the next time
    either, so it is left alone.
    """
    health, watch, now = belief.healths.get(target, Health()), belief.config.watches.get(target), services.edge.clock()
    is_idle = watch is not None and watch.aside and health.state is State.UNKNOWN
    if not (is_suspected(health) or is_patient(health, now) or is_idle):
        planned.probes.hurry(target, now)


def _neighbours(
    services: Services, belief: BeliefView, planned: ScheduleState, signals: StageSignals, turning: Sequence[Watch]
) -> set[str]:
    """Return the targets to re-check: they show whose fault it is, or that it is over.

    These are the accounts' other canaries, free ones of some siblings, the same paid one of a few, all members of the
    same incident and, if no answer came at all, one free canary of every other provider: we may be offline. All these
    are from the same place; from others, the accounts' free canaries.
    """
    ids, accounts = {one.target.id for one in turning}, {one.target.account for one in turning}
    here = {one.target.location for one in turning}
    failing = [belief.healths[id] for id in ids]
    doubted = [one for one in turning if _is_not_the_accounts(belief.healths[one.target.id])]
    signals.doubted.update(one.target.answerer for one in doubted)
    if doubted:
        signals.doubt.set()
    elsewhere = 1 if any(map(is_unreachable, failing)) else 0
    room = dict.fromkeys(((one.target.answerer, one.target.location) for one in turning), MOST_SIBLINGS)
    paid = dict.fromkeys((_probe_key(one.target) for one in turning), MOST_OTHERS)
    found: set[str] = set()
    for id, watch in belief.config.watches.items():
        there, asked = (watch.target.answerer, watch.target.location), _probe_key(watch.target)
        if watch.target.account in accounts and _is_free_or_here(belief, id, here):
            found.add(id)
        elif watch.target.location not in here:
            continue
        elif watch.free and room.setdefault(there, elsewhere):
            room[there] -= 1
            found.add(id)
        elif not watch.free and paid.get(asked) and _can_afford(services, belief, planned, watch.target.account):
            paid[asked] -= 1
            found.add(id)
    members = (one.members for one in belief.incidents.values() if not ids.isdisjoint(one.members))
    return found.union(id for its in members for id in its if _is_free_or_here(belief, id, here)) - ids


def _is_free_or_here(belief: BeliefView, target: str, here: Set[str]) -> bool:
    """Whether another look costs nothing, or is from a place that asks for it: elsewhere `_witnesses` has a budget."""
    watch = belief.config.watches.get(target)
    return watch is None or watch.free or watch.target.location in here


def _is_not_the_accounts(health: Health) -> bool:
    return health.fault is not None and health.fault.blame is not Blame.ACCOUNT


def _probe_key(target: Target) -> tuple[str, str, str | None, str]:
    """Return what makes two probes of one place the same: answerer, canary and model."""
    return target.answerer, target.canary, target.model, target.location


def _can_afford(services: Services, belief: BeliefView, planned: ScheduleState, account: str) -> bool:
    now = services.edge.clock()
    return has_room_for_extra(belief.config.budgets[account], spent_today(planned, account, now), now)


def hurry_associates(services: Services, belief: BeliefView, planned: ScheduleState, now: datetime) -> None:
    """Probe at once the associates of a newly suspended account: one ban often leads to the next.

    If its key is refused, probe a few others at the same answerer: they may be refused by now.
    """
    suspended = {belief.config.watches[id].target.account for id, one in belief.healths.items() if _is_suspended(one)}
    for account in suspended - planned.suspended:
        associates = set(belief.config.associates(account))
        for id in _looks_at(services, belief, planned, associates):
            planned.probes.hurry(id, now)
        for id in _others_at_answerer(belief, account):
            _hurry(services, belief, planned, id)
    planned.suspended = suspended


def _looks_at(services: Services, belief: BeliefView, planned: ScheduleState, accounts: Set[str]) -> Iterator[str]:
    """Yield the free targets of these accounts, from wherever; paid ones of a subscription, which has no free canary.

    The first place may always ask for money, others as far as the budget has room.
    """
    its = [watch for watch in belief.config.watches.values() if watch.target.account in accounts]
    free = {watch.target.account for watch in its if watch.free}
    asked = set[str]()
    for watch in its:
        account, look = watch.target.account, look_of(watch.target.id)
        if watch.free:
            yield watch.target.id
        elif account not in free and (look not in asked or _can_afford(services, belief, planned, account)):
            asked.add(look)
            yield watch.target.id


def _others_at_answerer(belief: BeliefView, account: str) -> list[str]:
    """Return one free canary each of a few working accounts at the same answerer; none unless the key is refused.

    Accounts already down are left alone.
    """
    its = [watch.target for watch in belief.config.watches.values() if watch.target.account == account]
    if not any(belief.healths.get(one.id, Health()).fault is Fault.INVALID_KEY for one in its):
        return []
    there = [w.target for w in belief.config.watches.values() if w.free and not w.aside]
    others = [one for one in there if one.answerer == its[0].answerer and one.account != account]
    well = {one.account: one.id for one in others if belief.healths.get(one.id, Health()).state is State.UP}
    return list(well.values())[:MOST_OTHERS]


def _is_suspended(health: Health) -> bool:
    return health.state is State.DOWN and health.fault in ACCOUNT_WIDE
