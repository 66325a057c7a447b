"""Up and down, in words: O an answer that is good, F one that is not, ? no look."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.health import Health, State, Thresholds, advance
from probes.model import Fault
from tests.conftest import at, health, observation

LETTERS = {"O": None, "F": Fault.SERVER_ERROR, "?": "offline"}
SHORT = {State.UP: "up", State.DOWN: "down", State.SUSPECTED: "hm", State.UNKNOWN: "??"}


def states(word, failures=3, successes=2):
    now, seen = Health(), []
    for number, letter in enumerate(word):
        now = advance(now, observation(LETTERS[letter], 60 * number), Thresholds(failures, successes))
        seen.append(SHORT[now.state])
    return " ".join(seen)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("O", "up"),
        ("OFO", "up hm up"),
        ("OFFFO", "up hm hm down down"),
        ("OFFFOO", "up hm hm down down up"),
        ("OFFFOFOO", "up hm hm down down down down up"),
        ("OFFOFFOFF", "up hm hm up hm hm up hm hm"),
        ("FFF", "hm hm down"),
        ("FO", "hm up"),
        ("?", "??"),
        ("O?O", "up ?? up"),
        ("OFFF?O", "up hm hm down down down"),
        ("OFF?F", "up hm hm ?? hm"),
    ],
)
def test_states_follow_the_thresholds(word, expected):
    assert states(word) == expected


def test_thresholds_of_one_believe_every_answer():
    assert states("OFOF", failures=1, successes=1) == "up down up down"


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


@given(some.text("OF?", max_size=60), some.integers(1, 5), some.integers(1, 5))
def test_it_never_goes_down_without_as_many_failures_in_a_row_as_asked(word, failures, successes):
    before = ""
    for letter, state in zip(word, states(word, failures, successes).split(), strict=True):
        before += letter
        if state == "down" and "O" not in before:
            assert before.count("F") >= failures


@given(some.text("OF?", max_size=60))
def test_enough_good_answers_always_end_it(word):
    assert states(word + "OO").split()[-1] == "up"


@given(some.text("?", min_size=1, max_size=20))
def test_not_looking_is_never_evidence(word):
    assert set(states(word).split()) == {"??"}
