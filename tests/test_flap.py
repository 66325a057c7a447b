"""Flapping: U a look that leaves the target up, D one that leaves it down for long enough to be told, d one that leaves
it down and may yet be a blip; a minute each."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from monitor.detect.flap import NO_TURNS, TURNS, Flap, advance, attribute_outage, findings
from monitor.detect.health import Health, State, Suspicion
from probes.model import Fault
from tests.conftest import CHAT, at, sentences
from tests.rows import each_row

HEALTHS = {
    "U": Health(State.UP),
    "D": Health(State.DOWN, fault=Fault.TIMEOUT),
    "d": Health(State.DOWN, fault=Fault.TIMEOUT, evidence=Suspicion(3.0, at(0), 3, 3)),
    "S": Health(State.SUSPECTED, fault=Fault.TIMEOUT),
    "?": Health(State.UNKNOWN),
}


def played(word, flap=NO_TURNS, start=0, every_s=60):
    before = HEALTHS["U"]
    for number, letter in enumerate(word, start):
        flap = advance(flap, before, HEALTHS[letter], at(every_s * number))
        before = HEALTHS[letter]
    return flap


@each_row(
    ("word", "flapping"),
    [
        ("UUDUU", False),
        ("UDUDU", True),
        ("USUSUSUSU", False),
        ("UDU" + "U" * 60 + "DU", False),
        ("UDDDUUUDDDUUU", True),
        ("UDUDU" + "U" * 28, True),
        ("UDUDU" + "U" * 30, False),
        ("UDUDUDD" + "D" * 28, True),
        ("UDUDUDD" + "D" * 30, False),
        ("UDUD", True),
        ("UdUd", False),
        ("UDUDU" + "?" * 60, True),
    ],
)
def test_two_outages_in_an_hour_are_flapping_until_nothing_turns_for_half_an_hour(word, flapping):
    assert (played(word).since is not None) is flapping


@each_row(
    ("word", "flapping"),
    [
        ("UdUdUdUdU", False),
        ("UdUdUdUdUd", False),
        ("UdUdUdUdUdU", True),
        ("UddUddUddUddUddU", True),
        ("Ud" + "U" * 56 + "dUdUdUdU", False),
        ("UdUdDU", False),
        ("UDUdU", False),
        ("UDUdDU", True),
        ("UdDUdDU", True),
        ("UDU" + "U" * 57 + "dDU", True),
        ("UDU" + "U" * 59 + "dDU", False),
        ("UdUDUdUdDU", True),
    ],
)
def test_outages_of_which_nobody_was_told_count_less_than_those_that_last(word, flapping):
    assert (played(word).since is not None) is flapping


@pytest.mark.parametrize(
    ("word", "count", "since"), [("UdUDUdUdDU", 6, 180), ("UdUdUdUdUdU", 10, 60), ("UDUDU", 4, 60)]
)
def test_a_row_begins_with_the_first_outage_that_counts(word, count, since):
    flap = played(word)

    assert (flap.count, flap.since) == (count, at(since))


def test_while_it_comes_and_goes_a_short_outage_is_no_calm():
    assert played("UDUDU" + "U" * 20 + "dU" + "U" * 20).since
    assert played("UDUDU" + "U" * 20 + "dU" + "U" * 30).since is None


@pytest.mark.parametrize(
    ("outages", "flapping"),
    [
        ("pp", True),
        ("rr", True),
        ("rp", False),
        ("pr", False),
        ("rpp", True),
        ("prp", False),
        ("ppr", True),  # it flaps already
        ("?p", True),
        ("?r", True),
    ],
)
def test_a_road_that_is_cut_and_a_provider_that_fails_are_no_one_row(outages, flapping):
    flap = NO_TURNS
    for number, whose in enumerate(outages):
        flap = advance(flap, HEALTHS["U"], HEALTHS["D"], at(600 * number))
        flap = flap if whose == "?" else attribute_outage(flap, by_road=whose == "r")
        flap = attribute_outage(flap, by_road=False) if whose == "r" else flap  # the last to be back after a cut
        flap = advance(flap, HEALTHS["D"], HEALTHS["U"], at(600 * number + 240))
    assert (flap.since is not None) is flapping


def told(*targets, word="UDUDUDU", fault=Fault.TIMEOUT, seconds=3600):
    flap = replace(played(word), fault=fault)
    return list(findings(dict.fromkeys(targets, flap), at(seconds)))


def test_it_is_told_once_with_its_beginning_the_fault_and_how_often_it_turned():
    (one,) = told(CHAT)

    assert (one.account, one.model, one.fault, one.since) == (CHAT.account, CHAT.model, Fault.TIMEOUT, at(60))
    assert sentences(one.reasons)[0] == "6 changes in 5 min, up now; further changes are held until it is calm"


LIST = replace(CHAT, canary="list", model=None)
SIBLING = replace(CHAT, account="openai/backup")
STRANGER = replace(CHAT, account="groq/a", provider="groq")


@pytest.mark.parametrize(
    ("targets", "subjects"),
    [
        ([LIST], [(CHAT.account, None)]),
        ([LIST, CHAT], [(CHAT.account, None)]),
        ([CHAT, SIBLING], [("openai", None)]),
        ([CHAT, LIST, SIBLING, STRANGER], [("openai", None), ("groq/a", CHAT.model)]),
    ],
)
def test_what_flaps_together_is_one_thing_of_an_account_or_of_its_provider(targets, subjects):
    found = told(*targets)

    assert [(one.account, one.model) for one in found] == subjects
    assert {id for one in found for id in (one.target, *one.others)} == {target.id for target in targets}


def test_a_refusal_of_one_account_is_no_part_of_what_fails_at_its_provider():
    refused, failing = replace(played("UDUDU"), fault=Fault.INVALID_KEY), played("UDUDU")
    found = list(findings({CHAT: refused, LIST: failing, SIBLING: failing}, at(3600)))

    assert [(one.account, one.fault) for one in found] == [
        (CHAT.account, Fault.INVALID_KEY), ("openai", Fault.TIMEOUT)
    ]  # fmt: skip


def test_others_have_three_quarters_of_a_minute_to_join_unless_the_outage_is_told_by_then():
    flaps = {CHAT: played("UDUD")}

    assert told(CHAT, word="UDUD", seconds=180 + 44) == []
    assert len(told(CHAT, word="UDUD", seconds=180 + 45)) == 1
    assert list(findings(flaps, at(180), {LIST.id})) == []
    assert len(list(findings(flaps, at(180), {CHAT.id}))) == 1


@pytest.mark.parametrize(("word", "state"), [("UDUD", "down"), ("UDUDU", "up")])
def test_it_says_how_it_is_now(word, state):
    (one,) = told(CHAT, word=word)

    assert f", {state} now; " in sentences(one.reasons)[0]


@pytest.mark.parametrize(
    ("fault", "other", "word", "its_fault", "subject"),
    [
        (Fault.TIMEOUT, SIBLING, "UDU", Fault.SERVER_ERROR, "openai"),
        (Fault.TIMEOUT, LIST, "UDU", Fault.TIMEOUT, CHAT.account),
        (Fault.TIMEOUT, SIBLING, "UUU", None, CHAT.account),
        (Fault.TIMEOUT, SIBLING, "UDU", Fault.INVALID_KEY, CHAT.account),
        (Fault.TIMEOUT, STRANGER, "UDU", Fault.TIMEOUT, CHAT.account),
        (Fault.INVALID_KEY, LIST, "UDU", Fault.INVALID_KEY, CHAT.account),
        (Fault.INVALID_KEY, SIBLING, "UDU", Fault.INVALID_KEY, CHAT.account),
    ],
)
def test_what_was_drawn_into_one_of_the_times_is_named_with_what_flaps(fault, other, word, its_fault, subject):
    flaps = {CHAT: replace(played("UDUDU"), fault=fault), other: replace(played(word), fault=its_fault)}
    (one,) = findings(flaps, at(3600))

    assert one.account == subject
    drawn_in = subject == other.answerer or (other is LIST and its_fault is fault)
    assert (other.id in (one.target, *one.others)) is drawn_in


def test_what_was_over_before_it_began_to_flap_was_another_outage():
    (one,) = findings({CHAT: played("UDUDU", start=60), LIST: played("UDU")}, at(86400))

    assert (one.target, one.others, one.model) == (CHAT.id, (), CHAT.model)


def test_its_name_stays_when_it_goes_down_by_another_fault():
    other = Health(State.DOWN, fault=Fault.SERVER_ERROR)

    assert advance(played("UDUDU"), HEALTHS["U"], other, at(360)).fault is Fault.TIMEOUT
    assert advance(played("UDU"), HEALTHS["U"], other, at(360)).fault is Fault.SERVER_ERROR


def test_two_outages_by_different_causes_are_no_flapping():
    refused, limited = (Health(State.DOWN, fault=fault) for fault in (Fault.QUOTA_EXHAUSTED, Fault.RATE_LIMITED))
    flap = advance(NO_TURNS, HEALTHS["U"], refused, at(0))
    flap = advance(advance(flap, refused, HEALTHS["U"], at(60)), HEALTHS["U"], limited, at(120))

    assert (flap.turns, flap.since, flap.fault) == ((at(120),), None, Fault.RATE_LIMITED)


def test_a_steady_target_has_nothing_to_tell():
    assert told(CHAT, word="UDU") == []


def test_a_look_that_turns_nothing_costs_nothing():
    flap = played("UD")

    assert advance(flap, HEALTHS["D"], HEALTHS["D"], at(600)) is flap


@given(some.text("UDdS?", max_size=200), some.text("UDdS?", max_size=50))
def test_what_is_kept_is_small_and_resumes_exactly(before, after):
    now = played(before)
    kept = msgspec.json.decode(msgspec.json.encode(now), type=Flap)

    assert len(now.turns) <= TURNS
    assert played(after, kept, len(before)) == played(after, now, len(before))


@pytest.mark.parametrize(("minutes", "flapping"), [(9, True), (10, False), (25, False)])
def test_an_outage_after_one_that_stayed_is_told_by_itself(minutes, flapping):
    assert (played("U" + "D" * minutes + "U" * 20 + "DD").since is not None) is flapping


def test_what_was_forgotten_during_an_outage_begins_with_its_end():
    flap = advance(NO_TURNS, HEALTHS["D"], HEALTHS["U"], at(0))

    assert (flap.turns, flap.is_down, flap.since) == ((at(0),), False, None)
