"""`check`: what would not work is exit code 2, what is unwise is a warning, and each repair is for humans."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from monitor.cli import main
from monitor.config.document import Document
from probes.provider import Provider

ACCOUNT = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'
HOOK = '[[channels]]\nname = "hook"\nurl = "json://localhost"\n'
KEY = "sk-good-0123456789abcdefXYZW"


OLLAMA = '[[accounts]]\nname = "a"\nprovider = "ollama"\nbase = "http://localhost:11434/v1"\n'


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Check a text as monitor.toml: exit code, stdout, stderr."""
    monkeypatch.setenv("KEY", KEY)

    def run(text, *options):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "monitor.toml").write_bytes(content)
        (tmp_path / "monitor.toml").chmod(0o600)
        code = main(["--config", str(tmp_path / "monitor.toml"), "check", *options])
        return code, *capsys.readouterr()

    return run


UNREADABLE = {
    "a variable that is not set": ACCOUNT.replace("KEY", "NONE"),
    "a file that is not there": ACCOUNT.replace("env:KEY", "file:none.key"),
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_key_that_cannot_be_read_is_an_error_unless_keys_are_left_out(text, check):
    code, _, err = check(text)

    assert code == 2
    assert re.search(r'^monitor.toml: accounts.a.key = "\w+:[\w.]+": openai/a cannot work: the ', err)
    assert ("--no-keys" in err) is ("NONE" in err)  # for a missing file it would hide a mistake
    code, out, err = check(text, "--no-keys")
    assert (code, err) == (0, "")
    assert "UNKNOWN" not in out


KEYLESS = {
    "its own host": '[[accounts]]\nname = "a"\nprovider = "openai"\n',
    "its own host, named": '[[accounts]]\nname = "a"\nprovider = "openai"\nbase = "https://eu.api.openai.com/v1"\n',
    "a host of each customer": '[[accounts]]\nname = "a"\nprovider = "azure-openai"\n'
    'base = "https://a.openai.azure.com/openai/v1"\nmodels = ["m"]\n',
    "a key for the costs alone": '[[accounts]]\nname = "a"\nprovider = "openai"\nadmin_key = "env:KEY"\n',
    "an empty reference": '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = ""\n',
}


@pytest.mark.parametrize("options", [(), ("--no-keys",)])
@pytest.mark.parametrize("text", KEYLESS.values(), ids=KEYLESS)
def test_an_account_of_a_company_without_a_key_is_an_error_with_all_others(text, options, check):
    code, _, err = check(text + '[[accounts]]\nname = "b"\nprovider = "opnai"\n', *options)

    assert code == 2
    assert re.search(
        r'^monitor.toml: accounts\.a(\.key is not a reference|.* lacks `key`; add key = "env:\w+")', err, re.M
    )
    assert 'accounts.b.provider = "opnai"' in err


UNNEEDED = {
    "an own server": OLLAMA,
    "a gateway with its own accounts": KEYLESS["its own host"] + 'base = "https://gateway.example/v1"\n',
    "the header that carries the key": KEYLESS["its own host"] + 'headers = { Authorization = "env:KEY" }\n',
    "a header of the provider": KEYLESS["its own host"]
    + '[providers.openai]\nheaders = { authorization = "env:KEY" }\n',
    "a proxy that adds the key": KEYLESS["its own host"] + '[providers.openai]\nbase = "https://proxy.example/v1"\n',
    "a client with its own login": '[[accounts]]\nname = "a"\nprovider = "codex"\ncommand = ["true"]\n',
    "only the costs": KEYLESS["a key for the costs alone"] + 'canaries = ["costs"]\n',
}


@pytest.mark.parametrize("text", UNNEEDED.values(), ids=UNNEEDED)
def test_an_account_that_needs_no_key_lacks_none(text, check):
    code, _, err = check(text)

    assert "lacks `key`" not in err
    assert code == 0


LAYERS = """
location = "of\\u0007fice"
[probe]
failures = true
[[accounts]]
name = "unset"
provider = "openai"
key = "env:NONE"
[[accounts]]
name = "strange"
provider = "opnai"
[[accounts]]
name = "lost"
provider = "openai"
key = "file:none.key"
priority = 9
[[channels]]
name = "y"
url = "slak://a"
[[routes]]
channels = ["yy"]
[alerts]
zone = "Berlin"
templates = "own"
"""
EACH = {
    "location": '"of\\u0007fice"',
    "probe.failures": "true",
    "accounts.lost.priority": "9",
    "accounts.strange.provider": '"opnai"',
    "routes[1].channels": '"yy"',
    "alerts.zone": '"Berlin"',
    "accounts.unset.key": "env:NONE",
    "accounts.lost.key": "file:none.key",
    "channels.y.url": None,
    "": None,
}
"""A mistake in each layer of a file: ranges, types, names, surroundings, keys, addresses, templates."""


def test_a_mistake_in_one_layer_hides_none_in_another_and_each_has_key_value_and_repair(check, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "incident.txt.j2").write_text("{{ 1 / 0 }}")
    code, out, _ = check(LAYERS, "--json")
    rows = json.loads(out)["rows"]

    assert code == 2
    assert {row["key"]: row["value"] for row in rows} == EACH
    assert all(row["repair"] and row["file"] for row in rows)
    assert rows[-1]["file"].endswith("own/incident.txt.j2")


def test_of_a_key_in_the_file_itself_no_part_is_shown(check):
    pasted = f'[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "{KEY}"\nbase = "ftp://x"\n'
    code, out, err = check(pasted, "--json")

    assert (code, KEY in out + err) == (2, False)
    assert [row["value"] for row in json.loads(out)["rows"] if row["key"] == "accounts.a.key"] == [None]


NAMED = """
[[accounts]]
name = "main"
provider = "openai"
key = "env:KEY"
canaries = ["chat", "lst"]
[[accounts]]
name = "other"
provider = "openai"
key = "env:KEY"
canaries = ["sk-Wq8ZtL5vXn2RjP7mTb4K"]
[[maintenance]]
name = "m"
start = "2026-11-21 22:00"
lasts_s = 7200
providers = ["openai", "opnai"]
[[services]]
name = "Chat"
accounts = ["openai/mian"]
[public]
languages = ["en", "xx"]
[status]
providers = ["opnai"]
"""


def test_of_a_list_the_word_that_is_wrong_is_the_value(check):
    rows = json.loads(check(NAMED, "--json")[1])["rows"]

    assert {row["key"]: row["value"] for row in rows} == {
        "accounts.main.canaries": '"lst"',
        "accounts.other.canaries": '"[redacted]"',
        "maintenance.m.providers": '"opnai"',
        "public.languages": '"xx"',
        "services.Chat.accounts": '"openai/mian"',
        "status.providers": '"opnai"',
    }


@pytest.mark.parametrize("value", ["", "  "])
def test_a_variable_that_is_empty_holds_no_key(value, check, monkeypatch):
    monkeypatch.setenv("KEY", value)
    code, _, err = check(ACCOUNT)

    assert (code, ": openai/a cannot work: env:KEY is empty; put the key there" in err) == (2, True)


def test_without_keys_an_address_by_reference_is_not_needed_and_another_is_checked(check):
    unread = '[[channels]]\nname = "x"\nurl = "env:NONE"\n'
    assert check(ACCOUNT + unread, "--no-keys")[0] == 0

    code, _, err = check(ACCOUNT + unread + '[[channels]]\nname = "y"\nurl = "slak://a"\n', "--no-keys")
    assert (code, "channels.y.url does not begin" in err) == (2, True)


def test_what_a_service_does_not_know_is_named_with_its_file_key_value_and_repair(check):
    channels = (
        '[[channels]]\nname = "phone"\nurl = "ntfy://topic?priority=urgnt"\n'
        '[[channels]]\nname = "oncall"\nurl = "pagerduty://KEY?dedup=x"\n'
        '[[channels]]\nname = "hook"\nurl = "webhook:https://h/x"\n'
        '[[channels]]\nname = "unread"\nurl = "webhook:https://h/x"\nsecret = "env:NONE"\n'
    )
    code, _, err = check(ACCOUNT + channels, "--no-keys")

    assert code == 2
    for line in (
        'monitor.toml: channels.phone.url has priority = "urgnt", which ntfy does not know; '
        "write one of min, low, default, high, max",
        'monitor.toml: channels.oncall.url has the parameter "dedup", which means nothing here; '
        "only region, severity are known",
        'monitor.toml: channels.hook.secret is missing: a webhook is signed; give secret = "env:NAME"',
    ):
        assert line in err
    assert "channels.unread.secret is missing" not in err


@pytest.mark.parametrize(("host", "found"), [("no-such-host.invalid", False), ("localhost", True)])
def test_a_host_is_looked_for_only_online(host, found, check):
    text = f'{ACCOUNT}base = "http://{host}:8000/v1"\n'

    assert check(text)[0] == 0
    code, _, err = check(text, "--online")
    assert code == (0 if found else 2)
    assert (f"accounts.a.base of openai/a has the host {host}, which is not found" in err) is not found


def test_behind_a_proxy_the_proxy_has_to_be_found(check):
    text = f'{ACCOUNT}base = "https://known-to-the-proxy.invalid/v1"\nproxy = "http://localhost:3128"\n'

    assert check(text, "--online")[0] == 0


@pytest.mark.parametrize("base", ["gate.example/v1", "https://gate .example/v1", "https://gate.example:99999/v1"])
def test_a_malformed_address_is_an_error(base, check):
    code, _, err = check(f'{ACCOUNT}base = "{base}"\n')

    assert code == 2
    assert re.search("accounts.a.base .*https?://", err)


def test_no_account_is_a_hint(check):
    code, out, err = check("")

    assert (code, err) == (0, "")
    assert "add an [[accounts]] block" in out


@pytest.mark.parametrize("name", ["incident.txt.j2", "index.html"])
def test_a_template_that_does_not_render_is_an_error(name, check, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).write_text("{{ 1 / 0 }}" if name.endswith("j2") else "{% block")
    code, _, err = check(f'{ACCOUNT}[site]\ntemplates = "own"\n[alerts]\ntemplates = "own"\n')

    assert code == 2
    assert name in err


def test_a_template_that_fails_in_another_language_of_the_public_page_is_an_error(check, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "public.html").write_text("{{ 1 / (0 if language == 'de' else 1) }}")
    text = f'{ACCOUNT}[site]\ntemplates = "own"\n[public]\nlanguages = '

    assert check(f'{text}["en"]\n')[0] == 0
    code, _, err = check(f'{text}["en", "de"]\n')
    assert (code, "public.html" in err) == (2, True)


@pytest.mark.parametrize("section", ["[site]", '[alerts]\nlanguage = "de"'])
def test_a_language_file_that_cannot_be_used_is_an_error(section, check, tmp_path):
    (tmp_path / "own" / "language").mkdir(parents=True)
    (tmp_path / "own" / "language" / "de.toml").write_text('plural = "n % 0"\n[phrases]\n"{n} h" = "{n[0]} h"\n')
    text = f'{ACCOUNT}{section}\ntemplates = "own"\n'

    code, _, err = check(text + ('language = "de"\n' if section == "[site]" else ""))
    assert code == 2
    assert 'plural = "n % 0" divides by zero; write it as gettext does: "n != 1"' in err
    assert '"{n[0]} h" cannot be filled; in braces write only {n}' in err


def test_a_message_template_that_fails_in_the_language_of_one_channel_is_an_error(check, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "incident.txt.j2").write_text("{{ 1 / (0 if _('Accounts') != 'Accounts' else 1) }}")
    text = f'{ACCOUNT}[alerts]\ntemplates = "own"\n{HOOK}'

    assert check(text)[0] == 0
    code, _, err = check(f'{text}language = "de"\n')
    assert (code, "incident.txt.j2" in err) == (2, True)


@pytest.mark.parametrize(("model", "known"), [("gpt-4.1-nano", True), ("our-own-model", False)])
def test_a_model_whose_price_is_not_known_is_named(model, known, check):
    _, out, _ = check(ACCOUNT + f'models = ["{model}"]\n')

    assert f"chat {model}{', models' if known else ' (price not known), models'}" in out


def test_a_channel_to_which_no_route_leads_is_a_warning(check):
    code, _, err = check(ACCOUNT + HOOK + "[[routes]]\nchannels = []\n")
    assert code == 0
    assert "[[channels]] hook: no route leads to it" in err

    assert "no route" not in check(ACCOUNT + HOOK)[2]
    assert "no route" not in check(ACCOUNT + HOOK + '[[routes]]\nchannels = ["hook"]\n')[2]


REPAIRS = {
    '[accounts]\nname = "a"\n': "accounts is one table; write [[accounts]], with two brackets",
    '[[site]]\ntitle = "x"\n': "site is a list of tables; write [site], with one bracket",
    '[accounts]\nname = "a"\n\n[[accounts]]\nname = "b"\n': (
        "accounts is [accounts] in line 1 and [[accounts]] in line 4; write [[accounts]] in each of them"
    ),
    "[accounts]\n" * 2 + "[[accounts]]\n": "[accounts] in line 1, [accounts] in line 2 and [[accounts]] in line 3",
    "[site]\nport = 1\n[site]\nslo = 0.9\n": (
        "site is [site] in line 1 and [site] in line 3; keep one [site], with the keys of all below it"
    ),
    "[probe]\n[probe]\n[site]\n[site]\n": "site is [site] in line 3 and [site] in line 4",
    "[x]\n[x]\n": "is not TOML",
    "failures = 3\n": "failures is not known; it belongs in [probe]",
    "[[account]]\nname = 'a'\n": 'account is not known; did you mean "accounts"?',
    "[chanels]\n": 'chanels is not known; did you mean "channels"?',
    ACCOUNT + 'location = "fra"\n': "accounts.a.location is not known; it belongs above the first [table]",
    ACCOUNT + "blip_s = 3\n": "accounts.a.blip_s is not known; it belongs in [probe]",
    ACCOUNT + "slo = 0.9\n": "accounts.a.slo is not known; it belongs in [site]",
    'provider = "openai"\n': "provider is not known; it belongs in [[accounts]]",
    '[probe]\nchannels = ["x"]\n': "probe.channels is not known; it belongs in [[routes]]",
    'locaton = "x"\n': 'locaton is not known; did you mean "location"?',
    "location = 3\n": "location = 3; give a text, in quotes",
    '[probe]\nfailures = "3"\n': 'probe.failures = "3"; give a whole number, without quotes',
    '[probe]\nonline = "https://x"\n': 'give a list: ["one", "two"]',
    '[site]\nserve = "yes"\n': "give true or false",
    '[site]\nlanguage = "english"\n': "give a language: en, de, he or zh-Hans",
    '[site]\npublic_url = "ftp://x"\n': "give a web address that begins with https:// or http://",
    "[credit]\nlow = { usd = 3 }\n": "give a currency in three capital letters: USD",
    ACCOUNT.replace('"a"', '"a/b"'): "give 1 to 64 characters, with no slash anywhere",
}


@pytest.mark.parametrize("text", REPAIRS)
def test_each_mistake_is_answered_with_what_to_write(text, check):
    code, _, err = check(text)

    assert code == 2
    assert REPAIRS[text] in err
    assert not re.search(r"\^|\[\^|\\s|\$(;|$)", err, re.M), "no regular expression"


def forms(schema):
    """Yield each part of a schema that has a pattern."""
    if isinstance(schema, dict):
        yield from [schema] if "pattern" in schema else []
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from forms(inner)


@pytest.mark.parametrize("kind", [Document, Provider])
def test_every_form_is_told_in_words(kind):
    found = [one for one in forms(msgspec.json.schema(kind)) if isinstance(one["pattern"], str)]

    assert found
    assert [one for one in found if not one.get("description")] == []


def test_a_byte_order_mark_is_accepted(check):
    assert check(b"\xef\xbb\xbf" + ACCOUNT.encode())[0] == 0


def test_the_example_is_checked_well(check):
    assert check((Path(__file__).parents[1] / "monitor.toml").read_text())[0] == 0
