import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.publish.chart import HEIGHT, STEP, draw_chart, scale
from monitor.publish.snapshot import DayDurations
from tests.builders_page import NOW, paces


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


@pytest.mark.parametrize(
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
