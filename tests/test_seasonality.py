"""The swing of day and week: learnt from what comes again, and from nothing else."""

from datetime import timedelta
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.seasonality import (
    DAY_S,
    DAYS,
    MOST,
    MOST_EDGE,
    NONE,
    UNKNOWN,
    HourlyResidue,
    close_hour,
    slot_of,
    swing_at,
    update_swing,
)
from tests.conftest import at

HOUR_S = 3600.0
aways = some.floats(-2, 2)
instants = some.floats(0, 30 * DAY_S)


def learnt(shape, days, swing=NONE, every_s=60.0):
    for number in range(int(days * DAY_S / every_s)):
        now = at(number * every_s)
        away = shape(number * every_s) - swing_at(swing, now)
        swing = update_swing(swing, away, now, every_s, number * every_s)
    return swing


def slower_at_the_tenth_hour(second):
    return 0.3 * cos(2 * pi * (second / DAY_S - 10 / 24))


def test_what_comes_again_each_day_is_known_after_some_days():
    swing = learnt(slower_at_the_tenth_hour, 6)

    assert swing_at(swing, at(10 * HOUR_S)) == pytest.approx(0.3, abs=0.03)
    assert swing_at(swing, at(22 * HOUR_S)) == pytest.approx(-0.3, abs=0.03)


def test_two_peaks_a_day_are_known_too():
    swing = learnt(lambda second: 0.2 * cos(4 * pi * second / DAY_S), 6)

    assert [round(swing_at(swing, at(hour * HOUR_S)), 1) for hour in (0, 6, 12, 18)] == [0.2, -0.2, 0.2, -0.2]


def test_looks_each_hour_teach_it_as_well():
    swing = learnt(slower_at_the_tenth_hour, 8, every_s=HOUR_S)

    assert swing_at(swing, at(10 * HOUR_S)) == pytest.approx(0.3, abs=0.05)


def test_what_no_longer_comes_again_is_forgotten():
    swing = learnt(lambda _: 0.0, 4 * DAYS, learnt(slower_at_the_tenth_hour, 6))

    assert abs(swing_at(swing, at(10 * HOUR_S))) < 0.03


def test_the_first_day_teaches_more_than_later_ones():
    early, late = (update_swing(NONE, 1.0, at(0), 60.0, days * DAY_S) for days in (0.5, 30))

    assert swing_at(early, at(0)) == pytest.approx(DAYS * swing_at(late, at(0)))


@given(aways, instants, instants, some.floats(0, 1e7), some.floats(0, 1e8))
def test_one_answer_moves_no_time_of_day_far(away, then, now, since_s, seen_s):
    assert abs(swing_at(update_swing(NONE, away, at(then), since_s, seen_s), at(now))) <= 2 * MOST * abs(away) + 1e-9


@given(some.tuples(aways, aways, aways, aways), instants)
def test_it_is_the_same_tomorrow(swing, now):
    assert swing_at(swing, at(now)) == swing_at(swing, at(now) + timedelta(days=1))


# Edges


def kept(left, days):
    """What is known of the hours after so many days, of which the waves leave `left(now)`."""
    hours = UNKNOWN
    for number in range(int(days * 24)):
        hours = close_hour(hours, slot_of(at(HOUR_S * number)), left(at(HOUR_S * (number - 1))) if number else None)
    return hours


def edge(hours, now):
    return close_hour(hours, slot_of(now), None).edge


def at_work(now):
    return 0.34 if now.weekday() < 5 and 9 <= now.hour < 17 else 0.0


def test_the_sharp_edges_of_a_working_week_are_known_after_one_also_on_a_monday():
    hours = kept(at_work, 7)
    monday = at(9 * DAY_S)

    assert monday.weekday() == 0
    at_hour = {hour: edge(hours, monday.replace(hour=hour)) for hour in (8, 9, 16, 17)}
    assert at_hour == pytest.approx({8: 0.0, 9: 0.34, 16: 0.34, 17: 0.0}, abs=0.06)
    assert edge(hours, (monday - timedelta(days=1)).replace(hour=10)) == 0.0


def test_what_an_hour_leaves_on_one_day_only_is_chance():
    hours = kept(lambda now: 0.34 if now.day == 23 and now.hour == 10 else 0.0, 4)

    assert abs(edge(hours, at(3 * DAY_S).replace(hour=10))) < 0.02


def test_an_hour_that_differs_from_day_to_day_has_nothing_of_its_own():
    hours = kept(lambda now: 0.6 if now.day % 2 else -0.2, 14)

    assert all(abs(edge(hours, at(hour * HOUR_S))) < 0.1 for hour in range(24))


def test_what_is_no_longer_so_is_forgotten_within_some_days():
    hours = kept(lambda now: at_work(now) if now < at(10 * DAY_S) else 0.0, 17)

    assert edge(hours, at(16 * DAY_S).replace(hour=10)) == 0.0


@given(some.lists(some.floats(-3, 3), min_size=48, max_size=48), some.floats(0, 3), instants)
def test_no_hour_is_taken_for_more_than_twice_as_slow(known, apart, now):
    assert abs(edge(HourlyResidue(tuple(known), apart), at(now))) <= MOST_EDGE


def test_an_hour_of_which_nothing_is_known_teaches_nothing():
    known = kept(at_work, 7)

    assert close_hour(known, 3, None).known == known.known
