"""The picture for link previews: a PNG of what the page shows, without words."""

import zlib
from struct import unpack

import pytest

from monitor.publish.history_bar import CellState
from monitor.publish.picture import COLOURS, DAYS, GROUND, HEIGHT, LEFT, SIZE, TOP, WIDTH, draw_picture, read_colour
from monitor.publish.status import Mark

BRAND = read_colour("#0b6b5d")
WEEK = (CellState.NOTHING, CellState.GOOD, CellState.MIXED, CellState.DOWN, CellState.UNKNOWN)


def rows(picture):
    """Decode a PNG as any reader does: its chunks are whole, and each row has no filter."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(picture):
        (length,) = unpack(">I", picture[at : at + 4])
        kind, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        assert unpack(">I", picture[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + content),)
        chunks[kind] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert unpack(">IIBBBBB", chunks[b"IHDR"]) == (WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    data, step = zlib.decompress(chunks[b"IDAT"]), 3 * WIDTH + 1
    assert {data[row * step] for row in range(HEIGHT)} == {0}
    return [data[row * step + 1 : (row + 1) * step] for row in range(HEIGHT)]


def colour(row, x):
    return tuple(row[3 * x : 3 * x + 3])


def test_the_brand_is_at_the_top_and_the_rest_is_ground():
    drawn = rows(draw_picture(Mark.UP, (), BRAND))
    assert colour(drawn[0], 0) == colour(drawn[15], WIDTH - 1) == BRAND
    assert colour(drawn[16], 0) == colour(drawn[-1], 0) == GROUND


@pytest.mark.parametrize("mark", Mark)
def test_each_mark_has_its_colour_and_smooth_edges(mark):
    drawn = rows(draw_picture(mark, (), BRAND))
    seen = {colour(row, x) for row in drawn[TOP : TOP + SIZE] for x in range(LEFT, LEFT + SIZE)}
    assert {COLOURS[mark], GROUND} < seen


def test_marks_differ_in_shape():
    shapes = set()
    for mark in Mark:
        drawn = rows(draw_picture(mark, (), BRAND))
        shapes.add(tuple(colour(row, x) == GROUND for row in drawn[TOP : TOP + SIZE] for x in range(LEFT, LEFT + SIZE)))
    assert len(shapes) == 4  # what works is one, and what is not known, too


@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_days_of_the_first_lines_are_drawn_within_the_picture(count):
    drawn = rows(draw_picture(Mark.DOWN, (WEEK,) * count, BRAND))
    seen = {colour(row, x) for row in drawn[TOP + SIZE :] for x in range(WIDTH)}
    assert seen == {GROUND, *DAYS.values()}
    assert {colour(drawn[-1], x) for x in range(WIDTH)} == {GROUND}
