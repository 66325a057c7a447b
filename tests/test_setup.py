"""What `init` finds → what it proposes → the text that it writes: values only."""

import json
import os
import subprocess
import time
import tomllib
from pathlib import Path
from shlex import quote

import pytest
import yaml
from msgspec.structs import replace

from monitor.config.load import config_of_text
from monitor.setup.discover import discover
from monitor.setup.draft import ConfigDraft, check_watched, vetted, with_secrets, write_draft
from monitor.setup.model import small_model
from monitor.setup.place import choose_file, moved, new_accounts, store_secret, why_closed, write_new
from monitor.setup.proposal import Proposal, ProposedAccount, label, tidied
from monitor.setup.service import Installation, ServiceKind, service_file
from monitor.setup.text import document_text, merged_text, quoted
from monitor.setup.variables import Place, read_variables
from probes.catalog import load_provider, provider_ids
from probes.document import DocumentError, parse_toml
from tests.rows import each_row

CATALOG = {id: load_provider(id) for id in provider_ids()}
HERE = Place("env:", "the environment")
KEY = "sk-good-0123456789abcdefXYZW"


def found(**variables):
    return read_variables(variables, HERE, CATALOG)


def brief(account):
    return account.id, account.key, account.base


VARIABLES = {
    "a well-known one": ({"OPENAI_API_KEY": KEY}, ("openai/default", "env:OPENAI_API_KEY", None)),
    "a second name": ({"CLAUDE_API_KEY": KEY}, ("anthropic/default", "env:CLAUDE_API_KEY", None)),
    "with a word behind it": ({"OPENAI_API_KEY_EU": KEY}, ("openai/eu", "env:OPENAI_API_KEY_EU", None)),
    "with a word before it": ({"PROD_GROQ_API_KEY": KEY}, ("groq/prod", "env:PROD_GROQ_API_KEY", None)),
    "at its company, as the client has it": (
        {"GROQ_API_KEY": KEY, "GROQ_BASE_URL": "https://api.groq.com"},
        ("groq/default", "env:GROQ_API_KEY", None),
    ),
    "at another company": (
        {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://api.deepseek.com/v1"},
        ("deepseek/default", "env:OPENAI_API_KEY", None),
    ),
    "at a gateway": (
        {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://llm.example.com"},
        ("openai-compatible/llm.example.com", "env:OPENAI_API_KEY", "https://llm.example.com/v1"),
    ),
    "at a gateway of its own": (
        {"OPENAI_API_KEY_EU": KEY, "OPENAI_BASE_URL_EU": "https://eu.example.com/v1", "OPENAI_BASE_URL": "https://x.y"},
        ("openai-compatible/eu", "env:OPENAI_API_KEY_EU", "https://eu.example.com/v1"),
    ),
    "of Azure, not OpenAI": (
        {"AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": "https://jo.openai.azure.com/"},
        ("azure-openai/default", "env:AZURE_OPENAI_API_KEY", "https://jo.openai.azure.com/openai/v1"),
    ),
    "of a region": (
        {"AWS_BEARER_TOKEN_BEDROCK": KEY, "AWS_REGION": "eu-west-1"},
        ("bedrock/default", "env:AWS_BEARER_TOKEN_BEDROCK", "https://bedrock-mantle.eu-west-1.api.aws/v1"),
    ),
}


@each_row(("variables", "account"), VARIABLES.values(), ids=VARIABLES)
def test_a_variable_is_an_account_of_its_provider(variables, account):
    proposal = found(**variables)

    assert ([*map(brief, proposal.accounts)], proposal.unread) == ([account], ())


@each_row("variable", [name for one in CATALOG.values() for name in one.key_variables])
def test_every_variable_of_a_shipped_provider_is_found(variable):
    assert [one.key for one in found(**{variable: KEY}).accounts] == [f"env:{variable}"]


def test_a_key_under_two_names_is_one_account_and_two_keys_are_two():
    assert [one.id for one in found(GEMINI_API_KEY=KEY, GOOGLE_API_KEY=KEY).accounts] == ["gemini/default"]
    assert [one.id for one in found(GEMINI_API_KEY=KEY, GOOGLE_API_KEY="b").accounts] == [
        "gemini/default",
        "gemini/default-2",
    ]


def test_a_name_that_ends_like_a_key_and_is_no_providers_is_named():
    proposal = found(STRIPE_API_KEY=KEY, PATH="/bin", OPENAI_API_KEY_PATH="x", CLOUDFLARE_API_TOKEN=KEY)

    assert proposal.accounts == ()
    assert [words.split()[2] for words in proposal.unread] == ["STRIPE_API_KEY", "OPENAI_API_KEY_PATH"]


HINDERED = {
    "a line break": ({"OPENAI_API_KEY": "\n"}, "OPENAI_API_KEY holds nothing but a line break"),
    "nothing": ({"OPENAI_API_KEY": ""}, "OPENAI_API_KEY is empty"),
    "no endpoint": ({"AZURE_OPENAI_API_KEY": KEY}, "its address is not known: set AZURE_OPENAI_ENDPOINT"),
    "no address": (
        {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "llm.example.com"},
        "OPENAI_BASE_URL is no address: begin it with https://",
    ),
    "half an address": (
        {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://[::1"},
        "OPENAI_BASE_URL is no address: begin it with https://",
    ),
}


@pytest.mark.parametrize(("variables", "why"), HINDERED.values(), ids=HINDERED)
def test_what_stands_against_an_account_is_said(variables, why):
    assert [one.hindrance for one in found(**variables).accounts] == [why]


def test_a_key_in_an_env_file_is_taken_from_there_and_a_client_names_a_keys_place(tmp_path):
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n")
    (tmp_path / ".env.example").write_text("GROQ_API_KEY=yours\n")
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(
        '[model_providers.team]\nbase_url = "https://llm.example.com/v1"\nenv_key = "TEAM_KEY"\n'
    )
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(json.dumps({"apiKeyHelper": "pass show claude"}))
    (tmp_path / ".claude" / ".credentials.json").write_text("{}")
    proposal = discover(tmp_path, {"OPENAI_API_KEY": KEY, "HOME": str(tmp_path)}, CATALOG)

    assert [*map(brief, proposal.accounts)] == [
        ("openai/default", "file:.env#OPENAI_API_KEY", None),
        ("openai-compatible/team", "env:TEAM_KEY", "https://llm.example.com/v1"),
        ("anthropic/claude-code", "command:pass show claude", None),
        ("claude-code/subscription", None, None),
    ]
    assert [one.is_ready for one in proposal.accounts] == [True, True, False, False]


def test_a_file_that_is_a_pipe_or_nested_without_end_holds_nothing_and_holds_nothing_up(tmp_path):
    os.mkfifo(tmp_path / ".env")
    (tmp_path / ".env.local").write_text(f"\ufeffGROQ_API_KEY={KEY}\n")
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude" / "settings.json")
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text("a = " + "[" * 100_000)

    begun = time.monotonic()
    assert [one.id for one in discover(tmp_path, {"HOME": str(tmp_path)}, CATALOG).accounts] == ["groq/default"]
    assert time.monotonic() - begun < 4, "it waited for a pipe"


@pytest.mark.parametrize("content", ["{", '{"apiKeyHelper": 5}', '{"apiKeyHelper": "a | b"}', "[]", "\0"])
def test_a_clients_file_that_cannot_be_read_names_nothing(tmp_path, content):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(content)

    assert discover(tmp_path, {"HOME": str(tmp_path)}, CATALOG) == Proposal()


ODD = 'a "quoted" \\ name\x7f\u2028'


def test_the_text_is_what_was_proposed_and_a_comment_where_something_is_missing():
    accounts = [
        ProposedAccount("openai", "a", "OPENAI_API_KEY", "env:KEY", expect=("gpt-4o",)),
        ProposedAccount("openai", "b", "two\nlines", hindrance="not\nyet"),
        ProposedAccount("openai-compatible", ODD[:8], "x", "env:KEY", base="https://h/v1", models=(ODD,)),
        ProposedAccount("claude-code", "sub", "x", environment={"TOKEN": "env:TOKEN"}),
    ]
    tables = parse_toml(document_text(accounts, ("phone", "env:URL")), "x.toml")

    assert tables["accounts"] == [
        {"name": "a", "provider": "openai", "key": "env:KEY", "expect": ["gpt-4o"]},
        {"name": ODD[:8], "provider": "openai-compatible", "base": "https://h/v1", "key": "env:KEY", "models": [ODD]},
        {"name": "sub", "provider": "claude-code", "environment": {"TOKEN": "env:TOKEN"}},
    ]
    assert tables["channels"] == [{"name": "phone", "url": "env:URL"}]


def test_any_text_can_be_quoted():
    assert parse_toml(f"x = {quoted(ODD)}", "x.toml") == {"x": ODD}


NAMES = {
    "Team B / EU": "Team-B-EU",
    " a ": "a",
    "日本": "account",
    "": "account",
    "x" * 90: "x" * 64,
    KEY: "account",
}


@pytest.mark.parametrize(("text", "name"), NAMES.items(), ids=NAMES.values())
def test_a_name_of_any_form_becomes_one_of_ours(text, name):
    assert label(text) == name


def test_accounts_of_one_key_are_one_and_no_two_have_one_name():
    same = ProposedAccount("openai", "a", "1", "env:KEY", models=("m",))
    both = ProposedAccount("openai", "a", "2", "env:KEY", models=("n", "m"))
    other = ProposedAccount("openai", "a", "3", "env:OTHER")

    first, second = tidied(Proposal((same, both, other))).accounts
    assert (first.id, first.models, first.expect, second.id) == ("openai/a", ("m",), ("n",), "openai/a-2")


PRESENT = '[[accounts]]\nname = "default"\nprovider = "openai"\nkey = "env:OLD"\n'


def test_thousands_of_one_name_have_a_name_each_at_once():
    alike = tuple(ProposedAccount("openai", "a", "x", secret=str(number)) for number in range(3_000))
    begun = time.thread_time()
    named = tidied(Proposal(alike)).accounts

    assert ([one.name for one in named[:3]], named[-1].name) == (["a", "a-2", "a-3"], "a-3000")
    assert time.thread_time() - begun < 2


def test_a_merge_adds_what_is_new_under_a_free_name_and_changes_nothing_else(tmp_path):
    file = tmp_path / "monitor.toml"
    file.write_text(PRESENT + "# Jo's\n")
    old = ProposedAccount("openai", "default", "x", "env:OLD")
    new = ProposedAccount("openai", "default", "x", "env:NEW")

    fresh = new_accounts(file, (old, new), {})
    assert [one.id for one in fresh] == ["openai/default-2"]
    text = merged_text(file.read_text(), fresh, None)
    assert text.startswith(file.read_text())
    assert [one["key"] for one in parse_toml(text, "x.toml")["accounts"]] == ["env:OLD", "env:NEW"]


def test_a_key_that_was_copied_before_is_not_copied_again(tmp_path):
    file = tmp_path / "monitor.toml"
    copied = ProposedAccount("openai", "a", "x", store_secret(tmp_path, "openai/a", KEY))
    elsewhere = ProposedAccount("groq", "b", "x", "env:B")
    file.write_text(document_text([copied, elsewhere], None))
    again = (ProposedAccount("openai", "c", "x", secret=KEY), ProposedAccount("groq", "b", "x", secret=f"{KEY}B"))
    other = ProposedAccount("openai", "a", "x", secret=f"{KEY}2")

    fresh = new_accounts(file, (*again, other), {"B": f"{KEY}B"})
    assert [(one.id, one.secret) for one in fresh] == [("openai/a-2", f"{KEY}2")]


def test_a_merge_keeps_the_line_ends_of_windows():
    merged = merged_text("# mine\r\n", [ProposedAccount("openai", "a", "x", "env:A")], None)

    assert merged.startswith("# mine\r\n\r\n# From x.\r\n[[accounts]]\r\n")
    assert merged.count("\n") == merged.count("\r\n")


def test_a_key_that_an_imported_file_holds_is_neither_written_nor_watched_unless_told(tmp_path):
    held = ConfigDraft(tmp_path / "m.toml", accounts=(ProposedAccount("openai", "a", "x", secret=KEY),))

    kept = vetted(with_secrets(held, copy=False), {})
    assert (kept.ids, KEY in kept.text, "--copy-keys" in kept.text) == ([], False, True)
    copied = vetted(with_secrets(held, copy=True), {})
    assert (copied.ids, KEY in copied.text) == (["openai/a"], False)
    assert copied.load({}).accounts["openai/a"].key == KEY
    assert KEY not in repr((held, copied, held.accounts))


def test_a_key_of_the_wrong_form_is_not_watched_and_without_another_one_that_is_an_error(tmp_path):
    one = ProposedAccount("openai", "a", "OPENAI_API_KEY of the environment", "env:OPENAI_API_KEY")
    draft = vetted(ConfigDraft(tmp_path / "m.toml", accounts=(one,)), {"OPENAI_API_KEY": "sk-a\nb"})

    with pytest.raises(DocumentError) as refused:
        check_watched(draft)
    assert "OPENAI_API_KEY of the environment: env:OPENAI_API_KEY holds a line break" in str(refused.value)


def test_a_copied_key_is_for_its_owner_alone_and_never_replaces_another(tmp_path):
    first = store_secret(tmp_path, "openai/a", KEY)
    assert (first, store_secret(tmp_path, "openai/a", KEY)) == ("file:keys/openai-a", first)
    assert store_secret(tmp_path, "openai/a", "other") == "file:keys/openai-a-2"

    assert (tmp_path / "keys" / "openai-a").read_text() == f"{KEY}\n"
    assert (tmp_path / "keys" / "openai-a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_copied_key_goes_round_what_stands_in_its_place_and_closes_what_was_open_to_all(tmp_path):
    (tmp_path / "keys" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "keys" / "a-2")
    (tmp_path / "keys" / "a-3").symlink_to("nowhere")
    (tmp_path / "keys" / "a-4").write_text(KEY)

    assert store_secret(tmp_path, "a", KEY) == "file:keys/a-4"
    assert (tmp_path / "keys" / "a-4").stat().st_mode & 0o777 == 0o600


def test_a_list_to_which_no_block_can_be_added_is_named(tmp_path):
    account = ProposedAccount("openai", "a", "x", "env:A")
    draft = ConfigDraft(tmp_path / "m.toml", 'accounts = [{ name = "b", provider = "groq" }]\n', (account,))

    with pytest.raises(DocumentError, match=r"m.toml: has a list to which no block can be added; write each as"):
        draft.load({"A": KEY})


def test_a_configuration_that_is_there_keeps_its_mode_and_its_place(tmp_path):
    file, link = tmp_path / "real.toml", tmp_path / "monitor.toml"
    file.write_text(PRESENT)
    file.chmod(0o600)
    link.symlink_to(file)
    write_new(link, "new")

    assert (file.read_text(), file.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o600, True)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


CHOICES = {
    "nothing here": ({}, "home/provider-monitor/monitor.toml"),
    "the shipped one": ({"monitor.toml": 'location = "here"\n[probe]\nfailures = 3\n'}, "monitor.local.toml"),
    "one of somebody's own": ({"monitor.toml": PRESENT}, "monitor.toml"),
    "a broken one": ({"monitor.toml": "["}, "monitor.toml"),
    "one with a mistake": ({"monitor.toml": "port = 1"}, "monitor.toml"),
    "both": ({"monitor.toml": "", "monitor.local.toml": ""}, "monitor.local.toml"),
}


@pytest.mark.parametrize(("files", "chosen"), CHOICES.values(), ids=CHOICES)
def test_what_is_tracked_is_left_alone(tmp_path, files, chosen):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    found = choose_file(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "home")}, "linux")
    assert found == tmp_path / chosen


def test_a_reference_means_the_same_from_another_folder():
    one = ProposedAccount("openai", "a", "x", "file:.env#KEY", environment={"A": "env:A"})

    assert moved(one, Path("/work"), Path("/work")) == one
    assert moved(one, Path("/work"), Path("/home")).key == "file:/work/.env#KEY"


MODELS = {
    "the smallest": (["gpt-4o", "gpt-4.1-mini", "gpt-4.1-nano"], "gpt-4.1-nano"),
    "by size": (["llama-3.1-70b", "llama-3.1-8b", "qwen-110b"], "llama-3.1-8b"),
    "none that draws or listens": (["gpt-image-mini", "gpt-4o-mini-tts", "text-embedding-3-small", "big"], "big"),
    "a maker's name is no size": (["minimax-m2", "glm-4-air"], "glm-4-air"),
    "nothing that chats": (["whisper-1"], None),
    "nothing": ([], None),
}


@pytest.mark.parametrize(("offer", "model"), MODELS.values(), ids=MODELS)
def test_a_gateway_is_asked_by_a_model_that_costs_little(offer, model):
    assert small_model(offer) == model


PLACE = Installation(
    ("/opt/my tools/provider-monitor",),
    Path("/home/jo/100%/monitor.toml"),
    Path("/home/jo/.config/units"),
    Path("/Users/jo/Library"),
    ("KEY",),
)
SERVICES = {
    ServiceKind.USER: (
        "/home/jo/.config/units/provider-monitor.service",
        'ExecStart="/opt/my tools/provider-monitor" --config /home/jo/100%%/monitor.toml run\n',
        "systemctl --user",
    ),
    ServiceKind.SYSTEM: (
        "/home/jo/100%/provider-monitor.service",
        'ExecStart="/opt/my tools/provider-monitor" --config /etc/provider-monitor/monitor.toml run\n',
        "install -D -m 0644 /home/jo/100%/monitor.toml /etc/provider-monitor/monitor.toml",
    ),
    ServiceKind.LAUNCHD: (
        "/Users/jo/Library/LaunchAgents/provider-monitor.plist",
        "<string>/opt/my tools/provider-monitor</string>",
        "launchctl bootstrap gui/$(id -u) /Users/jo/Library/LaunchAgents/provider-monitor.plist",
    ),
    ServiceKind.COMPOSE: (
        "/home/jo/100%/compose.yaml",
        '"/etc/provider-monitor/monitor.toml", "run"',
        "docker compose up -d",
    ),
    ServiceKind.CRON: (
        "None",
        "",
        r"* * * * * cd /home/jo/100\% && '/opt/my tools/provider-monitor' --config /home/jo/100\%/monitor.toml once",
    ),
}


OUTSIDE = (ServiceKind.USER, ServiceKind.LAUNCHD)


@pytest.mark.parametrize("kind", SERVICES)
def test_what_keeps_it_running_names_program_file_and_variables(kind):
    made, (file, line, step) = service_file(kind, PLACE), SERVICES[kind]

    assert (str(made.file), line in made.text, made.outside) == (file, True, kind in OUTSIDE)
    assert any(step in one for one in made.steps)
    assert any("KEY" in one for one in made.steps)
    if kind is ServiceKind.COMPOSE:
        assert [*yaml.safe_load(made.text)["services"]] == ["provider-monitor"]


def test_the_systems_unit_is_handed_each_file_of_a_key_under_the_name_that_its_configuration_has_then(tmp_path):
    folder = tmp_path / "100% odd 'folder'"
    folder.mkdir()
    files = [folder / "keys" / "messages", tmp_path / "messages", folder / ".env", folder / "a+b.c"]
    (folder / "monitor.toml").write_text(
        f"""[["file:keys/messages", "file:{files[1]}", "file:./.env#KEY"],
['file:a+b.c', "file:axb.c", "env:messages"]]"""
    )
    made = service_file(ServiceKind.SYSTEM, replace(PLACE, config=folder / "monitor.toml", secrets=files))
    (line,) = (step for step in made.steps if step.startswith("sed "))
    done = subprocess.run(
        ["sh", "-c", line.rpartition(" > ")[0]], capture_output=True, text=True, check=True, timeout=10
    )

    handed = "file:/run/credentials/provider-monitor.service/"
    assert tomllib.loads(f"a = {done.stdout}")["a"] == [
        [f"{handed}messages", f"{handed}messages-2", f"{handed}env#KEY"],
        [f"{handed}a-b.c", "file:axb.c", "env:messages"],
    ]
    for name, file in zip(("messages", "messages-2", "env", "a-b.c"), files, strict=True):
        assert f"install -D -m 0600 {quote(str(file))} /etc/provider-monitor/secrets/{name}" in made.steps
        assert f"\nLoadCredential={name}:/etc/provider-monitor/secrets/{name}\n" in made.text


@pytest.mark.parametrize("program", ["/home/jo/.venv/bin/provider-monitor", "/tmp/v/bin/provider-monitor", "/root/x"])
def test_a_program_that_the_systems_unit_does_not_see_is_installed_again(program):
    made = service_file(ServiceKind.SYSTEM, replace(PLACE, program=(program,), source="/home/jo/my source"))

    assert program not in made.text
    assert "\nExecStart=/opt/provider-monitor/bin/provider-monitor --config" in made.text
    assert any("/opt/provider-monitor/bin/pip install '/home/jo/my source'" in step for step in made.steps)


def test_a_shell_starts_by_the_line_for_cron_what_is_meant(tmp_path):
    folder = tmp_path / "100% odd 'folder'"
    folder.mkdir()
    program = folder / "a program"
    program.write_text('#!/bin/sh\npwd >said\nprintf "%s\\n" "$@" >>said\n')
    program.chmod(0o755)
    config = folder / "monitor.toml"
    made = service_file(ServiceKind.CRON, Installation((str(program),), config, tmp_path, tmp_path))
    line = made.steps[1].removeprefix("* * * * * ")
    assert "%" not in line.replace(r"\%", ""), "cron ends a command at a bare one"

    subprocess.run(["sh", "-c", line.replace(r"\%", "%")], check=True)
    assert (folder / "said").read_text().splitlines() == [str(folder), "--config", str(config), "once"]


def test_a_container_reads_a_configuration_of_any_name():
    made = service_file(ServiceKind.COMPOSE, replace(PLACE, config=Path('/home/jo/a"b$HOME\\.toml')))
    (service,) = yaml.safe_load(made.text)["services"].values()

    assert service["command"][:2] == ["--config", '/etc/provider-monitor/a"b$$HOME\\.toml']


@pytest.mark.parametrize("odd", ["\n[Service]\n", "\x1b", "\udcff", "\u2028"])
def test_a_file_of_a_name_that_no_unit_can_hold_is_refused(tmp_path, odd):
    assert "no file of a service can hold" in why_closed(tmp_path / f"a{odd}b" / "monitor.toml")
    assert why_closed(tmp_path / "a\u3000 'b' é" / "monitor.toml") == ""


def test_nothing_keeps_it_running_unless_told():
    assert service_file(ServiceKind.NONE, PLACE) is None


def test_a_whole_proposal_passes_what_check_demands(tmp_path):
    variables = {name: f"{KEY}{number}" for number, one in enumerate(CATALOG.values()) for name in one.key_variables}
    draft = ConfigDraft(tmp_path / "m.toml", accounts=read_variables(variables, HERE, CATALOG).accounts)

    config = config_of_text(draft.text, draft.file, variables)
    assert len(config.accounts) == sum(bool(one.key_variables) for one in CATALOG.values()) > 20
    assert vetted(draft, variables).ids == [*config.accounts]


def test_what_is_not_watched_is_written_without_its_secrets(tmp_path):
    base = f"https://jo:hunter2hunter2@llm.example.com/v1?token={KEY}"
    account = ProposedAccount("openai-compatible", "a", f"a {KEY}", "env:A", base=base, models=(KEY,))
    text = vetted(ConfigDraft(tmp_path / "m.toml", accounts=(account,)), {"A": KEY}).text

    assert "# base " in text
    assert not any(secret in text for secret in (KEY, "hunter2"))


HALVES = {
    "an address": {"base": "https://h\udcff/v1"},
    "a model": {"models": ("\ud83d",)},
    "a file": {"key": "file:.env\udcff#A"},
}


@pytest.mark.parametrize("fact", HALVES.values(), ids=HALVES)
def test_what_is_no_text_is_not_watched_and_does_not_stop_the_rest(tmp_path, fact):
    whole = ProposedAccount("openai", "b", "of .env\udcff", "env:A")
    draft = vetted(ConfigDraft(tmp_path / "m.toml", accounts=(replace(whole, name="a", **fact), whole)), {"A": KEY})
    write_draft(draft)

    assert draft.ids == ["openai/b"]
    assert [*config_of_text(draft.file.read_text(), draft.file, {"A": KEY}).accounts] == ["openai/b"]


def test_a_source_of_any_name_is_one_line_of_a_comment():
    text = document_text([ProposedAccount("openai", "a", ".env\x1b[31m\n[x]\u202e")], None)

    assert "# From .env\\x1b[31m [x]\\u202e.\n" in text
    parse_toml(text, "m.toml")
