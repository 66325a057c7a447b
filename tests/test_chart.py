import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.publish.chart import (
    HEIGHT,
    NARROWEST,
    STEP,
    TALL,
    WIDTH,
    Period,
    Usual,
    draw_chart,
    draw_paces,
    draw_readings,
    draw_steps,
    last_day,
    level,
    lines_at,
    scale,
    slope,
    stretches,
)
from monitor.publish.snapshot import PACE_STEP, PACE_STEPS, DayDurations
from monitor.slo.indicator import Reading
from tests.builders_page import NOW, paces
from tests.rows import each_row


def days(*durations):
    """Days in turn, each with its median and p95; None: none was measured."""
    first = NOW - timedelta(days=len(durations))
    both = [it or (None, None) for it in durations]
    return [DayDurations(first + timedelta(days=number), p50_s, p95_s) for number, (p50_s, p95_s) in enumerate(both)]


def points(path):
    """Follow a path of relative steps; return the places it goes by."""
    start, steps = re.match(r"M(\d+ \d+)l([-\d ]+)", path).groups()
    x, y = map(int, start.split())
    passed = [(x, y)]
    numbers = list(map(int, re.findall(r"-?\d+", steps)))
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        passed.append((x, y))
    return passed


def test_the_slowest_day_reaches_the_upper_edge_and_nothing_the_lower():
    drawn = draw_chart(days((1, 2), (1, 6), (0, 1)))
    assert (drawn.top, drawn.scale) == (6, 6)
    assert points(drawn.ground) == [(0, 18), (STEP, 1), (2 * STEP, 23)]
    assert points(drawn.line) == [(0, 23), (STEP, 23), (2 * STEP, HEIGHT - 1)]
    assert drawn.ground.endswith(f"V{HEIGHT}H0z")


@each_row(
    ("top", "upper"),
    [
        (0, 1.2),
        (1, 1.2),
        (1.01, 1.2),
        (1.3, 1.5),
        (2, 3),
        (3, 3),
        (3.1, 6),
        (7, 9),
        (9.1, 12),
        (12.1, 15),
        (0.04, 0.06),
    ],
)
def test_a_scale_ends_where_its_thirds_are_short_to_write(top, upper):
    assert scale(top) == pytest.approx(upper)


@given(st.floats(1e-6, 1e6))
def test_a_scale_reaches_all_and_wastes_less_than_half(top):
    assert top * (1 - 1e-6) <= scale(top) <= 2 * top


def test_a_day_without_an_answer_leaves_its_place_empty():
    drawn = draw_chart(days((1, 2), None, None, (1, 2)))
    assert [x for x, _ in points(drawn.line)] == [0, 3 * STEP]
    assert drawn.width == 3 * STEP


@pytest.mark.parametrize("known", [[], [None, None], [(1, 2)], [None, (1, 2), None]])
def test_one_day_is_no_line(known):
    assert draw_chart(days(*known)) is None


def test_answers_in_no_time_at_all_are_drawn():
    assert points(draw_chart(days((0, 0), (0, 0))).line) == [(0, HEIGHT - 1), (STEP, HEIGHT - 1)]


def test_a_month_takes_few_bytes():
    drawn = draw_chart(paces())
    assert len(drawn.ground + drawn.line) < 400


DAY = timedelta(days=1)
WEEK = Period(NOW - 7 * DAY, NOW)


def told(*readings):
    """Readings by the days ago."""
    return [Reading(NOW - days * DAY, value) for days, value in readings]


def corners(path):
    """Return the points of a path of lines, each run of them apart."""
    runs = []
    for run in path.split("M")[1:]:
        start, _, steps = run.replace("h0", "").partition("l")
        runs.append(points(f"M{start}l{steps}") if steps else [tuple(map(int, start.split()))])
    return runs


def test_a_day_of_durations_ends_with_the_present_step():
    for minute in range(60):
        now = NOW.replace(minute=minute)
        period = last_day(now)
        assert now < period.last <= now + PACE_STEP
        assert (period.last - period.first, period.last.minute % 20) == (DAY, 0)


@pytest.mark.parametrize(("gap", "runs"), [(2, ["M2", "M14"]), (3, ["M2"])])
def test_the_line_of_a_day_ends_where_answers_end(gap, runs):
    paces = (1.0, 1.0, None, 1.0, *[None] * (PACE_STEPS - 4))
    line = draw_paces(paces, last_day(NOW), 2.0, gap, None).line
    assert re.findall(r"M\d+", line) == runs
    assert re.findall(r"[ML](\d+)", line) == ["2", "6", "14"]


def test_one_answer_alone_is_a_dot():
    assert draw_paces((None, 1.0), last_day(NOW), 2.0, 2, None).line == f"M6 {TALL // 2}h0"


def test_of_a_day_without_any_answer_only_what_is_usual_is_drawn():
    drawn = draw_paces((None,) * PACE_STEPS, last_day(NOW), 2.0, 2, Usual(0.5, 1.0))
    assert (drawn.line, drawn.top) == ("", 0)
    assert drawn.paths == f'<path class="band" d="M0 60H{WIDTH}V90H0z"/>'


@pytest.mark.parametrize(("ago", "start"), [(timedelta(hours=6), 215), (timedelta(minutes=6), 286), (3 * DAY, 0)])
def test_what_is_usual_is_drawn_from_when_it_began_to_be_known(ago, start):
    drawn = draw_paces((1.0,) * PACE_STEPS, last_day(NOW), 2.0, 2, Usual(0.5, 1.0, NOW - ago))
    assert drawn.ground == f"M{start} 60H{WIDTH}V90H{start}z"


@given(st.lists(st.none() | st.just(0.0) | st.floats(1e-3, 1e6), max_size=PACE_STEPS))  # seconds, in milliseconds
def test_durations_stay_within_their_drawing(paces):
    upper_s = scale(max((one for one in paces if one is not None), default=0))
    line = draw_paces(paces, last_day(NOW), upper_s, 2, None).line
    for x, y in re.findall(r"(\d+) (-?\d+)", line):
        assert 0 <= int(x) <= WIDTH
        assert 0 < int(y) < TALL


def test_readings_are_joined_until_none_came_for_too_long():
    drawn = draw_readings(told((7, 10), (6, 5), (2, 5)), WEEK, 10, pause=3 * DAY)
    assert corners(drawn.line) == [[(0, 1), (41, 60)], [(206, 60)]]
    assert drawn.top == 10


def test_what_is_outside_the_time_of_a_chart_stands_at_its_edge():
    assert corners(draw_readings(told((9, 20), (-1, -5)), WEEK, 10, pause=30 * DAY).line) == [[(0, 1), (WIDTH, 119)]]


def test_readings_at_one_place_are_drawn_as_two_at_most():
    many = [Reading(NOW - DAY + timedelta(seconds=n), n % 7) for n in range(1000)]
    (line,) = corners(draw_readings(many, WEEK, 10, pause=DAY).line)
    assert len(line) == 2


def test_a_step_holds_until_the_next_and_the_last_but_one_until_the_last():
    drawn = draw_steps(told((7, 10), (6, 10), (5, 5), (0, 5)), WEEK, 10, pause=2 * DAY)
    assert corners(drawn.line) == [[(0, 1), (82, 1), (82, 60), (WIDTH, 60)]]


def test_a_step_that_was_told_no_more_ends():
    drawn = draw_steps(told((7, 10), (2, 10), (1, 10)), WEEK, 10, pause=2 * DAY)
    assert corners(drawn.line) == [[(0, 1), (82, 1)], [(206, 1), (247, 1)]]


@pytest.mark.parametrize(("hours", "width"), [(24, 41), (1, NARROWEST), (0, NARROWEST)])
def test_a_stretch_is_as_long_as_it_lasted_but_never_too_narrow_to_be_seen(hours, width):
    one = Period(NOW - 3 * DAY, NOW - 3 * DAY + timedelta(hours=hours))
    assert stretches([one], WEEK) == f"M165 0h{width}v{TALL}H165z"


def test_a_stretch_that_has_just_begun_is_within_the_drawing():
    start = WIDTH - NARROWEST
    assert stretches([Period(NOW, NOW)], WEEK) == f"M{start} 0h{NARROWEST}v{TALL}H{start}z"


@pytest.mark.parametrize(("ends", "line"), [(0, [(0, 1), (WIDTH, 119)]), (-7, [(0, 1), (WIDTH, 60)])])
def test_a_slope_reaches_as_far_as_its_chart(ends, line):
    start, end = told((7, 10), (ends, 0))
    assert corners(slope(start, end, WEEK, 10)) == [line]


def test_levels_and_grid_cross_the_whole_chart():
    assert level(5, 10) == f"M0 60h{WIDTH}"
    assert lines_at([NOW], WEEK) == f"M0 0h{WIDTH}M0 40h{WIDTH}M0 80h{WIDTH}M{WIDTH} 0v{TALL}"
