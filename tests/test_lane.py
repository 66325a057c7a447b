"""Who knew first is drawn on one axis of time."""

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.diagnose.incident import Announcement
from monitor.diagnose.subject import Scope
from monitor.publish.chart import WIDTH
from monitor.publish.lane import draw_lanes, first_lanes
from monitor.sentence.translation import ENGLISH
from probes.model import Blame, Fault
from tests.builders_page import BEGAN, NOW, incident, past, shown


def outage(told_s=None, **changes):
    """An outage that we knew after 30 s, and its provider's page so many seconds after it began."""
    told = None if told_s is None else Announcement(BEGAN + timedelta(seconds=told_s), "Errors", None, "openai/page")
    changes = {"detected_at": BEGAN + timedelta(seconds=30), "announcement": told, **changes}
    return incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, **changes)


def lanes(one):
    return draw_lanes(one, NOW, ENGLISH)


def begins(lane):
    return int(re.match(r"M(\d+) ", lane.known)[1])


@pytest.mark.parametrize(
    ("told_s", "first", "words"),
    [
        (330, 0, "We knew 5 min before the provider's page"),
        (-570, 1, "The provider's page knew 10 min before us"),
        (30, None, "We and the provider's page knew at the same time"),
    ],
)
def test_who_knew_first_begins_first(told_s, first, words):
    drawn = lanes(outage(told_s))
    ours, theirs = map(begins, drawn.lanes)
    assert (ours < theirs, theirs < ours) == (first == 0, first == 1)
    assert drawn.words == words


def test_each_lane_names_its_time_and_lasts_until_now():
    ours, theirs = lanes(outage(330)).lanes
    assert (ours.name, ours.since) == ("Our view", "10:11:30")
    assert (theirs.name, theirs.since) == ("Its page", "10:16:30")
    for lane in (ours, theirs):
        start, length = map(int, re.fullmatch(r"M(\d+) 8h(\d+)", lane.known).groups())
        assert start + length == WIDTH


def test_from_the_first_failure_until_we_were_sure_our_lane_is_thin():
    ours, _ = lanes(outage(330)).lanes
    assert re.fullmatch(r"M\d+ 8h\d+", ours.sensed)
    assert ours.paths.startswith('<path class="sensed"')
    assert lanes(outage(330, detected_at=BEGAN)).lanes[0].sensed == ""


def test_a_page_that_says_nothing_so_far_has_an_empty_lane():
    _, theirs = lanes(outage()).lanes
    assert (theirs.since, theirs.paths) == ("nothing so far", "")
    assert lanes(outage()).words == ""


@pytest.mark.parametrize(
    "one",
    [
        outage(closed_at=NOW),
        outage(blamed=Blame.ACCOUNT),
        outage(signal=True),
        incident("openai/main", Fault.ACCOUNT_SUSPENDED, Scope.ACCOUNT),
    ],
    ids=["over", "not theirs", "a sign", "an account"],
)
def test_where_no_page_can_be_expected_to_tell_there_are_no_lanes(one):
    assert lanes(one) is None


def test_the_lanes_of_what_is_over_never_change():
    over = outage(330, closed_at=NOW - timedelta(minutes=5))
    assert draw_lanes(over, NOW, ENGLISH) == draw_lanes(over, NOW + timedelta(days=9), ENGLISH)


@pytest.mark.parametrize("told_s", [0, 86_400 * 3])
def test_what_began_a_second_ago_or_lasts_for_days_is_drawn(told_s):
    young = outage(told_s, opened_at=NOW, detected_at=NOW)
    for lane in lanes(young).lanes:
        assert 0 <= begins(lane) < WIDTH
    assert all(lanes(outage(told_s)).times)


def test_a_provider_shows_its_gravest_open_incident_or_else_the_latest_that_was_told():
    told = shown(outage(330, id="told", closed_at=NOW))
    untold, drill = past(3, subject="openai"), shown(outage(330, id="drill", drill=True))
    assert first_lanes([shown(outage(id="open"))], [told], NOW, ENGLISH).href == "incidents/open.html"
    assert first_lanes([drill], [untold, told], NOW, ENGLISH).href == "incidents/told.html"
    assert first_lanes([], [untold], NOW, ENGLISH) is None


def test_a_time_of_another_day_is_named_with_it():
    _, theirs = lanes(replace(outage(330), announcement=Announcement(NOW + timedelta(days=1), "E", None, "x"))).lanes
    assert theirs.since == "22 Nov, 10:34:00"
