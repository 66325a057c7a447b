"""Incidents → the days of the history page, and what they come to in each window; pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from monitor.publish.day_list import Day, DayList, list_days
from monitor.publish.history_bar import DOWN, GOOD, MIXED, NOTHING, CellState
from monitor.publish.paths import incident_page
from monitor.publish.uptime import WINDOWS_D
from monitor.sentence.translation import PageLanguage

DAY = timedelta(days=1)
WINDOWS = WINDOWS_D[1:]
"""Days of each window; all end today."""


class TroubleSpan(Struct, frozen=True):
    """An incident, or a part of one: from when to when something was wrong (None: still), and whether all was lost.

    `whose`: whose fault it is, in two words; "" where that is not said. `id`: of the incident.
    """

    id: str
    start: datetime
    end: datetime | None
    whose: str
    is_down: bool


class WindowTotal(Struct, frozen=True):
    """What the last days come to: how many incidents began, how long anything was wrong, and by whose fault."""

    window: str
    incidents: str
    trouble: str
    whose: tuple[str, ...]


class HistoryDays(Struct, frozen=True):
    """`is_quiet`: no incident is known, not even an open one."""

    days: DayList
    totals: tuple[WindowTotal, ...]
    is_quiet: bool


def history_days(
    spans: Sequence[TroubleSpan], since: datetime | None, now: datetime, speech: PageLanguage, up: str = ""
) -> HistoryDays:
    """Return the last days and windows. `since`: when the first result was seen; None: nothing ever was."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    firsts = [midnight - number * DAY for number in reversed(range(WINDOWS[-1]))]
    known = min([one for one in (since, *(it.start for it in spans)) if one], default=None)
    return HistoryDays(
        list_days([(first, _day(first, spans, known, now, speech, up)) for first in firsts], speech),
        tuple(_total(length, midnight - (length - 1) * DAY, spans, now, speech) for length in WINDOWS),
        not spans,
    )


def _day(
    first: datetime, spans: Sequence[TroubleSpan], known: datetime | None, now: datetime, speech: PageLanguage, up: str
) -> Day:
    last = first + DAY
    its = [one for one in spans if one.start < last and (one.end or now) > first]
    begun = _begun(its, first, last)
    told = [speech.many(len(begun), "{n} incident", "{n} incidents")] if begun else []
    if lost_s := trouble_s(its, first, min(last, now), now):
        told.append(_lasted(lost_s, speech))
    kind = _kind(its, is_known=known is not None and known < last)
    said = speech.items(told) if told else speech.say("good" if kind is GOOD else "no data")
    name = f"{first:%Y-%m-%d}"
    shown = min(its, key=lambda one: (one.id not in begun, one.start), default=None)
    href = f"{up}{incident_page(shown.id)}" if shown else f"#day-{name}"
    return Day(name, kind, speech.about(speech.day(first), said), href)


def _kind(its: Sequence[TroubleSpan], *, is_known: bool) -> CellState:
    if its:
        return DOWN if any(one.is_down for one in its) else MIXED
    return GOOD if is_known else NOTHING


def _total(
    length: int, first: datetime, spans: Sequence[TroubleSpan], now: datetime, speech: PageLanguage
) -> WindowTotal:
    owners = dict.fromkeys(one.whose for one in spans if one.whose)
    lost_s = {who: trouble_s([one for one in spans if one.whose == who], first, now, now) for who in owners}
    whole_s = trouble_s(spans, first, now, now)
    return WindowTotal(
        window=speech.say("{n} d", n=length),
        incidents=speech.many(len(_begun(spans, first, now + DAY)), "{n} incident", "{n} incidents"),
        trouble=_lasted(whole_s, speech) if whole_s else "",
        whose=tuple(
            speech.about(who, speech.duration(its_s))
            for who, its_s in sorted(lost_s.items(), key=lambda one: -one[1])
            if its_s
        ),
    )


def _lasted(seconds: float, speech: PageLanguage) -> str:
    return speech.say("trouble for {duration}", duration=speech.duration(seconds))


def _begun(spans: Iterable[TroubleSpan], first: datetime, last: datetime) -> frozenset[str]:
    """Return the incidents that began in a time: each does on one day, so that days add up to windows."""
    begins: dict[str, datetime] = {}
    for one in spans:
        begins[one.id] = min(one.start, begins.get(one.id, one.start))
    return frozenset(id for id, start in begins.items() if first <= start < last)


def trouble_s(spans: Iterable[TroubleSpan], first: datetime, last: datetime, now: datetime) -> float:
    """Return the seconds of a time in which anything was wrong; what overlaps counts once."""
    lost, reached = timedelta(), first
    for one in sorted(spans, key=lambda one: one.start):
        start, end = max(one.start, reached), min(one.end or now, last)
        if end > start:
            lost += end - start
            reached = end
    return lost.total_seconds()
