"""Each provider's file against recorded answers: every rule has its sample, and nothing steals it."""

from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from monitor.config.cost import estimate_target
from monitor.config.document import BudgetSection
from monitor.schedule import Watch
from probes.catalog import FOLDER, check_wording, find_contradictions, load_provider, load_wording, provider_ids
from probes.freshness import dated_facts
from probes.model import Account, Blame, Fault, Target
from probes.proposal import verdict_on
from probes.provider import Canary, Dialect, NoPage, Price, Provider
from probes.redact import mask_secrets
from probes.sample import read_sample
from tests.rows import each_row

SAMPLES = Path(__file__).parent / "samples"
SOURCE = "https://docs.example.com"
WORDING = load_wording().rules
PROVIDERS = {id: load_provider(id) for id in provider_ids()}
OVER_HTTP = [pytest.param(one, id=one.id) for one in PROVIDERS.values() if not one.is_command]
COMMANDS = [pytest.param(one, id=one.id) for one in PROVIDERS.values() if one.is_command]
NOBODY = Provider(
    id="nobody",
    name="Nobody",
    source=SOURCE,
    checked=date(2026, 11, 21),
    canaries={"list": Canary(dialect=Dialect.LIST, path="/models", source=SOURCE)},
)
RULES = {id: provider.rules for id, provider in PROVIDERS.items()} | {"wording": WORDING}
EACH_RULE = [pytest.param(id, rule, id=f"{id}/{rule.id}") for id, rules in RULES.items() for rule in rules]
EACH_SAMPLE = [
    pytest.param(path, id=f"{path.parent.name}/{path.stem}") for id in RULES for path in (SAMPLES / id).iterdir()
]


@each_row("id", PROVIDERS)
def test_the_facts_of_a_shipped_provider_fit_each_other(id):
    assert list(find_contradictions(PROVIDERS[id], f"{id}.toml")) == []


def test_the_shared_wording_can_be_used():
    assert list(check_wording(load_wording(), "wording.toml")) == []


@each_row(("id", "rule"), EACH_RULE)
def test_each_rule_is_the_first_to_fit_its_sample(id, rule):
    sample = read_sample((SAMPLES / id / f"{rule.id}.http").read_text())

    verdict = verdict_on(PROVIDERS.get(id, NOBODY), WORDING, sample)

    assert (verdict.rule, verdict.fault) == (f"{id}/{rule.id}", rule.fault)


@each_row("id", RULES)
def test_no_sample_is_without_its_rule(id):
    assert {path.name for path in (SAMPLES / id).iterdir()} == {f"{rule.id}.http" for rule in RULES[id]}


@each_row("path", EACH_SAMPLE)
def test_a_sample_holds_nothing_that_looks_like_a_key(path):
    text = path.read_text()

    assert mask_secrets(text) == text


@each_row("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_no_fact_was_checked_in_the_future(provider):
    today = datetime.now(UTC).date()

    assert [fact.path for fact in dated_facts(provider) if fact.checked > today] == []


@each_row(("id", "rule"), EACH_RULE)
def test_each_rule_says_where_it_was_read(id, rule):
    assert rule.source.startswith(("https://", "unverified: "))


EACH_FEED = [pytest.param(feed, id=f"{id}/{feed.id}") for id, one in PROVIDERS.items() for feed in one.feeds]


@each_row("feed", EACH_FEED)
def test_each_status_source_is_read_over_https_and_says_where_that_was_read(feed):
    assert feed.url.startswith("https://")
    assert feed.page.startswith("https://")
    assert feed.source.startswith(("https://", "unverified: "))


@each_row("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_a_chapter_on_status_names_a_source_or_says_why_there_is_none(provider):
    chapter = (FOLDER / f"{provider.id}.toml").read_text().partition("\n# Status ---")[2]

    assert bool(provider.feeds) != ("\n# None: " in chapter) or not chapter
    assert chapter or not provider.feeds


@each_row("provider", OVER_HTTP)
def test_each_provider_can_be_asked_for_free_and_for_a_token(provider):
    assert provider.canaries["list"].free
    assert not provider.canaries["chat"].free
    assert provider.auth.value.endswith("{key}")


@pytest.mark.parametrize("provider", COMMANDS)
def test_a_client_is_run_once_an_hour_and_no_shell_is_among_its_words(provider):
    canary = provider.canaries["command"]

    assert (canary.every_s, canary.free) == (3600, False)
    assert not {"sh", "bash", "-c"} & set(canary.run)


@each_row(
    ("id", "canary", "model", "address"),
    [
        ("openai", "list", None, "https://api.openai.com/v1/models"),
        ("openai", "chat", None, "https://api.openai.com/v1/chat/completions"),
        ("openai", "responses", None, "https://api.openai.com/v1/responses"),
        ("anthropic", "chat", None, "https://api.anthropic.com/v1/messages"),
        (
            *("gemini", "chat", "m-1"),
            "https://generativelanguage.googleapis.com/v1beta/models/m-1:streamGenerateContent?alt=sse",
        ),
        ("cohere", "list", None, "https://api.cohere.com/v1/models?page_size=1"),
        ("cohere", "chat", None, "https://api.cohere.com/v2/chat"),
        ("groq", "chat", None, "https://api.groq.com/openai/v1/chat/completions"),
        ("openai", "embed", None, "https://api.openai.com/v1/embeddings"),
        ("anthropic", "count", None, "https://api.anthropic.com/v1/messages/count_tokens"),
        ("cohere", "embed", None, "https://api.cohere.com/v2/embed"),
        ("deepseek", "balance", None, "https://api.deepseek.com/user/balance"),
        ("openrouter", "list", None, "https://openrouter.ai/api/v1/key"),
        ("xai", "list", None, "https://api.x.ai/v1/api-key"),
    ],
)
def test_base_and_path_make_the_documented_address(id, canary, model, address):
    provider = PROVIDERS[id]

    assert (provider.base + provider.canaries[canary].path).replace("{model}", str(model)) == address


def test_whoever_leaves_the_address_to_the_account_makes_no_account_of_a_variable():
    open_ones = [provider for provider in PROVIDERS.values() if provider.base is None]

    assert {"openai-compatible", "azure-openai", "new-api"} <= {provider.id for provider in open_ones}
    assert not [provider.id for provider in open_ones if provider.key_variables]


@each_row("provider", [one for one in PROVIDERS.values() if one.base or one.is_command], ids=lambda one: one.id)
def test_each_fault_of_an_account_has_an_address_where_it_is_mended(provider):
    rules = {rule.fault for rule in provider.rules if rule.fault} | {signal.fault for signal in provider.signals}
    flags = {fault for canary in provider.canaries.values() for fault in canary.flags}
    faults = {fault for fault in rules | flags if fault.blame is Blame.ACCOUNT}

    assert faults <= provider.help.keys()


HOSTED = [provider for provider in PROVIDERS.values() if provider.base or provider.is_command or provider.domains]
GATEWAYS = [provider for provider in PROVIDERS.values() if provider not in HOSTED]
"""What people run themselves: whoever runs it is the one to ask."""
ALWAYS = (
    Fault.ACCOUNT_SUSPENDED,
    Fault.QUOTA_EXHAUSTED,
    Fault.PERMISSION_DENIED,
    Fault.VERIFICATION_REQUIRED,
)


@each_row("provider", HOSTED, ids=lambda one: one.id)
def test_each_hosted_provider_says_where_one_appeals_pays_asks_for_rights_and_verifies_or_why_nowhere(provider):
    assert [fault for fault in ALWAYS if fault not in provider.help] == []


@each_row("provider", HOSTED, ids=lambda one: one.id)
def test_each_address_of_help_is_the_providers_own_and_encrypted(provider):
    for help in (*provider.help.values(), *provider.verification.values()):
        if isinstance(help, NoPage):
            host = (help.mail or "").rpartition("@")[2]
        else:
            assert help.startswith("https://")
            host = urlsplit(help).hostname or ""
        assert not host or any(f".{host}".endswith(f".{domain}") for domain in provider.domains)


@each_row("provider", HOSTED, ids=lambda one: one.id)
def test_each_hosted_provider_names_the_domains_of_its_company(provider):
    assert provider.domains, f'{provider.id}.toml lacks `domains`; add domains = ["example.com"], where its help is'


@pytest.mark.parametrize("provider", GATEWAYS, ids=lambda one: one.id)
def test_what_people_run_themselves_sends_nobody_to_a_page(provider):
    assert (provider.help, provider.verification) == ({}, {}), f"{provider.id}.toml has [help] without `domains`"


def test_the_gateways_that_people_run_themselves_are_no_hosted_providers():
    assert {"litellm", "new-api", "openai-compatible", "vllm"} <= {provider.id for provider in GATEWAYS}


@each_row("provider", [one for one in PROVIDERS.values() if one.base], ids=lambda one: one.id)
def test_the_price_of_the_default_model_is_known(provider):
    assert provider.cost_usd(provider.canaries["chat"].model, 10, 16) > 0
    paid = {name: canary.model for name, canary in provider.canaries.items() if not canary.free}
    assert [name for name, model in paid.items() if provider.cost_usd(model, 10, 16) is None] == []


@each_row("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_whatever_is_called_unverified_is_counted_once(provider):
    doubted = [path for path, verified in provider.facts().items() if not verified]
    sourced = [canary.source for canary in provider.canaries.values()] + [rule.source for rule in provider.rules]

    assert len(doubted) >= sum(source.startswith("unverified") for source in sourced)
    assert all(any(path.startswith(one) for path in doubted) for one in provider.unverified)


@each_row("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_only_a_free_canary_takes_the_administration_key_or_reads_the_account(provider):
    for canary in provider.canaries.values():
        assert canary.free or not (canary.admin or canary.credit or canary.flags or canary.offers)


def test_a_fee_for_each_call_is_counted_besides_the_tokens():
    fee = Price(model="m", call_usd=0.5, input_usd=1, output_usd=1, source=SOURCE, checked=date(2026, 11, 21))

    assert msgspec.structs.replace(PROVIDERS["openai"], prices=[fee]).cost_usd("m", 1_000_000, 0) == 1.5


def test_no_providers_defaults_are_above_the_default_budget():
    budget = BudgetSection()
    for provider in PROVIDERS.values():
        for name, canary in provider.canaries.items():
            watch = Watch(Target("x/y", "x", name, canary.model), canary.every_s or 300, canary.free)
            cost = estimate_target(watch, provider, Account("y", "x"))
            assert (cost.tokens or 0) <= budget.daily_tokens
            assert (cost.usd or 0) <= budget.daily_usd, provider.id


def test_a_cost_is_counted_per_million_tokens_by_the_first_prefix_that_fits():
    long, short = (
        Price(model=model, input_usd=usd, output_usd=10 * usd, source=SOURCE, checked=date(2026, 11, 21))
        for model, usd in (("m-large", 3.0), ("m", 1.0))
    )
    provider = msgspec.structs.replace(NOBODY, prices=[long, short])

    assert provider.cost_usd("m-large-2026", 1_000_000, 100_000) == pytest.approx(6.0)
    assert provider.cost_usd("m-small", 1_000_000, 0) == pytest.approx(1.0)


@pytest.mark.parametrize("model", ["other", None])
def test_a_model_without_a_known_price_costs_none(model):
    assert PROVIDERS["openai"].cost_usd(model, 10, 10) is None


def test_groq_counts_requests_by_the_day():
    assert PROVIDERS["groq"].windows["requests"] == 24 * 60 * 60
