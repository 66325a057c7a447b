"""What goes on beside the beats."""

import pytest

from monitor.upkeep import PUBLISH_S, REST_S, rest_s


@pytest.mark.parametrize(("took_s", "rests_s"), [(0.0, REST_S), (0.05, REST_S), (0.5, 4.5), (60.0, PUBLISH_S)])
def test_a_page_that_is_costly_to_make_is_made_more_seldom(took_s, rests_s):
    assert rest_s(took_s) == rests_s
