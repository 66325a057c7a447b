"""The picture of the public page for link previews: its mark and its days, as PNG; pure.

It has no words, so it needs no font and fits every language: a preview shows the page's title beside it. Readers of
`og:image` take no SVG. Source: https://ogp.me, read 2026-11-21; PNG: W3C, third edition, 5 and 11.
"""

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from math import cos, pi, sin
from struct import pack

from monitor.publish.history_bar import CellState
from monitor.publish.status import Mark

WIDTH, HEIGHT = 1200, 630
"""What readers ask for."""
GROUND, SHEET = (0xFB, 0xFA, 0xF8), (0xFF, 0xFF, 0xFF)
COLOURS = {
    Mark.UP: (0x1C, 0x6E, 0x45),
    Mark.AT_RISK: (0x1C, 0x6E, 0x45),
    Mark.PARTLY: (0x8D, 0x52, 0x00),
    Mark.DOWN: (0xB3, 0x21, 0x1C),
    Mark.SUSPECTED: (0x62, 0x5D, 0x54),
    Mark.UNKNOWN: (0x62, 0x5D, 0x54),
}
DAYS = {
    CellState.GOOD: (0x73, 0x91, 0x7F),
    CellState.MIXED: (0x8D, 0x52, 0x00),
    CellState.DOWN: (0xB3, 0x21, 0x1C),
    CellState.UNKNOWN: (0xC9, 0xC4, 0xBA),
    CellState.NOTHING: (0xE5, 0xE1, 0xD9),
}
LEFT, TOP = 96, 96
SIZE = 200
"""Pixels of the mark."""
STRIP = 40
"""Height of a row of days."""
ROWS = 4
"""Most rows of days that are drawn."""
SUBROWS = 4
"""Lines per row of pixels in which an edge is sampled."""

Colour = tuple[int, int, int]
Point = tuple[float, float]
Shape = tuple[Point, ...]
"""A polygon in a square of 24 units, as the page's symbols are."""
Strip = tuple[CellState, ...]


def _ring(radius: float) -> Shape:
    return tuple((12 + radius * cos(2 * pi * at / 64), 12 + radius * sin(2 * pi * at / 64)) for at in range(64))


TICK: Shape = ((6.4, 13.6), (7.6, 11.4), (10.5, 14.2), (16.4, 7.8), (17.8, 9.4), (10.6, 17.2))
CROSS: tuple[Shape, ...] = (
    ((7.5, 8.9), (8.9, 7.5), (16.5, 15.1), (15.1, 16.5)),
    ((15.1, 7.5), (16.5, 8.9), (8.9, 16.5), (7.5, 15.1)),
)
OCTAGON: Shape = ((7.9, 2), (16.1, 2), (22, 7.9), (22, 16.1), (16.1, 22), (7.9, 22), (2, 16.1), (2, 7.9))
DIAMOND: Shape = ((12, 1.5), (22.5, 12), (12, 22.5), (1.5, 12))
HOLLOW: Shape = ((12, 4.6), (19.4, 12), (4.6, 12))
"""The upper half of the diamond, which stays empty."""
DOT: Shape = tuple((12 + (x - 12) / 5, 12 + (y - 12) / 5) for x, y in _ring(10))

SHAPES: dict[Mark, tuple[tuple[Shape, ...], tuple[Shape, ...]]] = {
    Mark.UP: ((_ring(10),), (TICK,)),
    Mark.AT_RISK: ((_ring(10),), (TICK,)),
    Mark.DOWN: ((OCTAGON,), CROSS),
    Mark.PARTLY: ((DIAMOND,), (HOLLOW,)),
    Mark.SUSPECTED: ((_ring(10),), (_ring(8),)),
    Mark.UNKNOWN: ((_ring(10),), (_ring(8),)),
}
"""What is filled of each mark, and what is then cut out of it."""
CENTRED = (Mark.SUSPECTED, Mark.UNKNOWN)
"""Marks with a dot in their middle."""


@lru_cache(8)
def draw_picture(mark: Mark, strips: tuple[Strip, ...], brand: Colour) -> bytes:
    """Return the picture: a bar in the brand's colour, the mark, and the days of the first lines. Cached: it seldom
    changes.
    """
    rows = [bytearray(bytes(GROUND) * WIDTH) for _ in range(HEIGHT)]
    _fill(rows, 0, 0, WIDTH, 16, brand)
    _draw_mark(rows, mark)
    shown = strips[:ROWS]
    top = HEIGHT - 64 - len(shown) * (STRIP + 16) + 16
    for number, strip in enumerate(shown):
        _draw_strip(rows, top + number * (STRIP + 16), strip)
    return _png(rows)


def read_colour(text: str) -> Colour:
    """Return a colour of the form #0b6b5d."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def _draw_mark(rows: list[bytearray], mark: Mark) -> None:
    filled, cut = SHAPES[mark]
    for shape in filled:
        _polygon(rows, shape, COLOURS[mark])
    for shape in cut:
        _polygon(rows, shape, GROUND)
    if mark in CENTRED:
        _polygon(rows, DOT, COLOURS[mark])


def _draw_strip(rows: list[bytearray], top: int, strip: Strip) -> None:
    step = (WIDTH - 2 * LEFT) / max(len(strip), 1)
    for number, state in enumerate(strip):
        left = LEFT + round(number * step)
        tall = STRIP if state in (CellState.DOWN, CellState.MIXED) else STRIP * 5 // 8
        low = STRIP // 8 if state is CellState.NOTHING else tall
        _fill(rows, left, top + STRIP - low, LEFT + round((number + 0.72) * step), top + STRIP, DAYS[state])
        if state is CellState.MIXED:
            _fill(rows, left, top + STRIP // 2 - 3, LEFT + round((number + 0.72) * step), top + STRIP // 2 + 3, GROUND)


def _fill(rows: list[bytearray], left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
    for row in rows[top:bottom]:
        row[3 * left : 3 * right] = bytes(colour) * (right - left)


def _polygon(rows: list[bytearray], shape: Shape, colour: Colour) -> None:
    """Fill a polygon: each row is sampled along some lines, and edges are blended by how much of a pixel they cover."""
    scale = SIZE / 24
    points = [(LEFT + x * scale, TOP + y * scale) for x, y in shape]
    low, high = int(min(y for _, y in points)), int(max(y for _, y in points)) + 1
    for y in range(low, high):
        spans = [span for sub in range(SUBROWS) for span in _spans(points, y + (sub + 0.5) / SUBROWS)]
        inner = (
            range(int(max(left for left, _ in spans)) + 1, int(min(right for _, right in spans))) if spans else range(0)
        )
        if len(spans) == SUBROWS and inner:  # whole pixels, which are most
            _fill(rows, inner.start, y, inner.stop, y + 1, colour)
        else:
            inner = range(0)
        for x, part in _coverage(spans, inner).items():
            _blend(rows[y], x, colour, min(part, 1.0))


def _coverage(spans: Sequence[tuple[float, float]], inner: range) -> dict[int, float]:
    """Return how much of each pixel of a row is covered, but for the inner ones."""
    covered: dict[int, float] = {}
    for left, right in spans:
        ends = (range(int(left), inner.start), range(inner.stop, int(right) + 1))
        for x in chain.from_iterable(ends) if inner else range(int(left), int(right) + 1):
            part = max(min(right, x + 1) - max(left, x), 0.0) / SUBROWS
            covered[x] = covered.get(x, 0.0) + part
    return covered


def _spans(points: Sequence[Point], y: float) -> Iterator[tuple[float, float]]:
    """Yield the stretches of a horizontal line within a polygon."""
    crossings = sorted(
        x0 + (y - y0) * (x1 - x0) / (y1 - y0)
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True)
        if (y0 <= y) != (y1 <= y)
    )
    yield from zip(crossings[::2], crossings[1::2], strict=True)


def _blend(row: bytearray, x: int, colour: Colour, part: float) -> None:
    for channel, value in enumerate(colour):
        at = 3 * x + channel
        row[at] = round(row[at] + (value - row[at]) * part)


def _png(rows: Sequence[bytearray]) -> bytes:
    header = pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)  # 8 bits, true colour
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 6)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))
