"""A call without a key, and the question whether anything can be reached."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from probes.canary import Prober, open_session
from probes.catalog import load_provider, load_wording
from probes.control import is_online, probe_control
from probes.model import Fault, TimeLimits
from probes.simulator import SimulatedAccount, Simulator, Trouble

KEY = "sk-sim-control-0123456789"
NOWHERE = ("127.0.0.1", 9)  # the port that discards; nobody listens


def asked(id, trouble=None, base=None):
    async def play():
        async with Simulator([SimulatedAccount(id, KEY)]) as simulator, open_session("0") as session:
            if trouble:
                simulator.set(id, trouble)
            prober = Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, TimeLimits(1, 1, 1))
            met = await probe_control(prober, load_provider(id), base or simulator.base(id))
            return met, list(simulator.requests)

    return asyncio.run(play())


@pytest.mark.parametrize("id", ["openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible"])
def test_a_refusal_of_the_key_shows_that_the_api_lives(id):
    met, requests = asked(id)

    assert (met.fault, met.status) == (None, requests and met.status)
    assert met.status in (400, 401, 403)
    assert met.latency_s > 0


def test_no_key_is_sent():
    _, (request,) = asked("openai")

    assert request.key is None
    assert "authorization" not in {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        (Trouble.SERVER_ERROR, Fault.SERVER_ERROR),
        (Trouble.EDGE_BLOCK, Fault.BLOCKED_BY_EDGE),
        (Trouble.REGION_BLOCKED, Fault.REGION_BLOCKED),
        (Trouble.HANG, Fault.TIMEOUT),
        (Trouble.NOT_JSON, Fault.INVALID_RESPONSE),
    ],
)
def test_what_strikes_everybody_strikes_who_has_no_key(trouble, fault):
    assert asked("openai", trouble)[0].fault is fault


def test_who_cannot_be_reached_is_out_of_reach_without_a_key_too():
    met, _ = asked("openai", base="http://127.0.0.1:9/v1")

    assert (met.fault, met.status) == (Fault.CONNECTION_FAILED, None)


@asynccontextmanager
async def listening():
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()


def test_one_host_that_takes_a_connection_is_enough():
    async def play():
        async with listening() as here:
            return await is_online([NOWHERE, here], 2)

    assert asyncio.run(play()) is True


def test_when_no_host_does_this_machine_is_offline():
    assert asyncio.run(is_online([NOWHERE], 1)) is False


def test_a_name_that_is_not_found_is_no_connection():
    assert asyncio.run(is_online([("nowhere.invalid", 443)], 2)) is False


def test_where_nobody_may_be_asked_it_is_not_known():
    assert asyncio.run(is_online([], 1)) is None
