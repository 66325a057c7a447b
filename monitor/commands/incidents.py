"""`incidents`: print open and past incidents."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from monitor import words
from monitor.console.configuration import load_with_accounts
from monitor.console.snapshot import take_snapshot
from monitor.console.table import Table, TableCell, moment, print_table
from monitor.console.terminal import DOWN, UP, Colour
from monitor.publish.snapshot import IncidentView


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--last", type=int, default=20, metavar="N", help="print at most N (default: 20)")


def run(arguments: Namespace) -> int:
    snapshot = take_snapshot(load_with_accounts(arguments))
    print_table(incident_table([*snapshot.open_incidents, *snapshot.past_incidents][: arguments.last]))
    return DOWN if snapshot.open_incidents else UP


def incident_table(views: Sequence[IncidentView]) -> Table:
    return Table(("id", "what", "blame", "began", "ended", "told"), [_cells(view) for view in views])


def _cells(view: IncidentView) -> tuple[TableCell | str, ...]:
    incident = view.incident
    return (
        incident.id,
        ("DRILL " if incident.drill else "") + words.title(incident),
        words.BLAMES[incident.blame],
        moment(incident.opened_at),
        moment(incident.closed_at) if incident.closed_at else TableCell("open", Colour.RED),
        ", ".join(sorted({f"{one.channel}: {one.state}" for one in view.told})),
    )
