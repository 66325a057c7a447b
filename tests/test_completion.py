"""Completion scripts, `help`, and what is said to a mistyped command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli import COMMANDS, main
from monitor.commands.completion import KnownName
from probes.model import Fault

ROOT = Path(__file__).parents[1]

CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


def told(capsys, *words):
    """Exit code and what was printed, whether the parser ends the program or the command does."""
    try:
        code = main([*words])
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr()


@pytest.mark.parametrize("shell", CHECKS)
def test_a_script_completes_every_command_and_its_options_and_is_sound(shell, capsys, tmp_path):
    code, said = told(capsys, "completion", shell)

    assert code == 0
    assert [name for name in COMMANDS if name not in said.out] == []
    assert "targets" in said.out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(said.out)
        subprocess.run([*CHECKS[shell], script], check=True)


def test_bash_completes_what_is_typed(capsys):
    _, said = told(capsys, "completion", "bash")
    ask = (
        'COMP_WORDS=(provider-monitor status --do); COMP_CWORD=2; COMP_LINE="provider-monitor status --do"\n'
        '$(complete -p provider-monitor | sed "s/.*-F \\([^ ]*\\).*/\\1/"); echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", said.out + "\n" + ask], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["--down"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_its_own(command, capsys):
    asked, own = told(capsys, "help", command), told(capsys, command, "--help")

    assert asked == own
    assert asked[0] == 0


def test_help_alone_is_that_of_the_program(capsys):
    assert told(capsys, "help") == told(capsys, "--help")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("statsu",), "status"),
        (("status", "--jsno"), "--json"),
        (("status", "--tga=x"), "--tag"),
        (("--confg", "x", "status"), "--config"),
        (("alerts", "hstory"), "history"),
        (("completion", "bsh"), "bash"),
        (("help", "incidnts"), "incidents"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_nearest(words, meant, capsys):
    code, said = told(capsys, *words)

    assert (code, said.out) == (2, "")
    assert f'did you mean "{meant}"?' in said.err


def test_the_nearest_choice_takes_the_place_of_all_others(capsys):
    assert "choose from" not in told(capsys, "statsu")[1].err
    assert "choose from" in told(capsys, "zzzzzz")[1].err


def test_without_a_command_all_are_told(capsys):
    code, said = told(capsys)

    assert (code, said.out) == (2, "")
    assert [name for name in COMMANDS if f"    {name} " not in said.err] == []


def test_what_is_near_nothing_gets_no_guess(capsys):
    code, said = told(capsys, "status", "--zzzzzz")

    assert code == 2
    assert "did you mean" not in said.err


NAMED = """
[[accounts]]
name = "main"
provider = "openai"
key = "env:NONE"
tags = ["eu", "e$(touch run)"]
[[channels]]
name = "phone"
url = "terminal:"
[probe]
failures = true
"""


def completed(script, words, folder):
    """Return what bash completes at the end of a line."""
    program = f'provider-monitor() {{ {sys.executable} -m monitor "$@"; }}\n'
    ask = (
        f'COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE="{words}"\n'
        '$(complete -p provider-monitor | sed "s/.*-F \\([^ ]*\\).*/\\1/"); printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = ["bash", "-c", f"{program}{script}\n{ask}"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("incidents n", ["note"]),
        ("drill --fault qu", ["quota_exhausted"]),
        ("silence --fault qu", ["quota_exhausted"]),
        ("status --provider openr", ["openrouter"]),
        ("drill op", ["openai/main"]),
        ("status --account op", ["openai/main"]),
        ("status --tag e", ["eu"]),
        ("alerts test ph", ["phone"]),
    ],
)
def test_bash_completes_closed_sets_and_the_names_of_the_configuration_though_that_is_broken(
    typed, found, capsys, tmp_path
):
    (tmp_path / "monitor.toml").write_text(NAMED)
    _, said = told(capsys, "completion", "bash")

    assert completed(said.out, f"provider-monitor {typed}", tmp_path) == found
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("shell", CHECKS)
def test_a_script_of_each_shell_offers_closed_sets_and_asks_for_names(shell, capsys):
    _, said = told(capsys, "completion", shell)

    for offered in (*Fault, "note", *(f"provider-monitor completion {name}" for name in KnownName)):
        assert offered in said.out
