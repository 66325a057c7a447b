"""Pure: a stream of bytes → its server-sent events.

Source: WHATWG HTML, "Server-sent events", 9.2.6.
"""

from collections.abc import Iterator

from msgspec import Struct

BOM = b"\xef\xbb\xbf"
MARKS = ("data:", "event:", "id:", "retry:", ":")
"""How the lines of a stream begin; no JSON and no page does."""


class Event(Struct, frozen=True):
    """One event: its name, mostly empty, and its data, which may have several lines."""

    name: bytes
    data: bytes


class Events:
    """Cuts a byte stream into events, as its chunks come."""

    def __init__(self) -> None:
        self._rest: bytes | None = None
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        text = chunk.removeprefix(BOM) if self._rest is None else self._rest + chunk
        *lines, self._rest = text.split(b"\n")
        for line in lines:
            line = line.rstrip(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                self._name = line[6:].strip()
            elif not line:
                if self._data:
                    yield Event(self._name, b"\n".join(self._data))
                self._name, self._data = b"", []

    def end(self) -> Iterator[Event]:
        """Yield what a server that forgot the last empty line has sent."""
        yield from self.feed(b"\n\n")


def is_stream(text: str) -> bool:
    """Whether a text looks like a stream of events, whatever its content type says."""
    return text.startswith(MARKS)


def events(text: str) -> Iterator[Event]:
    """Yield the events of a whole stream."""
    cutter = Events()
    yield from cutter.feed(text.encode("utf-8", "replace"))
    yield from cutter.end()
