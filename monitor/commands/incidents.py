"""`incidents`: print open and past incidents."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from monitor import words
from monitor.console.configuration import load_with_accounts
from monitor.console.snapshot import take_snapshot
from monitor.console.table import make_table, moment, plain, print_table
from monitor.console.terminal import DOWN, UP
from monitor.publish.snapshot import IncidentView


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--last", type=int, default=20, metavar="N", help="print at most N (default: 20)")


def run(arguments: Namespace) -> int:
    snapshot = take_snapshot(load_with_accounts(arguments))
    incident_table([*snapshot.open_incidents, *snapshot.past_incidents][: arguments.last])
    return DOWN if snapshot.open_incidents else UP


def incident_table(views: Sequence[IncidentView]) -> None:
    table = make_table("id", "what", "blame", "began", "ended", "told")
    for view in views:
        incident = view.incident
        told = sorted({f"{one.channel}: {one.state}" for one in view.told})
        table.add_row(
            incident.id,
            plain(("DRILL " if incident.drill else "") + words.title(incident)),
            words.BLAMES[incident.blame],
            moment(incident.opened_at),
            moment(incident.closed_at) if incident.closed_at else "[red]open[/]",
            plain(", ".join(told)),
        )
    print_table(table)
