"""The days of an account, each with its words and a link; pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby

from msgspec import Struct

from monitor.diagnose.incident import Incident
from monitor.publish.history_bar import DAYS, GOOD, NOTHING, WORDS, CellState, state_of_cell
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
    """A month; without any day, nothing is known of it."""

    name: str
    days: tuple[Day, ...]


class DayList(Struct, frozen=True, cache_hash=True):
    """The days by month, oldest first. `before`: that nothing is known of earlier ones; "" if all are shown."""

    months: tuple[MonthOfDays, ...]
    before: str = ""


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
    return list_days([(one[0], _day(one, speech)) for one in told], speech)


def list_days(days: Sequence[tuple[datetime, Day]], speech: PageLanguage) -> DayList:
    """Return the days by month from the first on of which anything is known: empty ones would fill a phone's screen."""
    first = next((number for number, (_, day) in enumerate(days) if _is_known(day)), None)
    if first is None:
        return DayList((), speech.say("No data"))
    before = speech.say("Nothing is known before {day}", day=speech.day(days[first][0])) if first else ""
    months = groupby(days[first:], key=lambda one: (one[0].year, one[0].month))
    return DayList(tuple(_month(list(its), speech) for _, its in months), before)


def _is_known(day: Day) -> bool:
    return day.kind is not NOTHING or not day.href.startswith("#")


def _month(days: Sequence[tuple[datetime, Day]], speech: PageLanguage) -> MonthOfDays:
    its = tuple(day for _, day in days)
    return MonthOfDays(speech.month(days[0][0]), its if any(map(_is_known, its)) else ())


@lru_cache(4096)
def _day(told: Told, speech: PageLanguage) -> Day:
    """Cached, as even accounts that differ have most of their days in common."""
    at, kind, good, begun = told
    state = speech.say(WORDS.get(kind, "good"))
    its = speech.items((state, speech.percent(good))) if good < 1 else state
    words = speech.about(speech.day(at), speech.clauses((its, begun.title)) if begun else its)
    name = f"{at:%Y-%m-%d}"
    return Day(name, kind, words, f"{UP}{incident_page(begun.id)}" if begun else f"#day-{name}")
