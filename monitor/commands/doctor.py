"""`doctor`: look for what is wrong with the monitor itself, and print what mends it."""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from monitor.alert.address import check_address
from monitor.commands.alerts import send_tests
from monitor.config.checked_part import check_parts
from monitor.config.config import Config
from monitor.config.load import bare_config, read_valid_part
from monitor.console.configuration import load_named, load_with_accounts, named_file, say_source
from monitor.console.recorded_config import recorded_config
from monitor.console.report import add_formats, is_for_program, print_report
from monitor.console.short_run import run_short
from monitor.console.table import Table, TableCell, print_table
from monitor.console.terminal import DOWN, UP, WRONG_USE, Colour, Print, print_error, print_line
from monitor.doctor.checks import remarks
from monitor.doctor.examine import examine
from monitor.doctor.remark import Grade, Remark
from monitor.words import count
from probes.document import DocumentError, Problem

SEND_S = 8.0
"""Seconds that a channel may take for the test message."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--send", action="store_true", help="also send a test message to each channel")
    add_formats(parser)


def run(arguments: Namespace) -> int:
    say_source(arguments)
    config, problems, is_refused = _read(arguments)
    show = print_error if is_for_program(arguments) else print_line
    found = run_short(_found(config, problems, send=arguments.send, show=show))
    print_report(arguments, Remark, found, lambda: _tell(found))
    if is_refused:
        return WRONG_USE
    return DOWN if any(one.level is Grade.ERROR for one in found) else UP


def _read(arguments: Namespace) -> tuple[Config, Sequence[Problem], bool]:
    """Return what of the configuration can be used, what is wrong with it, and whether no command takes it."""
    load = load_with_accounts if arguments.demo else load_named
    try:
        return load(arguments, sends=True), (), False
    except DocumentError as error:
        problems = error.problems
    try:
        return load(arguments), problems, False  # what sends is wrong, or has its variables elsewhere
    except DocumentError:
        return _usable_part(arguments), problems, True


def _usable_part(arguments: Namespace) -> Config:
    """Return the tables that are right; else what was watched before; else where things would be."""
    file = named_file(arguments)
    try:
        rest = check_parts(file, os.environ, keys=False).config
    except DocumentError:
        rest = None
    return rest or recorded_config(file) or bare_config(read_valid_part(file), file)


async def _found(config: Config, problems: Sequence[Problem], *, send: bool, show: Print) -> list[Remark]:
    looking = examine(config, problems, os.environ, lambda: datetime.now(UTC))
    if not send:
        return await asyncio.to_thread(remarks, await looking)
    examination, sent = await asyncio.gather(looking, _sent(config, show))
    return await asyncio.to_thread(remarks, replace(examination, sent=sent))


async def _sent(config: Config, show: Print) -> Mapping[str, str | None]:
    """Send a test to each channel of the right form."""
    hasty = [replace(one, limit_s=min(one.limit_s, SEND_S)) for one in config.channels if one.url]
    sound = [one for one in hasty if check_address(one) is None]
    return await send_tests(replace(config, channels=tuple(sound)), [one.name for one in sound], show)


COLOURS = {Grade.OK: Colour.GREEN, Grade.WARNING: Colour.YELLOW, Grade.ERROR: Colour.RED, Grade.UNKNOWN: None}


def _tell(found: Sequence[Remark]) -> None:
    rows = [(TableCell(one.level, COLOURS[one.level]), TableCell(one.topic), one.words) for one in found]
    notes = {at: f"mend: {one.repair}" for at, one in enumerate(found) if one.repair}
    print_table(Table(("", "what", "found"), rows, notes))
    number = Counter(one.level for one in found)
    worst = [count(number[one], one.value) for one in (Grade.ERROR, Grade.WARNING) if number[one]]
    unknown = [f"{number[Grade.UNKNOWN]} not known"] if number[Grade.UNKNOWN] else []
    print_line("\n" + (", ".join([*worst, *unknown]) or "all is well"))
