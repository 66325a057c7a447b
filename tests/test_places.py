"""Several places played: what is told of random histories, and which looks one place's doubt brings forward."""

from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace

from benchmarks.places import NOON, PLACES, Kind, Length, Stage, make, play
from monitor.detect.health import Health
from monitor.detect.measure import Measure
from monitor.detect.shared_latency import Pool
from monitor.diagnose.corroboration import LocalWitness
from monitor.diagnose.incident import ChangeKind, Severity
from monitor.diagnose.subject import Scope
from monitor.schedule import DailyBudget, Spending
from monitor.stages.beat import apply_reports
from monitor.stages.heed import heed
from monitor.state.belief import ControlResult
from monitor.store.place_report import ClockOffset, PlaceNews, PlaceReport
from monitor.words import title
from probes.model import Answer, ControlAnswer, Fault, Observation, Outcome

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


NEWS = {one: PlaceNews(one, timedelta(seconds=1)) for one in PLACES[:3]}


def hear(it, listened_s=100.0, **of_fra):
    """A second passes, in which the other places are heard of, and of FRA what is said here."""
    it.services.own = it.own
    it.now += timedelta(seconds=1)
    news = NEWS | {"FRA": replace(NEWS["FRA"], **of_fra)}
    heed(it.services, it.belief, it.planned, it.signals, list(news.values()), listened_s)
    apply_reports(it.belief, it.signals)
    before = len(it.changes)
    beat(it, {}, [one for one in it.belief.config.watches if not one.startswith("FRA:")])
    return [(one.kind, one.incident.severity, title(one.incident)) for one in it.changes[before:]]


def silent(**time):
    return {"silent": timedelta(**time)}


SILENT = [(ChangeKind.OPENED, Severity.MAJOR, "FRA has not been heard of for over 3 min")]


def test_a_place_that_is_not_heard_of_is_told_once_and_once_that_it_is_back():
    it = stage()
    said = [hear(it, **silent(seconds=second)) for second in (170, 179, 180, 181, 240, 300)]

    assert said == [[], [], SILENT, [], [], []]
    assert it.belief.muted == {"FRA"}
    assert hear(it, **silent(hours=2)) == []
    assert hear(it) == [(ChangeKind.RESOLVED, Severity.MAJOR, "FRA was not heard of for 3 min")]
    assert it.belief.muted == frozenset()


def test_nobody_is_silent_for_a_judge_that_has_just_begun_to_listen():
    it = stage()

    assert hear(it, 5, **silent(minutes=20)) == []
    assert hear(it, 29, **silent(minutes=20)) == []
    assert hear(it, 30, **silent(minutes=20)) == SILENT


@pytest.mark.parametrize(("later", "told"), [({"minutes": 9}, []), ({"seconds": 1}, [ChangeKind.RESOLVED])])
def test_the_next_leader_goes_on_where_the_last_one_told_of_a_silent_place(later, told):
    it, following = stage(), stage()
    hear(it, **silent(minutes=4))
    following.belief.incidents = dict(it.belief.incidents)
    beat(following, {})

    assert following.changes == []
    assert [kind for kind, _, _ in hear(following, 1, **silent(**later))] == told


def test_a_silent_place_that_no_account_is_probed_from_any_more_is_withdrawn():
    it = stage()
    hear(it, **silent(minutes=4))
    it.belief.control = ControlResult(places={one: LocalWitness() for one in ("SIN", "IAD")})
    it.belief.pending.stirred = True
    beat(it, {})

    assert [one.kind for one in it.changes] == [ChangeKind.OPENED, ChangeKind.WITHDRAWN]


def clock(low_s, high_s):
    return {"clock": ClockOffset(low_s, high_s)}


def test_a_wrong_clock_is_said_once_and_takes_the_vote_of_its_place_from_a_minute():
    it = stage()
    told = [
        hear(it, **clock(*one)) for one in ((1.5, 1.6), (-0.5, 30), (4.8, 5.2), (1.5, 1.6), (70, 71), (4, 5), (0, 0.1))
    ]

    assert told == [
        [],
        [],
        [(ChangeKind.OPENED, Severity.WARNING, "the clock of FRA is wrong by 5 s")],
        [],
        [(ChangeKind.CHANGED, Severity.MAJOR, "the clock of FRA is wrong by 1 min")],
        [(ChangeKind.CHANGED, Severity.WARNING, "the clock of FRA is wrong by 4 s")],
        [(ChangeKind.RESOLVED, Severity.WARNING, "the clock of FRA is wrong by 4 s")],
    ]


@pytest.mark.parametrize(("off_s", "muted"), [(59, set()), (-59, set()), (61, {"FRA"}), (-61, {"FRA"})])
def test_a_place_has_a_vote_until_its_clock_is_wrong_by_a_minute(off_s, muted):
    it = stage()
    hear(it, **clock(off_s, off_s + 0.5) if off_s > 0 else clock(off_s - 0.5, off_s))

    assert it.belief.muted == muted


def test_what_a_place_met_without_a_key_is_known_to_the_judge_until_it_is_stale():
    it = stage()
    refused = ControlAnswer(it.now, Fault.REGION_BLOCKED, 403, 0.1)
    hear(it, report=PlaceReport({"openai": refused}, online=True, warnings={"page": "disk full"}))
    seen = it.belief.corroboration(it.now).seen_from("FRA")

    assert (seen.controls, seen.online) == ({"openai": refused}, True)
    assert it.belief.corroboration(it.now + timedelta(minutes=4)).seen_from("FRA").controls == {}
    assert it.own.warnings == {"place FRA: page": "FRA: disk full"}
    hear(it)
    assert it.own.warnings == {}


def test_what_costs_nothing_is_looked_at_at_once_from_a_place_that_is_heard_of_again():
    it = stage()
    hear(it, **silent(minutes=4))
    it.planned.plan_probes(it.belief.config.watches, it.now, 60)
    hear(it)
    due = {one for one in it.planned.probes.take_due(it.now) if one.startswith("FRA:")}

    assert due == {one for one, watch in it.belief.config.watches.items() if watch.free and one.startswith("FRA:")}
