"""Worlds with a known truth: what holds in each of them, and that the measure itself measures."""

from datetime import timedelta
from functools import cache

import pytest
from msgspec.structs import replace

from benchmarks.diagnosis import GOALS, TABLES, page
from benchmarks.diagnosis_answer import faces
from benchmarks.diagnosis_play import NOON, Look, Part, Played, Poll, Sent, play
from benchmarks.diagnosis_score import First, Sight, score, sentences
from benchmarks.diagnosis_world import COMPANIES, GATEWAY, KINDS, Cause, Course, Hit, Reading, Spell, setting
from monitor.alert.case import Case, Step
from monitor.alert.text import MessageText
from monitor.diagnose.incident import Incident, Severity
from monitor.diagnose.subject import Scope, read_subject
from probes.model import Blame, Confidence, Fault

TOLD_RIGHTLY = {
    "account lost": 231,
    "account may not chat": 233,
    "account lost a model": 119,
    "blocked by the edge": 146,
    "started in a loss": 260,
    "loss, and restarted": 101,
    "alone: provider overloaded": 167,
    "alone: account lost": 107,
    "alone: blocked by the edge": 117,
    "page lies, account lost": 136,
    "credit used up": 295,
    "creeping overload": 189,
}
"""A small world of each kind, by its seed."""
NOTHING = {
    "nothing wrong": 132,
    "page lies, nothing wrong": 266,
    "short blip": 234,
    "short blips": 292,
    "short time offline": 115,
}
OFFLINE = {
    "offline": (268, ["GAP"]),
    "offline, and so the channel": (178, ["GAP"]),
    "offline for long": (104, ["DOWN", "RESOLVED"]),
    "loss while offline": (291, ["DOWN", "GAP"]),
    "overload, and offline meanwhile": (200, ["DOWN", "GAP", "RESOLVED"]),
}


@cache
def seen(kind, seed):
    """A world that was played, once for all that look at it."""
    return play(kind, seed)


@pytest.mark.parametrize("kind", TOLD_RIGHTLY)
def test_the_first_message_of_a_cause_is_right_and_there_is_one_more_at_its_end(kind):
    marks = score(*seen(kind, TOLD_RIGHTLY[kind]))

    assert [one.first for one in marks.told] == [First.RIGHT]
    assert [one.messages for one in marks.told] <= [2]
    assert [one.downtime for one in marks.told] in ([True], [None])
    assert (marks.needless, marks.untrue, marks.untrue_by_looks, marks.unread, marks.after) == ((), (), (), (), ())


@pytest.mark.parametrize("kind", NOTHING)
def test_nothing_is_told_where_nothing_is_to_be_told(kind):
    made, played = seen(kind, NOTHING[kind])

    assert [sent.text.title for sent in played.sent] == []
    assert len(played.looks) > 15 * len(made.config.accounts)


@pytest.mark.parametrize("kind", OFFLINE)
def test_being_offline_blames_nobody_and_is_told_once_or_at_its_end_again_if_it_lasts(kind):
    seed, heads = OFFLINE[kind]
    made, played = seen(kind, seed)
    marks = score(made, played)

    assert [sent.text.title.partition("]")[0][1:] for sent in played.sent] == heads
    assert {one.first for one in marks.told} == {First.RIGHT}
    assert not marks.blamed_offline
    assert (marks.needless, marks.untrue, marks.untrue_by_looks, marks.unread, marks.after) == ((), (), (), (), ())


def test_what_began_while_nothing_could_be_reached_is_dated_by_when_something_could():
    made, played = seen("loss while offline", OFFLINE["loss while offline"][0])
    road, loss = (case.incident for case in played.cases.values())

    assert loss.scope is Scope.ACCOUNT
    assert abs(loss.opened_at - road.closed_at) < timedelta(seconds=1)  # whichever of them was answered first
    assert NOON + timedelta(seconds=made.causes[0].end_s) <= road.closed_at


def test_a_world_is_the_same_each_time():
    kind = "alone: provider overloaded"
    (_, first), (_, second) = seen(kind, TOLD_RIGHTLY[kind]), play(kind, TOLD_RIGHTLY[kind])

    assert first.looks == second.looks
    assert [(one.at_s, one.text) for one in first.sent] == [(one.at_s, one.text) for one in second.sent]


def test_a_monitor_that_was_away_did_not_look_meanwhile():
    made, played = seen("loss, and restarted", TOLD_RIGHTLY["loss, and restarted"])
    since_s, until_s = made.away

    assert not [one for one in played.looks if since_s < one.at_s < until_s]
    assert [one for one in played.looks if one.at_s > until_s]


# The measure itself


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_makes_worlds_in_which_something_can_be_seen(kind, tmp_path):
    for seed in range(200, 206):
        made = setting(kind, seed, tmp_path)
        assert len(made.causes) == len(KINDS[kind].plots)
        assert 1 <= len(made.config.accounts) <= 56 + 7 * 3
        for cause in made.causes:
            assert cause.spells.keys() <= made.config.watches.keys()
            assert cause.begin_s < cause.end_s < made.ends_s
            assert cause.readings


@pytest.mark.parametrize("provider", [*COMPANIES, GATEWAY])
def test_every_fault_of_the_worlds_has_a_face_at_every_provider(provider):
    for fault in {fault for kind in KINDS.values() for plot in kind.plots for fault in plot.faults}:
        assert all(face.fault is fault for face in faces(provider, fault))


def test_a_spell_that_creeps_rises_from_nothing_to_all():
    spell = Spell(100, 200, creeps=True)

    assert [spell.chance(at_s) for at_s in (99, 100, 130, 160, 199, 200)] == [0, 0, 0.5, 1, 1, 0]


ACCOUNTS = ("openai/a00", "openai/a01", "openai/a02")


def world(tmp_path, *, lost=ACCOUNTS[:1], told=None, looks=(), polls=(), blame=Blame.ACCOUNT):
    """Three accounts of which some are lost from 100 s to 1000 s, and one message about it at 200 s."""
    made = setting("account lost", 130, tmp_path)
    assert (list(made.config.accounts)[:3], made.siblings) == ([*ACCOUNTS], 3), "another seed makes such a world now"
    ids = [id for id, watch in made.config.watches.items() if watch.target.account in lost]
    readings = (Reading(Scope.ACCOUNT, lost[0], frozenset({blame})),)
    cause = Cause(
        Hit.ACCOUNT, Fault.INVALID_KEY, Course.STEADY, blame, readings, {id: (Spell(100, 1000),) for id in ids}
    )
    made = replace(made, causes=(cause,))
    sent = [Sent(200.0, MessageText("t", "b", "s"), (Part(Step.OPENED, told),))] if told else []
    cases = {told.id: Case(told)} if told else {}
    return made, Played(list(looks), sent, list(polls), {}, cases)


def incident(*reasons, **facts):
    its = {
        "id": "1",
        "about": read_subject(Scope.ACCOUNT, "openai/a00"),
        "fault": Fault.INVALID_KEY,
        "severity": Severity.CRITICAL,
        "confidence": Confidence.HIGH,
        "opened_at": NOON + timedelta(seconds=105),
        "closed_at": NOON + timedelta(seconds=1010),
        "reasons": reasons,
        "targets": ("openai/a00/list",),
    }
    return Incident(**its | facts)


def bad(target, at_s=105.0):
    return Look(target, at_s, at_s + 0.2, Fault.INVALID_KEY, 0)


def good(target, at_s=105.0):
    return Look(target, at_s, at_s + 0.2)


@pytest.mark.parametrize(
    ("told", "first"),
    [
        (incident(), First.RIGHT),
        (incident(about=read_subject(Scope.ACCOUNT, "openai/a01")), First.SCOPE),
        (incident(about=read_subject(Scope.PROVIDER, "openai")), First.SCOPE),
        (incident(blamed=Blame.PROVIDER), First.BLAME),
        (incident(blamed=Blame.UNKNOWN), First.UNDECIDED),
    ],
)
def test_a_first_message_is_right_only_with_scope_subject_and_blame(tmp_path, told, first):
    marks = score(*world(tmp_path, told=told))

    assert [one.first for one in marks.told] == [first]


def test_what_is_heard_only_when_it_is_over_is_a_first_message_too(tmp_path):
    made, played = world(tmp_path, told=incident())
    played.sent = [Sent(1100.0, MessageText("t", "b", "s"), (Part(Step.RESOLVED, incident()),))]

    assert score(made, played).told[0].first is First.RIGHT


def test_what_no_look_could_see_is_not_missed(tmp_path):
    looks = [bad("openai/a00/list", at_s) for at_s in (105, 120, 180)]

    assert score(*world(tmp_path)).told[0].first is First.UNSEEN
    assert score(*world(tmp_path, looks=looks)).told[0].first is First.MISSED


NOT_SHARED = "2 other accounts of this provider have answered since it began (probed at 12:03:20 UTC)"
SHAKEN = "1 other account has failed the same way since it began, and answered in between"
ALIKE = "2 of 3 accounts fail the same way"


@pytest.mark.parametrize(
    ("sentence", "lost", "looks", "by_looks", "by_truth"),
    [
        (NOT_SHARED, ACCOUNTS[:1], [bad("openai/a00/list")], True, True),
        (NOT_SHARED, ACCOUNTS[:2], [bad("openai/a00/list"), good("openai/a01/list", 60)], True, False),
        (NOT_SHARED, ACCOUNTS[:2], [bad("openai/a00/list"), bad("openai/a01/list")], False, False),
        (ALIKE, ACCOUNTS[:2], [bad("openai/a00/list"), bad("openai/a01/list")], True, True),
        (ALIKE, ACCOUNTS, [bad("openai/a00/list"), bad("openai/a01/list")], True, False),
        ("list: HTTP 401, invalid_key", ACCOUNTS[:1], [bad("openai/a00/list")], True, True),
        (
            "list: HTTP 401, invalid_key",
            ACCOUNTS[:1],
            [bad("openai/a00/list"), good("openai/a00/list", 130)],
            False,
            False,
        ),
        ("still answers: list", ACCOUNTS[:1], [good("openai/a00/list", 60)], True, False),
        ("still answers: list (probed at 12:02:40 UTC)", ACCOUNTS[:1], [good("openai/a00/list", 60)], True, False),
        ("still answers: list (probed at 12:01:20 UTC)", ACCOUNTS[:1], [good("openai/a00/list", 60)], True, True),
        ("still answers: list (probed at 12:01:20 UTC)", ACCOUNTS[:1], [bad("openai/a00/list")], False, True),
        (
            SHAKEN,
            ACCOUNTS[:2],
            [bad("openai/a00/list"), bad("openai/a01/list"), good("openai/a01/list", 130)],
            True,
            True,
        ),
        (SHAKEN, ACCOUNTS[:2], [bad("openai/a00/list"), good("openai/a01/list", 130)], False, True),
        (SHAKEN, ACCOUNTS[:1], [bad("openai/a00/list")], False, False),
        ("still answers: gpt-4.1-nano", ACCOUNTS[:1], [good("openai/a00/chat/gpt-4.1-nano", 60)], True, False),
        ("something that nobody has said before", ACCOUNTS[:1], [], None, None),
    ],
)
def test_a_sentence_is_held_against_the_looks_and_the_truth(tmp_path, sentence, lost, looks, by_looks, by_truth):
    made, played = world(tmp_path, lost=lost, told=incident(sentence), looks=looks)

    (claim,) = sentences(played.sent[0], Sight(made, played))
    assert (claim.by_looks, claim.by_truth) == (by_looks, by_truth)


@pytest.mark.parametrize(("left_s", "by_looks"), [(200.0, True), (None, False)])
def test_a_message_knows_nothing_of_a_look_that_ended_after_it_left(tmp_path, left_s, by_looks):
    told = incident("list: HTTP 401, invalid_key")
    made, played = world(tmp_path, told=told, looks=[bad("openai/a00/list"), good("openai/a00/list", 200.0)])
    played.sent = [Sent(200.3, MessageText("t", "b", "s"), (Part(Step.OPENED, told),), left_s)]

    (claim,) = sentences(played.sent[0], Sight(made, played))
    assert claim.by_looks is by_looks


def test_what_a_page_says_is_as_it_was_read_last(tmp_path):
    told = incident("the provider's page says nothing")
    for trouble in (False, True):
        made, played = world(tmp_path, told=told, polls=[Poll("openai", 150.0, trouble, readable=True)])
        (claim,) = sentences(played.sent[0], Sight(made, played))
        assert claim.by_truth is not trouble


@pytest.mark.parametrize(
    ("opened_s", "closed_s", "right"), [(105, 1010, True), (30, 1010, False), (105, 1200, False), (105, 700, False)]
)
def test_a_downtime_is_right_within_the_interval_of_the_looks(tmp_path, opened_s, closed_s, right):
    looks = [good("openai/a00/list", 60)]
    looks += [bad("openai/a00/list", at_s) for at_s in range(105, 1000, 60)] + [good("openai/a00/list", 1010)]
    begun, ended = (NOON + timedelta(seconds=at_s) for at_s in (opened_s, closed_s))
    marks = score(*world(tmp_path, told=incident(opened_at=begun, closed_at=ended), looks=looks))

    assert marks.told[0].downtime is right


def test_an_outage_that_is_recorded_as_two_is_wrong(tmp_path):
    looks = [bad("openai/a00/list", at_s) for at_s in range(105, 1000, 60)] + [good("openai/a00/list", 1010)]
    made, played = world(tmp_path, looks=looks, told=incident(closed_at=NOON + timedelta(seconds=500)))
    played.cases = played.cases | {"2": Case(incident(id="2", opened_at=NOON + timedelta(seconds=550)))}

    assert score(made, played).told[0].downtime_words == "recorded as 2"


def test_a_downtime_is_not_weighed_where_another_cause_hid_its_begin(tmp_path):
    looks = [bad("openai/a00/list", at_s) for at_s in range(105, 1000, 60)] + [good("openai/a00/list", 1010)]
    made, played = world(tmp_path, told=incident(), looks=looks)
    (cause,) = made.causes
    other = replace(cause, hit=Hit.PROVIDER, spells=dict.fromkeys(cause.spells, (Spell(50, 200),)))

    assert score(made, played).told[0].downtime is True
    assert score(replace(made, causes=(cause, other)), played).told[0].downtime is None


def test_the_account_is_blamed_where_a_message_says_so_of_what_is_not_its_own(tmp_path):
    marks = score(*world(tmp_path, told=incident(), blame=Blame.PROVIDER))

    assert marks.told[0].account_blamed


def test_the_page_has_a_row_for_each_goal_and_each_table(tmp_path):
    text = page([score(*world(tmp_path, told=incident()))], 1, 60.0)

    assert all(f"| {what} | {goal} |" in text for what, goal, *_ in GOALS)
    assert all(f"## {title}" in text for title in TABLES)
