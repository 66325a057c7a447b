"""`status` while monitor.toml cannot be used: what was watched before is read on."""

import json
import re

import pytest

from probes.simulator import Trouble
from tests.backstage import KEYS, backstage, call

TYPOS = {
    "a key that is not known": lambda text: text.replace("[budget]", "[budget]\ndaily_eur = 3"),
    "no TOML any more": lambda text: text.replace('name = "main"', 'name = "main'),
    "an account that is not known any more": lambda text: text.replace(
        'provider = "anthropic"', 'provider = "antropic"'
    ),
    "empty brackets": lambda text: text.replace("[[accounts]]", "[accounts]", 1),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder whose monitor lost an account, and where it stands elsewhere than usual."""
    folder = tmp_path_factory.mktemp("recorded")
    with backstage() as stage:
        stage.set("openai/main", Trouble.ACCOUNT_SUSPENDED)
        stage.write_config(folder)
        file = folder / "monitor.toml"
        file.write_text('location = "eu-1"\n' + file.read_text())
        assert call("once", folder=folder)[0] == 1
        yield folder


@pytest.fixture
def broken(folder, request):
    file = folder / "monitor.toml"
    right = file.read_text()
    file.write_text(TYPOS[request.param](right))
    assert file.read_text() != right
    yield folder
    file.write_text(right)


@pytest.mark.parametrize("broken", list(TYPOS)[:1], indirect=True)
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("incidents",), "openai/main"),
        (("logs",), "openai/main"),
        (("alerts", "history"), "opened: openai/main"),
        (("silence",), "no silence is active"),
    ],
)
def test_what_only_reads_survives_a_typo_and_says_it(words, told, broken):
    code, out, err = call(*words, folder=broken)

    assert (code, told in out) == (2, True), (out, err)
    assert err.startswith("monitor.toml cannot be used: what was watched before is shown")


@pytest.mark.parametrize("broken", list(TYPOS)[:1], indirect=True)
@pytest.mark.parametrize(
    "words", [("silence", "2h", "--reason", "x"), ("incidents", "note", "x", "y"), ("pick", "openai")]
)
def test_what_changes_or_decides_something_needs_a_right_file(words, broken):
    code, out, err = call(*words, folder=broken)

    assert (code, out) == (2, "")
    assert "what was watched before" not in err


@pytest.mark.parametrize("broken", TYPOS, indirect=True)
def test_a_typo_does_not_take_the_status_away_but_is_said_and_exits_with_two(broken):
    code, out, err = call("status", folder=broken)

    assert code == 2
    assert re.search(r"^Down +openai/main ", out, re.M), out
    assert re.search(r"^Works +(openai/backup|anthropic/team) ", out, re.M), out
    first, second, *_ = err.splitlines()
    assert first.startswith("monitor.toml cannot be used: what was watched before is shown")
    assert second.startswith("monitor.toml: ")


@pytest.mark.parametrize("broken", ["no TOML any more"], indirect=True)
def test_programs_read_on_as_well(broken):
    code, out, err = call("status", "--json", folder=broken)

    assert (code, "cannot be used" in err) == (2, True)
    told = json.dumps(json.loads(out))
    assert all(f'"{id}"' in told for id in KEYS)


@pytest.mark.parametrize("broken", ["no TOML any more"], indirect=True)
def test_a_monitor_that_watches_is_alive_whatever_is_written_into_its_file(broken):
    code, out, err = call("status", "--alive", folder=broken)

    assert (code, "cannot be used" in err) == (0, True)


def test_without_anything_on_record_only_the_typo_is_said(tmp_path):
    (tmp_path / "monitor.toml").write_text("[[[")

    code, out, err = call("status", folder=tmp_path)
    assert (code, out, "cannot be used" in err) == (2, "", False)


def test_a_file_without_accounts_is_no_typo(folder):
    file = folder / "monitor.toml"
    right = file.read_text()
    file.write_text('location = "eu-1"\n')

    code, out, err = call("status", folder=folder, keys=False)
    file.write_text(right)
    assert (code, out) == (2, "")
    assert "accounts is empty" in err
