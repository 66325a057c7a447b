import re
from datetime import timedelta

import pytest

from monitor.publish.chart import HEIGHT, STEP, chart
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
    drawn = chart(days((1, 2), (1, 4), (0, 1)))
    assert drawn.top_s == 4
    assert points(drawn.ground) == [(0, 14), (STEP, 1), (2 * STEP, 20)]
    assert points(drawn.line) == [(0, 20), (STEP, 20), (2 * STEP, HEIGHT - 1)]
    assert drawn.ground.endswith(f"V{HEIGHT}H0z")


def test_a_day_without_an_answer_leaves_its_place_empty():
    drawn = chart(days((1, 2), None, None, (1, 2)))
    assert [x for x, _ in points(drawn.line)] == [0, 3 * STEP]
    assert drawn.width == 3 * STEP


@pytest.mark.parametrize("known", [[], [None, None], [(1, 2)], [None, (1, 2), None]])
def test_one_day_is_no_line(known):
    assert chart(days(*known)) is None


def test_answers_in_no_time_at_all_are_drawn():
    assert points(chart(days((0, 0), (0, 0))).line) == [(0, HEIGHT - 1), (STEP, HEIGHT - 1)]


def test_a_month_takes_few_bytes():
    drawn = chart(paces())
    assert len(drawn.ground + drawn.line) < 400
