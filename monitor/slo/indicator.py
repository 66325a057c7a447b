"""Service level indicators: availability, and quantiles from sketches that can be merged; pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

SMALLEST_S = 0.001
GROWTH = 1.1
"""Ratio of each bin to the one before: 10 % wider, so a quantile is right within 5 %."""
LAST_BIN = 127
EDGES = tuple(SMALLEST_S * GROWTH**bin_ for bin_ in range(LAST_BIN))
"""Seconds of the longest duration in each bin but the last."""

BINS = b"".join(
    bytes([bin_]) * (int(1000 * edge) - int(1000 * below))
    for bin_, (below, edge) in enumerate(pairwise((-SMALLEST_S, *EDGES)))
)
"""The bin of each duration by its milliseconds; longer ones are in the last. A search takes three times as long."""

Sketch = Mapping[int, int]
"""How many durations fell into each bin; bin 0 holds all up to 1 ms, LAST_BIN all above three minutes."""


class Cell(Struct, frozen=True, gc=False):
    """One hour or one day of a target, beginning at `at`. All zero: nothing was probed, which is shown as such."""

    at: datetime
    ok: int = 0
    degraded: int = 0
    failed: int = 0
    unknown: int = 0


class Reading(Struct, frozen=True, gc=False):
    """What a figure was at an instant: a duration in seconds, a ceiling, an amount of credit."""

    at: datetime
    value: float


def add_cells(at: datetime, cells: Iterable[Cell]) -> Cell:
    """Add up cells into one that begins at `at`."""
    ok = degraded = failed = unknown = 0
    for cell in cells:  # one pass: a page adds up a hundred thousand of them
        ok += cell.ok
        degraded += cell.degraded
        failed += cell.failed
        unknown += cell.unknown
    return Cell(at, ok, degraded, failed, unknown)


def availability(good: int, valid: int) -> float | None:
    """Return good / valid in [0, 1]; None if nothing valid was seen. UNKNOWN is not valid.

    Source: Google, Site Reliability Workbook, chapter 2: an SLI is good events over valid events.
    """
    return good / valid if valid else None


def error_budget_left(share: float, slo: float) -> float:
    """Return how much of the error budget is left; 1: all of it, below 0: overspent. `slo` is in (0, 1)."""
    return 1 - (1 - share) / (1 - slo)


def make_sketch(durations_ms: Sequence[int]) -> Sketch:
    try:
        return Counter(map(BINS.__getitem__, durations_ms))
    except IndexError:
        return Counter(BINS[ms] if ms < len(BINS) else LAST_BIN for ms in durations_ms)


def merge(sketches: Iterable[Sketch]) -> Sketch:
    total = defaultdict[int, int](int)  # a Counter takes more than twice as long
    for one in sketches:
        for bin_, count in one.items():
            total[bin_] += count
    return total


def quantile(durations: Sketch, share: float) -> float | None:
    """Return the duration in seconds below which `share` of all fall, within 5 %; None if there are none."""
    rank = share * sum(durations.values())
    seen = 0
    for bin_, count in sorted(durations.items()):
        seen += count
        if seen >= rank and count:
            return SMALLEST_S if bin_ == 0 else float(SMALLEST_S * GROWTH ** (bin_ - 0.5))
    return None


def count_below(durations: Sketch, most_s: float) -> int:
    """Return how many took at most `most_s` seconds; those less than 10 % longer may count, too."""
    last = bisect_left(EDGES, most_s)
    return sum(count for bin_, count in durations.items() if bin_ <= last)


def pack(durations: Sketch) -> bytes | None:
    """Return the sketch as pairs of bin and count, a byte each where they fit; None if it is empty."""
    packed = bytearray()
    for bin_, count in sorted(durations.items()):
        packed.append(bin_)
        while count > 127:
            packed.append(count & 127 | 128)
            count >>= 7
        packed.append(count)
    return bytes(packed) or None


def unpack(packed: bytes | None) -> Sketch:
    if not packed:
        return {}
    if max(packed) < 128:  # every count fits into its byte, as most do
        return dict(zip(packed[::2], packed[1::2], strict=True))
    durations: dict[int, int] = {}
    rest = iter(packed)
    for bin_ in rest:
        count = shift = 0
        for byte in rest:
            count |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        durations[bin_] = count
    return durations
