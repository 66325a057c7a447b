"""`completion`: print the script with which a shell completes commands, options and their values."""

import argparse
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, assert_never

from monitor.config.document import id_of_section
from monitor.config.load import read_valid_part
from monitor.console.configuration import named_file
from monitor.console.terminal import UP, print_line
from probes.catalog import provider_ids
from probes.model import Fault

SHELLS = ("bash", "zsh", "fish")
HOW_TO = (
    "Write it into ~/.local/share/bash-completion/completions/provider-monitor for bash, a file _provider-monitor in a "
    "folder of $fpath for zsh, ~/.config/fish/completions/provider-monitor.fish for fish. The script asks this command "
    "for the names that monitor.toml has: `completion accounts`, and the like."
)


class KnownName(StrEnum):
    """Names that monitor.toml has, which a script asks for when they are to be completed."""

    ACCOUNTS = "accounts"
    CHANNELS = "channels"
    PROVIDERS = "providers"
    TAGS = "tags"


CLOSED = {"fault": [*Fault], "words": ["note"]}
"""Values of an argument that are checked elsewhere than by argparse, by the argument's name."""
OPEN = {
    "account": KnownName.ACCOUNTS,
    "provider": KnownName.PROVIDERS,
    "name": KnownName.CHANNELS,
    "tag": KnownName.TAGS,
}


PLAIN = re.compile(r"[\w./:@+-]+")
"""Names that are completed: bash would run what stands in others, such as `$(...)`."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=(*SHELLS, *KnownName), metavar="SHELL", help="bash, zsh or fish")
    parser.epilog = HOW_TO


def run(arguments: Namespace) -> int:
    if arguments.shell in [*KnownName]:
        for name in filter(PLAIN.fullmatch, _names(arguments)):
            print_line(name)
        return UP
    import shtab

    parser = arguments.build_parser(arguments.commands)
    for action in _actions(parser):
        if action.dest in CLOSED:
            action.choices = CLOSED[action.dest]
        elif action.dest in OPEN:
            action.complete = _complete(OPEN[action.dest])  # type: ignore[attr-defined]
    sys.stdout.write(shtab.complete(parser, shell=arguments.shell) + "\n")
    return UP


def _complete(names: KnownName) -> dict[str, Any]:
    """Return how each shell asks for names. Of zsh our own: shtab's would ask for all kinds of names at each key."""
    import shtab

    ask = f"provider-monitor completion {names} 2>/dev/null"
    its: Any = shtab.cmd(ask)
    function = f"_provider_monitor_{names}"
    body = f'{function}() {{\n  local -a names\n  names=(${{(f)"$({ask})"}})\n  compadd "$@" -a names\n}}'
    return {**its, "zsh": function, "preamble": {**its["preamble"], "zsh": body}}


def _actions(parser: ArgumentParser) -> Iterator[argparse.Action]:
    """Yield each argument of a parser, and of the commands below it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
        else:
            yield action


def _names(arguments: Namespace) -> Iterable[str]:
    """Return names out of monitor.toml, whatever is wrong with the rest of it; no key is read."""
    document = read_valid_part(named_file(arguments))
    kind = KnownName(arguments.shell)
    match kind:
        case KnownName.ACCOUNTS:
            return map(id_of_section, document.accounts)
        case KnownName.CHANNELS:
            return (one.name for one in document.channels)
        case KnownName.PROVIDERS:
            return sorted({one.provider for one in document.accounts} | {*provider_ids()})
        case KnownName.TAGS:
            return sorted({tag for one in document.accounts for tag in one.tags})
        case _:
            assert_never(kind)
