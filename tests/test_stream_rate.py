"""Output tokens per second: what a stream tells of its pace, whose matter it is, and that it is told once."""

import time
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import reduce
from math import inf, log, nan
from random import Random
from statistics import quantiles

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from benchmarks.virtual import promptly
from monitor.detect import latency, target_memory
from monitor.detect.health import Health, State
from monitor.detect.latency import (
    ACCEPTED_AFTER,
    LONG,
    MIN_STREAM_S,
    MIN_TOKENS,
    STREAMED,
    Measure,
    accepted_findings,
    findings,
    measures,
    sensitivity_for,
    token_s,
)
from monitor.detect.shared_latency import PoolKey
from monitor.detect.target_memory import NEW, DetectorSettings, TargetMemory
from monitor.schedule import Watch
from monitor.sentence.finding import describe_answer
from monitor.stages.beat import beat
from monitor.stages.notify import write_due_messages
from monitor.state.belief import pool_keys
from monitor.state.monitor_state import open_state
from monitor.state.services import Edge
from monitor.store.row import pool_id, pool_key
from probes.attempt import attempt
from probes.model import Blame, Fault, Observation, Outcome, Target, Usage
from probes.simulator import SimulatedAccount, Simulator, Trouble
from tests.conftest import CHAT, at, observation, sentences
from tests.parts import run_stage, spare_the_disk
from tests.rows import each_row
from tests.test_evaluate import IDS, Clock, Clockwork, clockwork
from tests.test_run import KEYS, config

MINUTE = DetectorSettings(sensitivity_for(60))
UP = Health()


def stream(tokens=100, rate=54.0, first_s=0.3, seconds=0.0, reasoning=0, target=CHAT):
    """A good answer that streamed at this rate."""
    usage, total_s = Usage(10, tokens, reasoning), first_s + (tokens - 1) / rate
    return Observation(target, at(seconds), Outcome.OK, latency_s=total_s, ttft_s=first_s, status=200, usage=usage)


def facts(tokens, rate, first_s=0.3):
    one = stream(tokens, rate, first_s)
    return {"latency_s": one.latency_s, "ttft_s": one.ttft_s, "usage": one.usage}


def wavy(number, mean=1.0):
    """A number that varies a little, the same in every run."""
    return mean * (1 + 0.2 * ((number * 7919) % 13 - 6) / 6)


def tracked(looks, start=NEW, since=0, settings=MINUTE):
    """The track after these answers, one a minute."""
    dated = (replace(one, at=at(60 * number)) for number, one in enumerate(looks, since))
    return reduce(lambda now, one: target_memory.advance(now, one, UP, UP, settings, held=False), dated, start)


def streams(count, **manner):
    rate = manner.pop("rate", 54.0)
    return [stream(rate=wavy(number, rate), **manner) for number in range(count)]


# What one answer tells


@each_row(
    ("why", "changed", "expected"),
    [
        ("the first token is not counted", {}, 0.02),
        ("so few tell enough", {"usage": Usage(9, MIN_TOKENS), "latency_s": 0.5 + 0.02 * (MIN_TOKENS - 1)}, 0.02),
        ("too few", {"usage": Usage(9, MIN_TOKENS - 1)}, None),
        ("nobody counted", {"usage": Usage()}, None),
        ("no stream", {"ttft_s": None}, None),
        ("not timed", {"latency_s": None}, None),
        ("buffered: all pieces came at once", {"ttft_s": 2.5}, None),
        ("buffered, all but at once", {"ttft_s": 2.5 - 0.9 * MIN_STREAM_S}, None),
        ("thought before it spoke", {"usage": Usage(9, 101, 60)}, None),
        ("ended before its first piece", {"ttft_s": 3.0}, None),
        ("came before it was asked for", {"ttft_s": -1.0}, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_time_per_output_token_is_that_after_the_first_one(why, changed, expected):
    one = replace(observation(), ttft_s=0.5, latency_s=2.5, usage=Usage(9, 101))

    assert token_s(replace(one, **changed)) == (expected and pytest.approx(expected)), why


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        (stream(), [Measure.TOTAL, Measure.FIRST, Measure.TOKEN]),
        (stream(tokens=4), [Measure.TOTAL, Measure.FIRST]),
        (observation(), [Measure.TOTAL]),
        (observation(Fault.TIMEOUT, latency_s=60.0, ttft_s=0.5, usage=Usage(9, 100)), []),
    ],
)
def test_only_a_good_answer_that_streamed_tells_its_pace(seen, kinds):
    assert [kind for kind, _ in measures(seen)] == kinds


HOSTILE = some.sampled_from([None, 0.0, -1.0, nan, inf, -inf, 1e-9, 31_536_000.0, 1e300]) | some.floats()
COUNTS = some.sampled_from([0, -1, 1, MIN_TOKENS, 10**9, 10**30]) | some.integers()


@given(HOSTILE, HOSTILE, COUNTS, some.integers(0, 3))
def test_no_number_from_outside_becomes_a_pace_that_cannot_be(total_s, first_s, tokens, reasoning):
    seen = replace(observation(), latency_s=total_s, ttft_s=first_s, usage=Usage(9, tokens, reasoning))
    told = token_s(seen)

    assert told is None or (0 < told < inf and first_s >= 0 and total_s > first_s and tokens >= MIN_TOKENS)
    now = tracked([*streams(40), seen, seen])
    assert msgspec.json.decode(msgspec.json.encode(now), type=TargetMemory) == now
    assert all(abs(x) < 20 for x in now.token.recent)
    assert now.length <= 2 * LONG


def received_s(rng, tokens, piece, gap_s, jitter_s):
    """How long it takes after the first piece until all is there: pieces of several tokens, on a road that wavers."""
    steps = [gap_s * rng.lognormvariate(0, 0.5) for _ in range(tokens)]
    first, load = min(rng.randint(1, piece), tokens), rng.lognormvariate(0, 0.15)
    return load * sum(steps[first:]) + rng.expovariate(1 / jitter_s) - rng.expovariate(1 / jitter_s)


@pytest.mark.parametrize(
    ("tokens", "piece", "gap_s", "least", "most"),
    [
        (LONG, 10, 0.005, 0.0, 0.3),
        (LONG // 2, 10, 0.005, 0.4, 0.6),
        (MIN_TOKENS, 4, 0.02, 0.0, 0.45),
        (MIN_TOKENS // 2, 4, 0.02, 0.7, 2.0),
    ],
)
def test_how_far_short_answers_scatter_is_why_they_are_not_judged_alone(tokens, piece, gap_s, least, most):
    rng = Random(7)
    told = [received_s(rng, tokens, piece, gap_s, 0.015 if piece == 10 else 0.003) / tokens for _ in range(4_000)]
    low, _, high = quantiles([log(one) for one in told if one > 0], n=4)

    assert least <= (high - low) / 1.349 <= most


# One account


def test_a_stream_that_is_slow_is_told_in_tokens_per_second():
    slow = tracked(streams(30, rate=12.0), tracked(streams(300)), 300)
    (one,) = findings(CHAT, Measure.TOKEN, slow.token)

    assert (one.fault, one.rule, one.model) == (Fault.SLOW, "latency/token", CHAT.model)
    assert describe_answer(one.words).startswith("usual 5")
    assert "tokens/s, now 1" in describe_answer(one.words)
    assert sentences(one.reasons)[0].startswith("output tokens after the first: usual 5")
    assert "times as slow" in sentences(one.reasons)[0]
    assert "answers came slower than" in sentences(one.reasons)[1]


def test_a_pace_below_ten_is_told_with_a_decimal():
    (one,) = findings(CHAT, Measure.TOKEN, tracked(streams(30, rate=2.0), tracked(streams(300)), 300).token)

    assert ", now 2.0 tokens/s" in describe_answer(one.words) or ", now 1.9 tokens/s" in describe_answer(one.words)


def test_a_slower_pace_that_stays_is_usual_and_that_is_said_in_tokens_per_second():
    half_a_day = int(ACCEPTED_AFTER.total_seconds()) // 60 + 60
    stays = tracked(streams(half_a_day, rate=12.0), tracked(streams(300)), 300)
    (ended,) = accepted_findings(CHAT, Measure.TOKEN, stays.token)

    assert "output tokens after the first: 12 tokens/s instead of 5" in sentences(ended.reasons)[0]


def test_a_pace_that_nobody_would_notice_is_not_told():
    """From 4,000 to 1,500 tokens a second: an answer of 200 tokens takes 83 ms longer."""
    slow = tracked(streams(60, rate=1_500.0), tracked(streams(300, rate=4_000.0)), 300)

    assert slow.token.alarm is None
    assert not slow.is_alarmed


@pytest.mark.parametrize(("tokens", "told"), [(LONG - 1, ["latency/total"]), (LONG, ["latency/token"])])
def test_one_account_is_judged_by_the_pace_of_long_answers_only(tokens, told):
    calm = tracked(streams(300, tokens=tokens, rate=20.0))
    slow = tracked(streams(30, tokens=tokens, rate=5.0), calm, 300)

    assert slow.token.alarm is not None
    assert [finding.rule for finding in target_memory.findings(CHAT, slow)] == told


@pytest.mark.parametrize(("tokens", "told"), [(LONG - 1, False), (LONG, True)])
def test_a_short_stream_that_is_slow_by_itself_is_nothing_to_tell(tokens, told):
    """It is a tenth of the whole answer, which is hardly later."""
    calm = tracked(streams(300, tokens=tokens, rate=60.0, first_s=10.0))
    slow = tracked(streams(30, tokens=tokens, rate=20.0, first_s=10.0), calm, 300)

    assert (slow.token.alarm is not None, slow.total.alarm) == (True, None)
    assert slow.is_alarmed is told


def test_a_short_stream_that_may_be_slow_asks_for_no_look_more():
    asks = {}
    for tokens in (LONG - 1, LONG):
        calm = tracked(streams(300, tokens=tokens, rate=200.0, first_s=3.0))
        late = tracked(streams(2, tokens=tokens, rate=80.0, first_s=3.0), calm, 300)
        asks[tokens] = target_memory.extra_probe_s(late, MINUTE.pace)

    assert asks == {LONG - 1: None, LONG: 15}


@pytest.mark.parametrize(
    ("first_s", "rate", "told"),
    [(0.3, 12.0, "latency/token"), (5.0, 54.0, "latency/first"), (5.0, 12.0, "latency/first")],
)
def test_of_what_is_slow_the_part_speaks_for_the_whole_and_once(first_s, rate, told):
    slow = tracked(streams(30, first_s=first_s, rate=rate), tracked(streams(300)), 300)

    assert slow.total.alarm is not None
    assert [finding.rule for finding in target_memory.findings(CHAT, slow)] == [told]


def test_an_answer_of_another_length_is_no_slower_one():
    """The option changed: a total of 5 s was never usual of the one, and is of the other."""
    calm = tracked(streams(300, tokens=16))
    longer = DetectorSettings(sensitivity_for(60), 100)
    first = tracked(streams(1), calm, 300, longer)

    assert [first.series(kind).usual.count for kind in Measure] == [1, 301, 1]
    assert (first.length, first.answer_tokens) == (2 * LONG, 100)
    assert tracked(streams(60), first, 301, longer).total.usual.count == 61
    assert not tracked(streams(60), calm, 300, longer).is_alarmed
    assert tracked(streams(60), calm, 300).is_alarmed


def test_an_outage_ends_what_was_known_of_a_slow_stream():
    slow = tracked(streams(30, rate=12.0), tracked(streams(300)), 300)
    back = target_memory.advance(
        slow, stream(seconds=60 * 331), Health(State.DOWN), Health(State.UP), MINUTE, held=False
    )

    assert (slow.token.alarm is None, back.token.alarm) == (False, None)


# All that one model answers


def test_streams_are_compared_with_those_of_the_same_model():
    one, other = (Target("openai/a", "openai", "chat", model) for model in ("m", "n 2"))
    groups = [{key.kind: key for key in pool_keys(target)} for target in (one, other)]

    assert [groups[0][kind] == groups[1][kind] for kind in Measure] == [True, True, False]
    assert [key.model for key in groups[1].values()] == [None, None, "n 2"]
    assert {key.answerer for its in groups for key in its.values()} == {"openai"}
    assert [key.kind for key in pool_keys(Target("openai/a", "openai", "list"))] == [Measure.TOTAL, Measure.FIRST]


@pytest.mark.parametrize("model", ["m", "n 2", "a:b"])
@pytest.mark.parametrize("host", [None, "10.0.0.1:8080"])
def test_each_place_has_pools_of_its_own_and_a_row_of_the_only_place_is_read_as_ever(model, host):
    here = pool_keys(Target("openai/a", "openai", "chat", model, host))
    there = pool_keys(Target("openai/a", "openai", "chat", model, host, "my place"))

    assert [pool_id(one) for one in there] == [f":my place:{pool_id(one)}" for one in here]
    assert [pool_key(pool_id(one)) for one in (*here, *there)] == [*here, *there]
    assert pool_id(here[0]) == f"{here[0].answerer} chat total"
    assert {one.location for one in there} == {"my place"}


PAIR = ("openai/main", "openai/backup")


def paced(rate_of, tokens=16):
    """Looks whose streams come at the rate that each account has; the first token is always as quick."""
    numbers = iter(range(10**9))
    return lambda target: facts(tokens, wavy(next(numbers), rate_of(target)))


@pytest.mark.parametrize(("slow", "subjects"), [(PAIR, ["openai"]), (PAIR[:1], [])], ids=["both", "one"])
def test_short_streams_are_judged_together_only(tmp_path, slow, subjects):
    """At 16 tokens in 80 or 200 ms the whole answer is hardly later: only the pace tells."""

    async def play():
        async with clockwork(tmp_path, Clock(), PAIR) as it:
            await it.minutes(300, paced(lambda _: 200.0))
            await it.minutes(30, paced(lambda target: 75.0 if target.account in slow else 200.0))
            return it.open(), [sentences(one.reasons)[0] for one in it.told], it.letters()

    found, reasons, letters = promptly(play())
    assert [subject for subject, _, _ in found] == subjects
    assert [reason.partition(" have come ")[0] for reason in reasons] == ["output tokens of gpt-4.1-nano"] * len(
        subjects
    )
    assert letters == [(subject, "opened") for subject in subjects]


def test_another_model_of_the_same_accounts_is_not_slow_with_it(tmp_path):
    """Two accounts ask two models each, and of one model all streams are slow: nobody doubts the other."""

    async def play():
        async with clockwork(tmp_path, Clock(), PAIR) as it:
            twice = [
                replace(one.target, model=f"other-{one.target.model}")
                for one in it.state.belief.config.watches.values()
            ]
            watches = it.state.belief.config.watches | {one.id: Watch(one, 60, True) for one in twice}
            it.state.belief.config = replace(it.state.belief.config, watches=watches)
            await it.minutes(300, paced(lambda _: 200.0))
            await it.minutes(30, paced(lambda one: 75.0 if one.model.startswith("other") else 200.0))
            alarmed = [key for key, one in it.state.belief.pools.items() if one.alarmed_at]
            return alarmed, [sentences(one.reasons)[0] for one in it.told]

    groups, reasons = promptly(play())
    assert groups == [PoolKey("openai", "chat", Measure.TOKEN, "other-gpt-4.1-nano")]
    assert [reason.partition(" have come ")[0] for reason in reasons] == ["output tokens of other-gpt-4.1-nano"]


def test_a_slow_stream_of_all_that_also_makes_the_whole_answer_late_is_one_message(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), IDS) as it:
            await it.minutes(300, paced(lambda _: 54.0, tokens=100))
            await it.minutes(40, paced(lambda one: 12.0 if one.provider == "openai" else 54.0, tokens=100))
            slow = {key.kind for key, one in it.state.belief.pools.items() if one.alarmed_at}
            return slow, [one.evidence[0].rule for one in it.state.belief.incidents.values()], it.letters()

    slow, rules, letters = promptly(play())
    assert (slow, rules) == ({Measure.TOTAL, Measure.TOKEN}, ["latency/token/pool"])
    assert letters == [("openai", "opened")]


@pytest.mark.parametrize(("model", "blame"), [("gpt-4.1-nano", Blame.ACCOUNT), ("another", Blame.UNKNOWN)])
def test_a_slow_stream_is_the_accounts_own_only_while_others_of_that_model_are_as_quick_as_usual(
    tmp_path, model, blame
):
    async def play():
        async with clockwork(tmp_path, Clock(), PAIR) as it:
            mine, others = (one.target for one in it.state.belief.config.watches.values())
            watches = {one.id: Watch(one, 60, True) for one in (mine, replace(others, model=model))}
            it.state.belief.config = replace(it.state.belief.config, watches=watches)
            await it.minutes(300, paced(lambda _: 200.0, tokens=40))
            await it.minutes(30, paced(lambda one: 50.0 if one.account == mine.account else 200.0, tokens=40))
            return [(one.evidence[0].rule, one.blame) for one in it.told]

    assert promptly(play()) == [("latency/token", blame)]


def test_a_changed_length_of_the_answers_opens_nothing(tmp_path):
    async def play():
        async with clockwork(tmp_path, Clock(), PAIR[:1]) as it:
            await it.minutes(300, paced(lambda _: 54.0))
            ((id, account),) = it.state.belief.config.accounts.items()
            it.state.belief.config = replace(it.state.belief.config, accounts={id: replace(account, answer_tokens=100)})
            await it.minutes(60, paced(lambda _: 54.0, tokens=100))
            return it.told

    assert promptly(play()) == []


# At a real server


@asynccontextmanager
async def asking(folder, clock, simulator, answer_tokens):
    settings = config(folder, simulator, ids=PAIR[:1])
    accounts = {id: replace(one, answer_tokens=answer_tokens) for id, one in settings.accounts.items()}
    (chat,) = [one.target for one in settings.watches.values() if one.target.canary == "chat"]
    settings = replace(settings, accounts=accounts, watches={chat.id: Watch(chat, 90, True)})
    edge = Edge(lambda: clock.now, time.monotonic, lambda: 0.5, lambda _: None)
    async with open_state(settings, edge) as made:
        yield Clockwork(spare_the_disk(made), clock), chat


async def ask(it, target, looks):
    """Ask a real server once in 90 s of a clock of our own."""
    state = it.state
    for _ in range(looks):
        it.clock.now += timedelta(seconds=90)
        provider, account = state.belief.config.providers[target.provider], state.belief.config.accounts[target.account]
        await beat(state, [await attempt(state.services.prober, provider, account, target)], it.clock.now)
        await run_stage(write_due_messages, state)


@pytest.mark.parametrize(("answer_tokens", "rules"), [(LONG, ["latency/token"]), (None, [])])
def test_a_server_that_streams_slowly_after_a_usual_hour_is_told_where_answers_are_long(tmp_path, answer_tokens, rules):
    """The usual short answer has five tokens here, and says nothing of the pace."""

    async def play():
        whose, clock = SimulatedAccount("openai", KEYS["openai/main"]), Clock()
        async with (
            Simulator([whose], ttft_s=0.01, gap_s=0.004) as simulator,
            asking(tmp_path, clock, simulator, answer_tokens) as (it, chat),
        ):
            await ask(it, chat, 40)
            calm = it.open()
            simulator.set("openai", Trouble.SLOW, latency_s=0.0, ttft_s=0.01, gap_s=0.015)
            await ask(it, chat, 10)
            return calm, [one.evidence[0] for one in it.state.belief.incidents.values()], it.letters()

    calm, evidence, letters = promptly(play())
    assert calm == []
    assert [one.rule for one in evidence] == rules
    assert all("tokens/s, now " in describe_answer(one.words) for one in evidence)
    assert letters == [("openai/main/gpt-4.1-nano", "opened")] * len(rules)


def test_what_is_followed_is_how_long_a_whole_answer_takes_to_stream():
    assert dict(measures(stream(rate=50.0)))[Measure.TOKEN] == pytest.approx(STREAMED / 50.0)
    assert latency.usual_s(tracked(streams(40, rate=50.0)).token) == pytest.approx(4.0, rel=0.1)
