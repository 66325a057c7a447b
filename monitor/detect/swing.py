"""The daily swing: how much slower than in the day's mean answers are at a time of day; pure.

Two waves, of a day and of half a day, on the natural logarithm of seconds. Each answer moves them by how far it is
from the day's mean: the least-mean-squares rule of Widrow and Hoff (1960).
"""

from datetime import datetime
from functools import lru_cache
from math import cos, pi, sin

Swing = tuple[float, float, float, float]
"""The cosine and the sine of each wave: how high they are, as logarithms."""

NONE: Swing = (0.0, 0.0, 0.0, 0.0)
DAY_S = 86400.0
DAYS = 3.0
"""So far back, in days, reaches what is known of the swing; while less than a day has been seen, one day."""
MOST = 0.05
"""At most such a share of what it is away one answer moves a wave, however seldom one looks."""
MINUTES = 1440


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


@lru_cache(MINUTES)
def _waves(minute: int) -> Swing:
    turn = 2 * pi * minute / MINUTES
    return cos(turn), sin(turn), cos(2 * turn), sin(2 * turn)
