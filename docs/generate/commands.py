"""docs/reference/commands.md: every command with all it takes, from the parsers that `--help` prints."""

import argparse
import re
from collections.abc import Iterator

from docs.generate.markdown import code, codes, plain, sentence
from monitor.cli import COMMANDS, build_parser
from monitor.console.man_page import commands_of, option_help, option_name, options_of

INTRODUCTION = """# Commands

`provider-monitor help COMMAND` prints the same, and `provider-monitor help --man` a manual page of it all.
"""
CODE = re.compile(r"(\d) ([^,.]+)")
"""An exit code and its meaning, in what `--help` ends with."""


def page() -> Iterator[str]:
    parser = build_parser([*COMMANDS])
    yield from (INTRODUCTION, plain(parser.description or ""), "", "## Options of all commands", "")
    yield "They stand before the command; `--config` may also follow it."
    yield ""
    yield from map(_option, options_of(parser))
    yield ""
    for name, command in commands_of(parser).items():
        yield from _command(name, command)
    yield from (
        "## Exit codes",
        "",
        *(f"- `{number}`: {words}" for number, words in CODE.findall(parser.epilog or "")),
        "",
    )


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from (f"## {name}", "", plain(parser.description or ""), "", "```text", _usage(parser), "```", "")
    if its := [*map(_option, options_of(parser))]:
        yield from (*its, "")
    if parser.epilog:
        yield from ("```text", parser.epilog.strip(), "```", "")


def _usage(parser: argparse.ArgumentParser) -> str:
    its = list(options_of(parser))
    named = [_argument(one) for one in its if not one.option_strings]
    return " ".join([parser.prog, *(["[OPTIONS]"] if len(named) < len(its) else []), *named])


def _argument(one: argparse.Action) -> str:
    name = option_name(one)
    match one.nargs:
        case "?":
            return f"[{name}]"
        case "*":
            return f"[{name} ...]"
        case "+" | argparse.REMAINDER:
            return f"{name} [{name} ...]"
    return name


def _option(one: argparse.Action) -> str:
    choice = f" One of {codes(map(str, one.choices))}." if one.choices else ""
    return f"- {code(option_name(one))}: {plain(sentence(option_help(one)))}{choice}"
