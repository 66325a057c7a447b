from datetime import timedelta

import pytest

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.status import Mark, current_state, mark_account, mark_target
from probes.model import Fault
from tests.builders_page import NOW, account, incident, shown, snapshot, target

CALM = current_state(snapshot())


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({}, Mark.UP),
        ({"state": State.SUSPECTED}, Mark.SUSPECTED),
        ({"state": State.UNKNOWN}, Mark.UNKNOWN),
        ({"state": State.DOWN, "fault": Fault.INVALID_KEY}, Mark.DOWN),
        ({"state": State.DOWN, "fault": None}, Mark.DOWN),
        ({"state": State.DOWN, "fault": Fault.SLOW}, Mark.PARTLY),
        ({"state": State.DOWN, "fault": Fault.BAD_REQUEST}, Mark.PARTLY),
        ({"seen_at": NOW - timedelta(seconds=900)}, Mark.UP),
        ({"seen_at": NOW - timedelta(seconds=901)}, Mark.UNKNOWN),
        ({"seen_at": None}, Mark.UNKNOWN),
    ],
)
def test_a_target_is_marked_by_state_fault_and_age(changes, mark):
    assert mark_target(target(**changes), CALM) == mark


@pytest.mark.parametrize(
    ("states", "mark"),
    [
        ((State.UP, State.UP), Mark.UP),
        ((State.UP, State.UNKNOWN), Mark.UNKNOWN),
        ((State.UNKNOWN, State.SUSPECTED), Mark.SUSPECTED),
        ((State.UP, State.DOWN), Mark.PARTLY),
        ((State.UNKNOWN, State.DOWN), Mark.DOWN),
        ((State.DOWN, State.DOWN), Mark.DOWN),
        ((), Mark.UNKNOWN),
    ],
)
def test_an_account_is_marked_by_the_worst_of_its_targets(states, mark):
    assert mark_account(account(targets=[target(state=state) for state in states]), NOW) == mark


def test_a_suspended_account_is_down_although_one_canary_still_answers():
    targets = (target(canary="list"), target(state=State.DOWN, fault=Fault.ACCOUNT_SUSPENDED))
    assert mark_account(account(targets=targets), NOW) == Mark.DOWN


def test_nothing_is_known_of_anything_while_the_monitor_is_offline():
    alone, down = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR)), account(state=State.DOWN)
    offline = current_state(snapshot(down, open_incidents=(alone,)))
    assert offline.marks == {down.id: Mark.UNKNOWN}
    assert {mark_target(it, offline) for it in down.targets} == {Mark.UNKNOWN}


def test_a_drill_changes_no_mark():
    drill = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR, drill=True))
    assert current_state(snapshot(account(), open_incidents=(drill,))).incidents == ()
