"""How long answers take: what is slow, what is chance, and what is never held against anybody."""

import itertools
from datetime import timedelta
from functools import cache, reduce
from math import cos, exp, pi
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.detect.latency import (
    ACCEPTED_AFTER,
    EXTRAS_IN_A_ROW,
    FIRST_MOST,
    MAX_EXTRAS,
    OUTLIER,
    RECENT,
    Alarm,
    Drift,
    Measure,
    Rise,
    Series,
    accepted_findings,
    advance,
    findings,
    measures,
    needs_extra_probe,
    reset,
    sensitivity_for,
    usual_s,
)
from monitor.sentence.finding import describe_answer
from probes.model import Fault
from tests.conftest import CHAT, at, observation, sentences

MINUTE = sensitivity_for(60.0)


def noisy(count, usual_s=0.5, seed=1, sigma=0.3):
    rng = Random(seed)
    return [usual_s * rng.lognormvariate(0, sigma) for _ in range(count)]


def played(seconds, series=None, start=0, every_s=60, pace=MINUTE, **how):
    for number, one in enumerate(seconds, start):
        series = advance(series, one, at(every_s * number), pace, **how)
    return series


def first_alarm(seconds, series=None, start=0, pace=MINUTE, every_s=60):
    """The number of answers until it is slow; None when it never is."""
    for number, one in enumerate(seconds):
        series = advance(series, one, at(every_s * (start + number)), pace)
        if series.alarm:
            return number + 1
    return None


CALM = played(noisy(600))


@pytest.mark.parametrize(
    ("times", "most"), [(2.0, 30), (3.0, 9), (6.0, 12)], ids=["twice as slow", "three times", "six times"]
)
def test_a_rise_is_noticed_after_few_answers(times, most):
    delays = [first_alarm(noisy(60, 0.5 * times, seed), CALM, 600) for seed in range(2, 22)]

    assert max(delay or 99 for delay in delays) <= most


def test_a_rise_whose_answers_are_quick_again_is_passing():
    slow = played(noisy(30, 2.0, 3), CALM, 600)
    quick = played([usual_s(CALM)] * 3, slow, 630)

    assert [one.passing for one in findings(CHAT, Measure.TOTAL, slow)] == [False]
    assert [one.passing for one in findings(CHAT, Measure.TOTAL, quick)] == [True]


def test_after_an_outage_a_rise_must_be_seen_anew_and_the_usual_is_what_it_was():
    slow = played(noisy(30, 2.0, 3), CALM, 600)
    back = reset(slow)

    assert (back.alarm, back.rise.small, back.recent) == (None, 0.0, slow.recent[-1:])
    assert usual_s(back) == usual_s(slow)
    assert played([usual_s(CALM)] * 20, back, 700).alarm is None
    assert first_alarm(noisy(60, 2.0, 4), back, 700) > 2
    assert reset(played(noisy(3))).recent == played(noisy(3)).recent


def test_what_crept_up_before_an_outage_does_not_rise_again_by_itself():
    crept = replace(CALM, usual=replace(CALM.usual, hour=CALM.usual.level + 1.0, count=3000), alarm=Alarm(at(0), at(0)))

    assert first_alarm([usual_s(CALM) * 1.3] * 20, reset(crept), 700) is None


def test_two_calm_weeks_raise_hardly_any_alarm():
    alarms = 0
    for seed in range(4):
        series = None
        for number, one in enumerate(noisy(14 * 1440, 0.7, seed)):
            before, series = series, advance(series, one, at(60 * number), MINUTE)
            alarms += bool(series.alarm) and not (before and before.alarm)

    assert alarms <= 2


def test_the_daily_swing_is_no_rise():
    rng = Random(7)
    swing = [0.8 * (1.25 if number // 720 % 2 else 0.8) ** 0.5 * rng.lognormvariate(0, 0.3) for number in range(5760)]

    assert first_alarm(swing) is None


def test_an_outlier_or_two_are_chance():
    assert first_alarm([9.0, 9.0], CALM, 600) is None


@pytest.mark.parametrize("times", [3.0, 4.0, 4.7, 8.0])
def test_three_slow_answers_in_a_row_are_chance(times):
    assert first_alarm([usual_s(CALM) * times] * 3, CALM, 600) is None


@given(some.floats(5.0, 100.0))
def test_an_outlier_says_something_for_a_rise_but_little(times):
    rise = advance(CALM, usual_s(CALM) * times, CALM.at + timedelta(minutes=1), MINUTE).rise

    assert 0.0 < rise.small - CALM.rise.small <= FIRST_MOST


def test_ten_times_as_slow_is_noticed_no_later_than_three_times_where_outliers_come_alone():
    alone = played(([0.5] * 30 + [5.0]) * 40, CALM, 600)
    start = 600 + 31 * 40
    alarms = [first_alarm([usual_s(alone) * times] * 30, alone, start) for times in (3.0, 5.0, 10.0, 30.0, 300.0)]

    assert all(count is not None and count <= max(alarms[0], 5) for count in alarms)


@pytest.mark.parametrize("row", [2, 3, 4], ids="in a row {}".format)
def test_outliers_that_come_in_rows_are_no_rise_and_a_longer_row_is(row):
    restless = played(([0.5] * 30 + [5.0] * row) * 40, CALM, 600)

    assert restless.alarm is None
    assert first_alarm([5.0] * 60, restless, 600 + (30 + row) * 40) > row + 1


def test_how_often_an_outlier_follows_another_is_believed_once_some_were_seen():
    fresh = first_alarm([5.0] * 60, CALM, 600)
    known = first_alarm([5.0] * 60, played(([0.5] * 30 + [5.0]) * 20, CALM, 600), 600 + 31 * 20)

    assert known < fresh


def test_a_look_soon_after_another_says_less_where_slow_moments_last():
    """Three answers twice as slow as usual, 15 s or a minute apart."""
    told = {}
    for name, covariances in (("alike", (0.0, 0.0, 0.0)), ("lasting", (0.3, 0.2, 0.1))):
        usual = replace(CALM.usual, memory=(1.0, *covariances, 0.0, 0.0, 0.0))
        for after_s in (15, 60):
            series = replace(CALM, rise=Rise(), mood=Drift(0.0, sum(covariances) / 2), usual=usual)
            for number in range(1, 4):
                series = advance(series, 1.0, CALM.at + timedelta(seconds=number * after_s), MINUTE)
            told[name, after_s] = series.rise.small

    assert told["alike", 15] == pytest.approx(told["alike", 60], rel=0.05)
    assert told["alike", 60] > 1.2 * told["lasting", 60]
    assert told["lasting", 60] > told["lasting", 15] > 0.0


def test_a_first_slow_answer_says_as_much_where_slow_moments_last():
    lasting = replace(CALM, rise=Rise(), mood=Drift(), usual=replace(CALM.usual, memory=(1.0, 0.3, 0.2, 0.1, 0, 0, 0)))
    alike = replace(lasting, usual=replace(CALM.usual, memory=(1.0, 0, 0, 0, 0, 0, 0)))
    told = [advance(one, 1.0, one.at + timedelta(minutes=1), MINUTE).rise.small for one in (lasting, alike)]

    assert told[0] > 0.9 * told[1]


def with_misses(count, share, seed, times=1.0):
    """Times of answers of which such a share is not in the cache, and takes three times as long."""
    rng = Random(seed)
    return [0.5 * times * rng.lognormvariate(0, 0.2) * (3 if rng.random() < share else 1) for _ in range(count)]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_cache_that_misses_now_and_then_is_not_slow(share):
    alarms, series = 0, None
    for number, one in enumerate(with_misses(14 * 1440, share, 3)):
        before, series = series, advance(series, one, at(60 * number), MINUTE)
        alarms += bool(series.alarm) and not (before and before.alarm)

    assert alarms <= 2
    assert (first_alarm(with_misses(60, share, 4, times=3.0), series, 14 * 1440) or 99) <= 30


def test_no_answer_moves_the_level_by_more_than_a_hundredth():
    slower = played([60.0], CALM, 600)

    assert CALM.usual.level < slower.usual.level < CALM.usual.level + 0.01


def test_an_answer_after_a_long_pause_counts_for_two_intervals():
    after_two, after_ten = (advance(CALM, 0.9, CALM.at + timedelta(minutes=pause), MINUTE) for pause in (2, 10))

    assert after_two.usual.level == pytest.approx(after_ten.usual.level, abs=1e-4)


def swinging(count, seed=1):
    """Answers that are half as slow again at noon, where the tests begin, and as much faster at midnight."""
    noise = enumerate(noisy(count, 0.5, seed, 0.15))
    return [one * 1.5 ** cos(2 * pi * minute / 1440) for minute, one in noise]


@cache
def swung():
    return played(swinging(6 * 1440))


def test_what_is_usual_depends_on_the_time_of_day():
    midnight = played(swinging(720, 2), swung(), 6 * 1440)

    assert usual_s(swung()) == pytest.approx(0.75, rel=0.1)
    assert usual_s(midnight) == pytest.approx(0.33, rel=0.1)
    assert swung().alarm is midnight.alarm is None


def test_the_working_day_that_begins_at_nine_is_usual_after_a_week_and_a_trouble_in_it_is_not():
    """Two weeks of answers each five minutes, from Saturday noon on; 80 % more from 9 to 17 on working days."""
    rng, series, alarms = Random(5), None, []
    for number in range(16 * 288):
        now = at(300 * number)
        busy = now.weekday() < 5 and 9 <= now.hour < 17
        seconds = 0.5 * (1.8 if busy else 1.0) * rng.lognormvariate(0, 0.15)
        before, series = series, advance(series, seconds, now, sensitivity_for(300.0))
        alarms += [now] if series.alarm and not (before and before.alarm) else []

    assert (series.at + timedelta(minutes=5)).weekday() == 0
    assert [now for now in alarms if now > at(7 * 86400)] == []
    monday = [0.5 * (1.8 if 9 <= hour < 17 else 1.0) for hour in range(12, 24) for _ in range(12)]
    assert first_alarm(monday, series, 16 * 288, sensitivity_for(300.0), 300) is None
    assert first_alarm([3 * seconds for seconds in monday], series, 16 * 288, sensitivity_for(300.0), 300) <= 6


def test_what_is_usual_at_noon_is_slow_at_midnight():
    midnight = played(swinging(720, 2), swung(), 6 * 1440)

    assert (first_alarm([0.75] * 20, midnight, 6 * 1440 + 720) or 99) <= 5
    assert first_alarm([0.75] * 20, swung(), 6 * 1440) is None


@pytest.mark.parametrize(("seconds", "slow"), [(0.57, False), (0.65, True)])
def test_where_a_quick_hour_does_not_come_it_is_slow_only_if_it_is_slower_than_at_other_hours(seconds, slow):
    midnight = played(swinging(720, 2), swung(), 6 * 1440)

    assert usual_s(midnight) == pytest.approx(0.34, abs=0.01)
    assert bool(first_alarm([seconds] * 30, midnight, 6 * 1440 + 720)) is slow


def test_an_alarm_tells_what_is_usual_at_its_time_of_day():
    (told,) = findings(CHAT, Measure.TOTAL, played([2.0] * 20, swung(), 6 * 1440))

    assert describe_answer(told.words).startswith("usual 0.7")
    assert "now 2.0" in describe_answer(told.words)


def test_what_an_earlier_version_kept_is_taken_up():
    kept = msgspec.to_builtins(CALM)
    del kept["usual"]["swing"], kept["usual"]["far"], kept["mood"], kept["rise"]["small_taken"]
    kept["usual"]["drift"] = 0.1

    assert msgspec.convert(kept, Series).usual.level == CALM.usual.level


def test_a_rise_nobody_would_notice_is_not_told():
    quick = played(noisy(600, 0.05))

    assert first_alarm(noisy(300, 0.12, 2), quick, 600) is None


def test_a_slow_ramp_is_found_within_its_hours():
    calm = noisy(2000, 0.8, 3)
    ramp = [one * 2.2 ** min(number / 240, 1.0) for number, one in enumerate(noisy(400, 0.8, 4))]

    assert 30 < (first_alarm(ramp, played(calm), 2000) or 0) < 400


def test_it_is_told_in_words_and_numbers():
    slow = played([*noisy(30, 1.3, 2)], CALM, 600)
    (one,) = findings(CHAT, Measure.FIRST, slow)

    assert (one.account, one.fault, one.rule, one.model) == (CHAT.account, Fault.SLOW, "latency/first", CHAT.model)
    assert at(600 * 60) <= one.since <= at(610 * 60)
    assert describe_answer(one.words).startswith("usual 0.5")
    assert "time to the first piece of the answer: usual 0.5" in sentences(one.reasons)[0]
    assert "of the last 10 answers took longer than 0." in sentences(one.reasons)[1]


def test_while_it_is_slow_nothing_is_learnt():
    slow = played(noisy(120, 1.5, 2), CALM, 600)

    assert slow.alarm
    assert slow.usual == played(noisy(240, 1.5, 2), CALM, 600).usual


def test_it_ends_when_it_is_as_fast_as_before_and_nothing_is_told_of_it_then():
    over = played(noisy(60, 0.5, 3), played(noisy(60, 1.5, 2), CALM, 600), 660)

    assert over.alarm is None
    assert list(findings(CHAT, Measure.TOTAL, over)) == list(accepted_findings(CHAT, Measure.TOTAL, over)) == []


def test_a_rise_that_stays_becomes_usual_and_that_is_said():
    stays = played(noisy(int(ACCEPTED_AFTER.total_seconds()) // 60 + 60, 1.5, 2), CALM, 600)

    assert stays.alarm is None
    assert usual_s(stays) == pytest.approx(1.5, rel=0.3)
    (ended,) = accepted_findings(CHAT, Measure.TOTAL, stays)
    assert "time to the whole answer: 1." in sentences(ended.reasons)[0]
    assert "s instead of 0.5" in sentences(ended.reasons)[0]
    assert "is the new baseline" in sentences(ended.reasons)[0]
    assert first_alarm(noisy(600, 1.5, 9), stays, 2000) is None


def test_siblings_that_are_slow_hold_what_is_usual():
    assert played(noisy(30, 0.9, 2), CALM, 600, held=True).usual == CALM.usual


def test_the_first_half_hour_raises_no_alarm():
    assert first_alarm([*noisy(15, 0.5), *noisy(14, 5.0)]) is None


def test_suspicion_asks_for_more_looks_but_only_for_some():
    asked, series, now_s = 0, CALM, 600 * 60
    for one in itertools.cycle([0.9, 0.85]):
        now_s += 15 if needs_extra_probe(series, MINUTE) else 60
        asked += needs_extra_probe(series, MINUTE)
        series = advance(series, one, at(now_s), MINUTE)
        if series.alarm or now_s > 620 * 60:
            break
        assert series.in_a_row <= EXTRAS_IN_A_ROW

    assert 0 < asked <= MAX_EXTRAS
    assert not needs_extra_probe(CALM, MINUTE)


def test_in_a_wide_noise_an_answer_says_less_and_less_is_suspicious():
    wide, narrow = (
        replace(CALM, usual=replace(CALM.usual, low=-0.67 * sigma, high=0.67 * sigma)) for sigma in (0.5, 0.2)
    )
    told = Rise(small=1.9, since=CALM.at)

    assert needs_extra_probe(replace(wide, rise=told), MINUTE)
    assert not needs_extra_probe(replace(narrow, rise=told), MINUTE)


def test_where_slow_moments_last_more_is_suspicious():
    lasting = replace(CALM.usual, memory=(1.0, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0))
    alike = replace(CALM.usual, memory=(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    told = Rise(small=2.1, since=CALM.at)

    assert [needs_extra_probe(replace(CALM, usual=one, rise=told), MINUTE) for one in (alike, lasting)] == [True, False]


@pytest.mark.parametrize("sigma", [0.12, 0.3, 0.6])
def test_a_first_outlier_asks_for_another_look_where_there_are_hardly_any(sigma):
    usual = replace(CALM.usual, low=-0.67 * sigma, high=0.67 * sigma, outlying=0.001)
    calm = replace(CALM, usual=usual, rise=Rise())

    assert needs_extra_probe(advance(calm, 5.0, CALM.at + timedelta(minutes=1), MINUTE), MINUTE)


def test_the_budget_of_extra_looks_ends():
    suspicious = played([1.1, 1.1, 1.1], CALM, 600)

    assert needs_extra_probe(suspicious, MINUTE)
    assert not needs_extra_probe(replace(suspicious, extras=0.5), MINUTE)
    assert not needs_extra_probe(replace(suspicious, in_a_row=EXTRAS_IN_A_ROW), MINUTE)


def test_a_long_pause_wipes_suspicion():
    suspicious = played([1.1, 1.1, 1.1], CALM, 600)
    later = advance(suspicious, 0.5, at(603 * 60 + 7200), MINUTE)

    assert suspicious.rise.small > 0
    assert later.rise.small == 0


def test_looks_each_five_minutes_need_fewer_answers():
    slow = sensitivity_for(300.0)
    calm = played(noisy(600), every_s=300, pace=slow)

    assert slow.threshold < MINUTE.threshold
    assert first_alarm(noisy(20, 1.5, 2), calm, 600, slow, 300) <= 6


def test_looks_each_hour_need_fewer_answers_still():
    """Twice as slow, in ten series each."""
    taken = {}
    for every_s in (600, 3600):
        seldom = sensitivity_for(float(every_s))
        calm = played(noisy(600), every_s=every_s, pace=seldom)
        counts = [first_alarm(noisy(60, 1.0, seed), calm, 600, seldom, every_s) or 99 for seed in range(2, 12)]
        taken[every_s] = sum(counts)

    assert taken[3600] < 0.8 * taken[600]


def test_looks_each_hour_are_wrong_less_than_once_in_a_month():
    alarms, hourly = 0, sensitivity_for(3600.0)
    for seed in range(20):
        series = None
        for number, one in enumerate(noisy(60 * 24, 0.7, seed)):
            before, series = series, advance(series, one, at(3600 * number), hourly)
            alarms += bool(series.alarm) and not (before and before.alarm)

    assert alarms <= 20


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (observation(), [(Measure.TOTAL, 0.5)]),
        (observation(ttft_s=0.2), [(Measure.TOTAL, 0.5), (Measure.FIRST, 0.2)]),
        (observation(Fault.TIMEOUT, latency_s=60.0), []),
        (observation("offline"), []),
    ],
)
def test_failures_never_enter(seen, expected):
    assert list(measures(seen)) == expected


seconds = some.floats(0.001, 120)


@given(seconds, some.integers(1, 400))
def test_what_is_always_the_same_is_never_slow(same, count):
    assert first_alarm([same] * count) is None


@given(some.floats(0.01, 120), some.floats(0.01, 1), some.integers(30, 200))
def test_a_drop_is_never_an_alarm(before, share, count):
    assert first_alarm([before] * count + [before * share] * 100) is None


@given(some.lists(seconds, max_size=60), some.lists(seconds, min_size=1, max_size=60))
def test_what_is_kept_as_text_is_small_and_resumes_exactly(before, after):
    now = played(before, CALM, 600)
    text = msgspec.json.encode(now)

    assert len(text) < 2000
    assert len(now.recent) <= RECENT
    assert played(after, msgspec.json.decode(text, type=Series), 700) == played(after, now, 700)


@given(some.lists(some.floats(0.3, 3), min_size=1, max_size=20), some.floats(1, 5))
def test_a_slower_last_answer_never_speaks_against_a_rise_unless_it_is_an_outlier(answers, times):
    assume(answers[-1] * times < 0.9 * exp(played(answers[:-1], CALM, 600).usual.level + OUTLIER))
    before = played(answers[:-1], CALM, 600)
    faster, slower = (
        advance(before, answers[-1] * factor, before.at + timedelta(minutes=1), MINUTE) for factor in (1, times)
    )

    assert slower.rise.small >= faster.rise.small
    assert slower.rise.large >= faster.rise.large


def test_a_clock_that_was_set_back_does_no_harm():
    now = reduce(lambda series, second: advance(series, 0.5, at(second), MINUTE), (0, -3600, 60, 7200), CALM)

    assert now.alarm is None
