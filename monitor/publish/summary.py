"""What programs are told, the same for both sites: parts, cases and maintenances, each with an address."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.diagnose.incident import Severity
from monitor.publish.snapshot import SourceView
from monitor.publish.status import Mark
from probes.notice import NoticePhase

UNTOLD = timedelta(hours=1)
"""A maintenance whose end was not told is taken to last so long."""

RECENT = 50
"""Incidents, the latest, of which programs are told."""


class Component(Struct, frozen=True):
    """One line of a status page; `group` is the id of the part it belongs to, `since` dates its mark.

    No two accounts have one `name`: many readers take it for the key, and know no groups. `stands`: its badge stays
    as it is.
    """

    id: str
    name: str
    mark: Mark
    group: str | None = None
    since: datetime | None = None
    stands: bool = False


class IncidentEntry(Struct, frozen=True):
    """One incident. `path` is where its page stands, `updates` what was said of it: time, status, words."""

    id: str
    title: str
    severity: Severity
    opened_at: datetime
    closed_at: datetime | None
    parts: tuple[str, ...]
    path: str
    updates: tuple[tuple[datetime, str, str], ...]

    @property
    def updated_at(self) -> datetime:
        return max(at for at, _, _ in self.updates)


class AnnouncedMaintenance(Struct, frozen=True):
    """One maintenance that a provider announces."""

    id: str
    provider: str
    title: str
    url: str | None
    phase: NoticePhase
    begins_at: datetime
    ends_at: datetime
    text: str


class SiteSummary(Struct, frozen=True):
    """All that programs read of one site. `url` is where it is reached, None: not told."""

    title: str
    url: str | None
    made_at: datetime
    mark: Mark
    words: str
    parts: tuple[Component, ...]
    cases: tuple[IncidentEntry, ...]
    works: tuple[AnnouncedMaintenance, ...]

    def address(self, path: str) -> str:
        """Return the address of one of the site's files; relative where nobody said where the site is."""
        return f"{self.url.rstrip('/')}/{path}" if self.url else path


def works(sources: Sequence[SourceView]) -> tuple[AnnouncedMaintenance, ...]:
    """Return the maintenances that were told with a time."""
    return tuple(
        AnnouncedMaintenance(
            id=f"{source.id}/{notice.id}",
            provider=source.provider,
            title=notice.title,
            url=notice.url,
            phase=notice.phase,
            begins_at=notice.began_at,
            ends_at=notice.ended_at or notice.began_at + UNTOLD,
            text=notice.text,
        )
        for source in sources
        if source.readable
        for notice in source.notices
        if notice.planned and notice.began_at
    )


def iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
