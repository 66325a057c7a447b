"""Several accounts of one provider: what they show together."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.detect import latency
from monitor.detect.latency import sensitivity_for
from monitor.detect.measure import Measure
from monitor.detect.shared_latency import ACCEPTED_AFTER, MEMBERS, Pool, accepted_findings, advance, findings, reset
from probes.model import Fault
from tests.conftest import at, sentences

MINUTE = sensitivity_for(60.0)
CALM = 600


class Group:
    """Accounts that are looked at once a minute, one after the other."""

    def __init__(self, members, seed=1):
        self.rng, self.count, self.minute = Random(seed), members, 0
        self.series, self.pool = [None] * members, None
        self.minutes(CALM)

    def minutes(self, count, times=lambda member: 1.0):
        """Look so long; return after how many minutes the pool was slow, None when never."""
        for number in range(count):
            for member in range(self.count):
                seconds = 0.5 * (1 + member) * self.rng.lognormvariate(0, 0.3) * times(member)
                now = at(60 * self.minute + 60 * member / self.count)
                self.series[member] = latency.advance(self.series[member], seconds, now, MINUTE)
                self.pool = advance(self.pool, f"openai/{member}", self.series[member])
            self.minute += 1
            if self.pool.alarmed_at:
                return number + 1
        return None


def test_a_small_rise_of_five_accounts_is_found_while_each_alone_is_not():
    group = Group(5)

    assert group.minutes(40, lambda _: 1.6) <= 30
    assert not any(series.alarm for series in group.series)


def test_a_rise_of_all_is_found_within_minutes_and_told_of_the_group():
    group = Group(4)
    begun = group.minute

    assert group.minutes(30, lambda _: 2.5) <= 8
    (one,) = findings("openai", "openai/0/chat", Measure.TOTAL, group.pool)
    assert (one.account, one.fault, one.rule) == ("openai", Fault.SLOW, "latency/total/pool")
    assert at(60 * (begun - 5)) <= one.since <= at(60 * (begun + 3))
    assert sentences(one.reasons)[0].startswith("at least ")


@pytest.mark.parametrize("members", [2, 3, 5])
def test_one_slow_account_is_not_its_providers_trouble(members):
    assert Group(members).minutes(240, lambda member: 4.0 if member == 0 else 1.0) is None


def test_calm_days_raise_no_alarm():
    assert Group(3).minutes(3 * 1440) is None


def test_a_rise_that_wanes_is_passing_and_one_before_an_outage_is_forgotten():
    group = Group(3)
    group.minutes(30, lambda _: 3.0)
    (risen,) = findings("openai", "openai/0/chat", Measure.TOTAL, group.pool)
    back = reset(group.pool)
    group.minutes(1, lambda _: 0.8)
    group.minutes(1, lambda _: 0.8)

    assert [one.passing for one in findings("openai", "openai/0/chat", Measure.TOTAL, group.pool)] == [True]
    assert not risen.passing
    assert list(findings("openai", "openai/0/chat", Measure.TOTAL, back)) == []
    group.pool = back
    assert group.minutes(30, lambda _: 3.0) > 1


def test_it_ends_when_they_are_as_fast_as_before():
    group = Group(3)
    assert group.minutes(30, lambda _: 3.0)
    for _ in range(40):
        group.minutes(1)

    assert group.pool.alarmed_at is None
    assert list(findings("openai", "openai/0/chat", Measure.TOTAL, group.pool)) == []


def test_a_rise_that_stays_is_no_longer_told():
    series = Group(2).series[0]
    long_ago = Pool(at(0), 11.0, at(0), ("a", "b"), 1.0, 1.0, alarmed_at=series.at - ACCEPTED_AFTER)

    after = advance(long_ago, "a", series)
    (ended,) = accepted_findings("openai", "openai/0/chat", Measure.TOTAL, after)

    assert after.alarmed_at is None
    assert ended.since == series.at
    assert "the new baseline" in sentences(ended.reasons)[0]
    assert list(accepted_findings("openai", "", Measure.TOTAL, long_ago)) == []


@given(some.lists(some.tuples(some.integers(0, 20), some.floats(0.1, 60)), max_size=60))
def test_what_is_kept_is_small_and_resumes_exactly(looks):
    series, pool, copy = None, None, None
    for number, (member, seconds) in enumerate(looks):
        series = latency.advance(series, seconds, at(number), MINUTE)
        pool = advance(pool, str(member), series)
        copy = advance(copy, str(member), series)
        copy = msgspec.json.decode(msgspec.json.encode(copy), type=Pool)
        assert len(pool.members) <= MEMBERS

    assert pool == copy
