"""The how-to pages of the deployments: what they link, name and show is what is there."""

import re
from pathlib import Path

from monitor.cli import COMMANDS
from monitor.config.load import load_config
from monitor.setup.service import Installation, ServiceKind, service_file
from tests.backstage import ROOT
from tests.rows import each_row

FOLDER = ROOT / "docs" / "how-to" / "deploy"
PAGES = {file.stem: file.read_text() for file in FOLDER.glob("*.md")}


@each_row("name", PAGES)
def test_each_file_that_a_page_links_is_there(name):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[name])

    assert [one for one in links if not (FOLDER / one).exists()] == []


@each_row("name", PAGES)
def test_each_command_and_each_kind_of_service_that_a_page_names_is_known(name):
    named = re.findall(r"(?:[$#] |`|-- |bin/)provider-monitor (?:--config \S+ )?([a-z]+)\b", PAGES[name])
    kinds = re.findall(r"--service ([a-z-]+)", PAGES[name])

    assert [one for one in named if one not in COMMANDS] == []
    assert [one for one in kinds if one not in [*ServiceKind]] == []


def test_the_launch_agent_that_is_shown_is_the_one_that_init_writes():
    (shown,) = re.findall(r"```xml\n(.*?)```", PAGES["launchd"], re.DOTALL)
    program, home = "/Users/jo/.local/bin/provider-monitor", Path("/Users/jo")
    config = home / ".config" / "provider-monitor" / "monitor.toml"
    made = service_file(ServiceKind.LAUNCHD, Installation((program,), config, home, home / "Library"))

    assert shown == made.text


def test_a_key_where_a_launch_agent_has_it_is_found(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES["launchd"], re.DOTALL)
    (tmp_path / "monitor.toml").write_text(text)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "environment").write_text("OPENAI_API_KEY=sk-" + "a1B2" * 10 + "\n")

    (account,) = load_config(tmp_path / "monitor.toml", {}).accounts.values()
    assert account.problem is None


def test_the_configuration_of_a_page_from_a_schedule_is_right(tmp_path):
    (text,) = re.findall(r"```toml\n(.*?)```", PAGES["static-site-from-ci"], re.DOTALL)
    (tmp_path / "monitor.toml").write_text(text)

    assert [*load_config(tmp_path / "monitor.toml", {"OPENAI_API_KEY": "sk-" + "a1B2" * 10}).accounts]
