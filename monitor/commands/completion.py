"""`completion`: print the script with which a shell completes commands and options."""

import sys
from argparse import ArgumentParser, Namespace

from monitor.console.terminal import UP

SHELLS = ("bash", "zsh", "fish")
HOW_TO = (
    "Write it into ~/.local/share/bash-completion/completions/provider-monitor for bash, a file _provider-monitor in a "
    "folder of $fpath for zsh, ~/.config/fish/completions/provider-monitor.fish for fish."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")
    parser.epilog = HOW_TO


def run(arguments: Namespace) -> int:
    import shtab

    sys.stdout.write(shtab.complete(arguments.build_parser(arguments.commands), shell=arguments.shell) + "\n")
    return UP
