"""What a good answer tells of the account: credit, its own state, the models on offer."""

import json
import math
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from probes.answer.balance import (
    LARGEST,
    MOST_CREDITS,
    MOST_MODELS,
    bad_expressions,
    find_by_path,
    raised_flag,
    read_credits,
    read_models,
)
from probes.answer.proof import Proof, prove
from probes.catalog import load_provider, provider_ids
from probes.model import Credit, Fault
from probes.provider import CreditFacts
from probes.redact import mask_secrets
from tests.rows import each_row

SAMPLES = Path(__file__).parent / "samples" / "account"
PROVIDERS = {id: load_provider(id) for id in provider_ids()}
TELLING = {
    f"{id}-{name}": (provider, canary)
    for id, provider in PROVIDERS.items()
    for name, canary in provider.canaries.items()
    if canary.credit or canary.flags or canary.offers
}
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
USD = CreditFacts(left="left", currency="USD")
CREDITS = msgspec.convert(
    tomllib.loads((SAMPLES.parent / "credits.toml").read_text()), dict[str, tuple[Credit, ...]], strict=False
)
"""What each sample with credit says."""


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


def facts_of(name):
    return TELLING[name][1]


def rounded(credit):
    numbers = {name: round(its, 6) for name in ("left", "most", "used") if (its := getattr(credit, name)) is not None}
    return replace(credit, **numbers)


def credits(left, **facts):
    return read_credits(CreditFacts(left="left", **({"currency": "USD"} | facts)), {"left": left})


def expiry(value):
    (credit,) = read_credits(CreditFacts(left="left", expires="at", currency="USD"), {"left": 1, "at": value})
    return credit.expires_at


# Each provider's answer


def test_every_canary_that_reads_its_answer_has_a_sample_of_it_and_no_sample_is_left_over():
    assert {path.stem for path in SAMPLES.iterdir()} == TELLING.keys()


@each_row("name", TELLING)
def test_a_sample_is_a_good_answer_and_shows_nothing_that_looks_like_a_key(name):
    text = (SAMPLES / f"{name}.json").read_text()

    assert prove(facts_of(name), text) is Proof.GOOD
    assert mask_secrets(text) == text


@each_row("name", [name for name, (_, canary) in TELLING.items() if canary.credit])
def test_each_balance_is_read_as_it_is_told(name):
    assert name in CREDITS, f"tests/samples/credits.toml lacks [[{name}]]; write there what its sample says"
    assert tuple(map(rounded, read_credits(facts_of(name).credit, sample(name)))) == CREDITS[name]


def test_no_meaning_is_without_its_sample():
    assert CREDITS.keys() <= TELLING.keys()


@pytest.mark.parametrize("name", [name for name, (_, canary) in TELLING.items() if canary.flags])
def test_no_healthy_answer_raises_a_flag(name):
    assert raised_flag(facts_of(name).flags, sample(name)) is None


@each_row("name", [name for name, (_, canary) in TELLING.items() if canary.offers])
def test_each_list_gives_the_names_under_which_its_models_are_asked_for(name):
    provider, canary = TELLING[name]
    offer = read_models(canary.offers, sample(name), canary.offers_prefix)

    assert offer
    assert (provider.canaries["chat"].model or "house-model-1") in offer


@each_row(
    ("name", "change", "fault"),
    [
        ("deepseek-balance", {"is_available": False}, Fault.QUOTA_EXHAUSTED),
        ("moonshot-balance", {"data": {"available_balance": 0}}, Fault.QUOTA_EXHAUSTED),
        ("moonshot-balance-cn", {"data": {"available_balance": -2.5}}, Fault.QUOTA_EXHAUSTED),
        ("new-api-balance", {"data": {"unlimited_quota": False, "total_available": 0}}, Fault.QUOTA_EXHAUSTED),
        ("new-api-balance", {"data": {"unlimited_quota": True, "total_available": 0}}, None),
        ("openrouter-list", {"data": {"limit": 20, "limit_remaining": 0}}, Fault.QUOTA_EXHAUSTED),
        ("openrouter-list", {"data": {"limit": None, "limit_remaining": None}}, None),
        ("litellm-balance", {"info": {"blocked": True}}, Fault.ACCOUNT_SUSPENDED),
        ("litellm-balance", {"info": {"spend": 3.01, "max_budget": 3.0}}, Fault.QUOTA_EXHAUSTED),
        ("litellm-balance", {"info": {"spend": 3.01, "max_budget": None}}, None),
        ("xai-list", {"team_blocked": True}, Fault.ACCOUNT_SUSPENDED),
        ("xai-list", {"api_key_blocked": True}, Fault.ACCOUNT_SUSPENDED),
        ("xai-list", {"api_key_disabled": True}, Fault.INVALID_KEY),
        ("fireworks-key", {"accounts": [{"suspendState": "BLOCKED_BY_ABUSE_RULE"}]}, Fault.ACCOUNT_SUSPENDED),
        ("fireworks-key", {"accounts": [{"suspendState": "CREDIT_DEPLETED"}]}, Fault.QUOTA_EXHAUSTED),
        ("fireworks-key", {"accounts": [{"suspendState": "FAILED_PAYMENTS"}]}, Fault.QUOTA_EXHAUSTED),
        ("fireworks-key", {"accounts": [{"suspendState": "MONTHLY_SPEND_LIMIT_EXCEEDED"}]}, Fault.QUOTA_EXHAUSTED),
        ("fireworks-key", {"accounts": [{"suspendState": "A_NEW_ONE"}, {}]}, None),
        ("fireworks-key", {"accounts": []}, None),
    ],
)
def test_a_block_that_is_told_beside_a_200_is_seen(name, change, fault):
    assert raised_flag(facts_of(name).flags, sample(name) | change) is fault


@pytest.mark.parametrize(
    ("name", "change", "credit"),
    [
        (
            *("openrouter-list", {"data": {"limit": None, "limit_remaining": None, "usage": 5}}),
            Credit("USD", used=5.0, unlimited=True),
        ),
        ("new-api-subscription", {"hard_limit_usd": 100000000, "access_until": 0}, Credit("USD", unlimited=True)),
        (
            *("new-api-balance", {"data": {"unlimited_quota": True, "total_available": -5, "expires_at": -1}}),
            Credit("USD", unlimited=True),
        ),
        (
            *("litellm-balance", {"info": {"spend": 2, "max_budget": None, "expires": None}}),
            Credit("USD", used=2.0, unlimited=True),
        ),
    ],
)
def test_no_limit_is_told_as_unlimited_and_not_as_a_number(name, change, credit):
    assert read_credits(facts_of(name).credit, sample(name) | change) == (credit,)


@pytest.mark.parametrize("name", ["openai-costs", "anthropic-costs"])
def test_a_month_that_has_just_begun_has_cost_nothing(name):
    (credit,) = read_credits(facts_of(name).credit, sample(name) | {"data": []})

    assert (credit.unit, credit.used) == ("USD", 0.0)


@each_row("name", CREDITS)
@each_row("answer", [{}, [], None, "fine", {"data": None}, {"data": {}}, {"data": [{}]}])
def test_an_answer_of_another_shape_tells_of_no_money(name, answer):
    credits = read_credits(facts_of(name).credit, answer)

    assert credits == () or (name.endswith("-costs") and credits == (Credit("USD", used=0.0),))


# Numbers, units, dates


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (5, 5.0),
        (0, 0.0),
        (-3.5, -3.5),
        ("110.00", 110.0),
        (" 7 ", 7.0),
        ("-0.25", -0.25),
        (LARGEST / 10, LARGEST / 10),
    ],
)
def test_a_number_may_be_a_text(value, left):
    assert credits(value) == (Credit("USD", left),)


@each_row(
    "value",
    ["", "many", "1,000", "1e9", "NaN", "inf", "٣", "0x10", "9" * 5000, math.nan, math.inf, -math.inf]
    + [LARGEST, 10**400, -(10**400), True, False, None, [], [5], {}, {"value": 5}],
)
def test_what_is_no_plain_number_is_not_told(value):
    assert credits(value) == ()


def test_what_is_left_is_what_there_was_less_what_is_used():
    facts = CreditFacts(most="most", used="used", currency="USD")

    assert read_credits(facts, {"most": "10", "used": 2.5}) == (Credit("USD", 7.5, 10.0, 2.5),)
    assert read_credits(facts, {"most": 10}) == (Credit("USD", None, 10.0),)


def test_a_scale_turns_cents_into_dollars():
    assert credits("250", scale=0.01) == (Credit("USD", 2.5),)


@pytest.mark.parametrize("unit", ["XTS", "usd", "₿", "Qwen-Coins", "requests"])
def test_a_balance_in_an_unknown_currency_is_kept_as_it_was_told(unit):
    facts = CreditFacts(left="left", currency_at="unit")

    assert read_credits(facts, {"left": 12, "unit": unit}) == (Credit(unit, 12.0),)


@pytest.mark.parametrize("unit", [None, "", "  ", 5, ["USD"], {"is": "USD"}, "a unit that is longer than any"])
def test_a_balance_without_a_unit_is_none(unit):
    assert read_credits(CreditFacts(left="left", currency_at="unit"), {"left": 12, "unit": unit}) == ()


def test_a_unit_holds_no_control_character_and_no_secret():
    facts = CreditFacts(left="left", currency_at="unit")

    (credit,) = read_credits(facts, {"left": 1, "unit": "U\x1b\u202eSD"})
    assert credit.unit == "USD"
    (credit,) = read_credits(facts, {"left": 1, "unit": "sk-abcdefghijklm"})
    assert credit.unit == "[redacted]"


@pytest.mark.parametrize(
    "value",
    [
        1798761600,
        "1798761600",
        1798761600.0,
        1798761600000,
        "1798761600000",
        "2027-01-01T00:00:00Z",
        "2027-01-01T00:00:00",
        "2027-01-01",
        "2027-01-01T09:00:00+09:00",
    ],
)
def test_an_end_may_be_told_in_seconds_milliseconds_or_iso_8601(value):
    assert expiry(value) == NEW_YEAR


@each_row(
    "value",
    [0, -1, "0", "-1", "", "never", None, True, [], {}, "2027-13-01", 9e14, 10**40, math.nan, "0001-01-01T00:00+14:00"],
)
def test_what_names_no_end_is_no_end(value):
    assert expiry(value) is None


def test_an_end_alone_is_worth_telling():
    assert read_credits(CreditFacts(expires="at", currency="USD"), {"at": 1798761600}) == (
        Credit("USD", expires_at=NEW_YEAR),
    )


# Bounds


def test_of_many_balances_a_few_are_kept():
    facts = CreditFacts(each="all", left="left", currency_at="unit")
    answer = {"all": [{"left": number, "unit": f"C{number}"} for number in range(1000)]}

    assert len(read_credits(facts, answer)) == MOST_CREDITS


@pytest.mark.parametrize("answer", [{}, {"all": None}, {"all": 5}, {"all": {"left": 1}}, {"all": "left"}])
def test_several_balances_that_are_no_list_are_none(answer):
    assert read_credits(CreditFacts(each="all", left="left", currency="USD"), answer) == ()


def test_an_offer_names_each_model_once_in_its_order_without_what_stands_before():
    answer = ["models/b", "a", "models/b", "models/", 5, None, "", "x" * 201]

    assert read_models("@", answer, "models/") == ("b", "a")


def test_an_offer_has_a_longest_length():
    assert len(read_models("@", [f"m-{number}" for number in range(5000)])) == MOST_MODELS


@pytest.mark.parametrize("answer", [None, {}, [], "models", 5, [None, 5, {}]])
def test_what_is_no_list_of_names_is_no_offer(answer):
    assert read_models("@", answer) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "results", "amount", "value", "accounts", "suspendState", "balance_infos", "currency", "info"]
                + [
                    "total_balance",
                    "hard_limit_usd",
                    "access_until",
                    "total_usage",
                    "expires_at",
                    "limit",
                    "usage",
                    "id",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@example({"data": [{"results": [{"amount": {"value": "9" * 5000}}]}]})
@example({"data": [{"results": [{"amount": 10**400}]}]})
@example({"hard_limit_usd": [], "access_until": 10**400})
def test_no_json_whatever_raises(answer):
    for _, canary in TELLING.values():
        for credit in read_credits(canary.credit, answer) if canary.credit else ():
            assert all(figure is None or math.isfinite(figure) for figure in (credit.left, credit.most, credit.used))
        raised_flag(canary.flags, answer)
        if canary.offers:
            read_models(canary.offers, answer, canary.offers_prefix)


# Expressions


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("data[", "Invalid jmespath expression"),
        ("data..id", "Expecting: "),
        ("summ(data)", "no such function: summ"),
        ("data[?lenght(id) > `1`].sum(@)", "no such function: lenght"),
    ],
)
def test_what_is_no_jmespath_is_told_with_its_reason(expression, why):
    ((key, told),) = bad_expressions({"left": expression, "used": "sum(data)"})

    assert key == "left"
    assert told.startswith(why)


def test_an_expression_that_does_not_suit_the_answer_finds_nothing():
    assert find_by_path("sum(data)", {"data": "five"}) is None
    assert find_by_path("sum(data)", {"data": [1, 2]}) == 3
