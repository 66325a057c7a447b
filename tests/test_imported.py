"""Files of other tools → the accounts in them; what is not understood is named."""

import json

import pytest
import yaml

from monitor.setup.imported import import_file
from probes.catalog import load_provider, provider_ids
from probes.document import DocumentError

CATALOG = {id: load_provider(id) for id in provider_ids()}
KEY = "sk-good-0123456789abcdefXYZW"


@pytest.fixture
def imported(tmp_path):
    """Import a text, or what is dumped as JSON, as a file of this name."""

    def read(content, name):
        file = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        file.write_text(yaml.safe_dump(content) if name.endswith("yaml") and not isinstance(content, str) else text)
        return import_file(file, "file:.env#", CATALOG)

    return read


def brief(one):
    return one.id, one.key or one.secret, one.base, one.models, one.expect


def deployment(model, **params):
    return {"model_name": "m", "litellm_params": {"model": model, **params}}


LITELLM = {
    "its variable": (
        deployment("openai/gpt-4o", api_key="os.environ/TEAM_KEY"),
        ("openai/litellm", "env:TEAM_KEY", None, (), ("gpt-4o",)),
    ),
    "the usual variable": (
        deployment("anthropic/claude-haiku-4-5"),
        ("anthropic/litellm", "env:ANTHROPIC_API_KEY", None, (), ()),
    ),
    "no provider named": (
        deployment("gpt-4.1-nano", api_key=KEY),
        ("openai/litellm", KEY, None, (), ()),
    ),
    "a name of LiteLLM's own": (
        deployment("together_ai/meta-llama/Llama-3", api_key="os.environ/T"),
        ("together/litellm", "env:T", None, (), ("meta-llama/Llama-3",)),
    ),
    "a gateway": (
        deployment("openai/facebook/opt-125m", api_base="http://10.0.0.2:8000", api_key="none"),
        ("openai-compatible/litellm", "none", "http://10.0.0.2:8000/v1", ("facebook/opt-125m",), ()),
    ),
    "a resource of Azure": (
        deployment("azure/gpt-4o-eu", api_base="https://jo.openai.azure.com/", api_key="os.environ/AZ"),
        ("azure-openai/litellm", "env:AZ", "https://jo.openai.azure.com/openai/v1", ("gpt-4o-eu",), ()),
    ),
    "one that does not chat": (
        deployment("azure/text-embedding-3", api_base="https://jo.openai.azure.com/openai/v1", api_key="os.environ/A"),
        ("azure-openai/litellm", "env:A", "https://jo.openai.azure.com/openai/v1", (), ()),
    ),
    "a server at an address that a variable holds: nothing of it goes to OpenAI": (
        deployment("openai/gpt-4o", api_base="os.environ/GATEWAY", api_key="os.environ/TEAM_KEY"),
        ("openai/litellm", "env:TEAM_KEY", "os.environ/GATEWAY", ("gpt-4o",), ()),
    ),
    "an address that is none": (
        deployment("openai/gpt-4o", api_base="http://[::1/v1", api_key="os.environ/TEAM_KEY"),
        ("openai/litellm", "env:TEAM_KEY", "http://[::1/v1", ("gpt-4o",), ()),
    ),
    "every model": (deployment("groq/*", api_key="os.environ/G"), ("groq/litellm", "env:G", None, (), ())),
    "a server without a key": (
        deployment("ollama/llama3", api_base="http://localhost:11434"),
        ("ollama/litellm", "", "http://localhost:11434/v1", ("llama3",), ()),
    ),
}


@pytest.mark.parametrize(("entry", "account"), LITELLM.values(), ids=LITELLM)
def test_a_deployment_of_litellm_is_an_account(imported, entry, account):
    found = imported({"model_list": [entry], "litellm_settings": {"drop_params": True}}, "config.yaml")

    assert ([*map(brief, found.accounts)], found.unread) == ([account], ())


def test_deployments_of_one_key_are_one_account_and_a_stored_credential_is_looked_up(imported):
    entries = [deployment(f"openai/gpt-{n}", litellm_credential_name="team") for n in (5, 6)]
    stored = [{"credential_name": "team", "credential_values": {"api_key": "os.environ/TEAM"}}]
    found = imported({"model_list": entries, "credential_list": stored}, "config.yaml")

    assert [*map(brief, found.accounts)] == [("openai/litellm", "env:TEAM", None, (), ("gpt-5", "gpt-6"))]


def test_a_deployment_of_nobody_known_is_named_and_the_rest_is_taken(imported):
    entries = [deployment("sagemaker/x"), {"model_name": "broken"}, deployment("openai/gpt-4o")]
    found = imported({"model_list": entries}, "config.yaml")

    assert len(found.accounts) == 1
    assert [*found.unread] == [
        'config.yaml: model_list 1 (m): model = "sagemaker/x" is of no provider that is known here',
        "config.yaml: model_list 2 (broken) has no litellm_params",
    ]


def test_what_a_deployment_has_besides_is_named_and_an_address_in_a_variable_is_asked_for(imported):
    settings = {"model": "azure/m", "api_base": "os.environ/WHERE", "api_key": "os.environ/KEY", "rpm": 5}
    more = {"model": "openai/m", "api_key": "os.environ/KEY", "organization": "org-1", "extra_headers": {"X": KEY}}
    rows = [{"model_name": "a", "litellm_params": settings}, {"model_name": "b", "litellm_params": more}]
    found = imported({"model_list": rows, "include": ["more.yaml"]}, "config.yaml")

    assert {one.provider: one.hindrance for one in found.accounts} == {
        "azure-openai": "its address stands in the variable WHERE: write it as base",
        "openai": "",
    }
    assert [*found.unread] == [
        "config.yaml: model_list 2 (b): extra_headers, organization: not taken over, and the account may need it",
        "config.yaml: include holds other files: give those to --from, too",
    ]
    assert KEY not in str(found)


def test_what_is_switched_off_in_another_monitor_is_not_asked_here(imported):
    url, headers = "https://api.openai.com/v1/models", {"Authorization": f"Bearer {KEY}"}
    gatus = {"endpoints": [{"name": name, "url": url, "headers": headers, "enabled": on} for name, on in SWITCHED]}
    kuma = {
        "monitorList": [
            {"name": name, "type": "http", "url": url, "headers": json.dumps(headers), "active": on}
            for name, on in SWITCHED
        ]
    }
    for told, name in ((gatus, "gatus.yaml"), (kuma, "kuma.json")):
        found = imported(told, name)
        assert ([one.name for one in found.accounts], len(found.unread)) == (["on"], 1)
        assert found.unread[0].endswith("(off) is switched off")


SWITCHED = (("on", True), ("off", False))


def test_an_env_file_of_forty_names_is_read_and_the_unknown_ones_are_listed(imported):
    known = [name for one in CATALOG.values() for name in one.key_variables][:25]
    strange = [f"SERVICE_{number}" for number in range(15)]
    text = "".join(f"{name}={KEY}{number}\n" for number, name in enumerate(known + strange))
    found = imported(text, "team.env")

    assert {one.key for one in found.accounts} == {f"file:.env#{name}" for name in known}
    assert [words.split()[1] for words in found.unread] == strange
    assert KEY not in str(found)


def test_a_line_of_an_env_file_that_is_no_variable_is_named_and_the_others_count(imported):
    found = imported(f'OPENAI_API_KEY={KEY}\nPEM="-----BEGIN\nMII==\n-----END"\nN\u00c4ME_API_KEY={KEY}\n', "team.env")

    assert [one.key for one in found.accounts] == ["file:.env#OPENAI_API_KEY"]
    assert [*found.unread] == [
        "team.env: PEM is the variable of no provider that is known here",
        "team.env: line 5 is no NAME=value",
    ]


def channel(type, **facts):
    return {"id": 7, "type": type, "name": "EU", "key": KEY, "status": 1, "models": "a,b", **facts}


CHANNELS = {
    "a company": (channel(1, base_url=""), ("openai/EU", KEY, None, (), ("a", "b"))),
    "a number of one-api alone": (channel(36), ("deepseek/EU", KEY, None, (), ("a", "b"))),
    "a number of new-api alone": (
        channel(43, channel_info={"is_multi_key": False}),
        ("deepseek/EU", KEY, None, (), ("a", "b")),
    ),
    "a reseller": (
        channel(1, base_url="https://llm.example.com"),
        ("openai-compatible/EU", KEY, "https://llm.example.com/v1", ("a",), ("b",)),
    ),
    "a strange type at an address": (
        channel(99, base_url="https://llm.example.com"),
        ("openai-compatible/EU", KEY, "https://llm.example.com/v1", ("a",), ("b",)),
    ),
    "at an address that is none": (
        channel(1, base_url="llm.example.com"),
        ("openai/EU", KEY, "llm.example.com", ("a",), ("b",)),
    ),
    "another company, by its address": (
        channel(8, base_url="https://api.groq.com/openai"),
        ("groq/EU", KEY, None, (), ("a", "b")),
    ),
    "without its key, as the list of channels gives it": (
        channel(20, key=""),
        ("openrouter/EU", "", None, (), ("a", "b")),
    ),
}


@pytest.mark.parametrize("wrap", [lambda it: [it], lambda it: {"data": [it]}, lambda it: {"data": {"items": [it]}}])
@pytest.mark.parametrize(("entry", "account"), CHANNELS.values(), ids=CHANNELS)
def test_a_channel_is_an_account(imported, entry, account, wrap):
    assert [*map(brief, imported(wrap(entry), "channels.json").accounts)] == [account]


def test_each_key_of_a_channel_is_an_account_and_what_is_off_or_strange_is_named(imported):
    entries = [channel(14, key=f"{KEY}1\n{KEY}2\n"), channel(1, status=2), channel(18, name="x")]
    found = imported(entries, "channels.json")

    assert [(one.id, one.secret) for one in found.accounts] == [
        ("anthropic/EU", f"{KEY}1"),
        ("anthropic/EU-2", f"{KEY}2"),
    ]
    assert [*found.unread] == [
        "channels.json: channel 2 (EU) is switched off there",
        "channels.json: channel 3 (x) is of type 18, which is no provider that is known here",
    ]


ENDPOINTS = {
    "a company": ("https://api.openai.com/v1/models", "Bearer ${K}", ("openai/EU", "env:K", None, (), ())),
    "a company's chat": (
        "https://api.groq.com/openai/v1/chat/completions",
        f"Bearer {KEY}",
        ("groq/EU", KEY, None, (), ("big",)),
    ),
    "a gateway": (
        "https://llm.example.com/v1/chat/completions?x=1",
        "Bearer $K",
        ("openai-compatible/EU", "env:K", "https://llm.example.com/v1", ("big",), ()),
    ),
    "a site": ("https://example.com/health", "Bearer ${K}", None),
    "a list of models of anything": ("https://example.com/models", "", None),
    "an address that is none": ("http://[::1/v1/models", "Bearer ${K}", None),
    "an address in a variable": ("https://$HOST/v1/models", "Bearer ${K}", None),
    "no request": ("tcp://api.openai.com:443", "", None),
}


@pytest.mark.parametrize(("url", "authorization", "account"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_an_endpoint_of_an_llm_api_is_an_account_in_gatus_and_in_uptime_kuma(imported, url, authorization, account):
    headers = {"Authorization": authorization} if authorization else {}
    body = json.dumps({"model": "big"}) if "chat" in url else ""
    other = {"name": "other", "url": "https://api.mistral.ai/v1/models", "headers": {"Authorization": "Bearer $M"}}
    gatus = {"endpoints": [{"name": "EU", "url": url, "headers": headers, "body": body}, other]}
    monitors = [{"name": "EU", "type": "http", "url": url, "headers": json.dumps(headers), "body": body}]
    monitors.append({**other, "type": "keyword", "headers": json.dumps(other["headers"])})

    for content, name in ((gatus, "config.yaml"), ({"version": "1.23.16", "monitorList": monitors}, "kuma.json")):
        found = imported(content, name)
        first = [*map(brief, found.accounts)][0] if len(found.accounts) == 2 else None
        assert (first, len(found.unread)) == (account, 0 if account else 1)
        assert found.unread == () or found.unread[0].endswith("(EU) asks no LLM API")


def test_a_bearer_token_of_uptime_kuma_and_a_ping(imported):
    url = "https://api.openai.com/v1/models"
    monitors = [
        {"name": "a", "type": "http", "url": url, "authMethod": "bearer", "bearer_token": KEY, "headers": None},
        {"name": "b", "type": "ping", "hostname": "api.openai.com"},
    ]
    found = imported({"monitorList": monitors}, "kuma.json")

    assert ([one.secret for one in found.accounts], len(found.unread)) == ([KEY], 1)


STRANGE = {
    "a newer version": (
        {"version": "9.0", "monitors": [], "settings": 1},
        "kuma.json",
        ': is of no form that is known here of version "9.0": it has monitors, settings, version',
    ),
    "half a file": ('{"monitorList": [', "kuma.json", ": is not JSON (line 1)"),
    "no YAML": ("a: [\nb: }", "c.yaml", ": is neither JSON nor YAML (line 2)"),
    "a number": ("5", "c.yaml", ": is of no form that is known here"),
    "nothing": ("", "c.yaml", ": is of no form that is known here: it has nothing"),
    "only strangers": ({"model_list": [deployment("nobody/x")]}, "c.yaml", ": holds no account"),
    "fields of other types": (
        {"model_list": [5, {"model_name": 5, "litellm_params": {"model": 5, "api_key": []}}]},
        "c.yaml",
        ": holds no account",
    ),
    "a table that holds itself": ("&a\ndata: *a\n", "c.yaml", ": is of no form that is known here: it has data"),
    "a list of numbers": ([1, 2], "c.json", ": is of no form that is known here"),
}


@pytest.mark.parametrize(("content", "name", "told"), STRANGE.values(), ids=STRANGE)
def test_a_file_that_is_not_understood_is_refused_with_what_would_be(imported, content, name, told):
    with pytest.raises(DocumentError) as refused:
        imported(content, name)

    last = refused.value.problems[-1]
    assert f"{last.file}: {last.what}".startswith(f"{name}{told}")
    assert "model_list" in last.repair or "half" in last.repair


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"none.yaml: cannot be read \(No such file or directory\)"):
        import_file(tmp_path / "none.yaml", "", CATALOG)


def test_a_file_that_runs_code_or_grows_without_end_does_neither(imported):
    bomb = "a: &a [x,x]\nb: &b [*a,*a]\n" + "".join(
        f"{name}: &{name} [*{before},*{before}]\n" for before, name in zip("bcdefgh", "cdefghi", strict=True)
    )
    for text in ("!!python/object/apply:os.system ['false']", bomb):
        with pytest.raises(DocumentError):
            imported(text, "c.yaml")


def test_a_number_of_thousands_of_digits_is_refused(imported):
    for text in ("- {type: 0x%s, key: a}", "- {type: 1, key: a, id: 0x%s}", "version: 0x%s"):
        with pytest.raises(DocumentError, match=r"c.yaml: holds a number of thousands of digits; shorten it"):
            imported(text % ("f" * 5000), "c.yaml")


def test_a_channel_without_a_name_is_named_by_its_number_and_by_nothing_else(imported):
    ids = [7, {"a": KEY}, KEY, None]
    found = imported([channel(1, name="", id=id, key=f"{KEY}{place}") for place, id in enumerate(ids)], "c.json")

    assert [one.name for one in found.accounts] == ["channel-7"] + [
        f"channel-without-id{end}" for end in ("", "-2", "-3")
    ]
