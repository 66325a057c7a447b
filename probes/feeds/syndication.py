"""RSS and Atom → entries. What is hostile is refused or cut before the feed's parser sees it."""

import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from datetime import datetime
from typing import Any
from xml.parsers import expat

from msgspec import Struct

from probes.feeds.report import MOST_REPORTS, Unfit
from probes.feeds.text import MOST_HTML, moment

MOST_BYTES = 2 * 1024 * 1024
"""What is left of a feed after its hundredth item has a tenth of this."""
DEEPEST = 64
MOST_ELEMENTS = 20_000
MOST_ATTRIBUTES = 50
"""feedparser takes a time that grows with the square of these."""
LONGEST_DATE = 100
ITEMS = {"item", "entry"}
ROOTS = {"rss", "feed", "rdf"}
DATES = {"pubdate", "published", "updated", "date", "lastbuilddate", "created", "issued", "modified", "expirationdate"}

DECLARATION = re.compile(r"^\s*<\?xml[^<>]*\?>")
ENCODING = re.compile(rb"^\s*<\?xml[^<>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
CODECS = {
    *("utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "latin-1", "iso-8859-15", "windows-1252"),
    *("gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"),
}
"""Python knows encodings that take quadratic time, and others that are no encodings; these are neither."""


class Entry(Struct, frozen=True):
    """One item. `body` is HTML as it came. Empty: not told."""

    id: str
    title: str
    link: str
    body: str
    categories: tuple[str, ...]
    began_at: datetime | None
    updated_at: datetime | None


def read_entries(data: bytes) -> list[Entry]:
    """Return the entries in the order in which they stand. Raises Unfit."""
    import feedparser  # 30 ms that only a process with a feed pays

    # A stream, since of bytes feedparser would first try whether they are the name of a file.
    read = feedparser.parse(
        io.BytesIO(_survey(decode(data))),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if read.get("bozo"):
        raise Unfit("is XML, but no feed that can be read")
    return [_entry(one) for one in read.entries[:MOST_REPORTS]]


def decode(data: bytes) -> str:
    """Return text by its byte order mark, else by the encoding it declares, else as UTF-8."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    declared = ENCODING.match(data)
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding not in CODECS or encoding == "utf-16" or data.startswith(BOM_UTF8):
        encoding = "utf-8"
    return data.removeprefix(BOM_UTF8).decode(encoding, "replace")


class _Surveyor:
    """Walks through the document once: refuses what no feed needs, and stops after the last item that is read."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words
        self.open: list[str] = []
        self.items = 0
        self.elements = 0
        self.cut: int | None = None
        self._date = 0

    def _refuse(self, *_: object) -> None:
        raise Unfit("declares a document type, which no feed needs and an attack does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS or len(attributes) > MOST_ATTRIBUTES:
            raise Unfit("has more elements or attributes than any feed needs")
        if not self.open and _local(name) not in ROOTS:
            raise Unfit(f"is XML, but no feed: it begins with <{name[:40]}>")
        self.open.append(name)
        self._date = 0
        if len(self.open) > DEEPEST:
            raise Unfit(f"is nested deeper than {DEEPEST} elements")

    def _words(self, words: str) -> None:
        if self.open and _local(self.open[-1]) in DATES:
            self._date += len(words)
            if self._date > LONGEST_DATE:
                raise Unfit("has a date of more than a hundred characters")

    def _end(self, name: str) -> None:
        if self.cut is None and _local(name) in ITEMS:
            self.items += 1
            if self.items == MOST_REPORTS:
                self.cut = self.parser.CurrentByteIndex
                raise StopIteration
        self.open.pop()


def _survey(text: str) -> bytes:
    """Return the document as UTF-8, without its declaration, cut after MOST_REPORTS items. Raises Unfit."""
    data = DECLARATION.sub("", text.lstrip("\ufeff"), count=1).strip().encode("utf-8", "replace")
    surveyor = _Surveyor()
    try:
        surveyor.parser.Parse(data, True)
    except StopIteration:
        data = data[: surveyor.cut] + "".join(f"</{name}>" for name in reversed(surveyor.open)).encode()
    except expat.ExpatError as error:
        raise Unfit(f"is not well-formed XML (line {error.lineno})") from None
    if len(data) > MOST_BYTES:
        raise Unfit(f"is a feed of more than {MOST_BYTES // 1024 // 1024} MiB in its first items")
    return data


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _entry(read: Any) -> Entry:
    bodies = [read.get("summary"), *(content.get("value") for content in read.get("content", ()))]
    began = moment(read.get("published"))
    updated = moment(read["updated"]) if "updated" in read else None  # `get` would warn, and give the other
    return Entry(
        id=str(read.get("id") or ""),
        title=str(read.get("title") or ""),
        link=str(read.get("link") or ""),
        body=_fullest([str(body)[:MOST_HTML] for body in bodies if body]),
        categories=tuple(str(tag.get("term") or "") for tag in read.get("tags", ())[:20]),
        began_at=began,
        updated_at=updated or began,
    )


def _fullest(bodies: list[str]) -> str:
    """Return the body that names components: incident.io's Atom has them in the summary only, its RSS in the
    description only."""
    return max(bodies, key=lambda body: ("affected" in body.lower(), len(body)), default="")
