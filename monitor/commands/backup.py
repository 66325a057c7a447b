"""`backup`: copy the database to a file, also while the monitor runs."""

from argparse import ArgumentParser, Namespace

from monitor.backend import open_store
from monitor.console.argument import add_copy
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, print_line


def add_arguments(parser: ArgumentParser) -> None:
    add_copy(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    named = [*([config.file] if config.file else []), *config.files]
    replaced = open_store(config.store).back_up(arguments.file.absolute(), named)
    older = "; the older copy there was replaced" if replaced else ""
    print_line(f"{config.store.full_name} was copied to {arguments.file}{older}")
    return UP
