"""`feeds`: print what each provider's own status page says, and whether it is trusted."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from monitor import words
from monitor.console.configuration import load_with_accounts
from monitor.console.snapshot import take_snapshot
from monitor.console.table import make_table, plain, print_table
from monitor.console.terminal import DOWN, UP, say
from monitor.publish.snapshot import SourceView
from monitor.sentence.doubted import doubted


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


def source_table(sources: Sequence[SourceView], now: datetime) -> None:
    table = make_table("source", "state", "read", "what it says", "page")
    for one in sources:
        state = "[green]read[/]" if one.readable else f"[yellow]{'not believed' if one.problem else 'not read yet'}[/]"
        read = f"{words.duration((now - one.read_at).total_seconds())} ago" if one.read_at else "-"
        said = [words.notice(notice, now) for notice in one.notices]
        if one.unread:
            said.append(f"{words.count(one.unread, 'item')} could not be read")
        told = "; ".join(said) if one.readable else doubted(one.problem) if one.problem else ""
        table.add_row(one.id, state, read, plain(told or "no trouble"), plain(one.page))
    print_table(table)
