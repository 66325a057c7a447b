"""What monitor.toml says of the public page: its look, its words, and services in the place of providers."""

import json
from colorsys import rgb_to_hls

import pytest

from monitor.cli import main
from monitor.config.colour import DARK, LIGHT, READABLE, contrast, readable_on
from monitor.config.load import load_config
from monitor.config.logo import LOGO_BYTES, PNG
from monitor.config.own_words import in_language
from monitor.config.public_page import ThemeSection, dark_brand, light_brand, theme_doubts
from probes.document import DocumentError
from tests.rows import each_row
from tests.test_config import SET, account, loaded, written

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>'
TWO = account('tags = ["eu", "chat"]') + account('tags = ["us", "chat"]', name="b") + account(name="g", provider="groq")
AT_GATEWAY = account('base = "https://gateway.example.com/v1"')
A, B, G = "openai/a", "openai/b", "groq/g"


def services(folder, text):
    return loaded(folder, TWO + f'[[services]]\nname = "Chat answers"\n{text}\n').services


@pytest.mark.parametrize(
    ("text", "accounts"),
    [
        (f'accounts = ["{A}"]', {A}),
        (f'accounts = ["{A}", "{G}"]', {A, G}),
        ('providers = ["openai"]', {A, B}),
        ('tags = ["us"]', {B}),
        ('providers = ["openai"]\ntags = ["eu"]', {A}),
    ],
)
def test_a_service_is_made_of_the_accounts_that_match_all_that_is_given(tmp_path, text, accounts):
    (service,) = services(tmp_path, text)
    assert {"/".join(id.split("/")[:2]) for id in service.targets} == accounts
    assert service.enough == len(accounts)


def test_a_service_may_be_one_kind_of_canary_and_need_only_some_accounts(tmp_path):
    (service,) = services(
        tmp_path, 'tags = ["chat"]\ncanaries = ["chat"]\nenough = 1\ngroup = "Assistants"\nabout = "x"'
    )
    assert {id.split("/")[2] for id in service.targets} == {"chat"}
    assert (service.enough, service.group, service.about) == (1, "Assistants", "x")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("logo.svg", SVG, None),
        ("logo.png", PNG + b"x", None),
        ("logo.jpg", SVG, "is neither .svg nor .png"),
        ("logo.png", SVG, "is no PNG"),
        ("logo.svg", b"<html></html>", "is no SVG"),
        ("logo.svg", SVG + b" " * LOGO_BYTES, "has more than 200 kB"),
        ("logo.svg", SVG.replace(b"<circle", b"<script/><circle"), "holds <script> in line 1"),
    ],
)
def test_a_logo_is_a_small_picture(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    text = account() + f'[public]\nlogo = "{name}"\n'
    if problem is None:
        assert loaded(tmp_path, text).logo == tmp_path / name
        return
    with pytest.raises(DocumentError, match=rf'public\.logo = "{name}" {problem}.*; name a plain SVG or PNG'):
        loaded(tmp_path, text)


@pytest.mark.parametrize("name", ["none.svg", ".", "no\0thing.svg"])
def test_a_logo_that_cannot_be_read_is_an_error(tmp_path, name):
    with pytest.raises(DocumentError, match=r"public\.logo"):
        loaded(tmp_path, account() + f'[public]\nlogo = "{name}"\n'.replace("\0", "\\u0000"))


@pytest.mark.parametrize("font", ['"Inter"', "'IBM Plex Sans', serif", "system-ui,  -apple-system", "Open Sans"])
def test_a_font_is_a_list_of_names_as_in_css(tmp_path, font):
    assert loaded(tmp_path, account() + f"[public.theme]\nfont = '''{font}'''\n").public.theme.font == font


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("font", font) for font in ('Inter"', "x'", 'Inter", "b', '"', ",,,", "-", "", "3D", "a" * 201, "Inter\n")),
        *(("brand", colour) for colour in ("#0b6b5d\n", "#0b6b5", "red")),
    ],
)
def test_a_value_that_would_take_in_what_follows_it_in_the_style_sheet_is_an_error(tmp_path, key, value):
    with pytest.raises(DocumentError, match=rf"public\.theme\.{key}"):
        loaded(tmp_path, account() + f"[public.theme]\n{key} = {json.dumps(value)}\n")


LINKS = {
    "https://example.com/help?topic=status&author=jo#keyword=x": None,
    "https://example.com/sk-bratislava": None,
    "mailto:help@example.com?subject=The%20status%0Ais": None,
    "javascript:alert(1)": "is no web address",
    "https://example.com\\@evil.example/": "is no web address",
    "https://example.com/\u202egnp": "is no web address",
    "https://example.com/\x07": "holds a control character",
    "mailto:help@example.com\u200b": "is no web address",
    "mailto:help@example.com%0d%0aBcc:all@example.com": "is no web address",
    "https://jo@example.com/": "holds a user",
    "https://:pw@example.com/": "holds a user",
    "https://@example.com/": "holds a user",
    "https://example.com/?k=sk-abcdef123456": "what looks like a secret",
    "https://example.com/?k=sk%2Dabcdef123456": "what looks like a secret",
    "https://example.com/?access_token=x": "what looks like a secret",
    "https://example.com/?X-Amz-Signature=x": "what looks like a secret",
    "https://example.com/#accessToken=x": "what looks like a secret",
    "mailto:help@example.com?password=x": "what looks like a secret",
}


@pytest.mark.parametrize("place", ["header", "footer"])
@pytest.mark.parametrize("url", LINKS)
def test_a_link_leads_to_an_address_that_may_be_public(tmp_path, place, url):
    text = account() + f'[public]\n{place} = [{{ text = "Help", url = {json.dumps(url)} }}]\n'
    if LINKS[url] is None:
        assert [one.url for one in getattr(loaded(tmp_path, text).public, place)] == [url]
        return
    with pytest.raises(DocumentError, match=LINKS[url]) as caught:
        loaded(tmp_path, text)
    assert url not in str(caught.value)


def test_colours_of_which_text_is_hard_to_read_are_a_warning():
    assert round(contrast("#000000", "#ffffff")) == 21
    assert list(theme_doubts(ThemeSection(brand="#0b6b5d"))) == []
    (doubt,) = theme_doubts(ThemeSection(brand="#9db4ff"))
    assert doubt.startswith("[public] theme: brand on ground has a contrast of 1.9")
    (doubt,) = theme_doubts(ThemeSection(ground_dark="#777777"))
    assert doubt.startswith("[public] theme: brand_dark on ground_dark")


BRANDS = ["#0b6b5d", "#000000", "#ffffff", "#ffcc00", "#7a0019", "#2646c4"]


@each_row("brand", BRANDS)
@each_row("derive", [dark_brand, light_brand])
def test_a_brand_of_one_scheme_is_readable_in_the_other_and_keeps_its_hue(brand, derive):
    theme = ThemeSection(brand=brand) if derive is dark_brand else ThemeSection(brand_dark=brand)
    scheme = DARK if derive is dark_brand else LIGHT
    made = derive(theme)

    assert all(contrast(made, ground) >= READABLE for ground in (scheme.ground, *scheme.sheets))
    assert abs(hue(made) - hue(brand)) < 0.03 or hue(brand) == 0
    assert derive(ThemeSection(brand="#123456", brand_dark="#123456")) == "#123456"
    assert derive(ThemeSection()) is None
    assert not [one for one in theme_doubts(theme) if ("_dark" in one) is (derive is dark_brand)]


def test_a_brand_that_is_readable_on_both_grounds_stays_as_it_is():
    assert contrast("#808080", "#0f0f0f") >= READABLE
    assert readable_on("#808080", "#0f0f0f") == "#808080"
    assert readable_on("#808080", "#777777", ["#000000"]) == "#000000"  # as near as there is


def hue(colour):
    return rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0]


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        (AT_GATEWAY, True),
        (account() + '[providers.openai]\nbase = "https://gateway.example.com/v1"\n', True),
        (
            account('base = "https://gateway.example.com/v1"') + '[[services]]\nname = "x"\naccounts = ["openai/a"]\n',
            False,
        ),
        (AT_GATEWAY + '[site]\npublic_folder = ""\n', False),
        (account(), False),
        (account() + '[public]\ntheme = { brand = "#ffffff" }\n', False),
    ],
)
def test_check_says_what_to_do_where_the_public_page_would_show_nothing(tmp_path, monkeypatch, capsys, text, warned):
    monkeypatch.setenv("SET", SET["SET"])
    file = written(tmp_path, text)
    file.chmod(0o600)
    assert main(["--config", str(file), "check"]) == 0
    said = capsys.readouterr().err
    assert ("give them a name there with [[services]]" in said) is warned
    assert ("brand on ground has a contrast of 1.0" in said) is ("#ffffff" in text)


def test_a_file_of_before_has_no_services_and_the_shipped_look(tmp_path):
    config = load_config(written(tmp_path, account()), SET)
    assert (config.services, config.logo, config.public.languages) == ((), None, [])


TABLES = """
[site]
public_title = { en = "Our status", de = "Unser Status" }
[public]
languages = ["en", "de"]
intro = { de = "Hallo.", en = "Hello." }
footer_text = "In all languages."
header = [{ text = { en = "Help", de = "Hilfe" }, url = "https://example.com" }]
[[services]]
name = { en = "Chat answers", de = "Antworten" }
about = { de = "Im Chat" }
accounts = ["openai/a"]
[[maintenance]]
name = "move"
start = "2026-12-01 12:00"
lasts_s = 3600
public = { en = "We move", de = "Wir ziehen um" }
"""


def test_words_of_your_own_may_be_a_table_of_texts_by_language(tmp_path):
    config = loaded(tmp_path, account() + TABLES)
    (service,), words = config.services, config.public.header[0].text

    assert service.key == "chat-answers"
    assert [in_language(words, code) for code in ("en", "de")] == ["Help", "Hilfe"]
    assert [in_language(config.public.intro, code) for code in ("en", "de", "he")] == ["Hello.", "Hallo.", "Hallo."]
    assert in_language(config.public.footer_text, "de") == "In all languages."


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('{ de = "Hallo.", en', '{ fr = "Salut.", en', r"public\.intro\.fr .*it is in en, de.*add \"fr\" to languages"),
        ('{ en = "Help", de', '{ en = "Help", he', r"public\.header\[1\]\.text\.he "),
        ('{ de = "Im Chat" }', '{ nl = "In de chat" }', r"services\.Chat answers\.about\.nl "),
        ('{ en = "We move", de', '{ en = "We move", he', r"maintenance\.move\.public\.he "),
        ('"Our status", de', '"Our status", he', r"site\.public_title\.he "),
        ('languages = ["en", "de"]', 'languages = ["en"]', r"public\.intro\.de .*it is in en"),
        ('intro = { de = "Hallo.", en = "Hello." }', "intro = {}", r"public\.intro has no text.*en = "),
        ('{ de = "Hallo.", en', '{ German = "Hallo.", en', r"public\.intro"),
        ('{ de = "Im Chat" }', "{ de = 7 }", r"services\[1\]\.about\.de = 7; give a text"),
    ],
)
def test_a_text_in_a_language_that_the_page_does_not_have_is_named(tmp_path, before, after, said):
    text = account() + TABLES
    assert before in text
    with pytest.raises(DocumentError, match=said):
        loaded(tmp_path, text.replace(before, after, 1))
