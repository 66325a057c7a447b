"""A share says over which time it is: never over more than was watched."""

from datetime import timedelta

import pytest

from monitor.publish.uptime import uptime_shares, whole_windows
from monitor.publish.uptime_text import describe_shares
from monitor.sentence.translation import ENGLISH
from monitor.slo.indicator import Cell
from tests.builders_page import NOW, cells, days


def told(hours, every_day, since):
    shares, whole = uptime_shares(hours, every_day), whole_windows(since, hours, every_day)
    return {it.window: it.words for it in describe_shares(shares, whole, since, 0.99, NOW, ENGLISH)}


def young(ago):
    """The hours and days of what was first seen so long ago, which failed once in its last hour."""
    since = NOW - ago

    def seen(cells, step):
        return [Cell(one.at, ok=99, failed=1) if one.at + step > since else Cell(one.at) for one in cells]

    return told(seen(cells(), timedelta(hours=1)), seen(days(), timedelta(days=1)), since)


@pytest.mark.parametrize(
    ("ago", "windows"),
    [
        (timedelta(seconds=90), ["since 10:32"]),
        (timedelta(hours=20), ["since 20 Nov"]),
        (timedelta(hours=24), ["24 h", "since 20 Nov"]),
        (timedelta(days=8), ["24 h", "7 d", "since 13 Nov"]),
        (timedelta(days=40), ["24 h", "7 d", "30 d", "since 12 Oct"]),
        (timedelta(days=90), ["24 h", "7 d", "30 d", "90 d"]),
    ],
)
def test_no_window_is_longer_than_what_was_watched(ago, windows):
    assert young(ago) == dict.fromkeys(windows, "99%")


def test_what_was_never_watched_has_no_share():
    assert told(cells(gaps=range(24)), days(gaps=range(90)), None) == {"so far": "no data"}
