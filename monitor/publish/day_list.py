"""The days of an account, each with its words and a link; pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby

from msgspec import Struct

from monitor.diagnose.incident import Incident
from monitor.publish.history_bar import DAYS, GOOD, WORDS, CellState, state_of_cell
from monitor.publish.paths import incident_page
from monitor.sentence.translation import PageLanguage
from monitor.slo.indicator import Cell

UP = "../../"
"""From an account's page to the root of the site."""


class Day(Struct, frozen=True, cache_hash=True):
    """One day: `href` leads to its incident, or to the day itself."""

    date: str
    kind: CellState
    words: str
    href: str


class MonthOfDays(Struct, frozen=True):
    name: str
    days: tuple[Day, ...]


class DayList(Struct, frozen=True, cache_hash=True):
    months: tuple[MonthOfDays, ...]


class Begun(Struct, frozen=True):
    """The incident that began on a day."""

    id: str
    title: str


Told = tuple[datetime, CellState, float, Begun | None]
"""A day: its kind, the share of good answers, and what began on it."""


def day_list(cells: Sequence[Cell], incidents: Sequence[Incident], speech: PageLanguage) -> DayList:
    """Return the days by month, oldest first.

    A day leads to the incident that began on it: to the first of `incidents`, if several did, and never to a drill.
    """
    real = [one for one in incidents if not one.drill]
    begun = {one.opened_at.date(): Begun(one.id, speech.title(one)) for one in reversed(real)}
    return _day_list(tuple(_told(cell, begun) for cell in cells), speech)


def _told(cell: Cell, begun: Mapping[date, Begun]) -> Told:
    its = begun.get(cell.at.date()) if begun else None
    if not (cell.failed or cell.degraded):  # the common case
        return cell.at, GOOD if cell.ok else state_of_cell(cell), 1.0, its
    return cell.at, state_of_cell(cell, DAYS.tolerance), cell.ok / (cell.ok + cell.degraded + cell.failed), its


@lru_cache(256)
def _day_list(told: tuple[Told, ...], speech: PageLanguage) -> DayList:
    """Cached, as the days of all that is well are the same."""
    months = groupby(told, key=lambda one: (one[0].year, one[0].month))
    return DayList(tuple(_month(tuple(its), speech) for _, its in months))


def _month(days: tuple[Told, ...], speech: PageLanguage) -> MonthOfDays:
    return MonthOfDays(speech.month(days[0][0]), tuple(_day(one, speech) for one in days))


@lru_cache(4096)
def _day(told: Told, speech: PageLanguage) -> Day:
    """Cached, as even accounts that differ have most of their days in common."""
    at, kind, good, begun = told
    state = speech.say(WORDS.get(kind, "good"))
    its = speech.items((state, speech.percent(good))) if good < 1 else state
    words = speech.about(speech.day(at), speech.clauses((its, begun.title)) if begun else its)
    name = f"{at:%Y-%m-%d}"
    return Day(name, kind, words, f"{UP}{incident_page(begun.id)}" if begun else f"#day-{name}")
