"""`restore`: replace the database with a backup; the present one is kept beside it."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.backend import open_store
from monitor.console.argument import add_copy
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, print_line


def add_arguments(parser: ArgumentParser) -> None:
    add_copy(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    aside = open_store(config.store).restore(arguments.file, datetime.now(UTC))
    before = f"; what it was is {' and '.join(aside)} beside it" if aside else ""
    print_line(f"{config.store.full_name} is {arguments.file} now{before}")
    return UP
