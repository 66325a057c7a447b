"""Hours or days of a target as a drawing and as words; pure."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, groupby

from msgspec import Struct

from monitor.publish.speech import ENGLISH, Speech
from monitor.sli import Cell, add

STEP = 10
"""Width of a cell in the drawing; the style sheet's dashes (8 and 2) leave the gap between two."""
HEIGHT = 28
HOUR = timedelta(hours=1)


class Hour(StrEnum):
    """How one hour, or one day, was. NOTHING: nobody looked; UNKNOWN: we looked and could not tell."""

    GOOD = "good"
    MIXED = "mixed"
    DOWN = "down"
    UNKNOWN = "unknown"
    NOTHING = "nothing"


LINES = {Hour.GOOD: (14,), Hour.MIXED: (8, 20), Hour.DOWN: (14,), Hour.UNKNOWN: (6, 22), Hour.NOTHING: (14,)}
"""At which heights an hour is drawn: each kind has its own shape, so that no colour is needed to read it."""

WORDS = {Hour.DOWN: "down", Hour.MIXED: "partly failing", Hour.UNKNOWN: "not known", Hour.NOTHING: "no data"}


class Scale(Struct, frozen=True):
    """How a strip of hours, or of days, is told. So much of a cell may be bad (`tolerance`) and it is still good."""

    lead: str
    scattered: str
    latest: tuple[str, str]
    between: Callable[[str, datetime, datetime, Speech], str]
    tolerance: float = 0


class Stroke(Struct, frozen=True):
    kind: Hour
    path: str


class Strip(Struct, frozen=True):
    """`lead` counts for who cannot see it; `remark` is what is worth a line below it, "" when there is nothing."""

    width: int
    strokes: tuple[Stroke, ...]
    lead: str
    remark: str

    @property
    def words(self) -> str:
        """Return the whole story."""
        return f"{self.lead}; {self.remark}" if self.remark else self.lead

    @property
    def paths(self) -> str:
        """Return the strokes as SVG; it is made of numbers and of our own words, so it needs no escaping."""
        return "".join(f'<path class="{stroke.kind}" d="{stroke.path}"/>' for stroke in self.strokes)


def strip(cells: Sequence[Cell], speech: Speech = ENGLISH) -> Strip:
    """Draw hours."""
    return _strip(cells, HOURS, speech)


def ninety(cells: Sequence[Cell], speech: Speech = ENGLISH) -> Strip:
    """Draw days."""
    return _strip(cells, DAYS, speech)


def _strip(cells: Sequence[Cell], scale: Scale, speech: Speech) -> Strip:
    kinds = [judge(cell, scale.tolerance) for cell in cells]
    runs = _runs(kinds)
    remark = "; ".join(filter(None, (_remark(kind, runs, cells, scale, speech) for kind in WORDS)))
    lead = speech.say(scale.lead, n=len(kinds), good=kinds.count(Hour.GOOD)) if kinds else speech.say("No data")
    return Strip(STEP * len(kinds), tuple(_strokes(runs)), lead, remark)


def together(strips: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Add up the hours of several targets."""
    if len(strips) == 1:
        return list(strips[0])
    hours: dict[datetime, list[Cell]] = defaultdict(list)
    for cell in chain.from_iterable(strips):
        hours[cell.at].append(cell)
    return [add(at, its) for at, its in sorted(hours.items())]


def judge(cell: Cell, tolerance: float = 0) -> Hour:
    """Judge an hour or a day: DOWN when nothing of what counts was good, MIXED when more than `tolerance` was not."""
    bad = cell.failed + cell.degraded
    if cell.ok and not bad:  # nearly all of a hundred thousand
        return Hour.GOOD
    valid = cell.ok + bad
    if cell.failed and not cell.ok + cell.degraded:
        return Hour.DOWN
    if bad > tolerance * valid:
        return Hour.MIXED
    if cell.ok:
        return Hour.GOOD
    return Hour.UNKNOWN if cell.unknown else Hour.NOTHING


def _runs(hours: Sequence[Hour]) -> list[tuple[Hour, int, int]]:
    """Return kind, first hour and length of each unbroken run: a run is one stroke, however long."""
    runs: list[tuple[Hour, int, int]] = []
    for kind, its in groupby(hours):
        start = runs[-1][1] + runs[-1][2] if runs else 0
        runs.append((kind, start, len(list(its))))
    return runs


def _strokes(runs: Sequence[tuple[Hour, int, int]]) -> list[Stroke]:
    strokes = []
    for kind in Hour:
        its = [(start, length) for k, start, length in runs if k is kind]
        if its:
            path = "".join(f"M{STEP * start} {y}h{STEP * length}" for start, length in its for y in LINES[kind])
            strokes.append(Stroke(kind, path))
    return strokes


def _remark(
    kind: Hour, runs: Sequence[tuple[Hour, int, int]], cells: Sequence[Cell], scale: Scale, speech: Speech
) -> str:
    """Say when the cells of a kind were, or how many where they are scattered: `down 03:00 to 05:00 UTC`."""
    its = [(start, length) for k, start, length in runs if k is kind]
    if not its:
        return ""
    said = speech.say(WORDS[kind])
    start, length = its[0]
    if len(its) > 1:
        return speech.say(scale.scattered, kind=said, n=sum(length for _, length in its))
    if start + length == len(cells):
        return speech.many(length, *scale.latest, kind=said)
    return scale.between(said, cells[start].at.astimezone(UTC), cells[start + length - 1].at.astimezone(UTC), speech)


def _hours_between(said: str, first: datetime, last: datetime, speech: Speech) -> str:
    span = {"first": f"{first:%H:%M}", "last": f"{last + HOUR:%H:%M}"}
    return speech.say("{kind} {first} to {last} UTC", kind=said, **span)


def _days_between(said: str, first: datetime, last: datetime, speech: Speech) -> str:
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
