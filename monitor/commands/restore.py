"""`restore`: replace the database with a backup; the present one is kept beside it."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.console.argument import add_copy
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, say
from monitor.store.backup import restore


def add_arguments(parser: ArgumentParser) -> None:
    add_copy(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    aside = restore(config.database, arguments.file, datetime.now(UTC))
    before = f"; what it was is {aside.name} beside it" if aside else ""
    say(f"{config.database} is {arguments.file} now{before}")
    return UP
