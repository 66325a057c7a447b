"""Credit left: what is told, what follows from it, and when it is worth a message."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detect.credit import (
    REMEMBERED,
    CreditHistory,
    CreditThreshold,
    advance,
    days_left,
    findings,
    needs_confirmation,
    per_day,
    reported_credit,
)
from monitor.sentence.finding import describe_credit
from probes.model import Credit, Fault
from tests.conftest import NOON, at, sentences

FLOOR = CreditThreshold({"USD": 5.0}, days_left=3, expires_days=7)
H = 3600


def history(*lefts, every_s=900, unit="USD", floor=FLOOR, **facts):
    """The purse after these readings of what is left."""
    now = None
    for number, left in enumerate(lefts):
        now = advance(now, Credit(unit, left=left, **facts), "x/y/balance", at(number * every_s), floor)
    return now


def faults(one, floor=FLOOR):
    return [finding.fault for finding in findings("x/y", one, floor)]


@pytest.mark.parametrize(
    ("lefts", "found"),
    [
        ((50,), []),
        ((4.9,), []),  # a dashboard that restarts answers 0 once
        ((0, 50), []),
        ((4.9, 4.9), [Fault.LOW_BALANCE]),
        ((-1, -1), [Fault.LOW_BALANCE]),
        ((4.9, 4.9, 5.5), [Fault.LOW_BALANCE]),  # it does not come and go with each call
        ((4.9, 4.9, 6.1), []),
        ((4.9, 6.1, 4.9), []),
    ],
)
def test_credit_below_the_floor_is_told_once_two_readings_say_so(lefts, found):
    assert faults(history(*lefts)) == found


def test_a_first_low_reading_asks_for_a_second_one_soon():
    assert [needs_confirmation(history(*lefts)) for lefts in ((50,), (4,), (4, 4))] == [False, True, False]


def test_a_finding_is_dated_by_its_first_low_reading():
    (found,) = findings("x/y", history(50, 4, 3), FLOOR)

    assert (found.since, found.seen_at, found.target) == (at(900), at(1800), "x/y/balance")
    assert sentences(found.reasons) == ("3.00 USD left", "the warning is set at 5.00 USD")


@pytest.mark.parametrize(
    ("stray", "used"), [(0.0, 12), (-1.0, 12), (1e9, 12), (float("nan"), 12), (float("inf"), 12), (40.0, 65.5)]
)
def test_one_reading_that_cannot_be_is_no_use_of_all_there_was(stray, used):
    lefts = [100 - number / 2 for number in range(25)]

    assert per_day(history(*lefts[:12], stray, *lefts[13:], every_s=H)) == pytest.approx(used, rel=0.05)


def test_a_pace_over_less_than_six_hours_says_nothing_of_a_day():
    lefts = [100 - number for number in range(9)]

    assert per_day(history(*lefts[:6], every_s=H)) is None
    assert per_day(history(*lefts, every_s=H)) == pytest.approx(24)
    assert days_left(history(*lefts, every_s=H)) == pytest.approx(92 / 24)


def test_credit_that_ends_within_three_days_at_its_pace_is_told_although_it_is_above_the_floor():
    one = history(*(100 - 2 * number for number in range(20)), every_s=H)

    (found,) = findings("x/y", one, FLOOR)

    assert found.fault is Fault.LOW_BALANCE
    assert sentences(found.reasons)[-1] == "at 48.00 USD a day, the pace of the last few days, it will last 1.3 days"


def test_a_payment_in_between_is_no_use():
    lefts = [50 - number for number in range(5)] + [100 - number for number in range(5)]

    assert per_day(history(*lefts, every_s=2 * H)) == pytest.approx(8 / (18 / 24))


def test_nothing_used_lasts_for_ever():
    one = history(*[50] * 20, every_s=H)

    assert (per_day(one), days_left(one), faults(one)) == (0, None, [])


def test_what_is_unlimited_is_never_low():
    one = history(1, 1, unlimited=True)

    assert (one.left, faults(one), describe_credit(reported_credit(one))) == (None, [], "no limit in USD")


def test_a_currency_without_a_floor_is_judged_by_its_pace_alone():
    assert faults(history(0.5, 0.5, unit="XTS")) == []
    assert faults(history(*(10 - number for number in range(8)), every_s=H, unit="XTS")) == [Fault.LOW_BALANCE]


def test_the_limit_from_one_answer_and_the_use_from_another_make_what_is_left():
    one = advance(None, Credit("USD", most=20), "x/y/subscription", at(0), FLOOR)
    one = advance(one, Credit("USD", used=17), "x/y/usage", at(1), FLOOR)

    assert (one.left, describe_credit(reported_credit(one))) == (3, "3.00 of 20.00 USD left")


@pytest.mark.parametrize(
    ("days", "found"), [(8, []), (7, [Fault.EXPIRES_SOON]), (0.1, [Fault.EXPIRES_SOON]), (-1, [Fault.EXPIRES_SOON])]
)
def test_what_ends_by_itself_is_told_a_week_before(days, found):
    one = history(50, expires_at=NOON + timedelta(days=days))

    assert faults(one) == found


def test_an_end_that_comes_near_is_dated_by_the_first_reading_that_saw_it_so():
    one = history(50, 50, 50, every_s=2 * 86_400, expires_at=NOON + timedelta(days=10))

    (found,) = findings("x/y", one, FLOOR)

    assert found.since == at(4 * 86_400)
    assert sentences(found.reasons) == ("it expires on 1 Dec 2026, 12:00 UTC",)


def test_a_renewed_key_is_told_no_longer():
    one = history(50, expires_at=NOON + timedelta(days=1))

    assert faults(advance(one, Credit("USD", 50, expires_at=NOON + timedelta(days=90)), "x", at(9), FLOOR)) == []


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (CreditHistory("USD", "t", NOON, left=4.2, most=50), "4.20 of 50.00 USD left"),
        (CreditHistory("CNY", "t", NOON, left=1234.5), "1,234.50 CNY left"),
        (CreditHistory("USD", "t", NOON, used=7), "7.00 USD used"),
        (CreditHistory("USD", "t", NOON), "USD: not given"),
    ],
)
def test_what_is_left_in_words(one, words):
    assert describe_credit(reported_credit(one)) == words


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(sorted), st.integers(60, 7200))
def test_what_is_remembered_stays_small_and_its_pace_is_what_was_used(rising, every_s):
    lefts = rising[::-1]
    one = history(*lefts, every_s=every_s)

    assert one.points[-1] == (one.at, lefts[-1])
    assert one.at - one.points[0][0] <= REMEMBERED
    pace = per_day(one)
    if pace is not None and one.points[0][0] == NOON:
        used = lefts[0] - lefts[-1]
        assert pace * (one.at - NOON).total_seconds() / 86_400 == pytest.approx(used, rel=1e-6, abs=1e-6)


def test_three_days_of_falling_credit_are_kept_in_a_hundred_points():
    assert len(history(*(1000 - number / 10 for number in range(4 * 96))).points) <= 100
