"""The hours or days of a target as a drawing and in words; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain, groupby

from msgspec import Struct

from monitor.sentence.translation import ENGLISH, PageLanguage
from monitor.slo.indicator import Cell, add_cells

HEIGHT = 16
"""Of the drawing; a cell is 1 wide, and the style sheet's dashes (.7 and .3) leave the gap between two."""
HOUR = timedelta(hours=1)


class CellState(StrEnum):
    """The state of one hour or day. NOTHING: no observation; UNKNOWN: observations that cannot tell."""

    GOOD = "good"
    MIXED = "mixed"
    DOWN = "down"
    UNKNOWN = "unknown"
    NOTHING = "nothing"


GOOD, MIXED, DOWN, UNKNOWN, NOTHING = CellState
"""Aliases: looking a member up in its class takes half as long as judging."""

LINES = {GOOD: (11,), MIXED: (3, 13), DOWN: (8,), UNKNOWN: (4, 12), NOTHING: (15,)}
"""Heights at which an hour is drawn: each kind has its own shape, readable without colour."""

WORDS = {DOWN: "down", MIXED: "partly failing", UNKNOWN: "not known", NOTHING: "no data"}


class Scale(Struct, frozen=True):
    """The wording of a bar of hours or days. `tolerance`: the bad share up to which a cell still counts as good."""

    lead: str
    scattered: str
    latest: tuple[str, str]
    between: Callable[[str, datetime, datetime, PageLanguage], str]
    tolerance: float = 0


class BarStretch(Struct, frozen=True):
    """Consecutive cells of one kind: where they begin, how many, and the times of the first and the last."""

    kind: CellState
    start: int
    length: int
    first: datetime
    last: datetime


class BarStroke(Struct, frozen=True):
    kind: CellState
    path: str


class HistoryBar(Struct, frozen=True, cache_hash=True):
    """`lead`: the counts, for readers who cannot see the bar; `remark`: a line below it, "" if there is none."""

    width: int
    strokes: tuple[BarStroke, ...]
    lead: str
    remark: str

    @property
    def words(self) -> str:
        """Return lead and remark together."""
        return f"{self.lead}; {self.remark}" if self.remark else self.lead

    @property
    def paths(self) -> str:
        """Return the strokes as SVG; only numbers and our own words, so it needs no escaping."""
        return "".join(f'<path class="{stroke.kind}" d="{stroke.path}"/>' for stroke in self.strokes)


EMPTY = HistoryBar(0, (), "", "")


def draw_hours(cells: Sequence[Cell], speech: PageLanguage = ENGLISH) -> HistoryBar:
    """Draw hours."""
    return _strip(cells, HOURS, speech)


def draw_days(cells: Sequence[Cell], speech: PageLanguage = ENGLISH) -> HistoryBar:
    """Draw days."""
    return _strip(cells, DAYS, speech)


def draw_outages(cells: Sequence[Cell], speech: PageLanguage = ENGLISH) -> HistoryBar:
    """Draw days in minutes of outage: one minute shows, as each is in an incident beside the bar."""
    return _strip(cells, OUTAGES, speech)


def _strip(cells: Sequence[Cell], scale: Scale, speech: PageLanguage) -> HistoryBar:
    return _draw(tuple(_runs(cells, scale.tolerance)), scale, speech)


@lru_cache(256)
def _draw(runs: tuple[BarStretch, ...], scale: Scale, speech: PageLanguage) -> HistoryBar:
    """Draw the runs and put them in words. Cached, as the bars of all that is well are the same."""
    size = sum(run.length for run in runs)
    kinds = {kind: [run for run in runs if run.kind is kind] for kind in LINES}
    good = sum(run.length for run in kinds[GOOD])
    return HistoryBar(
        width=size,
        strokes=tuple(_stroke(kind, its) for kind, its in kinds.items() if its),
        lead=speech.say(scale.lead, n=size, good=good) if runs else speech.say("No data"),
        remark=speech.clauses(
            _remark(said, kinds[kind], size, scale, speech) for kind, said in WORDS.items() if kinds[kind]
        ),
    )


def add_hours(strips: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Add up the hours of several targets."""
    if len(strips) == 1:
        return list(strips[0])
    hours: dict[datetime, list[Cell]] = defaultdict(list)
    for cell in chain.from_iterable(strips):
        hours[cell.at].append(cell)
    return [add_cells(at, its) for at, its in sorted(hours.items())]


def state_of_cell(cell: Cell, tolerance: float = 0) -> CellState:
    """Judge an hour or a day: DOWN if no valid result was good, MIXED if more than `tolerance` was not."""
    ok, bad = cell.ok, cell.failed + cell.degraded
    if not bad:  # the common case: nearly all of a hundred thousand
        return GOOD if ok else UNKNOWN if cell.unknown else NOTHING
    if not ok and not cell.degraded:
        return DOWN
    return MIXED if bad > tolerance * (ok + bad) else GOOD


def _runs(cells: Sequence[Cell], tolerance: float) -> Iterator[BarStretch]:
    """Yield the stretches of equal cells, one stroke each."""
    start = 0
    for kind, its in groupby([state_of_cell(cell, tolerance) for cell in cells]):
        length = len(list(its))
        yield BarStretch(kind, start, length, cells[start].at, cells[start + length - 1].at)
        start += length


def _stroke(kind: CellState, runs: Sequence[BarStretch]) -> BarStroke:
    path = "".join(f"M{run.start} {y}h{run.length}" for run in runs for y in LINES[kind])
    return BarStroke(kind, path)


def _remark(word: str, runs: Sequence[BarStretch], size: int, scale: Scale, speech: PageLanguage) -> str:
    """Say when the cells of a kind were, or how many if they are scattered: `down 03:00 to 05:00 UTC`."""
    said, run = speech.say(word), runs[0]
    if len(runs) > 1:
        return speech.say(scale.scattered, kind=said, n=sum(run.length for run in runs))
    if run.start + run.length == size:
        return speech.many(run.length, *scale.latest, kind=said)
    return scale.between(said, run.first.astimezone(UTC), run.last.astimezone(UTC), speech)


def _hours_between(said: str, first: datetime, last: datetime, speech: PageLanguage) -> str:
    span = {"first": f"{first:%H:%M}", "last": f"{last + HOUR:%H:%M}"}
    return speech.say("{kind} {first} to {last} UTC", kind=said, **span)


def _days_between(said: str, first: datetime, last: datetime, speech: PageLanguage) -> str:
    if first == last:
        return speech.say("{kind} on {day}", kind=said, day=speech.day(first))
    return speech.say("{kind} from {first} to {last}", kind=said, first=speech.day(first), last=speech.day(last))


HOURS = Scale(
    lead="Last {n} hours: {good} good",
    scattered="{kind} in {n} hours",
    latest=("{kind} in the last hour", "{kind} in the last {n} hours"),
    between=_hours_between,
)
DAYS = Scale(
    lead="Last {n} days: {good} good",
    scattered="{kind} on {n} days",
    latest=("{kind} today", "{kind} on the last {n} days"),
    between=_days_between,
    tolerance=0.01,
)
OUTAGES = Scale(DAYS.lead, DAYS.scattered, DAYS.latest, DAYS.between)
