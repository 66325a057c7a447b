"""Observations → health, notes and incidents: where all detectors and the diagnosis meet."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from monitor.detect import account_memory, flap, intermittent, reminder, shared_latency, target_memory
from monitor.detect.account_memory import EMPTY, AccountMemory
from monitor.detect.finding import Finding
from monitor.detect.health import Health, State, advance
from monitor.detect.latency import SPEAKING, Series, is_late, sensitivity_for, slowness
from monitor.detect.reason import AllSlow, AtUsualPace, RemarkOn
from monitor.detect.shared_latency import Pool, PoolKey
from monitor.detect.target_memory import DetectorSettings, TargetMemory
from monitor.diagnose.announcement import announce
from monitor.diagnose.diagnose import diagnose
from monitor.diagnose.diagnosis import Diagnosis
from monitor.diagnose.early_warning import signs_of
from monitor.diagnose.incident import Change, Incident
from monitor.diagnose.lifecycle import advance_incidents, fading_incidents, reconnected_at
from monitor.diagnose.place_state import diagnose_place_states
from monitor.diagnose.status_source import diagnose_unreadable
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import TargetState
from monitor.schedule import Watch, silent_places
from monitor.state.belief import AlarmedTargets, Belief, BeliefView, KnownStates, pool_keys
from monitor.state.self_health import SelfHealth
from probes.model import Blame, Confidence, Fault, Observation, Target
from probes.target_id import location_of

log = logging.getLogger("monitor")

SAVE_INTERVAL = timedelta(minutes=1)
"""Time between saves of a target's detector memory: a crash loses a minute of it."""
RECOVERY = timedelta(minutes=30)
"""Time after a shared slowdown in which single accounts may still be recovering."""
SETTLING = timedelta(minutes=5)
"""Time that a slow account waits for others to be probed, and for those just slow to be probed again."""
SLOW_SHARE = 1 / 3
"""Share of a slow account's rise, in log terms, from which others count as slow with it. Less than a half, because
the first one noticed looks slower by chance than it is."""
PATH_RULE = "latency/road"
"""Rule id of a slowdown of everything probed from here."""
EPOCH = datetime.fromtimestamp(0, UTC)

T = TypeVar("T")


Detect = Callable[[Belief, Observation, Health, Health], None]
"""Takes in an observation, with its target's health before and after."""


def run_detectors(
    belief: Belief, own: SelfHealth, observations: Sequence[Observation], detect: Detect | None = None
) -> dict[str, Health]:
    """Update health and detectors from the observations; return the new health of each observed target."""
    healths: dict[str, Health] = {}
    thresholds, detect = belief.config.thresholds, detect or feed_detectors
    for observation in observations:
        id = observation.target.id
        if id in belief.config.watches:
            before, interval_s = belief.healths.get(id) or Health(), belief.config.watches[id].interval_s
            belief.healths[id] = healths[id] = advance(before, observation, thresholds, interval_s)
            belief.pending.stirred |= has_changed(before, healths[id])
            work = partial(detect, belief, observation, before, healths[id])
            _guarded(own, f"the detectors of {id}", work)
    return healths


def _guarded(own: SelfHealth, what: str, work: Callable[[], Iterable[T] | None]) -> list[T]:
    """Return a detector's findings; none if it raises: our bug must not silence the other detectors."""
    try:
        found = list(work() or ())
    except Exception as error:
        log.exception("%s failed", what)
        own.warn(what, f"the monitor's own fault: {what} failed ({type(error).__name__})")
        return []
    own.mended(what)
    return found


def has_changed(before: Health, after: Health) -> bool:
    """Whether an observation changed an input of the diagnosis."""
    was = (before.state, before.fault, before.reason, before.lasting)
    return was != (after.state, after.fault, after.reason, after.lasting)


def feed_detectors(belief: Belief, observation: Observation, before: Health, after: Health) -> None:
    """Feed one observation to the detectors of its target and of its pools."""
    target = observation.target
    watch, known = belief.config.watches[target.id], belief.tracks.get(target.id, target_memory.NEW)
    if watch.aside:
        return
    settings = DetectorSettings(sensitivity_for(watch.interval_s), belief.config.accounts[target.account].answer_tokens)
    held = belief.is_slow(target)
    now = belief.tracks[target.id] = target_memory.advance(known, observation, before, after, settings, held=held)
    if after.state is State.DOWN and observation.fault in intermittent.KINDS:
        _reset_flickers(belief, target.account)
    for key in pool_keys(target):
        series = now.series(key.kind)
        if series is not None and series is not known.series(key.kind):
            after_it = shared_latency.advance(belief.pools.get(key), target.account, series)
            belief.pools[key] = shared_latency.reset(after_it) if _has_recovered(before, after) else after_it
    if _note_alarm(belief, target.id, now) or known.is_alarmed or held or belief.is_slow(target):
        belief.pending.stirred = True


def feed_health_detectors(
    belief: Belief, paced: TargetMemory, observation: Observation, before: Health, after: Health
) -> None:
    """Feed one observation only to the detectors that depend on the target's health.

    `paced` is a track that has taken in the same observation: speed and limits are copied from it.
    """
    target = observation.target
    if belief.config.watches[target.id].aside:
        return
    known = belief.tracks.get(target.id, target_memory.NEW)
    now = belief.tracks[target.id] = target_memory.advance_from(known, paced, observation, before, after)
    if after.state is State.DOWN and observation.fault in intermittent.KINDS:
        _reset_flickers(belief, target.account)
    if _note_alarm(belief, target.id, now) or known.is_alarmed or belief.is_slow(target):
        belief.pending.stirred = True


def _note_alarm(belief: Belief, id: str, memory: TargetMemory) -> bool:
    """Return whether a target has something to report; the next conclusion then looks at it."""
    is_alarmed = memory.is_alarmed
    if is_alarmed:
        belief.pending.alarmed.ids[id] = None
    return is_alarmed


def _alarmed(belief: Belief) -> dict[str, TargetMemory]:
    """Return what the targets remember that have something to report."""
    before, tracks = belief.pending.alarmed, belief.tracks
    ids = before.ids if before.tracks is tracks else tracks
    found = {id: one for id in ids if (one := tracks.get(id)) and one.is_alarmed}
    belief.pending.alarmed = AlarmedTargets(tracks, dict.fromkeys(found))
    return found


def _reset_flickers(belief: Belief, account: str) -> None:
    """Reset the intermittent-failure counts of a lost account: its refusals are not single ones among good answers."""
    for id in belief.index.by_account.get(account, ()):
        if (memory := belief.tracks.get(id)) and memory.flicker is not intermittent.NONE:
            belief.tracks[id] = replace(memory, flicker=intermittent.NONE)


def _has_recovered(before: Health, after: Health) -> bool:
    """Whether an outage ended that other accounts may have shared."""
    its_own = before.fault is not None and before.fault.blame is Blame.ACCOUNT
    return before.state is State.DOWN and after.state is State.UP and not its_own


def memories_to_save(
    belief: Belief, saved_at: Mapping[str, datetime], observations: Sequence[Observation], now: datetime
) -> tuple[dict[str, TargetMemory], dict[PoolKey, Pool]]:
    """Return the tracks that alarm or were not saved for a minute; the rest is cheap to learn again.

    `saved_at` is when each target's track was last saved.
    """
    tracks: dict[str, TargetMemory] = {}
    pools: dict[PoolKey, Pool] = {}
    for observation in observations:
        id, target = observation.target.id, observation.target
        one = belief.tracks.get(id)
        if one and (one.is_alarmed or now - saved_at.get(id, EPOCH) >= SAVE_INTERVAL):
            tracks[id] = one
            pools |= {key: belief.pools[key] for key in pool_keys(target) if key in belief.pools}
    return tracks, pools


def update_accounts(belief: Belief, own: SelfHealth, observations: Sequence[Observation]) -> dict[str, AccountMemory]:
    """Update the accounts' notes from the answers: credit, models on offer, warnings."""
    notes: dict[str, AccountMemory] = {}
    for observation in observations:
        if observation.target.id in belief.config.watches:
            what = f"the notes of {observation.target.account}"
            notes.update(_guarded(own, what, partial(_take_note, belief, observation)))
    return notes


def _take_note(belief: Belief, observation: Observation) -> Iterator[tuple[str, AccountMemory]]:
    account = observation.target.account
    attention, before = belief.config.attention(account), belief.notes.get(account, EMPTY)
    after = account_memory.advance(before, observation, attention)
    if after is not before:
        found = tuple(account_memory.findings(account, after, attention))
        belief.pending.stirred |= bool(found or belief.findings.get(account))
        belief.findings[account], belief.notes[account] = found, after
        yield account, after


def needs_confirmation(belief: BeliefView, observation: Observation) -> bool:
    """Whether the observation shows a loss that a second reading must confirm."""
    if not observation.credits and observation.offer is None:
        return False
    account = observation.target.account
    return account_memory.needs_confirmation(belief.notes.get(account, EMPTY), belief.config.attention(account))


def update_incidents(
    belief: Belief, own: SelfHealth, offline: Iterable[Incident], now: datetime, ahead: timedelta = timedelta(0)
) -> list[Change]:
    """Return the incidents that open, change or resolve, and those the providers' status pages now announce.

    `offline`: recent incidents in which nothing could be reached. Whatever time alone settles is settled as of `ahead`
    from now; no further observation comes until then.
    """
    changes = _diagnose(belief, own, offline, now, now + ahead)
    return changes + _announce(belief, changes, now, now + ahead)


def _diagnose(
    belief: Belief, own: SelfHealth, offline: Iterable[Incident], heard_at: datetime, now: datetime
) -> list[Change]:
    """Return the changes from the targets' health at `now`, corroborated by what other sources said by `heard_at`."""
    near = frozenset(one for one in belief.config.reminders if one.is_near(now))
    if not (belief.pending.stirred or belief.pending.unsettled or near != belief.pending.near):
        return []
    watches, states = belief.config.watches, _states(belief)
    findings = [finding for its in belief.findings.values() for finding in its]
    findings += _guarded(own, "the detectors of signs", partial(_detector_findings, belief, now))
    findings += [finding for one in near for finding in reminder.findings(one, now)]
    muted = belief.muted | silent_places(watches.values(), belief.healths, now)
    diagnoses = diagnose(states, now, findings, belief.corroboration(heard_at), muted)
    diagnoses += _guarded(own, "the detector of flaps", partial(_flaps, belief, states, diagnoses, now, muted))
    diagnoses += _unreadable(belief, diagnoses, now) + list(belief.burning.values())
    diagnoses += diagnose_place_states(belief.control.places, [one.about for one in belief.incidents.values()], now)
    well_since = WellSince(watches, belief.healths, muted)
    diagnoses = _dated_after_offline(belief, offline, diagnoses, well_since)
    belief.pending.stirred, belief.pending.near = False, near
    # Until all is settled, time alone can change the result: an incident fades, or a sibling is still suspected.
    belief.pending.awaiting = not all(diagnosis.settled for diagnosis in diagnoses)
    belief.pending.unsettled = bool(belief.incidents) or belief.pending.awaiting
    named = {*belief.config.feeds, *(one.id for one in belief.config.objectives), *belief.control.places}
    hosts, location = belief.index.hosts, belief.config.location
    heeded = [one for one in belief.incidents.values() if belief.control.places or not one.about.is_of_place]
    standing = [one for one in heeded if not _is_unheard(one, muted)]
    course = advance_incidents(standing, diagnoses, well_since, now, _lingering(belief), named, location, hosts)
    belief.incidents |= {one.id: one for one in course.refreshed}
    belief.fading = fading_incidents(belief.incidents.values(), belief.healths)
    return list(course.changes)


def _states(belief: Belief) -> Sequence[TargetState]:
    """Return the state of each target that was probed, in the order of the configuration."""
    healths, watches, known = belief.healths, belief.config.watches, belief.pending.known
    if known.watches is watches and len(known.states) == len(healths):
        states = [
            one if one.health is (now := healths[one.target.id]) else TargetState(one.target, now)
            for one in known.states
        ]
    else:
        states = [TargetState(watch.target, healths[id]) for id, watch in watches.items() if id in healths]
    belief.pending.known = KnownStates(watches, states)
    return states


def _is_unheard(incident: Incident, muted: Collection[str]) -> bool:
    """Whether only places without a voice saw it: it stays as it was until they are heard again."""
    seen = incident.members or {one.target for one in incident.evidence}
    return bool(muted) and bool(seen) and all(location_of(id) in muted for id in seen)


def _dated_after_offline(
    belief: Belief,
    offline: Iterable[Incident],
    diagnoses: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
) -> list[Diagnosis]:
    """Date what began while we were offline from when we were back: nothing is known of the time between."""
    ends = [(one.opened_at, one.closed_at) for one in offline]
    ends += [
        (one.opened_at, reconnected_at(one, diagnoses, well_since))
        for one in belief.incidents.values()
        if one.is_offline
    ]
    spans = [(begin, end) for begin, end in ends if end]
    return [one if one.scope is Scope.MONITOR else _moved_past(one, spans) for one in diagnoses]


def _moved_past(diagnosis: Diagnosis, spans: Iterable[tuple[datetime, datetime]]) -> Diagnosis:
    end = max((end for begin, end in spans if begin <= diagnosis.since < end), default=None)
    return replace(diagnosis, since=end) if end else diagnosis


def _unreadable(belief: Belief, diagnoses: Sequence[Diagnosis], now: datetime) -> list[Diagnosis]:
    """Return the unreadable status sources; while we are offline, only those already known."""
    found = diagnose_unreadable(belief.sources.values(), now)
    if not (belief.is_offline or any(one.scope is Scope.MONITOR for one in diagnoses)):
        return found
    known = {one.subject for one in belief.incidents.values() if one.scope is Scope.SOURCE}
    return [one for one in found if one.subject in known]


def _detector_findings(belief: Belief, now: datetime) -> Iterator[Finding]:
    """Yield the detectors' findings; a shared slowdown is not repeated for each target."""
    slow = [_unless_shared(belief, one, now) for one in _pool_findings(belief)]
    for id, memory in _alarmed(belief).items():
        if watch := belief.config.watches.get(id):
            for finding in target_memory.findings(watch.target, memory):
                if finding.fault is not Fault.SLOW:
                    yield finding
                elif not belief.is_slow(watch.target) and not _was_shared(belief, watch.target, finding, now):
                    attributed = _attributed(belief, watch.target, finding, now)
                    slow.append(_unless_shared(belief, attributed, now))
    for place in sorted({location_of(one.target) for one in slow}):
        yield from _merged_on_path(belief, place, [one for one in slow if location_of(one.target) == place], now)


def _unless_shared(belief: Belief, finding: Finding, now: datetime) -> Finding:
    """Return a finding of one place of several as passing while it may yet be seen from the others, too."""
    if not location_of(finding.target):
        return finding
    target = belief.config.watches[finding.target].target
    raised = max(_raised_at(belief, target), *(_alarmed_at(belief, key) for key in pool_keys(target)))
    watches = belief.config.watches.values()
    others = [one.target for one in watches if _is_same_look(one.target, target) and one.target is not target]
    seen = [one for one in others if _has_answered(belief, one, finding.since)]
    early = bool(others) and now - raised < SETTLING and _may_be_shared(belief, target, seen)
    return replace(finding, passing=finding.passing or early)


def _alarmed_at(belief: Belief, key: PoolKey) -> datetime:
    pool = belief.pools.get(key)
    return (pool and pool.alarmed_at) or EPOCH


def _is_same_look(one: Target, other: Target) -> bool:
    return one.look == other.look


def _merged_on_path(belief: Belief, place: str, slow: Sequence[Finding], now: datetime) -> Iterator[Finding]:
    """Yield one finding for all if everything probed from a place became slow at once: it is the network path, or us.

    While that is possible, the first slow one waits for the others. Once reported, others must be at their usual pace
    for SETTLING before single ones are reported instead: they recover one after the other.
    """
    began = _began_by_answerer(belief, slow)
    latest = max(began.values())
    here = {one for one, since in began.items() if latest - since <= SETTLING}
    its = [one for one in slow if _answerer(belief, one) in here]
    yield from (one for one in slow if one not in its)
    others, all_slow_at = _others_at_usual_pace(belief, place, began, latest), belief.pending.all_slow_at.get(place)
    if len(here) > 1 and not any(others):
        belief.pending.all_slow_at[place] = now
        yield _path_finding(its)
    elif _is_path_incident_open(belief, place) and all_slow_at and now - all_slow_at < SETTLING:
        yield _path_finding(its)
    else:
        early = bool(others) and not any(others) and now - latest < 2 * SETTLING
        yield from (replace(one, passing=one.passing or early) for one in its)


def _answerer(belief: Belief, finding: Finding) -> str:
    return belief.config.watches[finding.target].target.answerer


def _began_by_answerer(belief: Belief, slow: Iterable[Finding]) -> dict[str, datetime]:
    """Return since when each answerer is slow, by its first sign."""
    began: dict[str, datetime] = {}
    for one in slow:
        answerer = _answerer(belief, one)
        began[answerer] = min(one.since, began.get(answerer, one.since))
    return began


def _others_at_usual_pace(belief: Belief, place: str, slow: Collection[str], since: datetime) -> list[bool]:
    """Return, for each other target that answered since then, whether it did so at its usual pace."""
    here = (watch.target for watch in belief.config.watches.values() if watch.target.location == place)
    others = (one for one in here if one.answerer not in slow)
    measured = (_measured(belief, one) for one in others if _has_answered(belief, one, since))
    return [not any(map(is_late, its)) for its in measured if its]


def _is_path_incident_open(belief: Belief, place: str) -> bool:
    paths = (one.about for one in belief.incidents.values() if one.scope is Scope.EGRESS and one.signal)
    return any(not about.locations or place in about.locations for about in paths)


def _path_finding(slow: Sequence[Finding]) -> Finding:
    """Return one finding for all, based on the one that began first, with each one's own words as a reason."""
    first = min(slow, key=lambda one: one.since)
    return replace(
        first,
        account="",
        model=None,
        topic=None,
        rule=PATH_RULE,
        reasons=(
            AllSlow(),
            *(RemarkOn(one.account, one.words) for one in slow),
        ),
        others=tuple(id for one in slow for id in (one.target, *one.others) if id != first.target),
        blamed=Blame.PATH,
        confidence=Confidence.MEDIUM,
        passing=all(one.passing for one in slow),
    )


def _pool_findings(belief: Belief) -> Iterator[Finding]:
    """Yield the shared slowdowns, at most one measure per answerer."""
    slow = [key for key, one in belief.pools.items() if one.alarmed_at]
    slow.sort(key=lambda key: SPEAKING.index(key.kind))
    seen = set[tuple[str, str]]()
    for key in slow:
        if (key.answerer, key.location) not in seen:
            seen.add((key.answerer, key.location))
            yield from shared_latency.findings(
                key.answerer, _last_of(belief, key), key.kind, belief.pools[key], key.model
            )


def _flaps(
    belief: Belief,
    states: Sequence[TargetState],
    diagnoses: Sequence[Diagnosis],
    now: datetime,
    muted: Collection[str],
) -> list[Diagnosis]:
    """Return the flapping targets; what an outage already covers is reported with that."""
    watches, covered = belief.config.watches, {id for one in diagnoses if one.settled for id in one.targets}
    _reset_flaps(belief, [id for one in diagnoses if _is_cut_off(one) for id in one.targets])
    _separate_flaps(belief, diagnoses)
    turned = ((id, memory.flap) for id, memory in belief.tracks.items() if memory.flap.turns)
    flaps = {watches[id].target: one for id, one in turned if id in watches}
    by_place = defaultdict[str, dict[Target, flap.Flap]](dict)
    for target, one in flaps.items():
        by_place[target.location][target] = one
    found = [finding for its in by_place.values() for finding in flap.findings(its, now, covered)]
    return signs_of(found, belief.index.hosts, states, muted)


def _is_cut_off(diagnosis: Diagnosis) -> bool:
    """Whether it says that nothing can be reached, from here or from one place."""
    is_blind = diagnosis.blame is Blame.UNKNOWN and not diagnosis.about.provider
    return diagnosis.scope is Scope.MONITOR or (diagnosis.scope is Scope.LOCATION and is_blind)


def _reset_flaps(belief: Belief, cut_off: Iterable[str]) -> None:
    """Count no flaps while we are offline: it is our connection that flaps."""
    for id in cut_off:
        if (memory := belief.tracks.get(id)) and memory.flap is not flap.NO_TURNS and not memory.flap.since:
            belief.tracks[id] = replace(memory, flap=flap.NO_TURNS)


def _separate_flaps(belief: Belief, diagnoses: Iterable[Diagnosis]) -> None:
    """Keep provider failures and path failures apart: neither counts as a recurrence of the other."""
    for one in diagnoses:
        by_road = one.scope in (Scope.EGRESS, Scope.LOCATION) and not one.about.provider
        for id in one.targets if by_road or one.settled else ():
            memory = belief.tracks.get(id)
            if memory and (its := flap.attribute_outage(memory.flap, by_road=by_road)) is not memory.flap:
                belief.tracks[id] = replace(memory, flap=its)


def _was_shared(belief: Belief, target: Target, finding: Finding, now: datetime) -> bool:
    """Whether the slowness is left over from a shared slowdown that has ended: it may still recover."""
    pools = (belief.pools.get(key) for key in pool_keys(target))
    ends = [pool.calm_at for pool in pools if pool and pool.calm_at]
    return any(finding.since <= end and now - end < RECOVERY for end in ends)


def _attributed(belief: Belief, target: Target, finding: Finding, now: datetime) -> Finding:
    """Attribute a slow account: the account itself is to blame if others are at their usual pace."""
    others = [one.target for one in belief.config.watches.values() if _is_sibling(one.target, target)]
    if finding.of_model:
        others = [one for one in others if one.model == target.model]
    seen = [one for one in others if _has_answered(belief, one, finding.since)]
    usual = {one.account for one in seen if _is_at_usual_pace(belief, one)}
    blamed = Blame.ACCOUNT if usual else Blame.UNKNOWN
    reasons = (*finding.reasons, AtUsualPace(len(usual))) if usual else finding.reasons
    common = _is_company_slow(belief, target) or _may_be_shared(belief, target, seen)
    early = bool(others) and now - _raised_at(belief, target) < SETTLING and common
    passing = finding.passing or early
    return replace(finding, blamed=blamed, confidence=Confidence.MEDIUM, reasons=reasons, passing=passing)


def _is_sibling(one: Target, other: Target) -> bool:
    alike = (one.answerer, one.canary, one.location) == (other.answerer, other.canary, other.location)
    return alike and one.account != other.account


def _is_company_slow(belief: Belief, target: Target) -> bool:
    """Whether another canary or measure shows the whole answerer to be slow."""
    its = (target.answerer, target.location)
    return any(one.alarmed_at and (key.answerer, key.location) == its for key, one in belief.pools.items())


def _may_be_shared(belief: Belief, target: Target, seen: Sequence[Target]) -> bool:
    """Whether no other account was probed since, or at least half of them seem slow, too."""
    least = SLOW_SHARE * max((slowness(series) for series in _measured(belief, target) if series.alarm), default=0.0)
    slow = {one.account for one in seen if any(is_late(it) or slowness(it) > least for it in _measured(belief, one))}
    return len({one.account for one in seen}) <= 2 * len(slow)


def _has_answered(belief: Belief, target: Target, since: datetime) -> bool:
    health = belief.healths.get(target.id, Health())
    return health.state is State.UP and health.seen_at is not None and health.seen_at >= since


def _is_at_usual_pace(belief: Belief, target: Target) -> bool:
    """Whether its answers are as fast as usual; a single late one is chance."""
    return not any(series.alarm or is_late(series, in_a_row=2) for series in _measured(belief, target))


def _measured(belief: Belief, target: Target) -> list[Series]:
    memory = belief.tracks.get(target.id, target_memory.NEW)
    return [series for kind in SPEAKING if (series := memory.judged(kind))]


def _raised_at(belief: Belief, target: Target) -> datetime:
    return max((series.alarm.at for series in _measured(belief, target) if series.alarm), default=EPOCH)


def _lingering(belief: Belief) -> list[Diagnosis]:
    """Return what no longer alarms but is not back to normal; nothing unless a signal is open."""
    if not any(one.signal for one in belief.incidents.values()):
        return []
    found: list[Finding] = []
    for key, one in belief.pools.items():
        seen_on = _last_of(belief, key) if key.location else ""
        found += shared_latency.accepted_findings(key.answerer, seen_on, key.kind, one, key.model)
    for id, memory in belief.tracks.items():
        if watch := belief.config.watches.get(id):
            found += target_memory.accepted_findings(watch.target, memory)
    return signs_of(found, belief.index.hosts, _states(belief))


def _last_of(belief: Belief, group: PoolKey) -> str:
    """Return the most recently probed target of a pool."""
    its = [w.target.id for w in belief.config.watches.values() if group in pool_keys(w.target)]
    return max(its, key=lambda id: belief.healths.get(id, Health()).seen_at or EPOCH, default="")


def _announce(belief: Belief, changes: Sequence[Change], heard_at: datetime, now: datetime) -> list[Change]:
    """Return the open incidents, and those opening now, that the provider's status page announces."""
    after = belief.incidents | {change.incident.id: change.incident for change in changes}
    standing = [one for one in after.values() if one.closed_at is None and one.announcement is None and not one.signal]
    if not standing or not belief.sources:
        return []
    return announce(standing, belief.announcements(heard_at), now)


class WellSince(Mapping[str, datetime | None]):
    """Since when each watched target is up, None if it is not; without those that only `muted` places see."""

    def __init__(self, watches: Mapping[str, Watch], healths: Mapping[str, Health], muted: Collection[str]) -> None:
        self._watches, self._healths, self._muted = watches, healths, muted

    def __getitem__(self, target: str) -> datetime | None:
        if self._watches[target].target.location in self._muted:
            raise KeyError(target)
        health = self._healths.get(target)
        return health.since if health and health.state is State.UP else None

    def __iter__(self) -> Iterator[str]:
        return (id for id, watch in self._watches.items() if watch.target.location not in self._muted)

    def __len__(self) -> int:
        return sum(1 for _ in self)
