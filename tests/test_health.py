"""Up and down, in words: O an answer that is good, F one that is not, ? no look."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.health import MOST_SUCCESSES, Health, State, Thresholds, advance, is_returning
from probes.model import Answer, Confidence, Fault
from tests.conftest import at, health, observation
from tests.rows import each_row

LETTERS = {"O": None, "F": Fault.SERVER_ERROR, "?": "offline"}
SHORT = {State.UP: "up", State.DOWN: "down", State.SUSPECTED: "hm", State.UNKNOWN: "??"}


def states(word, failures=3, successes=2):
    now, seen = Health(), []
    for number, letter in enumerate(word):
        now = advance(now, observation(LETTERS[letter], 60 * number), Thresholds(failures, successes), 60)
        seen.append(SHORT[now.state])
    return " ".join(seen)


@each_row(
    ("word", "expected"),
    [
        ("O", "up"),
        ("OFO", "up hm up"),
        ("OFFFO", "up hm hm down down"),
        ("OFFFOO", "up hm hm down down up"),
        # One good answer in between, and the end takes three.
        ("OFFFOFOOO", "up hm hm down down down down down up"),
        # Three of four.
        ("OFFOF", "up hm hm up down"),
        ("OFFOOOOF", "up hm hm up up up up hm"),
        ("FFF", "hm hm down"),
        ("FO", "hm up"),
        ("?", "??"),
        ("O?O", "up ?? up"),
        ("OFFF?O", "up hm hm down down down"),
        # A look that did not take place neither adds to what was seen nor takes from it.
        ("OFF?F", "up hm hm ?? down"),
        ("OFFFO?O", "up hm hm down down down up"),
        ("OFFF???F", "up hm hm down down down down down"),
        ("OF?O", "up hm ?? up"),
        # Ten minutes without an answer, and it starts anew.
        ("OFF" + "?" * 9 + "F", "up hm hm" + " ??" * 9 + " down"),
        ("OFF" + "?" * 10 + "F", "up hm hm" + " ??" * 10 + " hm"),
    ],
)
def test_states_follow_the_thresholds(word, expected):
    assert states(word) == expected


@each_row("good", [3, 8, 15, 30])
@each_row("failing", [2, 3, 6])
def test_an_outage_some_good_answers_after_a_blip_ends_as_soon_as_any(good, failing):
    before = "O" + "FF" + "O" * good

    assert states(before + "F" * (failing + 1) + "OO").endswith("down down up")


def test_thresholds_of_one_believe_every_answer():
    assert states("OFOF", failures=1, successes=1) == "up down up down"


@pytest.mark.parametrize(
    ("words", "returning"),
    [
        (["FFF"], False),
        (["FFFO"], True),
        (["FFFO", "FFFF"], False),
        (["FFFOO", "FFFFF"], False),
        (["FFFFO", "FFF"], True),
        (["FFFOF"], False),
        (["FFFOO"], True),
        (["FFFOO", "FFF"], False),
        ([], False),
    ],
)
def test_what_several_share_may_be_over_when_the_latest_look_at_those_that_are_down_was_good(words, returning):
    assert is_returning(health(*(LETTERS[letter] for letter in word)) for word in words) is returning


def test_where_what_is_down_cannot_be_looked_at_the_others_tell_whether_it_may_be_over():
    unseen = health(*[Fault.TIMEOUT] * 3, "the budget is spent")

    assert is_returning([unseen, health(*[None] * 9)])
    assert not is_returning([unseen, health(None)])
    assert not is_returning([unseen])


def test_what_speaks_against_a_target_is_dated_by_its_latest_failure():
    evidence = health(Fault.TIMEOUT, None, Fault.OVERLOADED, None).evidence

    assert (evidence.since, evidence.at, evidence.fault) == (at(0), at(120), Fault.OVERLOADED)


def test_down_is_dated_by_its_first_failure_not_by_the_confirming_one():
    assert health(None, *[Fault.TIMEOUT] * 3).since == at(60)


def test_up_again_is_dated_by_the_first_good_answer():
    assert health(*[Fault.TIMEOUT] * 3, None, None).since == at(180)


def test_a_suspicion_that_is_cleared_leaves_the_date_of_the_state_before():
    assert health(None, None, Fault.TIMEOUT, None).since == at(0)


def test_the_latest_failure_is_what_is_remembered():
    now = health(Fault.TIMEOUT, Fault.TIMEOUT, Fault.ACCOUNT_SUSPENDED)

    assert (now.fault, now.request_id) == (Fault.ACCOUNT_SUSPENDED, "req_1")


def test_a_good_answer_forgets_the_failure():
    now = health(Fault.TIMEOUT, None)

    assert (now.fault, now.answer, now.request_id) == (None, None, None)


def test_why_it_was_not_seen_is_remembered():
    assert health(None, "the budget is spent").reason == "the budget is spent"


def times(*looks, thresholds=Thresholds(), every_s=60):  # noqa: B008 - frozen
    """The health after looks at these seconds: (seconds, None) a good one, (seconds, fault) a bad one."""
    now = Health()
    for seconds, fault, *answer in looks:
        facts = {"answer": answer[0]} if answer else {}
        now = advance(now, observation(fault, seconds, **facts), thresholds, every_s)
    return now


@pytest.mark.parametrize(("every_s", "gap_s", "state"), [(60, 660, "hm"), (300, 840, "down"), (3600, 10_000, "down")])
def test_what_was_seen_before_a_long_silence_says_nothing_of_now(every_s, gap_s, state):
    looks = [(0, None), (60, Fault.TIMEOUT), (65, Fault.TIMEOUT), (65 + gap_s, Fault.TIMEOUT)]

    assert SHORT[times(*looks, every_s=every_s).state] == state


def test_a_blip_before_a_night_without_looks_is_not_told_in_the_morning():
    evening = [(0, None), *((60 + 5 * number, Fault.TIMEOUT) for number in range(3))]

    assert times(*evening).state is State.DOWN
    assert times(*evening, (30_000, Fault.TIMEOUT)).state is State.SUSPECTED
    assert times(*evening, (30_000, None)).since == at(30_000)


def test_what_was_told_stays_down_over_a_night_without_looks():
    told = [(0, None), *((60 * number, Fault.TIMEOUT) for number in range(1, 6))]

    assert times(*told, (30_000, Fault.TIMEOUT)).lasting
    assert times(*told, (30_000, None)).state is State.DOWN


def test_a_clock_that_is_set_back_leaves_no_date_in_the_future_and_delays_nothing():
    looks = [(7200, None), (7260, Fault.TIMEOUT), (7265, Fault.TIMEOUT)]
    now = times(*looks, *((60 * number, Fault.TIMEOUT) for number in range(1, 4)))

    assert (now.state, now.since, now.evidence.since, now.lasting) == (State.DOWN, at(60), at(60), True)


def test_a_closed_account_is_believed_at_the_second_answer_fifteen_seconds_later():
    now = times((0, None), (60, Fault.ACCOUNT_SUSPENDED), (75, Fault.ACCOUNT_SUSPENDED))

    assert (now.state, now.since, now.lasting) == (State.DOWN, at(60), True)


@pytest.mark.parametrize(
    "second",
    [
        (61, Fault.ACCOUNT_SUSPENDED),
        (75, Fault.SERVER_ERROR),
        (75, Fault.PERMISSION_DENIED),
        (75, Fault.INVALID_KEY, Answer("http/401", "?", Confidence.LOW)),
    ],
)
def test_but_not_when_it_is_too_soon_or_something_else_or_only_a_status(second):
    assert times((0, None), (60, Fault.ACCOUNT_SUSPENDED), second).state is State.SUSPECTED


@pytest.mark.parametrize(
    ("fault", "lasting"),
    [
        (Fault.SERVER_ERROR, False),
        (Fault.RATE_LIMITED, False),
        (Fault.TIMEOUT, False),
        (Fault.PERMISSION_DENIED, True),
        (Fault.BLOCKED_BY_EDGE, True),
        (Fault.UNCLASSIFIED, True),
    ],
)
def test_what_may_pass_by_itself_is_down_at_the_third_failure_but_not_yet_worth_telling(fault, lasting):
    now = times((0, None), (60, fault), (65, fault), (75, fault))

    assert (now.state, now.lasting) == (State.DOWN, lasting)


def test_it_is_worth_telling_once_it_has_lasted_two_minutes():
    timeout = Fault.TIMEOUT
    looks = [(0, None), (60, timeout), (65, timeout), (75, timeout), (123, timeout), (171, timeout)]

    assert [times(*looks[:count]).lasting for count in range(1, 7)] == [False] * 5 + [True]
    assert times(*looks[:4], thresholds=Thresholds(blip_s=0)).lasting


def test_a_blip_that_became_worth_telling_stays_so_until_it_is_up():
    now = health(None, *[Fault.TIMEOUT] * 3, None)

    assert now.lasting
    assert not health(None, *[Fault.TIMEOUT] * 3, None, None).lasting


def test_a_brownout_is_dated_by_the_first_failure_that_counts():
    now = health(None, Fault.TIMEOUT, None, Fault.TIMEOUT, None, Fault.TIMEOUT)

    assert (now.state, now.since) == (State.DOWN, at(60))


def test_an_outage_after_a_lost_packet_is_dated_by_its_own_beginning():
    now = health(None, Fault.TIMEOUT, *[None] * 4, *[Fault.TIMEOUT] * 3)

    assert now.since == at(360)


@pytest.mark.parametrize(("good", "apart"), [(2, False), (3, True), (7, True), (12, True)])
def test_a_trouble_after_good_answers_that_are_no_chance_is_another_one(good, apart):
    """A look each 10 s: two failures, so many good answers, and failures until it is down."""
    first, second = 10, 30 + 10 * good
    between = [(20 + 10 * number, None) for number in range(good)]
    now = times((0, None), (first, Fault.TIMEOUT), (15, Fault.TIMEOUT), *between, every_s=10)
    for number in range(3):
        if now.state is not State.DOWN:
            now = advance(now, observation(Fault.TIMEOUT, second + 10 * number), Thresholds(), 10)

    assert (now.state, now.since, now.lasting) == (State.DOWN, at(second if apart else first), False)


def test_one_failure_in_twenty_is_no_brownout():
    assert set(states(("O" * 19 + "F") * 20).split()) == {"up", "hm"}


def test_a_quarter_failing_is_noticed_within_half_an_hour():
    assert "down" in states("OOOF" * 8).split()


def test_a_brownout_is_over_only_after_many_good_answers():
    word = "OOF" * 6

    assert states(word + "OOO").split()[-1] == "down"
    assert states(word + "O" * MOST_SUCCESSES).split()[-1] == "up"


def test_health_of_an_earlier_version_that_is_down_goes_on():
    before = Health(State.DOWN, at(0), failures=5, began_at=at(0), seen_at=at(300), fault=Fault.TIMEOUT)

    assert before.lasting
    assert advance(before, observation(Fault.TIMEOUT, 360), Thresholds(), 60).lasting
    up = advance(advance(before, observation(None, 360), Thresholds(), 60), observation(None, 375), Thresholds(), 60)
    assert up.state is State.UP


@pytest.mark.parametrize(
    ("word", "well"),
    [("F", None), ("?", None), ("OFF", 0), ("OO?", 1), ("OFFFO", 4), ("O" + "?" * 30 + "F", 0)],
)
def test_the_latest_good_answer_is_remembered_whatever_comes_after_it(word, well):
    assert played(word).well_at == (None if well is None else at(60 * well))


def test_no_good_answer_is_dated_by_a_clock_that_was_set_back():
    assert advance(played("OO"), observation(Fault.TIMEOUT, 30), Thresholds(), 60).well_at == at(30)


words = some.text("OF?", max_size=80)
seldom = some.lists(some.tuples(some.sampled_from("OF"), some.integers(0, 4)), max_size=40)
"""Answers, and after each so many looks that did not take place."""


@given(words, some.integers(1, 5), some.integers(1, 5))
def test_it_never_goes_down_without_as_many_failures_as_asked(word, failures, successes):
    before = ""
    for letter, state in zip(word, states(word, failures, successes).split(), strict=True):
        before += letter
        if state == "down":
            assert before.count("F") >= failures


@given(words)
def test_as_many_failures_in_a_row_are_always_down(word):
    assert states(word + "FFF").split()[-1] == "down"


@given(words)
def test_one_more_failure_never_speaks_for_it(word):
    doubts = [played(word + letter).doubt for letter in "OF"]

    assert doubts[0] <= doubts[1]


@given(words)
def test_enough_good_answers_always_end_it(word):
    assert states(word + "O" * MOST_SUCCESSES).split()[-1] == "up"


@given(some.integers(3, 60))
def test_two_good_answers_end_an_outage(failures):
    assert states("F" * failures + "OO").split()[-1] == "up"


@given(some.text("?", min_size=1, max_size=20))
def test_not_looking_is_never_evidence(word):
    assert set(states(word).split()) == {"??"}


@given(seldom)
def test_looks_that_did_not_take_place_leave_all_as_if_nobody_had_tried(looks):
    tried = Health()
    answered = Health()
    for number, (letter, missed) in enumerate(looks):
        one = observation(LETTERS[letter], 300 * number)
        tried, answered = (advance(before, one, Thresholds(), 60) for before in (tried, answered))
        for look in range(missed):
            tried = advance(tried, observation("offline", 300 * number + 60 * (look + 1)), Thresholds(), 60)
        kept = [(now.failures, now.successes, now.evidence, now.fault, now.began_at) for now in (tried, answered)]
        assert kept[0] == kept[1]
        assert (tried.state is State.DOWN) is (answered.state is State.DOWN)


def played(word, now=None, start=0):
    now = now or Health()
    for number, letter in enumerate(word, start):
        now = advance(now, observation(LETTERS[letter], 60 * number), Thresholds(), 60)
    return now


@given(words, words)
def test_what_is_kept_as_text_resumes_exactly(before, after):
    kept = msgspec.json.decode(msgspec.json.encode(played(before)), type=Health)

    assert played(after, kept, len(before)) == played(before + after)
