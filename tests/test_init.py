"""`init` as a process, against the simulator: from variables to a configuration that works."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import tomllib

import pytest

from monitor.cli import main
from tests.backstage import KEYS, ROOT, backstage, call, call_cold, environment


@pytest.fixture(scope="module")
def stage():
    with backstage() as stage:
        yield stage


@pytest.fixture
def here(tmp_path, stage):
    """A folder of work and a home, both empty, and three variables of somebody who has keys."""
    (tmp_path / "work").mkdir()
    simulator = stage.simulator
    variables = {
        "OPENAI_API_KEY": KEYS["openai/main"],
        "OPENAI_BASE_URL": simulator.base("openai"),
        "ANTHROPIC_API_KEY": KEYS["anthropic/team"],
        "ANTHROPIC_BASE_URL": simulator.base("anthropic"),
        "GROQ_API_KEY": "gsk_wrong0123456789abcdef",
        "GROQ_BASE_URL": simulator.base("groq"),
    }
    return tmp_path / "work", {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": ""}, variables


OWN = (".config", "provider-monitor", "monitor.toml")


def test_three_variables_become_a_working_configuration_within_ten_seconds(here, stage):
    folder, home, variables = here
    begun = time.monotonic()
    code, out, err = call_cold("init", "--yes", "--channel", stage.inbox.url, folder=folder, **home, **variables)

    assert time.monotonic() - begun < 10
    assert (code, err) == (0, "")
    assert "openai-compatible/127.0.0.1: works (list models), 3 models" in out
    assert 'groq/127.0.0.1: invalid_key (list models): "Invalid API Key"' in out
    assert re.search(r"anthropic/127.0.0.1 +95,760 +\d", out)  # calls a month
    assert "[TEST]" in stage.inbox.messages[-1]["title"]
    assert not any(key in out for key in variables.values() if key.startswith(("sk-", "gsk_")))
    assert "a test message to messages: accepted" in out

    code, out, err = call("check", folder=folder, **home, **variables)
    assert (code, "3 accounts, 10 targets, 1 channel: all well-formed" in out) == (0, True)
    assert "configuration: " in err
    assert call("probe", "anthropic/127.0.0.1", folder=folder, **home, **variables)[0] == 0


def test_in_a_clone_the_tracked_file_stays_as_it_is_and_the_local_one_is_read(here):
    folder, home, variables = here
    shipped = (ROOT / "monitor.toml").read_bytes()
    (folder / "monitor.toml").write_bytes(shipped)
    code, out, _ = call("init", "--yes", "--no-look", folder=folder, **home, **variables)

    assert (code, "written: monitor.local.toml" in out, out.splitlines()[-1]) == (
        0,
        True,
        "next: provider-monitor run",
    )
    assert (folder / "monitor.toml").read_bytes() == shipped
    assert call("check", "--no-keys", folder=folder, **home)[0] == 0


def test_a_file_that_is_there_is_left_alone_until_somebody_says_what_to_do(here):
    folder, home, variables = here
    present = '# mine\n[[accounts]]\nname = "default"\nprovider = "anthropic"\nkey = "env:ANTHROPIC_API_KEY"\n'
    file = folder / "monitor.local.toml"
    file.write_text(present)
    code, out, err = call("init", "--yes", "--no-look", folder=folder, **home, **variables)
    assert (code, out, file.read_text()) == (2, "", present)
    assert err.startswith(f"{file}: is there already")
    assert all(word in err for word in ("--merge", "--config OTHER", "--replace"))

    assert call("init", "--yes", "--no-look", "--merge", folder=folder, **home, **variables)[0] == 0
    assert file.read_text().startswith(present)
    assert len(tomllib.loads(file.read_text())["accounts"]) == 4
    code, out, _ = call("init", "--yes", "--no-look", "--merge", folder=folder, **home, **variables)
    assert (code, "has all of it already" in out) == (0, True)

    words = ("init", "--yes", "--no-look", "--merge", "--channel", "json://localhost/")
    assert call(*words, folder=folder, **home, **variables, MISTRAL_API_KEY="\n")[0] == 0
    assert [one["url"] for one in tomllib.loads(file.read_text())["channels"]] == ["file:keys/messages"]
    assert "MISTRAL" not in file.read_text()

    assert call("init", "--yes", "--no-look", "--replace", folder=folder, **home, **variables)[0] == 0
    assert "# mine" not in file.read_text()


def test_half_a_configuration_is_not_merged_but_told_what_is_wrong_with_it(here):
    folder, home, variables = here
    (folder / "monitor.local.toml").write_text('[[accounts]]\nname = "a"\nprov')
    code, out, err = call("init", "--yes", "--no-look", "--merge", folder=folder, **home, **variables)

    assert (code, err.splitlines()[-1].startswith("monitor.local.toml: is not TOML")) == (2, True)
    assert (folder / "monitor.local.toml").read_text().endswith("prov")


def test_keys_of_an_imported_file_are_copied_for_the_owner_alone_if_told(here, stage):
    folder, home, _ = here
    entry = {"model": "openai/gpt-4o-mini", "api_base": stage.simulator.base("openai"), "api_key": KEYS["openai/main"]}
    (folder / "litellm.yaml").write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": entry}]}))
    words = ("init", "--yes", "--from", "litellm.yaml", "--config", "own.toml")
    code, out, err = call(*words, folder=folder, **home)
    assert (code, "say init --copy-keys" in err, (folder / "keys").exists()) == (1, True, False)
    assert "# [[accounts]]" in (folder / "own.toml").read_text()
    assert call("--config", "own.toml", "check", folder=folder, **home)[0] == 0

    code, out, err = call(*words, "--copy-keys", "--replace", folder=folder, **home)
    assert (code, err, "works (list models), 3 models" in out) == (0, "", True)
    assert KEYS["openai/main"] not in (folder / "own.toml").read_text() + out
    (key,) = (folder / "keys").iterdir()
    assert (key.read_text().strip(), key.stat().st_mode & 0o777) == (KEYS["openai/main"], 0o600)
    assert call("--config", "own.toml", "check", folder=folder, **home)[0] == 0


def test_a_file_of_somebody_else_leads_no_key_of_ours_to_its_address_unasked(here, stage):
    folder, home, _ = here
    entry = {"model": "openai/m", "api_base": stage.simulator.base("openai"), "api_key": "os.environ/OURS"}
    (folder / "litellm.yaml").write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": entry}]}))
    code, out, err = call("init", "--yes", "--from", "litellm.yaml", folder=folder, OURS=KEYS["openai/main"], **home)

    assert (code, "works" in out) == (0, False)
    assert "was not asked yet: `run` will send env:OURS to 127.0.0.1:" in err
    assert "remove it if that is not yours" in err


REFUSED = {
    "no key": ({}, (), "accounts would be empty; set a variable such as OPENAI_API_KEY"),
    "a key that is a line break": (
        {"OPENAI_API_KEY": "\n"},
        (),
        "OPENAI_API_KEY of the environment: OPENAI_API_KEY holds nothing but a line break; mend that",
    ),
    "an import of a newer version": (
        {},
        ("--from", "kuma.json"),
        'kuma.json: is of no form that is known here of version "9"',
    ),
    "an import that is not there": (
        {},
        ("--from", "none.json"),
        "none.json: cannot be read (No such file or directory)",
    ),
    "a home that cannot be written": (
        {"OPENAI_API_KEY": KEYS["openai/main"], "XDG_CONFIG_HOME": "/proc"},
        (),
        "/proc/provider-monitor/monitor.toml: cannot be written",
    ),
    "a place below a file": (
        {"OPENAI_API_KEY": KEYS["openai/main"]},
        ("--config", "kuma.json/own.toml"),
        "own.toml: cannot be made (",
    ),
    "a device": ({"OPENAI_API_KEY": KEYS["openai/main"]}, ("--config", "/dev/null"), "is a pipe or a device, and no"),
    "a folder": ({"OPENAI_API_KEY": KEYS["openai/main"]}, ("--config", "."), "is a folder; name a file"),
    "a channel of no service": (
        {"OPENAI_API_KEY": KEYS["openai/main"]},
        ("--channel", "nonsense://x"),
        "channels.messages.url does not begin with the name of a service",
    ),
    "a service of no kind": ({}, ("--service", "init.d"), "systemd-user"),
}


@pytest.mark.parametrize(("variables", "words", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_exit_code_2_with_the_repair(here, variables, words, told):
    folder, home, _ = here
    (folder / "kuma.json").write_text('{"version": "9", "monitors": []}')
    code, _, err = call("init", "--yes", "--no-look", *words, folder=folder, **{**home, **variables})

    assert (code, told in err) == (2, True), err
    assert "Traceback" not in err


def test_without_a_terminal_it_says_how_to_go_on(here):
    folder, home, variables = here
    code, out, err = call("init", folder=folder, **home, **variables)

    assert (code, out) == (2, "")
    assert err == (
        "command line: init has questions, and there is no terminal; say --yes to take every ready answer, or start it "
        "in a terminal\n"
    )


def test_without_a_network_it_says_so_and_goes_on(here):
    folder, home, _ = here
    variables = {"OPENAI_API_KEY": KEYS["openai/main"], "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    code, out, err = call("init", "--yes", folder=folder, **home, **variables)

    assert (code, "written: " in out) == (0, True)
    assert err.startswith("no provider was reached, so no key was tried")


def test_a_service_is_written_beside_and_names_what_it_needs(here):
    folder, home, variables = here
    words = ("init", "--yes", "--no-look", "--config", "own.toml", "--service")
    code, out, _ = call(*words, "compose", folder=folder, **home, **variables)
    assert (code, "written: compose.yaml" in out, "OPENAI_API_KEY=..." in out) == (0, True, True)

    (folder / "compose.yaml").write_text("mine")
    code, out, err = call(*words, "compose", "--replace", folder=folder, **home, **variables)
    assert (code, (folder / "compose.yaml").read_text(), "left as it is" in err) == (0, "mine", True)


def test_a_service_is_made_for_the_configuration_that_is_there_and_leaves_that_as_it_is(here):
    folder, home, variables = here
    (folder / "own.toml").write_text('[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:OURS"\n')
    before = (folder / "own.toml").read_text()
    code, out, err = call(
        "init", "--yes", "--config", "own.toml", "--service", "systemd", folder=folder, **home, **variables
    )

    assert (code, err, "written: provider-monitor.service" in out) == (0, "", True)
    assert "write OURS=... into /etc/provider-monitor/keys" in out
    assert "next: " not in out
    assert (folder / "own.toml").read_text() == before


def typed(dialogue, *words, folder, **more):
    """Play a dialogue at a terminal, of what is asked and what is answered; return the exit code and what was seen."""
    ours, theirs = pty.openpty()
    known = environment(keys=False, PYTHONPATH=str(ROOT), TERM="dumb", **more)
    command, said = [sys.executable, "-m", "monitor", *words], ""
    with subprocess.Popen(
        command, cwd=folder, env=known, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        try:
            for asked, answer in dialogue.items():
                while asked not in said:
                    assert select.select([ours], [], [], 20)[0], said
                    said += os.read(ours, 1000).decode()
                os.write(ours, f"{answer}\n".encode())
            return process.wait(20), said
        finally:
            process.kill()
            os.close(ours)


def test_a_person_at_a_terminal_is_asked_with_answers_ready(here):
    folder, home, variables = here
    dialogue = {
        "Which model is asked at openai-compatible/127.0.0.1, or none? [gpt-5-nano] ": "gpt-4o-mini",
        "[terminal] ": "",
        "Write own.toml? [yes] ": "",
        "What keeps it running? (none, ": "cron",
    }
    assert typed(dialogue, "init", "--config", "own.toml", folder=folder, **home, **variables)[0] == 0

    accounts = tomllib.loads((folder / "own.toml").read_text())["accounts"]
    assert [one.get("models") for one in accounts] == [["gpt-4o-mini"], None, None]


def test_a_first_key_can_be_typed_and_is_neither_shown_nor_written_into_the_configuration(here, stage):
    folder, home, _ = here
    dialogue = {
        "Whose key do you have?": "anthropic",
        "At which address? [https://api.anthropic.com] ": stage.simulator.base("anthropic"),
        "Its key (not shown)": KEYS["anthropic/team"],
        "[terminal] ": "",
        "Write own.toml? [yes] ": "",
        "What keeps it running? (none, ": "",
    }
    code, said = typed(dialogue, "init", "--config", "own.toml", folder=folder, **home)

    assert (code, "anthropic/default: works (list count models)" in said) == (0, True)
    assert KEYS["anthropic/team"] not in said + (folder / "own.toml").read_text()
    assert (folder / "keys" / "anthropic-default").read_text().strip() == KEYS["anthropic/team"]


def test_whoever_says_no_finds_nothing_written(here):
    folder, home, variables = here
    dialogue = {"[terminal] ": "json://u:Pa55word@localhost/", "Write own.toml?": "no"}
    code, said = typed(dialogue, "init", "--no-look", "--config", "own.toml", folder=folder, **home, **variables)

    assert (code, [*folder.iterdir()]) == (0, [])


def test_an_address_that_cannot_work_is_asked_for_again_and_nothing_else_is(here):
    folder, home, variables = here
    dialogue = {
        "[terminal] ": "carrier-pigeon://roof",
        "channels.messages.url": "env:NOWHERE",
        "NOWHERE is not set": "",
        "Write own.toml? [yes] ": "",
        "What keeps it running? (none, ": "",
    }
    code, said = typed(dialogue, "init", "--no-look", "--config", "own.toml", folder=folder, **home, **variables)

    assert (code, said.count("Where do messages go?"), said.count("Write own.toml?")) == (0, 3, 1)
    assert "channels" not in tomllib.loads((folder / "own.toml").read_text())


def test_it_knows_its_own_options(capsys):
    with pytest.raises(SystemExit):
        main(["init", "--help"])

    told = capsys.readouterr().out
    assert all(option in told for option in ("--yes", "--from", "--copy-keys", "--merge", "--service"))
