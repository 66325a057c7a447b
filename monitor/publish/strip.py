"""Twenty-four hours of a target as a drawing and as words; pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, groupby

from monitor.sli import Cell

STEP = 10
"""Width of an hour in the drawing; the style sheet's dashes (8 and 2) leave the gap between two hours."""
HEIGHT = 28
HOUR = timedelta(hours=1)


class Hour(StrEnum):
    """How one hour was. NOTHING: nobody looked; UNKNOWN: we looked and could not tell."""

    GOOD = "good"
    MIXED = "mixed"
    DOWN = "down"
    UNKNOWN = "unknown"
    NOTHING = "nothing"


LINES = {Hour.GOOD: (14,), Hour.MIXED: (8, 20), Hour.DOWN: (14,), Hour.UNKNOWN: (6, 22), Hour.NOTHING: (14,)}
"""At which heights an hour is drawn: each kind has its own shape, so that no colour is needed to read it."""

WORDS = {Hour.DOWN: "down", Hour.MIXED: "partly failing", Hour.UNKNOWN: "not known", Hour.NOTHING: "no data"}


@dataclass(frozen=True, slots=True)
class Stroke:
    kind: Hour
    path: str


@dataclass(frozen=True, slots=True)
class Strip:
    """`words` is the whole story for who cannot see it; `remark` what is worth a line below it."""

    width: int
    strokes: tuple[Stroke, ...]
    words: str
    remark: str


def strip(cells: Sequence[Cell]) -> Strip:
    hours = [judge(cell) for cell in cells]
    runs = _runs(hours)
    remark = "; ".join(filter(None, (_remark(kind, runs, cells) for kind in WORDS)))
    good = hours.count(Hour.GOOD)
    words = f"Last {len(hours)} hours: {good} good" + (f"; {remark}" if remark else "")
    return Strip(STEP * len(hours), tuple(_strokes(runs)), words if hours else "No data", remark)


def together(strips: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Add up the hours of several targets."""
    hours: dict[datetime, list[Cell]] = defaultdict(list)
    for cell in chain.from_iterable(strips):
        hours[cell.at].append(cell)
    return [_sum(at, its) for at, its in sorted(hours.items())]


def _sum(at: datetime, its: Sequence[Cell]) -> Cell:
    return Cell(
        at,
        ok=sum(cell.ok for cell in its),
        degraded=sum(cell.degraded for cell in its),
        failed=sum(cell.failed for cell in its),
        unknown=sum(cell.unknown for cell in its),
    )


def judge(cell: Cell) -> Hour:
    """Judge an hour: DOWN when nothing of what counts was good, MIXED when some of it was not."""
    bad = cell.failed + cell.degraded
    if cell.failed and not cell.ok + cell.degraded:
        return Hour.DOWN
    if bad:
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


def _remark(kind: Hour, runs: Sequence[tuple[Hour, int, int]], cells: Sequence[Cell]) -> str:
    """Say when the hours of a kind were, or how many where they are scattered: `down 03:00 to 05:00 UTC`."""
    its = [(start, length) for k, start, length in runs if k is kind]
    if not its:
        return ""
    start, length = its[0]
    if len(its) > 1:
        return f"{WORDS[kind]} in {sum(length for _, length in its)} hours"
    if start + length == len(cells):
        return f"{WORDS[kind]} in the last {'hour' if length == 1 else f'{length} hours'}"
    first, last = cells[start].at.astimezone(UTC), cells[start + length - 1].at.astimezone(UTC) + HOUR
    return f"{WORDS[kind]} {first:%H:%M} to {last:%H:%M} UTC"
