"""Pure: a stream of bytes → its server-sent events.

Source: WHATWG HTML, "Server-sent events", 9.2.6.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

BOM = b"\xef\xbb\xbf"
MARKS = ("data:", "event:", "id:", "retry:", ":")
"""How a stream's lines begin; no JSON and no page does."""
LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A carriage return at the end of a chunk may be half of a line end."""


class ServerSentEvent(Struct, frozen=True):
    """One event: its name, usually empty, and its data, which may have several lines, or none if there is a name."""

    name: bytes
    data: bytes


class Events:
    """Splits a byte stream into events, chunk by chunk."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._begun = False
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        for line in self._lines(chunk):
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                self._name = line[6:].strip()
            elif line.startswith(b"{"):  # not a field, but some gateways end a failed stream this way
                self._data.append(line)
            elif not line:
                if self._data or self._name:
                    yield ServerSentEvent(self._name, b"\n".join(self._data))
                self._name, self._data = b"", []

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines completed so far. A line that arrives byte by byte is joined only once."""
        is_half = bool(self._pieces) and self._pieces[-1].endswith(b"\r")
        self._pieces.append(chunk)
        if not (is_half or b"\n" in chunk or b"\r" in chunk):
            return []
        text = b"".join(self._pieces)
        if not self._begun:
            text, self._begun = text.removeprefix(BOM), True
        *lines, rest = LINE_END.split(text) if b"\r" in text else text.split(b"\n")
        self._pieces = [rest] if rest else []
        return lines

    def end(self) -> Iterator[ServerSentEvent]:
        """Yield the event that a server left without its final empty line."""
        yield from self.feed(b"\n\n")


def is_stream(text: str) -> bool:
    """Whether a text looks like an event stream, whatever its content type."""
    return text.startswith(MARKS)


def split_events(text: str) -> Iterator[ServerSentEvent]:
    """Yield the events of a whole stream."""
    cutter = Events()
    yield from cutter.feed(text.encode("utf-8", "replace"))
    yield from cutter.end()
