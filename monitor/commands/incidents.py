"""`incidents`: print open and past incidents."""

from argparse import ArgumentParser, Namespace

from monitor.commands.configuration import load_with_accounts
from monitor.commands.snapshot import take_snapshot
from monitor.commands.tables import incident_table
from monitor.commands.terminal import DOWN, UP


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--last", type=int, default=20, metavar="N", help="print at most N (default: 20)")


def run(arguments: Namespace) -> int:
    snapshot = take_snapshot(load_with_accounts(arguments))
    incident_table([*snapshot.open_incidents, *snapshot.past_incidents][: arguments.last])
    return DOWN if snapshot.open_incidents else UP
