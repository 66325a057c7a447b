"""Spans of time on a wall clock: daily quiet hours, and windows that recur; the zone takes care of DST."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from monitor.deadline import run_within

DAY = timedelta(days=1)
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
"""No maintenance is more frequent than daily, and finer rules would be expanded from their start."""
LONGEST_S = 0.5
"""Seconds that expanding a rule from its start may take: a slower one would delay all else."""
LATE = datetime(2060, 1, 1, tzinfo=UTC)
"""Date up to which an accepted rule must expand in time."""

CRON_FIELDS = 5
"""With a sixth field, seconds, there are millions of windows in a month."""

YEARS = range(1970, 9000)
"""Other years have no instant in some zones, or a rule is expanded from them day by day."""


class Span(Struct, frozen=True):
    """From `start` on, until just before `end`; both UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


class Quiet(Struct, frozen=True):
    """Hours of each day, on the clock of `zone`; over midnight if `end` is not after `start`."""

    start: time
    end: time
    zone: tzinfo

    def spans(self, now: datetime) -> Iterator[Span]:
        """Yield the spans around `now`, oldest first: those that began from the day before yesterday to today."""
        today = now.astimezone(self.zone).date()
        for back in (2, 1, 0):
            yield self._span(today - back * DAY)

    def is_on(self, now: datetime) -> bool:
        return any(now in span for span in self.spans(now))

    def _span(self, day: date) -> Span:
        last = day if self.start < self.end else day + DAY
        # An hour that the clock shows twice counts from its first time on; a skipped one, from as much later.
        return Span(_instant(datetime.combine(day, self.start), self.zone),
                    _instant(datetime.combine(last, self.end), self.zone))  # fmt: skip


class Window(Struct, frozen=True):
    """A span that begins at `start` on the clock of `zone`, once or by an RRULE (RFC 5545) or a cron line."""

    start: datetime | None
    lasts: timedelta
    zone: tzinfo
    rrule: str | None = None
    cron: str | None = None

    def span_at(self, now: datetime) -> Span | None:
        """Return the span that holds `now`; None if there is none."""
        return next((span for span in self.spans(now - self.lasts, now) if now in span), None)

    def spans(self, since: datetime, until: datetime) -> Iterator[Span]:
        """Yield the spans that begin between `since` and `until`; of an endless rule, too."""
        for start in self._starts(since, until):
            if since <= start <= until:
                yield Span(start, start + self.lasts)

    def _starts(self, since: datetime, until: datetime) -> Iterator[datetime]:
        if self.cron:
            yield from self._cron_starts(since, until)
        elif self.rrule and self.start:
            # Imported only for a recurring rule: most configurations have none.
            from dateutil.rrule import rrulestr

            # The rule runs on the wall clock, and only its results become instants: 22:00 stays 22:00.
            low, high = (_wall(at, self.zone) + side * DAY for at, side in ((since, -1), (until, 1)))
            for wall in rrulestr(self.rrule, dtstart=self.start).between(low, high, inc=True):
                yield _instant(wall, self.zone)
        elif self.start:
            yield _instant(self.start, self.zone)

    def _cron_starts(self, since: datetime, until: datetime) -> Iterator[datetime]:
        from cronsim import CronSim

        for at in CronSim(self.cron or "", (since - timedelta(minutes=1)).astimezone(self.zone)):
            if at > until:
                return
            yield at.astimezone(UTC)


@lru_cache
def problem_of(window: Window) -> str | None:
    """Return what is wrong with a window's rule; None if nothing is. Cached: it takes up to a second to find out."""
    if (window.start is None) == (window.cron is None):
        return "needs either `start` or `cron`"
    if window.start and window.start.year not in YEARS:
        return f'has start = "{window.start:%Y-%m-%d %H:%M}", of which the year is none that a window begins in'
    if window.rrule and (wrong := _wrong_of_rule(window.rrule)):
        return f'= "{window.rrule}": {wrong}'
    if window.cron and len(window.cron.split()) != CRON_FIELDS:
        return f'= "{window.cron}" is no cron line of minute, hour, day, month and weekday'
    rule = window.rrule or window.cron
    try:
        begins = _instant(window.start, window.zone) if window.start else datetime(2000, 1, 1, tzinfo=UTC)
        run_within(LONGEST_S, lambda: next(window.spans(begins, begins + 400 * DAY), None))
        run_within(LONGEST_S, lambda: next(window.spans(LATE, LATE + DAY), None))
    except TimeoutError:
        return f'= "{rule}" recurs never, or for so long that it takes too long to count; let it begin later'
    except Exception as error:  # noqa: BLE001 - both libraries raise what they like
        return f'= "{rule}" is no rule that recurs ({error})'
    return None


def _wrong_of_rule(text: str) -> str | None:
    """Return what is wrong with an RRULE that its library would accept, but expand for ever, or misread."""
    if len(text.split()) != 1 or ":" in text.upper().removeprefix("RRULE:"):
        return "give one rule, such as FREQ=WEEKLY;BYDAY=SU"
    parts = dict(part.partition("=")[::2] for part in text.upper().removeprefix("RRULE:").split(";"))
    if parts.get("FREQ") not in FREQUENCIES:
        return f"its FREQ is none of {', '.join(FREQUENCIES)}"
    if not re.fullmatch("0*[1-9][0-9]{0,2}", parts.get("INTERVAL", "1")):
        return "its INTERVAL is none of 1 to 999"
    return None


def _instant(wall: datetime, zone: tzinfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _wall(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
