"""Flapping: U a look that leaves the target up, D one that leaves it down, a minute each."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.flap import STEADY, TURNS, Flap, advance, findings
from monitor.detect.health import Health, State
from probes.model import Fault
from tests.conftest import CHAT, at

HEALTHS = {
    "U": Health(State.UP),
    "D": Health(State.DOWN, fault=Fault.TIMEOUT),
    "S": Health(State.SUSPECTED, fault=Fault.TIMEOUT),
    "?": Health(State.UNKNOWN),
}


def played(word, flap=STEADY, start=0, every_s=60):
    before = HEALTHS["U"]
    for number, letter in enumerate(word, start):
        flap = advance(flap, before, HEALTHS[letter], at(every_s * number))
        before = HEALTHS[letter]
    return flap


@pytest.mark.parametrize(
    ("word", "flapping"),
    [
        ("UUDUU", False),
        ("UDUDU", True),
        ("USUSUSUSU", False),
        ("UDU" + "U" * 60 + "DU", False),
        ("UDDDUUUDDDUUU", True),
        ("UDUDU" + "U" * 28, True),
        ("UDUDU" + "U" * 30, False),
        ("UDUDD" + "D" * 30, False),
        ("UDUDU" + "?" * 60, True),
    ],
)
def test_two_outages_in_an_hour_are_flapping_until_half_an_hour_of_calm(word, flapping):
    assert (played(word).since is not None) is flapping


def test_it_is_told_once_with_its_beginning_and_the_fault():
    (one,) = findings(CHAT, played("UDUDUDU"))

    assert (one.fault, one.since, one.seen_at, one.model) == (Fault.TIMEOUT, at(60), at(360), CHAT.model)
    assert "21 Nov 2026, 12:01 UTC" in one.reasons[0]


def test_a_steady_target_has_nothing_to_tell():
    assert list(findings(CHAT, played("UDU"))) == []


def test_a_look_that_turns_nothing_costs_nothing():
    flap = played("UD")

    assert advance(flap, HEALTHS["D"], HEALTHS["D"], at(600)) is flap


@given(some.text("UDS?", max_size=200), some.text("UDS?", max_size=50))
def test_what_is_kept_is_small_and_resumes_exactly(before, after):
    now = played(before)
    kept = msgspec.json.decode(msgspec.json.encode(now), type=Flap)

    assert len(now.turns) <= TURNS
    assert played(after, kept, len(before)) == played(after, now, len(before))
