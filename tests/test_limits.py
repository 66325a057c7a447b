"""Rate limits that fall, vanish, go up, or are used by somebody else."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.detect.limits import (
    LATEST,
    MOST,
    NONE,
    CeilingMove,
    Limits,
    accepted_findings,
    advance,
    ceiling_moves,
    findings,
    needs_confirmation,
)
from monitor.detect.target_memory import CEILING_S
from monitor.sentence.finding import describe_answer
from probes.answer.limits_in_headers import read_limits
from probes.model import Answer, Fault, Limit, Usage
from tests.conftest import CHAT, at, observation, sentences
from tests.rows import each_row

DAY_MIN = 1440


def told(*ceilings, fault=None, minute=0, left=None, unit="requests", **facts):
    """An answer that tells of these ceilings a minute."""
    limits = tuple(Limit(unit, 60.0, ceiling, left) for ceiling in ceilings) or None
    return observation(fault, 60 * minute, limits=limits, **facts)


def played(ceilings, limits=NONE, start=0, left=None, every_min=1.0):
    for number, ceiling in enumerate(ceilings):
        seen = () if ceiling is None else (ceiling,)
        limits = advance(limits, told(*seen, minute=start + number * every_min, left=left))
    return limits


def found(limits):
    return [(one.fault, one.rule) for one in findings(CHAT, limits)]


CALM = played([1000] * 60)
FALLEN = [(Fault.LIMIT_COLLAPSE, "limits/fallen")]


@each_row(
    ("readings", "expected"),
    [
        ([500] * 3, []),
        ([500] * 4, FALLEN),
        ([100, 100, 1000, 100, 100], FALLEN),
        ([100, 100, 1000, 100, 1000, 100], []),
        ([800] * 60, []),
        ([500] * 4 + [1000] * 3, FALLEN),
        ([500] * 4 + [1000] * 4, []),
        ([None] * 60, []),
        ([500, None, 500, None, 500, None, 500], FALLEN),
        ([2000] * 60, []),
        ([0] * 4, FALLEN),
    ],
)
def test_a_ceiling_has_fallen_when_four_of_five_readings_say_so(readings, expected):
    assert found(played(readings, CALM, 60)) == expected


@pytest.mark.parametrize(("every_s", "count"), [(15, 12), (45, 4), (60, 3)])
def test_another_pool_that_answers_for_minutes_is_no_fall_however_often_one_looks(every_s, count):
    low = played([500] * count, CALM, 60, every_min=every_s / 60)

    assert needs_confirmation(low)
    assert found(played([1000] * 5, low, 63)) == found(low) == []
    assert found(played([500], low, 63)) == FALLEN


def test_a_fall_to_half_is_told_at_the_fifth_reading():
    assert found(played([500] * 5, CALM, 60, every_min=CEILING_S / 60)) == FALLEN


def test_a_stray_reading_of_before_does_not_make_a_glitch_look_long():
    stray = played([500, 1000, 1000, 1000, 1000], CALM, 60)

    assert found(played([500] * 4, stray, 65, every_min=0.5)) == []


def test_it_is_told_with_before_after_and_when():
    (one,) = findings(CHAT, played([500] * 4, CALM, 60))

    assert describe_answer(one.words) == "requests per minute: 500 instead of 1,000"
    assert sentences(one.reasons) == (
        "the limit on requests per minute fell from 1,000 to 500 on 21 Nov 2026, 13:00 UTC",
        "4 of the last 5 answers say so",
    )
    assert (one.since, one.seen_at, one.model) == (at(3600), at(3780), CHAT.model)


@pytest.mark.parametrize(("after", "expected"), [(1, 1), (1000 / 60, 1), (10, 0), (999, 0), (0, 0)])
def test_a_ceiling_that_may_be_told_in_another_unit_is_told_with_that_doubt(after, expected):
    doubts = [
        reason
        for one in findings(CHAT, played([after] * 4, CALM, 60))
        for reason in sentences(one.reasons)
        if "perhaps the unit has changed" in reason
    ]

    assert len(doubts) == expected


def test_a_first_low_reading_asks_for_more_and_a_confirmed_one_does_not():
    assert not needs_confirmation(CALM)
    assert needs_confirmation(played([500], CALM, 60))
    assert not needs_confirmation(played([500] * 4, CALM, 60))


def test_a_ceiling_that_stays_down_is_usual_after_a_day():
    later = played([500] * (DAY_MIN + 10), CALM, 60)

    assert found(later) == []
    (moved,) = ceiling_moves(later).items()
    assert moved == (("requests", 60), CeilingMove(moved[1].at, before=1000, after=500))
    assert [sentences(one.reasons)[0].partition("; ")[2] for one in accepted_findings(CHAT, later)] == [
        "it has stayed that way and is the new baseline"
    ]
    assert found(played([200] * 4, later, 2000)) == FALLEN


def test_a_higher_tier_is_noted_quietly_and_is_the_reference_from_then_on():
    higher = played([5000] * 64, CALM, 60)

    (moved,) = ceiling_moves(higher).items()
    assert moved == (("requests", 60), CeilingMove(moved[1].at, before=1000, after=5000))
    assert found(higher) == list(accepted_findings(CHAT, higher)) == []
    assert found(played([1000] * 4, higher, 130)) == FALLEN


def test_an_upgrade_with_a_glitch_in_its_first_hour_is_noted_soon_after():
    higher = played([4000] * 20 + [400, 400] + [4000] * 120, CALM, 60)

    assert [moved.after for moved in ceiling_moves(higher).values()] == [4000]
    assert found(played([2000] * 4, higher, 210)) == FALLEN


def test_a_higher_tier_is_not_taken_for_another_pool_that_answers_while_it_is_noted():
    higher = played([4000] * 59 + [8000] * 4 + [4000] * 30, CALM, 60)

    assert [moved.after for moved in ceiling_moves(higher).values()] == [4000]
    assert found(higher) == []


@pytest.mark.parametrize("minutes", [1, 4, 10, 50])
def test_another_pool_with_a_higher_ceiling_is_no_upgrade_and_its_end_no_fall(minutes):
    glitch = played([2000] * minutes, CALM, 60)
    after = played([1000] * 60, glitch, 60 + minutes)

    assert [found(played([1000] * count, glitch, 60 + minutes)) for count in range(60)] == [[]] * 60
    assert ceiling_moves(after) == {}
    assert found(played([500] * 4, after, 180)) == FALLEN


def test_a_fall_that_is_told_no_more_ends_after_a_day_and_is_not_called_mended():
    fallen = played([500] * 4, CALM, 60)
    silent = advance(fallen, told(minute=63 + DAY_MIN - 1))
    over = advance(silent, told(minute=63 + DAY_MIN))

    assert (found(fallen), found(silent), found(over)) == (FALLEN, FALLEN, [])
    assert ceiling_moves(over) == {
        ("requests", 60): CeilingMove(at(60 * (63 + DAY_MIN)), 1000, 500, told_at=at(60 * 63))
    }
    assert [sentences(one.reasons) for one in accepted_findings(CHAT, over)] == [
        ("requests per minute: 500 instead of 1,000; not given since 21 Nov 2026, 13:03 UTC, so nobody knows",)
    ]
    assert found(played([1000] * 80, over, 64 + DAY_MIN)) == []


def test_a_day_of_refusals_says_nothing_of_a_ceiling():
    fallen = played([500] * 4, CALM, 60)

    assert FALLEN[0] in found(advance(fallen, told(fault=Fault.SERVER_ERROR, status=500, minute=63 + DAY_MIN)))


def test_use_by_others_that_is_told_no_more_ends_after_a_day():
    short = played([1000] * 4, played([1000] * 60, left=950), 60, left=20)

    assert found(short) == [(Fault.RATE_LIMITED, "limits/used-by-others")]
    assert found(advance(short, told(minute=63 + DAY_MIN))) == []


def test_two_pools_of_keys_behind_a_gateway_are_no_fall():
    rng = Random(4)
    limits, alarms = NONE, 0
    for number in range(3 * DAY_MIN):
        limits = advance(limits, told(rng.choice((1000, 600)), minute=number))
        alarms += bool(found(limits))

    assert alarms == 0


def test_each_limit_is_judged_by_itself():
    limits = NONE
    for minute in range(20):
        tokens = 90_000 if minute < 12 else 9_000
        both = (Limit("requests", 60.0, 50, None), Limit("tokens", None, tokens, None))
        limits = advance(limits, observation(None, 60 * minute, limits=both))

    (one,) = findings(CHAT, limits)
    assert describe_answer(one.words) == "tokens: 9,000 instead of 90,000"


@each_row(
    ("seen", "expected"),
    [
        (told(fault=Fault.LIMIT_COLLAPSE, status=429), "openai/limit_collapse"),
        (told(0, fault=Fault.RATE_LIMITED, status=429), "limits/zero"),
        (told(fault=Fault.RATE_LIMITED, status=429), "limits/vanished"),
        (told(fault=Fault.PERMISSION_DENIED, status=403), "limits/vanished"),
        (told(1000, fault=Fault.RATE_LIMITED, status=429), None),
        (told(fault=Fault.BLOCKED_BY_EDGE, status=403), None),
        (told(fault=Fault.QUOTA_EXHAUSTED, status=429), None),
        (told(fault=Fault.SERVER_ERROR, status=500), None),
        (told(fault=Fault.TIMEOUT, status=None), None),
        (observation("offline"), None),
        (told(), None),
    ],
)
def test_what_a_refusal_says_is_told_at_once(seen, expected):
    rules = [rule for _, rule in found(advance(CALM, replace(seen, at=at(3660))))]

    assert rules == ([expected] if expected else [])


def test_a_provider_that_never_told_of_limits_does_not_lose_them():
    assert found(advance(NONE, told(fault=Fault.RATE_LIMITED, status=429))) == []


def test_a_good_answer_ends_it_and_vanished_limits_must_be_told_again():
    gone = advance(CALM, told(fault=Fault.RATE_LIMITED, status=429, minute=61))
    zero = advance(CALM, told(0, fault=Fault.RATE_LIMITED, status=429, minute=61))

    assert found(advance(zero, told(minute=62))) == []
    assert found(advance(gone, told(minute=62))) == [(Fault.LIMIT_COLLAPSE, "limits/vanished")]
    assert found(advance(gone, told(1000, minute=62))) == []
    assert found(advance(gone, told(minute=62 + DAY_MIN))) == []


def test_whose_refusals_never_tell_of_limits_is_believed_once():
    back = advance(advance(CALM, told(fault=Fault.RATE_LIMITED, status=429, minute=61)), told(1000, minute=62))

    assert found(advance(back, told(fault=Fault.RATE_LIMITED, status=429, minute=63))) == []


def test_a_refusal_that_goes_on_is_dated_by_its_first():
    limits = CALM
    for minute in (61, 62, 63):
        limits = advance(limits, told(0, fault=Fault.RATE_LIMITED, status=429, minute=minute))

    (one,) = findings(CHAT, limits)
    assert (one.since, one.seen_at) == (at(61 * 60), at(63 * 60))


@pytest.mark.parametrize(
    ("usual", "left", "minutes", "expected"),
    [
        (950, 20, 3, []),
        (950, 20, 4, [(Fault.RATE_LIMITED, "limits/used-by-others")]),
        (950, 300, 60, []),
        (300, 20, 60, []),
    ],
)
def test_much_less_left_than_usual_tells_of_somebody_else(usual, left, minutes, expected):
    calm = played([1000] * 60, left=usual)

    assert found(played([1000] * minutes, calm, 60, left=left)) == expected


def test_one_busy_minute_is_not_somebody_else_however_often_one_looks():
    calm = played([1000] * 60, left=950)

    assert found(played([1000] * 12, calm, 60, left=20, every_min=0.2)) == []


def test_a_canary_that_uses_much_of_a_small_ceiling_blames_nobody():
    limits = NONE
    for minute in range(60):
        left = 900 if minute < 40 else 10
        one = (Limit("tokens", 60.0, 1000, left),)
        limits = advance(limits, observation(None, 60 * minute, limits=one, usage=Usage(80, 20)))

    assert found(limits) == []


def test_use_that_stays_so_high_is_usual_after_a_day():
    calm = played([1000] * 60, left=950)

    assert found(played([1000] * (DAY_MIN + 10), calm, 60, left=20)) == []


def test_an_answer_that_tells_nothing_changes_nothing():
    assert advance(CALM, told(minute=61)) is CALM


def test_made_up_names_do_not_pile_up():
    limits = NONE
    for number in range(100):
        limits = advance(limits, observation(None, number, limits=(Limit(f"unit{number}", None, 10, None),)))

    assert len(limits.ceilings) == MOST
    assert [one.unit for one in limits.ceilings.values()] == [f"unit{number}" for number in range(MOST)]


def test_a_ceiling_that_is_told_no_more_makes_room_after_a_month():
    limits = CALM
    for number in range(MOST):
        limits = advance(limits, told(10, minute=61, unit=f"unit{number}"))
    later = advance(limits, told(10, minute=40 * DAY_MIN, unit="new"))

    assert len(limits.ceilings) == MOST
    assert [one.unit for one in later.ceilings.values()] == ["new"]


@given(some.floats(0, 1e9), some.integers(1, 300))
def test_a_ceiling_that_stays_never_falls(ceiling, count):
    assert found(played([ceiling] * count)) == []


@given(some.lists(some.floats(1000, 1400), max_size=100))
def test_a_ceiling_above_its_reference_never_falls(readings):
    assert found(played(readings, CALM, 60)) == []


readings = some.lists(some.one_of(some.none(), some.floats(0, 1e6)), max_size=40)


@given(readings, readings)
def test_what_is_kept_as_text_is_small_and_resumes_exactly(before, after):
    now = played(before, left=10)
    text = msgspec.json.encode(now)

    assert len(text) < 1500
    assert all(len(one.latest) <= LATEST for one in now.ceilings.values())
    assert played(after, msgspec.json.decode(text, type=Limits), 50) == played(after, now, 50)


def test_a_refusal_is_kept_too():
    now = advance(CALM, told(0, fault=Fault.RATE_LIMITED, status=429, answer=Answer("x", "limit: 0")))

    assert msgspec.json.decode(msgspec.json.encode(now), type=Limits) == now


HOUR = [1000] * 60


@pytest.mark.parametrize(
    "before",
    [
        HOUR + [100] * 3 + [1000] * 7,
        HOUR + [100] * 3 + [None] * 7,
        [1000, 100] * 120,
        [1000, 600, 1000] * 80,
        ([1000] * 19 + [100]) * 24,
        HOUR + [5000],
        HOUR + [5000, 1000, 5000, 1000, 5000],
        HOUR + [5000] * 30,
        HOUR + [None] * DAY_MIN,
        HOUR + [750] * 600,
        [1000, 300] * 60 + HOUR * 2,
    ],
    ids=str,
)
def test_after_a_quarter_of_an_hour_without_another_reading_a_low_ceiling_is_told_whatever_came_before(before):
    known = played(before)
    told_of = []
    for minute in range(120):
        known = played([90], known, len(before) + minute)
        told_of.append(found(known) == FALLEN)

    assert all(told_of[15:])


@pytest.mark.parametrize("step", [0.95, 0.9, 0.8, 0.75])
@pytest.mark.parametrize("every_min", [5, 60, 720, DAY_MIN])
def test_a_ceiling_that_is_cut_in_small_steps_is_told_once_all_of_them_are_a_fall(step, every_min):
    limits, ceiling, minute = CALM, 1000.0, 60
    while ceiling >= 700:
        ceiling *= step
        limits = played([ceiling] * max(every_min, 16), limits, minute)
        minute += max(every_min, 16)

    assert found(limits) == FALLEN
    assert "fell from 1,000 to" in sentences(next(findings(CHAT, limits)).reasons)[0]


def test_a_drift_upward_is_no_step_down_when_it_ends():
    higher = played([1200] * DAY_MIN, CALM, 60)

    assert found(played([1000] * DAY_MIN, higher, 60 + DAY_MIN)) == []
    assert found(played([800] * 4, higher, 60 + DAY_MIN)) == FALLEN


def told_twice(plain, windowed, minute):
    """What a gateway's answer tells of whose two headers count the same requests, one of them without its window."""
    headers = {"x-ratelimit-limit-requests": str(plain), "ratelimit-policy": f'"all";q={windowed};w=60'}
    return observation(None, 60 * minute, limits=read_limits(headers, {}, at(0)))


@pytest.mark.parametrize(("plain", "windowed"), [(100, 1000), (1000, 100), (100, 100)])
def test_a_ceiling_that_two_headers_tell_falls_with_either(plain, windowed):
    limits = NONE
    for minute in range(60):
        limits = advance(limits, told_twice(1000, 1000, minute))
    for minute in range(60, 64):
        limits = advance(limits, told_twice(plain, windowed, minute))

    assert found(limits) == FALLEN


def test_two_headers_that_never_told_the_same_are_two_ceilings():
    limits = NONE
    for minute in range(64):
        limits = advance(limits, told_twice(100, 1000, minute))

    assert (len(limits.ceilings), found(limits)) == (2, [])
