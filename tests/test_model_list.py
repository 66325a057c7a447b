"""Models that leave the provider's list."""

from monitor.detect.model_list import advance, findings, needs_confirmation
from probes.model import Fault
from tests.conftest import at, sentences
from tests.rows import each_row


def offer(*lists):
    now = None
    for number, models in enumerate(lists):
        now = advance(now, models.split(), "x/y/models", at(number * 3600))
    return now


def lost(wanted, *lists):
    return [finding.model for finding in findings("x/y", offer(*lists), wanted)]


@each_row(
    ("lists", "found"),
    [
        (("a b",), []),
        (("a b", "b"), []),  # one server of several may lag
        (("a b", "b", "a b"), []),
        (("a b", "b", "b"), ["a"]),
        (("a b", "b", "b", "b", "b"), ["a"]),
        (("a b", "b", "b", "a b"), []),
        (("b", "b"), []),  # it never was there: an alias perhaps
        (("models/a b", "b", "b"), ["a"]),
        (("models/a b", "a b", "a b"), []),  # by another name it is there still
        (("a a-2", "a-2", "a-2"), ["a"]),
    ],
)
def test_a_wanted_model_is_missed_when_two_lists_in_a_row_lack_it(lists, found):
    assert lost(["a"], *lists) == found


def test_a_model_that_nobody_wants_may_go():
    assert lost([], "a b", "b", "b") == []


def test_the_first_list_without_it_asks_for_a_second_one_soon():
    assert [needs_confirmation(offer(*lists), ["a"]) for lists in (("a",), ("a", "b"), ("a", "b", "b"))] == [
        False,
        True,
        False,
    ]


def test_a_lost_model_is_told_with_the_day_it_was_last_there():
    (found,) = findings("x/y", offer("a b", "a b", "b", "b"), ["a"])

    assert (found.fault, found.model, found.since) == (Fault.MODEL_UNAVAILABLE, "a", at(7200))
    (said,) = sentences(found.reasons)
    assert said == "it is missing from the provider's list of 1 models; it was there until 21 Nov 2026, 13:00 UTC"


def test_what_went_a_month_ago_is_forgotten():
    now = offer("a b", "b")
    for day in range(1, 40):
        now = advance(now, ["b"], "x/y/models", at(day * 86_400))

    assert now.gone == {}
