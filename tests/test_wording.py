"""Who did it to whom: sentences of one kind, and their nearest neighbours that mean something else."""

import json
from time import process_time

import pytest

from probes.answer.classify import classify_answer
from probes.answer.command_output import classify_output
from probes.answer.error_body import read_complaint, words_of
from probes.catalog import load_provider, load_wording
from probes.model import Fault
from tests.rows import each_row

WORDING = load_wording().rules
PROVIDERS = {
    id: load_provider(id)
    for id in ("openai-compatible", "anthropic", "gemini", "vertex", "together", "codex", "claude-code")
}
NO_STATUS = 418
"""No status by itself says anything here, so that only words can decide."""


def fault(body, status=NO_STATUS, id="openai-compatible"):
    return classify_answer(PROVIDERS[id], WORDING, status, {}, body).fault


def said(message, **marks):
    return json.dumps({"error": {"message": message, **marks}}, ensure_ascii=False)


def told(sentences):
    return {sentence: fault(said(sentence)) for sentence in sentences}


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        (
            Fault.PERMISSION_DENIED,
            [
                "Your organization has disabled access to this model. Contact your administrator.",
                "Your company has turned off access to external models",
                "Your team has blocked the use of third-party models.",
                "The organization has disabled or restricted the use of personal access tokens",
                "Your administrator has not enabled this model for your organization.",
                "Your workspace owner has blocked this feature.",
                "Personal accounts are not permitted by your organization's policy.",
                "Your company's IT department has blocked agent mode.",
                "Web search has been switched off by your workspace administrator.",
                "Your enterprise policy prevents the use of this model.",
                "Agent mode is turned off by your organization",
                "Copilot Chat has been disabled by your organization's administrator.",
                "Your organization does not allow personal accounts here",
                "Your organization requires SSO login.",
                "Your organization only permits sign-in through its own page",
                "OAuth authentication is currently not allowed for this organization.",
                "您所在的组织已禁用个人密钥登录",
                "管理员未开通该模型的访问权限",
            ],
        ),
        (
            Fault.ACCOUNT_SUSPENDED,
            [
                "Your API key belongs to a disabled organization",
                "The API key is associated with a disabled account",
                "This credential is attached to a closed account",
                "Owner of this API key has been deactivated",
                "We have suspended your account",
                "The account that created this key is disabled.",
                "Your access has been permanently revoked for misuse.",
                "账号已被永久限制登录",
                "We've disabled your organization because of activity that violates our policies",
                "An administrator has deactivated your account",
                "Your organization has been disabled",
                "Due to this, we have suspended your access to Copilot.",
                "Access to the API has been suspended for your account due to abuse",
                "Your User ID is temporarily suspended. Please contact support to verify your identity.",
                "账号状态异常。如有疑问请联系客服",
                "您的账号存在异常，已被限制使用",
                "您所在的组织已被禁用",
            ],
        ),
        (
            Fault.INVALID_KEY,
            [
                "This API key has been disabled by its owner",
                "API key deactivated",
                "The token was deactivated by an administrator of your organization",
                "该令牌已被管理员禁用",
            ],
        ),
        (
            Fault.QUOTA_EXHAUSTED,
            [
                "Your account [1] has reached the set inference limit, and the model service has been paused.",
                "Requests on hold: prepaid credit exhausted",
                "API usage has been paused for non-payment",
                "Your project has been suspended because of a billing issue",
                "Your workspace is suspended: last invoice was not paid",
            ],
        ),
        (
            Fault.BLOCKED_BY_EDGE,
            [
                "Our systems have detected unusual activity from your system. Please try again later.",
                "Unusual activity has been detected from your device. Try again later.",
                "We have detected suspicious traffic from your network.",
                "检测到异常请求，请稍后再试",
            ],
        ),
        (
            Fault.PERMISSION_DENIED,
            [
                "This user's access to example-codex has been temporarily limited for potentially suspicious activity",
                "Your access to this model has been temporarily restricted due to potential biology risk.",
                "Your account was flagged for cyber activity. To regain access, apply for trusted access",
            ],
        ),
        (
            Fault.CONTENT_FILTERED,
            [
                "Our usage policy does not allow this content",
                "The content policy has blocked your prompt",
                "Your prompt contains abusive behavior and was flagged",
            ],
        ),
        (Fault.TIMEOUT, ["Request timed out"]),
        (Fault.MODEL_UNAVAILABLE, ["We have disabled the o1-preview model", "The model example has been disabled"]),
    ],
    ids=lambda value: value if isinstance(value, Fault) else "",
)
def test_it_matters_who_does_what_to_whom(expected, sentences):
    assert told(sentences) == dict.fromkeys(sentences, expected)


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        (
            Fault.QUOTA_EXHAUSTED,
            [
                "You've hit your team's shared budget",
                "Your team has used its shared budget for this month",
                "You've hit your weekly limit · resets Jul 31, 2am (UTC)",
                "5-hour limit reached ∙ resets 3am",
                "You hit your spend cap set by the owner of your workspace.",
                "Your workspace is out of credits until March 3",
                "You've hit your free requests limit.",
                "You have exceeded your premium request allowance.",
                "Monthly token allotment depleted for this subscription",
                "You've used 100% of your fast requests for this month.",
                "user quota: 13810, need quota: 15000",
                "This request requires 1200 credits, but you have 300",
                "您的5小时用量已达上限，将于 18:00 重置",
                "You're at your plan's limit for GPT-5.6 until Monday.",
                "账户可用余额 0.00 元，无法继续调用",
                "Five-hour window exhausted, opens again at 17:00.",
                "Credits for this period are gone.",
                "已达到本周期的用量上限",
            ],
        ),
        (
            Fault.RATE_LIMITED,
            [
                "This request would exceed your account's rate limit. Please try again later.",
                "You've reached your concurrent request limit.",
                "You hit our request limit of 3 per second",
                "Too many tokens in one minute for your tier",
                "超过每分钟请求次数上限",
                "您的并发数已超过上限",
            ],
        ),
        (
            Fault.INVALID_KEY,
            [
                "OAuth token revoked · Please run /login",
                "The access token was superseded by a newer session",
                "This token has been replaced by a newer one",
                "API key was rotated on 2026-03-01. Use the new key.",
                "Your session has ended because you signed in on another device.",
                "You've been logged out: another session is active",
                "Your refresh token was already used",
                "Session superseded: you logged in on another computer.",
                "This PAT has been revoked by an organization owner.",
                "Your login has lapsed, authenticate once more.",
                "您的账号已在其他设备登录",
            ],
        ),
        (
            Fault.VERIFICATION_REQUIRED,
            [
                "Two-factor authentication is required to use the API.",
                "You need to set up 2-step verification before using the API",
                "You must confirm that you are over 18 to use this service",
                "Add a phone number to your account to continue",
                "Your identity could not be verified. Upload a government ID.",
                "Your business has not been verified yet",
                "You must verify a phone number before your first request.",
                "Know-your-customer checks are outstanding.",
                "A second factor is needed for this account.",
                "请完成手机验证",
                "We noticed suspicious activity on your account. Please verify your phone number to continue.",
                "请先绑定手机号后再使用",
                "需要进行人脸识别验证后继续使用",
            ],
        ),
        (
            Fault.PERMISSION_DENIED,
            [
                "Your current plan does not include this. Upgrade to Pro.",
                "Claude Code is not included in your plan · upgrade to Pro or Max",
                "Free plans do not have access to the API",
                "您的方案不包含此模型",
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, Fault) else "",
)
def test_clients_of_subscriptions_speak_of_limits_logins_and_proofs(expected, sentences):
    assert told(sentences) == dict.fromkeys(sentences, expected)


@each_row(
    ("id", "line", "expected"),
    [
        (
            "claude-code",
            "Your organization has disabled API key authentication for Claude Code",
            Fault.PERMISSION_DENIED,
        ),
        ("claude-code", "Your ANTHROPIC_API_KEY belongs to a disabled organization", Fault.ACCOUNT_SUSPENDED),
        ("claude-code", "You've hit your team's shared budget · ask your admin to raise it", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "Usage credits are required for the 1M context", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "You've hit your channel's monthly spend limit · ask your admin", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "Your org is out of usage · contact your admin", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "Your account is on hold and can't use Claude Code.", Fault.ACCOUNT_SUSPENDED),
        ("claude-code", "Routines are disabled by your organization's policy", Fault.PERMISSION_DENIED),
        ("claude-code", "Cloud gateway session expired — run /login to reconnect.", Fault.INVALID_KEY),
        ("claude-code", "Could not load AWS credentials", Fault.INVALID_KEY),
        ("claude-code", "Connection lost mid-response", Fault.INVALID_RESPONSE),
        ("codex", "Codex is not enabled for your workspace.", Fault.PERMISSION_DENIED),
        (
            "codex",
            "Login is restricted to workspace(s) a, but current credentials belong to b.",
            Fault.PERMISSION_DENIED,
        ),
        ("codex", "ChatGPT login is required, but an API key is currently being used.", Fault.PERMISSION_DENIED),
        ("codex", "Encountered invalidated oauth token for user, failing request", Fault.INVALID_KEY),
        ("codex", "Your session was ended because you logged in elsewhere. Run codex login.", Fault.INVALID_KEY),
    ],
)
def test_a_client_says_it_in_a_line_of_its_own(id, line, expected):
    assert classify_output(PROVIDERS[id], WORDING, 1, line)[0].fault is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (said("You have been rate limited. Your rate limit is 60 queries per minute.", type="credit_limit"), "rate"),
        (said("The maximum rate limit for this model is 0.6 queries per minute.", type="credit_limit"), "rate"),
        (said("Credit limit exceeded", type="credit_limit"), "quota"),
        (said("xyzzy", type="credit_limit"), "quota"),
    ],
)
@pytest.mark.parametrize("id", ["together", "openai-compatible"])
def test_words_beat_a_loose_type(id, body, expected):
    faults = {"rate": Fault.RATE_LIMITED, "quota": Fault.QUOTA_EXHAUSTED}

    assert fault(body, 429, id) is faults[expected]


@each_row(
    ("sentence", "expected"),
    [
        ("Your project has been suspended.", Fault.ACCOUNT_SUSPENDED),
        ("余额不足", Fault.QUOTA_EXHAUSTED),
        ("Please verify your phone number first", Fault.VERIFICATION_REQUIRED),
        ("This service is not available in your country", Fault.REGION_BLOCKED),
    ],
)
@each_row(
    ("id", "kind"),
    [
        ("anthropic", "invalid_request_error"),
        ("anthropic", "permission_error"),
        ("anthropic", "authentication_error"),
        ("anthropic", "api_error"),
        ("gemini", "PERMISSION_DENIED"),
        ("gemini", "INVALID_ARGUMENT"),
        ("vertex", "UNAUTHENTICATED"),
        ("openai-compatible", "permission_error"),
    ],
)
def test_words_beat_a_class_that_stands_beside_anything(id, kind, sentence, expected):
    assert fault(said(sentence, type=kind), 400, id) is expected


@each_row(
    "sentence",
    [
        "User: arn:aws:iam::0:user/x is not authorized to perform: servicequotas:GetServiceQuota",
        "User: arn:aws:sts::0:assumed-role/rate-limiter/x is not authorized to perform: bedrock:InvokeModel",
        "Access denied with an explicit deny in a service control policy: quota-guard",
        "Permission 'cloudquotas.quotas.get' denied on resource 'projects/rate-limit'",
        "Principal is missing the billing.resourceAssociations.list permission",
        "Missing permission billing.quota.read on project",
        "The client does not have authorization to perform action 'accounts/usages/read' over scope '/billing'",
    ],
)
@each_row("status", [401, 403, 429])
def test_a_right_may_have_a_limit_in_its_name(sentence, status):
    assert fault(said(sentence), status) is Fault.PERMISSION_DENIED


@each_row(
    ("body", "expected"),
    [
        ('{"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "NOT_ENOUGH_BALANCE"}', Fault.QUOTA_EXHAUSTED),
        ('{"code": "InsufficientBalance", "message": "x"}', Fault.QUOTA_EXHAUSTED),
        ('{"errorType": "CreditsDepleted"}', Fault.QUOTA_EXHAUSTED),
        ('{"error": {"code": "ACCOUNT_HAS_BEEN_SUSPENDED"}}', Fault.ACCOUNT_SUSPENDED),
        ('{"errorCode": "accountDisabled", "message": "failed"}', Fault.ACCOUNT_SUSPENDED),
        ('{"code": "ApiKeyExpired", "message": "error"}', Fault.INVALID_KEY),
        ('{"code": "CountryNotSupported", "message": "error"}', Fault.REGION_BLOCKED),
        ('{"code": "ModelAccountRpmRateLimitExceeded"}', Fault.RATE_LIMITED),
        ('{"code": "PhoneVerificationRequired"}', Fault.VERIFICATION_REQUIRED),
        ('{"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "x"}}}', Fault.INVALID_KEY),
        ('{"Response": {"Error": {"Code": "FailedOperation.ServiceIsolate", "Message": "x"}}}', Fault.QUOTA_EXHAUSTED),
        ('{"code": "ORG_SUSPENDED", "message": "x"}', Fault.ACCOUNT_SUSPENDED),
        ("InsufficientBalance", Fault.QUOTA_EXHAUSTED),
    ],
)
def test_a_name_that_no_rule_knows_is_read_as_words(body, expected):
    assert fault(body, 400) is expected


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"errcode": 90210, "message": "余额不足"}', 403, Fault.QUOTA_EXHAUSTED),
        ('{"code": "E40312", "message": "xyzzy"}', 403, Fault.PERMISSION_DENIED),
        ('{"code": "40103", "message": "xyzzy"}', 401, Fault.INVALID_KEY),
        ('{"code": "InsufficientBalance", "message": "Too many requests"}', 403, Fault.RATE_LIMITED),
        ('{"error": {"type": "invalid_request_error", "message": "xyzzy"}}', 401, Fault.INVALID_KEY),
        ('{"error": {"type": "unknown_error", "message": "xyzzy"}}', 402, Fault.QUOTA_EXHAUSTED),
        ('{"error": {"type": "api_error", "message": "xyzzy"}}', 429, Fault.RATE_LIMITED),
    ],
)
def test_sentences_come_before_names_and_names_before_the_status(body, status, expected):
    assert fault(body, status) is expected


@each_row(
    ("sentence", "unanswered", "answered"),
    [
        ("Connection error.", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("TypeError: fetch failed", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("socket hang up", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("getaddrinfo EAI_AGAIN api.example.com", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("dial tcp: lookup api.example.com: no such host", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("read tcp 10.0.0.2:5->10.0.0.3:443: connection reset by peer", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("curl: (6) Could not resolve host: api.example.com", Fault.CONNECTION_FAILED, None),
        ("unable to verify the first certificate", Fault.CONNECTION_FAILED, None),
        ("net::ERR_NAME_NOT_RESOLVED", Fault.CONNECTION_FAILED, None),
        ("No route to host", Fault.CONNECTION_FAILED, None),
        ("hostname lookup failed", Fault.CONNECTION_FAILED, None),
        ("unexpected EOF", Fault.CONNECTION_FAILED, None),
        ("Did not receive a response within 60 seconds", Fault.TIMEOUT, None),
        ("The server took too long to respond", Fault.TIMEOUT, None),
        ("TLS handshake timeout", Fault.CONNECTION_FAILED, None),
        ("java.net.ConnectException: Connection timed out", Fault.CONNECTION_FAILED, Fault.SERVER_ERROR),
        ("网络连接失败", Fault.CONNECTION_FAILED, None),
        ("无法连接到服务器", Fault.CONNECTION_FAILED, None),
        ("網路連線失敗", Fault.CONNECTION_FAILED, None),
        ("Read timed out. (read timeout=600)", Fault.TIMEOUT, None),
        ("java.net.SocketTimeoutException: timeout", Fault.TIMEOUT, None),
        ("timeout of 30000ms exceeded", Fault.TIMEOUT, None),
        ("请求超时，请稍后重试", Fault.TIMEOUT, Fault.SERVER_ERROR),
        ("context deadline exceeded", Fault.TIMEOUT, Fault.TIMEOUT),
        ("Request timed out.", Fault.TIMEOUT, Fault.TIMEOUT),
        ("Gateway Time-out", Fault.SERVER_ERROR, Fault.SERVER_ERROR),
        ("upstream connect error. reset reason: connection failure", Fault.SERVER_ERROR, Fault.SERVER_ERROR),
    ],
)
def test_a_road_is_ours_only_where_nobody_answered(sentence, unanswered, answered):
    assert fault(sentence, None) is unanswered
    assert classify_output(PROVIDERS["codex"], WORDING, 1, f"noise\n{sentence}")[0].fault is unanswered
    assert fault(said(sentence)) is (answered or Fault.UNCLASSIFIED)


def test_a_status_in_the_frame_is_an_answer():
    assert fault("Error code: 502 - {'error': {'message': 'fetch failed'}}", None) is Fault.SERVER_ERROR


@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_must_be_proved_first_is_a_verification_at_any_status(status):
    sentences = [
        "Upload a government-issued ID",
        "A credit card must be verified",
        "Confirm your mobile number",
        "Real-name authentication is required",
        "Please authenticate your phone number to use the API",
        "Your identity is still being verified",
        "You must add a verified phone number before calling the API",
        "Phone number required: please link one in settings",
        "Identity verification failed",
        "Please finish verifying your email",
        "为了您的账号安全，请绑定邮箱",
        "您的手機號碼尚未驗證",
        "Your KYC has not been completed",
        "Multi-factor authentication is not enabled",
        "Submit a business license",
        "This account has no verified email",
        "Set up an authenticator app to continue",
        "Only verified users can access this endpoint",
        "Email confirmation required",
        "Please prove your identity to proceed",
        "Enterprise certification required",
        "phone_verification_required",
        "email_not_verified",
        "mfa_not_enabled",
        "real_name_required",
        "請先綁定手機",
        "請先完成企業認證",
        "請開啟雙因素驗證",
        "請驗證您的電子郵件信箱",
        "手机号未绑定",
        "请上传身份证照片",
    ]
    expected = dict.fromkeys(sentences, Fault.VERIFICATION_REQUIRED)

    assert {sentence: fault(said(sentence), status) for sentence in sentences} == expected
    assert {sentence: fault(sentence, status) for sentence in sentences} == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Please verify your API key", Fault.INVALID_KEY),
        ("身份验证失败", Fault.INVALID_KEY),
        ("Authentication is required", Fault.INVALID_KEY),
        ("Your organization requires SSO login.", Fault.PERMISSION_DENIED),
        ("Please complete the captcha verification", Fault.BLOCKED_BY_EDGE),
        ("Please verify your request body", Fault.UNCLASSIFIED),
        ("Please authenticate your account", Fault.UNCLASSIFIED),
        ("Something went wrong. Please provide the request ID to support", Fault.SERVER_ERROR),
        ("Your account is being reviewed", Fault.ACCOUNT_SUSPENDED),
    ],
)
def test_not_all_that_is_to_be_verified_is_a_person(sentence, expected):
    assert fault(said(sentence)) is expected


@each_row("status", [400, 401, 403, 429, 500])
@each_row(
    ("sentence", "expected"),
    [
        ("This key was found in a public GitHub repository and has been revoked", Fault.INVALID_KEY),
        ("Your API key was reported as leaked", Fault.INVALID_KEY),
        ("Your secret key was exposed publicly and has been disabled", Fault.INVALID_KEY),
        ("This key was automatically revoked after being pushed to a public repo", Fault.INVALID_KEY),
        ("We detected this API key on GitHub and disabled it", Fault.INVALID_KEY),
        ("LEAKED_KEY", Fault.INVALID_KEY),
        ("密钥已泄露，已被禁用", Fault.INVALID_KEY),
        ("该 API Key 因泄露已被系统封禁", Fault.INVALID_KEY),
        ("檢測到金鑰洩露，已自動停用", Fault.INVALID_KEY),
        ("Your account has been suspended because your API key was leaked", Fault.ACCOUNT_SUSPENDED),
        ("Your organization was disabled after a leaked key was abused", Fault.ACCOUNT_SUSPENDED),
    ],
)
def test_a_leak_costs_the_key_and_not_the_account_unless_it_says_so(sentence, expected, status):
    assert fault(said(sentence), status) is expected


@each_row(
    ("id", "output", "expected"),
    [
        ("claude-code", "Please run /login · API Error: 403 Insufficient account balance", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "Failed to authenticate. API Error: 403 余额不足", Fault.QUOTA_EXHAUSTED),
        ("claude-code", "Please run /login · API Error: 401 该账号已被封禁", Fault.ACCOUNT_SUSPENDED),
        ("claude-code", "API Error: 403 Please complete phone verification", Fault.VERIFICATION_REQUIRED),
        (
            "claude-code",
            'API Error: 429 {"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}',
            Fault.QUOTA_EXHAUSTED,
        ),
        ("claude-code", "API Error: 403 forbidden", Fault.PERMISSION_DENIED),
        ("claude-code", "Please run /login · API Error: 401", Fault.INVALID_KEY),
        ("claude-code", "API Error: 429", Fault.RATE_LIMITED),
        ("codex", "unexpected status 403 Forbidden: 余额不足, url: https://x.example/v1", Fault.QUOTA_EXHAUSTED),
        ("codex", "unexpected status 401 Unauthorized: Your account has been banned", Fault.ACCOUNT_SUSPENDED),
        ("codex", "exceeded retry limit, last status: 429 Too Many Requests: no credits", Fault.QUOTA_EXHAUSTED),
        ("codex", "unexpected status 403 Forbidden: , url: https://x.example/v1", Fault.PERMISSION_DENIED),
        (
            "codex",
            "unexpected status 404 Not Found: upstream_status: HTTP 404; cause: 上游错误 (404):",
            Fault.BAD_REQUEST,
        ),
    ],
)
def test_the_status_a_client_shows_never_beats_the_sentence_after_it(id, output, expected):
    assert classify_output(PROVIDERS[id], WORDING, 1, output)[0].fault is expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"This organization has '
            'been \n    disabled."},"request_id":"req_0"}',
            Fault.ACCOUNT_SUSPENDED,
        ),
        ("API Error: 403 Your account has been\n     suspended for violating our terms", Fault.ACCOUNT_SUSPENDED),
        (
            'API Error: 403 {\n  "error": {\n    "message": "Account suspended",\n    "type": "forbidden"\n  }\n}',
            Fault.ACCOUNT_SUSPENDED,
        ),
        ("API Error: 403 您的账户余额不\n     足，请充值", Fault.QUOTA_EXHAUSTED),
        (
            'unexpected status 403 Forbidden: {"error":{"message":"You do not have enough\n credits left"}}, url: '
            "\nhttps://x.example/v1/responses",
            Fault.QUOTA_EXHAUSTED,
        ),
        ("Your account has\nInvalid API key · Please run /login", Fault.INVALID_KEY),
        ("Retrying: your account was\nAPI Error: 403 forbidden", Fault.PERMISSION_DENIED),
    ],
)
def test_a_sentence_that_a_terminal_broke_is_one(output, expected):
    assert classify_output(PROVIDERS["claude-code"], WORDING, 1, output)[0].fault is expected


@pytest.mark.parametrize("sentence", ["您的账户已被\n封禁", "账户\r\n  已被封禁", "Your account has been\n  suspended"])
def test_a_line_break_inside_a_sentence_changes_nothing(sentence):
    assert fault(sentence) is Fault.ACCOUNT_SUSPENDED
    assert fault(said(sentence)) is Fault.ACCOUNT_SUSPENDED


@each_row(
    ("sentence", "expected"),
    [
        ("Function '00000000-a8b6-4adb-a183-000000000000': Not found for account 'x'", Fault.MODEL_UNAVAILABLE),
        ("Function id '00000000-a8b6-4adb-a183-000000000000' not found", Fault.MODEL_UNAVAILABLE),
        ("Function id '00000000-a8b6-4adb': DEGRADED function cannot be invoked", Fault.SERVER_ERROR),
        ("Function id '00000000-a8b6-4adb' version 'v': INACTIVE function cannot be called", Fault.SERVER_ERROR),
        ("Your account type is not currently supported", Fault.PERMISSION_DENIED),
        ("This subscription tier is not eligible for the API", Fault.PERMISSION_DENIED),
        ("Example's free tier can only be used in Example", Fault.PERMISSION_DENIED),
        ("This key may only be used with the example client", Fault.PERMISSION_DENIED),
        ("订阅套餐暂未开放GLM-5权限，请开通", Fault.PERMISSION_DENIED),
        ("Personal Access Tokens are not supported for this endpoint", Fault.PERMISSION_DENIED),
        ("Resource not accessible by personal access token", Fault.PERMISSION_DENIED),
        ("This model doesn't have a free quota tier", Fault.QUOTA_EXHAUSTED),
        ("There is no free tier for this model", Fault.QUOTA_EXHAUSTED),
        ("You do not have enough API credits", Fault.QUOTA_EXHAUSTED),
        ("The channel selected by channel affinity has been disabled", Fault.SERVER_ERROR),
        ("渠道 12 已被自动禁用", Fault.SERVER_ERROR),
        ("OPENAI_API_KEY is not set", Fault.INVALID_KEY),
        ("missing GROQ_API_KEY", Fault.INVALID_KEY),
        ("DEEPSEEK_API_KEY not found in environment", Fault.INVALID_KEY),
        ("`tool_choice` may only be used with `tools`", Fault.UNCLASSIFIED),
        ("Function 'get_weather_today' not found in tools", Fault.UNCLASSIFIED),
        ("pad_token is required", Fault.BAD_REQUEST),
        ("Access token type is not supported", Fault.INVALID_KEY),
    ],
)
def test_functions_types_of_account_channels_and_variables_have_words_of_their_own(sentence, expected):
    assert fault(said(sentence)) is expected


def test_a_log_holds_the_error_as_information():
    logged = '{"status": "failure", "error_information": {"error_class": "X", "error_message": "Budget exceeded"}}'

    assert fault(logged, None) is Fault.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    "sentence",
    [
        "Too many requests. Do not share your API key in public repositories",
        "Rate limit exceeded. If your key has been leaked, create a new one.",
        "请求过于频繁，请勿泄露密钥",
        "Slow down. Tokens posted publicly are revoked automatically.",
    ],
)
def test_a_warning_of_leaks_is_none(sentence):
    assert fault(said(sentence)) is Fault.RATE_LIMITED


PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>x</body></html>"


@pytest.mark.parametrize(
    ("id", "body", "expected"),
    [
        ("openai-compatible", said(PAGE, type="upstream_error"), Fault.SERVER_ERROR),
        ("openai-compatible", said(f"AnthropicException - {PAGE}"), Fault.SERVER_ERROR),
        ("anthropic", said(PAGE), Fault.BLOCKED_BY_EDGE),
        ("anthropic", json.dumps({"error": PAGE}), Fault.BLOCKED_BY_EDGE),
        ("anthropic", f"ApiError: status_code: 403, body: {PAGE}", Fault.BLOCKED_BY_EDGE),
        ("openai-compatible", PAGE, Fault.BLOCKED_BY_EDGE),
        ("openai-compatible", said("The parameter <html> is an unknown parameter"), Fault.BAD_REQUEST),
    ],
)
def test_a_page_that_a_gateway_met_is_on_its_own_road(id, body, expected):
    assert fault(body, 403, id) is expected


def test_pages_inside_pages_are_read_in_time():
    body = "x"
    for _ in range(9):
        body = "<html>" + json.dumps({"message": body})
    began = process_time()

    fault(said(body)[:32_000], 403)
    classify_output(PROVIDERS["codex"], WORDING, 1, "{ the account\n" * 100)
    assert process_time() - began < 2


@each_row(
    ("traditional", "expected"),
    [
        ("您的帳號已被停用", Fault.ACCOUNT_SUSPENDED),
        ("您的帳號因違規已被永久停權", Fault.ACCOUNT_SUSPENDED),
        ("帳戶狀態異常，請聯絡客服", Fault.ACCOUNT_SUSPENDED),
        ("賬戶已凍結，請聯繫管理員", Fault.ACCOUNT_SUSPENDED),
        ("餘額不足，請儲值", Fault.QUOTA_EXHAUSTED),
        ("用戶額度不足", Fault.QUOTA_EXHAUSTED),
        ("本週額度已用完", Fault.QUOTA_EXHAUSTED),
        ("您的訂閱已過期", Fault.QUOTA_EXHAUSTED),
        ("請求過於頻繁，請稍後再試", Fault.RATE_LIMITED),
        ("超過每分鐘請求次數限制", Fault.RATE_LIMITED),
        ("您的並發數已超過上限", Fault.RATE_LIMITED),
        ("無效的令牌", Fault.INVALID_KEY),
        ("API 金鑰已過期", Fault.INVALID_KEY),
        ("帳號已在其他裝置登入，請重新登入", Fault.INVALID_KEY),
        ("地區不支援", Fault.REGION_BLOCKED),
        ("您所在的國家或地區不支援此服務", Fault.REGION_BLOCKED),
        ("本服務不對您所在的地區開放", Fault.REGION_BLOCKED),
        ("請先完成實名認證", Fault.VERIFICATION_REQUIRED),
        ("請驗證您的手機號碼", Fault.VERIFICATION_REQUIRED),
        ("您沒有權限使用此功能", Fault.PERMISSION_DENIED),
        ("您的組織已停用此功能", Fault.PERMISSION_DENIED),
        ("模型不存在或已下線", Fault.MODEL_UNAVAILABLE),
        ("伺服器忙碌中，請稍後再試", Fault.OVERLOADED),
        ("當前分組上游負載已飽和", Fault.OVERLOADED),
        ("伺服器內部錯誤", Fault.SERVER_ERROR),
        ("內容包含敏感資訊", Fault.CONTENT_FILTERED),
        ("參數錯誤", Fault.BAD_REQUEST),
    ],
)
def test_traditional_characters_mean_what_simplified_ones_do(traditional, expected):
    assert fault(said(traditional)) is expected
    assert fault(traditional) is expected


def test_people_read_the_sentence_as_it_was_written():
    assert words_of(read_complaint(403, {}, said("餘額不足，請儲值"))) == "餘額不足，請儲值"


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        (
            Fault.PERMISSION_DENIED,
            [
                "This channel is only open to the official Codex CLI.",
                "No available accounts: restricted to Gemini CLI clients",
                "Third-party clients are not allowed on this route",
                "当前分组仅限 Claude Code 客户端使用",
                "The free plan for developers has been sunset. Bring your own key.",
                "We discontinued the free tier on April 15.",
                "Legacy trial access is no longer offered",
                "免费通道已停止服务，请更换方案",
                "AppIdNoAuthError: licc failed",
            ],
        ),
        (
            Fault.MODEL_UNAVAILABLE,
            [
                "no endpoints are configured for this model in your workspace",
                "There are no deployments registered for the requested model",
                "No routes available for your gpt-5 model",
                "[404 Not Found] Requested entity was not found.",
                "The inference profile eu.anthropic.claude-x could not be found",
                "Publisher Model `projects/p/locations/l/publishers/google/models/m` does not exist",
            ],
        ),
        (
            Fault.QUOTA_EXHAUSTED,
            [
                "Limit reached, resets at 5pm",
                "Opus limit was hit - resets Mon 09:00",
                "Limit exceeded. Renews tomorrow",
            ],
        ),
        (Fault.CONTENT_FILTERED, ["您的请求因内容违规被拦截", "请求被内容审核拦截", "该请求涉及敏感内容，已被拦截"]),
        (
            Fault.INVALID_RESPONSE,
            [
                "failed to parse the provider response: expected value at line 1 column 1",
                "The reply could not be decoded as UTF-8",
                "解析响应失败：unexpected token",
            ],
        ),
        (
            Fault.SERVER_ERROR,
            [
                "Error 521: Web server is down",
                "Origin server refused the connection; it may be overloaded",
                "Could not complete a TLS handshake with the origin, which may be busy or overloaded",
            ],
        ),
        (
            Fault.OVERLOADED,
            [
                "No available accounts, please retry later",
                "The origin model is overloaded",
                "No healthy deployments, try again in a minute",
            ],
        ),
        (
            Fault.RATE_LIMITED,
            [
                "Rate limit reached, resets in 30s",
                "Limit reached for requests per minute, resets in 12 s",
                "Too many requests from this client",
                "Rate limit exceeded. Resets at 12:30",
            ],
        ),
        (
            Fault.BAD_REQUEST,
            [
                "Failed to parse the request body",
                "Could not decode the response_format parameter: malformed",
                "This endpoint only supports application/json: malformed body",
                "Your client version is not supported",
                "Only JSON is supported for this endpoint: not supported with stream",
            ],
        ),
    ],
)
def test_clients_let_in_offers_withdrawn_and_answers_unread_have_words_of_their_own(expected, sentences):
    assert told(sentences) == dict.fromkeys(sentences, expected)


@each_row("status", [200, 403, 405])
@each_row(
    "sentence",
    [
        "很抱歉，由于您提交的参数可能对网站造成安全威胁，请求被阻断。",
        "您的请求已被网站防火墙拦截，请联系管理员",
        "检测到恶意请求，访问已被云盾阻止",
        "您的訪問被安全策略攔截",
    ],
)
def test_a_chinese_firewall_blocks_the_road(sentence, status):
    page = f'<!doctypehtml><html lang="zh-cn"><head><title>405</title></head><body><div>{sentence}</div></body></html>'

    assert fault(page, status) is Fault.BLOCKED_BY_EDGE


@each_row("advice", ["· Please run /login", "  ⎿  Please run /login", "Try to run claude auth login."])
@each_row(
    ("sentence", "expected"),
    [
        ("API Error: 403 Too many calls, slow down", Fault.RATE_LIMITED),
        ('API Error: 403 {"error":{"message":"Your credit balance is used up"}}', Fault.QUOTA_EXHAUSTED),
        ("API Error: 403 Your account has been banned", Fault.ACCOUNT_SUSPENDED),
        ("API Error: 503 no server is ready: overloaded", Fault.OVERLOADED),
        ("API Error: 401 that was not accepted", Fault.INVALID_KEY),
        ("Something is wrong with who you are", Fault.INVALID_KEY),
    ],
)
def test_advice_to_log_in_says_less_than_the_line_before_it(sentence, expected, advice):
    for said_by in ("\n\n", " "):
        assert (
            classify_output(PROVIDERS["claude-code"], WORDING, 1, f"{sentence}{said_by}{advice}")[0].fault is expected
        )


@pytest.mark.parametrize(
    "sentence",
    [
        "Access denied due to invalid subscription key or wrong API endpoint.",
        "Access denied due to missing subscription key. Make sure to include it.",
        "Your request holds an incorrect api key.",
    ],
)
def test_azure_calls_a_wrong_key_a_denied_permission(sentence):
    azure = load_provider("azure-openai")

    for body in (said(sentence, code="PermissionDenied"), f"{sentence}\n  Status: 401 (PermissionDenied)"):
        assert classify_answer(azure, WORDING, 401, {}, body).fault is Fault.INVALID_KEY


def spoken(words, *, streamed, anthropic=False):
    """Return a good answer in which a model says these words."""
    if anthropic and streamed:
        event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": words}}
        return f'data: {json.dumps(event)}\n\ndata: {{"type": "message_stop"}}\n\n'
    if anthropic:
        block = {"type": "text", "text": words}
        return json.dumps({"type": "message", "role": "assistant", "content": [block], "stop_reason": "end_turn"})
    if streamed:
        choice = {"index": 0, "delta": {"role": "assistant", "content": words}, "finish_reason": "stop"}
        return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\ndata: [DONE]\n\n"
    choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice]})


@each_row("anthropic", [False, True])
@each_row("streamed", [False, True])
@each_row(
    ("words", "expected"),
    [
        ("[relay-one] Upstream request failed: no valid response", Fault.SERVER_ERROR),
        ("Error: all providers failed: overloaded, try later", Fault.OVERLOADED),
        ("HTTP/1.1 502 Bad Gateway", Fault.SERVER_ERROR),
        ("[Error] HTTP 429 Too Many Requests", Fault.RATE_LIMITED),
        ('API Error: 402 {"error": {"message": "Your balance is used up"}}', Fault.QUOTA_EXHAUSTED),
        ('{"error": {"message": "The server had an error", "type": "server_error"}}', Fault.SERVER_ERROR),
    ],
)
def test_an_error_in_place_of_a_models_words_is_no_answer(words, expected, streamed, anthropic):
    assert fault(spoken(words, streamed=streamed, anthropic=anthropic), 200) is expected


@each_row("anthropic", [False, True])
@each_row("streamed", [False, True])
@each_row(
    "words",
    [
        "Hi! How can I help you today?",
        "[Assistant] Hello there, what can I do for you?",
        "Error 404: greeting not found! Just kidding, hello!",
        "Error: no manners detected. Hello to you too!",
        "HTTP 418 I'm a teapot, and hello",
        "Providers returned hello. Error-free so far!",
        '{"greeting": "Hello", "error": null}',
        "I see an error: upstream returned 502 Bad Gateway. What did you ask for?",
        "**Error handling** in 500 words: begin with what failed",
        "Upstream of here the river failed",
    ],
)
def test_a_model_may_speak_of_errors(words, streamed, anthropic):
    assert fault(spoken(words, streamed=streamed, anthropic=anthropic), 200) is None


@pytest.mark.parametrize(
    ("title", "detail"),
    [
        ("Error 524: A timeout occurred", "The origin web server did not respond in time; it may be overloaded."),
        ("Error 521: Web server is down", "The origin refused the connection, which may mean that it is overloaded."),
        ("Error 525: SSL handshake failed", "Could not complete an SSL handshake with the origin. It may be too busy."),
    ],
)
def test_what_a_cdn_guesses_of_the_origin_is_no_overload(title, detail):
    told = json.dumps({"title": title, "detail": detail, "cloudflare_error": True})

    assert fault(told, int(title[6:9])) is Fault.SERVER_ERROR
    output = f"API Error: {title[6:9]} {told}"
    assert classify_output(PROVIDERS["claude-code"], WORDING, 1, output)[0].fault is Fault.SERVER_ERROR


def test_long_answers_are_read_in_time_by_every_new_rule():
    began = process_time()

    for part in (
        "访问",
        "请求被",
        "origin server ",
        "only for the ",
        "limit reached ",
        "free tier ",
        "run login ",
        "[a] ",
    ):
        long = part * (30_000 // len(part))
        fault(said(long), 403)
        fault(f"<html><body>{long}", 405)
        fault(spoken(long[:1_000], streamed=False), 200)
        classify_output(PROVIDERS["claude-code"], WORDING, 1, f"{long}\n· Please run /login\n" * 3)
    assert process_time() - began < 8


@each_row(
    ("id", "status", "body", "expected"),
    [
        ("openai-compatible", 404, "No models are loaded. Load one first.", Fault.MODEL_UNAVAILABLE),
        ("openai-compatible", 503, '{"detail": "no model is currently running"}', Fault.MODEL_UNAVAILABLE),
        ("openai-compatible", 403, "This endpoint requires a valid credit card.", Fault.QUOTA_EXHAUSTED),
        ("openai-compatible", 400, "You need a payment card on file to go on.", Fault.QUOTA_EXHAUSTED),
        ("bedrock", 400, '{"message": "Too many tokens, please try again later."}', Fault.RATE_LIMITED),
        ("openai-compatible", 404, '{"message": "No valid credentials for provider: claude"}', Fault.SERVER_ERROR),
        (
            "openai-compatible",
            403,
            "error: [403] Forbidden <html><body>Access denied</body></html>",
            Fault.BLOCKED_BY_EDGE,
        ),
        (
            "openai-compatible",
            403,
            "HTTP 403 Forbidden: <!DOCTYPE html><title>Access denied</title>",
            Fault.BLOCKED_BY_EDGE,
        ),
        ("codex", 1, "ERROR: unexpected status 403 Forbidden: <html><head></head></html>", Fault.BLOCKED_BY_EDGE),
        ("claude-code", 1, "API Error: 429 Your balance is insufficient.", Fault.QUOTA_EXHAUSTED),
        ("claude-code", 1, "API Error: Request rejected (429) · The weekly quota is used up.", Fault.QUOTA_EXHAUSTED),
        ("claude-code", 1, "API Error: 429", Fault.RATE_LIMITED),
    ],
)
def test_what_a_last_blind_batch_missed_is_mended_with_its_siblings(id, status, body, expected):
    provider = load_provider(id)
    verdict = (
        classify_output(provider, WORDING, status, body)[0]
        if provider.is_command
        else classify_answer(provider, WORDING, status, {}, body)
    )

    assert verdict.fault is expected


ALIYUN = (
    '<!doctypehtml><html lang="zh-cn"><title>405</title><style>.m{background:url(https://errors.aliyun.com/images/x.png)'
    '}</style><div id="block_message"></div></html>'
)


@each_row(
    ("status", "body", "expected"),
    [
        (
            403,
            '{"error":{"code":403,"message":"Region not supported.","status":"PERMISSION_DENIED"}}',
            Fault.REGION_BLOCKED,
        ),
        (403, said("Country is not supported", status="PERMISSION_DENIED"), Fault.REGION_BLOCKED),
        (400, said("The region is not supported for this model"), Fault.BAD_REQUEST),
        (405, ALIYUN, Fault.BLOCKED_BY_EDGE),
        (405, f"12:00:01 | ERROR | upstream: 405\n12:00:01 | ERROR | upstream said: {ALIYUN}", Fault.BLOCKED_BY_EDGE),
        (403, "<script>window._cf_chl_opt = {}</script><html><body></body></html>", Fault.BLOCKED_BY_EDGE),
        (
            200,
            "<html><head><script src='https://ct.captcha-delivery.com/c.js'></script></head></html>",
            Fault.BLOCKED_BY_EDGE,
        ),
        (403, "WARN upstream 403 client body=<!DOCTYPE html><title>WAF Block Page</title><", Fault.BLOCKED_BY_EDGE),
        (None, "WARN: bad answer: <html><title>WAF Block Page</title></html> and so on", Fault.BLOCKED_BY_EDGE),
        (502, "upstream said: <html><title>502 Bad Gateway</title>nginx</html>\nretrying", Fault.SERVER_ERROR),
        (
            None,
            "litellm. InternalServerError: Internal ServerError: OpenAIException - sensitive_words_detected",
            Fault.CONTENT_FILTERED,
        ),
        (500, said("The prompt was flagged", type="server_error"), Fault.CONTENT_FILTERED),
        (None, "Failed to load the model\nllama-server exited before becoming healthy. exitCode=1", Fault.SERVER_ERROR),
        (None, "the engine process has terminated with exit code 9", Fault.SERVER_ERROR),
    ],
)
def test_a_page_in_a_log_and_words_beside_a_bare_class_are_heard(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    ("expected", "sentences"),
    [
        (
            Fault.INVALID_RESPONSE,
            [
                "missing finish_reason for choice 0",
                "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
                "Unexpected token < in JSON at position 0",
                "The model returned an empty response. Try another one.",
                "API returned an empty or malformed response (HTTP 200)",
                "The language model did not provide any assistant messages.",
                "The provider failed to return any content",
                "No choices were returned",
                "no candidates in the reply",
            ],
        ),
        (
            Fault.BAD_REQUEST,
            [
                "Unexpected token h in JSON: not valid JSON in the body",
                "Generate API was removed on September 15 2025. Please migrate to Chat API.",
                "This endpoint has been discontinued",
                "The endpoint /v1/edits is no longer available",
            ],
        ),
        (
            Fault.VERIFICATION_REQUIRED,
            [
                "You have not filled out the required use-case form for this model.",
                "Please submit your use case before asking for this model",
                "The use case questionnaire has not been completed",
            ],
        ),
        (
            Fault.OVERLOADED,
            [
                "The model is experiencing a high volume of traffic",
                "We see a high number of requests at the moment",
                "The service is temporarily out of capacity",
            ],
        ),
        (Fault.QUOTA_EXHAUSTED, ["403# insufficient balance无法转换", "出错insufficient balance"]),
        (Fault.INVALID_KEY, ["The token is not valid", "您的API key is invalid哦"]),
    ],
)
def test_what_clients_say_of_what_they_read_and_english_beside_chinese(expected, sentences):
    assert told(sentences) == dict.fromkeys(sentences, expected)


def test_a_fair_usage_policy_speaks_of_a_rate_not_of_content():
    words = (
        "Your usage pattern does not comply with the Fair Usage Policy, and your request frequency has been limited."
    )

    assert fault(said(words), 429) is Fault.LIMIT_COLLAPSE
    assert fault(said(words), 200) is not Fault.CONTENT_FILTERED


@pytest.mark.parametrize("id", ["gemini", "vertex"])
def test_a_class_of_googles_does_not_hide_that_there_is_no_capacity(id):
    words = "RESOURCE_EXHAUSTED: Unable to submit request because the service is temporarily out of capacity."

    assert fault(said(words, status="RESOURCE_EXHAUSTED"), 429, id) is Fault.OVERLOADED


def test_of_a_stream_that_names_no_failure_the_last_event_is_heard():
    told = {"code": 7, "message": "block", "error_detail": {"message": "当前服务访问频繁，请稍后重试"}}
    event = json.dumps({"event_data": json.dumps(told, ensure_ascii=False), "event_id": "0"}, ensure_ascii=False)

    assert fault(f'data: {{"event_id": "-1"}}\n\ndata: {event}\n\ndata: [DONE]\n\n', None) is Fault.RATE_LIMITED


@each_row(
    ("status", "body", "expected"),
    [
        (500, said("rate_limit_check_failed"), Fault.SERVER_ERROR),
        (500, said("rate limit check failed"), Fault.SERVER_ERROR),
        (None, "[INFO] 开始，共 1 个并发子任务 -> unknown trouble", Fault.UNCLASSIFIED),
        (None, "并发请求数超过限制", Fault.RATE_LIMITED),
        (None, "已达到最大并发上限", Fault.RATE_LIMITED),
        (None, "超出最大并发", Fault.RATE_LIMITED),
        (400, said("The dedicated endpoint for org/model-x is not running. Please start it."), Fault.MODEL_UNAVAILABLE),
        (None, '{"detail": "Not Found"}', Fault.BAD_REQUEST),
        (None, "method=POST error=parse response: invalid character '(' looking for a value", Fault.INVALID_RESPONSE),
        (None, "curl: (6) Could not resolve host: api.example.com", Fault.CONNECTION_FAILED),
        (None, "curl: (7) Failed to connect to api.example.com port 443", Fault.CONNECTION_FAILED),
        (None, "curl: (28) Operation timed out after 30000 milliseconds with 0 bytes received", Fault.TIMEOUT),
        (None, "curl: (35) OpenSSL SSL_connect: Connection reset by peer", Fault.CONNECTION_FAILED),
        (None, "curl: (52) Empty reply from server", Fault.CONNECTION_FAILED),
        (None, "curl: (56) Recv failure: Connection reset by peer", Fault.CONNECTION_FAILED),
        (None, "curl: (60) SSL certificate problem: unable to get local issuer certificate", Fault.CONNECTION_FAILED),
    ],
)
def test_what_a_sample_of_common_answers_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (None, "All accounts are currently limited. Please wait 8s.", Fault.RATE_LIMITED),
        (403, said("The number of prompt tokens for free accounts is limited to 4096."), Fault.BAD_REQUEST),
        (403, said("免费API限制模型输入token小于4096"), Fault.BAD_REQUEST),
        (
            400,
            '{"success": false, "error": [{"code": 2005, "message": "Failed to get response from provider"}]}',
            Fault.SERVER_ERROR,
        ),
        (None, "Error: The maximum tokens you requested exceed the model limit of 4096.", Fault.BAD_REQUEST),
        (500, said("Слишком длинный запрос: 121692 токенов"), Fault.BAD_REQUEST),
        (
            None,
            "Rate limit exceeded. Please wait a moment.\nInsufficient balance. Please recharge.",
            Fault.QUOTA_EXHAUSTED,
        ),
        (429, said("Rate limit reached: 3 requests per minute. Add credits to raise it."), Fault.RATE_LIMITED),
    ],
)
def test_what_a_second_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(("status", "expected"), [(502, Fault.SERVER_ERROR), (403, Fault.BLOCKED_BY_EDGE)])
def test_a_cdns_page_with_5xx_is_no_block(status, expected):
    page = f"<html><head><title>{status} x</title></head><body><h1>{status} x</h1><hr>cloudflare</body></html>"

    assert classify_output(PROVIDERS["codex"], WORDING, 1, f"unexpected status {status}: {page}")[0].fault is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            None,
            "APIError: OpenrouterException - Unable to get json response\nExpecting value: line 121",
            Fault.INVALID_RESPONSE,
        ),
        (400, said("messages.2: Did not find 1 block", type="ValidationException"), Fault.BAD_REQUEST),
        (None, "MiniMax API error: HTTP 401 -", Fault.INVALID_KEY),
        (404, "unexpected status 404 Not Found: Unknown error", Fault.BAD_REQUEST),
        (
            None,
            "ProviderBizError: { code: 'InvalidEndpoint.NotFound', message: 'no such one' }",
            Fault.MODEL_UNAVAILABLE,
        ),
        (None, "Error: Failed to fetch models: access denied", Fault.PERMISSION_DENIED),
        (None, "TypeError: Failed to fetch", Fault.CONNECTION_FAILED),
    ],
)
def test_what_a_third_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


APACHE = (
    "<html><h1>401 Authorization Required</h1><p>This server could not verify that you are authorized to access it."
)


@each_row(
    ("status", "body", "expected"),
    [
        (401, APACHE, Fault.INVALID_KEY),
        (
            405,
            "此引擎不可用，可能是密钥错误，也可能是请求过快。 <html><h1>405 Not Allowed</h1>nginx</html>",
            Fault.BAD_REQUEST,
        ),
        (405, "It may be because your key is wrong or because you ask too often", Fault.BAD_REQUEST),
        (401, "可能是密钥错误", Fault.INVALID_KEY),
        (400, "api请求失败 openai completion error: 400", Fault.BAD_REQUEST),
        (
            None,
            "Failed to connect to API.\nmodel access is not permitted per policy settings.",
            Fault.PERMISSION_DENIED,
        ),
        (None, "Failed to connect to API.", Fault.CONNECTION_FAILED),
        (400, said("The response was filtered, since the prompt is not about programming."), Fault.CONTENT_FILTERED),
        (None, "异常信息: 请检查服务是否可以正常访问", Fault.CONNECTION_FAILED),
        (403, "Invalid response body while trying to fetch it: Parse Error: Expected HTTP/", Fault.INVALID_RESPONSE),
        (None, "TypeError: Received response with null value for `choices`.", Fault.INVALID_RESPONSE),
        (None, "Cannot read properties of undefined (reading '0')", Fault.INVALID_RESPONSE),
        (None, "all balances exhausted or unavailable", Fault.QUOTA_EXHAUSTED),
        (None, "API key validation failed.", Fault.INVALID_KEY),
        (500, "Fireworks API key validation failed (500): Error listing deployed models", Fault.SERVER_ERROR),
        (None, "login fail: Please carry the API secret key in the header", Fault.INVALID_KEY),
        (None, "the model produced no reply before the idle watchdog", Fault.TIMEOUT),
        (
            None,
            "stream disconnected before completion: stream closed before response.completed",
            Fault.CONNECTION_FAILED,
        ),
    ],
)
def test_what_a_fourth_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


def test_a_message_of_anthropics_is_one_without_its_type():
    body = json.dumps({"content": [{"type": "text", "text": "2"}], "stop_reason": "end_turn", "model": "m"})

    assert fault(body, 200, "anthropic") is None
    assert fault(body.replace('"2"', '""'), 200, "anthropic") is Fault.INVALID_RESPONSE


@each_row(
    ("status", "body", "expected"),
    [
        (
            400,
            "{'success': False, 'error': {'issues': [{'code': 'invalid_type'}], 'name': 'ZodError'}}",
            Fault.BAD_REQUEST,
        ),
        (403, said("Your submission contains text that is not allowed"), Fault.CONTENT_FILTERED),
        (None, "The message holds words, and contains language that is not permitted", Fault.CONTENT_FILTERED),
        (None, "PromptFeedback(block_reason=<BlockedReason.OTHER: 'OTHER'>)", Fault.CONTENT_FILTERED),
        (None, '{"error": true, "message": "Message is being blocked for reason: SAFETY"}', Fault.CONTENT_FILTERED),
        (None, "Your request was blocked.", Fault.BLOCKED_BY_EDGE),
        (403, "Response 403: Cloudflare detected", Fault.BLOCKED_BY_EDGE),
        (None, "log | <h2>Why have I been blocked?</h2>", Fault.BLOCKED_BY_EDGE),
        (404, "Error: Model request failed: 404 page not found", Fault.BAD_REQUEST),
        (
            None,
            "httpx.HTTPStatusError: Server error '529 ' for url 'https://x.example/v1'",
            Fault.OVERLOADED,
        ),
        (None, "Response contained no choices", Fault.INVALID_RESPONSE),
        (None, "访问密码不正确或为空", Fault.INVALID_KEY),
        (503, said("No available accounts: no available accounts supporting model: m-1"), Fault.MODEL_UNAVAILABLE),
        (503, said("No available accounts"), Fault.OVERLOADED),
        (400, said("Model id : org/m-1 , has no provider supported"), Fault.MODEL_UNAVAILABLE),
    ],
)
def test_what_a_fifth_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "litellm.BadRequestError: OpenAIException - Budget has been exceeded! Current cost: 14.2",
            Fault.QUOTA_EXHAUSTED,
        ),
        (
            "AuthenticationError: OpenAIException - Authentication Error, Invalid proxy server token passed.",
            Fault.INVALID_KEY,
        ),
        ("litellm.AuthenticationError: OpenAIException - Incorrect API key provided: sk-x", Fault.SERVER_ERROR),
        ("litellm.RateLimitError: DeepseekException - Insufficient Balance", Fault.SERVER_ERROR),
    ],
)
def test_what_a_gateway_alone_says_is_of_our_account_in_any_frame(body, expected):
    assert classify_answer(load_provider("litellm"), WORDING, None, {}, body).fault is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (None, "Model not available. This model provider doesn't serve your region.", Fault.REGION_BLOCKED),
        (None, "code: 14, msg: IAM Certification failed", Fault.INVALID_KEY),
        (
            None,
            "Couldn't connect with these settings\nThe resource you are requesting could not be found",
            Fault.MODEL_UNAVAILABLE,
        ),
        (None, "code: 10004, msg: SchemaCheckError: '$.temperature' value must be larger than 0;", Fault.BAD_REQUEST),
        (None, "系统未知错误，请重启。 (1000000)", Fault.SERVER_ERROR),
        (None, "Model Request failed. Please try again later. (4054)", Fault.SERVER_ERROR),
        (None, "请求失败，请尝试新建任务。 (2001)", Fault.SERVER_ERROR),
        (400, "请求失败", Fault.BAD_REQUEST),
    ],
)
def test_what_a_seventh_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


CURL = (
    (3, "URL using bad/illegal format or missing URL", Fault.BAD_REQUEST),
    (5, "Could not resolve proxy: proxy.corp.example", Fault.CONNECTION_FAILED),
    (6, "Could not resolve host: api.example.com", Fault.CONNECTION_FAILED),
    (7, "Failed to connect to api.example.com port 443 after 21052 ms: Couldn't connect", Fault.CONNECTION_FAILED),
    (16, "Error in the HTTP2 framing layer", Fault.CONNECTION_FAILED),
    (18, "transfer closed with outstanding read data remaining", Fault.CONNECTION_FAILED),
    (22, "The requested URL returned error: 401", Fault.INVALID_KEY),
    (22, "The requested URL returned error: 503 Service Unavailable", Fault.SERVER_ERROR),
    (28, "Operation timed out after 30001 milliseconds with 0 bytes received", Fault.TIMEOUT),
    (28, "Failed to connect to api.example.com port 443 after 75002 ms: Timed out", Fault.CONNECTION_FAILED),
    (35, "error:0A00010B:SSL routines::wrong version number", Fault.CONNECTION_FAILED),
    (52, "Empty reply from server", Fault.CONNECTION_FAILED),
    (56, "OpenSSL SSL_read: SSL routines::unexpected eof while reading, errno 0", Fault.CONNECTION_FAILED),
    (56, "Received HTTP code 407 from proxy after CONNECT", Fault.PROXY_FAILED),
    (60, "SSL certificate problem: unable to get local issuer certificate", Fault.CONNECTION_FAILED),
    (92, "HTTP/2 stream 0 was not closed cleanly: INTERNAL_ERROR (err 2)", Fault.CONNECTION_FAILED),
)


@each_row(("number", "words", "expected"), CURL)
def test_an_error_of_curl_is_read_by_its_number(number, words, expected):
    assert fault(f"curl: ({number}) {words}", None) is expected


def test_a_client_that_checked_an_answer_is_not_what_it_checked():
    listing = '. Error message: [ { "code": "invalid_union", "errors": [ [ { "code": "invalid_type" } ] ] } ]'

    def checked(answer):
        return fault(f"AI_TypeValidationError: Type validation failed: Value: {answer}{listing}", None)

    assert checked('{"id":"","choices":null,"usage":null}') is Fault.INVALID_RESPONSE
    assert checked('{"ping":1}') is Fault.INVALID_RESPONSE
    assert checked('{"error":{"message":"Rate limit reached for m-1","type":"tokens"}}') is Fault.RATE_LIMITED
    assert checked('{"error":{"code":"insufficient_quota"}}') is Fault.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            None,
            '{"error": {"message": "Your request must be made with a session key.", "type": "server_error"}}',
            Fault.PERMISSION_DENIED,
        ),
        (401, said("This endpoint requires an admin API key."), Fault.PERMISSION_DENIED),
        (None, "HTTP/2 403\ncf-mitigated: challenge\nserver: cloudflare", Fault.BLOCKED_BY_EDGE),
        (
            404,
            "{'code': 'Some requested entity was not found', 'error': 'No handler found on route.'}",
            Fault.BAD_REQUEST,
        ),
        (None, "After the system message(s), user message(s) should alternate with assistant.", Fault.BAD_REQUEST),
        (None, "Conversation roles must alternate user/assistant/user/assistant/...", Fault.BAD_REQUEST),
        (None, "Expected last role User or Tool for serving but got assistant", Fault.BAD_REQUEST),
        (407, "Credentials are needed to access this proxy.", Fault.PROXY_FAILED),
    ],
)
def test_what_an_eighth_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (410, "Client error '410 Gone' for url 'https://api.example.com/models/m-1'", Fault.BAD_REQUEST),
        (
            403,
            '{"error":{"type":"client_validation_error","message":"This endpoint only accepts requests from X CLI"}}',
            Fault.PERMISSION_DENIED,
        ),
        (None, "[1301][系统检测到输入或生成内容可能包含不安全或敏感内容...]", Fault.CONTENT_FILTERED),
        (None, "可能是密钥错误或者是请求过快", Fault.UNCLASSIFIED),
        (
            None,
            '{"error": {"message": "openai_error", "type": "x", "code": "bad_response_status_code"}}',
            Fault.SERVER_ERROR,
        ),
        (None, '{"message": "parameter check failed, max_output_tokens range is [2, 2048]"}', Fault.BAD_REQUEST),
        (None, "failed with error code: 336221, err msg: max number of documents is 64", Fault.BAD_REQUEST),
        (
            401,
            said("[sk-abc***Vj8] Token amount has been exhausted token.RemainQuota = 0"),
            Fault.QUOTA_EXHAUSTED,
        ),
        (401, said("Token count has been exhausted token.RemainCount = -12"), Fault.QUOTA_EXHAUSTED),
    ],
)
def test_what_a_ninth_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@each_row(
    ("status", "body", "expected"),
    [
        (
            None,
            "openai.InternalServerError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            Fault.CONNECTION_FAILED,
        ),
        (
            None,
            "FetchError: request to https://api.example.com/dash\nboard/billing failed, reason: connect ETIMEDOUT",
            Fault.CONNECTION_FAILED,
        ),
        (None, "Panic detected, error: runtime error: invalid memory address", Fault.SERVER_ERROR),
        (None, "AI_APICallError: Failed to create stream request", Fault.SERVER_ERROR),
        (None, "An error occurred while processing your request. You can retry your request.", Fault.SERVER_ERROR),
        (
            None,
            '{"Error":"An error occurred while generating the response: list index out of range."}',
            Fault.SERVER_ERROR,
        ),
        (None, "The requested operation is unsupported.", Fault.BAD_REQUEST),
        (
            400,
            "400 Error from provider (Console): Upstream request failed: [invalid_request_error] It must be passed.",
            Fault.BAD_REQUEST,
        ),
        (None, "Error: Prompt blocked or filtered. Reason: OTHER", Fault.CONTENT_FILTERED),
        (500, "No available X accounts support the requested model: m-1", Fault.MODEL_UNAVAILABLE),
        (500, "No available X accounts", Fault.OVERLOADED),
        (402, "Credentials validation failed with status code 402", Fault.QUOTA_EXHAUSTED),
        (None, '{"error_description":"unknown client id","error":"invalid_client"}', Fault.INVALID_KEY),
        (
            None,
            '{"error": {"message": "riff: missing header", "code": "count_token_messages_fail"}}',
            Fault.BAD_REQUEST,
        ),
        (None, "candidate.content.parts 为空: content=Content()", Fault.INVALID_RESPONSE),
        (
            403,
            '{"error": {"headers": {}, "stack": "Error: 403 <!DOCTYPE html>\\n<title>Attention Required!</title>',
            Fault.BLOCKED_BY_EDGE,
        ),
    ],
)
def test_what_a_tenth_sample_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@each_row(
    ("status", "body", "expected"),
    [
        (None, "AI_APICallError: Invalid JSON response", Fault.INVALID_RESPONSE),
        (
            None,
            "FetchError: invalid json response body at http://x.example/v1 reason: Unexpected end",
            Fault.INVALID_RESPONSE,
        ),
        (None, "embed got invalid response from https://x.example/v1/embeddings", Fault.INVALID_RESPONSE),
        (None, "Invalid response format from local embedding service", Fault.INVALID_RESPONSE),
        (None, "Task error: Empty response from LLM after 3 retries", Fault.INVALID_RESPONSE),
        (None, "SyntaxError: Unexpected end of JSON input", Fault.INVALID_RESPONSE),
        (400, said("Unexpected end of JSON input"), Fault.BAD_REQUEST),
        (None, "The parameter `include` specified in the request are not valid: unknown type", Fault.BAD_REQUEST),
        (None, "Ollama: model is required.", Fault.BAD_REQUEST),
        (500, "litellm.APIConnectionError: Unable to convert tool calls={}", Fault.BAD_REQUEST),
        (400, "验证失败，请检查参数是否正确: Extra inputs are not permitted", Fault.BAD_REQUEST),
        (401, "验证失败", Fault.INVALID_KEY),
        (404, 'We couldn\'t find a secret with the name "X_API_KEY".', Fault.INVALID_KEY),
        (None, "You have exhausted your capacity on this model. Your quota will reset after 5s.", Fault.RATE_LIMITED),
        (
            None,
            "You have exhausted your capacity on this model. Your quota will reset after 18h5m.",
            Fault.QUOTA_EXHAUSTED,
        ),
        (None, "Your request frequency has been limited.", Fault.RATE_LIMITED),
        (None, "Predictions limit exceeded", Fault.QUOTA_EXHAUSTED),
        (None, "error sending request for url (http://localhost:11434/v1/chat/completions)", Fault.CONNECTION_FAILED),
        (401, "Uncaught (in promise) Error: Fetch failed with status 401", Fault.INVALID_KEY),
        (403, "Failed to get response from AI service (status: 403).", Fault.PERMISSION_DENIED),
        (None, "Error in RPC handler: Error: Model is unloaded.", Fault.MODEL_UNAVAILABLE),
        (None, "The model has crashed without additional information. (Exit code: 1844)", Fault.SERVER_ERROR),
        (None, "failed to update user quota after max retries", Fault.SERVER_ERROR),
        (None, "下游请求失败", Fault.SERVER_ERROR),
        (None, "当前模型负载较高，请稍候重试", Fault.OVERLOADED),
        (None, "Access to the current AK has been blocked due to unauthorized requests", Fault.ACCOUNT_SUSPENDED),
    ],
)
def test_what_later_samples_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


NOT_SERVED = (
    "No route for \\/v1\\/dashboard\\/billing\\/subscription",
    "Invalid URL (GET /v1/dashboard/billing/subscription). Read https://docs.example.com/billing",
    "Not found. Documentation: https://platform.example.com/account/billing",
    "See https://docs.example.com/billing for help: unknown endpoint",
    "This server has no billing API",
    "Unknown endpoint; the billing dashboard is not available here",
    "Path `/v1/dashboard/billing/subscription` does not exist in service 'billing-api'",
    "no such endpoint: dashboard/billing/subscription",
    "Cannot GET /dashboard/billing/credit_grants",
    "Not Found: /b1/billing/usage/v1/models?x=1",
    "The billing API is not supported by this gateway",
    "Route dashboard/billing/usage not implemented",
)


@each_row("sentence", NOT_SERVED)
def test_a_path_that_nobody_serves_is_not_a_wallet_that_is_empty(sentence):
    assert fault(said(sentence), 404) is Fault.BAD_REQUEST
    assert fault(sentence, 404) is Fault.BAD_REQUEST


@pytest.mark.parametrize(
    ("status", "sentence", "expected"),
    [
        (404, "The model gpt-9 was not found", Fault.MODEL_UNAVAILABLE),
        (404, "The API deployment for this resource does not exist", Fault.MODEL_UNAVAILABLE),
        (404, "Please top up your billing account", Fault.QUOTA_EXHAUSTED),
        (402, "Unknown endpoint. Please top up", Fault.QUOTA_EXHAUSTED),
    ],
)
def test_another_404_says_what_it_says(status, sentence, expected):
    assert fault(said(sentence), status) is expected


@each_row(
    ("id", "status", "body", "expected"),
    [
        ("zhipu", 500, '{"code":500,"msg":"余额不足，请充值","success":false}', Fault.QUOTA_EXHAUSTED),
        ("zhipu", 200, '{"code":500,"msg":"账户已被冻结","success":false}', Fault.ACCOUNT_SUSPENDED),
        ("zhipu", 500, '{"error":{"code":"500","message":"令牌已过期或验证不正确"}}', Fault.INVALID_KEY),
        ("zhipu", 429, '{"error":{"code":"1302","message":"您的账户余额不足"}}', Fault.QUOTA_EXHAUSTED),
        ("zhipu", 429, '{"error":{"code":"1302","message":"您的账户已达到速率限制"}}', Fault.RATE_LIMITED),
        (
            "minimax",
            200,
            '{"base_resp":{"status_code":1000,"status_msg":"insufficient balance"}}',
            Fault.QUOTA_EXHAUSTED,
        ),
        (
            "minimax",
            200,
            '{"base_resp":{"status_code":1004,"status_msg":"account suspended due to violation"}}',
            Fault.ACCOUNT_SUSPENDED,
        ),
        ("mistral", 429, '{"message":"Monthly credits exhausted","code":"1300"}', Fault.QUOTA_EXHAUSTED),
        (
            "together",
            403,
            '{"error":{"message":"spending cap reached","type":"model_rate_limit"}}',
            Fault.QUOTA_EXHAUSTED,
        ),
        (
            "openai",
            429,
            '{"error":{"message":"Your account was deactivated","code":"rate_limit_exceeded","type":"requests"}}',
            Fault.ACCOUNT_SUSPENDED,
        ),
        (
            "openai",
            429,
            '{"error":{"message":"Rate limit reached: 3 / min. Please add a payment method to your account",'
            '"code":"rate_limit_exceeded"}}',
            Fault.RATE_LIMITED,
        ),
        (
            "gemini",
            429,
            '{"error":{"status":"RESOURCE_EXHAUSTED","message":"You exceeded your current quota, check your plan"}}',
            Fault.RATE_LIMITED,
        ),
    ],
)
def test_words_beat_a_code_that_says_less(id, status, body, expected):
    assert classify_answer(load_provider(id), WORDING, status, {}, body).fault is expected


@pytest.mark.parametrize(
    "sentence",
    [
        "We've temporarily limited your account due to unusual activity. Contact support.",
        "Your account has been temporarily limited because of suspicious activity",
        "We noticed unusual traffic coming from your account. We've temporarily slowed requests.",
    ],
)
def test_an_account_that_is_limited_under_suspicion_is_no_trouble_of_the_road(sentence):
    assert fault(said(sentence), 403) is Fault.PERMISSION_DENIED
    assert fault(said("Unusual activity from your system"), 403) is Fault.BLOCKED_BY_EDGE


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("组织已禁用 API Key 登录方式，请使用 SSO", Fault.PERMISSION_DENIED),
        ("您的組織已停用 API 金鑰登入", Fault.PERMISSION_DENIED),
        ("您的组织已被禁用", Fault.ACCOUNT_SUSPENDED),
        ("该组织已禁用", Fault.ACCOUNT_SUSPENDED),
        ("請先完成手機號碼驗證", Fault.VERIFICATION_REQUIRED),
        ("该金钥已被删除", Fault.INVALID_KEY),
        ("找不到模型 m-9", Fault.MODEL_UNAVAILABLE),
        ("不支援的模型：m-9", Fault.MODEL_UNAVAILABLE),
        ("上游請求逾時", Fault.TIMEOUT),
    ],
)
def test_chinese_says_who_did_it_too(sentence, expected):
    assert fault(said(sentence), 403) is expected


@each_row(
    "sentence",
    [
        "remaining quota 5 is less than the required 12",
        "pre-consume failed, remain quota: 13, need: 40",
        "quota check failed: left=12 need=90",
        "available credits: 0, required: 3",
        "balance 0.01 < cost 0.03",
        "Your balance ($0.00) cannot cover this request",
        "账户剩余 0.2 元，预计消耗 0.5 元",
        "需要 500 点，剩余 20 点",
        "剩余额度 0.01，本次请求需要 0.05",
        "user quota: 13810, need quota: 15000",
        "Your team's shared usage pool is exhausted for this month",
        "You've used up your organization's shared extra-usage budget",
        "Your seat has no usage left this week",
        "No usage remaining on your plan until Monday",
        "Your plan's allowance has been used",
        "You have 0 messages left until 6:00 PM",
    ],
)
def test_less_than_is_needed_is_a_spent_quota_in_any_form(sentence):
    assert fault(said(sentence), 403) is Fault.QUOTA_EXHAUSTED
    assert classify_output(PROVIDERS["codex"], WORDING, 1, sentence)[0].fault is Fault.QUOTA_EXHAUSTED


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("WALLET_EMPTY", Fault.QUOTA_EXHAUSTED),
        ("KEY_EXPIRED", Fault.INVALID_KEY),
        ("SERVICE_BUSY", Fault.OVERLOADED),
        ("UPSTREAM_TIMEOUT", Fault.TIMEOUT),
    ],
)
def test_a_bare_code_is_read_as_the_words_that_it_is_made_of(code, expected):
    assert fault(said("x", code=code), 400) is expected


@each_row(
    ("status", "body", "expected"),
    [
        (None, "Error: Model name is required for non-converse API models", Fault.BAD_REQUEST),
        (None, "Ollama API stream ended without a final response", Fault.INVALID_RESPONSE),
        (None, "The final message must be from the user.", Fault.BAD_REQUEST),
        (None, 'Fail to access model(q:0.5b).**ERROR**:invalid format: expected "json"', Fault.BAD_REQUEST),
        (None, "**ERROR**: [Errno 99] Cannot assign requested address", Fault.CONNECTION_FAILED),
        (None, "拒绝访问\n您无权访问 x.example。\n网站所有者可能设置了限制，阻止您访问该网站。", Fault.BLOCKED_BY_EDGE),
        (400, '{"code":"InvalidParameter","message":"Tool names are not allowed to be [search]"}', Fault.BAD_REQUEST),
        (None, "error：input data may contain insppropriate content", Fault.CONTENT_FILTERED),
        (422, "Something went wrong. Error: 422 status code (no body).", Fault.BAD_REQUEST),
        (None, "Something went wrong.", Fault.SERVER_ERROR),
    ],
)
def test_what_a_sample_of_clients_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@each_row(
    ("status", "body", "expected"),
    [
        (None, "invalid character '<' looking for beginning of value", Fault.INVALID_RESPONSE),
        (None, "Unexpected token'<',\"<html> <h\"... is not valid JSON", Fault.INVALID_RESPONSE),
        (None, "AI_JSONParseError: JSON parsing failed: Text: None.", Fault.INVALID_RESPONSE),
        (None, "Response(id='resp_1', error=None, object='response', output=[], tools=[])", Fault.INVALID_RESPONSE),
        (None, '{"error":"model "m-1" not found, try pulling it first"}', Fault.MODEL_UNAVAILABLE),
        (None, '{"error":"the balance of "me" is insufficient"}', Fault.QUOTA_EXHAUSTED),
        (None, "Invocation of model ID m-1 with on-demand throughput isn’t supported.", Fault.BAD_REQUEST),
        (None, "Range of input length should be [1, 30720]", Fault.BAD_REQUEST),
        (None, '{"detail":"Method Not Allowed"}curl: (3) unmatched brace in URL position 1', Fault.BAD_REQUEST),
        (None, "11200:AppIdNoAuthError:(21:00:00.909) tokens.total", Fault.PERMISSION_DENIED),
        (None, "Unauthorized request", Fault.INVALID_KEY),
    ],
)
def test_what_the_last_samples_missed_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@each_row(
    ("status", "body", "expected"),
    [
        (401, said("Invalid key"), Fault.INVALID_KEY),
        (401, said("unsupported value in Authorization header"), Fault.INVALID_KEY),
        (400, said("Unknown key 'foo' in request body"), Fault.BAD_REQUEST),
        (429, said("invalid request rate"), Fault.RATE_LIMITED),
        (407, said("authentication required"), Fault.PROXY_FAILED),
        (511, "<html><body>Please log in to the guest network</body></html>", Fault.PROXY_FAILED),
        (None, "client error (Connect): proxy authentication required", Fault.PROXY_FAILED),
        (None, "Error: Disk quota exceeded (os error 122)", Fault.BAD_REQUEST),
        (None, "EACCES: permission denied, open '/home/x/.claude.json'", Fault.BAD_REQUEST),
        (None, "tcp connect error: Connection refused (os error 61)", Fault.CONNECTION_FAILED),
        (400, said("To avoid your account being suspended, do not send this. Prompt blocked."), Fault.CONTENT_FILTERED),
        (403, said("The account of the upstream provider has been suspended"), Fault.SERVER_ERROR),
        (403, said("Our account at OpenAI was banned, we are working on it"), Fault.SERVER_ERROR),
        (403, said("渠道密钥已被吊销"), Fault.SERVER_ERROR),
        (429, said("upstream channel quota exceeded"), Fault.SERVER_ERROR),
        (
            500,
            '<_InactiveRpcError of RPC that terminated with:\n\tdetails = "Insufficient account balance"\n>',
            Fault.QUOTA_EXHAUSTED,
        ),
        (502, '<APIStatusError: {"error":{"message":"Insufficient account balance"}}>', Fault.QUOTA_EXHAUSTED),
    ],
)
def test_what_a_second_outsider_found_is_mended_with_its_siblings(status, body, expected):
    assert fault(body, status) is expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Your account is not suspended, but this model requires tier 2",
        "Your account isn't suspended; model not enabled",
        "账号未被封禁，但模型未开通",
        "Repeated violations may lead to your account being banned.",
    ],
)
def test_a_suspension_that_has_not_happened_is_none(sentence):
    assert fault(said(sentence), 403) is not Fault.ACCOUNT_SUSPENDED
    assert fault(said(f"Your account was suspended. {sentence}"), 403) is Fault.ACCOUNT_SUSPENDED
