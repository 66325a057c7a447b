import base64
import json
import re
from time import thread_time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from probes.redact import CONTROLS, MASK, grants_access, has_key, mask_keys, mask_secrets, redact, redact_decoded
from tests.rows import each_row

KEY = "sk-proj-AbCdEfGh1234567890zyxwVUTS"
ODD = "LLM|1234567890|a/b+c=d~e!f"


@each_row("key", [KEY, ODD, "relay:0123456789abcdef"])
@each_row(
    "echo",
    [
        lambda key: key,
        lambda key: key.upper(),
        lambda key: key[::-1],
        lambda key: quote(key, safe=""),
        lambda key: quote(quote(key, safe=""), safe=""),
        lambda key: key.encode().hex(),
        lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
        lambda key: base64.b64encode(f"x{key}".encode()).decode(),
        lambda key: key[3:16],
        lambda key: f"api_key:{key}",
    ],
    ids=[
        "whole",
        "upper",
        "backwards",
        "percent",
        "percent-twice",
        "hex",
        "base64",
        "base64-shifted",
        "part",
        "labelled",
    ],
)
def test_an_echoed_key_is_removed_however_it_is_written(key, echo):
    text = f'{{"message": "Consumer {echo(key)} has been suspended."}}'
    clean = redact(text, [key])

    grams = {echo(key)[at : at + 10].lower() for at in range(len(echo(key)) - 9)}
    assert not [gram for gram in grams if gram in clean.lower() and gram in key.lower()]
    assert MASK in clean
    assert "has been suspended" in clean


@each_row("key", [KEY, ODD, "relay:0123456789abcdef"])
@each_row(
    "listed",
    [
        lambda codes: str(codes),
        lambda codes: "[" + " ".join(map(str, codes)) + "]",
        lambda codes: json.dumps({"key": codes[4:]}, indent=2),
        lambda codes: json.dumps(json.dumps(codes, indent=1)),
        lambda codes: f'{{"got": "Buffer{bytes(codes).hex(" ")}", "codes": {codes}}}',
    ],
    ids=["python", "go", "json", "json in json", "twice"],
)
def test_a_key_that_is_told_as_the_numbers_of_its_bytes_is_removed(key, listed):
    clean = redact(f"token {listed([*key.encode()])} is unknown since 12, 40 and 2026", [key])

    assert MASK in clean
    assert not re.search(r"(\d{2,3}\D+){8}", clean)
    assert clean.endswith(" is unknown since 12, 40 and 2026")


@pytest.mark.parametrize("text", ["[40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50]", "32 33 34 35 36 37 38 39 40 41 42"])
def test_other_numbers_stay(text):
    assert redact(text, [KEY]) == text


@pytest.mark.parametrize(
    "secret",
    [
        "sk-4jw***X123",
        "sk-ant-api03-abcdef",
        "AIzaSyA1234567890",
        "gsk_abcdef123456",
        "Bearer abcdefghijklmnopqrst",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
        "somebody@example.com",
        "ABSKQmVkcm9ja0FQSUtleS1hYmM",
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked_although_unknown(secret):
    assert secret not in mask_secrets(f"provided: {secret}.")


@pytest.mark.parametrize(
    ("shown", "left"),
    [
        ("sk-proj-AbC*********VUTS", f"{MASK}***VUTS"),
        ("sk-ab***yz", f"{MASK}***yz"),
        ("sk-abcdef...VUTS", f"{MASK}***VUTS"),
        ("Bearer abcdefgh****************VUTS", f"{MASK}***VUTS"),
        ("sk-proj-AbCdEfGh123***90zyxwVUTS", f"{MASK}***VUTS"),
        ("sk-proj-AbCdEfGh1234567890zyxwVUTS", MASK),
    ],
)
def test_of_a_key_that_its_issuer_shows_in_part_the_last_four_letters_name_it(shown, left):
    assert mask_secrets(f"Incorrect key: {shown}.") == f"Incorrect key: {left}."
    assert mask_secrets(mask_secrets(shown)) == mask_secrets(shown)


@pytest.mark.parametrize("part", [KEY[:8], KEY[-9:], KEY[4:14]])
def test_fewer_than_ten_letters_of_ones_own_key_are_left_as_they_are(part):
    assert redact(f"the key with {part} in it", [KEY]) == f"the key with {part} in it"


@pytest.mark.parametrize(
    "words",
    [
        "key_model_access_denied",
        "insufficient_quota",
        "basic authentication is off",
        "token_not_found_in_db",
        "Visit https://groqstatus.com for status",
        "gpt-4o-mini-2024-07-18",
    ],
)
def test_words_of_the_field_are_left_as_they_are(words):
    assert mask_secrets(words) == words


@pytest.mark.parametrize("user", ["user", "sk-abcdefgh"])
def test_the_password_of_an_address_is_masked_and_its_host_kept(user):
    assert mask_secrets(f"https://{user}:secret@proxy.example.com/x") == f"https://{MASK}@proxy.example.com/x"


def test_control_characters_and_direction_marks_cannot_forge_a_line():
    assert mask_secrets("a\x1b[2Jb\u202ec\x00d") == "abcd"


def test_a_placeholder_key_does_not_tear_words_apart():
    assert redact("EMPTY is not valid", ["EMPTY"]) == "EMPTY is not valid"


def test_our_own_lines_lose_whole_secrets():
    assert redact_decoded(f"asked with {KEY}", [KEY]) == f"asked with {MASK}"


@pytest.mark.parametrize("name", ["openai@127.0.0.1", "openai-compatible@gateway.example.com"])
def test_our_own_lines_keep_the_name_of_who_answers(name):
    assert redact_decoded(f"opened: {name}: server errors", [KEY]) == f"opened: {name}: server errors"
    assert redact(f"ask {name}", [KEY]) == f"ask {MASK}"


@given(some.text(max_size=300), some.text(min_size=10, max_size=60).filter(lambda key: key not in MASK))
def test_no_ten_characters_of_a_key_survive(text, key):
    clean = redact(text + key + text, [key])

    assert key not in clean or not key.strip()


@given(some.text(max_size=300))
def test_without_secrets_nothing_is_invented(text):
    assert redact(text, []) == mask_secrets(text)


ADDRESSES = {
    "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/987654321": "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
    "https://hc-ping.com/7c9e6679-7425-40de-944b-e07fc1f90ae7": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "mailto://user:hunter%402%21@mail.example.com": "hunter@2!",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops": "TIiajkdnlazkcOXrIdevi7FQ",
    "json://host.example/hook?+X-Token=Zq7Wm3Xk9Lb2": "Zq7Wm3Xk9Lb2",
    "http://user:Pa55word@proxy.example.com:3128": "Pa55word",
}


@pytest.mark.parametrize(("address", "secret"), ADDRESSES.items(), ids=ADDRESSES.values())
def test_what_lets_in_is_a_secret_within_an_address_and_its_host_is_none(address, secret):
    text = f"cannot reach mail.example.com, hc-ping.com, proxy.example.com or host.example: {secret}; {address}"
    clean = redact(text, [address])

    assert secret not in clean
    assert address not in clean
    assert clean.startswith("cannot reach mail.example.com, hc-ping.com, proxy.example.com or host.example: ")


def test_what_is_removed_as_a_control_character_is_never_printable():
    assert not [code for code in range(0x110000) if CONTROLS.match(chr(code)) and chr(code).isprintable()]


@pytest.mark.parametrize("mark", ["\u200b", "\u2060", "\0", "\ud800", "\xad", "\u061c", "\U000e0041"])
def test_marks_that_nobody_sees_do_not_hide_a_key(mark):
    assert redact(f"bad key {mark.join(KEY)}.", [KEY]) == f"bad key {MASK}."
    assert redact_decoded(f"bad key {mark.join(KEY)}.", [KEY]) == f"bad key {MASK}."


def test_digits_of_different_names_are_no_echo_of_a_key():
    names = "\n".join(f"someone/model-{number}" for number in range(300))
    assert redact(names, ["sim-key-0123456789-abcdefghij"]) == names


def test_half_a_pair_of_surrogates_is_no_text_to_keep():
    assert redact("No credit \ud83d.", []).encode() == b"No credit ."


@pytest.mark.parametrize("key", [KEY, "gsk_9xQwErTyUiOpAsDfGhJk", "AIzaSyD0123456789abcdefghijklmno"])
def test_a_key_in_the_place_of_a_name_is_found_and_not_said(key):
    assert has_key(f"https://host.example/{key}/v1")
    assert mask_keys(f'accounts.{key}.provider = "{key}": no such provider') == (
        f'accounts.{MASK}.provider = "{MASK}": no such provider'
    )


@pytest.mark.parametrize(
    "key",
    [
        "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "wJ8rXUtn/K7MDENG+bPxRfiC9Y/EXmpL3kEqQz7T",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.SflKxwRJSMeKKF2QT4fwp",
        "4f8a1c9e7b3d5062af1e8c4b9d7036e5.Xw9Er4Ty1Ui8Op3A",
        "6123456789:AAHk7Qm2Xw9Er4Ty1-i8Op3As6Df0Gh5Jk2",
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0B\\nAQEFAASC\\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_key_of_no_known_beginning_is_not_said_either(key):
    assert mask_keys(f'provider = "{key}"') == f'provider = "{MASK}"'
    assert has_key(key) or grants_access(key)


def test_a_password_in_an_address_is_not_said_also_once_the_address_was_taken_for_a_path():
    text = 'create mailtos:/jo:Kw7Rn3Yt9@h.example, or "mailtos://jo:Kw7Rn3Yt9@h.example", ?api_key=Kw7Rn3Yt9'
    assert mask_keys(text) == f'create mailtos:/{MASK}@h.example, or "mailtos://{MASK}@h.example", ?api_key={MASK}'


@pytest.mark.parametrize(
    "note",
    [
        "owner: Jo, card ends 4242",
        "project proj_aB3dE5fG7hI9jK1lM3nO5pQ7, see https://wiki.example.com/Runbook2024Q3AccountsEU",
        "stability-ai/sdxl:39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
        "http://user:env:PROXY_PASSWORD@proxy.example.com:3128",
    ],
)
def test_names_of_models_projects_and_places_let_nobody_in(note):
    assert not has_key(note)
    assert not grants_access(note)


@pytest.mark.parametrize(
    "hook",
    [
        "https://hooks.slack.com/services/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",
        "https://api.telegram.org/bot6123456789:AAHk7Qm2Xw9Er4Ty1-i8Op3As6Df0Gh5Jk2/sendMessage",
        "mailtos://jo:Kw7Rn3Yt9Mc2@example.com",
        "https://gateway.example.com/v1?api_key=Kw7Rn3Yt9Mc2Qx6",
    ],
)
def test_the_address_of_a_hook_lets_in(hook):
    assert has_key(hook) or grants_access(hook)


@pytest.mark.parametrize(
    "name",
    ["sk-production-eu-west", "pplx-70b-online", "key-of-the-team", "accounts.a.openai-compatible", "org-AbCd12"],
)
def test_a_name_that_only_begins_like_a_key_is_legible(name):
    assert not has_key(name)
    assert mask_keys(name) == name


@pytest.mark.parametrize("long", ["x" * 50_000, "1" * 50_000, "x/" * 25_000], ids=["letters", "digits", "steps"])
def test_a_long_text_in_monitor_toml_is_searched_at_once(long):
    began = thread_time()
    assert not grants_access(long)
    assert mask_keys(long) == long
    assert thread_time() - began < 2
