"""What answers mean: shapes, layers, statuses, and the words that decide."""

import html
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes import EMPTY, GOOD
from probes.answer.classify import classify_answer
from probes.answer.error_body import read_complaint, words_of
from probes.catalog import load_provider, load_wording
from probes.model import Blame, Confidence, Fault
from probes.provider import Canary, Dialect, Provider, Rule
from tests.rows import each_row

SOURCE = "https://docs.example.com"
WORDING = load_wording().rules
IDS = ["openai", "anthropic", "gemini", "cohere", "groq", "openai-compatible"]
GATEWAYS = ["openrouter", "new-api", "litellm", "azure-openai"]
PROVIDERS = {id: load_provider(id) for id in IDS + GATEWAYS}


def provider(*rules):
    return Provider(
        id="example",
        name="Example",
        source=SOURCE,
        checked=date(2026, 11, 21),
        canaries={"list": Canary(dialect=Dialect.LIST, path="/models", source=SOURCE)},
        rules=list(rules),
    )


def rule(id, fault=Fault.TIMEOUT, **facts):
    return Rule(id=id, fault=fault, source=SOURCE, **facts)


def verdict(body, status=400, id="openai-compatible", headers=None):
    return classify_answer(PROVIDERS[id], WORDING, status, headers or {}, body)


def fault(body, status=400, id="openai-compatible", headers=None):
    return verdict(body, status, id, headers).fault


def said(message, **marks):
    return json.dumps({"error": {"message": message, **marks}}, ensure_ascii=False)


def test_a_challenge_named_in_a_header_makes_a_page_of_the_answer():
    assert fault("<p>One moment</p>", 403, headers={"CF-Mitigated": "challenge"}) is Fault.BLOCKED_BY_EDGE


def test_attempts_that_failed_before_are_not_the_cause():
    body = said(
        "Insufficient credits", code=402, metadata={"previous_errors": [{"code": 500, "message": "Overloaded"}]}
    )

    assert fault(body, 402) is Fault.QUOTA_EXHAUSTED


def test_the_providers_own_rules_come_first_then_the_wording_then_the_status():
    own = provider(rule("own", code=["teapot"]))
    shared = [rule("shared", Fault.SLOW, message=["stout"])]

    verdicts = [
        classify_answer(own, shared, 418, {}, body)
        for body in ('{"code": "teapot", "message": "stout"}', '{"message": "stout"}', '{"message": "tall"}')
    ]

    assert [(one.rule, one.fault, one.confidence) for one in verdicts] == [
        ("example/own", Fault.TIMEOUT, Confidence.HIGH),
        ("wording/shared", Fault.SLOW, Confidence.MEDIUM),
        ("status/418", Fault.UNCLASSIFIED, Confidence.LOW),
    ]


def test_a_loose_rule_is_asked_after_the_shared_ones_and_before_loose_shared_ones():
    own = provider(rule("class", type=["kind"], loose=True))
    shared = [
        rule("shared-class", Fault.OVERLOADED, type=["kind", "sort"], loose=True),
        rule("shared", Fault.SLOW, message=["stout"]),
    ]

    told = [
        classify_answer(own, shared, 418, {}, body).rule
        for body in (
            '{"type": "kind", "message": "stout"}',
            '{"type": "kind", "message": "tall"}',
            '{"type": "sort", "message": "tall"}',
        )
    ]

    assert told == ["wording/shared", "example/class", "wording/shared-class"]


def test_the_innermost_layer_is_heard_before_the_outer_one_by_all_rules():
    own = provider(rule("outer", code=["outer"]))
    body = '{"code": "outer", "error": {"message": "inner"}}'

    assert classify_answer(own, [rule("inner", Fault.SLOW, message=["inner"])], 400, {}, body).rule == "wording/inner"


@each_row(
    ("facts", "fits"),
    [
        ({"code": ["TEAPOT"]}, True),
        ({"code": ["kettle"]}, False),
        ({"code": ["kettle", "teapot"]}, True),
        ({"type": ["kind"]}, True),
        ({"type": ["teapot"]}, False),
        ({"reason": ["why"]}, True),
        ({"tag": ["teapot"]}, True),
        ({"tag": ["kind"]}, True),
        ({"tag": ["why"]}, True),
        ({"tag": ["kettle"]}, False),
        ({"message": ["^short", "never"]}, True),
        ({"message": ["never"]}, False),
        ({"status": [400, 418]}, True),
        ({"status": [400]}, False),
        ({"code": ["teapot"], "message": ["never"]}, False),
        ({"code": ["teapot"], "page": True}, False),
    ],
    ids=str,
)
def test_a_rule_fits_when_all_that_it_names_fits(facts, fits):
    body = '{"code": "teapot", "type": "kind", "reason": "why", "message": "Short and stout."}'

    assert (classify_answer(provider(rule("one", **facts)), [], 418, {}, body).rule == "example/one") is fits


def test_a_rule_that_names_only_a_status_is_no_surer_than_the_status():
    assert classify_answer(provider(rule("late", status=[498])), [], 498, {}, "").confidence is Confidence.LOW


def test_a_rule_can_say_that_a_refusal_is_fine():
    fine = Rule(id="fine", ok=True, code=["cap"], source=SOURCE)

    assert classify_answer(provider(fine), [], 400, {}, '{"code": "cap"}').fault is None


@each_row(
    ("status", "expected"),
    [
        (400, Fault.BAD_REQUEST),
        (401, Fault.INVALID_KEY),
        (402, Fault.QUOTA_EXHAUSTED),
        (403, Fault.PERMISSION_DENIED),
        (404, Fault.BAD_REQUEST),
        (405, Fault.BAD_REQUEST),
        (408, Fault.TIMEOUT),
        (413, Fault.BAD_REQUEST),
        (422, Fault.BAD_REQUEST),
        (429, Fault.RATE_LIMITED),
        (500, Fault.SERVER_ERROR),
        (503, Fault.OVERLOADED),
        (524, Fault.SERVER_ERROR),
        (529, Fault.OVERLOADED),
        (302, Fault.INVALID_RESPONSE),
        (418, Fault.UNCLASSIFIED),
        (None, Fault.UNCLASSIFIED),
    ],
)
@each_row("body", ["", "xyzzy", '{"error": {"message": "xyzzy"}}'])
def test_without_words_the_status_says_little_and_says_so(status, expected, body):
    told = classify_answer(provider(), WORDING, status, {}, body)

    assert (told.fault, told.rule, told.confidence) == (expected, f"status/{status or 'none'}", Confidence.LOW)


@pytest.mark.parametrize(
    "body", ["", said("Access denied"), said("Blocked by the upstream provider"), "<html>Denied</html>"]
)
def test_451_speaks_of_the_law_whatever_stands_beside_it(body):
    assert fault(body, 451) is Fault.REGION_BLOCKED


def test_a_status_told_in_the_body_counts_where_http_gives_none():
    assert fault('{"error": {"code": 503, "message": "xyzzy"}}', None) is Fault.OVERLOADED
    assert fault("401 status code (no body)", None) is Fault.INVALID_KEY
    assert fault('{"error": {"code": 502, "message": "xyzzy"}}', 200) is Fault.SERVER_ERROR
    assert fault('{"error": {"code": 503, "message": "xyzzy"}}', 403) is Fault.PERMISSION_DENIED


# Status lies


QUOTA_WORDS = "You exceeded your current quota, please check your plan and billing details."


@each_row(
    ("id", "status", "body", "expected"),
    [
        ("openai", 401, said("x", code="account_deactivated"), Fault.ACCOUNT_SUSPENDED),
        ("openai", 401, said("You have insufficient permissions for this operation."), Fault.PERMISSION_DENIED),
        ("openai", 429, said(QUOTA_WORDS, type="insufficient_quota"), Fault.QUOTA_EXHAUSTED),
        ("gemini", 429, said(QUOTA_WORDS, status="RESOURCE_EXHAUSTED"), Fault.RATE_LIMITED),
        ("gemini", 400, said("API key expired. Please renew the API key."), Fault.INVALID_KEY),
        ("anthropic", 400, said("This organization has been disabled."), Fault.ACCOUNT_SUSPENDED),
        ("anthropic", 400, said("Your credit balance is too low to access the API."), Fault.QUOTA_EXHAUSTED),
        ("groq", 400, said("x", code="organization_restricted"), Fault.ACCOUNT_SUSPENDED),
        (
            "openai-compatible",
            412,
            '{"error": "Account x is suspended, failure to pay invoices"}',
            Fault.QUOTA_EXHAUSTED,
        ),
        ("openai-compatible", 500, said("Insufficient account balance"), Fault.QUOTA_EXHAUSTED),
        ("openai-compatible", 429, said("The engine is currently overloaded"), Fault.OVERLOADED),
        ("openai-compatible", 500, said("pull model manifest: file does not exist"), Fault.MODEL_UNAVAILABLE),
        ("openai-compatible", 403, said("You've reached your concurrent request limit."), Fault.RATE_LIMITED),
        ("openai-compatible", 503, said("当前分组下对于模型 gpt-0 无可用渠道"), Fault.MODEL_UNAVAILABLE),
        ("openai-compatible", 403, said("Upstream authentication failed"), Fault.SERVER_ERROR),
    ],
)
def test_words_decide_before_the_status(id, status, body, expected):
    assert fault(body, status, id) is expected


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        (
            Fault.ACCOUNT_SUSPENDED,
            [
                "Your account has been deactivated.",
                "This organization has been permanently disabled",
                "Your access was terminated due to violation of our policies",
                "User is banned",
                "Team is blocked",
                "Your account has been flagged and is under review",
                "Your resource has been temporarily blocked because we detected unusual behavior",
                "该用户已被禁用",
                "账号已被封禁，请联系管理员",
                "您的账户已被冻结",
            ],
        ),
        (
            Fault.QUOTA_EXHAUSTED,
            [
                "Insufficient USD balance to complete request",
                "You've used up your points! Get more.",
                "You have no credits left",
                "Your spending limit was reached",
                "Your subscription has expired",
                "Your account is suspended due to insufficient balance, please recharge",
                "Too many tokens per day, please wait",
                "Daily usage limit exceeded",
                "余额不足",
                "用户额度不足",
                "该令牌额度已用尽",
                "预扣费额度失败",
                "账户已欠费，请充值",
                "今日调用次数已达上限",
                "您的套餐已到期",
            ],
        ),
        (
            Fault.INVALID_KEY,
            [
                "Invalid API Key",
                "please check the api-key you provided",
                "The security token included in the request is expired",
                "Bearer token has expired",
                "API keys are not supported by this API",
                "Missing Authentication header",
                "No auth credentials found",
                "This API key has been revoked",
                "无效的令牌",
                "该令牌已过期",
                "未提供令牌",
                "API Key 错误",
                "鉴权失败",
            ],
        ),
        (
            Fault.PERMISSION_DENIED,
            [
                "The caller does not have permission",
                "Missing scopes: model.request",
                "You are not authorized to perform this operation",
                "Model x is not allowed for this token",
                "This feature is not available on your plan",
                "The model is blocked at the organization level",
                "Access denied due to Virtual Network/Firewall rules.",
                "您无权访问该接口",
                "您的 IP 不在令牌允许访问的列表中",
                "该令牌无权访问模型 gpt-0",
            ],
        ),
        (
            Fault.RATE_LIMITED,
            [
                "Too many requests",
                "Rate limit reached on tokens per min (TPM): Limit 6000. Add a payment method to raise it.",
                "Requests throttled",
                "Number of concurrent connections has exceeded your limit",
                "请求过于频繁",
                "超过并发限制",
                "达到速率限制，每分钟 60 次",
            ],
        ),
        (
            Fault.OVERLOADED,
            [
                "The model is overloaded. Please try again later.",
                "Service is too busy",
                "This model is currently experiencing high demand",
                "No available accounts",
                "Service tier capacity exceeded for this model.",
                "当前分组上游负载已饱和，请稍后再试",
                "系统繁忙",
            ],
        ),
        (
            Fault.SERVER_ERROR,
            [
                "Internal Server Error",
                "upstream connect error or disconnect/reset before headers",
                "read: connection reset by peer",
                "服务器内部错误",
                "上游服务异常",
                "网络错误",
            ],
        ),
        (
            Fault.MODEL_UNAVAILABLE,
            [
                "The model `x` does not exist or you do not have access to it.",
                "Model x has been decommissioned",
                "x is not a valid model ID",
                "No endpoints found for x/y:free.",
                "model 'x' not found, try pulling it first",
                "模型不存在，请检查模型代码",
                "无可用渠道",
            ],
        ),
        (
            Fault.REGION_BLOCKED,
            [
                "Country, region, or territory not supported",
                "User location is not supported for the API use.",
                "This service is not available in your country",
                "该地区不支持",
            ],
        ),
        (
            Fault.VERIFICATION_REQUIRED,
            [
                "Your organization must be verified to use the model",
                "Please verify your email address",
                "Phone verification required",
                "请先完成实名认证",
            ],
        ),
        (
            Fault.CONTENT_FILTERED,
            [
                "The response was filtered due to content management policy",
                "Your input was flagged",
                "内容包含敏感信息",
            ],
        ),
        (
            Fault.BAD_REQUEST,
            [
                "This model's maximum context length is 4096 tokens",
                "prompt is too long: 3333404 tokens > 200000 maximum",
                "`tool calling` is not supported with this model",
                "Audio input is not enabled for this model",
                "messages.0.foo: Extra inputs are not permitted",
                "`max_tokens` must be greater than `thinking.budget_tokens`.",
                "An assistant message with 'tool_calls' must be followed by tool messages",
                "无效的请求",
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, Fault) else "",
)
def test_siblings_of_a_sentence_mean_the_same_to_a_gateway(expected, sentences):
    told = {sentence: fault(said(sentence + " (request id: 20261121)")) for sentence in sentences}

    assert told == dict.fromkeys(sentences, expected)


@each_row("status", [200, 400, 401, 403, 429, 500, 503, None])
@each_row("id", IDS)
@each_row(
    ("sentence", "blame"),
    [
        ("Your organization has been suspended.", Blame.ACCOUNT),
        ("Your credit balance is too low.", Blame.ACCOUNT),
        ("The model is overloaded. Please try again later.", Blame.PROVIDER),
    ],
)
def test_no_status_moves_the_blame_between_account_and_provider(status, id, sentence, blame):
    assert verdict(said(sentence), status, id).blame is blame


# Pages


# A gateway repeats what its own provider told it. Without a key of ours there, its account is not ours.
KEY_THERE = said("Incorrect API key provided: sk-pr***9kA.", type="invalid_request_error", code="invalid_api_key")
MONEY_THERE = said("Insufficient Balance", type="unknown_error", code="invalid_request_error")
BANNED_THERE = said("Permission denied: Consumer 'projects/1' has been suspended.", status="PERMISSION_DENIED")
LIMITED_THERE = said("This request would exceed your rate limit of 50,000 input tokens per minute.")
MISSING_THERE = said("The model `x` does not exist or you do not have access to it.", code="model_not_found")
TOO_LONG_THERE = said("prompt is too long: 200001 tokens > 200000 maximum", type="invalid_request_error")


def relayed(raw, **metadata):
    return said("Provider returned error", metadata={"provider_name": "Someone", "raw": raw, **metadata})


@each_row(
    ("raw", "of_the_gateway", "of_ours"),
    [
        (KEY_THERE, Fault.SERVER_ERROR, Fault.INVALID_KEY),
        (MONEY_THERE, Fault.SERVER_ERROR, Fault.QUOTA_EXHAUSTED),
        (BANNED_THERE, Fault.SERVER_ERROR, Fault.ACCOUNT_SUSPENDED),
        ("Account someone is suspended due to unpaid invoices", Fault.SERVER_ERROR, Fault.QUOTA_EXHAUSTED),
        ("Your organization must be verified", Fault.SERVER_ERROR, Fault.VERIFICATION_REQUIRED),
        (LIMITED_THERE, Fault.RATE_LIMITED, Fault.RATE_LIMITED),
        (MISSING_THERE, Fault.MODEL_UNAVAILABLE, Fault.MODEL_UNAVAILABLE),
        (TOO_LONG_THERE, Fault.BAD_REQUEST, Fault.BAD_REQUEST),
        ("Overloaded", Fault.OVERLOADED, Fault.OVERLOADED),
    ],
)
@each_row("status", [200, 400, 403])
def test_a_relayed_refusal_is_of_the_gateways_account_unless_the_key_there_is_ours(
    raw, of_the_gateway, of_ours, status
):
    assert fault(relayed(raw), status, "openrouter") is of_the_gateway
    assert fault(relayed(raw, is_byok=False), status, "openrouter") is of_the_gateway
    assert fault(relayed(raw, is_byok=True), status, "openrouter") is of_ours


def test_a_relayed_refusal_names_the_rule_that_understood_it_and_is_less_sure():
    told = verdict(relayed(KEY_THERE), 401, "openrouter")

    assert (told.rule, told.confidence) == ("relayed/wording/key-tag", Confidence.MEDIUM)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (said("No auth credentials found", code=401), Fault.INVALID_KEY),
        (said("User not found.", code=401, metadata={"provider_name": None, "raw": None}), Fault.INVALID_KEY),
        (said("Insufficient credits", code=402, metadata={"provider_name": None}), Fault.QUOTA_EXHAUSTED),
        (
            said("Your input was flagged", code=403, metadata={"provider_name": "OpenAI", "reasons": ["violence"]}),
            Fault.CONTENT_FILTERED,
        ),
    ],
)
def test_what_a_gateway_says_of_our_own_account_stays_ours(body, expected):
    assert fault(body, 403, "openrouter") is expected


@pytest.mark.parametrize("id", ["new-api", "openai-compatible"])
def test_new_api_names_its_provider_s_trouble_by_the_kind_of_the_error(id):
    told = {"code": "invalid_api_key"}

    assert fault(said("Incorrect API key provided: sk-pr***9kA.", type="upstream_error", **told), 401, id) is (
        Fault.SERVER_ERROR
    )
    assert fault(said("无效的令牌", type="new_api_error"), 401, id) is Fault.INVALID_KEY


@each_row("id", ["litellm", "openai-compatible", "new-api"])
@each_row(
    "message",
    [
        f"litellm.AuthenticationError: OpenAIException - {KEY_THERE}",
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key provided: sk-pr***9kA.",
        "AnthropicException - Your credit balance is too low. Received Model Group=smart",
        "litellm.BadRequestError: Nvidia_nimException - Your account has been suspended",
        "Upstream error from Groq: Organization has been restricted.",
    ],
)
def test_what_litellm_passes_on_of_a_provider_is_said_of_the_gateway_s_account(message, id):
    assert fault(said(message, code="401"), 401, id) is Fault.SERVER_ERROR


@pytest.mark.parametrize(
    ("id", "message", "expected"),
    [
        ("openai", "litellm.AuthenticationError: OpenAIException - Incorrect API key provided: x", Fault.INVALID_KEY),
        ("anthropic", "AnthropicException - Your credit balance is too low", Fault.QUOTA_EXHAUSTED),
        ("litellm", "Authentication Error, Invalid proxy server token passed. key=x", Fault.INVALID_KEY),
        (
            "litellm",
            "ExceededTokenBudget: Current spend for token: 7.2; Max Budget for Token: 2",
            Fault.QUOTA_EXHAUSTED,
        ),
        ("litellm", "litellm.RateLimitError: CerebrasException - Tokens per minute limit exceeded", Fault.RATE_LIMITED),
        ("openai-compatible", "[请求deepseek失败]: Authorization Failed (invalid token)", Fault.INVALID_KEY),
    ],
)
def test_what_the_asked_one_says_of_our_own_account_is_no_relay_in_any_frame(id, message, expected):
    assert fault(said(message), 400, id) is expected


def test_what_a_gateway_passes_on_as_a_status_alone_is_not_said_of_ours():
    body = said("litellm.AuthenticationError: OpenAIException - xyzzy", code="401")

    assert fault(body, 401, "litellm") is Fault.SERVER_ERROR
    assert fault(body, 401, "openai") is Fault.INVALID_KEY


CEREBRAS = "litellm.BadRequestError: CerebrasException - xyzzy is spent"


@pytest.mark.parametrize(("id", "expected"), [("anthropic", Fault.QUOTA_EXHAUSTED), ("litellm", Fault.SERVER_ERROR)])
def test_whoever_a_frame_names_is_heard_by_its_own_rules(id, expected):
    asked = []

    def rules_of(name):
        asked.append(name)
        return [rule("own", Fault.QUOTA_EXHAUSTED, message=["xyzzy is spent"])]

    told = classify_answer(PROVIDERS[id], WORDING, 400, {}, said(CEREBRAS), rules_of=rules_of)

    assert (told.fault, told.rule.removeprefix("relayed/")) == (expected, "cerebras/own")
    assert set(asked) == {"cerebras"}


def test_nobody_s_rules_are_asked_for_where_nobody_is_named():
    def rules_of(name):
        raise AssertionError(name)

    classify_answer(PROVIDERS["litellm"], WORDING, 400, {}, said("xyzzy"), rules_of=rules_of)
    classify_answer(
        PROVIDERS["openai"], WORDING, 200, {}, '{"object": "list", "data": [{"id": "m"}]}', rules_of=rules_of
    )


def test_a_frame_means_something_only_when_nothing_inside_does():
    cut = rule("cut", Fault.INVALID_RESPONSE, message=["^stream disconnected"])
    inside = [rule("money", Fault.QUOTA_EXHAUSTED, message=["out of money"])]
    frame = "stream disconnected before completion: "

    told = [
        classify_answer(provider(cut), inside, 418, {}, frame + rest).fault for rest in ("out of money", "xyzzy", "")
    ]

    assert told == [Fault.QUOTA_EXHAUSTED, Fault.INVALID_RESPONSE, Fault.INVALID_RESPONSE]


def test_a_status_that_a_frame_tells_fits_a_rule_as_well_as_that_of_http():
    own = provider(rule("own", Fault.SLOW, status=[402], message=["xyzzy"]))

    assert classify_answer(own, [], 500, {}, "Error code: 402 - xyzzy").rule == "example/own"
    assert classify_answer(own, [], 500, {}, "Error code: 403 - xyzzy").rule == "status/500"


@pytest.mark.parametrize(
    ("body", "asked", "expected"),
    [
        (said("Invalid URL (GET /v1/dashboard/billing/subscription)"), "", Fault.BAD_REQUEST),
        ("Not found: gone.example.com/out-of-credits", "https://gone.example.com/out-of-credits", Fault.BAD_REQUEST),
        ("Not found: gone.example.com/out of credits", "", Fault.QUOTA_EXHAUSTED),
        (said("Bad request: {'messages': [{'content': 'my account was banned'}]}"), "", Fault.BAD_REQUEST),
        (said("Add credits at https://platform.openai.com/account/billing"), "", Fault.QUOTA_EXHAUSTED),
    ],
)
def test_our_own_words_coming_back_prove_nothing(body, asked, expected):
    assert classify_answer(PROVIDERS["openai-compatible"], WORDING, 404, {}, body, asked=asked).fault is expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("您已达到请求数限制：1分钟内最多请求60次", Fault.RATE_LIMITED),
        ("您已达到总请求数限制：1分钟内最多请求100次，包括失败次数，请检查您的请求是否正确", Fault.RATE_LIMITED),
        ("您已达到并发请求数限制：最多同时处理1个请求", Fault.RATE_LIMITED),
        ("您已达到请求数限制：1分钟内最多请求0次", Fault.LIMIT_COLLAPSE),
    ],
)
def test_new_api_limits_requests_in_so_many_minutes(message, expected):
    assert fault(said(message, type="new_api_error"), 429, "new-api") is expected


@pytest.mark.parametrize(
    ("active", "status", "expected"),
    [
        ("True", 429, Fault.LIMIT_COLLAPSE),
        ("true", 429, Fault.LIMIT_COLLAPSE),
        ("False", 429, Fault.RATE_LIMITED),
        ("", 429, Fault.RATE_LIMITED),
        ("True", 401, Fault.INVALID_KEY),
    ],
)
def test_a_penalty_told_by_azures_header_is_more_than_a_rate(active, status, expected):
    said_so = {429: "You have exceeded the call rate limit.", 401: "Access denied due to invalid subscription key."}
    headers = {"X-RateLimit-AbusePenalty-Active": active}

    assert fault(said(said_so[status]), status, "azure-openai", headers) is expected


def page(title, text=""):
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>"


@each_row(
    ("status", "body", "expected"),
    [
        (403, page("Attention Required! | Cloudflare"), Fault.BLOCKED_BY_EDGE),
        (403, page("Just a moment..."), Fault.BLOCKED_BY_EDGE),
        (503, page("Just a moment..."), Fault.BLOCKED_BY_EDGE),
        (200, page("Just a moment..."), Fault.BLOCKED_BY_EDGE),
        (403, page("", "Sorry, you have been blocked"), Fault.BLOCKED_BY_EDGE),
        (403, "<html>Access denied. error code: 1010</html>", Fault.BLOCKED_BY_EDGE),
        (403, "error code: 1020", Fault.BLOCKED_BY_EDGE),
        (429, page("Sorry...", "your computer or network may be sending automated queries"), Fault.BLOCKED_BY_EDGE),
        (403, page("403 Forbidden", "nginx"), Fault.BLOCKED_BY_EDGE),
        (429, "error code: 1015", Fault.RATE_LIMITED),
        (403, "error code: 1009", Fault.REGION_BLOCKED),
        (502, page("502 Bad Gateway", "nginx"), Fault.SERVER_ERROR),
        (503, page("503 Service Temporarily Unavailable", "openresty"), Fault.SERVER_ERROR),
        (504, page("504 Gateway Time-out"), Fault.SERVER_ERROR),
        (521, "error code: 521", Fault.SERVER_ERROR),
        (530, page("Error 1033", "Cloudflare Tunnel error"), Fault.SERVER_ERROR),
        (401, page("401 Authorization Required", "openresty"), Fault.INVALID_KEY),
        (404, page("The page you were looking for doesn't exist"), Fault.BAD_REQUEST),
        (500, page("Our billing page", "Add credits, you are out of quota"), Fault.SERVER_ERROR),
    ],
)
def test_a_page_is_not_the_api_speaking(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, page("Error", "Your organization has been suspended."), Fault.ACCOUNT_SUSPENDED),
        (500, page("500", f"Error: 429 {QUOTA_WORDS}"), Fault.QUOTA_EXHAUSTED),
        (403, page("403 Forbidden", html.escape(said("x", code="insufficient_quota"))), Fault.QUOTA_EXHAUSTED),
        (403, page("", "Incorrect API key provided."), Fault.INVALID_KEY),
        (403, page("Our prices", "Add credits, you are out of quota"), Fault.BLOCKED_BY_EDGE),
        (403, page("Access Denied", "You don't have permission to access this on this server."), Fault.BLOCKED_BY_EDGE),
        (403, page("403 Forbidden", "You don't have permission to access this resource."), Fault.BLOCKED_BY_EDGE),
        (403, page("Just a moment...", "Your organization has been suspended."), Fault.BLOCKED_BY_EDGE),
    ],
)
def test_on_a_page_of_an_error_the_api_may_speak(status, body, expected):
    assert fault(body, status) is expected


# Answers with 2xx


@pytest.mark.parametrize("status", [200, 201, None])
def test_an_answer_that_holds_what_was_asked_for_is_fine_whoever_asked(status):
    for answers in GOOD.values():
        assert {verdict(body, status).rule for body in answers.values()} == {"ok/2xx"}


def test_a_whole_answer_and_a_stream_are_judged_by_one_rule():
    """What a probe hears as a stream and what somebody pastes mean the same."""
    for body in (EMPTY["only [DONE]"], EMPTY["a role and a stop"], EMPTY["a cut stream"]):
        assert verdict(body, 200).fault is Fault.INVALID_RESPONSE


@each_row(
    ("body", "expected"),
    [
        (said("Rate limit reached"), Fault.RATE_LIMITED),
        ('{"code": 1305, "message": "The service may be temporarily overloaded"}', Fault.OVERLOADED),
        ('{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}', Fault.QUOTA_EXHAUSTED),
        ('{"success": false, "errors": [], "message": "Invalid API key"}', Fault.INVALID_KEY),
        ('{"id": "c", "choices": [{"error": {"message": "Overloaded"}, "finish_reason": "error"}]}', Fault.OVERLOADED),
        ('[{"choices": []}, {"error": {"message": "Invalid API key"}}]', Fault.INVALID_KEY),
        (said("xyzzy"), Fault.UNCLASSIFIED),
        ("Rate limit exceeded", Fault.RATE_LIMITED),
        (
            'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'
            'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n',
            Fault.OVERLOADED,
        ),
        (
            'data: {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "x"}}}\n\n',
            Fault.SERVER_ERROR,
        ),
        ('data: {"choices": [{"delta": {}, "finish_reason": "error"}]}\n\n', Fault.SERVER_ERROR),
        ("event: error\ndata: Invalid API key\n\n", Fault.INVALID_KEY),
        ('{"candidates": [{"content": {}, "finishReason": "SAFETY"}]}', Fault.CONTENT_FILTERED),
        ('{"promptFeedback": {"blockReason": "OTHER"}}', Fault.CONTENT_FILTERED),
        ('{"choices": [{"finish_reason": "content_filter", "message": {"content": null}}]}', Fault.CONTENT_FILTERED),
        ('data: {"candidates": [{"finishReason": "SAFETY"}]}\n\n', Fault.CONTENT_FILTERED),
        ("", Fault.INVALID_RESPONSE),
        ("  \n ", Fault.INVALID_RESPONSE),
        ("null", Fault.INVALID_RESPONSE),
        ("{}", Fault.INVALID_RESPONSE),
        ("hello", Fault.INVALID_RESPONSE),
        ('{"id": "c", "choi', Fault.INVALID_RESPONSE),
        (page("Welcome to our network", "Please accept the terms"), Fault.INVALID_RESPONSE),
        (": keep-alive\n\n: keep-alive\n\n", Fault.INVALID_RESPONSE),
    ],
)
def test_a_2xx_that_is_no_answer_is_judged_by_what_it_says(body, expected):
    assert fault(body, 200) is expected


# Hostile answers

TEXTS = st.one_of(
    st.text(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["error", "errors", "message", "code", "type", "details", "metadata", "choices", "raw"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(json.dumps),
)


@given(TEXTS, st.sampled_from([None, 200, 400, 429, 503]), st.sampled_from(IDS))
def test_no_answer_makes_the_judge_fail(body, status, id):
    told = verdict(body, status, id)

    assert told.fault is None or told.rule
    assert isinstance(words_of(read_complaint(status, {}, body)), str)


@pytest.mark.parametrize(
    "body",
    [
        "{" * 60_000,
        "[" * 60_000,
        '{"error":' * 6_000,
        "{'" * 30_000,
        "<" * 60_000,
        "<html>" + "<script " * 7_000,
        "event: error\n" * 4_000,
        '{"message": "' + "\\" * 60_000,
        said("limit quota budget credits " * 2_000),
    ],
    ids=lambda body: body[:12],
)
@pytest.mark.parametrize("status", [200, 403])
def test_a_hostile_answer_is_judged_all_the_same(status, body):
    told = verdict(body, status)

    assert told.fault is not None
    assert len(words_of(read_complaint(status, {}, body))) <= 2_000
