"""Durations of thirty days as a small chart: the median as a line over an area up to p95; pure."""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from monitor.publish.snapshot import DayDurations

STEP = 4
HEIGHT = 28
FEWEST = 2
"""Fewest days for a line."""


class Chart(Struct, frozen=True):
    """`ground` and `line`: SVG paths in a drawing of `width` × HEIGHT; `top_s`: the duration at its upper edge."""

    width: int
    ground: str
    line: str
    top_s: float


def chart(paces: Sequence[DayDurations]) -> Chart | None:
    """Draw the days that have durations, each at its place in time; None if they are too few."""
    known = [(pace.at, pace.p50_s, pace.p95_s) for pace in paces if pace.p50_s is not None and pace.p95_s is not None]
    if len(known) < FEWEST:
        return None
    top_s = max(p95_s for _, _, p95_s in known)
    places = [STEP * (at - known[0][0]).days for at, _, _ in known]
    medians = _line(places, [_height(p50_s, top_s) for _, p50_s, _ in known])
    slow = _line(places, [_height(p95_s, top_s) for _, _, p95_s in known])
    return Chart(places[-1], f"M{slow}V{HEIGHT}H0z", f"M{medians}", top_s)


def _line(places: Sequence[int], heights: Sequence[int]) -> str:
    """Return a line through the points, in relative steps: they are shorter than coordinates, and a page has many."""
    points = list(zip(places, heights, strict=True))
    steps = (f"{x - before_x}{y - before_y: d}" for (before_x, before_y), (x, y) in pairwise(points))
    return f"{places[0]} {heights[0]}l{' '.join(steps)}"


def _height(value_s: float, top_s: float) -> int:
    """Return a duration's distance from the upper edge; the stroke stays a pixel away from both edges."""
    return round(HEIGHT - 1 - (HEIGHT - 2) * value_s / top_s) if top_s else HEIGHT - 1
