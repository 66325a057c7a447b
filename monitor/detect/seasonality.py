"""The swing: how much slower than the day's mean answers are at a time of day, and of the week; pure.

Everything is on the natural logarithm of seconds. Two waves, of a day and of half a day, follow what is smooth: each
answer moves them in proportion to its distance from the day's mean, by the least-mean-squares rule of Widrow and Hoff
(1960). What they leave in an hour of working days, or of weekends, is learnt from day to day: an edge at 9 o'clock is
no wave.
"""

from datetime import datetime
from functools import lru_cache
from math import cos, pi, sin

from msgspec import Struct

DailySwing = tuple[float, float, float, float]
"""The cosine and the sine of each wave: its height, as a logarithm."""

NONE: DailySwing = (0.0, 0.0, 0.0, 0.0)
DAY_S = 86400.0
DAYS = 3.0
"""Days that the swing reaches back; one day until more than that has been seen."""
MOST = 0.05
"""Most of its distance that one answer moves a wave, as a share, however rare the probes."""
MINUTES = 1440
HOURS, FIRST_OF_WEEKEND = 24, 5
NEW = 0.4
"""Weight of what the same hour of the latest such day left, against all before it."""
CHANCE = 0.14
"""Log deviation of an hour that the slow wandering of a few days explains: only more is the hour's own. Where the same
hour of two days differs by more, that is the chance."""
APART_STEP = 0.05
MOST_EDGE = 0.7
"""Most that an hour is slower than the waves say, as a logarithm (twice): a daily outage is not usual."""


class HourlyResidue(Struct, frozen=True):
    """What the waves leave in each hour (UTC) of working days, then of weekends; empty before the first is known.

    `apart` is how much the same hour of two days differs. The hour `slot` is under way; it is slower than the waves say
    by `edge`.
    """

    known: tuple[float, ...] = ()
    apart: float = 0.0
    slot: int = -1
    edge: float = 0.0


UNKNOWN = HourlyResidue()


def swing_at(swing: DailySwing, at: datetime) -> float:
    """Return by how much, on the logarithm, it is slower at this time of day (UTC) than in the mean."""
    (a, b, c, d), (cos1, sin1, cos2, sin2) = swing, _waves(60 * at.hour + at.minute)
    return a * cos1 + b * sin1 + c * cos2 + d * sin2


def update_swing(swing: DailySwing, away: float, at: datetime, since_s: float, seen_s: float) -> DailySwing:
    """Return the swing after one more answer, which was `away` from what the swing and the mean predict.

    It came `since_s` seconds after the one before; the answers span `seen_s` seconds.
    """
    reach_s = min(max(seen_s, DAY_S), DAYS * DAY_S)
    step = min(2.0 * since_s / reach_s, MOST) * away
    (a, b, c, d), (cos1, sin1, cos2, sin2) = swing, _waves(60 * at.hour + at.minute)
    return a + step * cos1, b + step * sin1, c + step * cos2, d + step * sin2


def slot_of(at: datetime) -> int:
    """Return the index of this hour in `Hours.known`."""
    return at.hour + (HOURS if at.weekday() >= FIRST_OF_WEEKEND else 0)


def close_hour(hours: HourlyResidue, slot: int, left: float | None) -> HourlyResidue:
    """Return the hours as another one begins. `left`: what the waves left in the one that ended; None: no probe."""
    known, apart = hours.known or (0.0,) * (2 * HOURS), hours.apart
    if left is not None and hours.slot >= 0:
        away = left - known[hours.slot]
        apart += APART_STEP * (abs(away) - apart)
        known = (*known[: hours.slot], known[hours.slot] + NEW * away, *known[hours.slot + 1 :])
    return HourlyResidue(known, apart, slot, _edge(known[slot], apart))


def _edge(left: float, apart: float) -> float:
    """Return by how much an hour is slower than the waves say; 0 if it may be chance."""
    chance = max(CHANCE, apart)
    doubt = chance / max(abs(left), chance)
    return min(max(left * (1.0 - doubt**4), -MOST_EDGE), MOST_EDGE)


@lru_cache(MINUTES)
def _waves(minute: int) -> DailySwing:
    turn = 2 * pi * minute / MINUTES
    return cos(turn), sin(turn), cos(2 * turn), sin(2 * turn)
