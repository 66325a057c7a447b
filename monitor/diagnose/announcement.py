"""What providers' own status pages say of an open incident."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.diagnose.incident import Announcement, Change, ChangeKind, Incident
from monitor.diagnose.subject import Scope
from probes.model import Blame

ANNOUNCED = (Scope.PROVIDER, Scope.MODEL)
"""Scopes that a provider's status page can be expected to mention."""
EARLIER = timedelta(hours=2)
"""Longest time before our first failure at which a notice may be about it."""


def announce(
    open_incidents: Iterable[Incident], announced: Mapping[str, Sequence[Announcement]], now: datetime
) -> list[Change]:
    """Return a change for each trouble of a provider that its own page has begun to report.

    `announced` holds the notices of trouble, by who answers. A much older notice is about another trouble.
    """
    changes = []
    for incident in open_incidents:
        if incident.announcement is None and incident.blame is Blame.PROVIDER and incident.scope in ANNOUNCED:
            said = [one for one in announced.get(incident.about.answerer, ()) if _is_about(one, incident)]
            if said:
                first = min(said, key=lambda one: one.at)
                changes.append(Change(replace(incident, announcement=first), ChangeKind.ANNOUNCED, now))
    return changes


def _is_about(announcement: Announcement, incident: Incident) -> bool:
    return announcement.at >= incident.opened_at - EARLIER
