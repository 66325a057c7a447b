"""Warnings in the headers of good answers."""

from monitor.detect.warning import advance, findings
from probes.model import Fault, HeaderWarning
from tests.conftest import at, sentences

RETIRING = HeaderWarning(Fault.MODEL_RETIRING, "wording/sunset", "sunset: Sat, 01 Jan 2027 00:00:00 GMT")


def warned(*answers, target="x/y/chat/m", model="m"):
    """The warnings after these answers of one target: True for one that bears the header."""
    now = {}
    for number, bears in enumerate(answers):
        now = advance(now, [RETIRING] if bears else [], target, model, at(number * 60))
    return now


def test_a_warning_begins_with_the_first_answer_that_bears_it():
    (found,) = findings("x/y", warned(False, True, True))

    assert (found.fault, found.model, found.since, found.seen_at) == (Fault.MODEL_RETIRING, "m", at(60), at(120))
    assert RETIRING.words in sentences(found.reasons)[0]


def test_a_gateway_that_sends_it_from_one_server_of_three_warns_without_a_pause():
    (found,) = findings("x/y", warned(True, False, False, True, False, False))

    assert found.since == at(0)


def test_three_answers_without_it_end_it():
    assert list(findings("x/y", warned(True, False, False, False))) == []


def test_answers_of_another_target_end_nothing():
    now = warned(True)
    for number in range(9):
        now = advance(now, [], "x/y/list", None, at(number))

    assert len(list(findings("x/y", now))) == 1


def test_two_canaries_with_one_model_are_one_finding():
    now = advance(warned(True), [RETIRING], "x/y/responses/m", "m", at(5))

    assert len(now) == 2
    assert [found.target for found in findings("x/y", now)] == ["x/y/chat/m"]
