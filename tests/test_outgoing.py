"""Observations on their way to a shared store: numbered once, kept until they are there."""

import time

import msgspec
import pytest

from monitor.backend import open_store
from monitor.store.row import Batch
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from probes.model import Limit, Observation
from tests.conftest import NOON, at, health, observation


@pytest.fixture
def store(tmp_path):
    (tmp_path / "state").mkdir()
    return open_store(StoreAddress(tmp_path / "state" / "monitor.db", "fra"))


def holding(store):
    return store.writing(lambda: NOON, time.monotonic)


def save(held, *seconds, ships=True):
    held.do(Writer.save, Batch(at(9), tuple(observation(seconds=one) for one in seconds), ships=ships))


def waiting(held, most=100):
    found = held.reader.next_shipment(most)
    return list(found.bodies) if found else []


def test_what_a_place_sees_is_numbered_in_order_and_waits_until_it_was_shipped(store):
    with holding(store) as held:
        held.do(Writer.name_origin)
        save(held, 0, 1)
        save(held, 2)
        assert (waiting(held), waiting(held, 2), held.reader.count_outgoing()) == ([1, 2, 3], [1, 2], 3)

        held.do(Writer.forget_shipped, 2)
        assert (waiting(held), held.reader.count_outgoing()) == ([3], 1)


def test_a_number_is_given_once_also_when_all_before_it_were_shipped_and_after_a_restart(store):
    with holding(store) as held:
        held.do(Writer.name_origin)
        save(held, 0, 1)
        held.do(Writer.forget_shipped, 2)
    with holding(store) as held:
        save(held, 2)
        assert waiting(held) == [3]


def test_what_is_shipped_says_all_that_was_seen(store):
    seen = observation(seconds=1, limits=(Limit("requests", 60.0, 10.0, 9.0),))
    with holding(store) as held:
        held.do(Writer.name_origin)
        held.do(Writer.save, Batch(at(9), (seen,), {seen.target.id: health(None)}, ships=True))
        (body,) = held.reader.next_shipment(9).bodies.values()

    assert msgspec.json.decode(body, type=Observation) == seen


def test_a_database_keeps_its_name_as_an_origin_and_a_new_one_has_another(store, tmp_path):
    def name(its):
        with holding(its) as held:
            held.do(Writer.name_origin)
            save(held, 0)
            return held.reader.next_shipment(1).origin

    (tmp_path / "other").mkdir()
    other = open_store(StoreAddress(tmp_path / "other" / "monitor.db", "fra"))
    assert name(store) == name(store) != name(other)


def test_a_monitor_that_shares_no_store_queues_nothing(store):
    with holding(store) as held:
        held.do(Writer.name_origin)
        save(held, 0, ships=False)
        assert held.reader.count_outgoing() == 0


def test_of_what_waits_too_long_the_oldest_are_dropped(store):
    with holding(store) as held:
        held.do(Writer.name_origin)
        save(held, *range(10))
        assert held.do(Writer.drop_outgoing, 3) == 7
        assert waiting(held) == [8, 9, 10]
        assert held.do(Writer.drop_outgoing, 3) == 0
