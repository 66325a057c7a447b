"""A key where none belongs is refused, with the place and the repair, and never printed, stored or published."""

import os
import re

import pytest
import trustme

from monitor.cli import build_parser, main
from monitor.config.file_access import check_secret_files
from tests.test_decode import FORMS as WRITTEN_FORMS
from tests.test_decode import undone

FORMS = WRITTEN_FORMS | {"slashes": "wJ8rXUtn/K7MDENG+bPxRfiC9Y/EXmpL3kEqQz7T"}

GOOD = '[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n'
ACCOUNT = '[[accounts]]\nname = "a"\nprovider = "openai"\n'
PROGRAM = '[[accounts]]\nname = "a"\nprovider = "codex"\n'

REFUSED = {
    "key": (ACCOUNT + 'key = "{0}"', "accounts.a.key"),
    "key-env": (ACCOUNT + 'key = "env:{0}"', "accounts.a.key"),
    "key-file": (ACCOUNT + 'key = "file:{0}"', "accounts.a.key"),
    "key-command": (ACCOUNT + 'key = "command:{0}"', "accounts.a.key"),
    "key-other-case": (ACCOUNT + 'key = "ENV:{0}"', "accounts.a.key"),
    "key-list": (ACCOUNT + 'key = ["{0}"]', "accounts.a.key"),
    "key-table": (ACCOUNT + 'key = {{ value = "{0}" }}', "accounts.a.key"),
    "admin-key": (GOOD + 'admin_key = "{0}"', "accounts.a.admin_key"),
    "provider": ('[[accounts]]\nname = "a"\nprovider = "{0}"\nkey = "env:KEY"', "accounts.a.provider"),
    "provider-list": ('[[accounts]]\nname = "a"\nprovider = ["{0}"]\nkey = "env:KEY"', "accounts.a.provider"),
    "name": ('[[accounts]]\nname = "{0}"\nprovider = "openai"\nkey = "env:KEY"', "accounts."),
    "model": (GOOD + 'models = ["{0}"]', "accounts.a.models"),
    "model-of": (GOOD + 'models = {{ chat = ["{0}"] }}', "accounts.a.models"),
    "model-bare": (GOOD + 'models = "{0}"', "accounts.a.models"),
    "tag": (GOOD + 'tags = ["{0}"]', "accounts.a.tags"),
    "note": (GOOD + 'note = "the key is {0}"', "accounts.a.note"),
    "base-user": (GOOD + 'base = "https://u:{0}@host.example/v1"', "accounts.a.base"),
    "base-query": (GOOD + 'base = "https://host.example/v1?key={0}"', "accounts.a.base"),
    "base-alone": (GOOD + 'base = "{0}"', "accounts.a.base"),
    "unknown-field": (GOOD + 'api_key = "{0}"', "accounts.a.api_key"),
    "unknown-name": (GOOD + '"{0}" = 1', "accounts.a."),
    "header-name": (GOOD + 'headers = {{ "{0}" = "x" }}', "accounts.a.headers"),
    "variable": (PROGRAM + 'environment = ["{0}"]', "accounts.a.environment"),
    "variable-value": (PROGRAM + 'environment = {{ TOKEN = "{0}" }}', "accounts.a.environment"),
    "argument": (PROGRAM + 'command = ["codex", "--key={0}"]', "accounts.a.command"),
    "argument-text": (PROGRAM + 'command = "codex {0}"', "accounts.a.command"),
    "accounts-brackets": ('[accounts]\nname = "a"\nkey = "{0}"', "accounts"),
    "accounts-text": ('accounts = "{0}"', "accounts"),
    "channels-brackets": (GOOD + '[channels]\nname = "x"\nurl = "tgram://{0}/12"', "channels"),
    "channels-text": ('channels = "tgram://{0}/12"\n' + GOOD, "channels"),
    "channel-list": (GOOD + '[[channels]]\nname = "x"\nurl = ["tgram://{0}/12"]', "channels.x.url"),
    "channel-table": (GOOD + '[[channels]]\nname = "x"\nurl = {{ token = "{0}" }}', "channels.x.url"),
    "channel-name": (GOOD + '[[channels]]\nname = "{0}"\nurl = "terminal:"', "channels."),
    "channel-address": (GOOD + '[[channels]]\nname = "x"\nurl = "{0}"', "channels.x.url"),
    "channel-variable": (GOOD + '[[channels]]\nname = "x"\nurl = "env:{0}"', "channels.x.url"),
    "channel-field": (GOOD + '[[channels]]\nname = "x"\nurl = "terminal:"\ntoken = "{0}"', "channels.x.token"),
    "channel-detail": (GOOD + '[[channels]]\nname = "x"\nurl = "terminal:"\ndetail = "{0}"', "channels.x.detail"),
    "route": (GOOD + '[[routes]]\nchannels = ["{0}"]', "routes"),
    "heartbeat-brackets": (GOOD + '[[heartbeat]]\nurl = "https://hc-ping.com/{0}"', "heartbeat"),
    "heartbeat-text": ('heartbeat = "https://hc-ping.com/{0}"\n' + GOOD, "heartbeat"),
    "heartbeat-alone": (GOOD + '[heartbeat]\nurl = "{0}"', "heartbeat.url"),
    "heartbeat-list": (GOOD + '[heartbeat]\nurl = ["https://hc-ping.com/{0}"]', "heartbeat.url"),
    "title": ('[site]\ntitle = "{0}"\n' + GOOD, "site.title"),
    "site-host": ('[site]\nhost = "{0}"\n' + GOOD, "site.host"),
    "proxy-user": (GOOD + 'proxy = "http://{0}:@host.example:80"', "accounts.a.proxy"),
    "proxy-bare": (GOOD + 'proxy = "{0}@host.example:80"', "accounts.a.proxy"),
    "proxy-host": (GOOD + 'proxy = "http://{0}:80"', "accounts.a.proxy"),
    "proxy-alone": (GOOD + 'proxy = "{0}"', "accounts.a.proxy"),
    "site-user": ('[site]\nurl = "https://x:{0}@host.example/"\n' + GOOD, "site.url"),
    "location": ('location = "{0}"\n' + GOOD, "location"),
    "table": (GOOD + '["{0}"]\nx = 1', ""),
    "budget": ('[budget]\ndaily_usd = "{0}"\n' + GOOD, "budget.daily_usd"),
    "twice": (ACCOUNT + 'key = "{0}"\nkey = "{0}"', ""),
    "open-quote": (ACCOUNT + 'key = "{0}', ""),
    "no-quotes": (ACCOUNT + "key = {0}", ""),
    "line": ("{0}\n", ""),
    "own-provider": (GOOD + '[providers.openai]\nbase = "https://u:{0}@host.example/v1"', ""),
    "canary": (GOOD + 'canaries = ["{0}"]', "accounts.a.canaries"),
    "canary-of-an-objective": (
        GOOD + 'canaries = ["{0}"]\n[[objectives]]\nname = "o"\naccount = "a"\navailability = 99\ncanary = "chat"',
        "accounts.a.canaries",
    ),
    "folder": ('provider_folder = "{0}"\n' + GOOD, "provider_folder"),
    "templates": (GOOD + '[alerts]\ntemplates = "{0}"', "alerts.templates"),
    "own-auth": (GOOD + '[providers.openai.auth]\nheader = "x"\nvalue = ["{0}"]', "providers.openai.auth"),
}


def shows(text, key):
    wanted, shown = undone(key), undone(text)
    return any(wanted[at : at + 10] in shown for at in range(len(wanted) - 9))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "sk-good-0123456789abcdefXYZW")
    return tmp_path


REFERENCES = ("key-env", "key-file", "key-command")
"""With a slash in it, what stands there is a path that leads nowhere: not shown, and told as UNKNOWN."""


@pytest.mark.parametrize(("text", "place"), [it for name, it in REFUSED.items() if name not in REFERENCES])
def test_nor_is_a_key_with_slashes_in_it_which_looks_like_a_path(folder, capsys, text, place):
    test_a_key_where_none_belongs_is_refused_by_its_place_alone(folder, capsys, text, place, "slashes")


@pytest.mark.parametrize("form", ["issued", "letters", "digits"])
@pytest.mark.parametrize(("text", "place"), REFUSED.values(), ids=REFUSED)
def test_a_key_where_none_belongs_is_refused_by_its_place_alone(folder, capsys, text, place, form):
    (folder / "monitor.toml").write_text(text.format(FORMS[form]))

    assert main(["check"]) == 2
    said = "".join(capsys.readouterr())
    assert not shows(said, FORMS[form])
    assert f"monitor.toml: {place}" in said
    assert ";" in said, "a repair"


@pytest.mark.parametrize("text", ['[[heartbeat]]\nurl = "https://hc-ping.com/{0}"', '[channels]\nurl = "json://h/{0}"'])
def test_wrong_brackets_are_named_with_the_right_ones(folder, capsys, text):
    (folder / "monitor.toml").write_text(GOOD + text.format(FORMS["uuid"]))

    assert main(["check"]) == 2
    said = "".join(capsys.readouterr())
    assert not shows(said, FORMS["uuid"])
    assert re.search(r"write \[heartbeat\], with one bracket|write \[\[channels\]\], with two brackets", said)


@pytest.mark.parametrize(
    "line",
    [
        "command:false --token {0}",
        "command:TOKEN={0} x",
        "command:'{0}",
        "file:/run/{0}",
        "command:",
        "command: ",
    ],
)
@pytest.mark.parametrize("form", ["letters", "digits", "slashes"])
def test_a_reference_that_leads_nowhere_is_not_printed_whole(folder, capsys, line, form):
    (folder / "monitor.toml").write_text(ACCOUNT + f'key = "{line.format(FORMS[form])}"\n')

    main(["check"])
    said = "".join(capsys.readouterr())
    assert "UNKNOWN until mended" in said
    assert not shows(said, FORMS[form])


WORDS = (
    *(("--config", "{0}", "check"), ("{0}",), ("check", "{0}"), ("status", "--{0}"), ("pick", "{0}"), ("probe", "{0}")),
    *(("drill", "{0}"), ("drill", "a", "--fault", "{0}"), ("acknowledge", "{0}"), ("snooze", "{0}"), ("tune", "{0}")),
    *(("silence", "--end", "{0}"), ("alerts", "{0}"), ("alerts", "test", "{0}"), ("alerts", "explain", "{0}")),
    *(("restore", "{0}"), ("providers", "{0}"), ("classify", "--provider", "{0}"), ("classify", "--header", "{0}")),
)


@pytest.mark.parametrize("form", ["issued", "letters", "digits"])
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_key_on_the_command_line_is_not_repeated(folder, capsys, words, form):
    (folder / "monitor.toml").write_text(GOOD)
    try:
        code = main([word.format(FORMS[form]) for word in words])
    except SystemExit as ended:
        code = ended.code

    assert code == 2
    assert not shows("".join(capsys.readouterr()), FORMS[form])


@pytest.mark.parametrize("form", ["issued", "letters", "digits"])
@pytest.mark.parametrize("words", [("run", "--host", "{0}"), ("run", "--host={0}:8321")], ids=" ".join)
def test_a_key_is_nowhere_to_listen(capsys, words, form):
    line = [word.format(FORMS[form]) for word in words]
    with pytest.raises(SystemExit, match="2"):
        build_parser(line).parse_args(line)

    assert not shows("".join(capsys.readouterr()), FORMS[form])


@pytest.mark.parametrize("value", [FORMS["issued"], FORMS["letters"], FORMS["digits"]])
def test_a_header_that_holds_a_key_is_a_secret_whatever_it_is_called(folder, value):
    from monitor.config.load import load_config

    (folder / "monitor.toml").write_text(GOOD + f'headers = {{ "x-team" = "{value}", "x-colour" = "blue" }}\n')
    config = load_config(folder / "monitor.toml", os.environ)

    assert value in config.secrets
    assert "blue" not in config.secrets
    assert config.secret_keys == ("accounts.a.headers.x-team",)


OWN = os.geteuid() or 4321


MODES = {0o600: None, 0o400: None, 0o640: "its group", 0o644: "everybody", 0o604: "everybody", 0o660: "its group"}


@pytest.mark.parametrize(("mode", "who"), MODES.items(), ids=map(oct, MODES))
def test_a_file_of_keys_that_others_can_read_is_named_with_the_repair(folder, capsys, mode, who):
    (folder / "key").write_text("sk-good-0123456789abcdefXYZW")
    (folder / "key").chmod(mode)
    (folder / "monitor.toml").write_text(ACCOUNT + 'key = "file:key"\n')

    assert main(["check"]) == 0
    said = "".join(capsys.readouterr())
    assert (f"can be read by {who}: " in said and f"chmod 600 {folder / 'key'}" in said) == (who is not None)


@pytest.mark.parametrize(
    ("name", "user", "repair"),
    [
        ("monitor.toml", OWN, "chmod 600 {}"),
        ("key", OWN, "chmod 600 {}"),
        ("key", OWN + 1, "let whoever runs the monitor own it, and chmod 600 {}"),
        (
            "monitor.toml",
            OWN + 1,
            "name each secret in it as env:NAME or file:PATH; or let whoever runs the monitor own",
        ),
    ],
)
def test_the_repair_of_an_open_file_locks_out_no_service_that_reads_it_as_another_user(tmp_path, name, user, repair):
    file = tmp_path / name
    file.write_text("secret")
    file.chmod(0o644)
    os.chown(file, OWN, -1)
    (told,) = check_secret_files([file], user=user)

    assert f"can be read by everybody: {repair.format(file)}" in told


def test_what_authorities_show_to_everybody_is_no_secret(folder, capsys):
    shown = folder / "authority.pem"
    trustme.CA().cert_pem.write_to_path(shown)
    (folder / "monitor.toml").write_text(GOOD.replace("[[accounts]]\n", '[[accounts]]\nca_file = "authority.pem"\n'))
    shown.chmod(0o644)

    assert main(["check"]) == 0
    said = "".join(capsys.readouterr())
    assert f"trusts the CAs in {shown}" in said
    assert "holds secrets" not in said


@pytest.mark.parametrize(("url", "told"), [("json://u:Pa55word@host.example", True), ("env:HOOK", False)])
def test_monitor_toml_is_such_a_file_only_where_a_secret_stands_in_it(folder, capsys, monkeypatch, url, told):
    monkeypatch.setenv("HOOK", "json://u:Pa55word@host.example")
    (folder / "monitor.toml").write_text(GOOD + f'[[channels]]\nname = "x"\nurl = "{url}"\n')
    (folder / "monitor.toml").chmod(0o644)

    assert main(["check"]) == 0
    assert ("monitor.toml holds secrets (channels.x.url) and can" in "".join(capsys.readouterr())) == told


def test_each_secret_that_stands_in_monitor_toml_is_named_by_its_key_and_not_shown(folder, capsys):
    headers = 'headers = { "x-token" = "Pa55word-12345", "x-gate" = "env:KEY", "x-colour" = "blue" }\n'
    channel = '[[channels]]\nname = "x"\nurl = "json://u:Pa55word@host.example"\n'
    heartbeat = '[heartbeat]\nurl = "https://hc.example/Pa55"\n'
    (folder / "monitor.toml").write_text(GOOD + headers + channel + heartbeat)
    (folder / "monitor.toml").chmod(0o644)

    assert main(["check"]) == 0
    said = "".join(capsys.readouterr())
    assert "holds secrets (channels.x.url, heartbeat.url, accounts.a.headers.x-token) and can be read" in said
    assert "Pa55" not in said


def test_what_is_mounted_for_one_process_is_nobodys_to_change(folder, monkeypatch):
    (folder / "key").write_text("x")
    (folder / "key").chmod(0o444)
    assert len(check_secret_files([folder / "key"])) == 1
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert check_secret_files([folder / "key"]) == []
