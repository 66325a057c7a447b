"""The window of a rate limit is said as people say it, wherever it is said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from monitor import words
from monitor.detect.limits import NONE, advance, findings
from monitor.limit_window import LONGEST_S, SHORTEST_S, per
from monitor.publish.metrics import render_metrics
from monitor.publish.status import current_state
from monitor.sentence.finding import describe_answer
from probes.model import Limit
from tests.builders_page import account, snapshot
from tests.conftest import CHAT, observation
from tests.rows import each_row

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@each_row(
    ("window_s", "said"),
    [
        (1, "per second"),
        (MINUTE, "per minute"),
        (59.98, "per minute"),
        (HOUR, "per hour"),
        (3_599, "per hour"),
        (DAY, "per day"),
        (7 * DAY, "per week"),
        (30 * DAY, "per month"),
        (31 * DAY, "per month"),
        (2_629_800, "per month"),  # a twelfth of a year
        (365 * DAY, "per year"),
        (366 * DAY, "per year"),
        (0.1, "per 0.1 seconds"),
        (10, "per 10 seconds"),
        (100, "per 100 seconds"),
        (90 * MINUTE, "per 90 minutes"),
        (5 * HOUR, "per 5 hours"),
        (17_999, "per 5 hours"),
        (48 * HOUR, "per 2 days"),
        (28 * DAY, "per 28 days"),
        (90 * DAY, "per 90 days"),
        (10_000, "per 2.78 hours"),
    ],
)
def test_a_window_is_said_as_people_say_it(window_s, said):
    assert str(per(window_s)) == said


@pytest.mark.parametrize("window_s", [None, 0, 1e-9, -60, float("nan"), float("inf"), 1e15])
def test_what_nobody_counts_in_is_not_said(window_s):
    assert per(window_s) is None
    assert words.describe_limit(Limit("requests", window_s, 5, 3)) == "3 of 5 requests left"


@given(st.floats(SHORTEST_S, LONGEST_S))
def test_every_window_is_said_in_a_unit_that_people_know(window_s):
    assert re.fullmatch(
        r"per (?:second|minute|hour|day|week|month|year|[\d.]+ (?:second|minute|hour|day)s)", str(per(window_s))
    )


@pytest.mark.parametrize(("window_s", "said"), [(30 * DAY, "per month"), (5 * HOUR, "per 5 hours")])
def test_a_fall_and_the_page_call_a_limit_alike(window_s, said):
    limits = NONE
    for minute, ceiling in enumerate([1_000] * 60 + [500] * 4):
        told = (Limit("input_tokens", window_s, ceiling, None),)
        limits = advance(limits, observation(seconds=60 * minute, limits=told))
    (fall,) = findings(CHAT, limits)

    assert describe_answer(fall.words) == f"input tokens {said}: 500 instead of 1,000"
    assert words.describe_limit(Limit("input_tokens", window_s, 500, 3)) == f"3 of 500 input tokens {said} left"


def test_a_program_reads_the_seconds_of_a_month():
    its = account()
    limit = Limit("requests", 30 * DAY, 500, 3)
    shot = snapshot(replace(its, targets=tuple(replace(one, limits=(limit,)) for one in its.targets)))

    assert b'unit="requests",window_s="2592000"} 500' in render_metrics(shot, current_state(shot)).classic
