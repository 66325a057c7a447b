"""A snapshot → the incidents that may be public. Whatever is not taken here stays private."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct

from monitor.diagnose.incident import Incident, Severity, accounts_of_targets
from monitor.diagnose.subject import Scope
from monitor.publish.incident_text import newest_first
from monitor.publish.public_part import PublicPart
from monitor.publish.snapshot import IncidentView, Snapshot
from monitor.publish.status import WHOLE, Mark
from probes.model import Blame, Fault
from probes.target_id import account_of

FELT = (*WHOLE, Scope.TARGET, Scope.MODEL, Scope.CAPABILITY, Scope.PROVIDER)
"""Scopes of incidents that a service suffers from."""


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
    phases: tuple[OutagePhase, ...]
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
    found = {one.id: one for one in [*theirs, *ours]}.values()
    return sorted(found, key=lambda one: (one.closed_at is not None, -one.opened_at.timestamp()))


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
    return ()


def _of_provider(view: IncidentView, known: dict[str, PublicPart]) -> PublicIncident:
    """Return the public part. It gets a new id: the private one holds a hash of the subject."""
    incident, part = view.incident, known[view.incident.about.provider]
    whole = incident.scope is Scope.PROVIDER
    mark = Mark.DOWN if whole and incident.severity is Severity.CRITICAL else Mark.PARTLY
    share = 1.0 if whole else _share(_hit(incident, part), part)
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


def _hit(incident: Incident, part: PublicPart) -> frozenset[str]:
    if incident.scope in WHOLE:
        lost = accounts_of_targets(incident.members)
        return frozenset(id for id in part.target_ids if account_of(id) in lost)
    return part.target_ids & incident.members


class Effect(Struct, frozen=True):
    """What an incident takes from a service: which of its targets."""

    incident: Incident
    hit: frozenset[str]
    notes: tuple[PublicNote, ...]

    def lasts(self, at: datetime) -> bool:
        return self.incident.opened_at <= at and (self.incident.closed_at is None or at < self.incident.closed_at)


def _of_service(part: PublicPart, views: Iterable[IncidentView]) -> Iterator[PublicIncident]:
    """Yield what strangers notice of the incidents at a service's accounts: one as long as something is lost."""
    felt = [view for view in views if _is_felt(view.incident)]
    effects = [Effect(one.incident, hit, public_notes(one)) for one in felt if (hit := _hit(one.incident, part))]
    for is_lost, its in groupby(_phases(part, effects), key=lambda one: one is not None):
        if is_lost:
            yield _merged(part, tuple(filter(None, its)), effects)


def _is_felt(incident: Incident) -> bool:
    """Whether it takes something from those it hits: not what only we suffer from, and not a mere notice."""
    counts = incident.scope in FELT and incident.blame is not Blame.US and incident.severity is not Severity.INFO
    return _is_real(incident) and counts


def _phases(part: PublicPart, effects: Sequence[Effect]) -> Iterator[OutagePhase | None]:
    """Yield the stretches between the begins and ends of incidents, alike ones joined; None: nothing is lost."""
    times = {one.incident.opened_at for one in effects} | {at for one in effects if (at := one.incident.closed_at)}
    edges = sorted(times)
    states = [(at, _state(part, [one for one in effects if one.lasts(at)])) for at in edges]
    runs = [next(its) for _, its in groupby(states, key=lambda one: one[1])]
    for number, (start, state) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else None
        yield OutagePhase(start, end, *state) if state else None


def _state(part: PublicPart, effects: Sequence[Effect]) -> tuple[Mark, float] | None:
    """Return how bad it is while these last; None if enough accounts still work."""
    hit = frozenset[str]().union(*(one.hit for one in effects))
    sound = sum(all(target.id not in hit for target in its) for its in part.targets)
    if not hit or sound >= part.enough:
        return None
    grave = frozenset[str]().union(*(one.hit for one in effects if one.incident.severity is Severity.CRITICAL))
    return (Mark.DOWN if grave == part.target_ids else Mark.PARTLY), len(hit) / len(part.target_ids)


def _merged(part: PublicPart, phases: tuple[OutagePhase, ...], effects: Sequence[Effect]) -> PublicIncident:
    start, end = phases[0].start, phases[-1].end
    its = [one for one in effects if _meets(one.incident, start, end)]
    is_down = any(one.mark is Mark.DOWN for one in phases)
    return PublicIncident(
        id=f"{start:%Y%m%d-%H%M%S}-{part.key}",
        part=part.id,
        name=part.name,
        fault=None,
        severity=Severity.CRITICAL if is_down else Severity.WARNING,
        whole=is_down,
        phases=phases,
        slow=all(one.incident.fault is Fault.SLOW for one in its),
        notes=tuple(sorted((note for one in its for note in one.notes), key=lambda note: note.at)),
    )


def _meets(incident: Incident, start: datetime, end: datetime | None) -> bool:
    return (end is None or incident.opened_at < end) and (incident.closed_at is None or incident.closed_at > start)
