"""The limits that a refusal tells of in its body; nothing hostile gets through."""

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from probes.answer.limits_in_body import read_refused_limits
from probes.answer.limits_in_headers import merge_limits, read_limits
from probes.model import Limit
from tests.rows import each_row
from tests.test_limits_in_headers import assert_sound

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY_S = 86_400
SAMPLES = Path(__file__).parent / "samples"


def google(*details, message="You exceeded your current quota, please check your plan and billing details."):
    return json.dumps(
        {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [*details]}}
    )


def violations(*quotas):
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [*quotas]}


def retry(delay):
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def info(**metadata):
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "metadata": metadata}


MINUTE = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "10"}
DAY = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": 20}
TOKENS = {
    "quotaMetric": "generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count",
    "quotaId": "GenerateContentPaidTierInputTokensPerModelPerMinute",
    "quotaDimensions": {"model": "gemini-2.5-flash", "location": "global"},
    "quotaValue": "1000000",
}


@each_row(
    ("body", "expected"),
    [
        (google(violations(MINUTE), retry("38.2s")), [Limit("requests", 60, 10, 0, 38.2)]),
        (google(violations(DAY), retry("65205s")), [Limit("requests", DAY_S, 20, 0, 65_205)]),
        (
            google(violations(MINUTE, TOKENS), retry("7s")),
            [Limit("requests", 60, 10, 0, 7), Limit("input-tokens", 60, 1_000_000, 0, 7)],
        ),
        (google(violations({**MINUTE, "quotaValue": None})), [Limit("requests", 60, None, 0)]),
        (
            google(violations({"quotaMetric": "g.com/generate_content_output_token_count", "quotaId": "PerDay"})),
            [Limit("output-tokens", DAY_S, None, 0)],
        ),
        (
            google(
                info(quota_limit="GenerateContentRequestsPerMinutePerProjectPerRegion", quota_limit_value="0"),
            ),
            [Limit("requests", 60, 0, 0)],
        ),
        (
            google(
                info(
                    quota_limit="GenerateContentRequests",
                    quota_limit_value="60",
                    quota_unit="1/min/{project}/{region}",
                )
            ),
            [Limit("requests", 60, 60, 0)],
        ),
        (google(info(quota_metric="g.com/generate_content_requests", quota_unit="1/d/{project}"))[:-3], None),
        (google(violations({"quotaId": "defaultPerDayPerProject", "quotaValue": "5"})), None),
        (google(violations({"quotaValue": "5"}, "text", 7)), None),
        (google(retry("5s")), None),
    ],
)
def test_googles_quotas_name_their_unit_and_window(body, expected):
    assert read_refused_limits(body, {}, NOW) == (expected and tuple(expected))


def test_of_two_quotas_of_one_unit_and_window_the_tighter_is_told():
    project, model = {**DAY, "quotaValue": "1500"}, DAY

    assert read_refused_limits(google(violations(project, model)), {}, NOW) == (Limit("requests", DAY_S, 20, 0),)


@each_row(
    ("sentence", "expected"),
    [
        (
            "Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, "
            "Requested 1. Please try again in 20s.",
            Limit("requests", 60, 3, 0, 20),
        ),
        (
            "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, "
            "Requested 2000. Please try again in 2s.",
            Limit("tokens", 60, 30_000, 1000, 2),
        ),
        (
            "Rate limit reached for default-text-davinci-003 on requests per min. Limit: 3 / min.",
            Limit("requests", 60, 3, 0),
        ),
        (
            "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce it.",
            Limit("tokens", 60, 6000, None),
        ),
        (
            "Rate limit reached for model `x` service tier `on_demand` on tokens per day (TPD): Limit 100000, "
            "Used 99900, Requested 500. Please try again in 5m45.6s.",
            Limit("tokens", DAY_S, 100_000, 100, 345.6),
        ),
        (
            "Rate limit reached for model `x` on requests per day (RPD): Limit 0, Used 0, Requested 1.",
            Limit("requests", DAY_S, 0, 0),
        ),
        (
            "Rate limit reached for model `whisper` on seconds of audio per hour (ASPH): Limit 7200, Used 7300, "
            "Requested 30. Please try again in 1m55s.",
            Limit("seconds-of-audio", 3600, 7200, 0, 115),
        ),
        ("You are using a Trial key, which is limited to 40 API calls / minute.", Limit("requests", 60, 40, 0)),
        (
            "You are using a Trial key, which is limited to 1000 API calls / month.",
            Limit("requests", 30 * DAY_S, 1000, 0),
        ),
        (
            "This request would exceed your organization's rate limit of 4,000 requests per minute.",
            Limit("requests", 60, 4000, None),
        ),
        (
            "This request would exceed your rate limit of 50,000 input tokens per minute.",
            Limit("input-tokens", 60, 5e4, None),
        ),
        ("Number of request tokens has exceeded your per-minute rate limit", Limit("tokens", 60, None, 0)),
        ("Too many tokens per day, please wait before trying again.", Limit("tokens", DAY_S, None, 0)),
        ("您已达到请求数限制：1分钟内最多请求60次", Limit("requests", 60, 60, 0)),
    ],
)
@each_row("shape", ['{{"message": {}}}', '{{"error": {}}}', '{{"detail": [{{"msg": {}}}]}}', "plain"])
def test_a_sentence_tells_its_limit_however_it_is_wrapped(sentence, expected, shape):
    body = sentence if shape == "plain" else shape.format(json.dumps(sentence))

    assert read_refused_limits(body, {}, NOW) == (expected,)


def test_a_relayed_answer_is_read_inside_the_one_around_it():
    inner = google(violations(MINUTE), retry("48s"))
    body = json.dumps({"error": {"message": f"litellm.RateLimitError: GeminiException - {inner}", "code": "429"}})

    assert read_refused_limits(body, {}, NOW) == (Limit("requests", 60, 10, 0, 48),)


def test_openrouter_repeats_its_headers_inside():
    headers = {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795262460000"}
    message = "Rate limit exceeded. High demand for x on OpenRouter - limited to 1 requests per minute."
    body = json.dumps({"error": {"message": message, "code": 429, "metadata": {"headers": headers}}})

    assert read_refused_limits(body, {}, NOW) == (Limit("requests", 60, 1, 0, 60),)
    assert merge_limits([*read_limits(headers, {}, NOW), *read_refused_limits(body, {}, NOW)]) == (
        Limit("requests", 60, 1, 0, 60),
    )


@each_row(
    "body",
    [
        "",
        "Too many requests",
        "Rate limit exceeded",
        "Please retry in 5s.",
        "on tokens per min (TPM): Limit many",
        "on tokens per min (TPM): Limit " + "9" * 30,
        "limited to -5 requests per minute",
        "The context is limited to 128000 tokens.",
        '{"violations": {"quotaId": "GenerateRequestsPerMinute"}}',
        '{"metadata": {"headers": ["X-RateLimit-Limit"]}}',
        '{"metadata": {"headers": {"X-RateLimit-Limit": true, "X-RateLimit-Remaining": {}}}}',
        '{"violations": [{"quotaId": 7, "quotaMetric": null, "quotaValue": []}]}',
        "[" * 100_000,
        '{"a":' * 5000,
    ],
)
def test_a_body_that_tells_of_no_limit_tells_nothing(body):
    assert read_refused_limits(body, {}, NOW) is None


def test_a_flood_of_quotas_is_cut():
    names = [f"on {unit} per {span}: Limit {number}, Used 0. " for number, unit, span in FLOOD]

    assert len(read_refused_limits("".join(names), {}, NOW)) == 32


FLOOD = [
    (1, unit, span)
    for unit in ("tokens", "requests", "images", "input tokens", "output tokens", "input requests", "output requests")
    for span in ("second", "minute", "hour", "day", "week", "month")
]


SENTENCES = st.builds(
    "{} {} per {}{} Limit {}, Used {}".format,
    st.sampled_from(["on", "limited to 5", "rate limit of 5", "too many", "number of"]),
    st.sampled_from(["tokens", "requests", "API calls", "seconds of audio", ""]),
    st.sampled_from(["min", "second", "days", "", "model"]),
    st.sampled_from([":", ".", " (TPM):"]),
    st.integers(min_value=-5) | st.floats(),
    st.integers(min_value=-5) | st.floats(),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | SENTENCES
KEYS = st.sampled_from(
    [
        *("violations", "metadata", "headers", "quotaId", "quotaValue", "quotaMetric", "quota_limit", "quota_unit"),
        *("quota_limit_value", "X-RateLimit-Limit", "X-RateLimit-Reset", "retryDelay", "error", "details", "message"),
    ]
)
QUOTAS = st.sampled_from(["GenerateRequestsPerMinute", "InputTokensPerDay", "1/min/{project}", "9s", "1795262460000"])
VALUES = st.recursive(
    LEAVES | QUOTAS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=30
)


@given(st.one_of(VALUES.map(json.dumps), VALUES.map(repr), VALUES.map(lambda it: json.dumps({"raw": json.dumps(it)}))))
def test_no_body_makes_the_reader_fail_or_tell_nonsense(body):
    assert_sound(read_refused_limits(body, {"tokens": 60}, NOW) or ())


@given(st.text())
def test_no_text_makes_the_reader_fail(text):
    assert_sound(read_refused_limits(text, {}, NOW) or ())


@each_row("path", sorted(SAMPLES.glob("*/*rate*.http")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recorded_refusal_is_read_soundly(path):
    body = path.read_text(encoding="utf-8").partition("\n\n")[2]

    assert_sound(read_refused_limits(body, {}, NOW) or ())
