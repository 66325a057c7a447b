"""`maintenance`: print the maintenance windows of the next 30 days."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.alert.rule import Maintenance
from monitor.config.config import Config
from monitor.console.alert_history import describe_match
from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import MaintenanceReport
from monitor.console.terminal import UP, Print, print_line
from monitor.words import duration, stamp

AHEAD = timedelta(days=30)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--ical", action="store_true", help="print them as a calendar")
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config, now = load_with_accounts(arguments), datetime.now(UTC)
    rows = [MaintenanceReport(*one) for one in sorted(_coming(config.rules.maintenance, now))]
    print_report(arguments, MaintenanceReport, rows, lambda: maintenance(config, arguments, now, print_line))
    return UP


def maintenance(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    """List the windows of the next 30 days, or print all as a calendar."""
    if arguments.ical:
        from monitor.alert.maintenance_calendar import render_ical

        say(render_ical(config.rules.maintenance, now).decode().replace("\r\n", "\n").rstrip())
        return
    found = sorted(_coming(config.rules.maintenance, now))
    for start, end, name, what in found:
        say(f"{_when(start, end, config.rules.zone)}: {name} ({what})")
    if not found:
        say(f"no maintenance within {duration(AHEAD.total_seconds())}; [[maintenance]] in monitor.toml plans one")


def _when(start: datetime, end: datetime, zone: tzinfo) -> str:
    """Say a span in `zone`, and in UTC, which the page shows, where that differs."""
    in_utc = f"{start:%Y-%m-%d %H:%M} to {stamp(end, UTC)}"
    here = f"{stamp(start, zone)} to {stamp(end, zone)}"
    return in_utc if here == f"{stamp(start, UTC)} to {stamp(end, UTC)}" else f"{here} ({in_utc})"


def _coming(windows: Iterable[Maintenance], now: datetime) -> Iterator[tuple[datetime, datetime, str, str]]:
    for one in windows:
        for its in one.window.spans(now - one.window.lasts, now + AHEAD):
            if its.end > now:
                yield its.start, its.end, one.name, describe_match(one.match)
