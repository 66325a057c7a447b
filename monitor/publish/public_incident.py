"""A snapshot → the incidents that may be public. Whatever is not taken here stays private."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct

from monitor.alert.incident_note import IncidentNote
from monitor.diagnose.incident import ChangeKind, Incident, Severity, accounts_of_targets
from monitor.diagnose.subject import Scope
from monitor.publish.incident_text import newest_first
from monitor.publish.public_part import PublicPart, public_parts
from monitor.publish.snapshot import IncidentView, Snapshot
from monitor.publish.status import WHOLE, Mark
from probes.model import Blame, Fault
from probes.target_id import account_of

FELT = (*WHOLE, Scope.TARGET, Scope.MODEL, Scope.CAPABILITY, Scope.PROVIDER)
"""Scopes of incidents that a service suffers from."""
PRECISION = timedelta(milliseconds=1)
"""Of a time that was stored."""
ENDS = (ChangeKind.RESOLVED, ChangeKind.WITHDRAWN)
"""Steps after which nothing fails: what they know of is all that ever failed."""


class OutagePhase(Struct, frozen=True):
    """A stretch of an incident in which as much was lost. `share`: of what counts, in (0, 1]; `end`: None: still so."""

    start: datetime
    end: datetime | None
    mark: Mark
    share: float

    def lost_s(self, start: datetime, end: datetime, now: datetime) -> float:
        """Return the seconds of this stretch within a span, weighed by the share."""
        return self.share * self.overlap(start, end, now).total_seconds()

    def overlap(self, start: datetime, end: datetime, now: datetime) -> timedelta:
        return max(min(self.end or now, end) - max(self.start, start), timedelta())


Phases = tuple[OutagePhase, ...]
"""The phases of one outage: one after another, at least one."""


class PublicNote(Struct, frozen=True):
    """Words that people wrote for the public, without who."""

    at: datetime
    text: str


class PublicIncident(Struct, frozen=True):
    """The public part of an incident of one provider or service.

    `fault`: what the provider does; None for a service, of whose accounts nothing is told. `whole`: all of a provider
    is affected, not only a model. `slow`: it was never worse than slow. `phases`: one after another, at least one.
    """

    id: str
    part: str
    name: str
    fault: Fault | None
    severity: Severity
    whole: bool
    phases: Phases
    slow: bool = False
    lead: timedelta | None = None
    announced: str | None = None
    notes: tuple[PublicNote, ...] = ()

    @property
    def opened_at(self) -> datetime:
        return self.phases[0].start

    @property
    def closed_at(self) -> datetime | None:
        return self.phases[-1].end

    @property
    def mark(self) -> Mark:
        """How it is now, or once was at worst."""
        if self.closed_at is None:
            return self.phases[-1].mark
        return Mark.DOWN if any(one.mark is Mark.DOWN for one in self.phases) else Mark.PARTLY


def public_incidents(snapshot: Snapshot, parts: Sequence[PublicPart]) -> list[PublicIncident]:
    """Return the incidents of all parts, open ones first, then newest first."""
    views = [*snapshot.open_incidents, *newest_first(snapshot.past_incidents)]
    known = {part.id: part for part in parts}
    theirs = [_of_provider(view, known) for view in views if is_providers_own(view.incident, known)]
    ours = [one for part in parts if part.is_service for one in _of_service(part, views)]
    found = {(one.part, one.id): one for one in [*theirs, *ours]}.values()
    return sorted(found, key=lambda one: (one.closed_at is not None, -one.opened_at.timestamp()))


def showing(note: IncidentNote, snapshot: Snapshot) -> list[PublicIncident]:
    """Return the public incidents with which these words stand: that of the provider, those of services."""
    every = public_incidents(snapshot, public_parts(snapshot))
    return [one for one in every if any(_is_same(it, note) for it in one.notes)]


def _is_same(shown: PublicNote, note: IncidentNote) -> bool:
    return shown.text == note.text and abs(shown.at - note.at) < PRECISION


def is_providers_own(incident: Incident, providers: Iterable[str]) -> bool:
    """Whether an incident is the provider's own.

    A subject with `@` is a user's own gateway. What only one account meets accuses nobody in public: others may not
    meet it, and the account may be at an address of its own.
    """
    wide = incident.scope in (Scope.PROVIDER, Scope.MODEL) and not incident.about.account
    return _is_real(incident) and wide and incident.blame is Blame.PROVIDER and incident.about.answerer in providers


def _is_real(incident: Incident) -> bool:
    return not incident.drill and not incident.signal and incident.parent is None


def public_notes(view: IncidentView) -> tuple[PublicNote, ...]:
    """Return what people added for the public."""
    return tuple(PublicNote(one.at, one.text) for one in view.notes if one.public)


def _of_provider(view: IncidentView, known: dict[str, PublicPart]) -> PublicIncident:
    """Return the public part. It gets a new id: the private one holds a hash of the subject."""
    incident, part = view.incident, known[view.incident.about.provider]
    whole = incident.scope is Scope.PROVIDER
    mark = Mark.DOWN if whole and incident.severity is Severity.CRITICAL else Mark.PARTLY
    share = 1.0 if whole else _share(_hit(incident.scope, incident.members, part), part)
    return PublicIncident(
        id=f"{incident.opened_at:%Y%m%d-%H%M%S}-{part.key}{'' if whole else '-model'}",
        part=part.id,
        name=part.name,
        fault=incident.fault,
        severity=incident.severity,
        whole=whole,
        phases=(OutagePhase(incident.opened_at, incident.closed_at, mark, share),),
        lead=incident.lead,
        announced=incident.announcement.title if incident.announcement else None,
        notes=public_notes(view),
    )


def _share(hit: frozenset[str], part: PublicPart) -> float:
    """Return how much of a part is hit; what was hit and is not watched any more counts as one target."""
    return min(1.0, max(len(hit), 1) / max(len(part.target_ids), 1))


def _hit(scope: Scope, lost: Iterable[str], part: PublicPart) -> frozenset[str]:
    """Return which of a part's targets are lost with these, looked up from the side of the incident: it has fewer."""
    if scope in WHOLE:
        return frozenset[str]().union(*(part.ids.get(account, ()) for account in accounts_of_targets(lost)))
    return part.target_ids.intersection(lost)


class LossSpan(Struct, frozen=True):
    """Targets of a service that an incident takes from it for a stretch of time. `end`: None: they still fail."""

    start: datetime
    end: datetime | None
    hit: frozenset[str]


class Effect(Struct, frozen=True):
    """What an incident takes from a service, and when."""

    incident: Incident
    losses: tuple[LossSpan, ...]
    notes: tuple[PublicNote, ...]


def _effect(view: IncidentView, part: PublicPart) -> Effect:
    lost = (
        LossSpan(start, end, _hit(scope, targets, part))
        for start, end, scope, targets in _stretches(view)
        if end is None or start < end
    )
    return Effect(view.incident, tuple(one for one in lost if one.hit), public_notes(view))


Stretch = tuple[datetime, datetime | None, Scope, Iterable[str]]


def _stretches(view: IncidentView) -> Iterator[Stretch]:
    """Yield what failed when: as the steps tell, and now what fails now; where none tells, all that ever did."""
    it, steps = view.incident, [one for one in view.steps if one.kind not in ENDS]
    if not steps:
        yield it.opened_at, it.closed_at, it.scope, it.members if it.closed_at else it.targets
        return
    starts = [_within(one.at, it) for one in steps]
    if steps[0].kind is ChangeKind.OPENED:
        starts[0] = it.opened_at  # what was confirmed then had begun before
    else:
        yield it.opened_at, starts[0], it.scope, it.members  # the first steps of very many are not read
    for number, step in enumerate(steps[:-1]):
        yield starts[number], starts[number + 1], (step.state.about or it.about).scope, step.state.targets
    last = steps[-1].state
    yield starts[-1], it.closed_at, it.scope, last.targets if it.closed_at else it.targets


def _within(at: datetime, incident: Incident) -> datetime:
    return max(incident.opened_at, min(at, incident.closed_at or at))


def _of_service(part: PublicPart, views: Iterable[IncidentView]) -> Iterator[PublicIncident]:
    """Yield what strangers notice of the incidents at a service's accounts: one as long as something is lost."""
    effects = [its for view in views if _is_felt(view.incident) and (its := _effect(view, part)).losses]
    runs = groupby(_phases(part, effects), key=lambda one: one is not None)
    outages = [tuple(filter(None, its)) for is_lost, its in runs if is_lost]
    later: dict[str, datetime] = {}
    for phases, met in reversed(list(zip(outages, _met(outages, effects), strict=True))):
        yield _merged(part, phases, met, later)
        later |= {one.incident.id: phases[0].start for one in met}


def _met(outages: Sequence[Phases], effects: Iterable[Effect]) -> list[list[Effect]]:
    """Return the effects that each outage is made of; the outages are in order, and none overlaps another."""
    starts = [its[0].start for its in outages]
    ends = [end for its in outages if (end := its[-1].end)]
    met: list[list[Effect]] = [[] for _ in outages]
    for effect in effects:
        for number in dict.fromkeys(it for loss in effect.losses for it in _span(loss, starts, ends)):
            met[number].append(effect)
    return met


def _span(loss: LossSpan, starts: Sequence[datetime], ends: Sequence[datetime]) -> range:
    """Return the numbers of the outages during which a loss lasts; the last of them may have no end."""
    return range(bisect_right(ends, loss.start), bisect_left(starts, loss.end) if loss.end else len(starts))


def _is_felt(incident: Incident) -> bool:
    """Whether it takes something from those it hits: not what only we suffer from, and not a mere notice."""
    counts = incident.scope in FELT and incident.blame is not Blame.US and incident.severity is not Severity.INFO
    return _is_real(incident) and counts


class Tally:
    """How many losses hit each target and account of a service, and how many of those are critical, at a time."""

    def __init__(self, part: PublicPart) -> None:
        self.part = part
        self.targets, self.grave, self.accounts = Counter[str](), Counter[str](), Counter[str]()

    def add(self, hit: Iterable[str], by: int, *, grave: bool) -> None:
        for id in hit:
            _count(self.targets, id, by)
            _count(self.accounts, account_of(id), by)
            if grave:
                _count(self.grave, id, by)

    def state(self) -> tuple[Mark, float] | None:
        """Return how bad it is, and the share that is lost; None if enough accounts still work."""
        every = len(self.part.target_ids)
        if not self.targets or len(self.part.targets) - len(self.accounts) >= self.part.enough:
            return None
        return (Mark.DOWN if len(self.grave) == every else Mark.PARTLY), len(self.targets) / every


def _count(counter: Counter[str], key: str, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


def _phases(part: PublicPart, effects: Iterable[Effect]) -> Iterator[OutagePhase | None]:
    """Yield the stretches between the begins and ends of losses, alike ones joined; None: nothing is lost."""
    runs = [next(its) for _, its in groupby(_states(part, effects), key=lambda one: one[1])]
    for number, (start, state) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else None
        yield OutagePhase(start, end, *state) if state else None


def _states(part: PublicPart, effects: Iterable[Effect]) -> Iterator[tuple[datetime, tuple[Mark, float] | None]]:
    """Yield how bad it is from each time on at which a loss begins or ends: one sweep, as there may be thousands."""
    edges: dict[datetime, list[tuple[frozenset[str], int, bool]]] = defaultdict(list)
    for effect in effects:
        grave = effect.incident.severity is Severity.CRITICAL
        for loss in effect.losses:
            edges[loss.start].append((loss.hit, 1, grave))
            if loss.end:
                edges[loss.end].append((loss.hit, -1, grave))
    tally = Tally(part)
    for at in sorted(edges):
        for hit, by, grave in edges[at]:
            tally.add(hit, by, grave=grave)
        yield at, tally.state()


def _merged(part: PublicPart, phases: Phases, its: Sequence[Effect], later: Mapping[str, datetime]) -> PublicIncident:
    """Return one outage made of incidents. `later`: by incident, when the next outage begins that it meets, too."""
    start = phases[0].start
    is_down = any(one.mark is Mark.DOWN for one in phases)
    notes = (note for one in its for note in one.notes if _is_about(note, start, later.get(one.incident.id)))
    return PublicIncident(
        id=f"{start:%Y%m%d-%H%M%S}-{part.key}",
        part=part.id,
        name=part.name,
        fault=None,
        severity=Severity.CRITICAL if is_down else Severity.WARNING,
        whole=is_down,
        phases=phases,
        slow=all(one.incident.fault is Fault.SLOW for one in its),
        notes=tuple(sorted(notes, key=lambda note: note.at)),
    )


def _is_about(note: PublicNote, start: datetime, later: datetime | None) -> bool:
    """Whether words are about an outage: not what was written before, when nobody met it, nor of the next one."""
    return start <= note.at and (later is None or note.at < later)
