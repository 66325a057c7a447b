"""RSS and Atom → entries. Hostile input is refused or cut before feedparser sees it."""

import io
import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from html.entities import html5
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from msgspec import Struct

from probes.doubt import Bound, BoundExceeded, Defect, Defective, RootUnknown, XmlBroken
from probes.feeds.report import UnreadableFeed
from probes.feeds.text import read_time, unescape_markup

MOST_ENTRIES = 2000
"""Most entries to read; feedparser takes half a second for as many."""
MOST_BYTES = 2 * 1024 * 1024
"""Most bytes to parse; a history of a hundred items has a tenth of this."""
DEEPEST = 64
"""Levels of nesting beyond which a feed is not read."""
MOST_ELEMENTS = 20_000
"""Most elements passed to feedparser."""
MOST_SURVEYED = 400_000
"""Most elements to scan, in half a second, for the items to read."""
MOST_ATTRIBUTES = 50
"""Most attributes of an element: feedparser takes quadratic time."""
LONGEST_DATE = 100
"""Most characters of a date."""
MOST_BODY = 300_000
"""Most characters read of an item's body."""
ITEMS = {"item", "entry"}
ROOTS = {"rss", "feed", "rdf"}
DATES = {"pubdate", "published", "updated", "date", "lastbuilddate", "created", "issued", "modified", "expirationdate"}

DECLARATION = re.compile(r"^\s*<\?xml[^<>]*\?>")
ROOT = re.compile(rb"<((?:rss|feed|(?:\w+:)?RDF)\b)[^<>]*>", re.IGNORECASE)
ITEM = re.compile(rb"<(item|entry)\b")
OVER = re.compile(
    b"resolved|completed|recovered|postmortem|" + "已解决|已恢复|已修复|已完成|已解決|已恢復".encode(), re.IGNORECASE
)


OPEN = re.compile(
    b"investigating|identified|monitoring|ongoing|active|" + "调查中|处理中|调查|已确认".encode(), re.IGNORECASE
)
LOOSE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});)(\w{1,31};)?", re.IGNORECASE)


class FeedItem(Struct, frozen=True):
    """One item. `body` is HTML, however often it was escaped. Empty: not given."""

    id: str
    title: str
    link: str
    body: str
    categories: tuple[str, ...]
    began_at: datetime | None
    updated_at: datetime | None


def read_entries(text: str) -> tuple[list[FeedItem], int]:
    """Return the entries in document order, and how many could not be read. Raises UnreadableFeed."""
    import feedparser  # 30 ms, paid only by a process with a feed

    document, unread = _survey(DECLARATION.sub("", text, count=1).strip().encode("utf-8", "replace"))
    # A stream, since feedparser would first try bytes as a file name.
    read = feedparser.parse(
        io.BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if read.get("bozo"):
        raise UnreadableFeed(Defective(Defect.NOT_A_FEED))
    entries = [_entry(one) for one in read.entries]
    telling = [one for one in entries if one.title.strip() or one.body.strip()]
    return telling, unread + len(entries) - len(telling)


class _Item(Struct, frozen=True):
    """Where an item is in the document, and its number of elements."""

    begin: int
    end: int
    elements: int


class _Surveyor:
    """Scans the document once: refuses what no feed needs, and finds its items."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parser = expat.ParserCreate(namespace_separator=":")
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartNamespaceDeclHandler = self._count
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words
        self.open: list[str] = []
        self.items: list[_Item] = []
        self.elements = 0
        self._date = 0
        self._item: tuple[int, int, int] | None = None  # depth, first byte, and the element count before it

    def walk(self) -> None:
        """Scan it. Raises UnreadableFeed, and xml.parsers.expat.ExpatError where it is not well-formed."""
        self.parser.Parse(self.data, True)
        if self.elements - sum(one.elements for one in self.items) > MOST_ELEMENTS:
            raise UnreadableFeed(Defective(Defect.TOO_MANY_ELEMENTS))

    def _refuse(self, *_: object) -> None:
        raise UnreadableFeed(Defective(Defect.DOCUMENT_TYPE))

    def _count(self, *_: object) -> None:
        self.elements += 1
        if self.elements > MOST_SURVEYED:
            raise UnreadableFeed(Defective(Defect.TOO_MANY_ELEMENTS))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count()
        if len(attributes) > MOST_ATTRIBUTES:
            raise UnreadableFeed(Defective(Defect.TOO_MANY_ELEMENTS))
        if not self.open and _local(name) not in ROOTS:
            raise UnreadableFeed(RootUnknown(_local(name)[:40]))
        self.open.append(name)
        self._date = 0
        if len(self.open) > DEEPEST:
            raise UnreadableFeed(BoundExceeded(Bound.DEPTH, DEEPEST))
        if self._item is None and _local(name) in ITEMS:
            self._item = len(self.open), self.parser.CurrentByteIndex, self.elements

    def _words(self, words: str) -> None:
        if self.open and _local(self.open[-1]) in DATES:
            self._date += len(words)
            if self._date > LONGEST_DATE:
                raise UnreadableFeed(BoundExceeded(Bound.DATE_CHARACTERS, LONGEST_DATE))

    def _end(self, _: str) -> None:
        if self._item and self._item[0] == len(self.open):
            begin, before = self._item[1:]
            end = self.data.index(b">", self.parser.CurrentByteIndex) + 1
            self.items.append(_Item(begin, end, self.elements - before + 1))
            self._item = None
        self.open.pop()


def _survey(data: bytes) -> tuple[bytes, int]:
    """Return the document with as many items as we read, and how many are unreadable. Raises UnreadableFeed."""
    surveyor, broken = _Surveyor(data), 0
    try:
        surveyor.walk()
    except expat.ExpatError as error:
        data, broken = _salvage(data, XmlBroken(error.lineno))
        surveyor = _Surveyor(data)
        surveyor.walk()
    items = surveyor.items
    kept = _pick(items, data)
    if len(kept) == len(items):
        return data, broken
    missed = [one for one in items if one not in kept and (_may_be_open(one, data) or _was_open(one, data))]
    if not kept:
        raise UnreadableFeed(BoundExceeded(Bound.FEED_BYTES, MOST_BYTES))
    inner = b"".join(data[one.begin : one.end] for one in items if one in kept)
    return data[: items[0].begin] + inner + data[items[-1].end :], broken + len(missed)


def _pick(items: Sequence[_Item], data: bytes) -> set[_Item]:
    """Return the items to read: all, or those that may be open before those that are over, in document order."""
    outside = len(data) - sum(one.end - one.begin for one in items)
    room, elements, kept = MOST_BYTES - outside, MOST_ELEMENTS, set[_Item]()
    if room < 0:
        raise UnreadableFeed(BoundExceeded(Bound.FEED_BYTES, MOST_BYTES))
    fits = len(items) <= MOST_ENTRIES and len(data) <= MOST_BYTES
    for one in items if fits else sorted(items, key=lambda one: not _may_be_open(one, data)):
        room, elements = room - (one.end - one.begin), elements - one.elements
        if room < 0 or elements < 0 or len(kept) == MOST_ENTRIES:
            break
        kept.add(one)
    return kept


def _may_be_open(item: _Item, data: bytes) -> bool:
    return not OVER.search(data, item.begin, item.end)


def _was_open(item: _Item, data: bytes) -> bool:
    """Whether it also says that it was open: "over" may be a word in its prose only."""
    return bool(OPEN.search(data, item.begin, item.end))


def _salvage(data: bytes, problem: XmlBroken) -> tuple[bytes, int]:
    """Return a document of the well-formed items, and how many are not. Raises UnreadableFeed when none is."""
    root = ROOT.search(data)
    begins = [found.start() for found in ITEM.finditer(data)]
    if root is None or not begins or len(begins) > MOST_SURVEYED // 10:
        raise UnreadableFeed(problem)
    begin, end = root[0].rstrip(b"/>") + b">", b"</" + root[1] + b">"
    if root[1].lower() == b"rss":
        begin, end = begin + b"<channel>", b"</channel>" + end
    pieces = [_whole(data[at:to]) for at, to in pairwise([*begins, len(data)])]
    wrapped = (LOOSE.sub(_escape, piece) for piece in pieces if piece)
    sound = [piece for piece in wrapped if _is_sound(begin + piece + end)]
    if not sound:
        raise UnreadableFeed(problem)
    return begin + b"".join(sound) + end, len(pieces) - len(sound)


def _escape(loose: re.Match[bytes]) -> bytes:
    """Return valid XML for a bare `&`, or for an entity that only HTML has."""
    letter = html5.get((loose[1] or b"").decode("ascii", "replace"))
    return escape(letter).encode() if letter else b"&amp;" + (loose[1] or b"")


def _whole(piece: bytes) -> bytes:
    """Return an item from its start to its end; empty when it breaks off before."""
    end = max(piece.rfind(b"</item>"), piece.rfind(b"</entry>"))
    return piece[: piece.index(b">", end) + 1] if end > 0 else b""


def _is_sound(document: bytes) -> bool:
    try:
        _Surveyor(document).walk()
    except (expat.ExpatError, UnreadableFeed):
        return False
    return True


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _entry(read: Any) -> FeedItem:
    bodies = [read.get("summary"), *(content.get("value") for content in read.get("content", ()))]
    began = read_time(read.get("published"))
    updated = read_time(read["updated"]) if "updated" in read else None  # `get` would warn, and return the other
    return FeedItem(
        id=str(read.get("id") or ""),
        title=unescape_markup(str(read.get("title") or "")),
        link=str(read.get("link") or ""),
        body=_fullest([unescape_markup(str(body)[:MOST_BODY]) for body in bodies if body]),
        categories=tuple(str(tag.get("term") or "") for tag in read.get("tags", ())),
        began_at=began,
        updated_at=updated or began,
    )


def _fullest(bodies: list[str]) -> str:
    """Return the body that names components.

    incident.io's Atom has them only in the summary, its RSS only in the description.
    """
    return max(bodies, key=lambda body: ("affected" in body.lower(), len(body)), default="")
