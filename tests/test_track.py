"""All detectors' memory of one target, side by side."""

import msgspec

from monitor.detect import track
from monitor.detect.health import Health
from monitor.detect.latency import Kind, pace
from monitor.detect.track import NEW, Track
from probes.model import Fault, Limit
from tests.conftest import CHAT, at, observation

MINUTE = pace(60)
UP = Health()


def tracked(looks, start=NEW, since=0):
    """The track after these looks, one a minute: each the facts of an observation."""
    now = start
    for number, facts in enumerate(looks, since):
        one = observation(seconds=60 * number, **facts)
        now = track.advance(now, one, UP, UP, MINUTE, held=False)
    return now


def good(number, ttft_s=0.2):
    wave = 1 + 0.1 * ((number * 7) % 5 - 2)
    return {"ttft_s": ttft_s * wave}


def test_a_target_of_which_nothing_is_known_tells_of_nothing():
    assert not NEW.is_alarmed
    assert list(track.findings(CHAT, NEW)) == []
    assert track.again_s(NEW, MINUTE) is None


def test_both_measures_of_an_answer_have_a_series_of_their_own():
    now = tracked([good(number) for number in range(20)])

    assert now.series(Kind.TOTAL) is not now.series(Kind.FIRST)
    assert now.series(Kind.FIRST).usual.count == 20


def test_where_both_are_late_the_first_piece_speaks():
    calm = tracked([good(number) for number in range(300)])
    late = tracked([good(number, ttft_s=3.0) for number in range(30)], calm, 300)

    assert late.is_alarmed
    assert [finding.rule for finding in track.findings(CHAT, late)] == ["latency/first"]
    assert [finding.fault for finding in track.findings(CHAT, late)] == [Fault.SLOW]


def test_what_may_be_a_rise_is_looked_at_again_sooner_than_what_may_be_a_fall():
    calm = tracked([good(number) for number in range(300)])
    rise = tracked([good(number, ttft_s=0.6) for number in range(2)], calm, 300)
    ceilings = [{"limits": (Limit("requests", 60.0, most, most),)} for most in [500.0] * 30 + [50.0]]

    assert track.again_s(calm, MINUTE) is None
    assert track.again_s(rise, MINUTE) == 15
    assert track.again_s(tracked(ceilings), MINUTE) == 45


def test_it_survives_a_restart():
    now = tracked([good(number) | {"limits": (Limit("requests", 60.0, 500.0, 499.0),)} for number in range(40)])

    assert msgspec.json.decode(msgspec.json.encode(now), type=Track) == now
    assert len(msgspec.json.encode(now)) < 4096
    assert at(0) < now.total.at
