"""Spans on a wall clock: recurrence, midnight and the two days of the year on which the clock is set."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.alert.digest import Timing, begins, due_since, latest_due
from monitor.alert.window import Quiet, Window, problem_of

BERLIN = ZoneInfo("Europe/Berlin")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text):
    return datetime.fromisoformat(text)


def begins_at(window, since, until):
    return [f"{span.start:%m-%d %H:%M}" for span in window.spans(utc(since), utc(until))]


TWO_HOURS = timedelta(hours=2)


@pytest.mark.parametrize(
    ("window", "starts"),
    [
        (Window(wall("2026-03-28 22:00"), TWO_HOURS, BERLIN), ["03-28 21:00"]),
        (
            Window(wall("2026-03-28 22:00"), TWO_HOURS, BERLIN, rrule="FREQ=DAILY"),
            ["03-28 21:00", "03-29 20:00", "03-30 20:00"],
        ),
        (Window(wall("2026-03-07 02:30"), TWO_HOURS, BERLIN, rrule="FREQ=WEEKLY;BYDAY=SU"), ["03-29 01:30"]),
        (Window(None, TWO_HOURS, BERLIN, cron="0 22 * * *"), ["03-28 21:00", "03-29 20:00", "03-30 20:00"]),
        (Window(None, TWO_HOURS, BERLIN, cron="0 22 * * 1"), ["03-30 20:00"]),
        (Window(wall("2026-01-01 22:00"), TWO_HOURS, BERLIN, rrule="FREQ=DAILY;COUNT=3"), []),
    ],
)
def test_a_window_keeps_its_time_on_the_wall_when_the_clock_is_set(window, starts):
    assert begins_at(window, "2026-03-28 12:00", "2026-03-31 12:00") == starts
    assert problem_of(window) is None


def test_a_window_holds_from_its_start_until_just_before_its_end():
    window = Window(wall("2026-11-21 22:00"), TWO_HOURS, BERLIN, rrule="FREQ=DAILY")

    held = [
        minute for minute in range(0, 240, 30) if window.span_at(utc("2026-11-22 20:30") + timedelta(minutes=minute))
    ]
    assert held == [30, 60, 90, 120]


def test_an_hour_that_comes_twice_does_not_open_a_window_twice():
    window = Window(wall("2026-10-20 02:30"), timedelta(minutes=20), BERLIN, rrule="FREQ=DAILY")

    assert begins_at(window, "2026-10-24 12:00", "2026-10-25 12:00") == ["10-25 00:30"]


@pytest.mark.parametrize(
    ("start", "rrule", "cron", "wrong"),
    [
        (None, None, None, "needs either `start` or `cron`"),
        ("2026-01-01 22:00", None, "0 22 * * *", "needs either `start` or `cron`"),
        ("2026-01-01 22:00", "FREQ=SECONDLY", None, '= "FREQ=SECONDLY": its FREQ is none of DAILY'),
        ("9999-12-31 23:59", None, None, 'has start = "9999-12-31 23:59", of which the year is none that a window beg'),
        ("9999-12-31 23:59", "FREQ=DAILY", None, 'has start = "9999-12-31 23:59"'),
        ("1066-01-01 00:00", "FREQ=DAILY", None, 'has start = "1066-01-01 00:00"'),
        ("2026-01-01 22:00", "FREQ=WEEKLY;BYDAY=XX", None, '= "FREQ=WEEKLY;BYDAY=XX" is no rule that recurs'),
        (None, None, "61 22 * * *", '= "61 22 * * *" is no rule that recurs'),
        *(
            (
                "2026-01-01 22:00",
                f"FREQ={often};INTERVAL={number}",
                None,
                f'= "FREQ={often};INTERVAL={number}": its INTER',
            )
            for often, number in (("DAILY", 0), ("MONTHLY", 0), ("YEARLY", "000"), ("DAILY", -1), ("DAILY", "x"))
        ),
        (
            "1970-01-01 00:00",
            "RRULE:FREQ=DAILY\nRRULE:FREQ=SECONDLY",
            None,
            '= "RRULE:FREQ=DAILY\nRRULE:FREQ=SECONDLY": give one',
        ),
        (
            "1970-01-01 00:00",
            "FREQ=SECONDLY\nEXRULE:FREQ=DAILY",
            None,
            '= "FREQ=SECONDLY\nEXRULE:FREQ=DAILY": give one rule',
        ),
        (None, None, "* * * * * *", '= "* * * * * *" is no cron line of minute, hour, day, month and weekday'),
        (None, None, "0 22 * *", '= "0 22 * *" is no cron line of minute, hour, day, month and weekday'),
        ("1970-01-01 00:00", "DTSTART:19700101;FREQ=DAILY", None, '= "DTSTART:19700101;FREQ=DAILY": give one rule'),
        (
            "2026-01-01 22:00",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            None,
            '= "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30" recurs never',
        ),
    ],
)
def test_a_rule_that_cannot_be_is_named(start, rrule, cron, wrong):
    window = Window(start and wall(start), TWO_HOURS, BERLIN, rrule, cron)

    assert problem_of(window).startswith(wrong)


@pytest.mark.parametrize("rrule", ["RRULE:FREQ=DAILY", "freq=weekly;byday=su", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU"])
def test_a_rule_that_recurs_is_taken(rrule):
    assert problem_of(Window(wall("2020-01-01 22:00"), TWO_HOURS, BERLIN, rrule)) is None


@pytest.mark.parametrize(
    ("quiet", "on", "off"),
    [
        (Quiet(time(22), time(7), BERLIN), ["21:00", "23:30", "05:59"], ["06:00", "20:59"]),
        (Quiet(time(13), time(14), BERLIN), ["12:00", "12:59"], ["13:00", "11:59"]),
        (Quiet(time(0), time(0), BERLIN), ["00:00", "12:00", "23:59"], []),
    ],
)
def test_quiet_hours_go_over_midnight_where_they_end_earlier_than_they_begin(quiet, on, off):
    assert all(quiet.is_on(utc(f"2026-11-21 {clock}")) for clock in on)
    assert not any(quiet.is_on(utc(f"2026-11-21 {clock}")) for clock in off)


EIGHT = Timing(time(8), 0, BERLIN)


@pytest.mark.parametrize(
    ("kind", "now", "due"),
    [
        ("daily", "2026-11-21 06:59", "2026-11-20 07:00"),
        ("daily", "2026-11-21 07:00", "2026-11-21 07:00"),
        ("daily", "2026-03-29 06:00", "2026-03-29 06:00"),
        ("weekly", "2026-11-21 12:00", "2026-11-16 07:00"),
        ("weekly", "2026-11-23 06:59", "2026-11-16 07:00"),
        ("weekly", "2026-11-23 07:00", "2026-11-23 07:00"),
    ],
)
def test_a_digest_is_due_at_one_time_on_the_wall(kind, now, due):
    assert latest_due(kind, EIGHT, utc(now)) == utc(due)


def test_a_digest_is_sent_once_and_none_of_the_time_before_we_began():
    due = utc("2026-11-21 07:00")

    assert due_since("daily", EIGHT, utc("2026-11-21 06:00"), utc("2026-11-21 07:05")) == due
    assert due_since("daily", EIGHT, utc("2026-11-21 07:05"), utc("2026-11-21 23:00")) is None
    assert due_since("daily", EIGHT, utc("2026-11-21 07:01"), utc("2026-11-22 06:00")) is None
    assert (begins("daily", due), begins("weekly", due)) == (utc("2026-11-20 07:00"), utc("2026-11-14 07:00"))
