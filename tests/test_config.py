import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import trustme

from monitor.alert.channel import TERMINAL, Channel
from monitor.alert.digest import Timing
from monitor.alert.rule import AlertLimits
from monitor.config.document import SiteSection
from monitor.config.load import from_environment, load_config
from monitor.config.schema import SCHEMA, meanings, schema, sections
from monitor.detect.credit import CreditThreshold
from monitor.detect.health import Thresholds
from monitor.detect.reminder import Reminder
from monitor.runtime.daemon import LOOPBACK
from monitor.slo.objective import Goal
from monitor.state.monitor_state import probe_limits
from monitor.store.setting import Retention
from probes.catalog import load_provider
from probes.document import DocumentError
from probes.feeds.poll_interval import USUAL_S
from probes.model import Fault, TimeLimits
from probes.provider import NoPage

BAD = Path(__file__).parent / "samples" / "bad_config"
KEY = "sk-proj-0123456789abcdef0123456789"
SET = {"SET": KEY}


def written(folder, text):
    path = folder / "monitor.toml"
    path.write_text(text)
    return path


def loaded(folder, text, environment=SET):
    return load_config(written(folder, text), environment)


def account(rest="", name="a", provider="openai", key='"env:SET"'):
    return f'[[accounts]]\nname = "{name}"\nprovider = "{provider}"\nkey = {key}\n{rest}\n'


def subscription(rest="", provider="codex"):
    return f'[[accounts]]\nname = "sub"\nprovider = "{provider}"\n{rest}\n'


def test_what_the_file_leaves_out_is_what_the_parts_hold_for_usual(tmp_path):
    config = loaded(tmp_path, account() + '[[channels]]\nname = "phone"\nurl = "terminal:"\n')
    floor = config.attention("openai/a").floor

    assert (config.thresholds, probe_limits(config)) == (Thresholds(), TimeLimits())
    assert (floor.days_left, floor.expires_days) == (CreditThreshold().days_left, CreditThreshold().expires_days)
    assert (config.rules.patience, config.digest) == (AlertLimits(), Timing())
    assert config.channels == (Channel("phone", "terminal:"),)
    assert config.status.interval_s == USUAL_S


@pytest.mark.parametrize("sample", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_file_gets_all_its_errors_with_their_repairs(sample, tmp_path):
    shutil.copy(sample, tmp_path / "monitor.toml")

    with pytest.raises(DocumentError) as caught:
        load_config(tmp_path / "monitor.toml", SET)

    told = sorted(map(str, caught.value.problems))
    assert told == sorted(sample.with_suffix(".txt").read_text().splitlines())


@pytest.mark.parametrize(
    "text",
    [
        account(key=f'"{KEY}"'),
        subscription(f'command = ["codex", "{KEY}"]'),
        subscription(f'environment = ["{KEY}"]'),
        subscription(f'environment = {{ A = "{KEY}" }}'),
        account(key=f'"env:{KEY}"'),
        account(key=f'"file:{KEY}"'),
        account(key=f'"command:show {KEY}"'),
        account(key='"env:sk-proj-0..."'),
        account(key=f'["env:SET", "{KEY}"]'),
        account('admin_key = "env:sk-proj-0123456789abcdef"'),
        account(f'headers = {{ x-gate = "env:{KEY}" }}'),
        account(f'headers = "x-gate: {KEY}"'),
        account(f'headers = {{ x-gate = ["{KEY}"] }}'),
        account(f'headers = {{ "Authorization: Bearer {KEY}" = "" }}'),
        account(f'headers = {{ x-gate = """{KEY}\n""" }}'),
        account() + f'[providers.openai.headers]\nx-gate = "env:{KEY}"',
        account() + f'[providers.openai.headers]\nx-gate = """{KEY}\n"""',
    ],
)
def test_no_error_shows_a_key_that_was_pasted(tmp_path, text):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, text)

    assert KEY[:12] not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"monitor.toml: does not exist; create .*monitor.toml"):
        load_config(tmp_path / "monitor.toml", SET)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "monitor.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(DocumentError, match="is not UTF-8"):
        load_config(tmp_path / "monitor.toml", SET)


def test_an_account_is_watched_by_chat_with_the_cheapest_model_and_by_all_that_is_free(tmp_path):
    watches = loaded(tmp_path, account()).watches.values()

    assert [(watch.target.canary, watch.interval_s, watch.free) for watch in watches] == [
        ("list", 60, True),
        ("chat", 300, False),
        ("models", 3600, True),
    ]
    assert [bool(watch.target.model) for watch in watches] == [False, True, False]


def test_what_not_every_gateway_answers_is_asked_only_where_it_is_named(tmp_path):
    base = 'base = "https://relay.example.com/v1"\n'
    usual = loaded(tmp_path, account(base, provider="openai-compatible")).watches.values()
    named = loaded(
        tmp_path, account(base + 'canaries = ["subscription"]', provider="openai-compatible")
    ).watches.values()

    assert "subscription" not in {watch.target.canary for watch in usual}
    assert [(watch.target.canary, watch.free) for watch in named] == [("subscription", True)]


def test_an_administration_key_adds_the_canaries_that_take_it(tmp_path):
    usual = loaded(tmp_path, account()).watches.values()
    trusted = loaded(tmp_path, account('admin_key = "env:SET"')).watches.values()

    assert {watch.target.canary for watch in trusted} - {watch.target.canary for watch in usual} == {"costs"}


def test_a_canary_at_an_address_of_its_own_is_not_asked_for_an_account_elsewhere(tmp_path):
    at_home = loaded(tmp_path, account(provider="moonshot")).watches.values()
    elsewhere = loaded(tmp_path, account('base = "https://api.moonshot.cn/v1"', provider="moonshot")).watches.values()

    assert "balance" in {watch.target.canary for watch in at_home}
    assert "balance" not in {watch.target.canary for watch in elsewhere}


def test_models_multiply_the_paid_canaries(tmp_path):
    config = loaded(tmp_path, account('canaries = ["list", "chat", "responses"]\nmodels = ["x", "y"]'))

    assert [watch.split("/", 2)[2] for watch in config.watches] == [
        "list",
        "chat/x",
        "chat/y",
        "responses/x",
        "responses/y",
    ]


def test_models_can_be_named_for_one_canary(tmp_path):
    config = loaded(tmp_path, account('canaries = ["responses"]\nmodels = { responses = ["codex"] }'))

    assert list(config.watches) == ["openai/a/responses/codex"]


def test_intervals_come_from_the_account_then_from_probe(tmp_path):
    config = loaded(
        tmp_path, account("interval_s = { chat = 900 }") + "[probe]\nfree_interval_s = 30\npaid_interval_s = 600"
    )

    assert {watch.target.canary: watch.interval_s for watch in config.watches.values()} == {
        "list": 30,
        "chat": 900,
        "models": 3600,
    }


def test_a_canary_that_is_dear_has_a_pace_of_its_own_until_somebody_says_otherwise(tmp_path):
    usual = loaded(tmp_path, account(provider="cohere")).watches
    said = loaded(tmp_path, account("interval_s = { chat = 600 }", provider="cohere")).watches

    assert [watch.interval_s for watch in usual.values()] == [60, 3600, 3600]
    assert [watch.interval_s for watch in said.values()] == [60, 600, 3600]


def test_a_budget_can_be_the_accounts_own(tmp_path):
    text = account("daily_usd = 1.5") + account(name="b") + "[budget]\ndaily_usd = 0.1\ndaily_tokens = 7"
    budgets = loaded(tmp_path, text).budgets

    assert [(one.daily_usd, one.daily_tokens) for one in budgets.values()] == [(1.5, 7), (0.1, 7)]


def test_a_gateway_has_its_own_address_and_only_lists_without_a_model(tmp_path):
    config = loaded(tmp_path, account('base = "https://relay.example.com/v1"', provider="openai-compatible"))

    assert config.accounts["openai-compatible/a"].base == "https://relay.example.com/v1"
    assert list(config.watches) == ["openai-compatible/a/list", "openai-compatible/a/models"]


def test_what_is_shared_is_called_as_it_was_first_written(tmp_path):
    shared = account('login = "Jo@Example.com"') + account('login = "jo@example.com"\norganization = "b"', name="b")

    assert [str(one) for groups in loaded(tmp_path, shared).groups.values() for one in groups] == [
        *("login Jo@Example.com", "organization b", "login Jo@Example.com")
    ]


def test_two_gateways_of_one_kind_are_two_answerers(tmp_path):
    blocks = (
        account(f'base = "https://{name}.example.com/v1"', name=name, provider="openai-compatible") for name in "ab"
    )
    watches = loaded(tmp_path, "".join(blocks) + account()).watches.values()

    assert {watch.target.answerer for watch in watches} == {
        "openai-compatible@a.example.com",
        "openai-compatible@b.example.com",
        "openai",
    }


def test_a_key_comes_from_a_file_beside_the_configuration(tmp_path):
    (tmp_path / "key").write_text(KEY + "\n")

    assert loaded(tmp_path, account(key='"file:key"')).accounts["openai/a"].key == KEY


def test_a_key_comes_from_a_line_of_an_env_file(tmp_path):
    (tmp_path / ".env").write_text(f"\ufeffOPENAI_API_KEY='{KEY}'\n# keys\nexport OTHER=x\n")  # as Windows writes it
    config = loaded(tmp_path, account(key='"file:.env#OPENAI_API_KEY"'))

    assert config.accounts["openai/a"].key == KEY
    assert config.secret_files == [tmp_path / ".env"]


def test_a_key_comes_from_a_command_without_a_shell(tmp_path):
    config = loaded(tmp_path, account(key="\"command:printf %s 'a;echo>c'\""), {"PATH": "/usr/bin:/bin"})

    assert config.accounts["openai/a"].key == "a;echo>c"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ('"env:NOT_SET"', "the environment variable NOT_SET is not set"),
        ('"env:EMPTY"', "env:EMPTY is empty"),
        (
            '"env:BROKEN"',
            "env:BROKEN holds a line break in the middle: it must be one line with nothing else in it",
        ),
        (
            '"env:FOREIGN"',
            "env:FOREIGN holds a character that no key has (U+00E4): type it anew, or copy it from where it was made",
        ),
        ('"file:nowhere"', "the file nowhere cannot be read (No such file or directory)"),
        ('"file:.env#NOT_IN_IT"', "the file .env has no line NOT_IN_IT=..."),
        ('"file:.env#EMPTY"', "file:.env#EMPTY is empty"),
        ('"file:nowhere#NAME"', "the file nowhere cannot be read (No such file or directory)"),
        ('"command:false"', "the command false ended with exit code 1"),
        ('"command:no-such-program"', "the command of no-such-program cannot be run"),
        ('"command:"', "the command of an empty reference cannot be run"),
    ],
)
def test_a_key_that_cannot_be_had_makes_its_account_unknown_and_no_other(tmp_path, key, problem):
    (tmp_path / ".env").write_text("EMPTY=\n")
    environment = {**SET, "EMPTY": " ", "BROKEN": "sk-a\nb", "FOREIGN": "sk-ä", "PATH": "/usr/bin:/bin"}
    accounts = loaded(tmp_path, account(key=key) + account(name="b"), environment).accounts

    assert accounts["openai/a"].problem == problem
    assert (accounts["openai/b"].problem, accounts["openai/b"].key) == (None, KEY)


def test_an_account_may_need_no_key(tmp_path):
    text = '[[accounts]]\nname = "local"\nprovider = "openai-compatible"\nbase = "http://127.0.0.1:11434/v1"'
    local = loaded(tmp_path, text).accounts["openai-compatible/local"]

    assert (local.key, local.problem) == (None, None)


@pytest.mark.parametrize("provider", ["codex", "claude-code"])
def test_a_subscription_needs_no_key_and_no_address(tmp_path, provider):
    config = loaded(tmp_path, subscription(provider=provider), {})
    one = config.accounts[f"{provider}/sub"]

    assert (one.key, one.base, one.problem, one.command) == (None, None, None, ())
    assert [(id, watch.interval_s, watch.free) for id, watch in config.watches.items()] == [
        (f"{provider}/sub/command", 3600, False)
    ]


def test_a_subscription_may_have_a_command_and_a_pace_of_its_own(tmp_path):
    config = loaded(tmp_path, subscription('command = ["codex", "exec", "hi"]\ninterval_s = { command = 900 }'))

    assert config.accounts["codex/sub"].command == ("codex", "exec", "hi")
    assert config.watches["codex/sub/command"].interval_s == 900


@pytest.mark.parametrize(
    ("named", "meant"), [("codex", "codex"), ("bin/codex", "{folder}/bin/codex"), ("/opt/codex", "/opt/codex")]
)
def test_a_program_with_a_relative_path_is_beside_the_configuration(tmp_path, named, meant):
    one = loaded(tmp_path, subscription(f'command = ["{named}", "a/b"]')).accounts["codex/sub"]

    assert one.command == (meant.format(folder=tmp_path), "a/b")


def test_variables_are_passed_on_by_name_or_taken_from_where_they_are(tmp_path):
    (tmp_path / "token").write_text(KEY + "\n")
    by_name = loaded(tmp_path, subscription('environment = ["SET"]'))
    by_place = loaded(tmp_path, subscription('environment = { A = "env:SET", B = "file:token" }'))

    assert by_name.accounts["codex/sub"].environment == {"SET": KEY}
    assert by_place.accounts["codex/sub"].environment == {"A": KEY, "B": KEY}
    assert by_name.secrets == [KEY]
    assert KEY not in repr(by_name) + repr(by_place)


@pytest.mark.parametrize("environment", ['["NOT_SET"]', '{ A = "env:NOT_SET" }'])
def test_a_variable_that_is_not_set_makes_its_account_unknown(tmp_path, environment):
    one = loaded(tmp_path, subscription(f"environment = {environment}")).accounts["codex/sub"]

    assert (one.problem, one.environment) == ("the environment variable NOT_SET is not set", {})


def test_well_known_variables_become_accounts_when_none_is_named(tmp_path):
    environment = {"ANTHROPIC_API_KEY": "sk-ant-1234567890", "GROQ_API_KEY": "gsk_1234567890", "OTHER": "x"}

    assert list(from_environment(tmp_path, environment).accounts) == ["anthropic/default", "groq/default"]
    assert list(loaded(tmp_path, 'location = "x"', environment).accounts) == ["anthropic/default", "groq/default"]


def test_an_empty_variable_is_no_account(tmp_path):
    assert not from_environment(tmp_path, {"OPENAI_API_KEY": ""}).accounts


OWN = """
name = "House gateway"
source = "https://wiki.example.com/gateway"
checked = 2026-11-21
base = "https://gateway.example.com/v1"
[canaries.list]
dialect = "list"
path = "/models"
free = true
source = "https://wiki.example.com/gateway"
"""


def test_a_provider_of_ones_own_stands_in_a_folder_beside_the_configuration(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "house.toml").write_text('id = "house"\n' + OWN)
    config = loaded(tmp_path, 'provider_folder = "mine"\n' + account(provider="house"))

    assert config.providers["house"].name == "House gateway"
    assert list(config.watches) == ["house/a/list"]


def test_or_in_the_configuration_itself(tmp_path):
    own = OWN.replace("[canaries", "[providers.house.canaries")
    config = loaded(tmp_path, account(provider="house") + '[providers.house]\nid = "house"\n' + own)

    assert config.providers["house"].base == "https://gateway.example.com/v1"


def test_a_shipped_provider_can_be_changed_in_part(tmp_path):
    more = """
    [providers.openai]
    base = "https://proxy.example.com/v1"
    help = { account_suspended = "https://wiki.example.com/suspended" }
    [[providers.openai.rules]]
    id = "house-rule"
    fault = "blocked_by_edge"
    message = ["ask the network team"]
    source = "https://wiki.example.com"
    """
    before, after = load_provider("openai"), loaded(tmp_path, account() + more).providers["openai"]

    assert after.base == "https://proxy.example.com/v1"
    assert after.help == before.help | {Fault.ACCOUNT_SUSPENDED: "https://wiki.example.com/suspended"}
    assert [rule.id for rule in after.rules] == ["house-rule", *(rule.id for rule in before.rules)]
    assert after.canaries == before.canaries


@pytest.mark.parametrize(
    ("written", "help"),
    [
        ('"https://wiki.example.com/groq"', "https://wiki.example.com/groq"),
        ('{ none = "we ask our reseller" }', NoPage(none="we ask our reseller", mail="support@groq.com")),
        ('{ mail = "it@example.com" }', NoPage(none=load_provider("groq").help[Fault.ACCOUNT_SUSPENDED].none,
                                               mail="it@example.com")),
    ],
)  # fmt: skip
def test_a_reason_why_a_shipped_provider_has_no_address_gives_way_to_ones_own(tmp_path, written, help):
    more = f"[providers.groq]\nhelp = {{ account_suspended = {written} }}\n"
    after = loaded(tmp_path, account(provider="groq") + more).providers["groq"]

    assert after.help == load_provider("groq").help | {Fault.ACCOUNT_SUSPENDED: help}


def test_a_provider_of_ones_own_need_not_say_where_one_goes(tmp_path):
    config = loaded(tmp_path, account(provider="house") + '[providers.house]\nid = "house"\n'
                    + OWN.replace("[canaries", "[providers.house.canaries"))  # fmt: skip

    assert config.providers["house"].help == {}


def test_a_rule_of_the_same_id_takes_the_place_of_the_shipped_one(tmp_path):
    first = load_provider("openai").rules[0].id
    more = f"""
    [[providers.openai.rules]]
    id = "{first}"
    fault = "slow"
    code = ["x"]
    source = "https://wiki.example.com"
    """
    rules = loaded(tmp_path, account() + more).providers["openai"].rules

    assert [rule.fault for rule in rules if rule.id == first] == [Fault.SLOW]


def test_what_is_wrong_with_a_provider_of_ones_own_is_told_with_all_the_rest(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "house.toml").write_text('id = "hose"\ncolour = "red"\n' + OWN)
    text = 'provider_folder = "mine"\n' + account(provider="house") + account(name="b", provider="hause")

    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, text)
    told = sorted(map(str, caught.value.problems))
    assert told[0].startswith("house.toml: colour is not known")
    assert told[1].startswith('house.toml: id = "hose" is not the name of the file')
    assert told[2] == 'monitor.toml: accounts.b.provider = "hause": no such provider; did you mean "house"?'
    assert len(told) == 3


def test_what_is_wrong_in_a_table_of_a_provider_is_told_of_monitor_toml(tmp_path):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, account(provider="house") + '[providers.house]\nid = "house"\ncolour = "red"\n')

    told = list(map(str, caught.value.problems))
    assert "monitor.toml: providers.house lacks `canaries`; add canaries = ..." in told
    assert sum("colour is not known" in one for one in told) == 1
    assert len(told) == len(set(told))


def test_a_folder_of_providers_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r'provider_folder = "mine" is no folder; create .*mine or leave it out'):
        loaded(tmp_path, 'provider_folder = "mine"')


def test_without_a_channel_messages_go_to_the_terminal(tmp_path):
    assert loaded(tmp_path, account()).channels == (TERMINAL,)


def test_a_channels_address_can_be_a_reference(tmp_path):
    (tmp_path / "mail").write_text("mailto://user:pass@example.com\n")
    urls = ("env:PHONE", "file:mail", "command:printf tgram://1:token/2", "json://127.0.0.1")
    text = "\n".join(f'[[channels]]\nname = "c{number}"\nurl = "{url}"' for number, url in enumerate(urls))
    channels = loaded(tmp_path, text, {"PHONE": "ntfy://token/topic"}).channels

    assert [(one.name, one.url) for one in channels] == [
        ("c0", "ntfy://token/topic"),
        ("c1", "mailto://user:pass@example.com"),
        ("c2", "tgram://1:token/2"),
        ("c3", "json://127.0.0.1"),
    ]


def test_thresholds_and_patience_come_from_probe(tmp_path):
    config = loaded(tmp_path, "[probe]\nfailures = 5\nsuccesses = 4\nconnect_s = 1\nsilence_s = 2\ntotal_s = 3")

    assert config.thresholds == Thresholds(failures=5, successes=4)
    assert probe_limits(config) == TimeLimits(connect_s=1, silence_s=2, total_s=3)


def test_tags_and_notes_go_with_the_account(tmp_path):
    one = loaded(tmp_path, account('tags = ["eu"]\nnote = "owner: Jo"')).accounts["openai/a"]

    assert (one.tags, one.note) == (("eu",), "owner: Jo")


def test_paths_are_relative_to_the_file(tmp_path):
    config = loaded(tmp_path, '[store]\npath = "x/y.db"\n[site]\nfolder = "page"')

    assert (config.store.database, config.folder) == (tmp_path / "x/y.db", tmp_path / "page")


def test_what_is_kept_for_how_long_is_as_the_file_says(tmp_path):
    config = loaded(tmp_path, "[store]\nraw_days = 1\nhourly_days = 2\ndaily_days = 3")

    assert config.retention == Retention(raw_days=1, hourly_days=2, daily_days=3)


def test_a_service_writes_nothing_to_etc(tmp_path):
    service, site = from_environment(Path("/etc/provider-monitor"), {}), SiteSection()
    state = Path("/var/lib/provider-monitor")

    assert (service.store.database, service.folder) == (state / "state/monitor.db", state / "site")
    assert (service.public_folder, service.metrics) == (state / "public", state / site.metrics)
    assert from_environment(tmp_path / "etc/provider-monitor", {}).store.database.is_relative_to(tmp_path)


def test_no_repr_shows_a_secret(tmp_path):
    text = account() + '[[channels]]\nname = "phone"\nurl = "ntfy://secrettoken/topic"'

    shown = repr(loaded(tmp_path, text))
    assert KEY not in shown
    assert "secrettoken" not in shown


def test_the_shipped_schema_is_the_one_of_the_types():
    assert json.loads(SCHEMA.read_text()) == schema(), "say: make schema"


def test_the_words_of_the_schema_are_not_indented_as_the_source_is():
    words = [one["description"] for one in schema()["$defs"].values() if "description" in one]

    assert any("\n" in one for one in words)
    assert [one for one in words if "\n " in one] == []


def test_an_editor_shows_what_each_key_means():
    untold = [
        f"{section.__name__}.{key}"
        for section in sections()
        for key, facts in schema()["$defs"][section.__name__]["properties"].items()
        if not facts["description"].strip()
    ]
    strange = [f"{one.__name__}: {key}" for one in sections() for key in meanings(one).keys() - one.__struct_fields__]

    assert (untold, strange) == ([], [])


def test_what_a_key_means_is_told_with_the_form_that_it_has():
    keys = schema()["$defs"]["AlertsSection"]["properties"]

    assert keys["digest_at"]["description"] == "when a digest is sent (a time of day: HH:MM)"


def test_the_shipped_example_is_valid_commented_in_or_out(tmp_path):
    text = (Path(__file__).parents[1] / "monitor.toml").read_text()
    examples = "\n".join(line.removeprefix("# ") for line in _accounts_and_channels(text) if _is_example(line))
    environment = {
        "OPENAI_API_KEY": KEY,
        "RESELLER_KEY": KEY,
        "CF_SECRET": KEY,
        "CLAUDE_CODE_OAUTH_TOKEN": KEY,
        "PHONE_URL": "ntfy://x/y",
        "HOOK_SECRET": "sixteen letters or more",
        "HEARTBEAT_URL": "https://hc-ping.com/uuid",
        "OTLP_AUTHORIZATION": "Bearer x",
        "PROXY_PASSWORD": "secret",
    }
    (tmp_path / "keys").mkdir()
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "keys" / "our-authority.pem"))
    (tmp_path / "keys" / "team-b").write_text(KEY)
    (tmp_path / "keys" / "mail-url").write_text("mailtos://user:password@example.com")

    (tmp_path / "providers").mkdir()

    assert not loaded(tmp_path, text, {}).accounts
    assert len(loaded(tmp_path, examples, environment).accounts) == 4


def _accounts_and_channels(text):
    return text[: text.index("# --- Probing")].splitlines()


def _is_example(line):
    body = line.removeprefix("# ")
    return line.startswith("# ") and (body.startswith("[") or " = " in body)


COSTLY = """
[providers.openai.canaries.spent]
dialect = "account"
path = "/spent"
free = true
admin = true
credit = { used = "used", currency = "USD" }
source = "https://docs.example.com"

[providers.openai.canaries.elsewhere]
dialect = "account"
path = "https://api.example.com/me"
free = true
flags = { account_suspended = "blocked" }
holds = "id"
source = "https://docs.example.com"
"""


def asked(config):
    return [watch.target.canary for watch in config.watches.values()]


def test_what_costs_nothing_is_asked_without_a_word(tmp_path):
    assert {"list", "chat", "elsewhere"} <= set(asked(loaded(tmp_path, COSTLY + account())))


def test_costs_are_asked_for_with_an_administration_key_only(tmp_path):
    assert "spent" not in asked(loaded(tmp_path, COSTLY + account()))

    config = loaded(tmp_path, COSTLY + account('admin_key = "env:ADMIN"'), {**SET, "ADMIN": "sk-admin-0123456789"})
    assert "spent" in asked(config)
    assert "sk-admin-0123456789" in config.secrets
    assert "sk-admin" not in repr(config)


def test_an_administration_key_that_is_not_set_is_the_accounts_problem(tmp_path):
    (one,) = loaded(tmp_path, COSTLY + account('admin_key = "env:ADMIN"')).accounts.values()

    assert "ADMIN" in one.problem


def test_a_key_for_a_gateway_is_not_shown_to_the_provider_behind_it(tmp_path):
    assert "elsewhere" not in asked(loaded(tmp_path, COSTLY + account('base = "https://gateway.example.com/v1"')))


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ('canaries = ["spent"]', "accounts.a lacks `admin_key`, which spent needs"),
        (
            'canaries = ["elsewhere"]\nbase = "https://gateway.example.com/v1"',
            'accounts.a.canaries = "elsewhere": asks api.example.com, not the account\'s own base',
        ),
    ],
)
def test_a_canary_that_cannot_be_asked_is_named(tmp_path, rest, problem):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, COSTLY + account(rest))

    assert problem in str(caught.value)


def test_what_tells_of_credit_or_models_stands_aside(tmp_path):
    watches = loaded(tmp_path, COSTLY + account('admin_key = "env:SET"')).watches

    asides = {watch.target.canary: watch.aside for watch in watches.values()}
    assert {"spent", "models"} <= {canary for canary, aside in asides.items() if aside}
    assert not {asides[canary] for canary in ("list", "chat", "elsewhere")} - {False}


def test_what_to_be_warned_of_is_usual_or_the_accounts_own(tmp_path):
    text = "[credit]\nlow = { USD = 9 }\ndays_left = 1\nexpires_days = 2\n" + account(
        'models = { chat = ["m"] }\nexpect = ["n"]\nspend_limit_usd = 100'
    )
    usual = loaded(tmp_path, text).attention("openai/a")
    own = loaded(tmp_path, text + "low_credit = { USD = 50 }").attention("openai/a")

    assert (usual.floor, usual.spend_limit_usd) == (CreditThreshold({"USD": 9}, 1, 2), 100)
    assert {"m", "n"} <= set(usual.models)
    assert own.floor.low == {"USD": 50}


def test_the_pages_of_all_watched_providers_are_followed_and_of_those_named_besides(tmp_path):
    usual = loaded(tmp_path, account()).feeds
    more = loaded(tmp_path, '[status]\nproviders = ["groq"]\n' + account()).feeds
    none = loaded(tmp_path, "[status]\npoll = false\n" + account()).feeds

    assert {id.split("/")[0] for id in usual} == {"openai"}
    assert {id.split("/")[0] for id in more} == {"openai", "groq"}
    assert none == {}


def test_a_status_source_of_ones_own_is_followed(tmp_path):
    own = """
[[providers.openai.feeds]]
id = "mirror"
form = "feed"
url = "https://mirror.example.com/openai.rss"
page = "https://mirror.example.com"
source = "https://mirror.example.com/about"
"""
    assert "openai/mirror" in loaded(tmp_path, account() + own).feeds


def test_what_accounts_share_is_named_from_the_narrowest_on(tmp_path):
    rest = 'billing = "card"\nproject = "p"\norganization = "acme"'
    (groups,) = loaded(tmp_path, account(rest)).groups.values()

    assert [str(group) for group in groups] == ["project p", "organization acme", "billing card"]


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        (subscription('login = "jo"'), ["codex/sub"]),
        (subscription('login = "Jo"'), ["codex/sub"]),
        (subscription('login = "jO"'), ["codex/sub"]),
        (subscription('login = "sam"'), []),
        (account('login = "jo"', name="b"), ["openai/b"]),
        (account('organization = "jo"', name="b"), []),  # another kind of name
        (account('login = "jo"', name="b", provider="anthropic"), []),  # the same person, but another company
        (subscription('login = "jo"', provider="claude-code"), []),
        (account('login = "jo"\nbase = "https://eu.example.com/v1"', name="b"), ["openai/b"]),
    ],
)
def test_a_login_joins_accounts_of_one_company_across_its_products(tmp_path, other, joined):
    config = loaded(tmp_path, account('login = "jo"') + other)

    assert config.associates("openai/a") == joined


@pytest.mark.parametrize("tokens", [16, 128])
def test_an_account_says_how_long_an_answer_it_asks_for(tmp_path, tokens):
    config = loaded(tmp_path, account(f"answer_tokens = {tokens}") + account(name="b"))

    assert [one.answer_tokens for one in config.accounts.values()] == [tokens, None]


NO_LENGTH = "monitor.toml: accounts.{}.answer_tokens has no effect: {}; leave it out{}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            subscription("answer_tokens = 100"),
            NO_LENGTH.format("sub", "codex is asked through a program", "; what is asked is in command = [...]"),
        ),
        (
            account('answer_tokens = 100\ncanaries = ["list"]'),
            NO_LENGTH.format("a", "no model writes an answer to list", ', or add "chat" to canaries'),
        ),
        (
            account('answer_tokens = 100\ncanaries = ["embed", "models"]'),
            NO_LENGTH.format("a", "no model writes an answer to embed, models", ', or add "chat" to canaries'),
        ),
    ],
)
def test_a_length_that_no_answer_has_is_refused_with_the_repair(tmp_path, text, told):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, text)

    assert [str(problem) for problem in caught.value.problems] == [told]


@pytest.mark.parametrize("tokens", ["15", "129", "0", "-1", "32.5", '"100"', "true", "1000000000000000000000"])
def test_an_answer_is_neither_too_short_for_a_dialect_nor_too_long_to_be_read(tmp_path, tokens):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, account(f"answer_tokens = {tokens}"))

    assert [problem.key for problem in caught.value.problems] == ["accounts.a.answer_tokens"]


def test_two_gateways_of_one_kind_are_two_companies(tmp_path):
    gateways = (
        account(f'login = "jo"\nbase = "https://{name}.example.com/v1"', name, "openai-compatible") for name in "ab"
    )
    config = loaded(tmp_path, "".join(f"{one}models = ['m']\n" for one in gateways))

    assert config.associates("openai-compatible/a") == []
    assert config.company("openai-compatible/a") == "openai-compatible@a.example.com"


def test_the_page_is_served_to_this_machine_only_unless_told(tmp_path):
    assert (loaded(tmp_path, "").site.host, LOOPBACK) == (None, "127.0.0.1")
    assert loaded(tmp_path, '[site]\nhost = "0.0.0.0"\n').site.host == "0.0.0.0"


def test_neutral_hosts_are_names_and_ports(tmp_path):
    assert loaded(tmp_path, '[probe]\nonline = ["a.example.com:8443"]\n').neutral_hosts == [("a.example.com", 8443)]
    assert loaded(tmp_path, "[probe]\nonline = []\n").neutral_hosts == []


def test_a_reminder_names_its_account_in_full_or_by_its_name(tmp_path):
    text = '[[reminders]]\nname = "card"\non = 2026-12-24\n{}\n'
    alone = loaded(tmp_path, account() + text.format('note = "Jo"\nwarn_days = 3')).reminders
    short = loaded(tmp_path, account() + text.format('account = "a"')).reminders
    full = loaded(tmp_path, account() + text.format('account = "openai/a"')).reminders

    assert alone == (Reminder("card", date(2026, 12, 24), None, 3, "Jo"),)
    assert short == full == (Reminder("card", date(2026, 12, 24), "openai/a"),)


PROMISE = '[[objectives]]\nname = "fast"\navailability = 99.5\n{}\n'


def test_an_objective_counts_the_targets_it_means(tmp_path):
    accounts = account() + account(name="b") + account(provider="groq", name="c")
    meant = {
        rest: loaded(tmp_path, accounts + PROMISE.format(rest)).objectives[0]
        for rest in ('account = "b"', 'provider = "openai"', 'provider = "openai"\ncanary = "list"')
    }
    one, all_of_it, lists = meant.values()

    assert (one.subject, {target.split("/")[1] for target in one.targets}) == ("openai/b", {"b"})
    assert (all_of_it.subject, {target.split("/")[1] for target in all_of_it.targets}) == ("openai", {"a", "b"})
    assert lists.targets == {"openai/a/list", "openai/b/list"}
    assert not any(target.endswith("/models") for target in all_of_it.targets)  # asked aside: its failures are ours


def test_an_objective_knows_how_often_its_targets_are_looked_at(tmp_path):
    text = account("interval_s = { list = 1800 }") + PROMISE.format('account = "a"')
    (objective,) = loaded(tmp_path, text).objectives

    reaches = {target.split("/")[2]: objective.reach(target) for target in objective.targets}
    assert (reaches["list"], reaches["chat"]) == (timedelta(minutes=90), timedelta(minutes=20))


def test_an_objective_says_percent_and_means_shares(tmp_path):
    text = account() + PROMISE.format('account = "a"\nlatency_s = 2\nlatency_share = 95\nwindow_days = 7')
    (objective,) = loaded(tmp_path, text).objectives

    assert objective.promises == {Goal.AVAILABILITY: 0.995, Goal.LATENCY: 0.95}
    assert (objective.latency_s, objective.window_days, objective.id) == (2, 7, "openai/a/fast")


@pytest.mark.parametrize(
    "text", ['provider_folder = "{0}"', '[alerts]\ntemplates = "{0}"', 'accounts = [{{ provider = "{0}" }}]']
)
def test_a_name_that_is_too_long_for_the_disk_is_a_problem_and_no_traceback(tmp_path, text):
    with pytest.raises(DocumentError):
        loaded(tmp_path, text.format("x" * 300))


def test_a_rule_whose_name_is_no_text_is_a_problem_and_no_traceback(tmp_path):
    with pytest.raises(DocumentError, match="id"):
        loaded(tmp_path, "[providers.openai]\nrules = [{ id = { a = 1 } }]\n" + account())


def test_an_objective_beside_a_canary_that_does_not_exist_is_no_traceback(tmp_path):
    with pytest.raises(DocumentError, match="openai has no such canary"):
        loaded(tmp_path, account('canaries = ["nope"]') + PROMISE.format('account = "a"\ncanary = "chat"'))


def test_the_public_site_has_a_folder_of_its_own_unless_it_is_not_wanted(tmp_path):
    assert loaded(tmp_path, "").public_folder == tmp_path / "public"
    assert loaded(tmp_path, '[site]\npublic_folder = "open"').public_folder == tmp_path / "open"
    assert loaded(tmp_path, '[site]\npublic_folder = ""').public_folder is None


def test_the_metrics_have_a_file_of_their_own_unless_it_is_not_wanted(tmp_path):
    assert loaded(tmp_path, "").metrics == tmp_path / "metrics" / "provider-monitor.prom"
    assert loaded(tmp_path, '[site]\nmetrics = "/var/lib/x.prom"').metrics == Path("/var/lib/x.prom")
    assert loaded(tmp_path, '[site]\nmetrics = ""').metrics is None


def test_the_manner_of_the_sites_is_told(tmp_path):
    (tmp_path / "mine").mkdir()
    text = '[site]\nslo = 0.995\nlanguage = "zh-Hans"\ntemplates = "mine"\npublic_title = "AI"\npublic_url = "https://x.example"'
    config = loaded(tmp_path, text)

    assert config.page_templates == tmp_path / "mine"
    assert (config.site.slo, config.site.language) == (0.995, "zh-Hans")
    assert (config.site.public_title, config.site.public_url) == ("AI", "https://x.example")


PASTED = "sk-proj-0123456789abcdefXYZ"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", account(name=PASTED)),
        ("provider", account(provider=PASTED)),
        ("base", account(f'base = "https://gateway.example/{PASTED}/v1"')),
        ("note", account(f'note = "the key is {PASTED}"')),
        ("tags", account(f'tags = ["{PASTED}"]')),
        ("models", account(f'models = ["{PASTED}"]')),
        ("models", account(f'models = {{ chat = ["{PASTED}"] }}')),
        ("expect", account(f'expect = ["{PASTED}"]')),
        ("login", account(f'login = "{PASTED}"')),
        ("headers", account(f'headers = {{ "{PASTED}" = "x" }}')),
        ("canaries", account(f'canaries = ["{PASTED}"]')),
    ],
)
def test_a_key_in_the_place_of_a_name_is_refused_and_not_printed(tmp_path, field, text):
    with pytest.raises(DocumentError) as caught:
        loaded(tmp_path, text)

    said = str(caught.value)
    assert f".{field} " in said
    assert "0123456789" not in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (account('base = "http://x..y/v1"'), 'a.base is no web address; write base = "https://host/v1"'),
        (account('base = "https://.example/v1"'), "a.base is no web address"),
        (account(f'base = "https://{"a" * 64}.example/v1"'), "a.base is no web address"),
        ('[site]\nurl = "https://status..example/"\n', "site.url is no web address"),
        (account('models = [""]'), "a.models holds an empty name; write what the provider calls it, or leave it out"),
        (account('models = { chat = ["gpt-x", " "] }'), "a.models holds an empty name"),
        (subscription('command = [""]'), "sub.command names no program; write command = ["),
        (subscription('command = ["  ", "x"]'), "sub.command names no program"),
        (subscription('command = ["/etc"]'), "sub.command names a folder, which is no program"),
        (subscription('command = ["./mine", "x"]'), "sub.command names a folder, which is no program"),
        ('[site]\ntemplates = "gone"\n', 'site.templates = "gone" is no folder; create '),
        ('[site]\ntemplates = "monitor.toml"\n', 'site.templates = "monitor.toml" is no folder; create '),
        ('[site]\nlanguage = "dd"\n', 'site.language = "dd": no such language; use one of: de, en, he, zh-Hans'),
        ('[site]\nlanguage = "fr"\ntemplates = "mine"\n', 'site.language = "fr": no such language; use one of: '),
    ],
)
def test_what_could_never_work_is_named_before_it_is_tried(tmp_path, text, told):
    (tmp_path / "mine" / "language" / "fr.toml").mkdir(parents=True)
    with pytest.raises(DocumentError) as refused:
        loaded(tmp_path, text)

    (problem,) = map(str, refused.value.problems)
    assert told in problem


@pytest.mark.parametrize(
    "text",
    [
        account('base = "http://gateway:4000/v1"'),
        account('base = "http://[::1]:4000/v1"'),
        account('base = "https://host.example./v1"'),
        subscription('command = ["etc"]'),
        '[site]\nlanguage = "pt-BR"\ntemplates = "mine"\n',
        '[site]\nlanguage = "de"\n',
    ],
)
def test_what_may_work_is_left_to_be_tried(tmp_path, text):
    (tmp_path / "mine" / "language").mkdir(parents=True)
    (tmp_path / "mine" / "language" / "pt-BR.toml").touch()
    loaded(tmp_path, text)
