"""An incident, and what happens to it: a change is a row before it is a message."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.diagnosis import FLAP, Diagnosis, Evidence
from monitor.diagnose.reason import ClockOff, NobodyWatched, Reason
from monitor.diagnose.subject import SILENCE, Scope, Subject
from probes.model import Blame, Confidence, Fault
from probes.target_id import account_of


class Severity(StrEnum):
    """How severe it is. MAJOR: it is lost from some places, and works from others."""

    INFO = "info"
    WARNING = "warning"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ChangeKind(StrEnum):
    """What happened to an incident.

    CHANGED: a reader would now act differently. UPDATED: its width, fault or confidence changed, but nobody would act
    differently. MERGED: it turned out to be part of a larger one, under which it stays open. ANNOUNCED: the provider's
    own page reports it, too. REDATED: the clock was set, and its dates follow the new one. Of these only CHANGED sends
    a message. WITHDRAWN: what it was about is no longer watched; those who were notified of it are notified of that.
    """

    OPENED = "opened"
    CHANGED = "changed"
    UPDATED = "updated"
    RESOLVED = "resolved"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    ANNOUNCED = "announced"
    REDATED = "redated"


class Announcement(Struct, frozen=True):
    """The first mention of a trouble on the provider's own page; `at` is when it appeared there.

    `notice` is the id of the notice within its source, as titles are edited while the trouble lasts. "": recorded
    before ids were.
    """

    at: datetime
    title: str
    url: str | None
    source: str
    notice: str = ""


class Incident(Struct, frozen=True):
    """One trouble with one cause, `about` what. `opened_at` is when it began, `closed_at` when it ended (None: open).

    While it is open it follows the facts: `targets` are those that fail now, `covered` all that ever did, and `reasons`
    are those of `reasoned_at`. Once closed it shows how wide it was. `widest` is the width that was reported. A
    `signal` warns of what is coming: nothing fails yet. `parent` is the wider incident that it is part of, and ends
    with. `detected_at` is when we were sure of it, `announcement` what the provider's own page says of it. `ending` is
    how it ended if not all is as before; None, or "" from an earlier version: all is.
    """

    id: str
    about: Subject
    fault: Fault
    severity: Severity
    confidence: Confidence
    opened_at: datetime
    reasons: tuple[Reason, ...] = ()
    targets: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    closed_at: datetime | None = None
    drill: bool = False
    signal: bool = False
    blamed: Blame | None = None
    parent: str | None = None
    detected_at: datetime | None = None
    announcement: Announcement | None = None
    ending: Reason | None = None
    covered: tuple[str, ...] = ()
    widest: Subject | None = None
    reasoned_at: datetime | None = None

    @property
    def scope(self) -> Scope:
        return self.about.scope

    @property
    def subject(self) -> str:
        """Its display name."""
        return str(self.about)

    @property
    def members(self) -> frozenset[str]:
        """All targets that it ever covered."""
        return frozenset(self.targets) | frozenset(self.covered)

    @property
    def lead(self) -> timedelta | None:
        """Return how long before the provider's page we knew; negative: the page knew first.

        None if the page has not reported it.
        """
        if self.announcement is None or self.detected_at is None:
            return None
        return self.announcement.at - self.detected_at

    @property
    def blame(self) -> Blame:
        return self.blamed or self.fault.blame

    @property
    def is_flap(self) -> bool:
        """Whether it names flapping, not an outage that is there now."""
        return self.signal and is_flap(self)

    @property
    def is_offline(self) -> bool:
        """Whether it says that nothing could be reached from here."""
        return self.scope is Scope.MONITOR and self.about.part != ABSENCE

    @property
    def is_silence(self) -> bool:
        """Whether it says that a place is not heard of."""
        return self.about.is_of_place and self.about.part == SILENCE

    @property
    def is_absence(self) -> bool:
        """Whether it says that nobody was watching."""
        return self.scope is Scope.MONITOR and self.about.part == ABSENCE


class Change(Struct, frozen=True):
    """One step in an incident's life; `incident` is its state after the step."""

    incident: Incident
    kind: ChangeKind
    at: datetime

    @property
    def id(self) -> str:
        return f"{self.incident.id}.{self.kind}.{int(self.at.timestamp() * 1000)}"


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
    Fault.PROXY_FAILED: Severity.CRITICAL,
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
ABSENCE = "absence"
"""The subject of a gap in the watch; the incident of a running monitor that reaches nothing has no subject."""


def incident_key(one: Incident | Diagnosis) -> tuple[Subject, Fault | None, bool]:
    """Return what identifies a trouble while its fault may change. Signs of two faults are two; flapping is its own."""
    return one.about.identity, one.fault if one.signal else None, is_flap(one)


def accounts_of_targets(targets: Iterable[str]) -> set[str]:
    """Return the ids of the accounts that these targets, given by id, belong to."""
    return {account_of(target) for target in targets}


def severity_of(diagnosis: Diagnosis) -> Severity:
    """An unreadable status page costs nobody anything; what burns a budget has incidents of its own."""
    own = {Scope.SOURCE: Severity.INFO, Scope.OBJECTIVE: Severity.WARNING, Scope.STAGE: Severity.WARNING}
    usual = SEVERITIES[diagnosis.fault]
    if any(isinstance(one, ClockOff) and not one.voteless for one in diagnosis.reasons):
        return Severity.WARNING
    if diagnosis.scope is Scope.LOCATION:
        return min(usual, Severity.MAJOR, key=lambda one: one.rank)
    return own.get(diagnosis.scope, usual)


def _id(since: datetime, location: str, name: str) -> str:
    """Return the id of a trouble seen from one location: seen from two it has two ids, even at one instant."""
    from hashlib import blake2s  # loads OpenSSL, which must not slow down start

    seed = f"{len(location)}:{location}:{name}"
    return f"{since:%Y%m%d-%H%M%S}-{blake2s(seed.encode(), digest_size=5).hexdigest()}"


def open_incident(
    diagnosis: Diagnosis, now: datetime | None = None, *, location: str = "", drill: bool = False
) -> Incident:
    """Return the incident that a diagnosis opens; `now` is when we were sure of it, `location` where we probe from."""
    name = f"{incident_key(diagnosis)}:{drill}"
    return Incident(
        id=_id(diagnosis.since, location, name),
        about=diagnosis.about,
        fault=diagnosis.fault,
        severity=severity_of(diagnosis),
        confidence=diagnosis.confidence,
        opened_at=diagnosis.since,
        reasons=diagnosis.reasons,
        targets=diagnosis.targets,
        evidence=diagnosis.evidence,
        drill=drill,
        signal=diagnosis.signal,
        blamed=diagnosis.blamed,
        detected_at=now,
        covered=diagnosis.targets,
        widest=diagnosis.about,
        reasoned_at=now,
    )


def absence_change(since: datetime, until: datetime, location: str = "") -> Change:
    """Return the closed incident of a gap in the watch: known only once it is over, and our own fault."""
    name = f"{ABSENCE}:{until.isoformat()}"
    gap = Incident(
        id=_id(since, location, name),
        about=Subject(Scope.MONITOR, part=ABSENCE),
        fault=Fault.UNCLASSIFIED,
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        opened_at=since,
        reasons=(NobodyWatched(),),
        closed_at=until,
    )
    return Change(gap, ChangeKind.RESOLVED, until)


def date_at(change: Change, now: datetime) -> Change:
    """Return a change as dated at `now`: no date is in the future, and no end before its beginning.

    The clock may have been set back between two probes, and a single round settles at its end what time would settle.
    """
    one, at = change.incident, min(change.at, now)
    closed_at = one.closed_at and min(one.closed_at, now)
    opened_at = min(one.opened_at, closed_at or now)
    detected_at = one.detected_at and min(one.detected_at, now)
    if (at, closed_at, opened_at, detected_at) == (change.at, one.closed_at, one.opened_at, one.detected_at):
        return change
    return Change(replace(one, opened_at=opened_at, closed_at=closed_at, detected_at=detected_at), change.kind, at)


def shift_incident(incident: Incident, by: timedelta, now: datetime) -> Change:
    """Return an open incident re-dated after the clock was set by `by`: its duration stays the same."""
    detected_at = incident.detected_at and incident.detected_at + by
    reasoned_at = incident.reasoned_at and incident.reasoned_at + by
    moved = replace(incident, opened_at=incident.opened_at + by, detected_at=detected_at, reasoned_at=reasoned_at)
    return date_at(Change(moved, ChangeKind.REDATED, now), now)


def is_flap(one: Incident | Diagnosis) -> bool:
    return any(evidence.rule == FLAP for evidence in one.evidence)
