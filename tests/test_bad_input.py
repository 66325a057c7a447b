"""What may be odd about a series, whichever detector follows it: it neither raises, nor alarms, nor goes blind."""

from collections import defaultdict
from contextlib import closing
from copy import copy
from functools import cache
from math import inf, nan

import pytest
from msgspec.structs import replace

from monitor.detect import account_memory, health, shared_latency, target_memory
from monitor.detect.account_memory import EMPTY, WarningSettings
from monitor.detect.credit import CreditThreshold
from monitor.detect.health import Health, Thresholds
from monitor.detect.latency import sensitivity_for
from monitor.detect.measure import Measure
from monitor.detect.shared_latency import PoolKey
from monitor.detect.target_memory import DetectorSettings
from monitor.store.connection import open_writer
from monitor.store.reader import Reader
from monitor.store.row import Batch
from monitor.store.writer import Writer
from probes.model import Credit, Fault, Limit
from tests.conftest import at, observation, target

POOL = PoolKey("openai", "chat", Measure.TOTAL)


TARGETS = [target(f"openai/{name}", model="gpt") for name in ("main", "second", "third")]
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
ATTENTION = WarningSettings(CreditThreshold({"USD": 10.0}))

USUAL_S, CEILING, LEFT = 0.5, 1000.0, 100.0
TROUBLES = {
    "health": {"fault": Fault.SERVER_ERROR},
    "latency": {"slow": 4.0, "of": 1},
    "pool": {"slow": 2.5},
    "limits": {"ceiling": 100.0},
    "credit": {"left": 1.0},
}
"""By detector: what it is there to find."""


class House:
    """Three accounts of one provider, and all that is remembered of them."""

    def __init__(self, interval_s=MINUTE_S):
        self.now_s, self.interval_s, self.looks = 0.0, interval_s, 0
        self.healths = defaultdict(Health)
        self.tracks = defaultdict(lambda: target_memory.NEW)
        self.notes = defaultdict(lambda: EMPTY)
        self.pool = None
        self.seen = {}

    def copy(self):
        """Return another one that remembers the same; what is remembered is frozen."""
        made = copy(self)
        made.healths, made.tracks = self.healths.copy(), self.tracks.copy()
        made.notes, made.seen = self.notes.copy(), self.seen.copy()
        return made

    def look(self, count=1, *, pause_s=None, seconds=None, fault=None, slow=1.0, of=3, ceiling=CEILING, left=LEFT):
        """Look so often, at all of them; of `of` accounts something is odd. Return the detectors that ever alarmed."""
        alarmed = set()
        for _ in range(count):
            self.looks += 1
            self.now_s += self.interval_s if pause_s is None else pause_s
            wave = 1 + 0.1 * ((self.looks * 7) % 5 - 2)
            for number, one in enumerate(TARGETS):
                total_s = USUAL_S * wave * (slow if number < of else 1.0) if seconds is None else seconds
                self._see(one, total_s, fault, ceiling, left)
            alarmed |= self.alarms()
        return alarmed

    def _see(self, one, total_s, fault, ceiling, left):
        facts = {"limits": (Limit("requests", 60.0, ceiling, ceiling),), "credits": (Credit("USD", left),)}
        seen = observation(fault, self.now_s, one, **({} if fault else facts))
        seen = self.seen[one.id] = seen if fault else replace(seen, latency_s=total_s)
        steps, before = DetectorSettings(sensitivity_for(self.interval_s)), self.healths[one.id]
        after = self.healths[one.id] = health.advance(before, seen, Thresholds(), self.interval_s)
        known = self.tracks[one.id]
        self.tracks[one.id] = now = target_memory.advance(known, seen, before, after, steps, held=False)
        if now.total is not None and now.total is not known.total:
            self.pool = shared_latency.advance(self.pool, one.account, now.total)
        self.notes[one.account] = account_memory.advance(self.notes[one.account], seen, ATTENTION)

    def alarms(self):
        tracks = self.tracks.values()
        alarmed = {
            "health": any(one.lasting for one in self.healths.values()),
            "latency": any(one.total and one.total.alarm for one in tracks),
            "pool": self.pool is not None and self.pool.alarmed_at is not None,
            "limits": any(one.fallen_at for its in tracks for one in its.limits.ceilings.values()),
            "credit": any(
                list(account_memory.findings(account, one, ATTENTION)) for account, one in self.notes.items()
            ),
        }
        return {name for name, is_so in alarmed.items() if is_so}

    def restart(self, database):
        """Come back from what the store kept."""
        with closing(open_writer(database)) as db:
            batch = Batch(
                at(self.now_s), tuple(self.seen.values()), dict(self.healths),
                notes=dict(self.notes), tracks=dict(self.tracks), pools={POOL: self.pool},
            )  # fmt: skip
            Writer(db, "here").save(batch)
        with closing(open_writer(database)) as db:
            remembered = Reader(db, "here").resumption.resume()
            self.healths = defaultdict(Health, remembered.healths)
            self.notes = defaultdict(lambda: EMPTY, remembered.notes)
            self.tracks = defaultdict(lambda: target_memory.NEW, Reader(db, "here").resumption.tracks())
            self.pool = Reader(db, "here").resumption.pools()[POOL]


def calm(count=400, **how):
    return played(count, **how).copy()


@cache
def played(count, **how):
    """A house in which nothing has happened: the same for all who ask."""
    house = House(**how)
    assert house.look(count) == set()
    return house


def gap(seconds):
    return lambda house: house.look(pause_s=seconds)


def odd(**values):
    """Twice such a value, with a usual one in between."""
    return lambda house: house.look(**values) | house.look() | house.look(**values)


def changed_interval(house):
    house.interval_s = 300
    slower = house.look(60)
    house.interval_s = MINUTE_S
    return slower | house.look(30)


BAD_INPUT = {
    "a gap of minutes": gap(20 * MINUTE_S),
    "a gap of a night": gap(9 * HOUR_S),
    "a gap of days": gap(5 * DAY_S),
    "a gap of months": gap(100 * DAY_S),
    "a clock that is set forward": gap(HOUR_S),
    "a clock that is set back by minutes": gap(-10 * MINUTE_S),
    "a clock that is set back by days": gap(-5 * DAY_S),
    "a clock that goes forward and back": lambda house: house.look(pause_s=DAY_S) | house.look(pause_s=-DAY_S),
    "a clock that stands": lambda house: house.look(20, pause_s=0),
    "the same again and again": lambda house: house.look(120, seconds=USUAL_S),
    "zero": odd(seconds=0.0, ceiling=0.0, left=0.0),
    "not a number": odd(seconds=nan, ceiling=nan, left=nan),
    "infinity": odd(seconds=inf, ceiling=inf, left=inf),
    "less than nothing": odd(seconds=-1.0, ceiling=-1.0, left=-1.0),
    "the largest number": odd(seconds=1e308, ceiling=1e308, left=1e308),
    "one failure": odd(fault=Fault.TIMEOUT),
    "an interval that changes": changed_interval,
}


@pytest.mark.parametrize("detector", TROUBLES)
@pytest.mark.parametrize("bad", BAD_INPUT)
def test_what_is_odd_is_no_alarm_and_blinds_nobody(bad, detector):
    house = calm()

    assert BAD_INPUT[bad](house) | house.look(5) == set()
    house.look(30)
    assert detector in house.look(40, **TROUBLES[detector])


@pytest.mark.parametrize("detector", TROUBLES)
@pytest.mark.parametrize(
    "first", [{"slow": 20.0, "ceiling": 5.0, "left": 0.0}, {"slow": 0.01, "ceiling": 1e6}, {"fault": Fault.TIMEOUT}]
)
def test_a_first_answer_that_is_an_outlier_is_not_taken_for_usual(first, detector):
    house = House()

    assert house.look(**first) | house.look(300) == set()
    assert detector in house.look(40, **TROUBLES[detector])


@pytest.mark.parametrize("detector", TROUBLES)
def test_a_restart_in_the_middle_of_an_alarm_neither_ends_nor_repeats_it(detector, tmp_path):
    house = calm()
    house.look(20, **TROUBLES[detector])
    alarmed, before = house.alarms(), (house.tracks["openai/main/chat/gpt"], house.pool)
    assert detector in alarmed

    house.restart(tmp_path / "monitor.db")
    assert house.alarms() == alarmed
    assert (house.tracks["openai/main/chat/gpt"], house.pool) == before
    assert detector in house.look(1, **TROUBLES[detector])
    house.look(90, left=100 * LEFT)
    assert house.alarms() == set()
