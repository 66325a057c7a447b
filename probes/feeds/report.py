"""What a parser extracts from a source: raw reports, before they are folded into notices."""

from datetime import datetime

from msgspec import Struct

from probes.doubt import Misread, PlatformChanged
from probes.notice import ComponentState, Impact, NoticePhase

MOST_REPORTS = 100
"""Most notices kept: those that concern us first, of these the open ones, of these the worst."""
MOST_COMPONENTS = 500
"""Most of our components kept, the worst first. A large provider's page has 345 in all."""


class UnreadableFeed(Exception):
    """The bytes are not what the platform sends; `why` says in what."""

    def __init__(self, why: Misread) -> None:
        super().__init__(why)
        self.why = why


class SourceReport(Struct, frozen=True):
    """One item of a source. Several may be about one incident: they share its `id`.

    `impact` is the source's overall word, None where it has none; `parts` are the components it names, with their
    states. `by_end`: it counts as over because it has an end, not because a word says so.
    """

    id: str
    title: str
    url: str | None
    phase: NoticePhase
    impact: Impact | None = None
    parts: tuple[ComponentState, ...] = ()
    began_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    text: str = ""
    planned: bool = False
    by_end: bool = False


class ComponentGroup(Struct, frozen=True):
    """A page's group of components. An UNKNOWN impact means the worst of its members."""

    standing: ComponentState
    members: tuple[ComponentState, ...] = ()


class ParsedFeed(Struct, frozen=True):
    """Everything that was read, ours or not. `overall` is the page's own word, None where it has none.

    `newest_at` is when the source last changed; None where its list cannot show that, because it drops what is over.
    `unread` counts items that could not be read, `problem` says why nothing could be.
    """

    reports: tuple[SourceReport, ...] = ()
    standings: tuple[ComponentState, ...] = ()
    groups: tuple[ComponentGroup, ...] = ()
    overall: Impact | None = None
    newest_at: datetime | None = None
    unread: int = 0
    problem: Misread | PlatformChanged | None = None
