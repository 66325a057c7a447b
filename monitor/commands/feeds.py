"""`feeds`: print what each provider's own status page says, and how far it is believed."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.commands.configuration import load_with_accounts
from monitor.commands.snapshot import take_snapshot
from monitor.commands.tables import source_table
from monitor.commands.terminal import DOWN, UP, say


def add_arguments(_: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    if not config.feeds:
        say("no status source is followed")
        return UP
    sources = take_snapshot(config).sources
    source_table(sources, datetime.now(UTC))
    return UP if all(source.readable for source in sources) else DOWN
