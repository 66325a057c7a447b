"""Completion scripts, `help`, and what is said to a mistyped command."""

import os
import pty
import select
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


TYPED = {
    "stat": "status",
    "status --do": "--down",
    "incidents n": "note",
    "drill --fault qu": "quota_exhausted",
    "status --account op": "openai/main",
    "alerts test ph": "phone",
}
"""What is typed, and the word that takes the place of its last one."""
ASKED = ["completion accounts", "completion channels"]
SETUP = """PS1=; unsetopt prompt_cr prompt_sp; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D
show() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N show; bindkey '^I' complete-word; bindkey '^G' show
print rea''dy
"""
"""Tab completes what is typed, and Ctrl-G prints and clears it."""


@pytest.fixture
def desk(tmp_path):
    """A folder with a configuration and the program, which writes down what it is asked; and what shells need."""
    (tmp_path / "monitor.toml").write_text(NAMED)
    program = tmp_path / "bin" / "provider-monitor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> asked\nexec {sys.executable} -m monitor "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return tmp_path, {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "HOME": str(tmp_path), "TERM": "dumb"}


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_what_is_typed(desk, capsys):
    folder, environment = desk
    (folder / "script.fish").write_text(told(capsys, "completion", "fish")[1].out)
    asks = "".join(f"; complete -C 'provider-monitor {words}'" for words in TYPED)
    line = ["fish", "--no-config", "-c", f"source script.fish{asks}"]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder, env=environment)

    assert [one.partition("\t")[0] for one in done.stdout.splitlines()] == [*TYPED.values()]
    assert (folder / "asked").read_text().splitlines() == ASKED


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_what_is_typed_and_asks_for_no_names_that_it_does_not_need(desk, capsys):
    """Asking at each key for all names that there may be made Tab take seconds."""
    folder, environment = desk
    (folder / "_provider-monitor").write_text(told(capsys, "completion", "zsh")[1].out)
    mine, its = pty.openpty()
    line = ["zsh", "-f", "-i"]
    with subprocess.Popen(line, stdin=its, stdout=its, stderr=its, cwd=folder, env=environment) as shell:
        os.close(its)
        os.write(mine, SETUP.encode())
        read_until(mine, "ready\r\n")
        shown = [complete_in_zsh(mine, words) for words in TYPED]
        shell.kill()
    os.close(mine)

    assert shown == [f"{words.rpartition(' ')[0]} {found}".strip() for words, found in TYPED.items()]
    assert (folder / "asked").read_text().splitlines() == ASKED


def complete_in_zsh(terminal, words):
    os.write(terminal, f"provider-monitor {words}\t\a".encode())
    said = read_until(terminal, ">>")
    return said.partition("<<provider-monitor ")[2].partition(">>")[0].strip()


def read_until(terminal, word):
    said = ""
    while word not in said:
        assert select.select([terminal], [], [], 60)[0], said
        said += os.read(terminal, 4096).decode()
    return said


@pytest.mark.parametrize("shell", CHECKS)
def test_a_script_of_each_shell_offers_closed_sets_and_asks_for_names(shell, capsys):
    _, said = told(capsys, "completion", shell)

    for offered in (*Fault, "note", *(f"provider-monitor completion {name}" for name in KnownName)):
        assert offered in said.out
