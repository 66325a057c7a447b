"""The swing: how much slower than in the day's mean answers are at a time of day, and of the week; pure.

All is on the natural logarithm of seconds. Two waves, of a day and of half a day, follow what is smooth: each answer
moves them by how far it is from the day's mean, by the least-mean-squares rule of Widrow and Hoff (1960). What they
leave in an hour of working days, or of weekends, is learnt from day to day: an edge at 9 o'clock is no wave.
"""

from datetime import datetime
from functools import lru_cache
from math import cos, pi, sin

from msgspec import Struct

Swing = tuple[float, float, float, float]
"""The cosine and the sine of each wave: how high they are, as logarithms."""

NONE: Swing = (0.0, 0.0, 0.0, 0.0)
DAY_S = 86400.0
DAYS = 3.0
"""So far back, in days, reaches what is known of the swing; while less than a day has been seen, one day."""
MOST = 0.05
"""At most such a share of what it is away one answer moves a wave, however seldom one looks."""
MINUTES = 1440
HOURS, FIRST_OF_WEEKEND = 24, 5
NEW = 0.4
"""So much weighs what the same hour of the latest such day left, beside all before it."""
CHANCE = 0.14
"""So far from nothing an hour may be by the slow wandering of a few days: what is not farther is none of its own. Where
the same hour of two days differs by more than that, so is the chance."""
APART_STEP = 0.05
MOST_EDGE = 0.7
"""An hour may be twice as slow as the waves say, and is never taken for more: a trouble of each day is not usual."""


class Hours(Struct, frozen=True):
    """What the waves leave in each hour (UTC) of working days, then of weekends; empty before the first is known.

    By how much the same hour of two days differs is `apart`. The hour `slot` is under way; it is slower than the waves
    say by `edge`.
    """

    known: tuple[float, ...] = ()
    apart: float = 0.0
    slot: int = -1
    edge: float = 0.0


UNKNOWN = Hours()


def lift(swing: Swing, at: datetime) -> float:
    """Return by how much, on the logarithm, it is slower at this time of day (UTC) than in the mean."""
    (a, b, c, d), (cos1, sin1, cos2, sin2) = swing, _waves(60 * at.hour + at.minute)
    return a * cos1 + b * sin1 + c * cos2 + d * sin2


def learn(swing: Swing, away: float, at: datetime, since_s: float, seen_s: float) -> Swing:
    """Return the swing after one more answer, which was `away` from what it and the mean let expect.

    It came `since_s` after the one before it; the answers of `seen_s` are known.
    """
    reach_s = min(max(seen_s, DAY_S), DAYS * DAY_S)
    step = min(2.0 * since_s / reach_s, MOST) * away
    (a, b, c, d), (cos1, sin1, cos2, sin2) = swing, _waves(60 * at.hour + at.minute)
    return a + step * cos1, b + step * sin1, c + step * cos2, d + step * sin2


def slot_of(at: datetime) -> int:
    """Return which of the hours it is."""
    return at.hour + (HOURS if at.weekday() >= FIRST_OF_WEEKEND else 0)


def turn(hours: Hours, slot: int, left: float | None) -> Hours:
    """Return the hours as another one begins. The waves `left` so much in the one that ended; None: nobody looked."""
    known, apart = hours.known or (0.0,) * (2 * HOURS), hours.apart
    if left is not None and hours.slot >= 0:
        away = left - known[hours.slot]
        apart += APART_STEP * (abs(away) - apart)
        known = (*known[: hours.slot], known[hours.slot] + NEW * away, *known[hours.slot + 1 :])
    return Hours(known, apart, slot, _edge(known[slot], apart))


def _edge(left: float, apart: float) -> float:
    """Return by how much an hour is slower than the waves say; what may be chance is nothing."""
    chance = max(CHANCE, apart)
    doubt = chance / max(abs(left), chance)
    return min(max(left * (1.0 - doubt**4), -MOST_EDGE), MOST_EDGE)


@lru_cache(MINUTES)
def _waves(minute: int) -> Swing:
    turn = 2 * pi * minute / MINUTES
    return cos(turn), sin(turn), cos(2 * turn), sin(2 * turn)
