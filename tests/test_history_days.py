"""The days of the history page, and what they come to in each window."""

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.publish import private_site, public_site
from monitor.publish.history_days import TroubleSpan, history_days
from monitor.sentence.translation import ENGLISH
from probes.model import Fault
from tests.builders_page import NOW, account, incident, past, shown, snapshot, target
from tests.builders_page import days as cells_of_days

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0, minute=0)


def span(id="one", ago=HOUR, lasts=HOUR / 2, whose="The provider", is_down=True):
    return TroubleSpan(id, NOW - ago, None if lasts is None else NOW - ago + lasts, whose, is_down)


def made(*spans, since=NOW - 30 * DAY):
    return history_days(spans, since, NOW, ENGLISH)


def days(it):
    return [day for month in it.days.months for day in month.days]


def totals(it):
    return [(one.window, one.incidents, one.trouble, one.whose) for one in it.totals]


def test_the_days_begin_with_the_first_of_which_anything_is_known():
    its = made()
    assert its.days.before == "Nothing is known before 22 Oct"
    assert [(one.date, one.kind, one.words) for one in days(its)[:: len(days(its)) - 1]] == [
        ("2026-10-22", "good", "22 Oct: good"),
        ("2026-11-21", "good", "21 Nov: good"),
    ]
    assert len(days(made(since=NOW - 100 * DAY))) == 90
    assert made(since=NOW - 100 * DAY).days.before == ""
    assert (made(since=None).days.before, days(made(since=None))) == ("No data", [])


@pytest.mark.parametrize("render", [private_site.render, public_site.render])
def test_a_history_page_says_what_it_knows_nothing_of_before_it_shows_days(render):
    first = target(watched_since=NOW - HOUR, days=cells_of_days(gaps=range(89)))
    page = render(snapshot(account(targets=(first,))))["history.html"].decode()
    assert page.count('id="day-') == 1, "an empty day fills a phone's screen as a full one does"
    assert '<div class="months"><p class="small soft">Nothing is known before 21 Nov</p>' in page


def test_a_day_tells_how_many_incidents_began_and_for_how_long_anything_was_wrong():
    both = made(
        span(), span("two", HOUR, HOUR, is_down=False), span("long", NOW - MIDNIGHT + HOUR, 2 * HOUR, is_down=False)
    )
    yesterday, today = days(both)[-2:]
    assert (today.kind, today.words, today.href) == (
        "down",
        "21 Nov: 2 incidents, trouble for 2 h",
        "incidents/one.html",
    )
    assert (yesterday.kind, yesterday.words) == ("mixed", "20 Nov: 1 incident, trouble for 1 h")
    assert yesterday.href == "incidents/long.html"


def test_a_window_tells_how_much_is_whose_fault_the_most_first():
    its = made(
        span("a", 2 * DAY, HOUR), span("b", 2 * DAY, 2 * HOUR, "Your account"), span("c", 20 * DAY, 3 * HOUR),
        span("d", 80 * DAY, HOUR, ""), span("e", 200 * DAY),
    )  # fmt: skip
    assert totals(its) == [
        ("7 d", "2 incidents", "trouble for 2 h", ("Your account: 2 h", "The provider: 1 h")),
        ("30 d", "3 incidents", "trouble for 5 h", ("The provider: 4 h", "Your account: 2 h")),
        ("90 d", "4 incidents", "trouble for 6 h", ("The provider: 4 h", "Your account: 2 h")),
    ]


def test_what_is_open_lasts_until_now_and_what_has_several_parts_is_one_incident():
    its = made(span("a", 2 * HOUR, HOUR), span("a", HOUR, None, is_down=False))
    assert totals(its)[0] == ("7 d", "1 incident", "trouble for 2 h", ("The provider: 2 h",))


def test_without_an_incident_nothing_lasted():
    assert totals(made())[0] == ("7 d", "0 incidents", "", ())


def told(files):
    """The totals and the days that have trouble, as the history page tells them."""
    page = files["history.html"].decode()
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    return plain, re.findall(r'class="(?:down|mixed)" aria-label="([^"]+)"', page)


def test_the_page_counts_the_incidents_that_it_lists_but_no_drill_warning_or_part():
    wide, part = past(3), past(3, subject="openai/main")
    part = replace(part, incident=replace(part.incident, id="part", parent=wide.incident.id))
    drill, sign = past(2), shown(incident("openai/main", Fault.LOW_BALANCE, id="sign", signal=True))
    drill = replace(drill, incident=replace(drill.incident, id="drill", drill=True))
    files = private_site.render(
        snapshot(account(), open_incidents=(sign,), past_incidents=(wide, part, drill, past(40)))
    )
    plain, sick = told(files)
    assert "7 d 1 incident , trouble for 20 min The provider: 20 min" in plain
    assert "90 d 2 incidents , trouble for 1 h 17 min" in plain
    assert sick == ["12 Oct: 1 incident, trouble for 57 min", "18 Nov: 1 incident, trouble for 20 min"]
    assert "90 d" not in told({"history.html": files["history/2026-11.html"]})[0]


@pytest.mark.parametrize("render", [private_site.render, public_site.render])
def test_no_incident_is_denied_beside_one_that_is_open(render):
    none, one = snapshot(account()), snapshot(account(), open_incidents=(past(3, subject="openai"),))
    assert ["None on record." in told(render(it))[0] for it in (none, one)] == [True, False]


@pytest.mark.parametrize("days_ago", [1, 40])
def test_the_public_page_tells_of_the_outages_that_it_lists(days_ago):
    view = past(days_ago, subject="openai")
    plain, sick = told(public_site.render(snapshot(account(), past_incidents=(view,))))
    assert f"90 d 1 incident , trouble for {17 + days_ago} min The provider: {17 + days_ago} min" in plain
    assert len(sick) == 1
    assert f"{17 + days_ago} min" in sick[0]
