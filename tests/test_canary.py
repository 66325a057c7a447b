"""One attempt against a provider that can be told to misbehave, and against a road that breaks."""

import asyncio
import errno
import os
import resource
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses

from probes.canary import BREAKS, Patience, Prober, address, attempt, open_session
from probes.catalog import load_provider, load_wording
from probes.model import Account, Fault, Outcome, Target
from probes.simulator import SimulatedAccount, Simulator, Trouble
from probes.simulator.part import PARTS

KEY = "sim-key-0123456789-abcdefghij"
QUICK = Patience(connect_s=1, silence_s=0.5, total_s=1.5)
PAID = [
    (provider, canary)
    for provider in ("openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible")
    for canary in ("chat", "responses")
    if canary in load_provider(provider).canaries
]


@asynccontextmanager
async def prober(patience=QUICK, context=None):
    async with open_session("test", context=context) as session:
        yield Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, patience)


def ask(provider="openai", canary="chat", trouble=None, base=None, patience=QUICK, key=KEY, model=None, **settings):
    """Ask the simulator once; return the observation and what arrived there."""

    async def play():
        async with Simulator([SimulatedAccount(provider, KEY)], ttft_s=0.05) as simulator, prober(patience) as one:
            if trouble:
                simulator.set(KEY, trouble, **settings)
            facts = load_provider(provider)
            account = Account("main", provider, key, base or simulator.base(provider))
            asked = model or facts.canaries[canary].model or "gpt-4o-mini"
            target = Target(account.id, provider, canary, None if canary == "list" else asked)
            return await attempt(one, facts, account, target), list(simulator.requests)

    return asyncio.run(play())


def seen(*args, **options):
    return ask(*args, **options)[0]


@pytest.mark.parametrize("provider", sorted(PARTS))
def test_a_list_is_free_and_good(provider):
    one = seen(provider, "list")

    assert (one.outcome, one.fault, one.status, one.answer) == (Outcome.OK, None, 200, None)
    assert (one.usage.tokens_in, one.usage.tokens_out, one.cost_usd, one.ttft_s) == (0, 0, None, None)


@pytest.mark.parametrize(("provider", "canary"), PAID)
def test_a_streamed_answer_gives_first_token_total_time_and_usage(provider, canary):
    one = seen(provider, canary)

    assert (one.outcome, one.fault) == (Outcome.OK, None)
    assert 0.05 <= one.ttft_s < one.latency_s < 1
    assert one.usage.tokens_in > 0
    assert one.usage.tokens_out > 0


@pytest.mark.parametrize("provider", ["openai", "anthropic", "groq", "cohere"])
def test_limits_and_the_request_id_come_with_a_good_answer(provider):
    one = seen(provider)

    assert one.limits
    assert all(limit.limit for limit in one.limits)
    assert one.request_id


def test_a_refusal_tells_its_limit_in_the_body_where_no_header_does():
    one = seen("gemini", trouble=Trouble.RATE_LIMITED)

    (told,) = one.limits
    assert (told.unit, told.window_s, told.limit, told.remaining) == ("requests", 60, 1000, 0)
    assert told.reset_s == one.answer.retry_after_s > 0


@pytest.mark.parametrize(("status", "told"), [(200, 0), (403, 1), (429, 1), (500, 0)])
def test_only_a_refusals_body_is_searched_for_limits(status, told):
    async def answer(_):
        return web.json_response({"data": "limited to 5 requests per minute"}, status=status)

    async def play():
        app = web.Application()
        app.router.add_get("/v1/models", answer)
        async with TestServer(app) as server, prober() as one:
            account = Account("main", "openai", KEY, str(server.make_url("/v1")))
            return await attempt(one, load_provider("openai"), account, Target(account.id, "openai", "list"))

    assert len(asyncio.run(play()).limits or ()) == told


def test_a_limit_told_by_header_and_body_is_one():
    told = seen("openai", trouble=Trouble.RATE_LIMITED).limits

    assert sorted(limit.unit for limit in told) == ["requests", "tokens"]


def test_a_known_price_becomes_a_cost():
    assert seen("openai").cost_usd > 0


def test_an_unknown_price_is_not_zero():
    assert seen("openai-compatible").cost_usd is None


def test_we_say_who_we_are_and_show_the_key_in_its_header_only():
    _, (request,) = ask("anthropic")

    assert request.headers["User-Agent"] == "provider-monitor/test"
    assert request.headers["x-api-key"] == KEY
    assert KEY not in request.path + str(request.body)
    assert [name for name, value in request.headers.items() if KEY in value] == ["x-api-key"]


def test_without_a_key_no_header_is_sent():
    _, (request,) = ask("openai-compatible", "list", key=None)

    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        (Trouble.ACCOUNT_SUSPENDED, Fault.ACCOUNT_SUSPENDED),
        (Trouble.INVALID_KEY, Fault.INVALID_KEY),
        (Trouble.WALLET_EMPTY, Fault.QUOTA_EXHAUSTED),
        (Trouble.READ_ONLY, Fault.PERMISSION_DENIED),
        (Trouble.RATE_LIMITED, Fault.RATE_LIMITED),
        (Trouble.MODEL_GONE, Fault.MODEL_UNAVAILABLE),
        (Trouble.OVERLOADED, Fault.OVERLOADED),
        (Trouble.SERVER_ERROR, Fault.SERVER_ERROR),
        (Trouble.EDGE_BLOCK, Fault.BLOCKED_BY_EDGE),
        (Trouble.NOT_JSON, Fault.INVALID_RESPONSE),
        (Trouble.EMPTY, Fault.INVALID_RESPONSE),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible"])
def test_each_trouble_is_recognised_in_each_providers_words(provider, trouble, fault):
    assert seen(provider, trouble=trouble).fault == fault


@pytest.mark.parametrize(
    ("trouble", "canary", "fault"),
    [
        (Trouble.HANG, "chat", Fault.TIMEOUT),
        (Trouble.HANG, "list", Fault.TIMEOUT),
        (Trouble.ENDLESS_STREAM, "chat", Fault.TIMEOUT),
        (Trouble.HALF_STREAM, "chat", Fault.INVALID_RESPONSE),
        (Trouble.TRUNCATED, "list", Fault.INVALID_RESPONSE),
        (Trouble.HUGE_BODY, "chat", Fault.INVALID_RESPONSE),
        (Trouble.GZIP_BOMB, "list", Fault.INVALID_RESPONSE),
        (Trouble.GZIP_BOMB, "chat", Fault.INVALID_RESPONSE),
        (Trouble.REDIRECT, "list", Fault.INVALID_RESPONSE),
    ],
)
def test_a_hostile_answer_ends_in_time_and_in_a_fault(trouble, canary, fault):
    began = time.monotonic()
    one = seen("openai", canary, trouble=trouble)

    assert one.fault == fault
    assert time.monotonic() - began < 4
    assert len(one.answer.body) <= 4000


@pytest.mark.parametrize("trouble", [Trouble.HUGE_BODY, Trouble.GZIP_BOMB])
def test_a_huge_answer_does_not_fill_the_memory(trouble):
    seen("openai", "list")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen("openai", "list", trouble=trouble)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


def test_a_redirect_is_not_followed():
    one, requests = ask("openai", "list", trouble=Trouble.REDIRECT)

    assert len(requests) == 1
    assert "not followed" in one.answer.words


def test_a_stream_of_keep_alives_is_not_a_first_token():
    assert seen(trouble=Trouble.ENDLESS_STREAM).ttft_s is None


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible"])
def test_a_key_that_the_provider_echoes_is_in_nothing_that_we_keep(provider):
    one = seen(provider, trouble=Trouble.ECHO_KEY)

    assert one.fault is not None
    assert KEY not in repr(one)
    assert KEY[:12] not in repr(one)


def test_an_answer_in_another_charset_is_kept_as_text():
    assert isinstance(seen(trouble=Trouble.WRONG_CHARSET, canary="list").outcome, Outcome)


def test_a_connection_serves_the_next_attempt_too():
    async def play():
        async with Simulator([SimulatedAccount("openai", KEY)]) as simulator, prober() as one:
            facts, account = load_provider("openai"), Account("main", "openai", KEY, simulator.base("openai"))
            for canary, model in (("list", None), ("chat", "gpt-5-nano"), ("list", None)):
                await attempt(one, facts, account, Target(account.id, "openai", canary, model))
            return len(one.session.connector._conns)

    assert asyncio.run(play()) == 1


def test_nobody_listens_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        one = seen("openai", "list", base=base)

    assert (one.fault, one.answer.rule) == (Fault.CONNECTION_FAILED, "transport/connect")


def test_a_name_that_does_not_exist():
    one = seen("openai", "list", base="http://no-such-host.invalid/v1")

    assert (one.fault, one.answer.rule) == (Fault.CONNECTION_FAILED, "transport/dns")


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "1", "-subj", "/CN=localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    arrived = []

    async def play():
        async def answer(request):
            arrived.append(request.headers)
            return aiohttp.web.Response(text="{}")

        app = aiohttp.web.Application()
        app.router.add_get("/v1/models", answer)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        base = f"https://localhost:{runner.addresses[0][1]}/v1"
        account = Account("main", "openai", KEY, base)
        try:
            async with prober() as one:
                return await attempt(one, load_provider("openai"), account, Target(account.id, "openai", "list"))
        finally:
            await runner.cleanup()

    one = asyncio.run(play())
    assert (one.fault, one.answer.rule) == (Fault.CONNECTION_FAILED, "transport/certificate")
    assert arrived == []


@pytest.mark.parametrize(
    ("error", "rule"),
    [
        (aiohttp.ServerDisconnectedError(), "transport/disconnected"),
        (aiohttp.ConnectionTimeoutError(), "transport/connect-timeout"),
        (aiohttp.SocketTimeoutError(), "transport/silence"),
        (TimeoutError(), "transport/total"),
        (aiohttp.ClientPayloadError(f"half of {KEY}"), "transport/cut"),
        (aiohttp.InvalidURL(f"http://{KEY}"), "transport/address"),
        (ConnectionResetError(104, f"reset {KEY}"), "transport/reset"),
        (aiohttp.ClientConnectionError(KEY), "transport/client"),
        (ValueError(f"Illegal header value {KEY}"), "transport/value"),
    ],
)
def test_every_way_to_fail_on_the_road_is_an_observation_that_does_not_hold_the_key(error, rule):
    async def play():
        account = Account("main", "openai", KEY)
        with aioresponses() as road:
            road.get("https://api.openai.com/v1/models", exception=error)
            async with prober() as one:
                return await attempt(one, load_provider("openai"), account, Target(account.id, "openai", "list"))

    one = asyncio.run(play())
    assert (one.outcome, one.answer.rule, one.status) == (Outcome.FAILED, rule, None)
    assert KEY not in repr(one)


def test_the_more_special_error_stands_before_the_more_general():
    kinds = [kind for kind, *_ in BREAKS]

    for place, kind in enumerate(kinds):
        assert not [later for later in kinds[place + 1 :] if issubclass(later, kind)], kind


def test_a_model_is_put_into_the_address_with_care():
    facts = load_provider("gemini")
    account = Account("main", "gemini", KEY, "http://127.0.0.1/v1beta/")
    target = Target(account.id, "gemini", "chat", "tuned models/x?y")

    assert "/models/tuned%20models/x%3Fy:" in address(facts, account, facts.canaries["chat"], target, datetime.now(UTC))


def test_a_long_list_of_models_that_began_well_is_good_and_not_read_to_its_end():
    assert seen("openai", "list", trouble=Trouble.HUGE_BODY).fault is None


def test_a_refused_connection_is_said_in_the_systems_words():
    assert os.strerror(errno.ECONNREFUSED) in seen("openai", "list", base="http://127.0.0.1:1/v1").answer.words
