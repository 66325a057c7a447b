"""The daily swing: learnt from what comes again each day, and from nothing else."""

from datetime import timedelta
from math import cos, pi

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.swing import DAY_S, DAYS, MOST, NONE, learn, lift
from tests.conftest import at

HOUR_S = 3600.0
aways = some.floats(-2, 2)
instants = some.floats(0, 30 * DAY_S)


def learnt(shape, days, swing=NONE, every_s=60.0):
    for number in range(int(days * DAY_S / every_s)):
        now = at(number * every_s)
        away = shape(number * every_s) - lift(swing, now)
        swing = learn(swing, away, now, every_s, number * every_s)
    return swing


def slower_at_the_tenth_hour(second):
    return 0.3 * cos(2 * pi * (second / DAY_S - 10 / 24))


def test_what_comes_again_each_day_is_known_after_some_days():
    swing = learnt(slower_at_the_tenth_hour, 6)

    assert lift(swing, at(10 * HOUR_S)) == pytest.approx(0.3, abs=0.03)
    assert lift(swing, at(22 * HOUR_S)) == pytest.approx(-0.3, abs=0.03)


def test_two_peaks_a_day_are_known_too():
    swing = learnt(lambda second: 0.2 * cos(4 * pi * second / DAY_S), 6)

    assert [round(lift(swing, at(hour * HOUR_S)), 1) for hour in (0, 6, 12, 18)] == [0.2, -0.2, 0.2, -0.2]


def test_looks_each_hour_teach_it_as_well():
    swing = learnt(slower_at_the_tenth_hour, 8, every_s=HOUR_S)

    assert lift(swing, at(10 * HOUR_S)) == pytest.approx(0.3, abs=0.05)


def test_what_no_longer_comes_again_is_forgotten():
    swing = learnt(lambda _: 0.0, 4 * DAYS, learnt(slower_at_the_tenth_hour, 6))

    assert abs(lift(swing, at(10 * HOUR_S))) < 0.03


def test_the_first_day_teaches_more_than_later_ones():
    early, late = (learn(NONE, 1.0, at(0), 60.0, days * DAY_S) for days in (0.5, 30))

    assert lift(early, at(0)) == pytest.approx(DAYS * lift(late, at(0)))


@given(aways, instants, instants, some.floats(0, 1e7), some.floats(0, 1e8))
def test_one_answer_moves_no_time_of_day_far(away, then, now, since_s, seen_s):
    assert abs(lift(learn(NONE, away, at(then), since_s, seen_s), at(now))) <= 2 * MOST * abs(away) + 1e-9


@given(some.tuples(aways, aways, aways, aways), instants)
def test_it_is_the_same_tomorrow(swing, now):
    assert lift(swing, at(now)) == lift(swing, at(now) + timedelta(days=1))
