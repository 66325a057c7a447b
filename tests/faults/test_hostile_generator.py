"""What `python -m benchmarks.hostile` shoots at the real program by the thousand, a few hundred of it."""

import asyncio
from datetime import UTC, datetime

import pytest

from benchmarks import crowd, hostile
from probes.canary import Prober, attempt_request, open_session
from probes.catalog import load_provider, load_wording
from probes.model import Account, Outcome, Target, TimeLimits
from probes.redact import CONTROLS
from probes.sanitize import sanitize

OPENAI = load_provider("openai")
PATIENCE = TimeLimits(connect_s=2, silence_s=1, total_s=3)


async def looked(answers, seed=4):
    """Ask once for each of so many hostile answers, all at once; return what was given and what was seen."""
    async with hostile.other(seed) as side, open_session("test") as session:
        loop = asyncio.get_running_loop()
        prober = Prober(session, load_wording(), lambda: datetime.now(UTC), loop.time, PATIENCE)

        async def look(kind, canary):
            port = side.honest_port if kind == "honest" else side.port
            account = Account("a", "openai", "sk-hostile-0123456789abcdef", f"http://127.0.0.1:{port}/{kind}/v1")
            model = "gpt-5-nano" if canary == "chat" else None
            return await attempt_request(prober, OPENAI, account, Target("openai/a", "openai", canary, model))

        never = await asyncio.gather(*(look("never", ("list", "chat")[n % 2]) for n in range(answers)))
        honest = await look("honest", "list")
        return never, honest


@pytest.mark.quick
def test_no_hostile_answer_is_an_error_of_ours_or_taken_for_good():
    never, honest = asyncio.run(looked(300))

    assert honest.outcome is Outcome.OK
    assert {one.outcome for one in never} <= {Outcome.FAILED, Outcome.DEGRADED}
    for one in map(sanitize, never):
        assert not any(CONTROLS.search(text) for text in (one.answer.words, one.answer.body, one.request_id or ""))


@pytest.mark.quick
def test_an_answer_follows_from_the_seed_and_its_number_alone():
    assert [hostile.make(7, number) for number in range(50)] == [hostile.make(7, number) for number in range(50)]
    assert hostile.make(7, 1) != hostile.make(8, 1)


@pytest.mark.quick
def test_some_of_the_answers_are_good_and_most_are_not():
    made = [hostile.make(1, number) for number in range(500)]

    assert 20 < sum(one.good for one in made) < 150
    assert any(one.good and b"gpt-5-nano" in one.whole for one in made)


def test_hostile_answers_end_nothing_and_spoil_nothing(tmp_path):
    result = asyncio.run(hostile.play(tmp_path, 400, 60, seed=9))

    assert [one for one in result.wrong if "late" not in one] == []
    assert result.answers >= 400
    assert result.honest_looks > 2
    assert result.outcomes["never 2"] > 100


def test_of_a_crowd_each_answer_is_counted_once_by_both_sides(tmp_path):
    result = asyncio.run(crowd.play(tmp_path, 0.5, 100, seed=10))

    assert result.wrong == []
    assert result.asked - result.stored == result.dropped < 200
    assert result.stored > 200
    assert 0.1 < result.failed / result.stored < 0.3
