import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from monitor.alert.case import Delivery, OutboxState, Step
from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish import front_page, incident_text
from monitor.publish.overview import CELLS, MOST_AHEAD, PLATES, ROWS, TROUBLES, UNITS, ahead, how_many_work
from monitor.publish.snapshot import CreditView, DurationView, SourceView, Substitute
from monitor.publish.status import Mark, current_state
from monitor.publish.view_model import Figure, LinkedText
from monitor.sentence.translation import ENGLISH, load_language
from probes.model import Fault
from probes.notice import UNTITLED, Impact, Notice, NoticePhase
from probes.phrase import Phrase
from tests.builders_page import (
    BEGAN,
    HOSTILE,
    NOW,
    account,
    days,
    four_accounts,
    incident,
    past,
    shown,
    sick,
    snapshot,
    target,
)
from tests.rows import each_row


def front(shot):
    return front_page.build_front(shot, current_state(shot))


def all_groups(shot):
    return front_page.group_accounts(shot, current_state(shot))


def only_account(shot):
    (provider,) = all_groups(shot)
    return provider.accounts[0]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ()),
        ("Wait.", (LinkedText("Wait."),)),
        (
            "Appeal at https://a.example/x?y=1, then wait.",
            (
                LinkedText("Appeal at "),
                LinkedText("https://a.example/x?y=1", "https://a.example/x?y=1"),
                LinkedText(", then wait."),
            ),
        ),
        (
            "(http://a.example/)",
            (LinkedText("("), LinkedText("http://a.example/", "http://a.example/"), LinkedText(")")),
        ),
        ("javascript:alert(1) data:text/html,x", (LinkedText("javascript:alert(1) data:text/html,x"),)),
    ],
)
def test_only_web_addresses_become_links(text, pieces):
    assert incident_text.split_links(text) == pieces


def test_nothing_of_a_text_is_lost_by_linking():
    assert "".join(piece.text for piece in incident_text.split_links(HOSTILE)) == HOSTILE


@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        (DurationView(), None),
        (DurationView(0.62, 0.58), Figure("0.62 s", "0.58 s", None)),
        (DurationView(4.2, 0.6), Figure("4.2 s", "0.60 s", "7.0 × usual")),
        (DurationView(None, 0.6), Figure("none", "0.60 s", None)),
        (DurationView(0.6, None), Figure("0.60 s", None, None)),
        (DurationView(0.6, 0.0), Figure("0.60 s", "0.00 s", None)),
    ],
)
def test_a_duration_is_set_against_the_usual_one(measure, figure):
    it = only_account(snapshot(account(targets=[target(ttft=measure)])))
    assert it.targets[0].ttft == figure


@pytest.mark.parametrize(
    ("measure", "figure"),
    [
        (DurationView(), None),
        (DurationView(1 / 54, 1 / 53), Figure("54 tokens/s", "53 tokens/s", None)),
        (DurationView(1 / 12, 1 / 54), Figure("12 tokens/s", "54 tokens/s", "slower than usual")),
        (DurationView(0.4, 0.4), Figure("2.5 tokens/s", "2.5 tokens/s", None)),
        (DurationView(0.0, 0.4), None),
    ],
)
def test_a_streams_pace_is_shown_beside_its_first_token(measure, figure):
    it = only_account(snapshot(account(targets=[target(canary="chat", token=measure)])))
    shown = {drawing.name: drawing.figure for drawing in it.targets[0].charts}

    assert shown.get("Throughput") == figure
    assert list(shown) == ["First token", *(["Throughput"] if figure else []), "Whole answer"]


def test_a_stream_that_is_down_has_no_pace_now():
    it = only_account(snapshot(sick("openai/main", Fault.INVALID_KEY)))
    (shown,) = [one.figure for one in it.targets[1].charts if one.name == "Throughput"]

    assert shown == Figure("none", "54 tokens/s", None)


def test_what_is_down_has_no_duration_now():
    it = only_account(snapshot(sick("openai/main", Fault.INVALID_KEY)))
    assert it.targets[1].ttft == Figure("none", "0.58 s", None, "1.1 s")


def well(number, provider="openai"):
    return [account(f"{provider}/{one}") for one in range(number)]


def plain(number):
    """As many, of each of which only its state is known: what is told of one by one takes long to put in words."""
    ids = (f"openai/{one}" for one in range(number))
    return [account(id, [target(id, "list", days=(), cells=(), latency_days=())]) for id in ids]


def drawn(*accounts):
    """How the front page shows the accounts of one provider: in full, as rows, as cells, folded."""
    page = front(snapshot(*accounts))
    (group,) = page.groups or (None,)
    if group is None:
        return len(page.plates), 0, 0, 0
    return 0, len(group.rows), len(group.cells), len(group.fold.cards) if group.fold else 0


@pytest.mark.parametrize(
    ("number", "shape"),
    [
        (PLATES, (PLATES, 0, 0, 0)),
        (PLATES + 1, (0, PLATES + 1, 0, 0)),
        (ROWS, (0, ROWS, 0, 0)),
        (ROWS + 1, (0, 0, ROWS + 1, 0)),
        (CELLS, (0, 0, CELLS, 0)),
        (CELLS + 1, (0, 0, 0, CELLS + 1)),
    ],
)
def test_the_more_accounts_there_are_the_less_room_has_each_that_works(number, shape):
    assert drawn(*well(number)) == shape


@pytest.mark.parametrize("number", [1, 9, 99, 999, 4999])
def test_one_account_that_is_ill_is_seen_among_however_many(number):
    ill = [account("openai/ill", state=State.SUSPECTED), sick("openai/down", Fault.INVALID_KEY)]
    fleet = front(snapshot(*ill, *plain(number))).fleet
    ends = [one.start + one.length for one in fleet.bands]
    assert min(one.length for one in fleet.bands) >= 0.005 * fleet.width
    assert all(end <= after.start + 1e-6 for end, after in zip(ends, fleet.bands[1:], strict=False))
    assert ends[-1] == pytest.approx(fleet.width)


@pytest.mark.parametrize(("number", "has_gap"), [(1, True), (9, True), (99, False)])
def test_only_between_large_bands_is_a_gap(number, has_gap):
    first, second = front(snapshot(sick("openai/down", Fault.INVALID_KEY), *well(number))).fleet.bands
    assert (first.start + first.length < second.start - 1e-6) is has_gap


@pytest.mark.parametrize(
    ("it", "said"),
    [
        (incident("", Fault.CONNECTION_FAILED, Scope.MONITOR), "Whose fault: 1 our own"),
        (incident("openai/main"), "Whose fault: 1 yours"),
        (incident("openai/main", Fault.LOW_BALANCE, signal=True), ""),
        (incident("openai/main", drill=True), ""),
    ],
)
def test_the_faults_are_counted_by_whom_their_rows_name(it, said):
    assert front(snapshot(*well(2), open_incidents=(shown(it),))).fleet.whose == said


def in_rail(*accounts):
    """The line of a provider in the list of all, beside another provider."""
    return front(snapshot(*accounts, account("anthropic/main"))).rail[0]


def test_the_bar_of_many_accounts_has_a_part_for_each_mark():
    ill = [account("openai/new", state=State.SUSPECTED), account("openai/dark", state=State.UNKNOWN)]
    drawing = in_rail(*well(UNITS), *ill, sick("openai/down", Fault.INVALID_KEY)).drawing
    assert re.findall(r'class="(\w+)" x="(\d+)" width="(\d+)"', drawing.paths) == [
        ("up", "0", "8"),
        ("unknown", "8", "1"),
        ("suspected", "9", "1"),
        ("down", "10", "1"),
    ]


@pytest.mark.parametrize(
    ("ill", "is_troubled"),
    [
        (sick("openai/ill", Fault.INVALID_KEY), True),
        (account("openai/ill", state=State.UNKNOWN), False),
        (account("openai/ill", state=State.SUSPECTED), False),
    ],
)
def test_a_provider_stands_out_only_where_something_is_known_to_be_wrong(ill, is_troubled):
    assert in_rail(*well(2), ill).is_troubled is is_troubled


@pytest.mark.parametrize(
    ("shot", "is_listed", "said"),
    [
        (snapshot(*well(ROWS), account("anthropic/main")), False, ""),
        (snapshot(*well(ROWS), sick("anthropic/main", Fault.INVALID_KEY)), True, "all 9 work"),
        (snapshot(*well(ROWS), account("anthropic/main"), open_incidents=(shown(),)), True, "all 9 work"),
    ],
)
def test_that_all_work_is_said_once(shot, is_listed, said):
    made = front(shot)
    assert bool(made.rail) is is_listed
    assert made.groups[0].words == said


@pytest.mark.parametrize("number", [ROWS + 1, CELLS + 1])
def test_where_nothing_is_known_of_anybody_no_account_needs_a_row_to_say_it(number):
    unseen = [account(f"openai/{n}", state=State.UNKNOWN) for n in range(number)]
    alone = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))
    (group,) = front(snapshot(*unseen, open_incidents=(alone,))).groups
    assert (group.words, group.rows) == (f"{number} not known", ())
    named = group.fold.cards if number > CELLS else group.cells
    assert [card.mark for card in named] == [Mark.UNKNOWN] * number
    assert group.fold is None or (group.fold.words, group.fold.pace) == (f"{number} not known", "")


def test_what_does_not_simply_work_always_has_a_row():
    ill = account("openai/ill", state=State.SUSPECTED)
    assert drawn(*well(CELLS), ill) == (0, 1, CELLS, 0)
    assert drawn(*well(500), ill) == (0, 1, 0, 0), "names fold only as far as a page can hold them"


def test_of_too_many_troubles_the_page_shows_the_gravest_and_counts_the_rest():
    ill = [account(f"openai/ill-{number}", state=State.SUSPECTED) for number in range(TROUBLES + 1)]
    (group,) = front(snapshot(*ill, sick("openai/down", Fault.INVALID_KEY), *well(1))).groups
    assert [it.name for it in group.rows[:2]] == ["down", "ill-0"]
    assert (len(group.rows), group.worse) == (TROUBLES, "2 more need a look")
    assert group.words == f"1 of {TROUBLES + 3} work, {TROUBLES + 1} being rechecked"


def test_what_works_and_is_at_risk_is_not_said_to_fail():
    signs = tuple(
        shown(incident(f"openai/{number}", Fault.LOW_BALANCE, id=str(number), signal=True))
        for number in range(TROUBLES + 1)
    )
    (group,) = front(snapshot(*well(TROUBLES + 2), open_incidents=signs)).groups
    assert (group.words, group.worse) == (f"all {TROUBLES + 2} work", "1 more needs a look")


DOWN, PARTLY, SUSPECTED, UNKNOWN, AT_RISK, UP = Mark


@each_row(
    ("marks", "said"),
    [
        ([UP], "works"),
        ([AT_RISK], "works"),
        ([DOWN], "does not work"),
        ([UNKNOWN], "is not known"),
        ([SUSPECTED], "is being rechecked"),
        ([PARTLY], "is partly down"),
        ([UP, AT_RISK], "all 2 work"),
        ([DOWN, DOWN], "none of 2 works"),
        ([UNKNOWN, SUSPECTED], "1 being rechecked, 1 not known"),
        ([UNKNOWN, UNKNOWN], "2 not known"),
        ([DOWN, PARTLY], "1 down, 1 partly down"),
        ([UP, DOWN], "1 of 2 work"),
        ([UP, UNKNOWN, DOWN], "1 of 3 work, 1 not known"),
    ],
)
def test_only_what_is_down_is_said_not_to_work(marks, said):
    assert how_many_work(marks, ENGLISH) == said


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"priority": 1}, "b"),
        ({"tags": ("production",)}, "b"),
        ({"tags": ("prod",)}, "b"),
        ({"tags": ("batch",)}, "a"),
        ({"priority": 4, "tags": ("production",)}, "a"),
    ],
)
def test_of_what_is_as_bad_the_most_important_stands_first(changes, first):
    accounts = [sick("openai/a", Fault.INVALID_KEY), sick("openai/b", Fault.INVALID_KEY, **changes), *well(9)]
    opened = tuple(
        shown(incident(f"openai/{name}", Fault.INVALID_KEY, id=name, opened_at=BEGAN + timedelta(seconds=at)))
        for at, name in enumerate("ab")
    )
    page = front(snapshot(*accounts, open_incidents=opened))
    assert page.groups[0].rows[0].name == first
    assert page.open[0].id == first
    assert f"openai/{first}" in page.detail[1].text


MINUTES_AGO = NOW - timedelta(minutes=9)


@pytest.mark.parametrize(
    ("gaps", "since", "said"),
    [
        ((), None, "100%"),
        (range(59), None, "100%"),
        (range(60), None, "100%"),
        (range(61), None, "100% since 24 Oct"),
        (range(89), MINUTES_AGO, "100% since 10:25"),
        (range(90), None, "no data"),
    ],
)
def test_a_share_of_thirty_days_says_from_when_it_was_watched(gaps, since, said):
    young = target(days=days(gaps=gaps), watched_since=since)
    assert only_account(snapshot(account(targets=[young]))).uptime == said


def test_an_account_of_which_a_sign_speaks_works_and_is_at_risk():
    sign = shown(incident("openai/main", Fault.LOW_BALANCE, signal=True))
    shot = snapshot(account("openai/main"), account("openai/b"), open_incidents=(sign,))
    page = front(shot)
    assert [(one.mark, one.number) for one in page.fleet.counts] == [(Mark.AT_RISK, 1), (Mark.UP, 1)]
    assert (page.open[0].mark, page.open[0].state, page.open[0].use) == (Mark.AT_RISK, "At risk", "Still works")
    assert page.headline.mark is Mark.AT_RISK


SOUND, TIED = Substitute("openai/b", NOW), Substitute("openai/c", NOW, Phrase("shares the card"))


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        (None, ""),
        ((), "No substitute known"),
        ((SOUND,), "Use openai/b"),
        ((TIED, SOUND), "Use openai/b"),
        ((TIED,), "Use openai/c, with caution"),
    ],
)
def test_the_line_of_an_incident_says_what_to_use_instead(instead, said):
    (row,) = front(snapshot(open_incidents=(shown(instead=instead),))).open
    assert row.use == said


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ((TIED, SOUND), "Use openai/b, seen working 0 s ago."),
        ((TIED,), "Use openai/c, seen working 0 s ago. Caution: shares the card."),
    ],
)
def test_the_first_sentence_recommends_what_has_no_caution_or_says_it(instead, said):
    page = front(snapshot(open_incidents=(shown(instead=instead),)))
    assert "".join(it.text for it in page.detail).endswith(said)


def test_where_all_is_well_the_last_end_is_told_and_leads_to_its_incident():
    part, wide = (past(2, subject="openai/main"), past(2))
    part = replace(part, incident=replace(part.incident, id="part", parent=wide.incident.id))
    drill = past(1)
    drill = replace(drill, incident=replace(drill.incident, drill=True))
    views = {"past_incidents": (drill, part, wide, past(9))}
    said = front(snapshot(account(), **views)).detail

    assert "".join(it.text for it in said) == "Nothing is open; the last incident ended 19 Nov, 10:53 UTC."
    assert [it.href for it in said if it.href] == [f"incidents/{wide.incident.id}.html"]
    assert front(snapshot(account())).detail == ()
    assert "Nothing is open" not in "".join(it.text for it in front(four_accounts(**views)).detail)
    unknown = account(targets=[target(seen_at=None)])
    assert "Nothing is open" not in "".join(it.text for it in front(snapshot(unknown, **views)).detail)


def test_what_is_known_to_come_stands_ahead_the_nearest_first():
    planned = Notice("1", "Maintenance", None, NoticePhase.SCHEDULED, Impact.NONE, (), NOW + timedelta(days=2))
    plan = replace(planned, planned=True)
    source = SourceView("openai/page", "OpenAI", "https://status.example", True, NOW, None, (plan, planned))
    credits = (CreditView("USD", NOW, "4", 4.0, 50.0, 1.5, None), CreditView("USD", NOW, "4", 4.0, 50.0, 300, None))
    shot = snapshot(account("openai/main", credits=credits), sources=(source,))
    assert [(one.when, one.words) for one in front(shot).ahead] == [
        ("22 Nov", "credit of openai/main ends at this pace"),
        ("23 Nov, 10:34 UTC", "OpenAI: Maintenance"),
    ]


@pytest.mark.parametrize(("number", "later"), [(MOST_AHEAD, ""), (MOST_AHEAD + 1, "1 more"), (40, "34 more")])
def test_of_much_that_is_ahead_the_nearest_is_shown_and_the_rest_counted(number, later):
    credits = [(CreditView("USD", NOW, "4", 4.0, 50.0, 1 + at / 4, None),) for at in range(number)]
    page = front(snapshot(*(account(f"openai/{at}", credits=its) for at, its in enumerate(credits))))
    assert [one.words.split()[2] for one in page.ahead] == [f"openai/{at}" for at in range(MOST_AHEAD)]
    assert page.later == later


@pytest.mark.parametrize(
    ("title", "readable", "said"),
    [
        ("Upgrade", True, ["OpenAI: Upgrade"]),
        (UNTITLED, True, ["OpenAI: eine Meldung ohne Titel"]),
        ("Upgrade", False, []),
    ],
)
def test_a_planned_maintenance_is_named_as_on_the_list_of_notices(title, readable, said):
    soon = Notice("1", title, None, NoticePhase.SCHEDULED, Impact.NONE, (), NOW + timedelta(days=2), planned=True)
    source = SourceView("openai/page", "OpenAI", "https://status.example", readable, NOW, None, (soon,))
    german = load_language("de")
    assert [one.words for one in ahead(snapshot(sources=(source,)), german)] == said


def test_an_account_is_held_to_its_worst_canary_over_each_window():
    bad = target("openai/main", "list", days=days(bad=[89, 80]))
    it = only_account(snapshot(account(targets=[bad, target("openai/main", days=days(gaps=range(60)))])))
    assert [(one.window, one.words, one.missed) for one in it.shares] == [
        ("24 h", "100%", False),
        ("7 d", "91.4%", True),
        ("30 d", "96%", True),
        ("90 d", "98.6%", True),
    ]
    assert (it.budget, it.overspent) == ("spent 4.0 times", True)


def test_what_was_never_looked_at_has_no_share_and_no_budget():
    blank = target(days=(), cells=(), availability=None)
    it = only_account(snapshot(account(targets=[blank])))
    assert {one.words for one in it.shares} == {"no data"}
    assert (it.budget, it.ninety.words) == ("", "No data")


@pytest.mark.parametrize(("gap", "said"), [(84, ""), (83, "spent 8.6 times")])
def test_an_error_budget_is_told_once_a_week_was_looked_at(gap, said):
    """Of seven days, one on which 60% was bad."""
    young = target(days=days(bad=[89], gaps=range(gap)))
    assert only_account(snapshot(account(targets=[young]))).budget == said


def test_an_ability_of_which_one_model_of_several_is_lost_has_trouble():
    models = [
        target(canary="chat", model="a"),
        target(canary="chat", model="b", state=State.DOWN),
        target(canary="list"),
    ]
    it = only_account(snapshot(account(targets=models)))
    assert [(one.name, one.mark, one.state) for one in it.abilities] == [
        ("chat", "partly", "Trouble"),
        ("list", "up", "Works"),
    ]


def test_an_account_names_the_open_incident_that_explains_it():
    (openai, anthropic) = all_groups(four_accounts())
    assert [it.incident for it in (*openai.accounts, *anthropic.accounts)] == [
        None,
        f"incidents/{incident().id}.html",
        None,
        None,
    ]


def test_advice_stands_with_the_account_while_no_incident_is_open():
    ill = sick("openai/main", Fault.INVALID_KEY, advice=(Phrase("Make a new key."),))
    assert only_account(snapshot(ill)).advice == (LinkedText("Make a new key."),)
    assert only_account(snapshot(ill, open_incidents=(shown(incident("openai/main")),))).advice == ()


@pytest.mark.parametrize(
    ("states", "mark", "said"),
    [
        ((State.UP, State.UP), Mark.UP, "Works"),
        ((State.UP, State.DOWN), Mark.PARTLY, "Partly down"),
        ((State.UP, State.UNKNOWN), Mark.UNKNOWN, "Not fully known"),
        ((State.UNKNOWN, State.UNKNOWN), Mark.UNKNOWN, "Not known"),
        ((State.SUSPECTED, State.UP), Mark.SUSPECTED, "Rechecking"),
        ((State.DOWN, State.DOWN), Mark.DOWN, "Down"),
    ],
)
def test_the_state_of_an_account_in_words(states, mark, said):
    it = only_account(snapshot(account(targets=[target(state=state) for state in states])))
    assert (it.mark, it.state) == (mark, said)


def test_a_target_that_is_no_longer_seen_says_so():
    it = only_account(snapshot(account(targets=[target(seen_at=NOW - timedelta(hours=2))]))).targets[0]
    assert (it.mark, it.state, it.late) == (Mark.UNKNOWN, "Not seen lately", True)


def test_real_and_grave_incidents_stand_first():
    drill = shown(incident("a", drill=True, opened_at=BEGAN - timedelta(days=9)))
    mild = shown(incident("b", Fault.SLOW, opened_at=BEGAN - timedelta(days=2)))
    old, new = shown(incident("c", opened_at=BEGAN - timedelta(days=1))), shown(incident("d"))
    rows = front(snapshot(open_incidents=(drill, mild, new, old))).open
    assert [row.id for row in rows] == [it.incident.id for it in (old, new, mild, drill)]


@pytest.mark.parametrize(
    ("sendings", "said", "undelivered"),
    [
        ((), "no message was due", False),
        ((("sent", 1),), "1 message delivered", False),
        ((("sent", 1), ("sent", 4)), "2 messages delivered", False),
        ((("sent", 1), ("waiting", 0)), "1 message on the way", False),
        ((("sent", 1), ("waiting", 2)), "1 of 2 messages not delivered", True),
        ((("failed", 9),), "1 of 1 message not delivered", True),
        ((("replaced", 2), ("sent", 1)), "1 message delivered", False),
    ],
)
def test_a_message_that_did_not_arrive_is_said(sendings, said, undelivered):
    told = tuple(Delivery("mail", Step.OPENED, OutboxState(state), NOW, tries) for state, tries in sendings)
    (row,) = front(snapshot(open_incidents=(shown(told=told),))).open
    assert (row.told, row.undelivered) == (said, undelivered)


@pytest.mark.parametrize(
    ("state", "tries", "said"),
    [
        ("sent", 1, "delivered"),
        ("sent", 3, "delivered after 3 tries"),
        ("replaced", 2, "replaced by the next one after 2 tries"),
        ("waiting", 0, "on the way"),
        ("waiting", 1, "to be retried after one try"),
        ("failed", 9, "failed after 9 tries"),
    ],
)
def test_the_timeline_says_how_a_message_went(state, tries, said):
    told = (Delivery("mail", Step.OPENED, OutboxState(state), NOW, tries),)
    assert incident_text.build_story(shown(told=told), NOW).events[-1].words == f"First message to mail: {said}"


def test_the_timeline_runs_from_the_first_failure_to_the_end():
    ended = shown(
        incident(closed_at=NOW),
        told=(
            Delivery("mail", Step.RESOLVED, OutboxState.SENT, NOW + timedelta(seconds=2), 1),
            Delivery("telegram", Step.OPENED, OutboxState.FAILED, BEGAN + timedelta(seconds=30), 4, "HTTP 502"),
        ),
    )
    assert [(event.at.words, event.words, event.error) for event in incident_text.build_story(ended, NOW).events] == [
        ("10:11:00", "First failure seen: the incident begins here", None),
        ("10:11:30", "First message to telegram: failed after 4 tries", "HTTP 502"),
        ("10:34:00", "Ended", None),
        ("10:34:02", "All-clear to mail: delivered", None),
    ]


def test_past_incidents_are_grouped_by_the_month_they_began_in():
    shot = snapshot(past_incidents=(past(40), past(3), past(24), past(9)))
    assert [(month.name, len(month.rows)) for month in incident_text.build_months(shot)] == [
        ("November 2026", 2),
        ("October 2026", 2),
    ]


def test_what_is_told_of_an_ended_incident_never_changes():
    ended = past(3)
    assert incident_text.build_story(ended, NOW) == incident_text.build_story(ended, NOW + timedelta(days=400))


def test_an_open_incident_gets_longer():
    later = replace(four_accounts(), made_at=NOW + timedelta(hours=1))
    assert [front(it).open[0].lasted for it in (four_accounts(), later)] == ["23 min", "1 h 23 min"]
