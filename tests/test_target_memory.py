"""All detectors' memory of one target, side by side."""

import msgspec
import pytest

from monitor.detect import target_memory
from monitor.detect.health import Health, State
from monitor.detect.latency import sensitivity_for
from monitor.detect.measure import Measure
from monitor.detect.target_memory import NEW, DetectorSettings, TargetMemory, advance_from, with_pace_of
from probes.model import Fault, Limit
from tests.conftest import CHAT, at, observation

MINUTE = DetectorSettings(sensitivity_for(60))
UP = Health()


def tracked(looks, start=NEW, since=0):
    """The track after these looks, one a minute: each the facts of an observation."""
    now = start
    for number, facts in enumerate(looks, since):
        one = observation(seconds=60 * number, **facts)
        now = target_memory.advance(now, one, UP, UP, MINUTE, held=False)
    return now


def good(number, ttft_s=0.2):
    wave = 1 + 0.1 * ((number * 7) % 5 - 2)
    return {"ttft_s": ttft_s * wave}


def test_a_target_of_which_nothing_is_known_tells_of_nothing():
    assert not NEW.is_alarmed
    assert list(target_memory.findings(CHAT, NEW)) == []
    assert target_memory.extra_probe_s(NEW, MINUTE.pace) is None


def test_both_measures_of_an_answer_have_a_series_of_their_own():
    now = tracked([good(number) for number in range(20)])

    assert now.series(Measure.TOTAL) is not now.series(Measure.FIRST)
    assert now.series(Measure.FIRST).usual.count == 20


def test_where_both_are_late_the_first_piece_speaks():
    calm = tracked([good(number) for number in range(300)])
    late = tracked([good(number, ttft_s=3.0) for number in range(30)], calm, 300)

    assert late.is_alarmed
    assert [finding.rule for finding in target_memory.findings(CHAT, late)] == ["latency/first"]
    assert [finding.fault for finding in target_memory.findings(CHAT, late)] == [Fault.SLOW]


def test_what_may_be_a_rise_is_looked_at_again_sooner_than_what_may_be_a_fall():
    calm = tracked([good(number) for number in range(300)])
    rise = tracked([good(number, ttft_s=0.6) for number in range(2)], calm, 300)
    ceilings = [{"limits": (Limit("requests", 60.0, most, most),)} for most in [500.0] * 30 + [50.0]]

    assert target_memory.extra_probe_s(calm, MINUTE.pace) is None
    assert target_memory.extra_probe_s(rise, MINUTE.pace) == 15
    assert target_memory.extra_probe_s(tracked(ceilings), MINUTE.pace) == 45


def test_what_is_refused_for_good_is_an_outage_and_no_flicker():
    """Three refusals among good answers; each, when it is asked again, is refused once more."""
    refusal, now = {"fault": Fault.PERMISSION_DENIED, "status": 403}, {True: NEW, False: NEW}
    for minute in range(30):
        refused = minute % 10 in (8, 9)
        for is_lost in now:
            after = Health(State.DOWN if refused and minute % 10 == 9 and is_lost else State.UP)
            one = observation(seconds=61 * minute, **(refusal if refused else {}))
            now[is_lost] = target_memory.advance(now[is_lost], one, UP, after, MINUTE, held=False)

    assert [one.flicker.told_since is not None for one in now.values()] == [False, True]


@pytest.mark.parametrize(("before", "slow"), [(State.UP, True), (State.DOWN, False)])
def test_an_outage_ends_what_was_known_of_slow_answers(before, slow):
    now = tracked([good(number) for number in range(300)])
    now = tracked([good(number, ttft_s=3.0) for number in range(30)], now, 300)
    assert now.is_alarmed

    one = observation(seconds=60 * 331, ttft_s=0.2)
    now = target_memory.advance(now, one, Health(before), Health(State.UP), MINUTE, held=False)

    assert bool(now.first.alarm) is slow
    assert bool(list(target_memory.findings(CHAT, now))) is slow
    again = tracked([good(number, ttft_s=3.0) for number in range(30)], now, 332)
    assert again.first.alarm.since >= (at(60 * 332) if before is State.DOWN else at(0))


def test_it_survives_a_restart():
    now = tracked([good(number) | {"limits": (Limit("requests", 60.0, 500.0, 499.0),)} for number in range(40)])

    assert msgspec.json.decode(msgspec.json.encode(now), type=TargetMemory) == now
    assert len(msgspec.json.encode(now)) < 4096
    assert at(0) < now.total.at


OF_HEALTH = {"flap", "flicker"}
"""Fields that depend on a target's health, and so on the settings under which the past is replayed."""


@pytest.mark.parametrize("name", TargetMemory.__struct_fields__)
def test_each_part_but_those_of_its_health_is_taken_from_the_track_that_measured_it(name):
    its, paced = (TargetMemory(**{field: object() for field in TargetMemory.__struct_fields__}) for _ in range(2))
    source = its if name in OF_HEALTH else paced

    assert getattr(with_pace_of(its, paced), name) is getattr(source, name)


@pytest.mark.parametrize("name", [name for name in TargetMemory.__struct_fields__ if name not in OF_HEALTH])
def test_one_more_look_that_is_measured_elsewhere_loses_no_part(name):
    paced = TargetMemory(**{field: object() for field in TargetMemory.__struct_fields__})

    assert getattr(advance_from(NEW, paced, observation(), UP, UP), name) is getattr(paced, name)
