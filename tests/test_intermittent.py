"""Refusals among good answers: O a good one, R a refusal, E another failure, a minute each."""

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.intermittent import NONE, IntermittentRefusals, advance, findings
from probes.model import Fault
from tests.conftest import CHAT, at, observation, sentences
from tests.rows import each_row


def played(word, flicker=NONE, start=0, every_s=61):
    for number, letter in enumerate(word, start):
        flicker = advance(flicker, look(letter, every_s * number))
    return flicker


def look(letter, seconds):
    if letter == "R":
        return observation(Fault.PERMISSION_DENIED, seconds, status=403)
    return observation(Fault.SERVER_ERROR, seconds, status=500) if letter == "E" else observation(None, seconds)


def is_told(flicker):
    return bool(list(findings(CHAT, flicker)))


@each_row(
    ("word", "told"),
    [
        ("O" * 500, False),
        ("ORO", False),
        ("OROROO", False),
        ("OROROORO", True),
        ("ROOOOOOOOOOOOOOOROOOOOOOOOOOOOOOROO", True),
        # One refusal in two hundred answers.
        (("R" + "O" * 199) * 6, False),
        ("OEOEOEOEOEO", False),
        # Refused for good: that is an incident of its own.
        ("ORRRRRRRR", False),
        ("ORRRROOO", False),
        ("OROROORORRR", False),
        ("OROROORO" + "O" * 220, False),
    ],
)
def test_refusals_that_come_and_go_are_a_sign(word, told):
    assert is_told(played(word)) is told


def test_the_quick_re_checks_of_one_refusal_are_one():
    flicker = NONE
    for seconds, letter in ((0, "R"), (5, "O"), (20, "R"), (40, "R"), (45, "O")):
        flicker = advance(flicker, look(letter, seconds))

    assert flicker.count == 1


def test_it_is_told_as_a_sign_and_not_as_a_prediction():
    (one,) = findings(CHAT, played("OROROORO"))

    assert (one.fault, one.since, one.seen_at) == (Fault.PERMISSION_DENIED, at(61), at(6 * 61))
    assert sentences(one.reasons)[0].startswith("3 answers since 21 Nov 2026, 12:01 UTC were refusals")
    assert "not that it is lost" in sentences(one.reasons)[1]


def test_a_good_answer_of_a_good_account_changes_nothing():
    assert advance(NONE, observation()) is NONE


words = some.text("ORE", max_size=120)


@given(words, words)
def test_what_is_kept_as_text_resumes_exactly(before, after):
    now = played(before)
    kept = msgspec.json.decode(msgspec.json.encode(now), type=IntermittentRefusals)

    assert played(after, kept, len(before)) == played(after, now, len(before))


@given(words)
def test_one_more_refusal_never_lowers_the_score(word):
    now = played(word)

    assert played("R", now, len(word)).score >= now.score
