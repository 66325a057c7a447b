"""The manual page, in roff, made from the parsers that `--help` prints. Source: groff_man(7)."""

import argparse
from collections.abc import Iterator, Mapping

FILES = {
    "monitor.local.toml": "the user's own configuration, read instead of monitor.toml",
    "monitor.toml": "what is watched, and who is told; every part of it is explained in the file that is shipped",
    "~/.config/provider-monitor/monitor.toml": "read where neither is in the current folder",
    "state/monitor.db": "what was seen, in SQLite; `[store] path` says where",
    "state/monitor.db-wal, -shm, -journal": "SQLite's own; they belong to the database and never go without it",
    "state/monitor.db.lock": "held by the one process that writes",
    "state/monitor.db.sock": "where commands reach that process",
    "state/monitor.db.key": "signs the links in messages; without it they no longer work",
    "state/monitor.db.overlaps": "rounds of `once` that were skipped, as one was still going on",
    "state/monitor.db.aside.jsonl": "what could not be written even after a repair",
    "state/monitor.db.replies": "what an older version left; it is taken up and removed",
    "state/monitor.db.schema-N": "a copy from before an upgrade, for the way back",
    "state/monitor.db.corrupt-DATE, .foreign-DATE": "a database that was set aside; the last two are kept",
    "state/monitor.db.stand-in-DATE": "what was kept beside the database when another one was restored",
    "/run/provider-monitor, /dev/shm/provider-monitor-UID": "stands in for a database that cannot be written",
    "site/, public/": "the status pages",
    "metrics/provider-monitor.prom": "metrics for a textfile collector",
}


def man_page(parser: argparse.ArgumentParser, version: str, summary: str) -> str:
    """Return the page of a program and all its commands; `summary`: one line, of which an index is made."""
    return "".join(f"{line}\n" for line in _lines(parser, version, summary))


def _lines(parser: argparse.ArgumentParser, version: str, summary: str) -> Iterator[str]:
    commands = commands_of(parser)
    yield f'.TH {parser.prog.upper()} 1 "" "{parser.prog} {version}" "User Commands"'
    yield from (".SH NAME", f"{_text(parser.prog)} \\- {_text(summary)}")
    yield from (".SH SYNOPSIS", f".B {_text(parser.prog)}", r"[\fIoptions\fR] \fICOMMAND\fR ...")
    yield from (".SH DESCRIPTION", _text(parser.description or ""))
    yield from (".SH OPTIONS", *_options(parser))
    yield ".SH COMMANDS"
    for command in commands.values():
        yield from _command(command)
    yield from (".SH EXIT STATUS", _text(parser.epilog or ""))
    yield ".SH FILES"
    for name, what in FILES.items():
        yield from (".TP", f".I {_text(name)}", _text(what))


def commands_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """Return the parser of each command of a program, by the command's name."""
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    found: Mapping[str, argparse.ArgumentParser] = commands.choices
    return found


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield from (f".SS {_text(parser.prog.split()[-1])}", f".B {_text(usage)}", ".PP", _text(parser.description or ""))
    yield from _options(parser)
    if parser.epilog:
        yield from (".PP", _text(parser.epilog))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for one in options_of(parser):
        yield from (".TP", f".B {_text(option_name(one))}", _text(option_help(one)))


def options_of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments and options that a parser tells of, besides a command and `--help`."""
    for one in parser._actions:
        is_told = one.help is not argparse.SUPPRESS
        if is_told and not isinstance(one, argparse._SubParsersAction | argparse._HelpAction):
            yield one


def option_name(one: argparse.Action) -> str:
    """Return an option with all its names and its value, or the name of an argument."""
    value = f" {one.metavar or one.dest.upper()}" if one.nargs != 0 else ""
    return ", ".join(f"{option}{value}" for option in one.option_strings) or value.strip()


def option_help(one: argparse.Action) -> str:
    """Return what `--help` says of an option or an argument."""
    return (one.help or "").replace("%%", "%").replace("%(prog)s", "").replace("%(default)s", str(one.default))


def _text(words: str) -> str:
    """Return words as roff shows them: a leading dot or quote would be a request, a hyphen not one that is copied."""
    escaped = words.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    return rf"\&{escaped}" if escaped.startswith(".") else escaped
