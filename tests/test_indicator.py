from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.slo.indicator import BINS, EDGES, LAST_BIN, availability, make_sketch, merge, pack, quantile, unpack

DURATIONS_MS = some.lists(some.integers(0, 150_000), max_size=200)


def test_availability_is_good_over_valid():
    assert availability(99, 100) == 0.99


def test_nothing_valid_is_not_zero():
    assert availability(0, 0) is None


@given(DURATIONS_MS.filter(len), some.floats(0.01, 1))
def test_a_quantile_is_right_within_five_per_cent(durations, share):
    rank = max(1, -(-share * len(durations) // 1))
    exact = sorted(durations)[int(rank) - 1]

    assert quantile(make_sketch(durations), share) == pytest.approx(max(exact, 1) / 1000, rel=0.05)


def test_each_duration_is_found_in_its_bin():
    assert list(BINS) == [bisect_left(EDGES, ms / 1000) for ms in range(len(BINS))]
    assert make_sketch([len(BINS) - 1, len(BINS)]) == {LAST_BIN - 1: 1, LAST_BIN: 1}


@given(DURATIONS_MS)
def test_packing_loses_nothing(durations):
    assert unpack(pack(make_sketch(durations))) == make_sketch(durations)


def test_many_of_one_duration_pack_small():
    assert len(pack({50: 86400})) == 4
    assert unpack(pack({50: 86400})) == {50: 86400}


@given(DURATIONS_MS, DURATIONS_MS)
def test_merging_is_counting_together(some_of_them, others):
    assert merge([make_sketch(some_of_them), make_sketch(others)]) == make_sketch(some_of_them + others)


def test_nothing_measured_has_no_quantile():
    assert quantile({}, 0.5) is None
    assert pack({}) is None
    assert unpack(None) == {}


def test_a_day_in_one_bin_is_still_counted():
    assert quantile(make_sketch([10**9]), 0.5) > 60
