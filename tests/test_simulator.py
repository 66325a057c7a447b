import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import time
import tomllib
import zlib
from pathlib import Path
from random import Random

import pytest
from aiohttp import ClientPayloadError, ClientSession, ClientTimeout

import probes.simulator as simulator_package
from monitor.config.load import load_config
from probes.catalog import load_provider
from probes.simulator import OF_ACCOUNTS, SPARES_LISTS, SimulatedAccount, SimulatedTrouble, Simulator, Trouble
from probes.simulator.__main__ import account_block, demo_accounts
from probes.simulator.refusal import load_refusals, masked
from probes.simulator.role import PARTS

KEYS = {provider: f"sim-key-of-{provider}-0123456789" for provider in PARTS}
ACCOUNTS = [SimulatedAccount(provider, key) for provider, key in KEYS.items()]
HELLO = "Hello from the simulator."

TURN = {"messages": [{"role": "user", "content": "hi"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

LISTS = {provider: "/v1/models" if provider in ("anthropic", "cohere") else "/models" for provider in PARTS}
PAID = {
    ("openai", "chat"): ("/chat/completions", TURN),
    ("openai", "responses"): ("/responses", {"input": "hi"}),
    ("anthropic", "chat"): ("/v1/messages", {**TURN, "max_tokens": 16}),
    ("gemini", "chat"): ("/models/{model}:{verb}", CONTENTS),
    ("cohere", "chat"): ("/v2/chat", TURN),
    ("groq", "chat"): ("/chat/completions", TURN),
    ("openai-compatible", "chat"): ("/chat/completions", TURN),
}


def play(scene, accounts=ACCOUNTS, **settings):
    """Run one scene, a function of a simulator and a client, and return what it returns."""

    async def show():
        async with Simulator(accounts, **settings) as simulator, ClientSession() as client:
            return await scene(simulator, client)

    return asyncio.run(show())


def ask(simulator, client, provider, call="chat", *, key="", stream=False, model=None, more=None, **options):
    """Begin one well-formed request, with the provider's own key unless another, or None, is given."""
    headers = credentials(provider, KEYS[provider] if key == "" else key)
    if call == "list":
        return client.get(simulator.base(provider) + LISTS[provider], headers=headers, **options)
    path, body = PAID[provider, call]
    model = model or PARTS[provider].models[0]
    body = {**body, **({} if provider == "gemini" else {"model": model, "stream": stream}), **(more or {})}
    path = path.format(model=model, verb="streamGenerateContent?alt=sse" if stream else "generateContent")
    return client.post(simulator.base(provider) + path, json=body, headers=headers, **options)


def credentials(provider, key):
    part = PARTS[provider]
    version = {"anthropic-version": "2023-06-01"} if provider == "anthropic" else {}
    return version if key is None else {part.key_header: part.key_prefix + key, **version}


async def read(request):
    async with request as response:
        return response.status, response.headers, await response.text()


async def status(request):
    return (await read(request))[0]


async def listen(request):
    """Read as long as it goes; return what was heard and the kind of error that ended it."""
    heard = b""
    try:
        async with request as response:
            async for chunk in response.content.iter_any():
                heard += chunk
    except (ClientPayloadError, TimeoutError) as error:
        return heard.decode(), type(error)
    return heard.decode(), None


def told(provider, call="chat", trouble=None, *, accounts=ACCOUNTS, **how):
    """Return status, headers and text of the answer to one request, under a trouble of the provider."""

    async def scene(simulator, client):
        simulator.set(provider, trouble)
        return await read(ask(simulator, client, provider, call, **how))

    return play(scene, accounts)


def events(text):
    """Return the data of a stream's events; `[DONE]` stays as it is."""
    found = re.findall(r"^data: (.*?)\r?$", text, re.MULTILINE)
    return [line if line == "[DONE]" else json.loads(line) for line in found]


def of_type(stream, kind):
    return [event for event in stream if event != "[DONE]" and event["type"] == kind]


def chat_words(stream):
    return [event["choices"][0]["delta"].get("content", "") for event in stream if event != "[DONE]"]


TEXTS = {
    "chat": lambda answer: answer["choices"][0]["message"]["content"],
    "responses": lambda answer: answer["output"][0]["content"][0]["text"],
    "anthropic": lambda answer: answer["content"][0]["text"],
    "gemini": lambda answer: answer["candidates"][0]["content"]["parts"][0]["text"],
    "cohere": lambda answer: answer["message"]["content"][0]["text"],
}
USAGES = {
    "chat": lambda answer: (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]),
    "responses": lambda answer: (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]),
    "anthropic": lambda answer: (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]),
    "gemini": lambda answer: tuple(answer["usageMetadata"][f"{side}TokenCount"] for side in ("prompt", "candidates")),
    "cohere": lambda answer: tuple(answer["usage"]["tokens"].values()),
}
FINISHES = {
    "chat": lambda answer: answer["choices"][0]["finish_reason"],
    "responses": lambda answer: answer["status"],
    "anthropic": lambda answer: answer["stop_reason"],
    "gemini": lambda answer: answer["candidates"][0]["finishReason"],
    "cohere": lambda answer: answer["finish_reason"],
}
WORDS = {
    "chat": chat_words,
    "responses": lambda stream: [event["delta"] for event in of_type(stream, "response.output_text.delta")],
    "anthropic": lambda stream: [event["delta"]["text"] for event in of_type(stream, "content_block_delta")],
    "gemini": lambda stream: [event["candidates"][0]["content"]["parts"][0]["text"] for event in stream],
    "cohere": lambda stream: [e["delta"]["message"]["content"]["text"] for e in of_type(stream, "content-delta")],
}


def tongue(provider, call):
    return provider if provider in TEXTS else call


# When all is well


@pytest.mark.parametrize("provider", PARTS)
def test_a_list_names_the_models_of_the_account(provider):
    status, _, text = told(provider, "list", accounts=[SimulatedAccount(provider, KEYS[provider], ("one", "two"))])
    answer = json.loads(text)
    entries = answer["models"] if provider in ("gemini", "cohere") else answer["data"]
    names = [entry.get("id") or entry["name"].removeprefix("models/") for entry in entries]
    assert (status, names) == (200, ["one", "two"])


@pytest.mark.parametrize(("provider", "call"), PAID)
def test_a_whole_answer_has_its_words_and_what_they_cost(provider, call):
    status, _, text = told(provider, call)
    answer, kind = json.loads(text), tongue(provider, call)
    assert (status, TEXTS[kind](answer), USAGES[kind](answer)) == (200, HELLO, (9, 5))


@pytest.mark.parametrize(("provider", "call"), PAID)
def test_a_stream_brings_the_same_words_one_by_one(provider, call):
    status, headers, text = told(provider, call, stream=True)
    words = [word for word in WORDS[tongue(provider, call)](events(text)) if word]
    assert (status, headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
    assert (len(words), "".join(words)) == (5, HELLO)


def test_an_openai_stream_starts_with_a_role_alone_and_ends_with_done():
    stream = events(told("openai", stream=True)[2])
    assert stream[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert stream[-2]["choices"][0]["finish_reason"] == "stop"
    assert stream[-1] == "[DONE]"


def test_an_openai_stream_tells_its_usage_only_where_that_is_asked_for():
    asked = events(told("openai", stream=True, more={"stream_options": {"include_usage": True}})[2])
    assert asked[-2]["choices"] == []
    assert asked[-2]["usage"] == {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    assert not any("usage" in event for event in events(told("openai", stream=True)[2]))


def test_an_anthropic_stream_goes_from_message_start_to_message_stop():
    stream = events(told("anthropic", stream=True)[2])
    kinds = ["message_start", "content_block_start", "ping", *["content_block_delta"] * 5, "content_block_stop"]
    assert [event["type"] for event in stream] == [*kinds, "message_delta", "message_stop"]
    assert stream[0]["message"]["usage"]["input_tokens"] == 9
    assert stream[-2]["usage"] == {"output_tokens": 5}


def test_a_responses_stream_ends_with_the_whole_response():
    stream = events(told("openai", "responses", stream=True)[2])
    assert [event["sequence_number"] for event in stream] == list(range(len(stream)))
    assert [stream[0]["type"], stream[-1]["type"]] == ["response.created", "response.completed"]
    assert stream[-1]["response"]["usage"]["output_tokens"] == 5


def test_the_last_piece_of_a_gemini_cohere_or_groq_stream_tells_the_usage():
    gemini, cohere, groq = (events(told(who, stream=True)[2]) for who in ("gemini", "cohere", "groq"))
    assert gemini[-1]["usageMetadata"]["candidatesTokenCount"] == 5
    assert cohere[-2]["delta"]["usage"]["billed_units"] == {"input_tokens": 9, "output_tokens": 5}
    assert groq[-2]["x_groq"]["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("provider", "call", "cap", "finish"),
    [
        ("openai", "chat", {"max_completion_tokens": 2}, "length"),
        ("groq", "chat", {"max_tokens": 2}, "length"),
        ("anthropic", "chat", {"max_tokens": 2}, "max_tokens"),
        ("gemini", "chat", {"generationConfig": {"maxOutputTokens": 2}}, "MAX_TOKENS"),
        ("cohere", "chat", {"max_tokens": 2}, "MAX_TOKENS"),
        ("openai", "responses", {"max_output_tokens": 16}, "completed"),
    ],
)
def test_an_output_cap_cuts_the_answer_and_the_answer_says_so(provider, call, cap, finish):
    answer, kind = json.loads(told(provider, call, more=cap)[2]), tongue(provider, call)
    text = HELLO if finish == "completed" else "Hello from"
    assert (TEXTS[kind](answer), FINISHES[kind](answer)) == (text, finish)


@pytest.mark.parametrize(("cap", "last", "finish"), [(30, "30 ", "length"), (64, "40 ", "stop")])
def test_whoever_is_told_to_count_writes_a_token_for_each_number_up_to_the_cap(cap, last, finish):
    asked = {"messages": [{"role": "user", "content": "Count from 1 to 40."}], "max_completion_tokens": cap}
    stream = events(told("openai", stream=True, more=asked)[2])
    words = [word for word in WORDS["chat"](stream) if word]

    assert (len(words), words[0], words[-1]) == (min(cap, 40), "1 ", last)
    assert stream[-2]["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize("provider", PARTS)
def test_the_usual_models_include_those_that_canaries_ask_for(provider):
    canaries = load_provider(provider).canaries
    asked = {canaries[call].model for call in ("chat", "responses", "count") if call in canaries} - {None}
    assert asked <= set(PARTS[provider].models)


def test_a_pace_set_for_all_holds_and_varies_by_its_spread():
    async def scene(simulator, client):
        durations = []
        for _ in range(6):
            began = time.perf_counter()
            await read(ask(simulator, client, "openai", "list"))
            durations.append(time.perf_counter() - began)
        return durations

    durations = play(scene, latency_s=0.03, spread=0.9, random=Random(1))
    assert max(durations) - min(durations) > 0.01
    assert max(durations) < 0.2


# Headers


@pytest.mark.parametrize(
    ("provider", "name", "value"),
    [
        ("openai", "x-ratelimit-limit-requests", "500"),
        ("openai", "x-ratelimit-remaining-requests", "499"),
        ("openai", "x-ratelimit-reset-requests", "120ms"),
        ("groq", "x-ratelimit-limit-requests", "14400"),
        ("groq", "x-ratelimit-limit-tokens", "6000"),
        ("anthropic", "anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic", "anthropic-ratelimit-input-tokens-remaining", "2000000"),
        ("cohere", "x-trial-endpoint-call-remaining", "39"),
        ("cohere", "x-endpoint-monthly-call-limit", "1000"),
    ],
)
def test_a_paid_answer_tells_the_rate_limits_in_the_providers_form_and_a_list_does_not(provider, name, value):
    assert told(provider)[1][name] == told(provider, stream=True)[1][name] == value
    assert name not in told(provider, "list")[1]


def test_an_anthropic_limit_resets_at_a_time_in_utc():
    reset = told("anthropic")[1]["anthropic-ratelimit-tokens-reset"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", reset)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "x-request-id"),
        ("anthropic", "request-id"),
        ("cohere", "x-debug-trace-id"),
        ("groq", "x-request-id"),
        ("openai-compatible", "x-oneapi-request-id"),
    ],
)
def test_each_answer_has_a_request_id_of_its_own(provider, name):
    async def scene(simulator, client):
        return [(await read(ask(simulator, client, provider)))[1][name] for _ in range(3)]

    assert len(set(play(scene))) == 3


def test_the_same_seed_gives_the_same_request_ids():
    async def scene(simulator, client):
        return (await read(ask(simulator, client, "openai")))[1]["x-request-id"]

    assert play(scene, random=Random(7)) == play(scene, random=Random(7)) != play(scene, random=Random(8))


# Keys and the form of a request


@pytest.mark.parametrize(
    ("provider", "key", "status", "words"),
    [
        ("openai", None, 401, "You didn't provide an API key"),
        ("openai", "sk-proj-abcdefghijkl-wxyz", 401, "Incorrect API key provided: sk-proj-*************wxyz."),
        ("anthropic", None, 401, "x-api-key header is required"),
        ("anthropic", "sk-ant-nobody", 401, "invalid x-api-key"),
        ("gemini", None, 403, "unregistered callers"),
        ("gemini", "nobody", 400, "API_KEY_INVALID"),
        ("cohere", None, 401, "no api key supplied"),
        ("cohere", "nobody", 401, "invalid api token"),
        ("groq", None, 401, "Invalid API Key"),
        ("groq", KEYS["openai"], 401, "Invalid API Key"),
        ("openai-compatible", None, 401, "未提供令牌"),
        ("openai-compatible", "sk-nobody", 401, "无效的令牌 (request id: "),
    ],
)
@pytest.mark.parametrize("call", ["list", "chat"])
def test_a_missing_or_wrong_key_is_refused_in_the_providers_words(provider, key, status, words, call):
    answer = told(provider, call, key=key)
    assert answer[0] == status
    assert words in answer[2]


def test_a_key_in_another_providers_header_is_no_key():
    async def scene(simulator, client):
        address = simulator.base("openai") + "/models"
        return await read(client.get(address, headers={"x-api-key": KEYS["openai"]}))

    assert "You didn't provide an API key" in play(scene)[2]


@pytest.mark.parametrize(("key", "mask"), [("short", "short"), ("sk-12345678901", "sk-12345**8901")])
def test_a_masked_key_shows_its_ends_alone(key, mask):
    assert masked(key) == mask


@pytest.mark.parametrize(
    ("provider", "call", "status", "words"),
    [
        ("openai", "chat", 404, "The model `nope` does not exist or you do not have access to it."),
        ("openai", "responses", 400, "The requested model 'nope' does not exist."),
        ("anthropic", "chat", 404, "model: nope"),
        ("gemini", "chat", 404, "models/nope is not found for API version v1beta"),
        ("cohere", "chat", 404, "model 'nope' not found"),
        ("groq", "chat", 404, "The model `nope` does not exist"),
        ("openai-compatible", "chat", 503, "模型 nope 无可用渠道"),
    ],
)
def test_an_unknown_model_is_refused_in_the_providers_words(provider, call, status, words):
    answer = told(provider, call, model="nope")
    assert answer[0] == status
    assert words in answer[2]


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b"\xff"])
@pytest.mark.parametrize(("provider", "call"), PAID)
def test_a_request_that_is_no_json_is_refused(provider, call, raw):
    async def scene(simulator, client):
        address = simulator.base(provider) + PAID[provider, call][0].format(model="m", verb="generateContent")
        return await status(client.post(address, data=raw, headers=credentials(provider, KEYS[provider])))

    assert play(scene) == 400


@pytest.mark.parametrize(
    ("provider", "call", "more", "words"),
    [
        ("openai", "responses", {"max_output_tokens": 15}, "integer_below_min_value"),
        ("openai", "chat", {"max_tokens": "many"}, "could not parse"),
        ("openai", "chat", {"model": 7}, "does not exist"),
        ("anthropic", "chat", {"max_tokens": 0}, "invalid_request_error"),
        ("gemini", "chat", {"generationConfig": {"maxOutputTokens": -1}}, "INVALID_ARGUMENT"),
    ],
)
def test_a_field_out_of_range_is_refused(provider, call, more, words):
    status, _, text = told(provider, call, more=more)
    assert status in (400, 404)
    assert words in text


@pytest.mark.parametrize(
    ("provider", "path", "body", "words"),
    [
        ("openai", "/chat/completions", {"model": "gpt-5-nano"}, "Missing required parameter: 'messages'."),
        ("openai", "/responses", {"model": "gpt-5-nano"}, "Missing required parameter: 'input'."),
        ("anthropic", "/v1/messages", {**TURN, "model": "claude-haiku-4-5"}, "max_tokens: Field required"),
        ("gemini", "/models/gemini-2.5-flash:generateContent", {}, "contents is not specified"),
        ("cohere", "/v2/chat", TURN, "model is required"),
    ],
)
def test_a_missing_field_is_named(provider, path, body, words):
    async def scene(simulator, client):
        headers = credentials(provider, KEYS[provider])
        return await read(client.post(simulator.base(provider) + path, json=body, headers=headers))

    status, _, text = play(scene)
    assert status == 400
    assert words in text


def test_anthropic_demands_its_version_header():
    async def scene(simulator, client):
        body = {**TURN, "model": "claude-haiku-4-5", "max_tokens": 1}
        address = simulator.base("anthropic") + "/v1/messages"
        return await read(client.post(address, json=body, headers={"x-api-key": KEYS["anthropic"]}))

    status, _, text = play(scene)
    assert status == 400
    assert "anthropic-version: header is required" in text


def test_what_a_client_sends_cannot_break_the_json_of_a_refusal():
    _, _, text = told("openai", model='a"b\\c\n$key')
    assert json.loads(text)["error"]["message"].startswith('The model `a"b\\c\n$key` does not exist')


# Troubles of accounts and providers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("provider", "trouble", "status", "words"),
    [
        ("openai", Trouble.ACCOUNT_SUSPENDED, 401, "account_deactivated"),
        ("openai", Trouble.INVALID_KEY, 401, "invalid_api_key"),
        ("openai", Trouble.READ_ONLY, 401, "Missing scopes: model.request"),
        ("openai", Trouble.WALLET_EMPTY, 429, "insufficient_quota"),
        ("openai", Trouble.VERIFICATION_REQUIRED, 400, "must be verified to use the model `gpt-5-nano`"),
        ("openai", Trouble.RATE_LIMITED, 429, "rate_limit_exceeded"),
        ("openai", Trouble.REGION_BLOCKED, 403, "unsupported_country_region_territory"),
        ("openai", Trouble.OVERLOADED, 503, "server_is_overloaded"),
        ("openai", Trouble.SERVER_ERROR, 500, "The server had an error"),
        ("anthropic", Trouble.ACCOUNT_SUSPENDED, 400, "This organization has been disabled."),
        ("anthropic", Trouble.READ_ONLY, 403, "permission_error"),
        ("anthropic", Trouble.WALLET_EMPTY, 400, "Your credit balance is too low"),
        ("anthropic", Trouble.RATE_LIMITED, 429, "rate_limit_error"),
        ("anthropic", Trouble.REGION_BLOCKED, 403, "Request not allowed"),
        ("anthropic", Trouble.OVERLOADED, 529, "overloaded_error"),
        ("anthropic", Trouble.SERVER_ERROR, 500, "api_error"),
        ("gemini", Trouble.ACCOUNT_SUSPENDED, 403, "CONSUMER_SUSPENDED"),
        ("gemini", Trouble.INVALID_KEY, 400, "API key not valid"),
        ("gemini", Trouble.READ_ONLY, 403, "The caller does not have permission"),
        ("gemini", Trouble.WALLET_EMPTY, 429, "Your prepayment credits are depleted"),
        ("gemini", Trouble.LIMITS_ZERO, 429, '"quota_limit_value": "0"'),
        ("gemini", Trouble.RATE_LIMITED, 429, '"retryDelay": "20s"'),
        ("gemini", Trouble.REGION_BLOCKED, 400, "User location is not supported"),
        ("gemini", Trouble.OVERLOADED, 503, "The model is overloaded"),
        ("cohere", Trouble.WALLET_EMPTY, 402, "payment method"),
        ("cohere", Trouble.RATE_LIMITED, 429, "limited to 40 API calls / minute"),
        ("groq", Trouble.ACCOUNT_SUSPENDED, 400, "organization_restricted"),
        ("groq", Trouble.READ_ONLY, 403, "is blocked at the organization level"),
        ("groq", Trouble.WALLET_EMPTY, 400, "blocked_api_access"),
        ("groq", Trouble.OVERLOADED, 503, "is currently over capacity"),
        ("openai-compatible", Trouble.ACCOUNT_SUSPENDED, 403, "用户已被封禁 (request id: "),
        ("openai-compatible", Trouble.WALLET_EMPTY, 403, "insufficient_user_quota"),
        ("openai-compatible", Trouble.OVERLOADED, 503, "上游负载已饱和"),
    ],
)
def test_a_trouble_is_told_in_the_providers_status_and_words(provider, trouble, status, words, stream):
    answer = told(provider, "chat", trouble, stream=stream)
    assert answer[0] == status
    assert words in answer[2]


@pytest.mark.parametrize("provider", PARTS)
def test_each_provider_has_words_for_each_refusal(provider):
    change_good_answers = {Trouble.LIMITS_CUT, Trouble.MODEL_GONE}
    troubles = (OF_ACCOUNTS - change_good_answers) | {Trouble.REGION_BLOCKED, Trouble.OVERLOADED, Trouble.SERVER_ERROR}
    assert troubles | {"missing_key", "missing_field", "malformed", "unknown_model"} <= set(load_refusals()[provider])


def test_each_refusal_names_where_its_words_were_seen():
    text = Path(simulator_package.__file__).with_name("refusals.toml").read_text(encoding="utf-8")
    sources = [row.get("source", "") for rows in tomllib.loads(text).values() for row in rows.values()]
    assert [source for source in sources if not re.match(r"https://|unverified: \S", source)] == []


@pytest.mark.parametrize("trouble", sorted(SPARES_LISTS))
def test_a_trouble_of_paid_calls_spares_the_list(trouble):
    assert [told(provider, "list", trouble)[0] for provider in PARTS] == [200] * len(PARTS)


@pytest.mark.parametrize("provider", PARTS)
def test_a_suspended_account_cannot_even_list(provider):
    trouble = Trouble.ACCOUNT_SUSPENDED
    assert told(provider, "list", trouble)[0] == told(provider, "chat", trouble)[0] >= 400


@pytest.mark.parametrize("provider", PARTS)
def test_an_echoed_key_is_whole(provider):
    status, _, text = told(provider, "list", Trouble.ECHO_KEY)
    assert status >= 400
    assert KEYS[provider] in text


@pytest.mark.parametrize(
    ("provider", "trouble", "name", "value"),
    [
        ("openai", Trouble.LIMITS_CUT, "x-ratelimit-limit-requests", "50"),
        ("groq", Trouble.LIMITS_CUT, "x-ratelimit-limit-tokens", "600"),
        ("anthropic", Trouble.LIMITS_CUT, "anthropic-ratelimit-requests-limit", "400"),
        ("cohere", Trouble.LIMITS_CUT, "x-trial-endpoint-call-limit", "4"),
        ("openai", Trouble.LIMITS_ZERO, "x-ratelimit-limit-requests", "0"),
        ("anthropic", Trouble.LIMITS_ZERO, "anthropic-ratelimit-requests-limit", "0"),
        ("openai", Trouble.RATE_LIMITED, "x-ratelimit-limit-requests", "500"),
        ("openai", Trouble.RATE_LIMITED, "x-ratelimit-remaining-requests", "0"),
        ("openai", Trouble.RATE_LIMITED, "x-ratelimit-reset-requests", "20s"),
        ("openai", Trouble.RATE_LIMITED, "retry-after", "20"),
        ("anthropic", Trouble.RATE_LIMITED, "anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic", Trouble.RATE_LIMITED, "retry-after", "20"),
    ],
)
def test_limits_that_fall_or_are_used_up_show_in_the_headers(provider, trouble, name, value):
    status, headers, _ = told(provider, "chat", trouble)
    assert (status, headers[name]) == (200 if trouble is Trouble.LIMITS_CUT else 429, value)


def test_a_model_that_is_gone_is_neither_listed_nor_answers_and_the_others_stay():
    async def scene(simulator, client):
        simulator.set(KEYS["openai"], Trouble.MODEL_GONE, model="gpt-5-nano")
        lost = await status(ask(simulator, client, "openai", model="gpt-5-nano"))
        kept = await status(ask(simulator, client, "openai", model="gpt-4o-mini"))
        return lost, kept, await read(ask(simulator, client, "openai", "list"))

    lost, kept, models = play(scene)
    assert (lost, kept) == (404, 200)
    assert "gpt-5-nano" not in models[2]
    assert "gpt-4o-mini" in models[2]


@pytest.mark.parametrize("provider", PARTS)
def test_without_a_name_all_models_are_gone(provider):
    status, _, text = told(provider, "list", Trouble.MODEL_GONE)
    assert status == 200
    assert PARTS[provider].models[0] not in text
    assert told(provider, "chat", Trouble.MODEL_GONE)[0] in (404, 503)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (Trouble.REGION_BLOCKED, 403),
        (Trouble.EDGE_BLOCK, 403),
        (Trouble.SERVER_ERROR, 500),
        (Trouble.WALLET_EMPTY, 401),
    ],
)
def test_a_trouble_of_the_road_also_strikes_who_shows_no_key(trouble, status):
    assert told("openai", "chat", trouble, key=None)[0] == status


# Troubles of the wire


def test_an_edge_block_is_a_page_for_people():
    status, headers, page = told("groq", "chat", Trouble.EDGE_BLOCK, stream=True)
    assert (status, headers["Content-Type"], headers["server"]) == (403, "text/html; charset=UTF-8", "cloudflare")
    assert "Attention Required! | Cloudflare" in page


def test_a_slow_provider_lets_wait_for_its_headers_its_first_word_and_between_words():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.SLOW, latency_s=0.1, ttft_s=0.15, gap_s=0.02)
        times, began = [], time.perf_counter()
        async with ask(simulator, client, "openai", stream=True) as response:
            times.append(time.perf_counter() - began)
            async for line in response.content:
                if b'"content":"Hello"' in line or line == b"data: [DONE]\n":
                    times.append(time.perf_counter() - began)
        return times

    headers_s, first_word_s, end_s = play(scene)
    assert 0.1 <= headers_s < first_word_s
    assert first_word_s >= 0.1 + 0.15
    assert end_s >= 0.1 + 0.15 + 0.02 * 5


def test_a_hanging_provider_never_answers_and_others_do():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.HANG)
        hung = await listen(ask(simulator, client, "openai", timeout=ClientTimeout(total=0.1)))
        return hung, await status(ask(simulator, client, "groq"))

    assert play(scene) == (("", TimeoutError), 200)


def test_closing_is_quick_while_clients_wait():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.HANG)
        simulator.set("groq", Trouble.ENDLESS_STREAM)
        requests = [ask(simulator, client, provider) for provider in ("openai", "groq") * 10]
        waiting = [asyncio.create_task(listen(request)) for request in requests]
        done, _ = await asyncio.wait(waiting, timeout=0.1)
        began = time.perf_counter()
        await simulator.__aexit__()
        took_s = time.perf_counter() - began
        await asyncio.gather(*waiting, return_exceptions=True)
        return len(done), took_s

    done, took_s = play(scene)
    assert done == 0
    assert took_s < 1


def test_nothing_is_left_behind_of_clients_that_gave_up_waiting():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.HANG)
        before = len(asyncio.all_tasks())
        for _ in range(5):
            await listen(ask(simulator, client, "openai", timeout=ClientTimeout(total=0.02)))
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks()) - before

    assert play(scene) <= 0


@pytest.mark.parametrize(("provider", "call"), PAID)
def test_half_a_stream_breaks_off_after_the_first_words(provider, call):
    async def scene(simulator, client):
        simulator.set(KEYS[provider], Trouble.HALF_STREAM)
        return await listen(ask(simulator, client, provider, call, stream=True))

    heard, error = play(scene)
    text = "".join(WORDS[tongue(provider, call)](events(heard)))
    assert error is ClientPayloadError
    assert text.startswith("Hello")
    assert not text.endswith(".")


def test_half_an_answer_that_is_no_stream_breaks_off_too():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.HALF_STREAM)
        return await listen(ask(simulator, client, "openai", "list"))

    heard, error = play(scene)
    assert error is ClientPayloadError
    assert heard.startswith('{"object":"list"')


def test_an_endless_stream_keeps_alive_and_says_nothing():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.ENDLESS_STREAM, gap_s=0.005)
        return await listen(ask(simulator, client, "openai", stream=True, timeout=ClientTimeout(total=0.2)))

    heard, error = play(scene)
    assert error is TimeoutError
    assert heard.count(": keep-alive\n\n") >= 5
    assert "data:" not in heard


def test_a_huge_body_is_made_while_it_is_read():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.HUGE_BODY)
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        read_bytes = 0
        async with ask(simulator, client, "openai", "list") as response:
            async for chunk in response.content.iter_any():
                read_bytes += len(chunk)
                if read_bytes > 100_000_000:
                    break
        return read_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib

    read_bytes, grown_kib = play(scene)
    assert read_bytes > 100_000_000
    assert grown_kib < 20_000


def test_a_gzip_bomb_unpacks_to_a_thousand_times_its_size():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.GZIP_BOMB)
        async with ClientSession(auto_decompress=False) as raw, ask(simulator, raw, "openai", "list") as response:
            return response.headers["Content-Encoding"], await response.content.readexactly(130_000)

    encoding, packed = play(scene)
    assert encoding == "gzip"
    assert unpacked_size(packed) > 100_000_000


def unpacked_size(packed):
    press, size = zlib.decompressobj(wbits=31), 0
    while packed:
        size += len(press.decompress(packed, 1_000_000))
        packed = press.unconsumed_tail
    return size


def test_a_redirect_points_where_it_is_told_and_who_follows_is_seen():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.REDIRECT)
        stayed = await read(ask(simulator, client, "openai", "list", allow_redirects=False))
        await read(ask(simulator, client, "openai", "list"))
        simulator.set("openai", Trouble.REDIRECT, location=simulator.base("cohere") + "/v1/models")
        await read(ask(simulator, client, "openai", "list"))
        return stayed, [request.path for request in simulator.requests]

    (status, headers, _), paths = play(scene)
    assert (status, headers["Location"]) == (302, "/_elsewhere")
    asked = "/openai/v1/models"
    assert paths == [asked, asked, "/_elsewhere", asked, "/cohere/v1/models"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_not_json_is_a_page_with_status_200(stream):
    status, headers, page = told("openai", "chat", Trouble.NOT_JSON, stream=stream)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_answer_is_empty(stream):
    status, _, text = told("openai", "chat", Trouble.EMPTY, stream=stream)
    assert (status, text) == (200, "")


@pytest.mark.parametrize(("stream", "parse"), [(False, json.loads), (True, events)])
def test_a_truncated_answer_ends_in_the_middle_as_if_that_were_all(stream, parse):
    status, _, text = told("openai", "chat", Trouble.TRUNCATED, stream=stream)
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        parse(text)


def test_a_wrong_charset_is_not_known_and_its_bytes_are_not_utf_8():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.WRONG_CHARSET)
        async with ask(simulator, client, "openai", "list") as response:
            return response.charset, await response.read()

    charset, body = play(scene)
    assert charset == "utf-9"
    assert "gpt-5-nano" in body.decode("utf-16")
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")


@pytest.mark.parametrize(("provider", "call"), PAID)
def test_an_error_in_200_comes_in_the_body_or_after_the_first_word(provider, call):
    whole = told(provider, call, Trouble.ERROR_IN_200)
    stream = told(provider, call, Trouble.ERROR_IN_200, stream=True)
    assert whole[0] == stream[0] == 200
    assert set(json.loads(whole[2])) == set(events(stream[2])[-1])
    assert "Hello" in stream[2]
    assert "Hello" not in whole[2]


def test_gemini_sends_the_error_of_a_stream_as_json_that_calls_itself_a_stream():
    status, headers, text = told("gemini", stream=True, model="nope")
    assert (status, headers["Content-Type"]) == (404, "text/event-stream")
    assert json.loads(text)["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("trouble", sorted(set(Trouble) - {Trouble.HANG}))
def test_the_server_outlives_every_trouble_on_every_call(trouble):
    async def scene(simulator, client):
        requests = [{"provider": provider, "call": "list"} for provider in PARTS]
        requests += [
            {"provider": who, "call": call, "stream": stream} for who, call in PAID for stream in (False, True)
        ]
        for provider in PARTS:
            simulator.set(provider, trouble, latency_s=0.01, gap_s=0.01)
        async with ClientSession(auto_decompress=False) as raw:
            for request in requests:
                async with ask(simulator, raw, **request, allow_redirects=False) as response:
                    response.close()
        for provider in PARTS:
            simulator.set(provider, None)
        return {await status(ask(simulator, client, **request)) for request in requests}

    assert play(scene) == {200}


# Steering


def test_a_trouble_comes_and_goes_while_the_server_runs():
    async def scene(simulator, client):
        statuses = []
        for trouble in (None, Trouble.ACCOUNT_SUSPENDED, Trouble.WALLET_EMPTY, None):
            simulator.set(KEYS["openai"], trouble)
            statuses.append(await status(ask(simulator, client, "openai")))
        return statuses

    assert play(scene) == [200, 401, 429, 200]


def test_a_trouble_of_one_account_leaves_its_sibling_alone_and_one_of_the_provider_strikes_both():
    accounts = [SimulatedAccount("openai", "sk-one"), SimulatedAccount("openai", "sk-two")]

    async def scene(simulator, client):
        async def both():
            return [await status(ask(simulator, client, "openai", key=account.key)) for account in accounts]

        simulator.set("sk-one", Trouble.WALLET_EMPTY)
        one = await both()
        simulator.set("openai", Trouble.OVERLOADED)
        return one, await both()

    assert play(scene, accounts) == ([429, 200], [429, 503])


def test_a_trouble_can_be_kept_to_a_share_of_the_requests():
    async def scene(simulator, client):
        simulator.set("openai", Trouble.SERVER_ERROR, share=0.3)
        return [await status(ask(simulator, client, "openai", "list")) for _ in range(100)]

    statuses = play(scene, random=Random(1))
    assert 15 < statuses.count(500) < 45
    assert statuses.count(200) + statuses.count(500) == 100


@pytest.mark.parametrize(
    ("settings", "statuses"),
    [
        ({}, [200, 503, 503, 503]),
        ({"calls": ["list", "responses"]}, [503, 200, 200, 503]),
        ({"model": "gpt-4o-mini"}, [200, 200, 503, 503]),
        ({"model": "gpt-4o-mini", "calls": ["chat"]}, [200, 200, 503, 200]),
    ],
)
def test_a_trouble_can_be_kept_to_some_calls_or_one_model(settings, statuses):
    async def scene(simulator, client):
        simulator.set("openai", Trouble.OVERLOADED, **settings)
        requests = [
            ask(simulator, client, "openai", "list"),
            ask(simulator, client, "openai", "chat", model="gpt-5-nano"),
            ask(simulator, client, "openai", "chat", model="gpt-4o-mini"),
            ask(simulator, client, "openai", "responses", model="gpt-4o-mini"),
        ]
        return [await status(request) for request in requests]

    assert play(scene) == statuses


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"share": 0}, "share = 0: must be above 0, and 1 at most"),
        ({"gap_s": -1}, "a wait must not be negative"),
        ({"calls": ["embed"]}, "calls: no such call: embed; there are list, chat, responses"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        SimulatedTrouble(Trouble.SLOW, **settings)


def test_an_account_of_an_unknown_provider_is_refused():
    with pytest.raises(ValueError, match="no such provider: acme; there are openai, anthropic"):
        Simulator([SimulatedAccount("acme", "sk-1")])


def test_another_process_steers_by_the_control_endpoint():
    async def scene(simulator, client):
        told = []
        for order in (
            {"account": KEYS["openai"], "trouble": "wallet_empty"},
            {"account": KEYS["openai"], "trouble": None},
            {"provider": "openai", "trouble": "server_error", "calls": ["chat"]},
        ):
            answer, _, text = await read(client.post(simulator.root + "/_simulator", json=order))
            told.append((answer, text, await status(ask(simulator, client, "openai"))))
        return told

    assert play(scene) == [(204, "", 429), (204, "", 200), (204, "", 500)]


@pytest.mark.parametrize(
    "order",
    [
        {},
        [],
        {"trouble": "hang"},
        {"account": KEYS["openai"]},
        {"account": KEYS["openai"], "provider": "openai", "trouble": "hang"},
        {"account": KEYS["openai"], "trouble": "plague"},
        {"account": KEYS["openai"] + "x", "trouble": "hang"},
        {"account": KEYS["openai"], "trouble": "slow", "speed": 1},
        {"account": KEYS["openai"], "trouble": "slow", "latency_s": "long"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_no_key_is_told(order):
    async def scene(simulator, client):
        answer = await read(client.post(simulator.root + "/_simulator", json=order))
        return *answer, await status(ask(simulator, client, "openai"))

    refused, _, text, after = play(scene)
    assert (refused, after) == (400, 200)
    assert "account_suspended" in json.loads(text)["troubles"]
    assert "sim-key" not in text


def test_a_web_page_cannot_steer_since_it_may_not_send_json_unasked():
    async def scene(simulator, client):
        order = json.dumps({"provider": "openai", "trouble": "server_error"})
        plain = {"Content-Type": "text/plain"}
        refused = await status(client.post(simulator.root + "/_simulator", data=order, headers=plain))
        return refused, await status(ask(simulator, client, "openai"))

    assert play(scene) == (415, 200)


def test_the_server_is_bound_to_this_machine_alone():
    async def scene(simulator, client):
        return [simulator.base(provider) for provider in PARTS]

    assert all(base.startswith("http://127.0.0.1:") for base in play(scene))


# What arrived


def test_every_request_is_kept_with_its_headers_and_counted_by_key():
    async def scene(simulator, client):
        await read(ask(simulator, client, "anthropic", "list", params={"limit": "1"}))
        await read(ask(simulator, client, "anthropic"))
        await read(ask(simulator, client, "openai", key="sk-stranger"))
        await read(client.get(simulator.root + "/favicon.ico"))
        return simulator

    simulator = play(scene)
    first, second = simulator.received(KEYS["anthropic"])
    assert simulator.counts == {KEYS["anthropic"]: 2, "sk-stranger": 1, None: 1}
    assert (first.provider, first.method, first.path) == ("anthropic", "GET", "/anthropic/v1/models?limit=1")
    assert "aiohttp" in first.headers["User-Agent"]
    assert json.loads(second.body)["max_tokens"] == 16
    assert simulator.requests[-1].provider is None
    assert KEYS["anthropic"] not in repr(first)


def test_only_the_last_thousand_requests_are_kept():
    async def scene(simulator, client):
        for number in range(1010):
            await read(client.get(f"{simulator.root}/{number}"))
        return simulator

    simulator = play(scene)
    assert (len(simulator.requests), simulator.counts.total()) == (1000, 1010)
    assert simulator.requests[0].path == "/10"


# The command


def test_the_command_prints_addresses_and_keys_and_plays():
    async def try_it(address, key):
        async with ClientSession() as client:
            return await status(client.get(address + "/models", headers={"Authorization": f"Bearer {key}"}))

    command = [sys.executable, "-m", "probes.simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            provider, address, _, key = process.stdout.readline().split()
            answer = asyncio.run(try_it(address, key))
        finally:
            process.terminate()
    assert (provider, answer) == ("openai", 200)


def test_the_block_that_the_program_prints_watches_an_account_as_it_stands(tmp_path):
    simulator = Simulator(demo_accounts(), port=8080)
    (tmp_path / "monitor.toml").write_text(account_block(simulator))
    (account,) = load_config(tmp_path / "monitor.toml", os.environ).accounts.values()

    assert account.problem is None
    assert account.base == simulator.base("openai")
    assert account.key in {one.key for one in demo_accounts() if one.provider == "openai"}
