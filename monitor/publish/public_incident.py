"""A snapshot → the providers and incidents that may be public. Whatever is not taken here stays private."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.diagnose.incident import Incident, Severity
from monitor.diagnose.subject import Scope
from monitor.publish.incident_text import newest_first
from monitor.publish.paths import slug
from monitor.publish.snapshot import IncidentView, ProviderView, Snapshot
from monitor.publish.status import Mark
from probes.model import Blame, Fault


class PublicNote(Struct, frozen=True):
    """Words that people wrote for the public, without who."""

    at: datetime
    text: str


class PublicIncident(Struct, frozen=True):
    """The public part of one provider incident. `whole`: the whole provider is affected, not only a model."""

    id: str
    provider: str
    name: str
    fault: Fault
    severity: Severity
    whole: bool
    opened_at: datetime
    closed_at: datetime | None
    lead: timedelta | None
    announced: str | None
    notes: tuple[PublicNote, ...] = ()

    @property
    def mark(self) -> Mark:
        return Mark.DOWN if self.whole and self.severity is Severity.CRITICAL else Mark.PARTLY

    def overlap(self, start: datetime, end: datetime, now: datetime) -> timedelta:
        return max(min(self.closed_at or now, end) - max(self.opened_at, start), timedelta())


def public_providers(snapshot: Snapshot) -> list[ProviderView]:
    """Return the shipped providers with at least one account that uses the provider's own base URL."""
    return [one for one in snapshot.providers if one.shipped and any(not it.own_host for it in one.accounts)]


def public_incidents(snapshot: Snapshot, providers: Sequence[ProviderView]) -> list[PublicIncident]:
    """Return the providers' own incidents, open ones first, then newest first."""
    names = {provider.id: provider.name for provider in providers}
    views = [*snapshot.open_incidents, *newest_first(snapshot.past_incidents)]
    found = [_reduced(view, names) for view in views if is_providers_own(view.incident, names)]
    return list({one.id: one for one in found}.values())


def is_public(incident: Incident, snapshot: Snapshot) -> bool:
    """Whether an incident is on the public site."""
    return is_providers_own(incident, [one.id for one in public_providers(snapshot)])


def is_providers_own(incident: Incident, providers: Iterable[str]) -> bool:
    """Whether an incident is the provider's own.

    A subject with `@` is a user's own gateway. What only one account meets accuses nobody in public: others may not
    meet it, and the account may be at an address of its own.
    """
    is_real = not incident.drill and not incident.signal and incident.parent is None
    wide = incident.scope in (Scope.PROVIDER, Scope.MODEL) and not incident.about.account
    return is_real and wide and incident.blame is Blame.PROVIDER and incident.about.answerer in providers


def _reduced(view: IncidentView, names: dict[str, str]) -> PublicIncident:
    """Return the public part. It gets a new id: the private one holds a hash of the subject."""
    incident = view.incident
    id = incident.about.provider
    whole = incident.scope is Scope.PROVIDER
    return PublicIncident(
        id=f"{incident.opened_at:%Y%m%d-%H%M%S}-{slug(id)}{'' if whole else '-model'}",
        provider=id,
        name=names[id],
        fault=incident.fault,
        severity=incident.severity,
        whole=whole,
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        lead=incident.lead,
        announced=incident.announcement.title if incident.announcement else None,
        notes=tuple(PublicNote(one.at, one.text) for one in view.notes if one.public),
    )
