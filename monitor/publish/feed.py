"""Incidents as an Atom feed: the values of its template; pure. Source: RFC 4287."""

from uuid import UUID, uuid5

from msgspec import Struct

from monitor.publish.summary import RECENT, IncidentEntry, SiteSummary, iso_millis
from monitor.sentence.translation import PageLanguage

SPACE = UUID("6f1d7d5c-94a7-4a5a-8b8e-3f5f6a2f7c11")
"""Namespace for the ids of incidents, which stay the same if the site moves."""


class AtomEntry(Struct, frozen=True):
    id: str
    title: str
    published: str
    updated: str
    href: str
    text: str


class AtomFeed(Struct, frozen=True):
    id: str
    title: str
    updated: str
    here: str
    home: str
    entries: tuple[AtomEntry, ...]


def build_feed(board: SiteSummary, speech: PageLanguage) -> AtomFeed:
    """Return the latest incidents, most recently updated first. The feed is dated by its newest entry, so that an
    unchanged one stays the same.
    """
    cases = sorted(board.cases[:RECENT], key=lambda case: case.updated_at, reverse=True)
    updated = max((case.updated_at for case in cases), default=None)
    return AtomFeed(
        id=_urn(f"{board.title} {board.url or ''}"),
        title=board.title,
        updated=iso_millis(updated) if updated else EPOCH,
        here=board.address("feed.xml"),
        home=board.address("index.html"),
        entries=tuple(_entry(case, board, speech) for case in cases),
    )


EPOCH = "1970-01-01T00:00:00Z"


def _entry(case: IncidentEntry, board: SiteSummary, speech: PageLanguage) -> AtomEntry:
    ended = speech.say("[Ended] {title}", title=case.title) if case.closed_at else case.title
    lines = [f"{speech.instant(at).words}: {words}" for at, _, words in sorted(case.updates)]
    return AtomEntry(
        _urn(case.id),
        ended,
        iso_millis(case.opened_at),
        iso_millis(case.updated_at),
        board.address(case.path),
        "\n".join(lines),
    )


def _urn(name: str) -> str:
    return uuid5(SPACE, name.encode(errors="replace").decode()).urn
