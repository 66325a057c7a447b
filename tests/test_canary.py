"""One attempt against a provider that can be told to misbehave, and against a road that breaks."""

import asyncio
import errno
import json
import os
import resource
import socket
import ssl
import subprocess
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.shapes import CHAT, GARBAGE, HELLO, LAST_USAGE, ROLE, STOP, delta, sse
from probes.answer.classify import classify_answer
from probes.canary import Prober, attempt_request, open_session, url_of
from probes.catalog import ProviderFiles, load_provider, load_wording
from probes.model import Account, Credit, Fault, Outcome, Target, TimeLimits, Usage
from probes.provider import Rule
from probes.simulator import SimulatedAccount, Simulator, Trouble
from probes.simulator.role import PARTS
from probes.transport.body import KEPT_BYTES
from probes.transport.failure import BREAKS

KEY = "sim-key-0123456789-abcdefghij"
QUICK = TimeLimits(connect_s=1, silence_s=0.5, total_s=1.5)
PAID = [
    (provider, canary)
    for provider in ("openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible")
    for canary in ("chat", "responses")
    if canary in load_provider(provider).canaries
]


@asynccontextmanager
async def prober(patience=QUICK):
    async with open_session("test") as session:
        yield Prober(session, load_wording(), lambda: datetime.now(UTC), time.monotonic, patience)


def ask(
    provider="openai",
    canary="chat",
    trouble=None,
    base=None,
    patience=QUICK,
    key=KEY,
    model=None,
    answer_tokens=None,
    **settings,
):
    """Ask the simulator once; return the observation and what arrived there."""

    async def play():
        async with Simulator([SimulatedAccount(provider, KEY)], ttft_s=0.05) as simulator, prober(patience) as one:
            if trouble:
                simulator.set(KEY, trouble, **settings)
            facts = load_provider(provider)
            account = Account("main", provider, key, base or simulator.base(provider), answer_tokens=answer_tokens)
            asked = model or facts.canaries[canary].model or "gpt-4o-mini"
            target = Target(account.id, provider, canary, None if canary == "list" else asked)
            return await attempt_request(one, facts, account, target), list(simulator.requests)

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


@pytest.mark.parametrize(("provider", "canary"), PAID)
@pytest.mark.parametrize(("answer_tokens", "told"), [(None, 5), (16, 16), (128, 128)])
def test_an_answer_is_as_long_as_the_account_asks_for(provider, canary, answer_tokens, told):
    one = seen(provider, canary, answer_tokens=answer_tokens)
    shortest = provider in ("anthropic", "cohere") and answer_tokens is None

    assert (one.outcome, one.usage.tokens_out) == (Outcome.OK, 1 if shortest else told)


@pytest.mark.parametrize("provider", sorted(PARTS))
def test_a_question_without_a_written_answer_is_the_same_however_long_one_is_asked_for(provider):
    canaries = [name for name in ("count", "embed") if name in load_provider(provider).canaries]
    asked = [ask(provider, name, answer_tokens=tokens)[1][0].body for name in canaries for tokens in (None, 100)]

    assert asked[::2] == asked[1::2]


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
            return await attempt_request(one, load_provider("openai"), account, Target(account.id, "openai", "list"))

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
        (Trouble.NOTHING_IN_200, Fault.INVALID_RESPONSE),
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


@pytest.mark.parametrize(
    ("location", "goal"),
    [
        ("https://me:pass-word@gw.example.com:8443/v1/models?token=abcdef#x", "https://gw.example.com:8443/v1/models"),
        ("/login?back=secret", "http://127.0.0.1:{port}/login"),
        ("//other.example.com/v1/models", "http://other.example.com/v1/models"),
        ("javascript:alert(1)", "another address"),
        ("http://[", "another address"),
        ("", "another address"),
    ],
)
def test_a_redirect_names_its_goal_without_what_may_be_a_secret(location, goal):
    async def answer(_):
        return web.Response(status=302, headers={"Location": location})

    async def play():
        app = web.Application()
        app.router.add_get("/v1/models", answer)
        async with TestServer(app) as server, prober() as one:
            account = Account("main", "openai", KEY, str(server.make_url("/v1")))
            told = await attempt_request(one, load_provider("openai"), account, Target(account.id, "openai", "list"))
            return told.answer.words, server.port

    words, port = asyncio.run(play())
    assert words == f"redirects to {goal.format(port=port)}; not followed, since that sends the key on"


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
                await attempt_request(one, facts, account, Target(account.id, "openai", canary, model))
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
                return await attempt_request(
                    one, load_provider("openai"), account, Target(account.id, "openai", "list")
                )
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
                return await attempt_request(
                    one, load_provider("openai"), account, Target(account.id, "openai", "list")
                )

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

    assert "/models/tuned%20models/x%3Fy:" in url_of(facts, account, facts.canaries["chat"], target, datetime.now(UTC))


def test_a_long_list_with_a_whole_entry_is_good_and_not_read_to_its_end():
    models = [{"id": f"m-{number}", "about": "x" * 100} for number in range(2_000)]
    one, _ = told("openai", "list", {"object": "list", "data": models})

    assert one.outcome is Outcome.OK


def test_what_merely_begins_like_a_list_is_none():
    assert seen("openai", "list", trouble=Trouble.HUGE_BODY).fault is Fault.INVALID_RESPONSE


def test_a_refused_connection_is_said_in_the_systems_words():
    assert os.strerror(errno.ECONNREFUSED) in seen("openai", "list", base="http://127.0.0.1:1/v1").answer.words


# A good status over nothing that was asked for


EVENTS = {"Content-Type": "text/event-stream"}


@pytest.mark.parametrize("headers", [{}, EVENTS], ids=["whole", "as a stream"])
@pytest.mark.parametrize(
    ("provider", "canary"),
    [
        *(("openai", "list"), ("openai", "chat"), ("openai", "responses"), ("openai", "embed"), ("gemini", "chat")),
        *(("gemini", "count"), ("gemini", "embed"), ("anthropic", "chat"), ("anthropic", "count"), ("cohere", "chat")),
        *(("cohere", "embed"), ("openai-compatible", "list"), ("openai-compatible", "chat"), ("xai", "list")),
        *(("deepseek", "balance"), ("cloudflare", "list")),
    ],
)
def test_a_good_status_proves_nothing(provider, canary, headers):
    base = "" if provider in ("anthropic", "cohere") else "/v1"
    seen, _ = told_each(provider, canary, tuple(GARBAGE.values()), times=len(GARBAGE), headers=headers, base=base)

    assert {one.status for one in seen} == {200}
    assert [why for why, one in zip(GARBAGE, seen, strict=True) if one.fault is None] == []
    assert all(one.answer.words for one in seen)


def test_an_answer_of_nothing_is_said_to_be_so():
    one, _ = told("openai", "chat", {"status": "please wait"})

    assert one.answer.words == (
        "nothing of what was asked for is in this answer, although its status is good: please wait"
    )


def test_a_stream_counts_as_one_by_its_body_where_its_type_says_otherwise():
    one, _ = told("openai", "chat", CHAT["in a stream"].encode())

    assert (one.outcome, one.ttft_s) == (Outcome.OK, None)


@pytest.mark.parametrize("why", [why for why in CHAT if why.startswith("in a stream")])
def test_a_good_stream_is_good_as_it_comes(why):
    one, _ = told("openai", "chat", CHAT[why].encode(), headers=EVENTS)

    assert one.outcome is Outcome.OK
    assert (one.ttft_s is None) == ("nothing visible" in why)


# What a good answer tells besides, against a server that answers what a test says

ADMIN_KEY = "sim-admin-9876543210-zyxwvutsrq"
AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


@asynccontextmanager
async def serving(path, status, told, headers):
    """Answer `path`, or any where it is None, with JSON, bytes, or one text after another; yield port and arrivals."""
    arrived = []
    texts = iter(told) if isinstance(told, tuple) else None

    async def answer(request):
        sent = await request.read()
        arrived.append(
            SimpleNamespace(
                method=request.method, path=request.path, query=request.query, headers=request.headers, body=sent
            )
        )
        if path not in (None, request.path):
            return aiohttp.web.json_response({"error": "no such path"}, status=404)
        one = next(texts).encode() if texts else told
        body = one if isinstance(one, bytes) else json.dumps(one).encode()
        return aiohttp.web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})

    app = aiohttp.web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1], arrived
    finally:
        await runner.cleanup()


def told(provider, canary, body, **settings):
    """Ask one canary of a provider that answers so; return what was seen and what arrived."""
    (one,), arrived = told_each(provider, canary, body, **settings)
    return one, arrived


def told_each(provider, canary, body, *, times=1, path=None, status=200, headers=None, base="/v1", admin_key=None):
    async def play():
        facts = load_provider(provider)
        async with serving(path, status, body, headers or {}) as (port, arrived), prober() as one:
            account = Account("main", provider, KEY, f"http://127.0.0.1:{port}{base}", admin_key=admin_key)
            target = Target(account.id, provider, canary, facts.canaries[canary].model)
            return [await attempt_request(one, facts, account, target) for _ in range(times)], arrived

    return asyncio.run(play())


def sample(name):
    return json.loads((Path(__file__).parent / "samples" / "account" / f"{name}.json").read_text())


def test_a_balance_is_kept_in_each_currency():
    one, (request,) = told("deepseek", "balance", sample("deepseek-balance"))

    assert (one.outcome, one.credits) == (Outcome.OK, (Credit("CNY", 110.0), Credit("USD", 3.2)))
    assert (request.method, request.headers["Authorization"]) == ("GET", f"Bearer {KEY}")
    assert (one.usage, one.cost_usd) == (Usage(), None)


def test_a_refused_balance_is_judged_by_the_providers_rules():
    one, _ = told("deepseek", "balance", {"error": {"message": "Insufficient Balance"}}, status=402)

    assert (one.fault, one.credits) == (Fault.QUOTA_EXHAUSTED, ())


def test_a_flag_beside_a_200_is_a_fault_and_the_balance_is_kept_all_the_same():
    one, _ = told("deepseek", "balance", sample("deepseek-balance") | {"is_available": False})

    assert (one.outcome, one.fault) == (Outcome.FAILED, Fault.QUOTA_EXHAUSTED)
    assert (one.status, one.answer.rule) == (200, "flag/quota_exhausted")
    assert len(one.credits) == 2
    assert "is_available" in one.answer.body


def test_a_blocked_team_is_suspended_though_its_key_is_answered():
    one, (request,) = told("xai", "list", sample("xai-list") | {"team_blocked": True})

    assert (request.path, one.fault, one.answer.rule) == (
        "/v1/api-key",
        Fault.ACCOUNT_SUSPENDED,
        "flag/account_suspended",
    )


@pytest.mark.parametrize("body", [b"null", b"5", b'"fine"', b"[[[[]]]]", b'{"is_available": {"balance_infos": 5}}'])
def test_a_balance_of_another_shape_is_no_exception(body):
    one, _ = told("deepseek", "balance", body)

    assert one.credits == ()


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        (
            "openai",
            {"object": "list", "data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}},
        ),
        ("gemini", {"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 3}}),
        ("cohere", {"id": "1", "embeddings": {"float": [[0.1]]}, "meta": {"billed_units": {"input_tokens": 3}}}),
    ],
)
def test_the_usage_of_an_embedding_is_counted_and_priced(provider, body):
    one, (request,) = told(provider, "embed", body, base="")

    assert (one.outcome, one.usage) == (Outcome.OK, Usage(3, 0))
    assert one.cost_usd == load_provider(provider).cost_usd(one.target.model, 3, 0) > 0
    assert request.method == "POST"


def test_an_embedding_is_asked_for_as_small_as_may_be():
    _, (request,) = told("openai", "embed", {"data": []})

    assert json.loads(request.body) == {"model": "text-embedding-3-small", "input": "hi", "dimensions": 8}


def test_an_embedding_longer_than_what_is_read_is_good():
    body = {"object": "list", "data": [{"embedding": [0.123456789] * 20_000}], "usage": {"prompt_tokens": 3}}
    one, _ = told("openai", "embed", body)

    assert len(json.dumps(body)) > KEPT_BYTES
    assert one.outcome is Outcome.OK


def test_an_offer_of_many_models_is_read_whole():
    models = [{"id": f"someone/model-{number}", "description": "x" * 500} for number in range(1_500)]
    one, _ = told("openrouter", "models", {"data": models})

    assert (one.outcome, len(one.offer)) == (Outcome.OK, 1_500)
    assert one.offer[-1] == "someone/model-1499"


def test_an_offer_longer_than_all_bounds_is_good_and_not_told():
    models = [{"id": f"someone/model-{number}", "description": "x" * 2_000} for number in range(1_500)]
    one, _ = told("openrouter", "models", {"data": models})

    assert (one.outcome, one.offer) == (Outcome.OK, None)


def test_the_minutely_list_does_not_read_the_offer():
    one, _ = told("openai", "list", sample("openai-models"))

    assert (one.outcome, one.offer) == (Outcome.OK, None)


def test_the_names_of_an_offer_are_those_that_accounts_use():
    one, (request,) = told("gemini", "models", sample("gemini-models"), path="/v1/models")

    assert one.offer == ("gemini-flash-lite-latest", "gemini-another")
    assert request.query["pageSize"] == "1000"


def test_counting_tokens_costs_nothing_and_shows_an_empty_wallet():
    good, (request,) = told("anthropic", "count", {"input_tokens": 8}, base="")
    message = "Your credit balance is too low to access the Anthropic API."
    empty = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    bad, _ = told("anthropic", "count", empty, status=400, base="")

    assert (good.outcome, good.usage, request.headers["anthropic-version"]) == (Outcome.OK, Usage(), "2023-06-01")
    assert bad.fault is Fault.QUOTA_EXHAUSTED


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_the_simulator_counts_for_a_sound_account_and_refuses_an_empty_one(provider):
    good, (request,) = ask(provider, "count")
    empty = seen(provider, "count", trouble=Trouble.WALLET_EMPTY)

    assert (good.outcome, good.usage, good.cost_usd) == (Outcome.OK, Usage(), None)
    assert b"max" not in request.body
    assert empty.fault is Fault.QUOTA_EXHAUSTED


def test_a_header_warns_beside_a_good_answer():
    headers = {"Deprecation": "@1688169599", "Sunset": f"Sat, 31 Dec 2026 23:59:59 GMT, {KEY}"}
    one, _ = told("openai", "list", sample("openai-models"), headers=headers)

    assert one.outcome is Outcome.OK
    assert [sign.rule for sign in one.signs] == ["wording/deprecation", "wording/sunset"]
    assert KEY not in repr(one.signs)


def test_a_header_warns_beside_a_stream_too():
    stream = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    headers = {"Content-Type": "text/event-stream", "x-ratelimit-abusepenalty-active": "True"}
    one, _ = told("azure-openai", "chat", stream, headers=headers)

    assert (one.outcome, [sign.fault for sign in one.signs]) == (Outcome.OK, [Fault.LIMIT_COLLAPSE])


# The administration key


def test_the_administration_key_goes_with_its_own_canaries_only():
    _, (costs,) = told("openai", "costs", sample("openai-costs"), admin_key=ADMIN_KEY)
    _, (listed,) = told("openai", "list", sample("openai-models"), admin_key=ADMIN_KEY)

    assert costs.headers["Authorization"] == f"Bearer {ADMIN_KEY}"
    assert KEY not in str(costs.headers)
    assert listed.headers["Authorization"] == f"Bearer {KEY}"
    assert ADMIN_KEY not in str(listed.headers)


def test_an_administration_canary_without_its_key_sends_none():
    _, (request,) = told("openai", "costs", sample("openai-costs"))

    assert "Authorization" not in request.headers


@pytest.mark.parametrize(("provider", "used"), [("openai", 4.0), ("anthropic", 2.0)])
def test_the_costs_of_a_month_are_summed(provider, used):
    one, (request,) = told(provider, "costs", sample(f"{provider}-costs"), admin_key=ADMIN_KEY)

    assert [(credit.unit, credit.used) for credit in one.credits] == [("USD", pytest.approx(used))]
    assert request.query["limit"] == "31"


@pytest.mark.parametrize("canary", ["costs", "list"])
def test_an_administration_key_that_is_echoed_is_in_nothing_that_we_keep(canary):
    body = {"error": {"message": f"Incorrect API key provided: {ADMIN_KEY}", "code": "invalid_api_key"}}
    headers = {"x-request-id": ADMIN_KEY, "Sunset": f"2027 {ADMIN_KEY}"}
    one, _ = told("openai", canary, body, status=401, headers=headers, admin_key=ADMIN_KEY)

    assert one.fault is Fault.INVALID_KEY
    assert ADMIN_KEY[:12] not in repr(one)


# Addresses


def where(provider, canary, *, base=None, at=AT, model=None, tables=None):
    facts = load_provider(provider, ProviderFiles(tables={provider: tables} if tables else {}))
    account = Account("main", provider, KEY, base)
    return url_of(facts, account, facts.canaries[canary], Target(account.id, provider, canary, model), at)


@pytest.mark.parametrize("base", [None, "https://relay.example.com/v1"])
def test_a_whole_address_is_asked_as_it_stands(base):
    assert where("moonshot", "balance", base=base) == "https://api.moonshot.ai/v1/users/me/balance"


@pytest.mark.parametrize(
    ("at", "month"),
    [
        (AT, "2026-11-01T00:00:00Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026-12-01T00:00:00Z"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01T00:00:00Z"),
    ],
)
def test_the_month_begins_with_its_first_instant(at, month):
    seconds = int(datetime.fromisoformat(month).timestamp())

    assert f"starting_at={month}&" in where("anthropic", "costs", at=at)
    assert f"start_time={seconds}&" in where("openai", "costs", at=at)


def test_a_brace_that_is_no_blank_stays():
    tables = {"canaries": {"list": {"path": "/models?filter={free}&month={month_s}&of={model}"}}}

    assert where("openai", "list", tables=tables, model="a b") == (
        "https://api.openai.com/v1/models?filter={free}&month=1793491200&of=a%20b"
    )


@pytest.mark.parametrize(
    ("base", "path"),
    [("/v1", "/api/usage/token/"), ("/relay/v1", "/relay/api/usage/token/"), ("", "/api/usage/token/")],
)
def test_two_dots_step_up_from_the_base(base, path):
    one, (request,) = told("new-api", "balance", sample("new-api-balance"), base=base, path=path)

    assert (request.path, one.outcome) == (path, Outcome.OK)
    assert one.credits[0].left == 7.5


# Usage of an answer that was not streamed


@pytest.mark.parametrize(
    ("provider", "canary", "body"),
    [
        (
            *("openai-compatible", "chat"),
            {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        ),
        (
            *("openai", "responses"),
            {
                "object": "response",
                "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
                "usage": {"input_tokens": 9, "output_tokens": 2},
            },
        ),
        (
            *("anthropic", "chat"),
            {
                "type": "message",
                "content": [{"type": "text", "text": "Hi"}],
                "usage": {"input_tokens": 9, "output_tokens": 2},
            },
        ),
        (
            *("cohere", "chat"),
            {
                "message": {"content": [{"type": "text", "text": "Hi"}]},
                "usage": {"billed_units": {"input_tokens": 9, "output_tokens": 2}},
            },
        ),
    ],
)
def test_an_answer_that_was_not_streamed_is_good_and_its_usage_counts(provider, canary, body):
    base = "" if provider in ("anthropic", "cohere") else "/v1"
    one, _ = told(provider, canary, body, base=base)

    assert (one.outcome, one.usage, one.ttft_s) == (Outcome.OK, Usage(9, 2), None)
    assert (one.cost_usd is None) == (provider == "openai-compatible")


def test_gemini_without_a_stream_counts_too():
    body = {
        "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "thoughtsTokenCount": 1},
    }
    one, _ = told("gemini", "chat", body, path="/v1/models/gemini-flash-lite-latest:streamGenerateContent")

    assert (one.outcome, one.usage) == (Outcome.OK, Usage(9, 2, 1))


@pytest.mark.parametrize(
    ("provider", "canary", "usage", "counted"),
    [
        ("openai", "chat", {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 7}}, (9, 7)),
        ("openai", "chat", {"completion_tokens": 9, "completion_tokens_details": None}, (9, 0)),
        ("xai", "chat", {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 16}, (11, 9)),
        ("openai", "responses", {"output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 7}}, (9, 7)),
        ("openai", "responses", {"output_tokens": 9, "output_tokens_details": {"reasoning_tokens": "7"}}, (9, 0)),
    ],
)
def test_what_a_model_thought_is_told_apart(provider, canary, usage, counted):
    said = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}], "object": "response"}
    chat = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    one, _ = told(provider, canary, {**(chat if canary == "chat" else said), "usage": usage})

    assert (one.usage.tokens_out, one.usage.tokens_reasoning) == counted


@pytest.mark.parametrize("usage", [None, 5, "many", [], {"prompt_tokens": "many"}, {"prompt_tokens": [1]}])
def test_a_strange_usage_is_none(usage):
    one, _ = told("openai", "chat", {"choices": [{"message": {"content": "Hi"}}], "usage": usage})

    assert (one.outcome, one.usage, one.cost_usd) == (Outcome.OK, Usage(), None)


def answered(status, text, path="/prepaid", **prober_facts):
    """Return what a look at a gateway comes to that answers everything so."""

    async def play():
        async def answer(request):
            return aiohttp.web.Response(status=status, text=text.replace("HERE", request.host + request.path))

        app = aiohttp.web.Application()
        app.router.add_get("/{any:.*}", answer)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        account = Account("main", "litellm", KEY, base)
        try:
            async with prober() as one:
                asking = replace(one, **prober_facts)
                return await attempt_request(
                    asking, load_provider("litellm"), account, Target(account.id, "litellm", "list")
                )
        finally:
            await runner.cleanup()

    return asyncio.run(play())


def test_our_own_address_coming_back_proves_nothing():
    assert answered(404, "nothing is at HERE").fault is Fault.BAD_REQUEST


def test_whoever_a_gateway_names_is_heard_by_rules_that_are_found_then():
    said = '{"error": {"message": "litellm.APIError: CerebrasException - xyzzy", "code": "500"}}'
    asked = []

    def rules_of(id):
        asked.append(id)
        return [Rule(id="own", fault=Fault.OVERLOADED, message=["xyzzy"], source="https://example.com")]

    assert answered(500, said, rules_of=rules_of).answer.rule == "cerebras/own"
    assert set(asked) == {"cerebras"}


@pytest.mark.parametrize(("padding", "beside"), [(100, False), (30_000, True)])
def test_a_long_answer_is_judged_beside_the_loop(padding, beside):
    said = '{"error": {"message": "litellm.APIError: CerebrasException - xyzzy", "code": "500"}}'
    threads = set()

    def rules_of(_):
        threads.add(threading.current_thread())
        return [Rule(id="own", fault=Fault.OVERLOADED, message=["xyzzy"], source="https://example.com")]

    assert answered(500, said + " " * padding, rules_of=rules_of).answer.rule == "cerebras/own"
    assert (threads != {threading.main_thread()}) is beside


def test_long_answers_are_judged_one_after_the_other():
    """Several threads together would keep the interpreter from the loop."""
    busy, most = threading.Semaphore(1), []

    def judged():
        most.append(busy.acquire(blocking=False))
        time.sleep(0.02)
        busy.release()

    async def play():
        prober = Prober(None, load_wording(), lambda: datetime.now(UTC), time.monotonic)
        await asyncio.gather(*(prober.beside(judged) for _ in range(3)))

    asyncio.run(play())
    assert most == [True] * 3


# As it comes and as it is pasted


EVENTS_OF_A_STREAM = (
    *(
        "data: [DONE]",
        "data: ping",
        "data:",
        ": comment",
        "event: error",
        "event: ping\ndata: 1",
        "data: oops",
        "id: 1",
    ),
    *('{"error": {"message": "Overloaded"}}', 'data: {"choices":\ndata: []}', 'data: {"error": {"message": "No."}}'),
    *(
        sse(event, end="")
        for event in (ROLE, HELLO, STOP, delta({"content": "é\U0001f600"}), delta({}, "error"), LAST_USAGE)
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(EVENTS_OF_A_STREAM), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_a_stream_means_the_same_as_it_comes_and_as_it_is_pasted(events, line_end, start, cuts):
    body = start + "".join(f"{event}\n\n" for event in events).replace("\n", line_end)
    facts = load_provider("openai")

    heard = asyncio.run(_heard_in_chunks(body.encode(), cuts))
    pasted = classify_answer(facts, load_wording().rules, 200, {}, body, facts.canaries["chat"])

    assert heard.fault == pasted.fault
    assert heard.fault is None or heard.answer.rule == pasted.rule


async def _heard_in_chunks(body, cuts):
    async def answer(request):
        response = web.StreamResponse(headers=EVENTS)
        await response.prepare(request)
        at = 0
        for size in (*cuts, len(body)):
            await response.write(body[at : at + size])
            await asyncio.sleep(0)
            at += size
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    async with TestServer(app) as server, prober() as one:
        account = Account("main", "openai", KEY, str(server.make_url("/v1")))
        return await attempt_request(one, load_provider("openai"), account, Target(account.id, "openai", "chat", "m"))


# What an answer said before it broke off

SPENT = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (b"429 X\r\nContent-Type: application/json", SPENT, Fault.QUOTA_EXHAUSTED),
        (b"200 X\r\nContent-Type: text/event-stream", b"data: " + SPENT + b"\n\n", Fault.QUOTA_EXHAUSTED),
        (b"401 X", b"", Fault.INVALID_KEY),
        (b"401 X\r\nContent-Encoding: gzip", b"no gzip", Fault.INVALID_KEY),
        (b"200 X\r\nContent-Type: application/json", b'{"choices": [', Fault.INVALID_RESPONSE),
        (b"200 X\r\nContent-Type: text/event-stream", sse(HELLO).encode(), Fault.INVALID_RESPONSE),
    ],
)
def test_an_answer_that_breaks_off_means_what_it_said_before(head, body, expected):
    assert asyncio.run(_cut_off(b"HTTP/1.1 " + head + b"\r\nContent-Length: 5000\r\n\r\n" + body)).fault is expected


async def _cut_off(answer):
    async def serve(reader, writer):
        await reader.read(KEPT_BYTES)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, prober() as one:
        account = Account("main", "openai", KEY, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        return await attempt_request(one, load_provider("openai"), account, Target(account.id, "openai", "chat", "m"))
