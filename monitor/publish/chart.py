"""Durations of thirty days as a small chart: the median as a line over an area up to p95; pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import floor, log10

from msgspec import Struct

from monitor.publish.snapshot import DayDurations

STEP = 4
HEIGHT = 28
NICE = (1.2, 1.5, 3, 6, 9, 10, 12)
"""Upper ends of a scale whose thirds are short to write, times a power of ten."""
FEWEST = 2
"""Fewest days for a line."""


class Chart(Struct, frozen=True):
    """`ground` and `line`: SVG paths in a drawing of `width` × HEIGHT; `scale_s`: the duration at its upper edge.

    `top_s`: the longest; `first` and `last`: the days at its ends.
    """

    width: int
    ground: str
    line: str
    top_s: float
    scale_s: float
    first: datetime
    last: datetime


def draw_chart(paces: Sequence[DayDurations]) -> Chart | None:
    """Draw the days that have durations, each at its place in time; None if they are too few."""
    known = [(pace.at, pace.p50_s, pace.p95_s) for pace in paces if pace.p50_s is not None and pace.p95_s is not None]
    if len(known) < FEWEST:
        return None
    top_s = max(p95_s for _, _, p95_s in known)
    scale_s = scale(top_s)
    places = [STEP * (at - known[0][0]).days for at, _, _ in known]
    medians = _line(places, [_height(p50_s, scale_s) for _, p50_s, _ in known])
    slow = _line(places, [_height(p95_s, scale_s) for _, _, p95_s in known])
    return Chart(places[-1], f"M{slow}V{HEIGHT}H0z", f"M{medians}", top_s, scale_s, known[0][0], known[-1][0])


def scale(top: float) -> float:
    """Return the next value of NICE at or above `top`; 1 if that is zero."""
    if not top > 0:
        return 1.0
    power = 10.0 ** floor(log10(top))
    return next(one * power for one in (1.0, *NICE) if one * power >= top * (1 - 1e-9))


def _line(places: Sequence[int], heights: Sequence[int]) -> str:
    """Return a line through the points, in relative steps: they are shorter than coordinates, and a page has many."""
    points = list(zip(places, heights, strict=True))
    steps = (f"{x - before_x}{y - before_y: d}" for (before_x, before_y), (x, y) in pairwise(points))
    return f"{places[0]} {heights[0]}l{' '.join(steps)}"


def _height(value_s: float, top_s: float) -> int:
    """Return a duration's distance from the upper edge; the stroke stays a pixel away from both edges."""
    return round(HEIGHT - 1 - (HEIGHT - 2) * value_s / top_s) if top_s else HEIGHT - 1
