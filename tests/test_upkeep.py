"""What goes on beside the beats."""

import pytest

from monitor.upkeep import LONGEST_QUIET_S, PUBLISH_S, REST_S, quiet_s, rest_s
from monitor.view import FRESH_AT_LEAST_S


@pytest.mark.parametrize(("took_s", "rests_s"), [(0.0, REST_S), (0.05, REST_S), (0.5, 4.5), (60.0, PUBLISH_S)])
def test_a_page_that_is_costly_to_make_is_made_more_seldom(took_s, rests_s):
    assert rest_s(took_s) == rests_s


@pytest.mark.parametrize(("took_s", "quiet"), [(0.05, PUBLISH_S), (1.5, 45.0), (60.0, LONGEST_QUIET_S)])
def test_and_while_nothing_happens_still_more_seldom(took_s, quiet):
    assert quiet_s(took_s) == quiet


def test_even_the_largest_page_is_anew_before_it_is_called_stale():
    slow_s = 20
    assert rest_s(slow_s) + quiet_s(slow_s) + slow_s < FRESH_AT_LEAST_S
