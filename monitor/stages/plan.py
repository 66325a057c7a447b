"""When each target is looked at next, and whose looks a failure brings forward."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta

from monitor.detect import target_memory
from monitor.detect.health import Health, State
from monitor.detect.latency import pace
from monitor.diagnose.diagnosis import ACCOUNT_WIDE
from monitor.diagnose.target_state import BREATH, EPOCH, NEVER, is_suspected, is_unreachable
from monitor.schedule import Watch, has_room, is_patient, next_at
from monitor.stages.belief import BeliefView
from monitor.stages.deliver import warm_up
from monitor.stages.evaluate import is_to_confirm
from monitor.stages.planned import Planned
from monitor.stages.services import Services
from monitor.stages.signals import Signals
from monitor.stages.spend import spent_today
from probes.model import Blame, Fault, Observation, Target

SIBLINGS = 10
"""So many other accounts of a provider are asked at once: enough to tell, and no burst at a provider in trouble."""
RIVALS = 2
"""So many other accounts are asked out of turn what costs something: one may fail by itself."""


def plan_looks(
    services: Services,
    belief: BeliefView,
    planned: Planned,
    signals: Signals,
    healths: Mapping[str, Health],
    observations: Sequence[Observation],
) -> dict[str, datetime]:
    """Plan the next look at each target that was seen; the first failure brings its neighbours' looks forward."""
    plans: dict[str, datetime] = {}
    turning: list[Watch] = []
    shared = _shared(belief)
    for observation in observations:
        id = observation.target.id
        if id in healths:
            watch, health = belief.config.watches[id], healths[id]
            failures, chance = belief.config.probe.failures, services.edge.chance()
            again_s = _again_s(services, belief, planned, watch)
            plans[id] = next_at(
                watch, health, observation.at, failures, chance, planned.round_at, again_s, services.pauses.looks
            )
            if is_to_confirm(belief, observation):
                plans[id] = min(plans[id], observation.at + services.pauses.reread)
            if id in shared:
                plans[id] = min(plans[id], observation.at + timedelta(seconds=watch.interval_s))
            planned.looks.set(id, plans[id])
            if _is_turning(health):
                turning.append(watch)
    if turning:
        warm_up(belief.config.channels, services.templates)
        for id in _neighbours(services, belief, planned, signals, turning) - _just_asked(healths, turning):
            _hurry(services, belief, planned, id)
    signals.looks_planned.set()
    return plans


def _just_asked(healths: Mapping[str, Health], turning: Sequence[Watch]) -> set[str]:
    """Return who was asked since the first of those, or in the same breath: to ask again would tell no more."""
    first = min(healths[one.target.id].began_at or NEVER for one in turning)
    return {id for id, health in healths.items() if health.seen_at and health.seen_at >= first - BREATH}


def is_doubted(belief: BeliefView, target: str) -> bool:
    return belief.healths.get(target, Health()).state in (State.DOWN, State.SUSPECTED)


def is_down(belief: BeliefView, target: str) -> bool:
    return belief.healths.get(target, Health()).state is State.DOWN


def ask_the_rest(services: Services, belief: BeliefView, planned: Planned, back: Set[str]) -> None:
    """Ask at once who of an incident is down still and was not asked since a part of it, or of its account, recovered.

    What of the account was only suspected recovers, too: an hourly canary would keep the incident open for an hour.
    """
    if not back:
        return
    by_account = {belief.config.watches[id].target.account: belief.healths[id].seen_at or EPOCH for id in back}
    for incident in belief.incidents.values():
        since = min((belief.healths[id].since or NEVER for id in back & incident.members), default=EPOCH)
        for id in incident.members & belief.config.watches.keys():
            recovered_at = max(since, by_account.get(belief.config.watches[id].target.account, EPOCH))
            if is_down(belief, id) and (belief.healths[id].seen_at or NEVER) < recovered_at:
                _hurry(services, belief, planned, id)


def plan_as_usual(
    services: Services, belief: BeliefView, planned: Planned, observations: Sequence[Observation]
) -> None:
    """Look again at what could not be judged, in its interval: what nobody plans is never looked at."""
    for target in {one.target.id for one in observations}:
        if (watch := belief.config.watches.get(target)) and target not in planned.looks:
            planned.looks.set(target, services.edge.clock() + timedelta(seconds=watch.interval_s))


def _shared(belief: BeliefView) -> frozenset[str]:
    """Return what is part of a trouble that no account is to blame for: no back-off helps anybody's appeal there."""
    its = (one.members for one in belief.incidents.values() if one.blame is not Blame.ACCOUNT)
    return frozenset().union(*its)


def _again_s(services: Services, belief: BeliefView, planned: Planned, watch: Watch) -> float | None:
    """Return in how many seconds a look out of turn would tell more; None: no hurry, or no money for it."""
    memory, account = belief.tracks.get(watch.target.id), watch.target.account
    if memory is None or (again := target_memory.again_s(memory, pace(watch.interval_s))) is None:
        return None
    return again if watch.free or _can_afford(services, belief, planned, account) else None


def _is_turning(health: Health) -> bool:
    """Whether this was the first sign of a trouble, or of its end: in a brownout each good answer might be one."""
    brownout = health.evidence is not None and health.evidence.failed < health.evidence.looks
    ending = health.state is State.DOWN and health.successes == 1 and not brownout
    return ending or (health.state is State.SUSPECTED and health.failures == 1)


def _hurry(services: Services, belief: BeliefView, planned: Planned, target: str) -> None:
    """Ask at once; but a re-check keeps its pause, for at once it would meet the same blip again.

    So does who asked to be left alone for a while; and what lies beside the account's work, and was not seen when it
    was asked, tells nothing of it the next time either.
    """
    health, watch, now = belief.healths.get(target, Health()), belief.config.watches.get(target), services.edge.clock()
    is_idle = watch is not None and watch.aside and health.state is State.UNKNOWN
    if not (is_suspected(health) or is_patient(health, now) or is_idle):
        planned.looks.hurry(target, now)


def _neighbours(
    services: Services, belief: BeliefView, planned: Planned, signals: Signals, turning: Sequence[Watch]
) -> set[str]:
    """Return who can tell whose trouble it is, or whether it is over.

    The accounts' other canaries, free ones of some siblings, the same paid one of a few, and, where no answer came at
    all, one free canary of every other provider: perhaps it is this machine that is offline. Whatever is of the same
    trouble.
    """
    ids, accounts = {one.target.id for one in turning}, {one.target.account for one in turning}
    failing = [belief.healths[id] for id in ids]
    doubted = [one for one in turning if _is_not_the_accounts(belief.healths[one.target.id])]
    signals.doubted.update(one.target.answerer for one in doubted)
    if doubted:
        signals.doubt.set()
    elsewhere = 1 if any(map(is_unreachable, failing)) else 0
    room = dict.fromkeys((one.target.answerer for one in turning), SIBLINGS)
    paid = dict.fromkeys((_asked(one.target) for one in turning), RIVALS)
    found: set[str] = set()
    for id, watch in belief.config.watches.items():
        answerer, asked = watch.target.answerer, _asked(watch.target)
        if watch.target.account in accounts:
            found.add(id)
        elif watch.free and room.setdefault(answerer, elsewhere):
            room[answerer] -= 1
            found.add(id)
        elif not watch.free and paid.get(asked) and _can_afford(services, belief, planned, watch.target.account):
            paid[asked] -= 1
            found.add(id)
    members = (one.members for one in belief.incidents.values() if not ids.isdisjoint(one.members))
    return found.union(*members) - ids


def _is_not_the_accounts(health: Health) -> bool:
    return health.fault is not None and health.fault.blame is not Blame.ACCOUNT


def _asked(target: Target) -> tuple[str, str, str | None]:
    """Return what asks the same: who answers, the canary and the model."""
    return target.answerer, target.canary, target.model


def _can_afford(services: Services, belief: BeliefView, planned: Planned, account: str) -> bool:
    now = services.edge.clock()
    return has_room(belief.config.budgets[account], spent_today(planned, account, now), now)


def hurry_associates(services: Services, belief: BeliefView, planned: Planned, now: datetime) -> None:
    """Ask at once whoever belongs to an account that is now suspended: one ban often pulls the next.

    Where it is its key that is refused, ask some others there, too: they may be refused by now.
    """
    suspended = {belief.config.watches[id].target.account for id, one in belief.healths.items() if _is_pulling(one)}
    for account in suspended - planned.suspended:
        associates = set(belief.config.associates(account))
        its = [watch for watch in belief.config.watches.values() if watch.target.account in associates]
        free = {watch.target.account for watch in its if watch.free}
        for watch in its:
            if watch.free or watch.target.account not in free:  # a subscription has nothing that is free
                planned.looks.hurry(watch.target.id, now)
        for id in _others_there(belief, account):
            _hurry(services, belief, planned, id)
    planned.suspended = suspended


def _others_there(belief: BeliefView, account: str) -> list[str]:
    """Return a free canary each of some other accounts that work where a key is refused; none where it is not the key.

    What is dead already is left alone.
    """
    its = [watch.target for watch in belief.config.watches.values() if watch.target.account == account]
    if not any(belief.healths.get(one.id, Health()).fault is Fault.INVALID_KEY for one in its):
        return []
    there = [w.target for w in belief.config.watches.values() if w.free and not w.aside]
    others = [one for one in there if one.answerer == its[0].answerer and one.account != account]
    well = {one.account: one.id for one in others if belief.healths.get(one.id, Health()).state is State.UP}
    return list(well.values())[:RIVALS]


def _is_pulling(health: Health) -> bool:
    return health.state is State.DOWN and health.fault in ACCOUNT_WIDE
