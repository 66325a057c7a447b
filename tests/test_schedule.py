from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect.health import TERMINAL, Health, State, Thresholds, advance
from monitor.schedule import (
    DailyBudget,
    ProbePlan,
    Spending,
    Watch,
    first_at,
    has_room_for_extra,
    is_affordable,
    is_due,
    is_patient,
    next_at,
    silent_places,
)
from probes.model import Answer, Confidence, Fault, Target, Usage
from tests.conftest import CHAT, NOON, USUAL, at, health, observation, target
from tests.rows import each_row

WATCH = Watch(CHAT, interval_s=60, free=True)
SUSPENDED = Fault.ACCOUNT_SUSPENDED


def pause_s(now, chance=0.0, seen=NOON):
    return (next_at(WATCH, now, seen, failures_to_confirm=3, chance=chance) - seen).total_seconds()


@each_row(
    ("faults", "expected_s"),
    [
        ([Fault.TIMEOUT], 5),
        ([Fault.TIMEOUT] * 2, 10),
        ([SUSPENDED], 15),
        ([SUSPENDED] * 2, 60),
        ([SUSPENDED] * 3, 60),
        ([SUSPENDED] * 4, 300),
        ([SUSPENDED] * 5, 900),
        ([SUSPENDED] * 6, 3600),
        ([SUSPENDED] * 60, 3600),
        ([*[SUSPENDED] * 9, None], 15),
        ([*[Fault.TIMEOUT] * 3, None], 15),
    ],
)
def test_a_failure_is_checked_again_soon_and_a_dead_account_ever_more_seldom(faults, expected_s):
    assert pause_s(health(*faults)) == expected_s


def test_a_paid_canary_of_a_dead_account_is_not_asked_more_often_than_a_healthy_one():
    dead = health(*[SUSPENDED] * 3)
    pauses = [next_at(Watch(CHAT, seconds, free=False), dead, NOON, 3, 0.0) - NOON for seconds in (300, 7200)]

    assert [pause.total_seconds() for pause in pauses] == [300, 3600]


def test_the_answers_that_confirm_a_block_fit_into_twenty_seconds():
    pauses = pause_s(health(Fault.PERMISSION_DENIED)), pause_s(health(*[Fault.PERMISSION_DENIED] * 2))

    assert pause_s(health(SUSPENDED)) <= 20
    assert sum(pauses) <= 20


def test_what_may_be_a_blip_is_looked_at_until_it_has_lasted():
    looks, now = [0.0], health(Fault.TIMEOUT)
    while not now.lasting:
        looks.append(looks[-1] + pause_s(now, seen=at(looks[-1])))
        now = advance(now, observation(Fault.TIMEOUT, looks[-1]), Thresholds(), 60)

    assert looks == [0, 5, 15, 63, 111]


def test_a_target_that_failed_lately_is_looked_at_more_often_until_it_is_trusted_again():
    assert pause_s(health(None, Fault.TIMEOUT, None)) == 20
    assert pause_s(health(None, Fault.TIMEOUT, *[None] * 4)) == 20
    assert pause_s(health(None, Fault.TIMEOUT, *[None] * 5)) > 20


def test_the_end_of_a_brownout_is_looked_at_ever_more_seldom():
    brownout = [Fault.TIMEOUT, None] * 6
    hourly = Watch(CHAT, 3600, free=False)
    pauses = [next_at(hourly, health(*brownout, *[None] * more), NOON, 3, 0.0) - NOON for more in range(3)]

    assert [pause.total_seconds() for pause in pauses] == [15, 30, 60]


def test_a_provider_that_is_down_is_looked_at_at_the_usual_pace():
    assert 5 <= pause_s(health(*[Fault.SERVER_ERROR] * 9)) <= 65


@given(some.floats(0, 1e6), some.floats(0, 0.999))
def test_regular_looks_keep_the_targets_own_phase(seconds, chance):
    now = health(None)
    planned = next_at(WATCH, now, at(seconds), 3, chance=0.0)
    late = next_at(WATCH, now, at(seconds), 3, chance)

    assert timedelta(seconds=4.9) < planned - at(seconds) <= timedelta(seconds=65.1)
    assert timedelta(0) <= late - planned <= timedelta(seconds=3)
    assert abs(((planned - next_at(WATCH, now, NOON, 3, 0.0)).total_seconds() + 30) % 60 - 30) < 0.001


@given(some.floats(0, 0.999), some.sampled_from([20.0, 60.0, 300.0, 3600.0]), some.floats(0.06, 0.9))
def test_a_look_out_of_turn_does_not_eat_the_next_regular_one(chance, interval_s, share):
    watch, well = Watch(CHAT, interval_s, free=True), health(None)
    slot = next_at(watch, well, NOON, 3, 0.0)
    out_of_turn = slot + timedelta(seconds=min(share * interval_s, interval_s - 5.1))

    assert next_at(watch, well, out_of_turn, 3, 0.0) - slot == timedelta(seconds=interval_s)
    assert next_at(watch, well, slot + timedelta(seconds=0.05 * interval_s * chance), 3, 0.0) > out_of_turn


def test_what_asks_for_another_look_gets_it_before_the_regular_one_and_not_after_it():
    well = health(None)
    slot = next_at(WATCH, well, NOON, 3, 0.0)
    pauses = [next_at(WATCH, well, slot, 3, 0.0, again_s=pause_s) - slot for pause_s in (15.0, 45.0, 90.0, None)]

    assert [pause.total_seconds() for pause in pauses] == [15, 45, 60, 60]


def test_two_targets_do_not_share_a_second():
    others = [Watch(target(f"openai/{name}"), 60, free=True) for name in range(50)]

    assert len({next_at(watch, health(None), NOON, 3, 0.0).replace(microsecond=0) for watch in others}) > 25


def test_a_provider_that_asks_for_patience_gets_it():
    now = health(Fault.RATE_LIMITED, answer=Answer("x", "slow down", retry_after_s=40))

    assert pause_s(now) == 40


def test_but_never_more_than_a_quarter_of_an_hour():
    now = health(Fault.RATE_LIMITED, answer=Answer("x", "slow down", retry_after_s=86400))

    assert pause_s(now) == 900


def test_and_not_once_more_after_a_look_that_did_not_take_place():
    now = health(None, Fault.RATE_LIMITED, "the budget is spent", answer=Answer("x", "slow down", retry_after_s=600))

    assert pause_s(now) == pause_s(health(None))


HOPELESS = Answer("x", "you have used up what you paid for", retry_after_s=1800)


@pytest.mark.parametrize("fault", sorted(TERMINAL))
def test_an_answer_that_leaves_no_hope_is_confirmed_soon_whatever_wait_it_asks_for(fault):
    assert pause_s(health(fault, answer=HOPELESS)) == 15
    assert pause_s(health(Fault.RATE_LIMITED, fault, answer=HOPELESS)) == 10


@pytest.mark.parametrize("fault", sorted(TERMINAL))
def test_what_is_confirmed_is_left_alone_for_as_long_as_it_asked(fault):
    assert pause_s(health(fault, fault, answer=HOPELESS)) == 900


def test_an_answer_that_may_mean_something_else_is_not_asked_again_before_its_time():
    guessed = Answer("x", "quota", confidence=Confidence.LOW, retry_after_s=600)

    assert pause_s(health(Fault.QUOTA_EXHAUSTED, answer=guessed)) == 600


def test_a_wait_that_was_asked_for_before_a_good_answer_is_over():
    assert pause_s(health(*[Fault.QUOTA_EXHAUSTED] * 3, None, answer=HOPELESS)) == 15


@pytest.mark.parametrize(
    ("faults", "patient"),
    [
        ([Fault.RATE_LIMITED] * 4, True),
        ([Fault.OVERLOADED] * 4, True),
        ([Fault.QUOTA_EXHAUSTED] * 4, False),  # whether there is credit again another target of the account may show
        ([*[Fault.RATE_LIMITED] * 4, None], False),
        ([None], False),
    ],
)
def test_who_asks_to_be_left_alone_is_not_hurried_by_what_happens_elsewhere(faults, patient):
    now = health(*faults, answer=Answer("x", "slow down", retry_after_s=40))
    last = now.seen_at

    assert is_patient(now, last + timedelta(seconds=39)) is patient
    assert not is_patient(now, last + timedelta(seconds=41))


def test_first_looks_come_soon_but_not_together():
    firsts = {first_at(Watch(target(f"openai/{name}"), 60, free=True), NOON, 5) for name in range(20)}

    assert len(firsts) == 20
    assert all(NOON <= first <= at(5) for first in firsts)


@pytest.mark.parametrize(
    ("tokens", "usd", "affordable"), [(0, 0, True), (99, 0.9, True), (100, 0, False), (0, 1.0, False)]
)
def test_a_spent_budget_stops_paid_canaries_for_the_day(tokens, usd, affordable):
    assert is_affordable(DailyBudget(1.0, 100), Spending(NOON.date(), tokens, usd), NOON) is affordable


@pytest.mark.parametrize(("tokens", "usd", "room"), [(0, 0, True), (50, 0.5, True), (51, 0, False), (0, 0.51, False)])
def test_a_look_out_of_turn_is_for_whoever_spends_no_faster_than_the_day_passes(tokens, usd, room):
    assert has_room_for_extra(DailyBudget(1.0, 100), Spending(NOON.date(), tokens, usd), NOON) is room


def test_a_new_day_has_a_new_budget():
    spent = Spending((NOON - timedelta(days=1)).date(), tokens=10**9)

    assert is_affordable(DailyBudget(1.0, 100), spent, NOON)
    assert has_room_for_extra(DailyBudget(1.0, 100), spent, NOON)


def test_spending_adds_up_and_starts_anew_with_the_day():
    one = observation(usage=Usage(3, 4), cost_usd=0.5)
    yesterday = Spending((NOON - timedelta(days=1)).date(), 1000, 9.0)

    assert Spending(NOON.date()).add(one).add(one) == Spending(NOON.date(), 14, 1.0)
    assert yesterday.add(one) == Spending(NOON.date(), 7, 0.5)


def test_calls_of_unknown_price_count_as_tokens_only():
    assert Spending(NOON.date()).add(observation(usage=Usage(3, 4))) == Spending(NOON.date(), 7, 0.0)


def test_the_agenda_gives_what_is_due_once_and_in_order():
    agenda = ProbePlan()
    for name, seconds in (("c", 3), ("a", 1), ("b", 2), ("later", 60)):
        agenda.set(name, at(seconds))

    assert agenda.take_due(at(3)) == ["a", "b", "c"]
    assert agenda.take_due(at(3)) == []
    assert agenda.next_at() == at(60)


def test_a_look_can_be_moved_forward_but_not_back():
    agenda = ProbePlan()
    agenda.set("a", at(60))
    agenda.hurry("a", at(5))
    agenda.hurry("a", at(30))

    assert agenda.next_at() == at(5)


def test_however_many_ask_for_it_a_target_is_hurried_once_in_five_seconds():
    agenda, looks = ProbePlan(), []
    agenda.set("a", at(3600))
    for second in range(12):
        agenda.hurry("a", at(second))
        if agenda.take_due(at(second)):
            looks += [second]
            agenda.set("a", at(3600))

    assert looks == [0, 5, 10]


def test_a_look_under_way_is_not_started_twice():
    agenda = ProbePlan()
    agenda.set("a", at(0))
    agenda.take_due(at(0))
    agenda.hurry("a", at(1))

    assert agenda.next_at() is None


def test_a_target_that_is_no_longer_watched_is_forgotten():
    agenda = ProbePlan()
    agenda.set("a", at(0))
    agenda.drop("a")

    assert agenda.take_due(at(1)) == []


def test_an_unseen_target_keeps_its_pace():
    assert 5 <= pause_s(Health(State.UNKNOWN)) <= 65


def by_rounds(now, seen_s, interval_s=60.0, free=True):
    """When to look again, in seconds since the round began at noon, after a look in it."""
    watch = Watch(CHAT, interval_s, free)
    return (next_at(watch, now, at(seen_s), 3, 0.9, round_at=NOON) - NOON).total_seconds()


@given(some.floats(0, 48), some.sampled_from([60.0, 300.0, 3600.0]), some.text(min_size=1, max_size=8))
def test_where_cron_sets_the_pace_a_regular_look_is_whole_intervals_after_its_round(seen_s, interval_s, name):
    watch = Watch(target(f"openai/{name}"), interval_s, free=True)
    planned = next_at(watch, health(None), at(seen_s), 3, 0.9, round_at=NOON)

    assert planned == at(interval_s)
    assert is_due(watch, planned, at(interval_s - 10))
    assert not is_due(watch, planned, at(interval_s / 2))


@given(some.integers(-4000, 4000), some.integers(1, 90), some.integers(1, 8))
def test_no_look_is_planned_for_before_the_one_that_led_to_it(seen_s, interval_s, failures):
    assert by_rounds(health(None), seen_s, interval_s) > seen_s
    assert by_rounds(health(*[Fault.TIMEOUT] * failures), seen_s, interval_s) > seen_s


@pytest.mark.parametrize(
    ("faults", "seen_s", "expected_s"),
    [
        ([Fault.TIMEOUT], 0, 5),
        ([Fault.TIMEOUT] * 2, 5, 15),
        ([SUSPENDED], 0, 15),
        ([Fault.OVERLOADED] * 3, 15, 60),
        ([Fault.OVERLOADED] * 3, 30, 60),
        ([SUSPENDED] * 2, 15, 60),
        ([SUSPENDED] * 4, 0, 300),
        ([*[Fault.TIMEOUT] * 3, None], 0, 15),
    ],
)
def test_a_round_confirms_soon_and_the_next_one_sees_whether_it_lasts(faults, seen_s, expected_s):
    assert by_rounds(health(*faults, every_s=15), seen_s) == expected_s


def test_a_provider_that_asks_for_patience_gets_it_from_cron_too():
    asked = health(Fault.RATE_LIMITED, answer=Answer("x", "slow down", retry_after_s=400))

    assert by_rounds(asked, 10) == 410
    assert not is_due(WATCH, at(410), at(120))


def watch_of(place, canary="list", every_s=60):
    return Watch(Target("openai/main", "openai", canary, location=place), every_s, free=True)


@pytest.mark.parametrize(
    ("heard", "silent"),
    [
        ({"FRA": [(60, 0, None)], "SIN": [(60, 0, None)]}, ""),
        ({"FRA": [(60, 241, None)], "SIN": [(60, 0, None)]}, "FRA"),
        ({"FRA": [(60, 239, None)], "SIN": [(60, 0, None)]}, ""),
        ({"FRA": [(60, 900, None), (3600, 900, None)], "SIN": [(60, 0, None)]}, "FRA"),
        ({"FRA": [(3600, 900, None)], "SIN": [(60, 0, None)]}, ""),
        # What is known to be lost is looked at once an hour.
        ({"FRA": [(60, 900, SUSPENDED)], "SIN": [(60, 0, None)]}, ""),
        # Where only one place watches, nobody else could tell.
        ({"": [(60, 9000, None)]}, ""),
    ],
)
def test_a_place_is_silent_once_what_it_looks_at_most_often_is_overdue(heard, silent):
    """Each target: its interval, how many seconds ago it was looked at, and what it met."""
    watches, healths = [], {}
    for place, its in heard.items():
        for number, (every_s, ago_s, fault) in enumerate(its):
            watch = watch_of(place, f"list{number}", every_s)
            seen = [observation(fault, second - ago_s, watch.target) for second in (-20, 0)]
            watches.append(watch)
            healths[watch.target.id] = advance(advance(Health(), seen[0], USUAL, 60), seen[1], USUAL, 60)

    assert silent_places(watches, healths, NOON) == frozenset({silent} - {""})
