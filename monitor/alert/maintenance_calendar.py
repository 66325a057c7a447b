"""Maintenance windows → iCalendar (RFC 5545), for the calendar people look at."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from monitor.alert.rule import Maintenance

AHEAD = timedelta(days=90)
"""How far ahead the windows of a cron line are listed: a calendar has no form for the line itself."""


def render_ical(windows: Iterable[Maintenance], now: datetime) -> bytes:
    # Imported here: only those who ask for a calendar pay for it.
    from icalendar import Calendar, Event, Timezone, vRecur

    made = Calendar()
    made.add("prodid", "-//provider-monitor//maintenance//EN")
    made.add("version", "2.0")
    for one in windows:
        window = one.window
        # A recurring window keeps its zone, so that it stays at its time on the wall clock.
        starts = (
            [window.start.replace(tzinfo=window.zone)]
            if window.start
            else [s.start for s in window.spans(now, now + AHEAD)]
        )
        for start in starts:
            event = Event()
            event.add("uid", f"{one.name}-{start:%Y%m%dT%H%M}@provider-monitor")
            event.add("dtstamp", now.astimezone(UTC))
            event.add("summary", f"Maintenance: {one.name}")
            event.add("dtstart", start)
            event.add("duration", window.lasts)
            if window.rrule:
                event.add("rrule", vRecur.from_ical(window.rrule.removeprefix("RRULE:")))
            made.add_component(event)
    made.add_missing_timezones()
    if not made.subcomponents:  # RFC 5545, 3.6 demands a component; no reader shows a time zone
        made.add_component(Timezone.from_tzid("UTC"))
    return bytes(made.to_ical())
