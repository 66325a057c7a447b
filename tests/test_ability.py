"""Whether targets, abilities and accounts work: U up, S re-checked, D down, ? not seen; s and ! were never well."""

from datetime import timedelta

import pytest

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.ability import assess_account, is_working
from monitor.publish.status import Mark, current_state
from probes.model import Blame, Fault
from tests.builders_page import BEGAN, LONG_AGO, NOW, account, incident, shown, snapshot, target
from tests.rows import each_row

STATES = {"U": State.UP, "S": State.SUSPECTED, "D": State.DOWN, "?": State.UNKNOWN}


def one(letter, canary="chat", **changes):
    never = letter.islower() or letter == "!"
    letter = letter.upper().replace("!", "?")
    if never:
        changes |= {"well_at": None}
    return target(canary=canary, state=STATES[letter], **changes)


def of(**kinds):
    """An account with these targets of each kind, one a letter."""
    return account(targets=[one(letter, kind) for kind, word in kinds.items() for letter in word])


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


@each_row(
    ("target", "word"),
    [
        (one("U"), True),
        (one("U", seen_at=ago(900)), True),
        (one("U", seen_at=ago(901)), None),
        (one("D"), False),
        (one("D", fault=Fault.RATE_LIMITED), False),
        (one("D", fault=Fault.BAD_REQUEST), False),
        (one("S"), True),
        (one("S", well_at=ago(900)), True),
        (one("S", well_at=ago(901)), None),
        (one("S", confirmed=True), False),
        (one("s"), False),
        (one("?"), None),
        (one("!"), False),  # it was answered, and never well
        (one("!", seen_at=None), None),
    ],
)
def test_a_target_works_when_it_was_answered_well_within_its_validity_and_is_not_down(target, word):
    assert is_working(target, NOW) is word


def test_what_is_asked_very_often_is_believed_until_the_page_is_written_anew():
    quick = one("U", interval_s=10, seen_at=ago(59))

    assert is_working(quick, NOW) is True
    assert is_working(quick, NOW + timedelta(seconds=2)) is None


@each_row(
    ("kinds", "usable", "mark"),
    [
        ({"list": "U", "chat": "U"}, True, Mark.UP),
        ({"list": "U", "chat": "S"}, True, Mark.SUSPECTED),
        ({"list": "U", "chat": "s"}, False, Mark.SUSPECTED),
        ({"list": "U", "chat": "?"}, None, Mark.UNKNOWN),  # the budget is spent
        ({"list": "U", "chat": "D"}, False, Mark.PARTLY),
        ({"list": "D", "chat": "U"}, True, Mark.PARTLY),  # a gateway without a list
        ({"list": "D", "chat": "D"}, False, Mark.DOWN),
        ({"list": "D", "chat": "?"}, False, Mark.DOWN),
        ({"list": "?", "chat": "U"}, None, Mark.UNKNOWN),
        ({"list": "U"}, True, Mark.UP),
        ({"list": "D"}, False, Mark.DOWN),
        ({"list": "U", "chat": "UD"}, True, Mark.PARTLY),  # one model of two
        ({"list": "U", "chat": "U", "embed": "D"}, False, Mark.PARTLY),  # something that was asked for is lost
        ({}, None, Mark.UNKNOWN),
    ],
)
def test_an_account_is_usable_when_all_the_work_that_is_asked_of_it_works(kinds, usable, mark):
    shot = snapshot(of(**kinds))
    now = current_state(shot)
    assert (now.judgements["openai/main"].usable, now.marks["openai/main"]) == (usable, mark)


@pytest.mark.parametrize(("well_at", "usable"), [(NOW, None), (LONG_AGO, False)])
def test_work_that_is_not_seen_any_more_is_not_lost_with_a_list_during_whose_failure_it_was_well(well_at, usable):
    targets = [one("D", "list", since=BEGAN), one("?", well_at=well_at)]
    assert assess_account(account(targets=targets), NOW).usable is usable


def test_of_several_models_each_is_told():
    models = [one("U", model="a"), one("D", model="b"), one("U", "list")]
    told = assess_account(account(targets=models), NOW)
    assert (told.abilities, told.models) == ({"chat": True, "list": True}, {"chat": {"a": True, "b": False}})


@pytest.mark.parametrize("fault", [Fault.ACCOUNT_SUSPENDED, Fault.INVALID_KEY, Fault.QUOTA_EXHAUSTED])
def test_a_refusal_of_the_whole_account_takes_every_ability(fault):
    told = assess_account(account(targets=[one("U"), one("D", "list", fault=fault)]), NOW)
    assert (told.usable, told.abilities) == (False, {"chat": False, "list": False})


ALONE = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))


def held(**changes):
    return shown(incident("openai/main", **changes))


@pytest.mark.parametrize(
    ("incidents", "usable", "mark"),
    [
        ((held(),), False, Mark.PARTLY),
        ((held(scope=Scope.ORGANIZATION),), False, Mark.PARTLY),
        ((held(scope=Scope.CAPABILITY),), True, Mark.UP),
        ((held(signal=True),), True, Mark.AT_RISK),
        ((held(drill=True),), True, Mark.UP),
        ((ALONE,), None, Mark.UNKNOWN),
        # What was refused before nothing could be reached is refused still; what merely failed may have been our road.
        ((ALONE, held(parent=ALONE.incident.id)), False, Mark.DOWN),
        ((ALONE, held(fault=Fault.TIMEOUT)), None, Mark.UNKNOWN),
        ((ALONE, held(blamed=Blame.PATH)), None, Mark.UNKNOWN),
    ],
)
def test_an_open_incident_of_the_whole_account_stands_against_it(incidents, usable, mark):
    now = current_state(snapshot(account(), open_incidents=incidents))
    assert (now.judgements["openai/main"].usable, now.marks["openai/main"]) == (usable, mark)
