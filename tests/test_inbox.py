"""What places ship to a shared store is taken once, in order, and judged once."""

import random
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from monitor.backend import open_link, open_store
from monitor.storage_refusal import StoreError
from monitor.store.outgoing import Shipment
from monitor.store.place_report import ClockOffset, PlaceNews, PlaceReport
from monitor.store.postgres.connection import connect
from monitor.store.postgres.link import SharedLink
from monitor.store.row import Batch, to_json, to_ms
from monitor.store.setting import StoreAddress
from monitor.store.writer import Writer
from probes.model import ControlAnswer
from tests.conftest import NOON, at, observation

pytestmark = pytest.mark.cluster


@pytest.fixture
def link(postgres_database, tmp_path):
    made = open_link(StoreAddress(tmp_path / "monitor.db", "fra", postgres_database), lambda: NOON)
    yield made
    made.close()


@pytest.fixture
def judge(postgres_database, tmp_path):
    store = open_store(StoreAddress(tmp_path / "judge" / "monitor.db", "all places", postgres_database))
    with store.writing(lambda: NOON, time.monotonic) as held:
        yield held


def shipment(*numbers, origin="one"):
    return Shipment(origin, {number: to_json(observation(seconds=number)) for number in numbers})


def numbers(found):
    return [(one.origin, one.seq) for one in found]


def test_what_is_shipped_comes_in_as_it_was_seen_with_the_place(link):
    link.exchange("fra", shipment(1, 2))

    first, second = link.receive({}, 100)
    assert (first.origin, first.seq, first.place, first.observation) == ("one", 1, "fra", observation(seconds=1))
    assert second.seq == 2


def test_the_same_shipment_again_adds_nothing_and_one_that_overlaps_only_what_is_new(link):
    for one in (shipment(1, 2), shipment(1, 2), shipment(2, 3)):
        link.exchange("fra", one)

    assert numbers(link.receive({}, 100)) == [("one", 1), ("one", 2), ("one", 3)]


def test_what_is_known_already_is_not_received_again_and_no_more_than_asked_for(link):
    link.exchange("fra", shipment(*range(1, 6)))
    link.exchange("sin", shipment(1, 2, origin="two"))

    assert numbers(link.receive({"one": 3}, 1)) == [("one", 4), ("two", 1)]


def test_what_was_judged_is_gone_together_with_what_came_of_it(link, judge):
    link.exchange("fra", shipment(1, 2, 3))
    judge.do(Writer.save, Batch(at(3), (observation(seconds=1),), received={"one": 2}))

    assert numbers(link.receive({}, 100)) == [("one", 3)]
    link.exchange("fra", shipment(1, 2, 3))
    assert numbers(link.receive({}, 100)) == [("one", 3)]


def test_a_beat_that_fails_leaves_what_came_in(link, judge):
    from monitor.alert.case import Message

    link.exchange("fra", shipment(1))
    broken = Batch(at(3), messages=(Message("no such change", "phone"),), received={"one": 1})
    with pytest.raises(StoreError):
        judge.do(Writer.save, broken)

    assert numbers(link.receive({}, 100)) == [("one", 1)]


def test_one_that_cannot_be_read_holds_up_no_other(link):
    link.exchange("fra", Shipment("one", {1: "{broken", 2: to_json(observation(seconds=2))}))

    assert [one.observation is None for one in link.receive({}, 100)] == [True, False]


def test_what_is_wanted_of_a_place_is_told_there_once(link):
    link.want([("fra", "openai/main/list"), ("sin", "openai/main/list")], NOON)
    link.want([("fra", "openai/main/list")], at(1))

    assert link.exchange("fra", None) == {"openai/main/list": to_ms(at(1))}
    assert link.exchange("fra", None) == {}
    assert link.exchange("sin", None) == {"openai/main/list": to_ms(NOON)}


def test_what_a_place_tells_of_itself_is_known_with_how_far_its_clock_is_ahead(postgres_database):
    hours = iter([timedelta(hours=1), timedelta(hours=1, seconds=2)])
    link = SharedLink(postgres_database, lambda: datetime.now(UTC) + next(hours))
    report = PlaceReport({"openai": ControlAnswer(NOON, None, 401, 0.2)}, True, {"page": "disk full"}, 7)
    with closing(link):
        link.expect(["fra", "sin"])
        link.exchange("fra", None, report)
        link.expect(["fra", "sin"])
        fra, sin = link.heard_of()

    assert (fra.name, fra.report, sin) == ("fra", report, PlaceNews("sin", sin.silent))
    assert 3599 < fra.clock.low_s <= 3600 < 3601 < fra.clock.high_s < 3603
    assert timedelta(0) <= fra.silent < timedelta(seconds=30)


OFFSETS = {(-0.2, 0.3): 0, (1.5, 4.0): 1.5, (-4.0, -1.5): -1.5}


@pytest.mark.parametrize(("low_s", "high_s", "least_s"), [(*bounds, least) for bounds, least in OFFSETS.items()])
def test_a_clock_is_wrong_by_no_more_than_the_way_there_and_back_leaves_open(low_s, high_s, least_s):
    assert ClockOffset(low_s, high_s).least_s == least_s


def test_a_report_of_another_version_is_no_report_and_the_place_is_heard_of(link, postgres_database):
    link.exchange("fra", None, PlaceReport())
    with closing(connect(postgres_database)) as other:
        other.execute("UPDATE place SET report = ?", ('{"waiting": "much"}',))

    assert [one.report for one in link.heard_of()] == [PlaceReport()]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_doubled_however_often_a_link_is_cut(postgres_server, postgres_database, seed):
    chance, sent, taken = random.Random(seed), 0, {}
    link = SharedLink(postgres_database, lambda: NOON)
    for _ in range(60):
        sent += chance.randrange(3)
        with closing(connect(postgres_database)) as other:
            if chance.random() < 0.3:  # the answer to a shipment is lost, or the shipment itself
                other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        waits = shipment(*range(1, sent + 1)) if sent else None  # nobody has told the place what arrived
        try:
            link.exchange("fra", waits)
            for one in link.receive(taken, 7):
                assert one.seq == taken.get("one", 0) + 1
                taken["one"] = one.seq
        except StoreError:
            continue
    link.close()
    with closing(SharedLink(postgres_database, lambda: NOON)) as last:
        last.exchange("fra", shipment(*range(1, sent + 1)))
        rest = last.receive(taken, 1000)

    assert [one.seq for one in rest] == list(range(taken.get("one", 0) + 1, sent + 1))


BAD = {
    "nobody listens": ("postgresql://u:hidden-5ecret@127.0.0.1:1/x", "can be reached from here"),
    "no such database": ("postgresql://owner:hidden-5ecret@{server}/gone", "createdb"),
    "no such user": ("postgresql://nobody-here:hidden-5ecret@{server}/postgres", "user and password"),
}


@pytest.mark.parametrize(("url", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_said_with_its_repair_and_without_the_password(postgres_server, url, words):
    link = SharedLink(url.format(server=f"127.0.0.1:{postgres_server.port}"), lambda: NOON)
    with pytest.raises(StoreError) as error:
        link.receive({}, 1)

    assert words in str(error.value)
    assert "5ecret" not in repr(error.value) + str(error.value.refusal) + repr(error.value.__cause__)
