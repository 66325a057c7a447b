"""What programs and gateways put around a provider's words comes off, and tells whose words they are."""

import time

import pytest
from msgspec.structs import replace

from probes.answer.gateway_frame import provider_by_name, remove_frames
from probes.answer.known_name import FILE
from probes.catalog import load_provider, provider_ids
from probes.document import DocumentError
from probes.naming import encoded, known_names
from tests.rows import each_row

SAID = "You exceeded your current quota, please check your plan and billing details."
KNOWN = [load_provider(id) for id in provider_ids()]


@each_row(
    "frame",
    [
        "{}",
        "✖ stream error: stream disconnected before completion: {}",
        "Error: {}",
        "错误：{}",
        "Fehler: {}",
        "Erreur : {}",
        "[请求deepseek失败]: {}",
        "调用模型接口返回错误: {}",
        "2026-11-21 03:26:11,120 ERROR {}",
        "429 {}",
        "Error code: 429 - {}",
        "API Error: 429 {}",
        "HTTP 429 Too Many Requests: {}",
        "unexpected status 429 Too Many Requests: {}, url: https://x.example/v1/responses",
        "unexpected status 403 Forbidden: local proxy failed. model: m; upstream_status: HTTP 403; cause: {}",
        "retries exhausted: {}",
        "giving up after 3 attempts: last error: {}",
        "AI_RetryError: Failed after 3 attempts. Last error: {}",
        "API returned unexpected status code: 429: {}",
        "Error al llamar a la API (429): {}",
        "Erro ao chamar o modelo: {}",
        "APIの呼び出しに失敗しました: {}",
        "API 호출 오류: {}",
        "openai.RateLimitError: {}",
        "litellm.RateLimitError: RateLimitError: CerebrasException - {}. Received Model Group=m",
        "Upstream error from Groq: {}",
        "rpc error: code = ResourceExhausted desc = {}",
        "An error occurred (ThrottlingException) when calling the Converse operation (reached max retries: 4): {}",
        "googleapi: Error 429: {}",
        "error, status code: 429, status: 429 Too Many Requests, message: {}",
        'failed to run agent: call model: POST "https://x.example/v1/chat": 429 Too Many Requests: {}',
        "[GoogleGenerativeAI Error]: Error fetching from https://x.example/v1/models: [429 Too Many Requests] {}",
        "java.lang.RuntimeException: call failed; nested exception is com.example.HttpException: 429: {}",
        'level=error msg="upstream failed" err="{}" status=429',
        "insufficient_quota: {}",
        "{} (request id: 2026081909331327)",
    ],
)
def test_frames_come_off(frame):
    assert remove_frames(frame.format(SAID)).inside.rstrip(".") == SAID.rstrip(".")


@pytest.mark.parametrize(
    "sentence",
    [
        "Rate limit reached for model `m` in organization org-1 on tokens per min (TPM): Limit 6000, Used 1.",
        "The model `m` does not exist or you do not have access to it.",
        "messages.0.foo: Extra inputs are not permitted",
        "model: claude-0",
        "Incorrect API key provided: sk-***. You can find your API key at https://platform.openai.com/account/api-keys.",
        "余额不足",
    ],
)
def test_what_has_no_frame_stays_whole(sentence):
    assert remove_frames(sentence).inside == sentence


@pytest.mark.parametrize(
    "text", ["Forbidden", "403 Forbidden", "HTTP 502 Bad Gateway", "NOT_FOUND", "401", "Error: 404"]
)
def test_a_status_alone_says_nothing_of_its_own(text):
    assert remove_frames(text).inside == ""


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("rpc error: code = ResourceExhausted desc = x", "resource_exhausted"),
        ("rpc error: code = Unavailable desc = x", "unavailable"),
        ("An error occurred (ThrottlingException) when calling the Converse operation: x", "throttlingexception"),
        ('400 x [reason: "API_KEY_INVALID" domain: "googleapis.com"]', "api_key_invalid"),
        ("googleapi: Error 403: x, rateLimitExceeded", "ratelimitexceeded"),
        ("429 x (2067)", "2067"),
        ("x (insufficient_quota)", "insufficient_quota"),
    ],
)
def test_a_frame_may_tell_the_provider_s_own_name_of_the_trouble(text, mark):
    assert mark in remove_frames(text).marks


def test_the_class_of_an_sdk_tells_a_status_and_no_more():
    frame = remove_frames("litellm.RateLimitError: GroqException - x")

    assert frame.statuses == (429,)
    assert "rate_limit_error" not in frame.marks


@each_row(
    ("text", "named", "relayed"),
    [
        ("litellm.RateLimitError: CerebrasException - x", "cerebras", True),
        ("litellm.BadRequestError: Nvidia_nimException - x", "another", True),
        ("AzureException - x", "azure-openai", True),
        ("Upstream error from Together AI: x", "together", True),
        ("failed. Provider: DeepSeek; model: m; cause: x", "deepseek", False),
        ("[请求deepseek失败]: x", "deepseek", False),
        ('Post "https://api.mistral.ai/v1/chat": x', "mistral", False),
        ("Kimi: x", "moonshot", False),
        ("litellm.AuthenticationError: Authentication Error, Invalid proxy server token passed", "", False),
        ("openai.RateLimitError: x", "", False),  # that SDK asks anybody
        ("The model does not exist", "", False),
    ],
)
def test_a_frame_names_whose_words_it_holds(text, named, relayed):
    frame = remove_frames(text)

    assert (frame.named, frame.relayed) == (named, relayed)


def test_the_shipped_names_are_those_of_the_providers_files():
    assert FILE.read_bytes() == encoded(known_names(KNOWN)), "say: make schema"


@each_row("provider", [one for one in KNOWN if one.base], ids=lambda provider: provider.id)
def test_each_provider_is_known_by_its_id_its_name_and_its_host(provider):
    host = provider.base.split("/")[2]

    assert {provider_by_name(provider.id), provider_by_name(provider.name)} == {provider.id}
    assert remove_frames(f'Post "https://{host}/v1/chat": x').named == provider.id


@each_row("provider", [one for one in KNOWN if one.also_called], ids=lambda provider: provider.id)
def test_each_provider_is_known_by_what_else_programs_call_it(provider):
    assert {provider_by_name(name) for name in provider.also_called} == {provider.id}


def made(id, **facts):
    return replace(load_provider("groq"), id=id, name=f"The {id}", base=f"https://{id}.example/v1", **facts)


def test_a_new_provider_is_known_by_its_file_alone():
    known = known_names([made("acme", also_called=["A.C.M.E. Cloud"], also_at=["eu.acme.example"])])

    assert known.names == dict.fromkeys(("acme", "theacme", "acmecloud"), "acme")
    assert known.hosts == dict.fromkeys(("acme.example", "eu.acme.example"), "acme")


def test_two_providers_of_one_name_or_host_are_refused_with_both():
    with pytest.raises(DocumentError) as told:
        known_names([made("one", also_at=["x.example"]), made("two", also_called=["One"], also_at=["x.example"])])

    assert str(told.value).splitlines() == [
        'two.toml: also_called = "one" already means one; an answer that names it can be about one only: leave it out '
        "of one file",
        'two.toml: also_at = "x.example" already means one; an answer that names it can be about one only: leave it '
        "out of one file",
    ]


@pytest.mark.parametrize("id", ["codex", "litellm", "new-api"])
def test_a_client_and_a_gateway_of_ones_own_are_no_speaker(id):
    assert provider_by_name(id) == ""


@pytest.mark.parametrize(
    "unit",
    [
        "error: ",
        "[",
        "(",
        "a.",
        "aB",
        "Aa",
        "cause: ",
        "failed to call ",
        "请求",
        "Exception - ",
        "-",
        "✖ ",
        "{ ",
        "401 ",
        "API ",
    ],
)
@pytest.mark.parametrize("end", ["", "x"])
def test_a_hostile_sentence_takes_a_time_that_grows_with_its_length(unit, end):
    short, long = (_seconds(unit * (length // len(unit)) + end) for length in (2_000, 4_000))

    assert long < 4 * short + 0.02


def _seconds(text):
    def once():
        begun = time.thread_time()
        remove_frames(text)
        return time.thread_time() - begun

    return min(once() for _ in range(3))
