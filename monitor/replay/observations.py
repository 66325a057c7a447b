"""Replay of the recorded observations through judging and concluding, and of the results through today's rules.

Observations stay as they were recorded. What comes from no observation (credit, limits, objectives, status pages,
drills, our own failures) is taken from the record; so is what neutral hosts and control probes said, as far as it is
there.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import merge

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.alert.case import Cases, with_changes, without_old
from monitor.config.config import Config
from monitor.detect import intermittent
from monitor.detect.health import Health, State, Thresholds
from monitor.detect.target_memory import NEW, TargetMemory, with_pace_of
from monitor.diagnose.incident import Change, ChangeKind, Incident, date_at, incident_key
from monitor.diagnose.subject import Scope
from monitor.diagnose.target_state import is_suspected
from monitor.replay.alerts import Record, replay_alerts
from monitor.replay.control_probes import ControlHistory
from monitor.replay.tuning import ObservationCount, ReplayResult, count_incidents
from monitor.stages.evaluate import (
    Detect,
    feed_detectors,
    feed_health_detectors,
    has_changed,
    run_detectors,
    update_incidents,
)
from monitor.state.belief import Belief
from monitor.state.self_health import SelfHealth
from monitor.store.reader import Reader
from probes.model import Fault, Observation, Outcome

WARM_UP = timedelta(days=1)
"""Time before the stretch that is replayed as well: what was open by then, and how fast each target usually is."""
BEAT = timedelta(seconds=1)
"""Time within which observations were judged together; a failure was judged at once."""
SOONEST, LATEST = timedelta(seconds=2), timedelta(minutes=15)
RARER = 2
"""Divisor of the calm so far that gives the next pause: the longer nothing stirred, the rarer the checks."""
REPORTED = 2_000
"""Observations between two progress reports."""
SAME = timedelta(seconds=20)
"""Time within which a change is the recorded one, and gets its date: no observation says when it was judged."""
NEVER = datetime.max.replace(tzinfo=UTC)
NOT_FROM_OBSERVATIONS = frozenset({Scope.SOURCE, Scope.REMINDER, Scope.OBJECTIVE, Scope.STAGE})


def replay_observations(
    stored: Reader,
    config: Config,
    tried: Sequence[Thresholds],
    tally: ObservationCount,
    now: datetime,
    report: Callable[[str], None],
) -> dict[Thresholds, ReplayResult]:
    """Return by setting what would have been reported since `tally.since`; `report` gets the progress."""
    since, begin = tally.since, tally.since - WARM_UP
    targets = [watch.target for watch in config.watches.values()]
    looks = merge_by_time(stored.history.observations(target, begin) for target in targets)
    record, until = stored.incidents.changes_since(begin), stored.marks.last_beat() or now
    found = replay_beats(config, tried, _reported(tally.passing(looks), report), record, until)
    before = stored.incidents.between(begin, tally.begin or since)
    named = () if set(config.accounts) <= set(tally.accounts) else tally.accounts
    replies, fates = stored.messages.replies(), stored.messages.fates(since)
    told = dict[Thresholds, ReplayResult]()
    for setting, changes in found.items():
        report(f"telling with setting {len(told) + 1} of {len(tried)}")
        its = merge_with_record(changes, record, before, since)
        lines = replay_alerts(Record(since, its, replies, fates), config.channels, config.rules, config.digest, now)
        told[setting] = count_incidents(lines, its, named)
    return told


def _reported(looks: Iterable[Observation], report: Callable[[str], None]) -> Iterator[Observation]:
    for number, one in enumerate(looks):
        if number % REPORTED == 0:
            report(f"{one.at:%d %b, %H:%M}")
        yield one


def merge_by_time(histories: Iterable[Iterable[Observation]]) -> Iterator[Observation]:
    """Merge the observations of each target, oldest first, in the order in which they ended."""
    return merge(*histories, key=ended_at)


def ended_at(observation: Observation) -> datetime:
    """Return when a probe ended."""
    return observation.at + timedelta(seconds=observation.latency_s or 0.0)


def is_from_observations(incident: Incident) -> bool:
    """Whether it follows from recorded observations, and can be found again."""
    if incident.drill or incident.is_absence or incident.scope in NOT_FROM_OBSERVATIONS:
        return False
    signs = {evidence.rule for evidence in incident.evidence}
    return not incident.signal or incident.is_flap or incident.fault is Fault.SLOW or intermittent.RULE in signs


def replay_beats(
    config: Config, tried: Sequence[Thresholds], looks: Iterable[Observation], record: Sequence[Change], until: datetime
) -> dict[Thresholds, list[Change]]:
    """Return by setting the incidents that the observations, in order, would have led to.

    The speed of each target hardly depends on the setting, so it is followed once, under the current one. `record` are
    the recorded changes, and `until` is when the monitor was last known to watch.
    """
    candidates = {setting: Candidate(_belief(config, setting)) for setting in tried}
    lead = candidates[config.thresholds]
    rest = [candidate for candidate in candidates.values() if candidate is not lead]
    targets = {id: watch.target for id, watch in config.watches.items()}
    recorded, absences = ControlHistory.of(record, targets), _absences(record)
    for beat in _beats(looks):
        at = ended_at(beat[-1])
        for candidate in candidates.values():
            if candidate.due_at < at:
                _pass(candidate, at, lead, recorded, absences)
        for one in beat:
            _see_all(lead, rest, one)
        for candidate in candidates.values():
            if candidate.belief.pending.stirred or (candidate.wavers and candidate.belief.pending.unsettled):
                _conclude(candidate, at, lead, recorded)
    for candidate in candidates.values():
        _pass(candidate, until, lead, recorded, absences)
    return {setting: candidate.changes for setting, candidate in candidates.items()}


class Candidate(Struct):
    """The belief under one setting, and what it has led to. `cases` are the times without a connection.

    `wavers`: an observation since the last conclusion may decide; `turns`: one changed a target that was down, or is.
    `awaited` is whether the last conclusion awaited a probe. `turned_at` is when something last turned, `due_at` when
    to check whether time alone has changed anything; NEVER: it cannot.
    """

    belief: Belief
    own: SelfHealth = field(default_factory=SelfHealth)
    cases: Cases = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    wavers: bool = False
    turns: bool = False
    awaited: bool = False
    turned_at: datetime = NEVER
    due_at: datetime = NEVER

    @property
    def offline(self) -> list[Incident]:
        return [case.incident for case in self.cases.values()]


def _belief(config: Config, setting: Thresholds) -> Belief:
    probe = replace(config.probe, failures=setting.failures, successes=setting.successes, blip_s=setting.blip_s)
    return Belief(config=replace(config, probe=probe, reminders=()))


def _beats(looks: Iterable[Observation]) -> Iterator[list[Observation]]:
    beat: list[Observation] = []
    for one in looks:
        if beat and ended_at(one) - ended_at(beat[0]) > BEAT:
            yield beat
            beat = []
        beat.append(one)
        if one.outcome is not Outcome.OK:
            yield beat
            beat = []
    if beat:
        yield beat


def _see_all(lead: Candidate, rest: Sequence[Candidate], one: Observation) -> None:
    """Give all candidates an observation. What turned nothing for the current setting turns nothing for like ones.

    A good answer says the same under each setting, so candidates that agreed before it agree after it.
    """
    id = one.target.id
    before = lead.belief.healths.get(id)
    _see(lead, one, feed_detectors)
    if (after := lead.belief.healths.get(id)) is None:
        return  # it is no longer watched
    calm = _is_calm(lead.belief, one, before)
    detect = partial(_follow_turns, lead.belief)
    for candidate in rest:
        healths = candidate.belief.healths
        if calm and healths.get(id) is before and _is_steady(candidate.belief.tracks.get(id, NEW)):
            healths[id] = after
            continue
        _see(candidate, one, detect)
        if healths[id] == after:
            healths[id] = after


def _is_calm(belief: Belief, one: Observation, before: Health | None) -> bool:
    return before is not None and before.state is State.UP and one.outcome is Outcome.OK and not belief.pending.stirred


def _is_steady(track: TargetMemory) -> bool:
    """Whether one more good answer changes nothing of its flapping."""
    return not track.flap.since and track.flicker is intermittent.NONE


def _see(candidate: Candidate, observation: Observation, detect: Detect) -> None:
    before = candidate.belief.healths.get(observation.target.id, Health())
    for after in run_detectors(candidate.belief, candidate.own, [observation], detect).values():
        turned = has_changed(before, after)
        candidate.wavers |= turned or is_suspected(after) or (after.state is State.DOWN and after.successes > 0)
        candidate.turns |= turned and State.DOWN in (before.state, after.state)


def _follow_turns(lead: Belief, belief: Belief, observation: Observation, before: Health, after: Health) -> None:
    """Take over the speed of all targets from the lead."""
    belief.pools = lead.pools
    feed_health_detectors(belief, lead.tracks.get(observation.target.id, NEW), observation, before, after)


def _pass(
    candidate: Candidate,
    until: datetime,
    lead: Candidate,
    recorded: ControlHistory,
    absences: Sequence[tuple[datetime, datetime]],
) -> None:
    """Let time pass; while nobody was watching, nothing was concluded."""
    while candidate.due_at < until:
        at = next((end for begin, end in absences if begin <= candidate.due_at < end), candidate.due_at)
        if at >= until:
            return
        _conclude(candidate, at, lead, recorded)


def _conclude(candidate: Candidate, at: datetime, lead: Candidate, recorded: ControlHistory) -> None:
    belief = candidate.belief
    if candidate is not lead:
        belief.tracks = {id: with_pace_of(belief.tracks.get(id, NEW), one) for id, one in lead.belief.tracks.items()}
    belief.control = recorded.at(at)
    changes = [date_at(change, at) for change in update_incidents(belief, candidate.own, candidate.offline, at)]
    belief.adopt(changes)
    if offline := [change for change in changes if change.incident.is_offline]:
        candidate.cases = without_old(with_changes(candidate.cases, offline), at)
    candidate.changes += [change for change in changes if is_from_observations(change.incident)]
    if (
        changes
        or candidate.turns
        or (belief.pending.awaiting and not candidate.awaited)
        or candidate.turned_at is NEVER
    ):
        candidate.turned_at = at
    candidate.wavers, candidate.turns, candidate.awaited = False, False, belief.pending.awaiting
    candidate.due_at = at + _pause(at - candidate.turned_at) if belief.pending.unsettled else NEVER


def _pause(calm: timedelta) -> timedelta:
    return min(max(calm / RARER, SOONEST), LATEST)


def _absences(record: Iterable[Change]) -> list[tuple[datetime, datetime]]:
    gaps = (change.incident for change in record if change.incident.is_absence)
    return [(one.opened_at, one.closed_at) for one in gaps if one.closed_at]


# What there was to report


def merge_with_record(
    found: Iterable[Change], record: Sequence[Change], before: Sequence[Incident], since: datetime
) -> list[Change]:
    """Return what there was to report since then, in order: found in the observations, or else on record.

    `before` are the incidents that were open already at the first observation; what continues one is not new.
    """
    dates = _dates(record)
    found = _named_as_recorded(found, record)
    news = [_dated(change, dates) for change in found if not any(_goes_on(change.incident, one) for one in before)]
    others = [change for change in record if not is_from_observations(change.incident)]
    changes = sorted([*news, *others], key=lambda change: change.at)
    firsts: dict[str, datetime] = {}
    for change in changes:
        firsts.setdefault(change.incident.id, change.at)
    return [change for change in changes if firsts[change.incident.id] >= since]


def _named_as_recorded(found: Iterable[Change], record: Iterable[Change]) -> list[Change]:
    """Give replayed incidents their recorded ids, however those were made then: what was sent and replied counts."""
    found = list(found)
    known = {_origin(one.incident): one.incident.id for one in record if one.kind is ChangeKind.OPENED}
    ids = {
        one.incident.id: known[_origin(one.incident)]
        for one in found
        if one.kind is ChangeKind.OPENED and _origin(one.incident) in known
    }
    return [replace(one, incident=_renamed(one.incident, ids)) for one in found]


def _origin(incident: Incident) -> tuple[object, ...]:
    """Return what an id is made of besides the location: the subject of a trouble, and the second in which it began."""
    return *incident_key(incident), incident.opened_at.replace(microsecond=0)


def _renamed(incident: Incident, ids: Mapping[str, str]) -> Incident:
    parent = incident.parent and ids.get(incident.parent, incident.parent)
    return replace(incident, id=ids.get(incident.id, incident.id), parent=parent)


Dates = Mapping[tuple[str, ChangeKind], Sequence[datetime]]
"""When an incident, by its id, changed in which way."""


def _dates(record: Iterable[Change]) -> Dates:
    dates: dict[tuple[str, ChangeKind], list[datetime]] = defaultdict(list)
    for change in record:
        dates[change.incident.id, change.kind].append(change.at)
    return dates


def _dated(change: Change, dates: Dates) -> Change:
    """Give a change its recorded date: the same change has the same id, and what was sent and replied then counts."""
    its = dates.get((change.incident.id, change.kind), ())
    nearest = min(its, key=lambda at: abs(at - change.at), default=change.at)
    return replace(change, at=nearest) if abs(nearest - change.at) <= SAME else change


def _goes_on(incident: Incident, before: Incident) -> bool:
    shared = not incident.members.isdisjoint(before.members)
    return shared and incident.opened_at <= (before.closed_at or NEVER)
