"""Several places played: what is told of random histories, and which looks one place's doubt brings forward."""

from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace

from benchmarks.places import NOON, Kind, Length, Stage, make, play
from monitor.detect.health import Health
from monitor.detect.measure import Measure
from monitor.detect.shared_latency import Pool
from monitor.diagnose.corroboration import LocalWitness
from monitor.diagnose.incident import ChangeKind
from monitor.diagnose.subject import Scope
from monitor.schedule import DailyBudget, Spending
from monitor.state.belief import ControlResult
from probes.model import Answer, Fault, Observation, Outcome

SHORT = Length(150, 330, 0)
"""Too short for what is paid alone to be seen, and for what is slow."""


@pytest.mark.parametrize("kind", [one for one in Kind if one not in (Kind.MTU, Kind.SLOW)])
def test_a_history_is_told_once_with_its_scope_and_no_road_is_a_lost_account(kind):
    """Seeds are any; benchmarks.places plays hundreds."""
    marks = play(kind, 1002, SHORT)

    assert (marks.first, marks.last, marks.lost, marks.needless) == (True, True, 0, 0), marks.story


def stage(kind=Kind.PROVIDER, seed=3):
    """Three places that have looked at everything just now."""
    made = make(kind, seed)
    it = Stage(replace(made, places=("FRA", "SIN", "IAD"), accounts=("openai/a0", "openai/a1", "groq/a0")), Random(1))
    it.planned.plan_probes(it.belief.config.watches, NOON, 60)
    beat(it, {})
    it.now += timedelta(seconds=2)
    return it


def beat(it, faults, only=None):
    """Look at once at all targets, or at those named: what `faults` names, by id, fails."""
    watches = it.belief.config.watches
    it.beat([look(watches[id].target, it.now, faults.get(id)) for id in only or watches])


def look(target, at, fault):
    if fault is None:
        return Observation(target, at, Outcome.OK, latency_s=0.5, status=200)
    status = None if fault in (Fault.CONNECTION_FAILED, Fault.TIMEOUT) else 403
    return Observation(target, at, Outcome.FAILED, 0.5, status=status, fault=fault, answer=Answer("x/y", "words"))


def fail(it, id, fault):
    """Return which looks a failure brings forward to this second."""
    before = dict(it.planned.probes._at)
    beat(it, {id: fault}, [id])
    soon = it.now + timedelta(seconds=1)
    return sorted(id for id, at in it.planned.probes._at.items() if at <= soon and at < before.get(id, at))


def test_the_first_doubt_of_a_place_makes_the_same_look_due_everywhere_within_a_second():
    it = stage()

    found = fail(it, "FRA:openai/a0/list", Fault.REGION_BLOCKED)

    assert {"SIN:openai/a0/list", "IAD:openai/a0/list"} <= {*found}
    assert "FRA:openai/a1/list" in found  # whether it is the account's own
    assert not [one for one in found if one.startswith(("SIN:openai/a1", "IAD:openai/a1"))]


def test_each_failure_asks_the_others_again_until_it_is_confirmed():
    it = stage()
    fail(it, "FRA:openai/a0/list", Fault.REGION_BLOCKED)
    others = ["SIN:openai/a0/list", "IAD:openai/a0/list"]
    it.now += timedelta(seconds=5)
    beat(it, {}, it.planned.probes.take_due(it.now))

    assert {*others} <= {*fail(it, "FRA:openai/a0/list", Fault.REGION_BLOCKED)}


@pytest.mark.parametrize(("spent", "asked"), [(0, True), (10**9, False)])
def test_a_paid_look_of_another_place_is_asked_for_as_far_as_the_budget_has_room(spent, asked):
    it = stage()
    config = it.belief.config
    it.belief.config = replace(config, budgets=dict.fromkeys(config.budgets, DailyBudget(1.0, 1000)))
    it.planned.spendings["openai/a0"] = Spending(it.now.date(), spent)

    found = fail(it, "FRA:openai/a0/chat/m", Fault.PERMISSION_DENIED)

    assert ("SIN:openai/a0/chat/m" in found) is asked
    assert "SIN:openai/a0/list" in found


def test_a_paid_look_without_an_answer_has_the_place_s_road_to_another_provider_tried():
    it = stage()

    assert "FRA:groq/a0/chat/m" in fail(it, "FRA:openai/a0/chat/m", Fault.TIMEOUT)


def blocked(it):
    """The incident of a region that is blocked from FRA."""
    for _ in range(4):
        beat(it, {one: Fault.REGION_BLOCKED for one in it.belief.config.watches if one.startswith("FRA:openai")})
        it.now += timedelta(seconds=20)
    (incident,) = it.belief.incidents.values()
    return incident


@pytest.mark.parametrize("muted", [True, False])
def test_what_a_place_saw_stays_as_it_was_while_nothing_is_heard_of_it_or_its_clock_is_wrong(muted):
    it = stage()
    incident = blocked(it)
    if muted:
        it.belief.control = ControlResult(places={"FRA": LocalWitness(muted=True)})
    for _ in range(10):
        beat(it, {}, [one for one in it.belief.config.watches if not one.startswith("FRA:")])
        it.now += timedelta(seconds=60)

    assert (incident.scope, incident.subject) == (Scope.LOCATION, "FRA:openai")
    assert it.belief.incidents.keys() == {incident.id}
    assert [one.kind for one in it.changes] == [ChangeKind.OPENED]


def test_an_account_that_works_again_is_not_held_down_by_a_place_that_is_not_heard_of():
    it = stage()
    ids = [one for one in it.belief.config.watches if ":openai/a0/" in one]
    for _ in range(4):
        beat(it, dict.fromkeys(ids, Fault.PERMISSION_DENIED))
        it.now += timedelta(seconds=20)
    for _ in range(12):
        beat(it, {}, [one for one in it.belief.config.watches if not one.startswith("FRA:")])
        it.now += timedelta(seconds=60)

    assert [(one.kind, one.incident.scope) for one in it.changes if one.kind is not ChangeKind.UPDATED] == [
        (ChangeKind.OPENED, Scope.ACCOUNT),
        (ChangeKind.RESOLVED, Scope.ACCOUNT),
    ]


def test_each_place_has_a_usual_speed_of_its_own():
    it = stage()
    seen = {key.location for key in it.belief.pools if (key.answerer, key.kind) == ("openai", Measure.TOTAL)}

    assert seen == {"FRA", "SIN", "IAD"}
    assert all(isinstance(one, Pool) for one in it.belief.pools.values())
    assert all(isinstance(one, Health) for one in it.belief.healths.values())
