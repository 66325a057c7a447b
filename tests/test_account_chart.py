"""What is known of an account over time is drawn, and said in words beside it."""

from datetime import timedelta

import pytest

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.account_chart import (
    MOST_CEILINGS,
    MOST_NAMED,
    MOST_SIBLINGS,
    Scene,
    balance_drawings,
    ceiling_drawings,
    day_drawings,
    sibling_paces,
)
from monitor.publish.front_page import group_accounts
from monitor.publish.incident_text import marked_incidents
from monitor.publish.snapshot import PACE_STEPS, CreditView, DurationView
from monitor.publish.status import Mark, current_state
from monitor.sentence.translation import ENGLISH
from monitor.slo.indicator import Reading
from probes.model import Fault, Limit
from tests.builders_page import (
    BEGAN,
    NOW,
    account,
    ceiling,
    day_of_paces,
    four_accounts,
    incident,
    past,
    shown,
    snapshot,
    target,
)

DAY = timedelta(days=1)
SCENE = Scene(NOW, ENGLISH)


def days(view=None, mark=Mark.UP, incidents=()):
    return list(day_drawings(view or target(), mark, Scene(NOW, ENGLISH, incidents)))


def test_a_day_shows_the_first_token_and_the_whole_answer_with_what_is_usual_under_them():
    first, whole = days()
    assert (first.name, first.figure.now, first.figure.usual) == ("First token", "0.62 s", "0.58 s")
    assert (whole.name, whole.figure.now, whole.figure.slow) == ("Whole answer", "1.9 s", "3.2 s")
    assert first.words == "0.53 s to 0.67 s in the last 24 hours"
    assert first.axes.ticks == ("1.2 s", "0.8", "0.4", "0")
    assert first.axes.times == ("10:40", "16:40", "22:40", "04:40", "now")
    assert first.chart.ground
    assert first.chart.line.count("M") == 1


def test_what_does_not_stream_has_no_first_token():
    (only,) = days(target(canary="list"))
    assert only.name == "Whole answer"


def test_without_an_answer_only_what_is_usual_is_drawn_and_that_is_said():
    first, _ = days(target(state=State.DOWN, ttfts=(None,) * PACE_STEPS), Mark.DOWN)
    assert (first.figure.now, first.words) == ("none", "no answer in the last 24 hours")
    assert (first.chart.line, bool(first.chart.ground)) == ("", True)


def test_a_line_ends_where_answers_ended():
    first, _ = days(target(ttfts=day_of_paces(answered=40)))
    assert first.chart.line.rpartition("L")[2].startswith("158 ")


@pytest.mark.parametrize(("interval_s", "runs"), [(300, 2), (3600, 1)])
def test_a_line_goes_on_over_what_nobody_asked(interval_s, runs):
    ttfts = (*day_of_paces()[:30], None, None, None, *day_of_paces()[33:])
    first, _ = days(target(ttfts=ttfts, interval_s=interval_s))
    assert first.chart.line.count("M") == runs


def test_without_a_week_behind_it_there_is_no_band():
    first, _ = days(target(ttft=DurationView(0.6)))
    assert first.chart.ground == ""


def test_of_an_account_that_is_new_the_band_is_as_old_as_the_account():
    since_three_hours = target(watched_since=NOW - timedelta(hours=3))
    assert {one.chart.ground.partition(" ")[0] for one in days(since_three_hours)} == {"M251"}
    assert {one.chart.ground.partition(" ")[0] for one in days()} == {"M0"}


def test_incidents_are_marked_named_and_linked_the_latest_first():
    before = incident(id="before", opened_at=NOW - 5 * timedelta(hours=1), closed_at=NOW - 4 * timedelta(hours=1))
    first, _ = days(incidents=(before, incident(id="open")))
    assert first.chart.marked.count("M") == 2
    assert [(one.text, one.href) for one in first.marked] == [
        ("since 10:11 UTC: account suspended", "incidents/open.html"),
        ("05:34 UTC to 06:34 UTC: account suspended", "incidents/before.html"),
    ]


def test_of_many_incidents_some_are_named_and_the_rest_counted():
    many = tuple(incident(id=f"{n}", opened_at=BEGAN - timedelta(minutes=n)) for n in range(MOST_NAMED + 2))
    first, _ = days(incidents=many)
    assert len(first.marked) == MOST_NAMED + 1
    assert (first.marked[-1].text, first.marked[-1].href) == ("2 more", None)
    assert first.chart.marked.count("M") == MOST_NAMED + 2


def marked(*views, since=NOW - DAY):
    return marked_incidents(snapshot(open_incidents=views), since)


def test_marked_is_what_hurt_the_account():
    wide = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, id="wide", targets=("openai/main/chat",))
    its = {
        "part": incident("openai/main", id="part", parent="wide"),
        "drill": incident("openai/main", id="drill", drill=True),
        "credit": incident("openai/main", Fault.LOW_BALANCE, id="credit", signal=True),
        "slow": incident("openai/main", Fault.SLOW, id="slow", signal=True),
        "long ago": incident("openai/main", id="ago", closed_at=NOW - 2 * DAY),
    }
    found = marked(shown(wide), *map(shown, its.values()))
    assert [one.id for one in found["openai/main"]] == ["wide", "slow"]


def test_what_an_incident_once_covered_is_marked_too():
    assert "openai/b" in marked(shown(incident("openai/a", covered=("openai/b/chat",))))


def siblings(*accounts):
    shot = snapshot(*accounts)
    (group,) = group_accounts(shot, current_state(shot))
    return sibling_paces(group.accounts, shot.accounts_by_id(), lambda id: SCENE)


def test_siblings_share_one_scale():
    slow, quick = (
        account(f"openai/{n}", [target(f"openai/{n}", ttfts=day_of_paces(s))]) for n, s in (("a", 5), ("b", 1))
    )
    drawn, more = siblings(slow, quick)
    assert {one.drawing.chart.scale for one in drawn} == {6}
    assert ([one.name for one in drawn], more) == (["a", "b"], 0)


def test_where_one_streams_those_are_compared_that_do():
    plain = account("openai/plain", [target("openai/plain", "list", latencies=day_of_paces())])
    assert [one.drawing.name for one in siblings(plain)[0]] == ["Whole answer"]
    assert [one.name for one in siblings(plain, account("openai/a"))[0]] == ["a"]


def test_of_many_siblings_the_rest_is_counted():
    drawn, more = siblings(*(account(f"openai/{n}") for n in range(MOST_SIBLINGS + 3)))
    assert (len(drawn), more) == (MOST_SIBLINGS, 3)


def test_a_ceiling_says_what_it_was_before_and_until_when():
    one = target(limits=(Limit("tokens", 60, 200_000, 7),), ceilings=(ceiling(200_000, 150_000, 12),))
    (drawn,) = ceiling_drawings(account(targets=[one]), SCENE)
    assert (drawn.name, drawn.figure.now) == ("Tokens per minute", "200,000")
    assert drawn.figure.aside == "was 150,000 until 9 Nov"
    assert drawn.words == "150,000 to 200,000 since 23 Oct"
    assert drawn.axes.ticks == ("300,000", "200,000", "100,000", "0")
    assert drawn.chart.line.count("M") == 1


def test_a_ceiling_that_never_moved_says_so():
    first, _ = ceiling_drawings(account(), SCENE)
    assert (first.figure.now, first.figure.aside, first.words) == ("500", "", "unchanged since 23 Oct")


def test_the_line_of_a_ceiling_ends_when_it_was_last_told():
    told = (Reading(NOW - 20 * DAY, 500), Reading(NOW - 15 * DAY, 500))
    (drawn,) = ceiling_drawings(
        account(targets=[target(limits=(Limit("requests", 60, 500, 1),), ceilings=(told,))]), SCENE
    )
    assert drawn.chart.line.endswith("l48 0")


@pytest.mark.parametrize("limit", [Limit("requests", 60, None, 3), Limit("requests", 60, 500, 3)])
def test_a_ceiling_that_was_not_told_is_not_drawn(limit):
    assert list(ceiling_drawings(account(targets=[target(limits=(limit,), ceilings=((),))]), SCENE)) == []


def test_of_many_ceilings_the_first_are_drawn_each_once():
    units = ("requests", "tokens", "input-tokens")
    limits = tuple(Limit(unit, 60, 10, 9) for unit in units)
    both = [target(canary=canary, limits=limits, ceilings=(ceiling(10),) * 3) for canary in ("chat", "list")]
    assert len(list(ceiling_drawings(account(targets=both), SCENE))) == MOST_CEILINGS


def credit(left=40.0, days_left=20.0, floor=None, points=((20, 80.0), (10, 60.0)), unit="USD"):
    readings = tuple(Reading(NOW - day * DAY, value) for day, value in points)
    return CreditView(unit, NOW, "", left, None, days_left, None, floor, "", readings)


def test_credit_is_drawn_with_its_end_at_this_pace():
    (drawn,) = balance_drawings([credit(floor=10.0)], SCENE)
    assert (drawn.figure.now, drawn.figure.aside) == ("40 USD", "20 days at this pace")
    assert drawn.words == "40 to 80 since 1 Nov; used up about 11 Dec at this pace; low below 10 USD"
    assert drawn.axes.times == ("1 Nov", "21 Nov", "11 Dec")
    assert drawn.chart.ahead.startswith("M144 ")
    assert drawn.chart.least


def test_credit_whose_pace_is_not_known_has_no_end():
    (drawn,) = balance_drawings([credit(days_left=None)], SCENE)
    assert (drawn.figure.aside, drawn.chart.ahead, drawn.chart.least) == ("", "", "")
    assert drawn.axes.times[-1] == "21 Nov"


@pytest.mark.parametrize("days_left", [1e3, 1e9, 0.0])
def test_an_end_that_is_far_away_or_there_already_does_not_stretch_the_chart(days_left):
    (drawn,) = balance_drawings([credit(days_left=days_left)], SCENE)
    assert drawn.chart.period.last <= NOW + 20 * DAY
    assert ("used up" in drawn.words) == (days_left == 1e3)
    assert (drawn.figure.aside != "") == (days_left == 1e3)


@pytest.mark.parametrize(("left", "points"), [(0.0, ()), (-3.0, ((2, 1.0),)), (5.0, ())])
def test_credit_that_is_used_up_or_was_told_once_is_drawn(left, points):
    (drawn,) = balance_drawings([credit(left, None, points=points)], SCENE)
    assert drawn.chart.line.startswith("M")


def test_credit_without_an_amount_is_not_drawn():
    assert list(balance_drawings([credit(None)], SCENE)) == []


def test_few_accounts_all_have_the_columns_that_one_needs():
    shot = four_accounts()
    (openai, anthropic) = group_accounts(shot, current_state(shot))
    assert all(card.paces and card.ceilings and not card.balances for card in (*openai.accounts, *anthropic.accounts))


def test_a_past_provider_outage_is_marked_while_it_is_of_the_last_day():
    ended = past(0, subject="openai/main")
    assert "openai/main" in marked_incidents(snapshot(past_incidents=(ended,)), NOW - DAY)
    assert marked_incidents(snapshot(past_incidents=(past(3, subject="openai/main"),)), NOW - DAY) == {}
