"""The command line: the list of commands, and their error exits. Each is a module of `monitor/commands/`."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from monitor import __version__
from monitor.console.width import width

if TYPE_CHECKING:
    from types import FrameType

COMMANDS: dict[str, str] = {
    "init": "find your keys, ask each once, and write a configuration of your own",
    "run": "watch until stopped; without any account, show a demonstration",
    "once": "do one round of what is due and exit, for cron",
    "probe": "probe now, print what came back, store nothing",
    "status": "print the state of every account",
    "pick": "print the account of a provider to use now; exit 1 when none is known to work",
    "incidents": "print open and past incidents, tell one in full, or add words to it",
    "logs": "print the latest probes and changes, and follow them",
    "check": "load everything, check the form of each address, send nothing",
    "doctor": "look for what is wrong with the monitor itself, and print what mends it",
    "cost": "print what the canaries use in a month, before anything is sent",
    "drill": "send a simulated failure of a real account through the real alerts",
    "acknowledge": "say that somebody is on it: no more reminders",
    "snooze": "hold messages of one incident for a while",
    "silence": "hold matching messages for a while, list silences, or end one",
    "maintenance": "print the maintenance windows of the next 30 days",
    "alerts": "test channels, print what was sent or would be, explain it, or replay it by today's rules",
    "tune": "replay the recorded past and print what other settings would have reported",
    "backup": "copy the database to a file, even while the monitor runs",
    "restore": "replace the database with such a copy; the present one is kept beside it",
    "migrate-store": "bring the database to the PostgreSQL that several places are to share",
    "providers": "print the known providers, all facts about one, or those to read again",
    "feeds": "print what each provider's own status page says, and how far it is trusted",
    "classify": "read an answer and say what it means, or propose a rule for it",
    "completion": "print the script with which a shell completes commands, options and their values",
    "help": "print what the program or one command does, or the manual page of all",
}
"""Commands and their one line of help: the module of that name in `monitor/commands/` is loaded when it is used.

`--help` and `check` must not pay for an HTTP client, a template engine or a table printer, and a cron run pays for
every import each minute.
"""

DEMONSTRABLE = frozenset(
    {
        *("run", "status", "pick", "incidents", "logs", "cost", "drill", "acknowledge", "snooze", "silence"),
        *("maintenance", "alerts", "tune", "feeds", "doctor"),
    }
)
"""Commands that also work on the demonstration: they run it, or use what it stored."""

MANY = 50_000
"""New objects that trigger a garbage collection: the default of 700 means 90 collections at the start of `once`."""


class Command(Protocol):
    """The interface of a command's module."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Run the command and return its exit code. `report` prints what it raises."""


def main(argv: list[str] | None = None) -> int:
    collect_seldom()
    _open_what_is_closed()
    words, arguments = sys.argv[1:] if argv is None else argv, argparse.Namespace()
    signal.signal(signal.SIGTERM, _leave_well if "run" in words else _leave)  # before the slow imports
    if "run" in words:
        hold_back_reload()
    try:
        _refuse_endless_authorities(os.environ)
        parser = build_parser(words)
        if not words:
            parser.print_help(sys.stderr)
            parser.exit(2)
        _check_first(parser, words)
        _, unknown = parser.parse_known_args(words, arguments)
        if unknown and not _take_late_words(arguments, unknown):
            _refuse_unknown(arguments.parser, unknown)
        code = cast(Command, arguments.command).run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output is gone
        _drop_output()
        return 0
    except Exception as error:  # noqa: BLE001 - the interpreter would print its text unmasked
        from monitor.console.failure import is_of_output, report_error

        if is_of_output(error):
            _drop_output()
        return report_error(error, getattr(arguments, "loaded", None))


def _refuse_endless_authorities(environment: Mapping[str, str]) -> None:
    """Raise DocumentError for a pipe or a device as SSL_CERT_FILE: the HTTP client reads it while it is loaded."""
    file = environment.get("SSL_CERT_FILE")
    if not file or os.path.isfile(file) or os.path.isdir(file) or not os.path.exists(file):
        return  # what is wrong with those is said with all else
    from monitor.config.proxy_setting import ca_file_problem  # only a mistake pays for this import
    from probes.document import DocumentError

    raise DocumentError([ca_file_problem(file, "is a pipe or a device, and no file")])


def _open_what_is_closed() -> None:
    """Print nowhere if the caller closed our output: the next file that is opened would have its number, and get it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - it stays


def _drop_output() -> None:
    """Let what is still to be printed go nowhere: the interpreter would complain of it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


CONFIG_HELP = (
    "the configuration (default: the first there is of ./monitor.local.toml, ./monitor.toml, and "
    "provider-monitor/monitor.toml in your configuration folder)"
)
GENERAL = ("--help", "--version", "--config", "--verbose")


def _check_first(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Refuse an unknown option before the command: argparse would take its value for the command."""
    first = words[0].partition("=")[0] if words else ""
    if first.startswith("--") and not any(option.startswith(first) for option in GENERAL):
        parser.error(f"unrecognized arguments: {first}{near(first, GENERAL)}")


def _take_late_words(arguments: argparse.Namespace, unknown: Sequence[str]) -> bool:
    """Whether all that is left are words of a command that takes any number: argparse knows none after an option."""
    taken = getattr(arguments, "words", None)
    if not isinstance(taken, list) or any(word.startswith("-") for word in unknown):
        return False
    taken.extend(unknown)
    return True


def _refuse_unknown(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
    """Name what a command does not take, and the option that was probably meant."""
    known = [word.rstrip(",]") for word in parser.format_help().split() if word.lstrip("[").startswith("--")]
    strange = next((word.partition("=")[0] for word in unknown if word.startswith("--")), "")
    parser.error(f"unrecognized arguments: {' '.join(unknown)}{near(strange, known)}")


def near(word: str, known: Sequence[str]) -> str:
    """Return the end of an error about a word that is none of those known: which was probably meant; "" for none."""
    from difflib import get_close_matches  # only a mistake pays for this import

    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return f'; did you mean "{found[0]}"?' if found else ""


CHOICE = "invalid choice: "


def _with_nearest(message: str) -> str:
    """Return argparse's error with the nearest to what was chosen in place of all choices, if there is one."""
    import re

    said, _, choices = message.partition(" (choose from ")
    meant = near(said.partition(CHOICE)[2].strip(" '\""), re.findall(r"[\w-]+", choices))
    return said + meant if meant else message


def _leave(number: int, _: "FrameType | None") -> NoReturn:
    """Exit in good order: by default the programs started for a key or a probe would go on running."""
    raise SystemExit(128 + number)


def _leave_well(_: int, __: "FrameType | None") -> NoReturn:
    """Exit with success: `run` ends by being stopped, which is no failure."""
    raise SystemExit(0)


def hold_back_reload() -> None:
    """Let SIGHUP wait until the loop takes it: by default it would end a start, and an ignored one would be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def collect_seldom() -> None:
    """Collect garbage seldom: reference counting frees nearly everything."""
    gc.set_threshold(MANY)


HELP = {"-h", "--help"}


class Help(argparse.HelpFormatter):
    """Finds the terminal's width itself: argparse would import three compressors for it, at each start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=(width() or 80) - 2)


class Parser(argparse.ArgumentParser):
    """Masks a key that somebody typed in place of an argument."""

    def error(self, message: str) -> NoReturn:
        from probes.redact import mask_keys

        super().error(mask_keys(_with_nearest(message) if CHOICE in message else message))


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line. Only the named command gets its options, to keep the start fast."""
    parser = Parser(
        formatter_class=Help,
        prog="provider-monitor",
        description="Tells you within a minute, with proof, when one of your AI accounts is being lost, "
        "and whether it is you, the provider, or the network in between.",
        epilog="Exit codes: 0 all up, 1 something down or not known, 2 wrong use or configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help=CONFIG_HELP)
    parser.add_argument("-v", "--verbose", action="store_true", help="log each beat, not only what changes")
    # Without `prog` argparse formats a usage.
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands", prog=parser.prog)
    named = [] if HELP & set(words) else [name for name in COMMANDS if name in words]
    for name in named or COMMANDS:
        does = COMMANDS[name]
        sub = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".", formatter_class=Help)
        if name in words:
            _complete(sub, load_command(name))
        if name in words and name in DEMONSTRABLE:
            sub.add_argument("--demo", action="store_true", help="use the demonstration instead of your accounts")
    return parser


def _complete(parser: argparse.ArgumentParser, command: Command) -> None:
    command.add_arguments(parser)
    if not any("--config" in one.option_strings for one in parser._actions):
        parser.add_argument("-c", "--config", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.set_defaults(command=command, parser=parser, build_parser=build_parser, commands=[*COMMANDS])


def load_command(name: str) -> Command:
    return cast(Command, import_module(f"monitor.commands.{name.replace('-', '_')}"))
