"""The window of a rate limit as people name it: `per month`, `per 5 hours`; pure. The only place that names one."""

from math import isclose

from msgspec import Struct

NAMES_S = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
OF_A_MONTH, OF_A_YEAR = (29.5, 31), (365, 366)
"""Days in the months and years that servers count in. Four weeks are not called a month."""
COUNTED = ("day", "hour", "minute", "second")
"""Units that a name may have several of: nobody says `per 2 months`, where 60 days may be meant."""
MANY = 120
"""Most of one unit; more are given in the next larger unit, even if not a whole number."""
NEAR = 1e-3
"""Relative error up to which a window is the round one: some servers count it from their own clock."""
SHORTEST_S, LONGEST_S = 1e-3, 100 * NAMES_S["year"]
"""Seconds; anything shorter or longer is no window that anybody counts in."""

ONE = {name: f"per {name}" for name in NAMES_S}
SEVERAL = {name: f"per {{n}} {name}s" for name in COUNTED}


class WindowWords(Struct, frozen=True):
    """A window in words: `text` is English, with `{n}` for `count` if that is not one."""

    text: str
    count: str = "1"

    def __str__(self) -> str:
        return self.text.format(n=self.count)


def per(window_s: float | None) -> WindowWords | None:
    """Name a window; None if there is none, or none that anybody counts in."""
    if window_s is None or not SHORTEST_S <= window_s <= LONGEST_S:
        return None
    if name := _single(window_s):
        return WindowWords(ONE[name])
    for name in COUNTED:
        number = window_s / NAMES_S[name]
        if 1 < number <= MANY and isclose(number, round(number), rel_tol=NEAR):
            return WindowWords(SEVERAL[name], str(round(number)))
    largest = next((name for name in COUNTED if window_s >= NAMES_S[name]), "second")
    number = window_s / NAMES_S[largest]
    return WindowWords(SEVERAL[largest], f"{number:.3g}" if number < MANY else f"{number:.0f}")


def _single(window_s: float) -> str | None:
    days = window_s / NAMES_S["day"]
    if OF_A_MONTH[0] <= days <= OF_A_MONTH[1]:
        return "month"
    if OF_A_YEAR[0] <= days <= OF_A_YEAR[1]:
        return "year"
    return next((name for name, span_s in NAMES_S.items() if isclose(window_s, span_s, rel_tol=NEAR)), None)
