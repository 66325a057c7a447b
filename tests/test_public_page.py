"""What monitor.toml says of the public page: its look, its words, and services in the place of providers."""

import pytest

from monitor.cli import main
from monitor.config.load import load_config
from monitor.config.public_page import LOGO_BYTES, PNG, ThemeSection, contrast, logo_problem, theme_doubts
from probes.document import DocumentError
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
        ("logo.svg", b"<svg><script>alert(1)</script></svg>", "holds a script"),
        ("logo.svg", b'<svg onload="alert(1)"></svg>', "holds a script"),
        ("logo.svg", b'<svg><a href="javascript:alert(1)"/></svg>', "holds a script"),
        ("logo.svg", b"<svg><foreignObject/></svg>", "holds a script"),
    ],
)
def test_a_logo_is_a_small_picture_without_a_script(tmp_path, name, content, problem):
    assert logo_problem(name, content) == problem
    (tmp_path / name).write_bytes(content)
    text = account() + f'[public]\nlogo = "{name}"\n'
    if problem is None:
        assert loaded(tmp_path, text).logo == tmp_path / name
        return
    with pytest.raises(DocumentError, match=rf'public\.logo = "{name}" {problem}; name an SVG or PNG'):
        loaded(tmp_path, text)


@pytest.mark.parametrize("name", ["none.svg", ".", "no\0thing.svg"])
def test_a_logo_that_cannot_be_read_is_an_error(tmp_path, name):
    with pytest.raises(DocumentError, match=r"public\.logo"):
        loaded(tmp_path, account() + f'[public]\nlogo = "{name}"\n'.replace("\0", "\\u0000"))


def test_colours_of_which_text_is_hard_to_read_are_a_warning():
    assert round(contrast("#000000", "#ffffff")) == 21
    assert list(theme_doubts(ThemeSection(brand="#0b6b5d"))) == []
    (doubt,) = theme_doubts(ThemeSection(brand="#9db4ff"))
    assert doubt.startswith("[public] theme: brand on ground has a contrast of 1.9")
    (doubt,) = theme_doubts(ThemeSection(ground_dark="#777777"))
    assert doubt.startswith("[public] theme: brand_dark on ground_dark")


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
