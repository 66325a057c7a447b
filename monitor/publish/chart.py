"""Figures over time as a small drawing: a line, the usual band under it, and stretches marked behind; pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from math import floor, log10

from msgspec import Struct

from monitor.publish.snapshot import PACE_STEP, PACE_STEPS, DayDurations, Paces
from monitor.slo.indicator import Reading

STEP = 4
HEIGHT = 28
"""Of a chart of days."""
WIDTH = 288
TALL = 120
"""Size of a chart of readings: a pixel of what is shown is about one of the drawing."""
PACE_PLACES = tuple(round((step + 0.5) * WIDTH / PACE_STEPS) for step in range(PACE_STEPS))
NICE = (1.2, 1.5, 3, 6, 9, 12)
"""Upper ends of a scale whose thirds are short to write, times a power of ten."""
NARROWEST = 2
"""Least width of a stretch that is marked."""
FEWEST = 2
"""Fewest days for a line."""

Points = list[tuple[int, int]]


class Period(Struct, frozen=True):
    """The time that a chart shows, or a part of it."""

    first: datetime
    last: datetime

    def place(self, at: datetime) -> int:
        """Return the place of an instant in the width of a chart; of one outside, the edge."""
        share = (at - self.first) / (self.last - self.first)
        return round(WIDTH * min(max(share, 0.0), 1.0))

    def parts(self, number: int) -> Iterator[datetime]:
        """Yield the ends of so many equal parts, the first of them the beginning."""
        return (self.first + (self.last - self.first) * part / number for part in range(number + 1))


class Chart(Struct, frozen=True):
    """A drawing of `width` × `height`, in SVG paths, "" for what it has not.

    `ground`: the usual band, or the area below p95; `line`: the figure itself; `marked`: stretches of time that stand
    out; `ahead`: what will be at this pace; `least`: a floor that is set; `grid`: where axes have words. `top`: the
    highest figure, `scale`: that at the upper edge.
    """

    period: Period
    width: int
    height: int
    top: float
    scale: float
    line: str
    ground: str = ""
    marked: str = ""
    ahead: str = ""
    least: str = ""
    grid: str = ""

    @property
    def paths(self) -> str:
        """Return all of it but the grid as SVG; only numbers and our own words, so it needs no escaping."""
        drawn = (("event", self.marked), ("band", self.ground), ("least", self.least), ("line", self.line),
                 ("ahead", self.ahead))  # fmt: skip
        return "".join(f'<path class="{kind}" d="{path}"/>' for kind, path in drawn if path)


def draw_chart(paces: Sequence[DayDurations]) -> Chart | None:
    """Draw the days that have durations, each at its place in time; None if they are too few."""
    known = [(pace.at, pace.p50_s, pace.p95_s) for pace in paces if pace.p50_s is not None and pace.p95_s is not None]
    if len(known) < FEWEST:
        return None
    top_s = max(p95_s for _, _, p95_s in known)
    upper_s = scale(top_s)
    places = [STEP * (at - known[0][0]).days for at, _, _ in known]
    medians = _line(places, [_height(p50_s, upper_s, HEIGHT) for _, p50_s, _ in known])
    slow = _line(places, [_height(p95_s, upper_s, HEIGHT) for _, _, p95_s in known])
    return Chart(
        period=Period(known[0][0], known[-1][0]),
        width=places[-1],
        height=HEIGHT,
        top=top_s,
        scale=upper_s,
        line=f"M{medians}",
        ground=f"M{slow}V{HEIGHT}H0z",
    )


def last_day(now: datetime) -> Period:
    """Return the 24 hours of a chart of durations: they end with the present PACE_STEP."""
    begun = now - (now - datetime.min.replace(tzinfo=UTC)) % PACE_STEP
    return Period(begun + PACE_STEP - PACE_STEPS * PACE_STEP, begun + PACE_STEP)


class Usual(Struct, frozen=True):
    """Between which durations, in seconds, an answer usually is. Known `since` then; None: before the chart begins."""

    low_s: float
    high_s: float
    since: datetime | None = None


def draw_paces(paces: Paces, period: Period, upper_s: float, gap: int, usual: Usual | None) -> Chart:
    """Draw durations as a line that ends before `gap` steps without one; `upper_s`: that at the upper edge.

    The band of what is `usual` begins when that began to be known.
    """
    drawn, last, per_s = [], -gap, (TALL - 2) / upper_s
    for at, pace_s in enumerate(paces):  # in one pass, as a site has thousands of them
        if pace_s is not None:
            place = f"{PACE_PLACES[at]} {int(TALL - 0.5 - pace_s * per_s)}"
            drawn.append(f"L{place}" if at - last < gap else f"M{place}h0")
            last = at
    return Chart(
        period=period,
        width=WIDTH,
        height=TALL,
        top=max((one for one in paces if one is not None), default=0.0),
        scale=upper_s,
        line="".join(drawn),
        ground=_band(usual, period, upper_s) if usual else "",
    )


def draw_readings(readings: Sequence[Reading], period: Period, upper: float, *, pause: timedelta) -> Chart:
    """Draw readings as a line that ends where none came for `pause`; `upper`: the figure at the upper edge."""
    return _chart(list(_runs(readings, pause)), period, upper)


def draw_steps(readings: Sequence[Reading], period: Period, upper: float, *, pause: timedelta) -> Chart:
    """Draw readings each of which holds until the next, or for `pause` at most; the last but one until the last."""
    runs: list[list[Reading]] = []
    for one, following in pairwise(readings):
        until = following.at if following is readings[-1] else min(following.at, one.at + pause)
        if not runs or runs[-1][-1].at < one.at:
            runs.append([one])
        elif runs[-1][-1].value == one.value:
            runs[-1].pop()
        else:
            runs[-1].append(one)
        runs[-1].append(Reading(until, one.value))
    return _chart(runs, period, upper)


def _chart(runs: Sequence[Sequence[Reading]], period: Period, upper: float) -> Chart:
    lines = ([(period.place(one.at), _height(one.value, upper, TALL)) for one in run] for run in runs)
    return Chart(
        period=period,
        width=WIDTH,
        height=TALL,
        top=max((one.value for run in runs for one in run), default=0.0),
        scale=upper,
        line="".join(map(_path, lines)),
    )


def stretches(marked: Sequence[Period], period: Period) -> str:
    """Return stretches of time over the whole height, wide enough to be seen."""
    return "".join(_stretch(one, period) for one in marked)


def level(figure: float, upper: float) -> str:
    """Return a line across the chart at a figure."""
    return f"M0 {_height(figure, upper, TALL)}h{WIDTH}"


def slope(start: Reading, end: Reading, period: Period, upper: float) -> str:
    """Return a straight line from one reading to another, as far as the chart reaches."""
    last = min(end.at, period.last)
    passed = (last - start.at) / (end.at - start.at) if end.at > start.at else 1.0
    until = Reading(last, start.value + (end.value - start.value) * passed)
    return _path([(period.place(one.at), _height(one.value, upper, TALL)) for one in (start, until)])


def lines_at(times: Sequence[datetime], period: Period) -> str:
    """Return the grid: a line at each third of the height, and at each of these times."""
    across = "".join(f"M0 {round(TALL * third / 3)}h{WIDTH}" for third in (0, 1, 2))
    return across + "".join(f"M{period.place(at)} 0v{TALL}" for at in times)


def scale(top: float) -> float:
    """Return the next value of NICE at or above `top`; the first of them if that is zero."""
    if not top > 0:
        return NICE[0]
    power = 10.0 ** floor(log10(top))
    return next(one * power for one in NICE if one * power >= top * (1 - 1e-9))


def _runs(readings: Sequence[Reading], pause: timedelta) -> Iterator[list[Reading]]:
    """Yield the readings in a row without a longer pause."""
    run: list[Reading] = []
    for one in readings:
        if run and one.at - run[-1].at >= pause:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _path(points: Points) -> str:
    """Return a line through the points; one alone is a dot, which round ends make visible."""
    if len(points) == 1:
        return f"M{points[0][0]} {points[0][1]}h0"
    drawn = list(_thin(points))
    return f"M{_line([x for x, _ in drawn], [y for _, y in drawn])}"


def _thin(points: Points) -> Iterator[tuple[int, int]]:
    """Yield of the points at one place the outer two: so a line has no more of them than can be told apart."""
    for _, its in groupby(points, key=lambda point: point[0]):
        first, *others = its
        yield from (first, *others[-1:])


def _band(usual: Usual, period: Period, upper_s: float) -> str:
    top, bottom = (_height(min(one, upper_s), upper_s, TALL) for one in (usual.high_s, usual.low_s))
    start = period.place(usual.since) if usual.since else 0
    return f"M{start} {top}H{WIDTH}V{bottom}H{start}z"


def _stretch(one: Period, period: Period) -> str:
    start = min(period.place(one.first), WIDTH - NARROWEST)
    return f"M{start} 0h{max(period.place(one.last) - start, NARROWEST)}v{TALL}H{start}z"


def _line(places: Sequence[int], heights: Sequence[int]) -> str:
    """Return a line through the points, in relative steps: they are shorter than coordinates, and a page has many."""
    points = list(zip(places, heights, strict=True))
    steps = (f"{x - before_x}{y - before_y: d}" for (before_x, before_y), (x, y) in pairwise(points))
    return f"{places[0]} {heights[0]}l{' '.join(steps)}"


def _height(value: float, upper: float, height: int) -> int:
    """Return a figure's distance from the upper edge; the stroke stays a pixel away from both edges."""
    share = min(max(value / upper, 0.0), 1.0) if upper else 0.0
    return round(height - 1 - (height - 2) * share)
