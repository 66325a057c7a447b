"""The summary for programs, in one form for both sites: components, incidents and maintenances, with URLs."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.diagnose.incident import Severity
from monitor.publish.snapshot import SourceView
from monitor.publish.status import Mark
from probes.notice import NoticePhase

UNTOLD = timedelta(hours=1)
"""Assumed duration of a maintenance without a stated end."""

RECENT = 50
"""Number of latest incidents for programs."""


class Component(Struct, frozen=True):
    """One line of a status page; `group`: the id of its parent component; `since`: the start of its mark.

    No two accounts share a `name`: many clients use it as the key, and know no groups. `stands`: its badge is kept
    as it is.
    """

    id: str
    name: str
    mark: Mark
    group: str | None = None
    since: datetime | None = None
    stands: bool = False


class IncidentEntry(Struct, frozen=True):
    """One incident. `path`: its page; `updates`: time, status and words of each."""

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
    """One maintenance that a provider announces, or that is our own: then `provider` is ""."""

    id: str
    provider: str
    title: str
    url: str | None
    phase: NoticePhase
    begins_at: datetime
    ends_at: datetime
    text: str

    @property
    def name(self) -> str:
        return f"{self.provider}: {self.title}" if self.provider else self.title


class SiteSummary(Struct, frozen=True):
    """Everything for programs about one site. `url`: its base URL, None: unknown."""

    title: str
    url: str | None
    made_at: datetime
    mark: Mark
    words: str
    parts: tuple[Component, ...]
    cases: tuple[IncidentEntry, ...]
    works: tuple[AnnouncedMaintenance, ...]

    def address(self, path: str) -> str:
        """Return the URL of one of the site's files; relative if the site's own is unknown."""
        return f"{self.url.rstrip('/')}/{path}" if self.url else path


def announced_maintenances(sources: Sequence[SourceView]) -> tuple[AnnouncedMaintenance, ...]:
    """Return the maintenances with a stated time."""
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


def iso_millis(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
