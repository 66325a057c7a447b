"""Which configuration is read, in which order, and how that is said."""

import os
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.config.search import find_file, user_file

HOME = {"HOME": "/home/jo"}
FOLDERS = {
    "a home": (HOME, "linux", "/home/jo/.config/provider-monitor/monitor.toml"),
    "a Mac": (HOME, "darwin", "/home/jo/Library/Application Support/provider-monitor/monitor.toml"),
    "a folder that is named": (HOME | {"XDG_CONFIG_HOME": "/c"}, "darwin", "/c/provider-monitor/monitor.toml"),
    "a relative folder, which counts for none": (
        HOME | {"XDG_CONFIG_HOME": "c"},
        "linux",
        "/home/jo/.config/provider-monitor/monitor.toml",
    ),
    "no home": ({}, "linux", None),
}


@pytest.mark.parametrize(("environment", "platform", "file"), FOLDERS.values(), ids=FOLDERS)
def test_the_users_own_file_is_where_their_platform_keeps_such(environment, platform, file):
    assert user_file(environment, platform) == (Path(file) if file else None)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of work, and the user's own file, which is not there yet."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("KEY", "sk-good-0123456789abcdefXYZW")
    (home / "provider-monitor").mkdir(parents=True)
    return home / "provider-monitor" / "monitor.toml"


ORDER = ("monitor.local.toml", "monitor.toml", "own")


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_that_is_there_is_read(own, first):
    for name in ORDER[first:]:
        (own if name == "own" else Path(name)).write_text("")

    found = find_file(os.environ, "linux")
    assert found == (own if ORDER[first] == "own" else Path(ORDER[first]))


def test_where_there_is_none_it_would_be_here(own):
    assert find_file(os.environ, "linux") == Path("monitor.toml")


def account(name):
    return f'[[accounts]]\nname = "{name}"\nprovider = "openai"\nkey = "env:KEY"\n'


def test_a_command_says_which_file_it_reads_where_people_expect_another(own, capsys):
    own.write_text(account("home"))
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[0].partition(":")[0], err) == ("openai/home", f"configuration: {own}\n")

    Path("monitor.toml").write_text(account("shipped"))
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert (out.splitlines()[0].partition(":")[0], err) == ("openai/shipped", "")

    Path("monitor.local.toml").write_text(account("local"))
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].partition(":")[0] == "openai/local"
    assert err == "configuration: monitor.local.toml; monitor.toml beside it is not read\n"


def test_an_error_names_the_file_that_was_found(own, capsys):
    own.write_text("port = 1\n")
    assert main(["cost"]) == 2
    assert capsys.readouterr().err.startswith(f"{own}: port is ")

    Path("monitor.local.toml").write_text("port = 1\n")
    assert main(["cost"]) == 2
    assert capsys.readouterr().err.startswith("monitor.local.toml: port is ")


def test_a_home_that_is_closed_is_no_configuration(own, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")

    assert main(["check"]) == 0
    assert "0 accounts" in capsys.readouterr().out


@pytest.mark.parametrize("link", ORDER)
def test_a_link_that_leads_nowhere_is_an_error_and_not_an_empty_configuration(own, link, capsys):
    (own if link == "own" else Path(link)).symlink_to("nowhere")
    if link == "monitor.local.toml":
        Path("monitor.toml").write_text(account("shipped"))

    assert main(["check"]) == 2
    assert "monitor.local.toml: does not exist" in (err := capsys.readouterr().err) or "monitor.toml: does not" in err


def test_a_folder_that_is_gone_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    (tmp_path / "gone").rmdir()

    assert main(["check"]) == 2
    assert capsys.readouterr().err == "the folder that this was said in is gone; change to another one\n"


def test_a_folder_in_place_of_the_file_is_named(own, capsys):
    assert main(["--config", ".", "check"]) == 2
    assert capsys.readouterr().err.startswith(".: cannot be read (Is a directory)")
