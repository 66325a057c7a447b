"""Diagnoses and open incidents → changes. A change is a row before it is a message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2s

from monitor.diagnose import Diagnosis, Evidence, Scope
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

    MERGED: it turned out to be part of a larger one. WITHDRAWN: what it spoke of is no longer watched.
    Neither is an end of the trouble, so nobody is told of one.
    """

    OPENED = "opened"
    CHANGED = "changed"
    RESOLVED = "resolved"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Incident:
    """One trouble with one cause. `opened_at` is when it began, `closed_at` when it ended (None: open).

    A `signal` tells of what is coming: nothing fails yet. `parent` is the id of a wider incident of which it is a part.
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

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame


@dataclass(frozen=True, slots=True)
class Change:
    """One step in an incident's life; `incident` is as it stands after the step."""

    incident: Incident
    kind: ChangeKind
    at: datetime

    @property
    def id(self) -> str:
        return f"{self.incident.id}.{self.kind}.{int(self.at.timestamp() * 1000)}"


@dataclass(frozen=True, slots=True)
class Told:
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


PATIENCE = timedelta(seconds=45)
"""So long after the latest recovery what is still down may yet recover with it."""


def advance(
    open_incidents: Iterable[Incident],
    diagnoses: Sequence[Diagnosis],
    well_since: Mapping[str, datetime | None],
    now: datetime,
) -> list[Change]:
    """Return what opens, changes and ends; drills are not touched.

    `well_since` has an entry for every target that is watched: since when it is up, None when it is not.
    """
    standing = {_key(incident): incident for incident in open_incidents if not incident.drill}
    found = {_key(diagnosis): diagnosis for diagnosis in diagnoses}
    gone = [incident for key, incident in standing.items() if key not in found]
    fading = [incident for incident in gone if _is_fading(incident, diagnoses, well_since, now)]
    changes = [_ended(incident, diagnoses, well_since, now) for incident in gone if incident not in fading]
    for key, diagnosis in found.items():
        if key in standing:
            changes += _changed(standing[key], diagnosis, now)
        elif diagnosis.settled and not any(_is_within(diagnosis, incident) for incident in fading):
            changes.append(Change(open_incident(diagnosis), ChangeKind.OPENED, now))
    return changes


def _key(one: Incident | Diagnosis) -> tuple[Scope, str, Fault | None]:
    """Return what stays the same of a trouble: its fault may change. Signs of two faults are two."""
    return one.scope, one.subject, one.fault if one.signal else None


def _is_fading(
    incident: Incident, diagnoses: Sequence[Diagnosis], well_since: Mapping[str, datetime | None], now: datetime
) -> bool:
    """Whether part of it has just recovered and the rest may follow: neither an end nor a new trouble."""
    recovered_at = _recovered_at(incident, well_since)
    rest = any(_is_within(diagnosis, incident) for diagnosis in diagnoses)
    return rest and recovered_at is not None and now - recovered_at < PATIENCE


def _recovered_at(incident: Incident, well_since: Mapping[str, datetime | None]) -> datetime | None:
    """Return when the latest of its targets came back; None when none has."""
    return max((since for target in incident.targets if (since := well_since.get(target))), default=None)


def _is_within(diagnosis: Diagnosis, incident: Incident) -> bool:
    return not diagnosis.signal and set(diagnosis.targets) < set(incident.targets)


def open_incident(diagnosis: Diagnosis, *, drill: bool = False) -> Incident:
    name = f"{_key(diagnosis)}:{drill}"
    return Incident(
        id=f"{diagnosis.since:%Y%m%d-%H%M%S}-{blake2s(name.encode(), digest_size=5).hexdigest()}",
        scope=diagnosis.scope,
        subject=diagnosis.subject,
        fault=diagnosis.fault,
        severity=SEVERITIES[diagnosis.fault],
        confidence=diagnosis.confidence,
        opened_at=diagnosis.since,
        reasons=diagnosis.reasons,
        targets=diagnosis.targets,
        evidence=diagnosis.evidence,
        drill=drill,
        signal=diagnosis.signal,
        blamed=diagnosis.blamed,
    )


def _ended(
    incident: Incident, diagnoses: Sequence[Diagnosis], well_since: Mapping[str, datetime | None], now: datetime
) -> Change:
    closed = replace(incident, closed_at=_recovered_at(incident, well_since) or now)
    if incident.signal:
        return Change(closed, _end_of_signal(incident, diagnoses, well_since), now)
    if not any(target in well_since for target in incident.targets):
        return Change(closed, ChangeKind.WITHDRAWN, now)
    wider = any(set(incident.targets) <= set(diagnosis.targets) for diagnosis in diagnoses)
    return Change(closed, ChangeKind.MERGED if wider else ChangeKind.RESOLVED, now)


def _end_of_signal(incident: Incident, diagnoses: Sequence[Diagnosis], watched: Iterable[str]) -> ChangeKind:
    account = "/".join(incident.subject.split("/")[:2])
    if not any(target.startswith(f"{account}/") for target in watched):
        return ChangeKind.WITHDRAWN
    came = (target for diagnosis in diagnoses for target in diagnosis.targets)
    return ChangeKind.MERGED if any(target.startswith(f"{account}/") for target in came) else ChangeKind.RESOLVED


def _changed(incident: Incident, diagnosis: Diagnosis, now: datetime) -> list[Change]:
    """Return the change that people should hear of, if any.

    Faults of one blame and severity alternate in any outage (503, timeout, 503): that is no news.
    """
    severity = SEVERITIES[diagnosis.fault]
    if (diagnosis.blame, severity) == (incident.blame, incident.severity):
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
    )
    return [Change(changed, ChangeKind.CHANGED, now)]
