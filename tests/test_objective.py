"""Objectives: budgets, burn rates, and when they are told."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from benchmarks.virtual import promptly
from monitor.detect.health import State
from monitor.diagnose.incident import Severity
from monitor.diagnose.lifecycle import UNWATCHED
from monitor.diagnose.subject import Scope
from monitor.publish.advice import advice_for
from monitor.schedule import Watch
from monitor.slo.objective import (
    BURN_WINDOWS,
    DAY,
    HOUR,
    LONGEST,
    Goal,
    Objective,
    ProbeCounts,
    SpanCounts,
    burn_rate,
    burn_signal,
    error_budgets,
)
from monitor.stages.beat import beat
from monitor.stages.objectives import check_burn_rates
from monitor.stages.probe import unprobed
from monitor.stages.retention import retention_step
from monitor.store.row import Batch
from monitor.store.writer import Writer
from monitor.words import title
from probes.model import Blame, Fault
from probes.phrase import in_english
from tests.conftest import NOON, sentences
from tests.parts import run_stage
from tests.rows import each_row
from tests.test_evaluate import FAILING, IDS, Clock, clockwork
from tests.test_evaluate import look as looked

MINUTE = timedelta(minutes=1)
PROMISE = Objective("answers", "openai/main", frozenset({"t"}), availability=0.995)
QUICK = Objective("quick", "openai/main", frozenset({"t"}), latency_s=1.0, latency_share=0.9)


def hour(ago, series=1, **counts):
    return SpanCounts(series, NOON - ago * HOUR, NOON - (ago - 1) * HOUR, **counts)


def steady(bad, hours=80, ok=1000):
    """The same share bad in each hour, and in the last minutes."""
    spans = [hour(ago, ok=ok - bad, failed=bad, fast=ok - bad, slow=bad) for ago in range(1, hours + 1)]
    recent = {
        span: [SpanCounts(1, NOON - span, NOON, ok - bad, bad, ok - bad, bad)]
        for span in (5 * MINUTE, 30 * MINUTE, HOUR)
    }
    return ProbeCounts(spans, recent)


def lately(**shares):
    """All is good but for these windows, each with a share of bad looks; None: nobody looked."""
    calm = steady(0)
    spans = {"m5": 5 * MINUTE, "m30": 30 * MINUTE, "h1": HOUR}
    recent = {spans[name]: _last(spans[name], bad) for name, bad in shares.items()}
    return replace(calm, recent={**calm.recent, **recent})


def _last(span, bad):
    return [] if bad is None else [SpanCounts(1, NOON - span, NOON, round(1000 - 1000 * bad), round(1000 * bad))]


@pytest.mark.parametrize(
    ("tallies", "share"),
    [
        ([], None),
        ([hour(1)], None),  # only looks that were none
        ([hour(1, ok=3, failed=1)], 0.25),
        ([hour(1, ok=60), hour(2, failed=1)], 0.5),  # a dead account is asked once an hour
        ([hour(1, ok=60), hour(1, series=2, ok=5, failed=5)], 0.25),  # a dear canary each five minutes
        ([hour(1, ok=1), hour(7, failed=9)], 0.0),  # before the window
        ([hour(0, ok=1), hour(1, failed=1)], 1.0),  # not yet begun
    ],
)
def test_each_target_and_each_hour_weigh_the_same(tallies, share):
    found = burn_rate(tallies, Goal.AVAILABILITY, 6 * HOUR, NOON)

    assert (found.share if found else None) == share


@each_row(
    ("looks", "window"),
    [
        (steady(0), None),
        (steady(4), None),  # 0.4 %: within what is allowed
        (steady(6), "3 days"),
        (steady(40), "6 hours"),
        (steady(80), "hour"),
        (lately(h1=0.08, m5=0.08), "hour"),
        (lately(h1=0.07, m5=0.5), None),  # 14 times
        (lately(h1=0.08, m5=0.0), None),  # it is over
        (lately(h1=0.08, m5=None), None),
        (steady(6, hours=30), None),  # of three days one was seen
        (steady(6, hours=40), "3 days"),
        (steady(1, ok=2, hours=2), None),  # one look is chance
    ],
)
def test_it_burns_when_a_long_and_a_short_window_do(looks, window):
    sign = burn_signal(PROMISE, looks, NOON, None)

    assert (sentences(sign.reasons)[0].split(" the last ")[1].startswith(window) if sign else None) == (window and True)


def test_a_sign_says_how_much_how_fast_and_blames_nobody():
    sign = burn_signal(PROMISE, steady(100), NOON, None)

    assert (sign.scope, sign.subject, sign.signal, sign.blame) == (
        Scope.OBJECTIVE,
        "openai/main/answers",
        True,
        Blame.UNKNOWN,
    )
    assert sentences(sign.reasons) == (
        "10.0% failed in the last hour, and 10.0% in the last 5 minutes; 0.50% is allowed",
        "20.0 times the allowed rate: the budget for 28 days would last 34 hours",
    )


def test_slow_answers_burn_a_budget_of_their_own():
    sign = burn_signal(QUICK, steady(150), NOON, None)

    assert (sign.fault, burn_signal(QUICK, steady(90), NOON, None)) == (Fault.SLOW, None)
    assert "15.0% took longer than 1 s" in sentences(sign.reasons)[0]


def test_one_objective_has_one_sign_from_its_beginning_whichever_promise_burns():
    both = replace(PROMISE, latency_s=1.0, latency_share=0.9)
    late = replace(both, availability=0.5)
    before = burn_signal(both, steady(150), NOON - HOUR, None)
    after = burn_signal(late, steady(150), NOON, before)

    assert before.fault is Fault.SERVER_ERROR
    assert (after.since, after.fault) == (NOON - HOUR, Fault.SERVER_ERROR)
    assert "took longer" in sentences(after.reasons)[0]


def test_what_nobody_looked_at_since_ends_nothing():
    before = burn_signal(PROMISE, lately(h1=0.08, m5=0.08), NOON, None)

    assert burn_signal(PROMISE, lately(h1=0.08, m5=None), NOON, before)
    assert burn_signal(PROMISE, lately(h1=0.08, m5=0.0), NOON, before) is None


@pytest.mark.parametrize(("bad", "left"), [(0, 1.0), (1, 0.8), (5, 0.0), (10, -1.0)])
def test_the_budget_is_what_may_be_bad(bad, left):
    (reserve,) = error_budgets(replace(PROMISE, window_days=2), steady(bad, hours=48), NOON)

    assert reserve.left == pytest.approx(left)
    assert reserve.kept == pytest.approx(1 - bad / 1000)
    assert reserve.seen_days == pytest.approx(2)
    assert reserve.burns == pytest.approx((bad / 5,) * 3)


def test_the_window_says_how_far_back_the_budget_reaches():
    looks = steady(0, hours=24)
    looks = replace(looks, hours=[*looks.hours, *(hour(ago, ok=9, failed=1) for ago in range(25, 49))])
    day, week = (error_budgets(replace(PROMISE, window_days=days), looks, NOON)[0] for days in (1, 7))

    assert (day.left, week.left) == (pytest.approx(1), pytest.approx(1 - 2.4 / 0.84))  # of 0.84 hours 2.4 were bad
    assert error_budgets(PROMISE, ProbeCounts([], {}), NOON) == []


@pytest.mark.parametrize(("days", "left"), [(1, 0.0), (2, 0.5), (28, 1 - 1 / 28)])
def test_time_that_nobody_watched_uses_no_budget_and_brings_none(days, left):
    """Five of a thousand may fail, and did on the one day that was watched."""
    (reserve,) = error_budgets(replace(PROMISE, window_days=days), steady(5, hours=24), NOON)

    assert (reserve.left, reserve.seen_days) == (pytest.approx(left), pytest.approx(1))
    assert reserve.kept == pytest.approx(0.995)


@pytest.mark.parametrize(
    ("watched", "told"),
    [(0.02, None), (0.45, None), (0.52, "8.0% failed in the last hour (of which 31 min were watched)"),
     (0.99, "8.0% failed in the last hour")],
)  # fmt: skip
def test_an_hour_that_was_not_watched_for_half_says_nothing_and_else_how_much_of_it_was(watched, told):
    looks = lately(h1=0.08, m5=0.08)
    partly = {span: [replace(one, seen=watched) for one in its] for span, its in looks.recent.items()}
    sign = burn_signal(PROMISE, replace(looks, recent=partly), NOON, None)

    assert (sentences(sign.reasons)[0].partition(",")[0] if sign else None) == told


def test_several_hours_say_how_many_of_them_were_watched():
    sign = burn_signal(PROMISE, steady(6, hours=40), NOON, None)

    assert sentences(sign.reasons)[0].startswith("0.6% failed in the last 3 days (of which 40 hours were watched)")


def objective(it, **facts):
    (target,) = it.state.belief.config.watches
    made = replace(PROMISE, targets=frozenset({target}), **facts)
    it.state.belief.config = replace(it.state.belief.config, objectives=(made,))


def read(it, made, reach=LONGEST):
    stored = it.state.services.storage.failover.reader
    return stored.objectives.probe_counts(stored.history.series_ids(), made, it.clock.now, reach)


async def minutes(it, count, looks):
    for _ in range(count):
        await it.minutes(1, looks)
        await run_stage(check_burn_rates, it.state)


def objectives(it):
    return [title(one) for one in it.state.belief.incidents.values() if one.scope is Scope.OBJECTIVE]


BURNS = ["openai/main/answers: the error budget burns too fast"]


def test_an_outage_is_told_once_by_its_budget_and_a_restart_does_not_end_it(tmp_path):
    async def play():
        clock = Clock()
        async with clockwork(tmp_path, clock, IDS[:1]) as it:
            objective(it)
            await minutes(it, 240, lambda _: {})
            assert objectives(it) == []
            await minutes(it, 8, lambda _: FAILING)
            sign = next(one for one in it.state.belief.incidents.values() if one.scope is Scope.OBJECTIVE)
            assert (sign.severity, sign.signal) == (Severity.WARNING, True)
            assert "`status`" in in_english(advice_for(sign, it.state.belief.config))
        async with clockwork(tmp_path, clock, IDS[:1]) as it:
            objective(it)
            await it.minutes(1, lambda _: FAILING)  # before it is weighed for the first time
            resumed = objectives(it)
            await minutes(it, 10, lambda _: {})
            later, told = objectives(it), it.told
            await minutes(it, 40, lambda _: {})
            return resumed, later, told, objectives(it)

    assert promptly(play()) == (BURNS, BURNS, [], [])


@pytest.mark.parametrize(("kept", "ending"), [(True, None), (False, UNWATCHED)])
def test_an_objective_that_was_taken_out_while_its_budget_burnt_is_no_longer_watched(tmp_path, kept, ending):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            await minutes(it, 45, lambda _: FAILING)
            (burning,) = (one for one in it.state.belief.incidents.values() if one.scope is Scope.OBJECTIVE)
            if not kept:
                it.state.belief.config = replace(it.state.belief.config, objectives=())
            await minutes(it, 60 if kept else 2, lambda _: {})
            return it.state.told.cases[burning.id].incident

    assert promptly(play()).ending == ending


def test_right_after_the_first_start_no_budget_burns_and_hardly_any_is_used(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            (made,) = it.state.belief.config.objectives
            it.clock.now += 40 * MINUTE
            await minutes(it, 10, lambda _: FAILING)
            soon = objectives(it), error_budgets(made, read(it, made, 28 * DAY), it.clock.now)
            await minutes(it, 25, lambda _: FAILING)
            return soon, objectives(it)

    (burns, (reserve,)), later = promptly(play())
    assert (burns, reserve.burns, reserve.kept) == ([], (None, None, None), 0)
    assert reserve.seen_days * DAY / MINUTE == pytest.approx(10, abs=1)
    assert reserve.left == pytest.approx(1 - 10 / (0.005 * 28 * 24 * 60), abs=0.01)
    assert later == BURNS


def test_a_start_after_a_stop_says_nothing_of_the_hour_in_which_nobody_watched(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            await minutes(it, 60, lambda _: {})
            it.clock.now += 50 * MINUTE
            await minutes(it, 5, lambda _: FAILING)
            return objectives(it)

    assert promptly(play()) == []


@pytest.mark.parametrize(
    ("interval_s", "facts", "ago_min", "seen"),
    [
        (60, {}, range(90, 0, -1), 1.0),
        (60, {}, range(5, 0, -1), 5 / 60),  # since it was added
        (60, FAILING, range(5, 0, -1), 5 / 60),
        (60, {}, [*range(90, 55, -1), *range(5, 0, -1)], (4 + 20 + 5) / 60),  # nobody watched for 50 minutes
        (3600, {}, [70, 10], 1.0),
        (60, FAILING, [70, 10], 1.0),  # it is dead, and asked once an hour
        (None, {}, [70, 10], 20 / 60),
        (3600, {}, [0], 1 / 3600),
    ],
)
def test_a_look_speaks_until_the_next_one_or_for_three_of_its_intervals(tmp_path, interval_s, facts, ago_min, seen):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            (target,) = [one.target for one in it.state.belief.config.watches.values()]
            objective(it, intervals_s={target.id: interval_s} if interval_s else {})
            it.clock.now += DAY
            told = [looked(target, it.clock.now - minutes * MINUTE, facts) for minutes in ago_min]
            it.state.services.storage.failover.do(Writer.save, Batch(it.clock.now, tuple(told)))
            (made,) = it.state.belief.config.objectives
            return read(it, made).recent[HOUR]

    (tally,) = promptly(play())
    assert tally.seen == pytest.approx(seen, abs=0.02 if seen > 0.01 else 0.0001)


def test_what_was_watched_for_minutes_weighs_less_than_what_was_watched_for_the_hour():
    shares = [SpanCounts(1, NOON - HOUR, NOON, ok=60), SpanCounts(2, NOON - HOUR, NOON, failed=5, seen=1 / 12)]

    assert burn_rate(shares, Goal.AVAILABILITY, HOUR, NOON).share == pytest.approx(1 / 13)


def test_an_account_that_is_dead_and_seldom_asked_does_not_seem_to_recover(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            await minutes(it, 40, lambda _: FAILING)
            for _ in range(3):
                it.clock.now += 49 * MINUTE
                await minutes(it, 1, lambda _: FAILING)
            return objectives(it)

    assert promptly(play()) == BURNS


@pytest.mark.parametrize(("promised", "told"), [(0.995, True), (0.5, False)])
def test_failures_among_good_answers_burn_what_was_promised(tmp_path, promised, told):
    async def play():
        counter = iter(range(10**6))
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it, availability=promised)
            await minutes(it, 200, lambda _: {})
            await minutes(it, 40, lambda _: FAILING if next(counter) % 5 == 0 else {})
            return any(one.scope is Scope.OBJECTIVE for one in it.told), it.state

    assert promptly(play())[0] is told


def test_late_answers_burn_what_was_promised_while_all_is_up(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it, availability=None, latency_s=1.0, latency_share=0.99)
            await minutes(it, 60, lambda _: {"latency_s": 0.9})
            calm = objectives(it)
            await minutes(it, 20, lambda _: {"latency_s": 1.2})
            return calm, objectives(it), {one.state for one in it.state.belief.healths.values()}

    assert promptly(play()) == ([], BURNS, {State.UP})


def test_what_we_could_not_look_at_is_neither_good_nor_bad(tmp_path):
    """An account whose key cannot be read is unknown, and so is its budget."""

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            target = next(iter(it.state.belief.config.watches.values())).target
            for number in range(30):
                now = it.clock.now = NOON + number * MINUTE
                await beat(it.state, [unprobed(Watch(target, 60, True), now, "no key")], now)
                await run_stage(check_burn_rates, it.state)
            (it_,) = it.state.belief.config.objectives
            return read(it, it_), it_, dict(it.state.belief.burning)

    looks, made, burns = promptly(play())
    assert (error_budgets(made, looks, NOON + 29 * MINUTE), burns) == ([], {})


def test_hours_that_are_rolled_up_count_as_before(tmp_path):
    async def play():
        counter = iter(range(10**6))
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it, latency_s=1.0, latency_share=0.9)
            await it.minutes(300, lambda _: FAILING if (n := next(counter)) % 10 == 0 else {"latency_s": n % 3 + 0.5})
            (made,) = it.state.belief.config.objectives
            before = error_budgets(made, read(it, made, 7 * DAY), it.clock.now)
            while await run_stage(retention_step, it.state):
                pass
            after = read(it, made, 7 * DAY)
            return before, error_budgets(made, after, it.clock.now)

    before, after = promptly(play())
    assert len(before) == 2
    assert before == after


@pytest.mark.parametrize(
    ("looked_min", "watched_min"),
    [
        (range(40, 120), 80),  # from its first start on
        ([*range(10, 20), *range(300, 360)], 50 + 60),  # hours lie between: the one that it began in counts from there
        (range(45, 360, 60), 315),  # of what is dead each hour counts, though it is asked only once in it
        ([55, 122], 5 + 60),  # also where an hour lies between two looks
    ],
)
def test_an_hour_counts_from_its_first_look_where_nobody_watched_before(tmp_path, looked_min, watched_min):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it)
            (made,), (target,) = (
                it.state.belief.config.objectives,
                [one.target for one in it.state.belief.config.watches.values()],
            )
            seen = [looked(target, NOON + number * MINUTE, {}) for number in looked_min]
            it.clock.now = NOON + (max(looked_min) // 60 + 1) * HOUR
            it.state.services.storage.failover.do(Writer.save, Batch(it.clock.now, tuple(seen)))
            (before,) = error_budgets(made, read(it, made, 28 * DAY), it.clock.now)
            while await run_stage(retention_step, it.state):
                pass
            return before, *error_budgets(made, read(it, made, 28 * DAY), it.clock.now)

    for reserve in promptly(play()):
        assert reserve.seen_days * DAY / MINUTE == pytest.approx(watched_min, abs=0.1)


def test_days_that_are_rolled_up_count_as_their_hours_did(tmp_path):
    """Nine days: looks each ten minutes, and once an hour on those on which half of them fail; a gap of a day."""

    async def play():
        async with clockwork(tmp_path, Clock(), IDS[:1]) as it:
            objective(it, latency_s=1.0, latency_share=0.9, window_days=9)
            (made,), (target,) = (
                it.state.belief.config.objectives,
                [one.target for one in it.state.belief.config.watches.values()],
            )
            seen = [look(target, NOON + 10 * number * MINUTE, facts(number)) for number in range(9 * 144)]
            it.clock.now = NOON + 9 * DAY
            it.state.services.storage.failover.do(Writer.save, Batch(it.clock.now, tuple(one for one in seen if one)))
            before = error_budgets(made, read(it, made, 9 * DAY), it.clock.now)
            while await run_stage(retention_step, it.state):
                pass
            return before, error_budgets(made, read(it, made, 9 * DAY), it.clock.now), read(it, made, 9 * DAY)

    def facts(number):
        return FAILING if number // 144 in (1, 6) and number % 2 else {"latency_s": 0.5 + number % 3}

    def look(target, now, its):
        return None if (now - NOON).days == 4 or its is FAILING and now.minute != 10 else looked(target, now, its)

    before, after, found = promptly(play())
    assert [one.goal for one in before] == [one.goal for one in after] == [Goal.AVAILABILITY, Goal.LATENCY]
    for one, other in zip(before, after, strict=True):
        assert other.kept == pytest.approx(one.kept, abs=0.01)
        assert other.seen_days == pytest.approx(one.seen_days, abs=0.05)
        assert other.burns == pytest.approx(one.burns)
    assert after[0].kept == pytest.approx(before[0].kept)
    assert max(one.ends - one.begins for one in found.hours) == DAY
    assert len(found.hours) < 6 + 4 * 24


def test_the_pairs_are_those_of_the_workbook():
    assert [(pair.long / HOUR, pair.short / MINUTE, pair.factor) for pair in BURN_WINDOWS] == [
        (1, 5, 14.4),
        (6, 30, 6),
        (72, 360, 1),
    ]
