"""What is known of answers stays known in every frame: a part of `python -m benchmarks.answers`, in another order."""

from collections import Counter
from functools import cache

import pytest

from benchmarks.answers import (
    FRAMES,
    GATEWAYS,
    PROVIDERS,
    SAMPLES,
    Frame,
    Sample,
    carried,
    dialects,
    relayed,
    samples,
    spoken,
)
from probes.model import Fault

PARTS = 6


@cache
def known():
    """Judged when the first test asks: each process that collects these tests would judge all of them."""
    return samples()


def part(number):
    return known()[number % PARTS :: PARTS]


def added(results):
    whole, lost = Counter(), []
    for _, tally, gone in results:
        whole += tally
        lost += gone
    return whole, lost


def test_each_sample_is_put_into_at_least_thirty_frames():
    assert len(known()) == len(list(SAMPLES.glob("*/*.http")))
    assert len({frame.name for frame in FRAMES}) == len(FRAMES) >= 30


def test_a_frame_keeps_the_fault_and_never_moves_the_blame():
    whole, lost = added(one for number, frame in enumerate(FRAMES) for one in spoken(part(number), [frame]))

    assert whole["tried"] > len(FRAMES) * len(known()) / PARTS / 2
    assert whole["kept"] >= 0.99 * whole["tried"], lost
    assert not whole["crossed"], lost


def test_what_a_gateway_passes_on_keeps_its_meaning_to_us():
    whole, lost = added(relayed(part(0)))

    assert whole["tried"] > len(GATEWAYS) * len(known()) / PARTS / 3
    assert whole["kept"] >= 0.98 * whole["tried"], lost
    assert not whole["crossed"], lost


def test_nothing_is_good_under_a_good_status_but_what_was_asked_for():
    _, *rows = dialects()

    assert all(ok == "0" and good == fine for _, _, ok, good, fine in rows)


@pytest.mark.parametrize(
    ("sample", "frame", "why"),
    [
        (
            Sample(PROVIDERS["openai"], "x", 403, {}, "<html></html>", Fault.SERVER_ERROR),
            FRAMES[0],
            "page, empty or good",
        ),
        (Sample(PROVIDERS["openai"], "x", 403, {}, "words", Fault.SERVER_ERROR), FRAMES[0], "no object"),
        (
            Sample(PROVIDERS["openai"], "x", 401, {}, '{"message": "xyzzy"}', Fault.INVALID_KEY),
            FRAMES[0],
            "known by more than it carries",
        ),
        (
            Sample(PROVIDERS["openai"], "x", 401, {}, '{"a": 1}', Fault.INVALID_KEY),
            Frame("", str, "sentence"),
            "no sentence",
        ),
    ],
)
def test_what_a_frame_does_not_carry_is_left_out_and_counted(sample, frame, why):
    assert carried(sample, frame) == why
