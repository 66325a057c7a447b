"""Durations of thirty days as a small drawing: the median as a line, the band up to p95 above it; pure."""

from collections.abc import Sequence

from msgspec import Struct

from monitor.publish.snapshot import Pace

STEP = 4
HEIGHT = 28
FEWEST = 2
"""A line needs so many days."""


class Chart(Struct, frozen=True):
    """`band` and `line` are paths in a drawing of `width` × HEIGHT; `top_s` is the duration at its upper edge."""

    width: int
    band: str
    line: str
    top_s: float


def chart(paces: Sequence[Pace]) -> Chart | None:
    """Draw the days that have durations, each at its place in time; None when they are too few."""
    known = [(pace.at, pace.p50_s, pace.p95_s) for pace in paces if pace.p50_s is not None and pace.p95_s is not None]
    if len(known) < FEWEST:
        return None
    top_s = max(p95_s for _, _, p95_s in known)
    places = [STEP * (at - known[0][0]).days for at, _, _ in known]
    medians = [f"{x} {_height(p50_s, top_s)}" for x, (_, p50_s, _) in zip(places, known, strict=True)]
    slow = [f"{x} {_height(p95_s, top_s)}" for x, (_, _, p95_s) in zip(places, known, strict=True)]
    return Chart(places[-1], f"M{'L'.join([*slow, *reversed(medians)])}z", f"M{'L'.join(medians)}", top_s)


def _height(value_s: float, top_s: float) -> int:
    """Return how far from the upper edge a duration is drawn; the stroke keeps a pixel off both edges."""
    return round(HEIGHT - 1 - (HEIGHT - 2) * value_s / top_s) if top_s else HEIGHT - 1
