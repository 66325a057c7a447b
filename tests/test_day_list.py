"""The days of an account: what each says, and where it leads."""

import time
from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.publish.day_list import Day, day_list
from monitor.publish.history_bar import CellState
from monitor.publish.private_site import render
from monitor.publish.render import TEMPLATES
from monitor.sentence.translation import ENGLISH, PageLanguage, load_language
from monitor.slo.indicator import Cell
from probes.model import Fault
from tests.builders_page import NOW, account, days, incident, past, shown, snapshot, target

MAIN = "openai/main"
TODAY = NOW.replace(hour=0, minute=0, second=0)


def told(cells, *incidents, speech=ENGLISH):
    return [day for month in day_list(cells, incidents, speech).months for day in month.days]


def began(days_ago, **changes):
    return replace(past(days_ago, Fault.SERVER_ERROR, MAIN).incident, **changes)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/Los_Angeles"])
def test_the_days_stand_by_month_wherever_the_monitor_runs(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    months = day_list(days(), (), PageLanguage()).months
    monkeypatch.undo()
    time.tzset()
    assert [(month.name, len(month.days)) for month in months] == [
        ("August 2026", 8),
        ("September 2026", 30),
        ("October 2026", 31),
        ("November 2026", 21),
    ]


@pytest.mark.parametrize(
    ("cell", "kind", "words"),
    [
        (Cell(TODAY, ok=10), CellState.GOOD, "21 Nov: good"),
        (Cell(TODAY, ok=999, failed=1), CellState.GOOD, "21 Nov: good, 99.9%"),
        (Cell(TODAY, ok=40, failed=60), CellState.MIXED, "21 Nov: partly failing, 40%"),
        (Cell(TODAY, degraded=4), CellState.MIXED, "21 Nov: partly failing, 0%"),
        (Cell(TODAY, failed=4), CellState.DOWN, "21 Nov: down, 0%"),
        (Cell(TODAY, unknown=4), CellState.UNKNOWN, "21 Nov: not known"),
    ],
)
def test_a_day_says_what_it_was_and_how_much_of_it_was_good(cell, kind, words):
    assert told((cell,)) == [Day("2026-11-21", kind, words, "#day-2026-11-21")]


@pytest.mark.parametrize(
    ("gaps", "before", "months"),
    [
        ((), "", [("August 2026", 8), ("September 2026", 30), ("October 2026", 31), ("November 2026", 21)]),
        (range(80), "Nothing is known before 12 Nov", [("November 2026", 10)]),
        (range(89), "Nothing is known before 21 Nov", [("November 2026", 1)]),
        (range(90), "No data", []),
        (
            (0, *range(8, 38), 40),
            "Nothing is known before 25 Aug",
            [("August 2026", 7), ("September 2026", 0), ("October 2026", 31), ("November 2026", 21)],
        ),
    ],
)
def test_what_is_without_data_before_the_first_day_or_for_a_whole_month_is_one_line(gaps, before, months):
    made = day_list(days(gaps=gaps), (), ENGLISH)
    assert (made.before, [(month.name, len(month.days)) for month in made.months]) == (before, months)


def test_a_day_without_data_between_others_says_so():
    assert [day.words for day in told(days(gaps=(88,)))][-2:] == ["20 Nov: no data", "21 Nov: good"]


def test_an_incident_makes_its_day_known_without_any_look():
    assert day_list(days(gaps=range(90)), (began(3),), ENGLISH).before == "Nothing is known before 18 Nov"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("de", "Vor dem 12. Nov. ist nichts bekannt"),
        ("zh-Hans", "11月12日之前的情况一概不知"),
        ("he", "לפני 12 בנוב׳ לא ידוע דבר"),
    ],
)
def test_where_knowledge_begins_is_said_in_the_language_of_the_page(code, words):
    assert day_list(days(gaps=range(80)), (), load_language(code)).before == words


def test_the_page_of_an_account_shows_a_month_without_data_as_one_line():
    id = "openai/main"
    its = account(id, (target(id, days=days(gaps=range(8, 38))),))
    page = render(snapshot(its))["accounts/openai/main.html"].decode()
    assert '<h3>September 2026</h3><p class="small soft">no data</p>' in page


def test_a_day_is_said_in_the_language_of_the_page():
    speech = load_language("de", (TEMPLATES / "language",))
    assert [day.words for day in told((Cell(TODAY, ok=1, failed=1),), speech=speech)] == [
        "21. Nov.: teils fehlerhaft, 50 %"
    ]


def test_a_day_leads_to_the_incident_that_began_on_it_and_names_it():
    leads = {day.date: (day.href, day.words) for day in told(days(bad=[86]), began(3)) if "#" not in day.href}
    words = "18 Nov: partly failing, 40%; openai/main: server errors"
    assert leads == {"2026-11-18": ("../../incidents/20261118-past.html", words)}


def test_of_several_incidents_of_a_day_the_first_listed_leads():
    several = (began(3), began(3, id="later"), began(3, id="last"))
    assert [day.href for day in told(days(), *several) if "#" not in day.href] == ["../../incidents/20261118-past.html"]


def test_no_day_leads_to_a_drill():
    assert {day.href[0] for day in told(days(), began(3, drill=True))} == {"#"}


def test_the_days_of_two_accounts_are_their_own():
    """Equal days are made once, and accounts that differ share only those."""
    first, second = told(days(bad=[80])), told(days(bad=[81]))
    assert [one.date for one, other in zip(first, second, strict=True) if one != other] == ["2026-11-12", "2026-11-13"]


def test_an_incident_that_is_renamed_is_renamed_at_its_day():
    words = [
        day.words
        for fault in (Fault.TIMEOUT, Fault.OVERLOADED)
        for day in told(days(), incident(MAIN, fault, opened_at=NOW - timedelta(days=1)))
        if "#" not in day.href
    ]
    assert words == ["20 Nov: good; openai/main: no answer in time", "20 Nov: good; openai/main: overloaded"]


def test_the_page_escapes_what_a_day_says():
    id = "openai/\"'><script>&amp;"
    its = account(id, (target(id),))
    files = render(snapshot(its, open_incidents=(shown(incident(id)),)))
    (page,) = [content.decode() for name, content in files.items() if name.startswith("accounts/")]
    (day,) = [line for line in page.split("<li ") if line.startswith('id="day-2026-11-21"')]
    assert "account suspended" in day
    assert "<script" not in day
