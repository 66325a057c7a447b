"""The measurements measure: a short run of each world, ours beside the plain rule."""

from random import Random

import pytest

from benchmarks import ceiling
from benchmarks.answer_time import Fixed, Ours, Result, Together, accounts, play, quantile
from benchmarks.detection import GOAL, RESULTS, goals, table
from benchmarks.uptime import HOUR_S, Spell, in_a_row, ours, world
from monitor.detect.target_memory import CEILING_S
from probes.model import Fault
from tests.conftest import target


def first(watcher, share, fault=Fault.SERVER_ERROR, begin_s=HOUR_S, end_s=2 * HOUR_S):
    """Seconds until each of twenty watchers told of a trouble; infinite where one did not."""
    delays = []
    for seed in range(20):
        told = watcher(world([Spell(begin_s, end_s, share, fault)], 0.003, Random(seed)), end_s, Random(seed))
        delays.append(next((at_s - begin_s for at_s in told.alarms_s if at_s >= begin_s), float("inf")))
    return sorted(delays)


def test_a_closed_account_is_told_within_a_look_and_twenty_seconds():
    assert first(ours(), 1.0, Fault.ACCOUNT_SUSPENDED)[-1] <= 63 + 20


def test_an_outage_is_told_as_soon_as_by_three_in_a_row():
    assert first(ours(), 1.0)[10] <= first(in_a_row(3, 2), 1.0)[10] + 15


def test_a_quarter_failing_is_told_where_three_in_a_row_is_blind():
    ours_s, theirs_s = first(ours(), 0.25), first(in_a_row(3, 2), 0.25)

    assert ours_s[10] < 20 * 60
    assert ours_s[16] < float("inf")
    assert theirs_s[10] > 2 * ours_s[10]


def test_a_blip_of_a_minute_is_told_by_nobody():
    assert first(ours(), 1.0, end_s=HOUR_S + 60) == [float("inf")] * 20


def test_twice_as_slow_is_found_where_a_fixed_threshold_is_blind():
    found = {}
    for make in (Ours, Fixed):
        result = Result()
        for account in accounts(3, 1):
            play(make(), account, 4, 60.0, ["x2", "x0.4 (a drop)"], result)
        found[make] = result
    assert quantile(found[Ours].delays_s["x2"], 0.5) < 20 * 60
    assert quantile(found[Fixed].delays_s["x2"], 0.5) is None
    assert set(found[Ours].delays_s["x0.4 (a drop)"]) == {None}
    assert found[Ours].false <= 1


def test_four_accounts_together_find_a_small_rise_that_one_alone_misses():
    together, alone = Result(), Result()
    members = [(account, Ours(target=target(f"openai/{one}"))) for one, account in enumerate(accounts(4, 5))]
    play(Together(members), next(accounts(1, 9)), 6, 60.0, ["x1.3"], together)
    for account in accounts(4, 5):
        play(Ours(), account, 6, 60.0, ["x1.3"], alone)

    found = [sum(one is not None for one in it.delays_s["x1.3"]) / len(it.delays_s["x1.3"]) for it in (together, alone)]
    assert found[0] > 1.5 * found[1]


def test_a_cut_is_found_and_calm_days_are_calm():
    assert ceiling.ours(ceiling.ceilings(Random(1), 3), 3 * 86400) == []
    (told,) = ceiling.ours(ceiling.ceilings(Random(1), 3, 90_000, 0.5), 100_000)
    assert 90_000 <= told <= 90_000 + 60 + 4 * CEILING_S


def test_ceilings_that_glitch_for_minutes_tell_of_nothing():
    streams = (ceiling.ceilings(Random(seed), 3, lasting=True) for seed in range(6))

    assert [alarm for stream in streams for alarm in ceiling.ours(stream, 3 * 86400)] == []


@pytest.mark.parametrize(
    ("cell", "met"), [("0.00 (0 in 6.7 months)", "yes"), ("1,459", "**no**"), ("- / - min", "**no**")]
)
def test_a_goal_is_met_by_the_first_figure_of_its_cell(cell, met):
    tables = {where: [["", "", "", *(one[4] for one in GOAL)]] for where in (one[2] for one in GOAL)}
    for _, _, where, begins, _ in GOAL:
        tables[where].append([*begins, *[""] * (3 - len(begins)), *[cell] * len(GOAL)])
    read = {what: row for what, *row in goals(tables)}

    assert read["false in a month, correlated"] == ["≤ 1.4", cell, met]


def test_the_results_are_those_of_this_script():
    head = table([("what", "microseconds", "bytes")]).splitlines()[0]

    assert head in RESULTS.read_text()
