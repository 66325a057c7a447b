"""How far the wall clock was set, measured against the monotonic clocks; pure."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

STEP = timedelta(seconds=2)
"""Smallest difference that counts as a set clock: less is the time to read the clocks, or slewing."""
DAY_S = 86400.0
BOOT = Path("/proc/sys/kernel/random/boot_id")


T = TypeVar("T")


class ClockReading(Struct, frozen=True):
    """All clocks at one instant. `timer_s` stops while the machine sleeps, `uptime_s` does not."""

    at: datetime
    timer_s: float
    uptime_s: float


class ClockTrace(Struct, frozen=True):
    """What a process leaves to the next: clock and uptime at one instant, and the boot id."""

    at: datetime
    uptime_s: float
    boot: str


def clock_shift(before: ClockReading, now: ClockReading) -> timedelta:
    """Return how far the clock was set between two readings in one process; 0 if it was not."""
    ran_s = now.timer_s - before.timer_s
    slept_s = max(now.uptime_s - before.uptime_s - ran_s, 0.0)
    moved = now.at - before.at - timedelta(seconds=ran_s + slept_s)
    return moved if abs(moved) >= STEP else timedelta(0)


def clock_set_back(left: ClockTrace | None, now: ClockTrace) -> timedelta:
    """Return how far the clock was set back since the previous process, as a negative duration; 0 if it was not.

    After a reboot the time off is unknown: it counts as no time. A clock set forward looks like a gap in the watch,
    and is reported as one.
    """
    if left is None:
        return timedelta(0)
    passed_s = now.uptime_s - left.uptime_s
    is_known = bool(now.boot) and left.boot == now.boot and 0 <= passed_s <= DAY_S
    moved = now.at - left.at - timedelta(seconds=passed_s if is_known else 0.0)
    return moved if moved <= -STEP else timedelta(0)


def shift_dates(value: T, by: timedelta) -> T:
    """Return a value with every date in it shifted by `by`."""
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
def boot_id() -> str:
    """Return the boot id; "" if the system has none."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""
