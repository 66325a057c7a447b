"""What a person reads at a terminal about the providers' facts."""

import re
from datetime import date

import pytest
from msgspec.structs import replace

from monitor.commands.probe import observation_lines, observation_table
from monitor.commands.providers import provider_facts, provider_table
from monitor.console.status_screen import make_screen, screen_lines
from monitor.diagnose.subject import Scope
from monitor.publish.status import current_state
from probes.catalog import load_provider, provider_ids
from probes.hint import Demand
from probes.model import Answer, Fault, Target, Usage
from probes.provider import Canary, CreditFacts, Dialect, Feed, NoPage, Platform, Price, Provider, Rule, Signal
from probes.proxy import DIRECT_EGRESS, Egress, Proxies, Proxy
from tests.builders_page import account, incident, shown, sick, snapshot, target
from tests.conftest import observation

ALONE = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))
READ = "https://docs.example.com"
GUESSED = "unverified: from memory"
EXAMPLE = Provider(
    id="example",
    name="Example AI",
    source=READ,
    checked=date(2026, 11, 21),
    base="https://api.example.com/v1",
    canaries={
        "list": Canary(dialect=Dialect.LIST, path="/models", free=True, source=READ),
        "chat": Canary(dialect=Dialect.OPENAI_CHAT, path="/chat", model="small-1", source=GUESSED),
        "embed": Canary(dialect=Dialect.OPENAI_EMBED, path="/embeddings", model="embed-1", source=READ),
        "models": Canary(
            dialect=Dialect.LIST, path="/models", free=True, offers="data[].id", every_s=3600, source=READ
        ),
        "balance": Canary(
            dialect=Dialect.ACCOUNT,
            path="/balance",
            free=True,
            optional=True,
            credit=CreditFacts(left="left", currency="USD"),
            flags={Fault.QUOTA_EXHAUSTED: "left <= `0`"},
            source=READ,
        ),
        "costs": Canary(
            dialect=Dialect.ACCOUNT,
            path="/costs",
            free=True,
            admin=True,
            credit=CreditFacts(used="used", currency="USD"),
            source=READ,
        ),
    },
    prices=[
        Price(model="small-1", input_usd=0.1, output_usd=0.4, source=GUESSED, checked=date(2026, 11, 21)),
        Price(model="embed-1", input_usd=0.02, output_usd=0, source=READ, checked=date(2026, 11, 21)),
    ],
    rules=[
        Rule(id="banned", fault=Fault.ACCOUNT_SUSPENDED, tag=["banned"], source=READ),
        Rule(id="busy", fault=Fault.OVERLOADED, status=[503], source=GUESSED),
    ],
    feeds=[
        Feed(
            id="page",
            form=Platform.STATUSPAGE,
            url="https://status.example.com/api/v2/summary.json",
            page="https://status.example.com",
            components=["API"],
            source=GUESSED,
        )
    ],
    signals=[Signal(id="old", header="x-old", value="yes", fault=Fault.MODEL_RETIRING, source=GUESSED)],
    help={Fault.ACCOUNT_SUSPENDED: "https://example.com/appeal", Fault.RATE_LIMITED: "https://example.com/limits"},
    unverified=["canaries.chat.model", "canaries.balance.credit.currency", "help.rate_limited"],
)


def printed(capsys, provider=EXAMPLE):
    provider_facts(provider)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def line_of(capsys, start, provider=EXAMPLE):
    return next(line for line in printed(capsys, provider) if line.startswith(start))


def test_the_list_says_how_much_of_each_provider_is_unverified(capsys):
    provider_table([EXAMPLE])

    assert "8 of 18 facts" in capsys.readouterr().out


def test_one_provider_says_so_too(capsys):
    assert "unverified: 8 of 18 facts" in printed(capsys)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("list list", "nothing always - yes"),
        ("chat openai-chat", "small-1 (unverified) tokens always - unverified"),
        ("embed openai-embed", "embed-1 tokens if named - yes"),
        ("models list", "nothing always, every 1 h models yes"),
        ("balance account", "nothing if named credit, quota_exhausted yes"),
        ("costs account", "nothing with admin_key credit yes"),
        ("banned", "account_suspended tag ['banned'] yes"),
        ("busy", "overloaded status [503] unverified"),
        ("old", "model_retiring x-old yes unverified"),
        ("page", "statuspage https://status.example.com/api/v2/summary.json API unverified"),
        ("small-1", "0 0.1 0.4 unverified"),
        ("embed-1", "0 0.02 0 yes"),
        ("canaries.balance.credit.currency", "(unverified)"),
    ],
)
def test_each_fact_says_whether_it_was_verified(capsys, start, words):
    assert words in line_of(capsys, start)


def test_an_address_for_help_says_it_when_nobody_checked_it(capsys):
    lines = printed(capsys)

    assert "rate limit reached: https://example.com/limits (unverified)" in [line.lower() for line in lines]
    assert any(line.endswith("https://example.com/appeal") for line in lines)


def test_each_kind_of_verification_has_its_line(capsys):
    places = {Demand.PHONE: "https://example.com/phone", Demand.SECOND_FACTOR: "https://example.com/2fa"}
    lines = printed(capsys, replace(EXAMPLE, verification=places, unverified=["verification.phone"]))

    assert "verification, second factor: https://example.com/2fa" in lines
    assert any(line.startswith("verification, phone: https://example.com/phone ") for line in lines)


def test_a_missing_address_for_help_says_why_it_is_missing(capsys):
    help = {
        Fault.ACCOUNT_SUSPENDED: NoPage(none="no appeal form is published", mail="help@example.com"),
        Fault.RATE_LIMITED: NoPage(none="limits are shown nowhere"),
    }
    lines = printed(capsys, replace(EXAMPLE, help=help))

    assert "account suspended: no address, no appeal form is published; write to help@example.com" in lines
    assert "rate limit reached: no address, limits are shown nowhere (unverified)" in lines


@pytest.mark.parametrize("id", provider_ids())
def test_every_shipped_provider_can_be_printed(capsys, id):
    provider = load_provider(id)
    lines = printed(capsys, provider)

    assert [name for name in provider.canaries if not any(line.startswith(f"{name} ") for line in lines)] == []


def test_what_is_above_a_fact_marks_it_too():
    doubted = Provider(
        id="example",
        name="Example AI",
        source=READ,
        checked=date(2026, 11, 21),
        canaries={},
        help={Fault.RATE_LIMITED: "https://example.com"},
        unverified=["help", "base"],
    )

    assert doubted.facts() == {"source": True, "help.rate_limited": False, "base": False}


def status_of(shot, **options):
    now = current_state(shot)
    screen = make_screen(shot, now, frozenset(now.marks), **{"targets": True, "most": None} | options)
    return " ".join(" ".join(screen_lines(screen)).split())


def test_the_status_names_what_is_lost_and_what_that_may_cost():
    shot = snapshot(account(ties=("login jo",)), sick("openai/ill", Fault.ACCOUNT_SUSPENDED, ties=("login jo",)))
    out = status_of(shot)
    assert "openai/main not offered: openai/ill is suspended and shares the login jo" in out.replace(" 18 days", "")
    assert re.search("openai/ill canary .* list down .* openai/main canary .* list up", out)


def test_the_status_tells_how_fast_streams_go_on_where_that_is_known():
    out = status_of(snapshot(account()))

    assert "0.62 s 50" in out
    assert "1.9 s - -" in out
    assert "tokens/s" not in status_of(snapshot(account("openai/main", [target("openai/main", "list")])))


@pytest.mark.parametrize(("tokens", "told"), [(101, "0.50 s 50 2.5 s"), (3, "0.50 s 2.5 s")])
def test_a_probe_tells_how_fast_a_stream_went_on(tokens, told):
    one = replace(observation(), ttft_s=0.5, latency_s=2.5, usage=Usage(9, tokens))

    assert told in " ".join(" ".join(observation_lines([one], 80)).split())


def test_a_probe_has_a_table_for_each_account_and_says_what_several_answers_say_once():
    words = Answer("example/suspended", "This account was suspended, and nobody breaks this sentence in the middle.")
    ids = ("example/the-account-with-the-long-name", "example/b")
    met = [
        observation(Fault.ACCOUNT_SUSPENDED, target=Target(id, "example", canary, "gpt-5-nano"), answer=words)
        for id in ids
        for canary in ("list", "chat")
    ]
    lines = list(observation_lines(met, 80))

    assert all(len(line) <= 80 for line in lines)
    assert [line for line in lines if line in ids] == [*ids]
    assert sum("account_suspended  401" in line for line in lines) == 4
    assert sum("This account was suspended" in line for line in lines) == 2
    assert len(list(observation_lines(met, None))) == 5, "a pipe gets a line each"


def test_the_status_knows_no_target_while_the_monitor_is_offline():
    assert "list unknown" in status_of(snapshot(account(), open_incidents=(ALONE,)))


@pytest.mark.parametrize(
    ("host", "sibling", "doubted"),
    [(None, None, False), ("gate.example", "other.example", True), ("gate.example", "gate.example", False)],
)
def test_a_probe_doubts_a_base_that_was_entered_and_that_no_other_account_is_served_at(host, sibling, doubted, capsys):
    ill, well = (Target(f"example/{name}", "example", "chat", None, its) for name, its in (("a", host), ("b", sibling)))
    met = [observation(Fault.INVALID_RESPONSE, target=ill), observation(target=well)]
    observation_table(met, {"example": EXAMPLE})

    assert ("check the base address" in capsys.readouterr().out) is doubted


BY_PROXY = Egress(Proxies(https=Proxy("http", "proxy.example", 3128)))


@pytest.mark.parametrize("other", [BY_PROXY, Egress(ca_file="/ours.pem")])
@pytest.mark.parametrize("is_same", [True, False])
def test_a_probe_lets_nobody_wait_for_a_road_that_is_open_to_those_who_go_another(other, is_same, capsys):
    ill, well = (Target(f"example/{name}", "example", "chat", None, None) for name in ("a", "b"))
    met = [observation(Fault.CONNECTION_FAILED, target=ill), observation(target=well)]
    observation_table(met, {"example": EXAMPLE}, {"example/a": other, "example/b": other if is_same else DIRECT_EGRESS})

    said = " ".join(capsys.readouterr().out.split())
    assert ("while the same address answers others" in said) is is_same
    assert ("check DNS, firewall and certificates" in said) is not is_same
