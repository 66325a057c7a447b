"""What the form of a key tells before it is sent; no word of it shows any of the key."""

import json
from base64 import b64encode, urlsafe_b64encode
from random import Random

import pytest

from monitor.config.key_form import ISSUERS, find_flaws
from monitor.config.load import load_config
from probes.catalog import load_provider, provider_ids
from tests.backstage import call
from tests.rows import each_row

KEY = "sk-proj-AbCd1234EfGh5678IjKl"
OPENAI, ANTHROPIC, GATEWAY = map(load_provider, ("openai", "anthropic", "openai-compatible"))

NEVER = {
    f'"{KEY}"': "quotes",
    f"'{KEY}'": "quotes",
    f"{KEY}`": "quotes",
    f"Bearer {KEY}": "in front",
    f"bearer:{KEY}": "in front",
    f"Bearer{KEY}": "in front",
    f"BEARER-{KEY}": "in front",
    f"bearergsk_{KEY}": "in front",
    f"Bearer%20{KEY}": "in front",
    f"Bearer+{KEY}": "in front",
    f"bearer%3A%20{KEY}": "in front",
    f"Bearer={KEY}": "in front",
    f"token%20{KEY}": "in front",
    f"{KEY[:12]}%20{KEY[12:]}": "a blank inside",
    f"%20{KEY}": "a blank inside",
    f"Authorization: Bearer {KEY}": "in front",
    f"x-api-key: {KEY}": "in front",
    f"OPENAI_API_KEY={KEY}": "a name in front",
    f"export OPENAI_API_KEY = {KEY}": "a name in front",
    f"api_key: {KEY}": "a name in front",
    f"{KEY[:12]} {KEY[12:]}": "a blank inside",
    f"{KEY},": "ends with",
    f"{KEY};": "ends with",
    f"{KEY}\\n": "a line break that is written out",
    f"{KEY}%0D%0A": "a line break that is written out",
    f'{{"key": "{KEY}"}}': "a whole document",
    "env:OPENAI_API_KEY": "a reference itself",
    "file:keys/openai": "a reference itself",
    "op://vault/openai/key": "a reference itself",
    "https://api.openai.com/v1": "a web address",
    "sk-...": "a placeholder",
    "<KEY>": "a placeholder",
    "<your key>": "a placeholder",
    "${OPENAI_API_KEY}": "a placeholder",
    "sk-Ab***yz": "shown in part",
}
"""What no server takes for a key."""

DUBIOUS = {
    "your-key-here": "a placeholder",
    "YOUR_OPENAI_API_KEY": "a placeholder",
    "sk-your-openai-key": "a placeholder",
    "changeme": "a placeholder",
    "REPLACE_ME": "a placeholder",
    "/run/secrets/openai": "a path",
    "~/keys/openai": "a path",
    "keys/openai.txt": "a path",
}
"""What a server of one's own could take for one."""

REAL = [
    *(KEY, "a1b2c3d4e5f60718293a4b5c6d7e8f90", "0123456789abcdef0123456789abcdef.AbCdEfGh12345678"),
    *("YWJjZGVmZ2hpamtsbW5vcA==", "relay:0123456789", "key-0123456789", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY"),
]


def found(key, provider=OPENAI, *, gateway=False):
    return [(flaw.words, flaw.fatal) for flaw in find_flaws(key, provider, gateway=gateway)]


@each_row("gateway", [False, True])
@each_row("key", NEVER)
def test_what_no_server_takes_is_told_as_fatal(key, gateway):
    ((words, fatal),) = found(key, GATEWAY if gateway else OPENAI, gateway=gateway)

    assert fatal
    assert NEVER[key] in words
    assert KEY[8:16] not in words


@pytest.mark.parametrize("key", DUBIOUS)
def test_what_only_a_server_of_ones_own_could_take_is_no_more_than_odd_there(key):
    ((words, fatal),) = found(key)
    assert DUBIOUS[key] in words
    assert fatal

    assert found(key, GATEWAY, gateway=True) == [(words, False)]


@pytest.mark.parametrize("key", ["EMPTY", "none", "sk-1234", "sk-xxxxxxxx", "my-api-key"])
def test_what_servers_of_ones_own_take_by_default_is_fine_there_and_nowhere_else(key):
    assert not found(key, GATEWAY, gateway=True)
    assert found(key)[0][1]


@pytest.mark.parametrize("key", REAL)
def test_a_real_key_is_nothing_odd(key):
    assert not found(key)
    assert not found(key, GATEWAY, gateway=True)


def test_no_random_key_is_called_impossible():
    chance = Random(18)
    made = ["sk-" + urlsafe_b64encode(chance.randbytes(64)).decode().rstrip("=") for _ in range(3000)]
    made += [chance.randbytes(16).hex() for _ in range(3000)] + [b64encode(chance.randbytes(31)).decode()] * 1000

    assert not [key for key in made if found(key)]


@pytest.mark.parametrize(
    ("key", "provider", "owner"),
    [
        ("sk-ant-api03-0123456789", OPENAI, "anthropic"),
        ("AIzaSyA0123456789", ANTHROPIC, "gemini"),
        ("ghp_0123456789abcdef", OPENAI, "another company"),
        (KEY, ANTHROPIC, "openai"),
    ],
)
def test_a_key_of_somebody_else_is_a_doubt_and_at_a_gateway_none(key, provider, owner):
    ((words, fatal),) = found(key, provider)

    assert f"looks like a key of {owner}" in words
    assert not fatal
    assert not found(key, provider, gateway=True)


def test_whoever_takes_a_key_is_known():
    assert {id for takers in ISSUERS.values() for id in takers} <= set(provider_ids())


def test_what_is_glued_to_no_known_key_is_only_odd_at_a_server_of_ones_own():
    assert [found(f"Bearer{KEY[8:]}x7", GATEWAY, gateway=one)[0][1] for one in (False, True)] == [True, False]


@pytest.mark.parametrize("key", ["bearer", "bearertoken", "rebearer-0a1b2c3d4e5f6g7h8"])
def test_a_key_that_only_resembles_it_is_fine_at_a_server_of_ones_own(key):
    assert not any(fatal for _, fatal in found(key, GATEWAY, gateway=True))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"team-secret"', "quotes around"),
        ("'team-secret'", "quotes around"),
        ("`team-secret`", "quotes around"),
        ("x-team: team-secret", "its own name in front"),
        ("X-Team=team-secret", "its own name in front"),
        ("team-secret\\n", "a line break"),
        ("team-secret", None),
        ('W/"team-secret"', None),
        ('team "secret"', None),
    ],
)
@pytest.mark.parametrize("place", ["plain", "reference"])
def test_check_doubts_what_is_odd_about_a_headers_value_and_never_prints_it(tmp_path, value, said, place):
    shown = json.dumps(value) if place == "plain" else '"env:TEAM"'
    rest = f"headers = {{ x-team = {shown} }}\n"
    (tmp_path / "monitor.toml").write_text(
        f'[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n{rest}', encoding="utf-8"
    )
    code, out, err = call("check", folder=tmp_path, KEY=KEY, TEAM=value)

    assert (code, "team-secret" in out + err) == (0, False)
    assert (said in err) if said else "x-team" not in err


def checked(folder, key, rest="", provider="openai"):
    block = f'[[accounts]]\nname = "a"\nprovider = "{provider}"\nkey = "env:KEY"\n{rest}\n'
    (folder / "monitor.toml").write_text(block + "[status]\npoll = false\n")
    return call("check", folder=folder, KEY=key)


def test_check_says_what_is_wrong_with_a_key_and_never_prints_it(tmp_path):
    code, out, err = checked(tmp_path, f'"{KEY}"')

    assert code == 2
    assert "openai/a cannot work: the key (env:KEY) has quotes around it; take them away" in err
    assert KEY[8:] not in out + err


def test_check_warns_of_what_may_be_right_after_all(tmp_path):
    code, _, err = checked(tmp_path, "sk-ant-api03-0123456789")

    assert code == 0
    assert "the key (env:KEY) looks like a key of anthropic, not of OpenAI; this is only a warning" in err


@pytest.mark.parametrize("odd", ["\u200b", "\ufeff", "\t", "\n", "\u201c", "\u00a0"])
def test_what_cannot_be_seen_in_a_key_is_named(tmp_path, odd):
    code, out, err = checked(tmp_path, KEY[:10] + odd + KEY[10:])

    assert code == 2
    assert "env:KEY holds a " in err
    assert KEY[10:] not in out + err


def test_a_line_break_at_the_end_is_no_trouble(tmp_path):
    assert checked(tmp_path, f"  {KEY}\r\n")[0] == 0


def test_a_provider_whose_header_wants_the_scheme_from_us_gets_it(tmp_path):
    more = '[providers.openai.auth]\nheader = "Authorization"\nvalue = "{key}"\n'
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:KEY"\n' + more)

    one = load_config(tmp_path / "monitor.toml", {"KEY": f"Basic {KEY}"}).accounts["openai/a"]
    assert (one.key, one.problem) == (f"Basic {KEY}", None)


def test_a_key_that_cannot_work_is_not_sent_and_the_other_accounts_go_on(tmp_path):
    blocks = "".join(f'[[accounts]]\nname = "{name}"\nprovider = "openai"\nkey = "env:{name}"\n' for name in "ab")
    (tmp_path / "monitor.toml").write_text(blocks)

    config = load_config(tmp_path / "monitor.toml", {"a": f"Bearer {KEY}", "b": KEY})
    assert (config.accounts["openai/a"].key, config.accounts["openai/b"].key) == (None, KEY)
    assert config.malformed == {"openai/a"}


@pytest.mark.parametrize(("name", "knows"), [("CLAUDE_CODE_OAUTH_TOKEN", True), ("PROXY_WORDS", False)])
def test_a_variable_that_holds_a_key_is_looked_at_alike(tmp_path, name, knows):
    block = f'[[accounts]]\nname = "a"\nprovider = "claude-code"\nenvironment = ["{name}"]\n'
    (tmp_path / "monitor.toml").write_text(block)

    config = load_config(tmp_path / "monitor.toml", {name: '"quoted"'})
    assert bool(config.malformed) is knows


def test_a_file_of_a_key_that_is_not_text_is_malformed(tmp_path):
    (tmp_path / "key").write_bytes(KEY.encode("utf-16"))
    file = tmp_path / "monitor.toml"
    file.write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "file:key"\n')

    config = load_config(file, {})

    assert config.malformed == {"openai/a"}
    assert config.accounts["openai/a"].problem == "the file key is not text: save it as UTF-8, with the key alone in it"
