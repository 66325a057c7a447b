"""What a parser takes out of a source: reports as they stand there, before they are folded into notices."""

from datetime import datetime

from msgspec import Struct

from probes.notice import Impact, Phase, Standing

MOST_REPORTS = 100
"""The newest of a list are read; a page that lists more than this at once is not listing what is open."""
MOST_COMPONENTS = 200
"""An aggregator's page has about a hundred components."""


class Unfit(Exception):
    """The bytes are not what the platform sends; the text says why, in our own words."""


class Report(Struct, frozen=True):
    """One item of a source. Several may be of one incident: they share its `id`.

    `impact` is the source's own word for the whole, None where it has none; `parts` are the components
    it names, each with how it stands.
    """

    id: str
    title: str
    url: str | None
    phase: Phase
    impact: Impact | None = None
    parts: tuple[Standing, ...] = ()
    began_at: datetime | None = None
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    text: str = ""
    planned: bool = False


class Parsed(Struct, frozen=True):
    """All that was read. `overall` is the page's own word, None where it has none.

    `newest_at` is when the source last changed; None where that cannot be told from what it lists, since
    what is over is no longer listed. `problem` says why nothing could be read.
    """

    reports: tuple[Report, ...] = ()
    standings: tuple[Standing, ...] = ()
    overall: Impact | None = None
    newest_at: datetime | None = None
    problem: str | None = None
