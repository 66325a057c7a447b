"""What was seen → what is believed, noted and concluded: where all detectors and the diagnosis meet."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from monitor import incident
from monitor.detect import flap, flicker, note, pool, reminder, track
from monitor.detect.finding import Finding
from monitor.detect.health import Health, State, advance
from monitor.detect.latency import SPEAKING, Kind, Series, is_late, pace
from monitor.detect.note import EMPTY, Note
from monitor.detect.pool import Pool
from monitor.detect.track import Track
from monitor.diagnose import Diagnosis, Patient, Scope, diagnose, sign_of
from monitor.incident import Change
from monitor.source import unreadable
from monitor.world import World, groups_of, meaning_of
from probes.model import Blame, Confidence, Fault, Observation, Target

log = logging.getLogger("monitor")

KEPT_EVERY = timedelta(minutes=1)
"""So often the detectors' memory of a target is written; a crash forgets a minute of it."""
FOLLOWING = timedelta(minutes=30)
"""So long after a common rise is over single accounts may still be on their way back."""
COMPANY = timedelta(minutes=5)
"""So long a slow account waits for others to be asked, and for those that were slow just now to be asked again."""
EPOCH = datetime.fromtimestamp(0, UTC)

T = TypeVar("T")


def judge(world: World, observations: Sequence[Observation]) -> dict[str, Health]:
    healths: dict[str, Health] = {}
    for observation in observations:
        id = observation.target.id
        if id in world.config.watches:
            before, interval_s = world.healths.get(id) or Health(), world.config.watches[id].interval_s
            world.healths[id] = healths[id] = advance(before, observation, world.config.thresholds, interval_s)
            world.stirred |= _has_stirred(before, healths[id])
            _or_nothing(world, f"the detectors of {id}", partial(_follow, world, observation, before, healths[id]))
    return healths


def _or_nothing(world: World, what: str, work: Callable[[], Iterable[T] | None]) -> list[T]:
    """Return what a detector tells; nothing where it fails: that is ours to mend, and silences no other."""
    try:
        found = list(work() or ())
    except Exception as error:
        log.exception("%s failed", what)
        world.warn(what, f"the monitor's own fault: {what} failed ({type(error).__name__})")
        return []
    world.mended(what)
    return found


def _has_stirred(before: Health, after: Health) -> bool:
    was = (before.state, before.fault, before.reason, before.lasting)
    return was != (after.state, after.fault, after.reason, after.lasting)


def _follow(world: World, observation: Observation, before: Health, after: Health) -> None:
    """Let the detectors take in one more look, of the target and of all that the same company answers."""
    target = observation.target
    watch, known = world.config.watches[target.id], world.tracks.get(target.id, track.NEW)
    if watch.aside:
        return
    known = track.asked(known, world.config.accounts[target.account].answer_tokens)
    its_pace = pace(watch.interval_s)
    held = world.is_slow(target)
    now = world.tracks[target.id] = track.advance(known, observation, before, after, its_pace, held=held)
    if after.state is State.DOWN and observation.fault in flicker.KINDS:
        _forget_flickers(world, target.account)
    for kind, group in groups_of(target):
        series = now.series(kind)
        if series is not None and series is not known.series(kind):
            after_it = pool.advance(world.pools.get(group), target.account, series)
            world.pools[group] = pool.anew(after_it) if _is_back(before, after) else after_it
    if now.is_alarmed or known.is_alarmed or held or world.is_slow(target):
        world.stirred = True


def _forget_flickers(world: World, account: str) -> None:
    """Count no refusal of an account that is lost as one among good answers, whichever of its targets met it."""
    for id, memory in world.tracks.items():
        if memory.flicker is not flicker.NONE and id.startswith(f"{account}/"):
            world.tracks[id] = replace(memory, flicker=flicker.NONE)


def _is_back(before: Health, after: Health) -> bool:
    """Whether an outage has ended that others may have shared."""
    its_own = before.fault is not None and before.fault.blame is Blame.ACCOUNT
    return before.state is State.DOWN and after.state is State.UP and not its_own


def tracks_to_save(
    world: World, observations: Sequence[Observation], now: datetime
) -> tuple[dict[str, Track], dict[str, Pool]]:
    """Return what was not written for a minute, or tells of something; the rest is cheap to learn anew."""
    tracks: dict[str, Track] = {}
    pools: dict[str, Pool] = {}
    for observation in observations:
        id, target = observation.target.id, observation.target
        one = world.tracks.get(id)
        if one and (one.is_alarmed or now - world.tracked_at.get(id, EPOCH) >= KEPT_EVERY):
            tracks[id], world.tracked_at[id] = one, now
            pools |= {group: world.pools[group] for _, group in groups_of(target) if group in world.pools}
    return tracks, pools


def take_note(world: World, observations: Sequence[Observation]) -> dict[str, Note]:
    """Take note of what the answers told besides: credit, models on offer, warnings."""
    notes: dict[str, Note] = {}
    for observation in observations:
        if observation.target.id in world.config.watches:
            what = f"the notes of {observation.target.account}"
            notes.update(_or_nothing(world, what, partial(_take_note, world, observation)))
    return notes


def _take_note(world: World, observation: Observation) -> Iterator[tuple[str, Note]]:
    account = observation.target.account
    attention, before = world.config.attention(account), world.notes.get(account, EMPTY)
    after = note.advance(before, observation, attention)
    if after is not before:
        found = tuple(note.findings(account, after, attention))
        world.stirred |= bool(found or world.findings.get(account))
        world.findings[account], world.notes[account] = found, after
        yield account, after


def is_to_confirm(world: World, observation: Observation) -> bool:
    """Whether it told of a loss that one more reading shall confirm."""
    if not observation.credits and observation.offer is None:
        return False
    account = observation.target.account
    return note.is_turning(world.notes.get(account, EMPTY), world.config.attention(account))


def conclude(world: World, now: datetime) -> list[Change]:
    """Return what opens, changes and ends, and of what the providers' own pages speak now."""
    changes = _diagnose(world, now)
    return changes + _announce(world, changes, now)


def _diagnose(world: World, now: datetime) -> list[Change]:
    near = frozenset(one for one in world.config.reminders if one.is_near(now))
    if not (world.stirred or world.unsettled or near != world.near):
        return []
    watches = world.config.watches
    patients = [Patient(watch.target, world.healths[id]) for id, watch in watches.items() if id in world.healths]
    findings = [finding for its in world.findings.values() for finding in its]
    findings += _or_nothing(world, "the detectors of signs", partial(_signs, world, now))
    findings += [finding for one in near for finding in reminder.findings(one, now)]
    diagnoses = diagnose(patients, now, findings, world.witnesses())
    diagnoses += _or_nothing(world, "the detector of flaps", partial(_flaps, world, diagnoses, now))
    diagnoses += _unreadable(world, diagnoses, now) + list(world.burning.values())
    well_since = {id: _well_since(world.healths.get(id, Health())) for id in watches}
    diagnoses = _as_seen(world, diagnoses, well_since)
    world.stirred, world.near = False, near
    # Until all is settled, time alone can change the picture: an incident that fades, a sibling that is suspected.
    world.unsettled = bool(world.incidents) or not all(diagnosis.settled for diagnosis in diagnoses)
    named = {*world.config.feeds, *(one.id for one in world.config.objectives)}
    course = incident.advance(world.incidents.values(), diagnoses, well_since, now, _settled(world), named)
    world.incidents |= {one.id: one for one in course.refreshed}
    world.fading = incident.fading(world.incidents.values(), world.healths)
    return list(course.changes)


def _as_seen(
    world: World, diagnoses: Sequence[Diagnosis], well_since: Mapping[str, datetime | None]
) -> list[Diagnosis]:
    """Date what began while nothing could be reached by when something could: nothing is known of that time."""
    ends = [(one.opened_at, one.closed_at) for case in world.cases.values() if (one := case.incident).is_offline]
    ends += [
        (one.opened_at, incident.reconnected_at(one, diagnoses, well_since))
        for one in world.incidents.values()
        if one.is_offline
    ]
    spans = [(begin, end) for begin, end in ends if end]
    return [one if one.scope is Scope.MONITOR else _after(one, spans) for one in diagnoses]


def _after(diagnosis: Diagnosis, spans: Iterable[tuple[datetime, datetime]]) -> Diagnosis:
    end = max((end for begin, end in spans if begin <= diagnosis.since < end), default=None)
    return replace(diagnosis, since=end) if end else diagnosis


def _unreadable(world: World, diagnoses: Sequence[Diagnosis], now: datetime) -> list[Diagnosis]:
    """Return the status sources that cannot be read; who is cut off learns nothing new of any."""
    found = unreadable(world.sources.values(), now)
    if not (world.is_offline or any(one.scope is Scope.MONITOR for one in diagnoses)):
        return found
    known = {one.subject for one in world.incidents.values() if one.scope is Scope.SOURCE}
    return [one for one in found if one.subject in known]


def _signs(world: World, now: datetime) -> Iterator[Finding]:
    """Yield what the detectors tell; what a whole company's answers show is not told of each account again."""
    yield from _shared(world)
    for id, memory in world.tracks.items():
        if memory.is_alarmed and (watch := world.config.watches.get(id)):
            for finding in track.findings(watch.target, memory):
                if finding.fault is not Fault.SLOW:
                    yield finding
                elif not world.is_slow(watch.target) and not _was_shared(world, watch.target, finding, now):
                    yield _whose(world, watch.target, finding, now)


def _shared(world: World) -> Iterator[Finding]:
    """Yield what all accounts of one company show together, by one measure each."""
    slow = [(meaning_of(group), group) for group, one in world.pools.items() if one.alarmed_at]
    slow.sort(key=lambda it: SPEAKING.index(it[0].kind))
    told = set[str]()
    for it, group in slow:
        if it.answerer not in told:
            told.add(it.answerer)
            yield from pool.findings(it.answerer, _last_of(world, group), it.kind, world.pools[group], it.model)


def _flaps(world: World, diagnoses: Sequence[Diagnosis], now: datetime) -> list[Diagnosis]:
    """Return what comes and goes; where an outage would be told by now, it is told with that."""
    watches, told = world.config.watches, {id for one in diagnoses if one.settled for id in one.targets}
    _forget_turns(world, [id for one in diagnoses if one.scope is Scope.MONITOR for id in one.targets])
    flaps = {watches[id].target: memory.flap for id, memory in world.tracks.items() if id in watches}
    return [sign_of(finding) for finding in flap.findings(flaps, now, told)]


def _forget_turns(world: World, cut_off: Iterable[str]) -> None:
    """Count no turns while nothing can be reached: it is we who come and go."""
    for id in cut_off:
        if (memory := world.tracks.get(id)) and memory.flap is not flap.STEADY and not memory.flap.since:
            world.tracks[id] = replace(memory, flap=flap.STEADY)


def _was_shared(world: World, target: Target, finding: Finding, now: datetime) -> bool:
    """Whether it is what remains of a rise that all had and that is over: it may follow."""
    pools = (world.pools.get(group) for _, group in groups_of(target))
    ends = [pool.calm_at for pool in pools if pool and pool.calm_at]
    return any(finding.since <= end and now - end < FOLLOWING for end in ends)


def _whose(world: World, target: Target, finding: Finding, now: datetime) -> Finding:
    """Say whose matter it is that one account is slow: its own while others are answered at their usual pace."""
    others = [one.target for one in world.config.watches.values() if _is_sibling(one.target, target)]
    if finding.rule == f"latency/{Kind.TOKEN}":
        others = [one for one in others if one.model == target.model]
    seen = [one for one in others if _has_answered(world, one, finding.since)]
    usual = {one.account for one in seen if _is_at_its_pace(world, one)}
    blamed = Blame.ACCOUNT if usual else Blame.UNKNOWN
    said = f"{len(usual)} other account{'s' if len(usual) > 1 else ''} of this provider answer at the usual pace"
    reasons = (*finding.reasons, said) if usual else finding.reasons
    early = bool(others) and now - _raised_at(world, target) < COMPANY and _may_be_shared(world, seen)
    passing = finding.passing or early
    return replace(finding, blamed=blamed, confidence=Confidence.MEDIUM, reasons=reasons, passing=passing)


def _is_sibling(one: Target, other: Target) -> bool:
    return (one.answerer, one.canary) == (other.answerer, other.canary) and one.account != other.account


def _may_be_shared(world: World, seen: Sequence[Target]) -> bool:
    """Whether nobody else was asked since, or half of them got their latest answer late, too."""
    late = {one.account for one in seen if any(is_late(series) for series in _measured(world, one))}
    return len({one.account for one in seen}) <= 2 * len(late)


def _has_answered(world: World, target: Target, since: datetime) -> bool:
    health = world.healths.get(target.id, Health())
    return health.state is State.UP and health.seen_at is not None and health.seen_at >= since


def _is_at_its_pace(world: World, target: Target) -> bool:
    """Whether its answers are as usual; a single one that is late is chance."""
    return not any(series.alarm or is_late(series, in_a_row=2) for series in _measured(world, target))


def _measured(world: World, target: Target) -> list[Series]:
    memory = world.tracks.get(target.id, track.NEW)
    return [series for kind in SPEAKING if (series := memory.judged(kind))]


def _raised_at(world: World, target: Target) -> datetime:
    return max((series.alarm.at for series in _measured(world, target) if series.alarm), default=EPOCH)


def _settled(world: World) -> list[Diagnosis]:
    """Return what the detectors have ceased to tell although it is not as before; nothing while nobody was told."""
    if not any(one.signal for one in world.incidents.values()):
        return []
    found: list[Finding] = []
    for group, one in world.pools.items():
        it = meaning_of(group)
        found += pool.settled(it.answerer, "", it.kind, one, it.model)
    for id, memory in world.tracks.items():
        if watch := world.config.watches.get(id):
            found += track.settled(watch.target, memory)
    return [sign_of(finding) for finding in found]


def _last_of(world: World, group: str) -> str:
    """Return a target of a group: the one that was seen last."""
    its = [w.target.id for w in world.config.watches.values() if group in dict(groups_of(w.target)).values()]
    return max(its, key=lambda id: world.healths.get(id, Health()).seen_at or EPOCH, default="")


def _announce(world: World, changes: Sequence[Change], now: datetime) -> list[Change]:
    """Note of what is open, or opens now, that the provider's own page speaks of it."""
    after = world.incidents | {change.incident.id: change.incident for change in changes}
    standing = [one for one in after.values() if one.closed_at is None and one.announcement is None and not one.signal]
    return incident.announce(standing, world.announcements(), now) if standing and world.sources else []


def _well_since(health: Health) -> datetime | None:
    return health.since if health.state is State.UP else None
