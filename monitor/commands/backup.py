"""`backup`: copy the database to a file, also while the monitor runs."""

from argparse import ArgumentParser, Namespace

from monitor.console.argument import add_copy
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, say
from monitor.store.backup import back_up


def add_arguments(parser: ArgumentParser) -> None:
    add_copy(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    named = [*([config.file] if config.file else []), *config.files]
    replaced = back_up(config.database, arguments.file.absolute(), named)
    older = "; the older copy there was replaced" if replaced else ""
    say(f"{config.database} was copied to {arguments.file}{older}")
    return UP
