"""What an answer's words tell beyond its fault."""

from pathlib import Path
from time import thread_time

import pytest

from probes.answer.error_body import read_complaint, words_of
from probes.hint import Demand, is_leak, read_demands
from tests.rows import each_row

DEMANDED = {
    "Please verify your phone number": Demand.PHONE,
    "phone_verification_required": Demand.PHONE,
    "A phone number linked to your account must be verified": Demand.PHONE,
    "Verify your account via SMS": Demand.PHONE,
    "Confirm your mobile number to go on.": Demand.PHONE,
    "请先绑定手机号": Demand.PHONE,
    "請先綁定手機": Demand.PHONE,
    "RPM limit reached. Please complete identity verification to lift the restriction.": Demand.IDENTITY,
    "Complete KYC first": Demand.IDENTITY,
    "Real-name authentication is required": Demand.IDENTITY,
    "Upload a government-issued ID": Demand.IDENTITY,
    "verify your identity via email": Demand.IDENTITY,
    "Access is limited until your identity is verified.": Demand.IDENTITY,
    "Your email is verified. Please complete identity verification": Demand.IDENTITY,
    "账号未完成实名认证": Demand.IDENTITY,
    "請完成實名認證": Demand.IDENTITY,
    "Business verification is pending": Demand.BUSINESS,
    "Please verify your company": Demand.BUSINESS,
    "该模型仅对企业实名认证用户开放": Demand.BUSINESS,
    "請先完成企業認證": Demand.BUSINESS,
    "请完成企业主体认证": Demand.BUSINESS,
    "Your organization must be verified to use the model `gpt-5`.": Demand.ORGANIZATION,
    "Please enable two-factor authentication": Demand.SECOND_FACTOR,
    "MFA is required for this organization's keys": Demand.SECOND_FACTOR,
    "请开启两步验证": Demand.SECOND_FACTOR,
    "須完成雙重驗證": Demand.SECOND_FACTOR,
    "請先啟用兩步驟驗證": Demand.SECOND_FACTOR,
    "请先完成双重身份验证": Demand.SECOND_FACTOR,
    "必須開啟二階段驗證": Demand.SECOND_FACTOR,
    "需要多重身分驗證": Demand.SECOND_FACTOR,
    "請設定雙因素認證": Demand.SECOND_FACTOR,
    "二段階認証を有効にしてください": Demand.SECOND_FACTOR,
    "2要素認証が必要です": Demand.SECOND_FACTOR,
    "Turn on MFA to use Codex": Demand.SECOND_FACTOR,
    "email_not_verified": Demand.EMAIL,
    "Unverified email": Demand.EMAIL,
    "You must have a confirmed email address on your account; check your inbox": Demand.EMAIL,
    "A credit card must be verified": Demand.CARD,
    "Please add a payment method": Demand.CARD,
    "We need to verify your billing details": Demand.CARD,
    "Age verification required": Demand.AGE,
    "Model use case details have not been submitted for this account.": Demand.USE_CASE,
}

VAGUE = (
    "Verify your account to continue.",
    "Your account needs to be verified",
    "Verify your account or email us at help@example.com",
    "Your phone is verified. Verify your account to go on.",
    "VALIDATION_REQUIRED",
    "",
)

LEAKED = (
    "Your API key was reported as leaked. Please use another API key.",
    "This key was found in a public GitHub repository and has been revoked.",
    "We found your API key publicly posted on the internet.",
    "API key disabled: detected in a public repository",
    "API key AIza...xyz has been disabled because it was publicly exposed.",
    "We believe this API key may have been compromised and have disabled it.",
    "Invalid API key: it was compromised",
    "Key revoked: exposed in public code",
    "We disabled your key after it was shared publicly",
    "Your API key was revoked because it was publicly accessible",
    "Access key has been quarantined due to suspected compromise",
    "sk-*** was revoked (leak detected)",
    "api_key_leaked",
    "Disabled by GitHub secret scanning",
    "not authorized, with an explicit deny in an identity-based policy: AWSCompromisedKeyQuarantineV3",
    "Your account has been compromised",
    "密钥已泄露，请重新生成",
    "您的 API Key 疑似泄漏，已被禁用",
    "金鑰已外洩",
)

NOT_LEAKED = (
    "Incorrect API key provided: sk-...abc. You can find your API key at https://platform.openai.com/account/api-keys.",
    "If your key has been leaked, create a new one.",
    "Invalid API key. Make sure your key has not been exposed publicly.",
    "Your key is wrong; it has not been leaked.",
    "The model is not exposed to your API key",
    "No key found in public header",
    "API key not found in public registry",
    "Never use leaked keys",
    "Invalid token. Tokens posted publicly are revoked automatically.",
    "Do not share your API key in public repositories",
    "API key expired. Please renew the API key.",
    "如密钥泄露，请重新生成",
    "请勿泄露密钥",
    "密钥未泄露",
    "",
)


@each_row(("words", "demand"), DEMANDED.items())
def test_words_say_what_is_to_be_verified(words, demand):
    assert read_demands(words) == (demand,)


def test_each_demand_is_known_by_some_words():
    assert set(DEMANDED.values()) == set(Demand)


@pytest.mark.parametrize("words", VAGUE)
def test_words_that_name_nothing_demand_nothing_in_particular(words):
    assert read_demands(words) == ()


def test_several_demands_are_all_told():
    assert read_demands("Please verify your email or phone number.") == (Demand.PHONE, Demand.EMAIL)
    assert read_demands("请完成个人实名认证或企业认证") == (Demand.IDENTITY, Demand.BUSINESS)


@each_row("words", LEAKED)
def test_a_key_that_is_said_to_have_leaked_is_a_leak(words):
    assert is_leak(words)


@each_row("words", NOT_LEAKED)
def test_a_wrong_key_and_a_general_warning_are_none(words):
    assert not is_leak(words)


@pytest.mark.parametrize("piece", ["verify ", "phone number ", "key found in ", "key was ", "密钥", "a.", "_"])
def test_no_words_take_long_to_read(piece):
    began = thread_time()
    read_demands(piece * 300)
    is_leak(piece * 300)
    assert thread_time() - began < 2


def test_of_all_recorded_answers_only_those_of_leaks_are_leaks():
    samples = sorted(Path(__file__).parent.glob("samples/*/*.http"))
    found = [f"{path.parent.name}/{path.stem}" for path in samples if is_leak(_words(path))]
    assert len(samples) > 300
    assert found == ["gemini/key-leaked", "wording/key-leaked"]


def _words(path):
    return words_of(read_complaint(None, {}, path.read_text().partition("\n\n")[2]))
