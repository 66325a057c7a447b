"""Diagnoses and open incidents → changes. A change is a row before it is a message."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose import FLAP, Diagnosis, Evidence, Scope
from probes.model import Blame, Confidence, Fault


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ChangeKind(StrEnum):
    """What happened to an incident.

    MERGED: it turned out to be part of a larger one, under which it stays open. ANNOUNCED: the provider's own page
    says so too. REDATED: the clock was set, and its dates are by the new one. Nobody is told of these. WITHDRAWN:
    what it spoke of is no longer watched, which is told to whoever heard of it.
    """

    OPENED = "opened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    ANNOUNCED = "announced"
    REDATED = "redated"


class Announcement(Struct, frozen=True):
    """The first word of the provider's own page on a trouble; `at` is when it came to be there.

    `notice` is the id of the notice within its source: a title is edited while the trouble lasts. "" was
    recorded before ids were.
    """

    at: datetime
    title: str
    url: str | None
    source: str
    notice: str = ""


class Incident(Struct, frozen=True):
    """One trouble with one cause. `opened_at` is when it began, `closed_at` when it ended (None: open).

    A `signal` tells of what is coming: nothing fails yet. `parent` is the wider incident that it is part
    of, and ends with. `detected_at` is when we were sure of it, `announcement` what the provider's own
    page says of it. `ending` is how it ended where not all is as before.
    """

    id: str
    scope: Scope
    subject: str
    fault: Fault
    severity: Severity
    confidence: Confidence
    opened_at: datetime
    reasons: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    closed_at: datetime | None = None
    drill: bool = False
    signal: bool = False
    blamed: Blame | None = None
    parent: str | None = None
    detected_at: datetime | None = None
    announcement: Announcement | None = None
    ending: str = ""

    @property
    def lead(self) -> timedelta | None:
        """Return by how much we knew before the provider's page said so; negative: the page knew first.

        None when the page has not said so.
        """
        if self.announcement is None or self.detected_at is None:
            return None
        return self.announcement.at - self.detected_at

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame

    @property
    def is_flap(self) -> bool:
        """Whether it names a trouble that comes and goes, and not one that is there."""
        return self.signal and _names_flap(self)

    @property
    def is_absence(self) -> bool:
        """Whether it tells that nobody was watching."""
        return self.scope is Scope.MONITOR and self.subject == ABSENCE


class Change(Struct, frozen=True):
    """One step in an incident's life; `incident` is as it stands after the step."""

    incident: Incident
    kind: ChangeKind
    at: datetime

    @property
    def id(self) -> str:
        return f"{self.incident.id}.{self.kind}.{int(self.at.timestamp() * 1000)}"


class Told(Struct, frozen=True):
    """One message of an incident: to which channel, of which change, and how it went."""

    channel: str
    kind: str
    state: str
    at: datetime
    tries: int
    error: str | None = None


SEVERITIES = {
    Fault.INVALID_KEY: Severity.CRITICAL,
    Fault.ACCOUNT_SUSPENDED: Severity.CRITICAL,
    Fault.PERMISSION_DENIED: Severity.CRITICAL,
    Fault.VERIFICATION_REQUIRED: Severity.CRITICAL,
    Fault.QUOTA_EXHAUSTED: Severity.CRITICAL,
    Fault.REGION_BLOCKED: Severity.CRITICAL,
    Fault.BLOCKED_BY_EDGE: Severity.CRITICAL,
    Fault.LIMIT_COLLAPSE: Severity.CRITICAL,
    Fault.OVERLOADED: Severity.WARNING,
    Fault.SERVER_ERROR: Severity.CRITICAL,
    Fault.TIMEOUT: Severity.CRITICAL,
    Fault.CONNECTION_FAILED: Severity.CRITICAL,
    Fault.INVALID_RESPONSE: Severity.CRITICAL,
    Fault.MODEL_UNAVAILABLE: Severity.CRITICAL,
    Fault.UNCLASSIFIED: Severity.CRITICAL,
    Fault.RATE_LIMITED: Severity.WARNING,
    Fault.LOW_BALANCE: Severity.WARNING,
    Fault.EXPIRES_SOON: Severity.WARNING,
    Fault.MODEL_RETIRING: Severity.WARNING,
    Fault.SLOW: Severity.WARNING,
    Fault.CONTENT_FILTERED: Severity.WARNING,
    Fault.BAD_REQUEST: Severity.WARNING,
}


WIDTH = tuple(Scope)
"""From narrow to wide; see Scope."""

ABSENCE = "absence"
"""The subject of a gap in the watch; while the monitor runs and reaches nothing, its trouble has no subject."""

UNWATCHED = "it is no longer watched: the configuration does not name it any more"

ANNOUNCED = (Scope.PROVIDER, Scope.MODEL)
"""What a provider's page can be expected to speak of."""

EARLIER = timedelta(hours=2)
"""What a page said so long before our first failure may be about it."""

PATIENCE = timedelta(seconds=45)
"""So long after the latest recovery what is still down may yet recover with it."""


def advance(
    open_incidents: Iterable[Incident],
    diagnoses: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
    now: datetime,
    settled: Iterable[Diagnosis] = (),
) -> list[Change]:
    """Return what opens, changes and ends; drills are not touched.

    `well_since` has an entry for every target that is watched: since when it is up, None when it is not.
    `settled` are signs that ended without all being as before, each dated by its end.
    """
    standing = {_key(incident): incident for incident in open_incidents if not incident.drill}
    found = {_key(diagnosis): diagnosis for diagnosis in diagnoses}
    gone = [_settled(incident, settled) for key, incident in standing.items() if key not in found]
    fading = [incident for incident in gone if _is_fading(incident, diagnoses, well_since, now)]
    changes = []
    for key, diagnosis in found.items():
        if key in standing:
            changes += _changed(standing[key], diagnosis, now)
        elif diagnosis.settled and not any(_is_within(diagnosis, incident) for incident in fading):
            changes.append(Change(replace(open_incident(diagnosis), detected_at=now), ChangeKind.OPENED, now))
    here = standing | {_key(change.incident): change.incident for change in changes}
    now_there = [(diagnosis, here.get(key)) for key, diagnosis in found.items()]
    ends = [change for one in gone if one not in fading for change in _gone(one, now_there, well_since, now)]
    return ends + changes


def announce(
    open_incidents: Iterable[Incident], told: Mapping[str, Sequence[Announcement]], now: datetime
) -> list[Change]:
    """Return a change for each trouble of a provider of which its own page has begun to speak.

    `told` holds what is said of trouble, by who answers. What was said long before is about another one.
    """
    changes = []
    for incident in open_incidents:
        if incident.announcement is None and incident.blame is Blame.PROVIDER and incident.scope in ANNOUNCED:
            said = [one for one in told.get(incident.subject.partition("/")[0], ()) if _is_about(one, incident)]
            if said:
                first = min(said, key=lambda one: one.at)
                changes.append(Change(replace(incident, announcement=first), ChangeKind.ANNOUNCED, now))
    return changes


def _is_about(announcement: Announcement, incident: Incident) -> bool:
    return announcement.at >= incident.opened_at - EARLIER


def _key(one: Incident | Diagnosis) -> tuple[Scope, str, Fault | None]:
    """Return what stays the same of a trouble: its fault may change. Signs of two faults are two."""
    return one.scope, one.subject, one.fault if one.signal else None


def _settled(incident: Incident, settled: Iterable[Diagnosis]) -> Incident:
    how = (one.reasons[0] for one in settled if _key(one) == _key(incident) and one.since > incident.opened_at)
    return replace(incident, ending=next(how, "")) if incident.signal else incident


def _is_fading(
    incident: Incident, diagnoses: Sequence[Diagnosis], well_since: Mapping[str, datetime | None], now: datetime
) -> bool:
    """Whether part of it has just recovered and the rest may follow: neither an end nor a new trouble.

    What comes and goes is calm when all of it is, however long that takes.
    """
    if incident.signal:
        return any(_is_within(diagnosis, incident) for diagnosis in diagnoses)
    recovered_at = _recovered_at(incident, well_since)
    rest = any(_is_within(diagnosis, incident) for diagnosis in diagnoses)
    return rest and recovered_at is not None and now - recovered_at < PATIENCE


def _recovered_at(incident: Incident, well_since: Mapping[str, datetime | None]) -> datetime | None:
    """Return when the latest of its targets came back; None when none has."""
    return max((since for target in incident.targets if (since := well_since.get(target))), default=None)


def _is_within(diagnosis: Diagnosis, incident: Incident) -> bool:
    """Whether it is about a part: some of its targets, or whatever else of its accounts it has spread to since."""
    if diagnosis.signal:
        return incident.is_flap and _names_flap(diagnosis) and _seen(diagnosis) < _seen(incident)
    narrower = WIDTH.index(diagnosis.scope) < WIDTH.index(incident.scope)
    within = narrower and accounts_of(diagnosis.targets) <= accounts_of(incident.targets)
    return within or set(diagnosis.targets) < set(incident.targets)


def accounts_of(targets: Iterable[str]) -> set[str]:
    """Return the ids of the accounts that these targets, named by their ids, belong to."""
    return {"/".join(target.split("/")[:2]) for target in targets}


def _severity(diagnosis: Diagnosis) -> Severity:
    """A status page that cannot be read takes nothing from anybody; what burns a budget has incidents of its own."""
    own = {Scope.SOURCE: Severity.INFO, Scope.OBJECTIVE: Severity.WARNING}
    return own.get(diagnosis.scope, SEVERITIES[diagnosis.fault])


def _id(since: datetime, name: str) -> str:
    from hashlib import blake2s  # OpenSSL comes with it, for which no start should wait

    return f"{since:%Y%m%d-%H%M%S}-{blake2s(name.encode(), digest_size=5).hexdigest()}"


def open_incident(diagnosis: Diagnosis, *, drill: bool = False) -> Incident:
    name = f"{_key(diagnosis)}:{drill}"
    return Incident(
        id=_id(diagnosis.since, name),
        scope=diagnosis.scope,
        subject=diagnosis.subject,
        fault=diagnosis.fault,
        severity=_severity(diagnosis),
        confidence=diagnosis.confidence,
        opened_at=diagnosis.since,
        reasons=diagnosis.reasons,
        targets=diagnosis.targets,
        evidence=diagnosis.evidence,
        drill=drill,
        signal=diagnosis.signal,
        blamed=diagnosis.blamed,
    )


def absence(since: datetime, until: datetime) -> Change:
    """Return that nobody was watching: known only when it is over, and nobody's fault but ours."""
    name = f"{ABSENCE}:{until.isoformat()}"
    gap = Incident(
        id=_id(since, name),
        scope=Scope.MONITOR,
        subject=ABSENCE,
        fault=Fault.UNCLASSIFIED,
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        opened_at=since,
        reasons=("no look was taken and nothing was written in this time",),
        closed_at=until,
    )
    return Change(gap, ChangeKind.RESOLVED, until)


def as_of(change: Change, now: datetime) -> Change:
    """Return a change as it is dated at `now`: nothing lies ahead, and nothing ends before it began.

    The clock may have been set back between two looks, and a round that ends settles what time alone would.
    """
    one, at = change.incident, min(change.at, now)
    closed_at = one.closed_at and min(one.closed_at, now)
    opened_at = min(one.opened_at, closed_at or now)
    detected_at = one.detected_at and min(one.detected_at, now)
    if (at, closed_at, opened_at, detected_at) == (change.at, one.closed_at, one.opened_at, one.detected_at):
        return change
    return Change(replace(one, opened_at=opened_at, closed_at=closed_at, detected_at=detected_at), change.kind, at)


def redated(incident: Incident, by: timedelta, now: datetime) -> Change:
    """Return an open incident as dated by a clock that was set by so much: it has lasted no longer, and no shorter."""
    detected_at = incident.detected_at and incident.detected_at + by
    moved = replace(incident, opened_at=incident.opened_at + by, detected_at=detected_at)
    return as_of(Change(moved, ChangeKind.REDATED, now), now)


def _gone(
    incident: Incident,
    found: Sequence[tuple[Diagnosis, Incident | None]],
    well_since: Mapping[str, datetime | None],
    now: datetime,
) -> list[Change]:
    """Return what becomes of an incident that no diagnosis names any more: part of a wider one, or over.

    `found` holds the diagnoses of now with their incidents, None where it is too early to open one.
    """
    closed = replace(incident, closed_at=_recovered_at(incident, well_since) or now)
    if incident.signal:
        end = _end_of_signal(incident, [diagnosis for diagnosis, _ in found], well_since)
        withdrawn = end is ChangeKind.WITHDRAWN and incident.scope is not Scope.REMINDER
        return [Change(replace(closed, ending=UNWATCHED) if withdrawn else closed, end, now)]
    if not any(target in well_since for target in incident.targets):
        return [Change(replace(closed, ending=UNWATCHED), ChangeKind.WITHDRAWN, now)]
    failing = {target for target in incident.targets if well_since.get(target, now) is None}
    for diagnosis, parent in found:
        if failing and failing <= set(diagnosis.targets) and not _is_within(diagnosis, incident):
            return _beneath(incident, parent, now)
    return [Change(closed, ChangeKind.RESOLVED, now)]


def _beneath(incident: Incident, parent: Incident | None, now: datetime) -> list[Change]:
    """It stays open as a part of the wider one, and ends when its own targets are well again."""
    if parent is None or parent.id == incident.parent:
        return []
    return [Change(replace(incident, parent=parent.id), ChangeKind.MERGED, now)]


def _end_of_signal(incident: Incident, diagnoses: Sequence[Diagnosis], watched: Iterable[str]) -> ChangeKind:
    if incident.scope in (Scope.SOURCE, Scope.OBJECTIVE):
        return ChangeKind.RESOLVED
    if incident.scope is Scope.REMINDER:  # the day has passed, or somebody changed the line: nothing to tell
        return ChangeKind.WITHDRAWN
    if not any(_is_of(incident, target) for target in watched):
        return ChangeKind.WITHDRAWN
    came = any(_is_of(incident, target) for diagnosis in diagnoses for target in diagnosis.targets)
    goes_on = any(one.signal and _is_alike(one, incident) and _seen(one) & _seen(incident) for one in diagnoses)
    return ChangeKind.MERGED if came or goes_on else ChangeKind.RESOLVED


def _is_of(sign: Incident, target: str) -> bool:
    """Whether a sign speaks of a target: of its account, or of one of those at which it was seen."""
    account = "/".join(sign.subject.split("/")[:2])
    return target.startswith(f"{account}/") or target in _seen(sign)


def _is_alike(sign: Diagnosis, incident: Incident) -> bool:
    return sign.fault is incident.fault or (incident.is_flap and _names_flap(sign))


def _names_flap(one: Incident | Diagnosis) -> bool:
    return any(evidence.rule == FLAP for evidence in one.evidence)


def _seen(one: Incident | Diagnosis) -> set[str]:
    return {evidence.target for evidence in one.evidence}


def _changed(incident: Incident, diagnosis: Diagnosis, now: datetime) -> list[Change]:
    """Return the change that people should hear of, if any.

    Faults of one blame and severity alternate in any outage (503, timeout, 503): that is no news. What was
    part of a wider trouble and outlasts it is.
    """
    severity = _severity(diagnosis)
    if incident.parent is None and (diagnosis.blame, severity) == (incident.blame, incident.severity):
        return []
    changed = replace(
        incident,
        fault=diagnosis.fault,
        severity=severity,
        confidence=diagnosis.confidence,
        reasons=diagnosis.reasons,
        targets=diagnosis.targets,
        evidence=diagnosis.evidence,
        blamed=diagnosis.blamed,
        parent=None,
    )
    return [Change(changed, ChangeKind.CHANGED, now)]
