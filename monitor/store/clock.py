"""What the clock on the wall says against those that nobody sets: by how much it was set; pure."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

STEP = timedelta(seconds=2)
"""What differs by less is how long it takes to read the clocks, or a clock that is being led back slowly."""
DAY_S = 86400.0
BOOT = Path("/proc/sys/kernel/random/boot_id")


T = TypeVar("T")


class Reading(Struct, frozen=True):
    """All clocks at one instant. `timer_s` stands still while the machine sleeps, `uptime_s` goes on."""

    at: datetime
    timer_s: float
    uptime_s: float


class Trace(Struct, frozen=True):
    """What one process leaves to the next: the clock and the uptime at one instant, and which start of the machine."""

    at: datetime
    uptime_s: float
    boot: str


def was_set(before: Reading, now: Reading) -> timedelta:
    """Return by how much the clock was set between two readings of one process; 0 when it only went on."""
    ran_s = now.timer_s - before.timer_s
    slept_s = max(now.uptime_s - before.uptime_s - ran_s, 0.0)
    moved = now.at - before.at - timedelta(seconds=ran_s + slept_s)
    return moved if abs(moved) >= STEP else timedelta(0)


def was_set_back(left: Trace | None, now: Trace) -> timedelta:
    """Return by how much the clock was set back since another process, as a negative duration; 0 when it was not.

    Where the machine was started anew nobody knows how long it was off: then no time has passed. That it was set
    forward looks as if nobody had watched, and is told as that.
    """
    if left is None:
        return timedelta(0)
    passed_s = now.uptime_s - left.uptime_s
    is_known = bool(now.boot) and left.boot == now.boot and 0 <= passed_s <= DAY_S
    moved = now.at - left.at - timedelta(seconds=passed_s if is_known else 0.0)
    return moved if moved <= -STEP else timedelta(0)


def redated(value: T, by: timedelta) -> T:
    """Return what is remembered with every date in it moved."""
    return cast(T, _moved(value, by))


def _moved(value: object, by: timedelta) -> object:
    match value:
        case datetime():
            return value + by
        case Struct():
            changed = {name: _moved(getattr(value, name), by) for name in value.__struct_fields__}
            return replace(value, **changed)
        case tuple():
            return tuple(_moved(one, by) for one in value)
        case dict():
            return {key: _moved(one, by) for key, one in value.items()}
    return value


@cache
def boot() -> str:
    """Return what names this start of the machine; "" where that is not told."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
