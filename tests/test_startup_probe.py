"""Who starts the monitor where nothing can be reached is told so at once."""

import logging

import pytest

from monitor.stages.startup_probe import StartupProbes
from probes.model import Answer, Fault
from tests.conftest import observation, target

GONE = Fault.CONNECTION_FAILED


def seen(*faults):
    """One look at an account of each of as many providers."""
    return [observation(fault, target=target(f"p{number}/main")) for number, fault in enumerate(faults)]


def said(caplog, answerers, *beats):
    first = StartupProbes(frozenset(f"p{number}" for number in range(answerers)))
    with caplog.at_level(logging.WARNING, "monitor"):
        for observations in beats:
            first.take(observations)
    return [one.getMessage() for one in caplog.records]


@pytest.mark.parametrize(
    ("answerers", "faults"),
    [(1, [GONE]), (2, [GONE, Fault.PROXY_FAILED]), (3, [GONE, GONE, Fault.TIMEOUT]), (9, [GONE, GONE, GONE])],
)
def test_it_is_said_once_that_nothing_could_be_reached_and_why(caplog, answerers, faults):
    (words,) = said(caplog, answerers, seen(*faults), seen(*faults), seen(None))

    assert words.startswith("nothing could be reached yet (p0: some words")


@pytest.mark.parametrize(
    "beats",
    [
        [seen(None, GONE, GONE)],
        [seen(Fault.INVALID_KEY), seen(GONE, GONE, GONE)],
        [seen(GONE, GONE), seen(GONE, None), seen(GONE, GONE, GONE)],
        [seen(GONE, GONE)],
        [seen("we are not asked", "nor here", "nor there")],
        [[]],
    ],
    ids=["one answers", "a refusal is an answer", "one answers later", "not all were asked", "we did not look", "none"],
)
def test_nothing_is_said_where_somebody_answers_or_not_enough_were_asked(caplog, beats):
    assert said(caplog, 3, *beats) == []


def test_what_we_could_not_look_at_counts_neither_way(caplog):
    (words,) = said(caplog, 2, seen("no key"), seen(GONE, GONE))

    assert "p1" in words


def test_each_answerer_is_named_with_the_words_of_its_own(caplog):
    dark = observation(GONE, target=target("p1/x"), answer=Answer("r", "the name of the host is not found"))
    (words,) = said(caplog, 2, seen(GONE), [dark])

    assert "(p0: some words; p1: the name of the host is not found)" in words
