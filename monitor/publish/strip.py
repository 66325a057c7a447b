"""Hours or days of a target as a drawing and as words; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
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


Run = tuple[int, int]
"""The first of the cells of one kind that follow each other, and how many they are."""

GOOD, MIXED, DOWN, UNKNOWN, NOTHING = Hour
"""Names of their own, as a member looked up in its class takes half of the time that judging does."""

LINES = {GOOD: (14,), MIXED: (8, 20), DOWN: (14,), UNKNOWN: (6, 22), NOTHING: (14,)}
"""At which heights an hour is drawn: each kind has its own shape, so that no colour is needed to read it."""

WORDS = {DOWN: "down", MIXED: "partly failing", UNKNOWN: "not known", NOTHING: "no data"}


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
    runs = _runs([judge(cell, scale.tolerance) for cell in cells])
    remark = "; ".join(_remark(kind, runs[kind], cells, scale, speech) for kind in WORDS if kind in runs)
    good = sum(length for _, length in runs.get(GOOD, ()))
    lead = speech.say(scale.lead, n=len(cells), good=good) if cells else speech.say("No data")
    return Strip(STEP * len(cells), tuple(_stroke(kind, runs[kind]) for kind in LINES if kind in runs), lead, remark)


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
    ok, bad = cell.ok, cell.failed + cell.degraded
    if not bad:  # nearly all of a hundred thousand
        return GOOD if ok else UNKNOWN if cell.unknown else NOTHING
    if not ok and not cell.degraded:
        return DOWN
    return MIXED if bad > tolerance * (ok + bad) else GOOD


def _runs(hours: Iterable[Hour]) -> dict[Hour, list[Run]]:
    """Return the unbroken runs of each kind that occurs: a run is one stroke, however long."""
    runs: dict[Hour, list[Run]] = {}
    start = 0
    for kind, its in groupby(hours):
        length = len(list(its))
        runs.setdefault(kind, []).append((start, length))
        start += length
    return runs


def _stroke(kind: Hour, runs: Sequence[Run]) -> Stroke:
    return Stroke(kind, "".join(f"M{STEP * start} {y}h{STEP * length}" for start, length in runs for y in LINES[kind]))


def _remark(kind: Hour, runs: Sequence[Run], cells: Sequence[Cell], scale: Scale, speech: Speech) -> str:
    """Say when the cells of a kind were, or how many where they are scattered: `down 03:00 to 05:00 UTC`."""
    said = speech.say(WORDS[kind])
    start, length = runs[0]
    if len(runs) > 1:
        return speech.say(scale.scattered, kind=said, n=sum(length for _, length in runs))
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
