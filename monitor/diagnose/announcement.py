"""What providers' own pages say of an incident that is open."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.diagnose.incident import Announcement, Change, ChangeKind, Incident
from monitor.diagnose.subject import Scope
from probes.model import Blame

ANNOUNCED = (Scope.PROVIDER, Scope.MODEL)
"""What a provider's page can be expected to speak of."""
EARLIER = timedelta(hours=2)
"""What a page said so long before our first failure may be about it."""


def announce(
    open_incidents: Iterable[Incident], told: Mapping[str, Sequence[Announcement]], now: datetime
) -> list[Change]:
    """Return a change for each trouble of a provider of which its own page has begun to speak.

    `told` holds what is said of trouble, by who answers. What was said long before is about another one.
    """
    changes = []
    for incident in open_incidents:
        if incident.announcement is None and incident.blame is Blame.PROVIDER and incident.scope in ANNOUNCED:
            said = [one for one in told.get(incident.about.answerer, ()) if _is_about(one, incident)]
            if said:
                first = min(said, key=lambda one: one.at)
                changes.append(Change(replace(incident, announcement=first), ChangeKind.ANNOUNCED, now))
    return changes


def _is_about(announcement: Announcement, incident: Incident) -> bool:
    return announcement.at >= incident.opened_at - EARLIER
