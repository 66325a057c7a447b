"""`feeds`: print what each provider's own status page says, and whether it is trusted."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from monitor import words
from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import FeedReport
from monitor.console.snapshot import take_snapshot
from monitor.console.table import Table, TableCell, print_table
from monitor.console.terminal import DOWN, UP, Colour, print_line
from monitor.publish.snapshot import SourceView
from monitor.sentence.doubt import describe_doubt


def add_arguments(parser: ArgumentParser) -> None:
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    if not config.feeds and not (arguments.json or arguments.csv):
        print_line("no status source is followed; [status] in monitor.toml says which providers' pages are read")
        return UP
    sources = take_snapshot(config).sources
    now = datetime.now(UTC)
    print_report(arguments, FeedReport, [_report(one, now) for one in sources], lambda: source_table(sources, now))
    return UP if all(source.readable for source in sources) else DOWN


def _report(one: SourceView, now: datetime) -> FeedReport:
    said = [words.describe_notice(notice, now) for notice in one.notices]
    return FeedReport(
        one.id,
        one.page,
        one.readable,
        one.read_at,
        describe_doubt(one.problem) if one.problem else None,
        one.unread,
        said,
    )


def source_table(sources: Sequence[SourceView], now: datetime) -> None:
    rows = [(one.id, _state(one), _read(one, now), _said(one, now), one.page) for one in sources]
    print_table(Table(("source", "state", "read", "what it says", "page"), rows))


def _state(one: SourceView) -> TableCell:
    if one.readable:
        return TableCell("read", Colour.GREEN)
    return TableCell("not believed" if one.problem else "not read yet", Colour.YELLOW)


def _read(one: SourceView, now: datetime) -> str:
    return f"{words.duration((now - one.read_at).total_seconds())} ago" if one.read_at else "-"


def _said(one: SourceView, now: datetime) -> str:
    if not one.readable:
        return describe_doubt(one.problem) if one.problem else "no trouble"
    unread = [f"{words.count(one.unread, 'item')} could not be read"] if one.unread else []
    return "; ".join([*(words.describe_notice(notice, now) for notice in one.notices), *unread]) or "no trouble"
