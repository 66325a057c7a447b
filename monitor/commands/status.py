"""`status`: print the state of every target, as the monitor believes it."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.config.config import Config
from monitor.console.configuration import load_named, load_with_accounts
from monitor.console.snapshot import take_snapshot
from monitor.console.terminal import DOWN, UP, complain, say
from monitor.publish.collect import pulse
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import Mark, Standing, standing
from monitor.sentence.found import stage_failed
from monitor.store.store import open_store


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what the page's status.json holds")
    parser.add_argument("--alive", action="store_true", help="only ask whether the monitor is looking, for containers")


def run(arguments: Namespace) -> int:
    if arguments.alive:
        return _alive(load_named(arguments))
    snapshot = take_snapshot(load_with_accounts(arguments))
    now = standing(snapshot)
    if arguments.json:
        _print_json(snapshot, now)
    else:
        _print_tables(snapshot, now)
    found = [*([snapshot.warnings[0]] if snapshot.unwritten else []), *map(stage_failed, snapshot.faults)]
    for words in found:
        complain(words)
    return UP if not found and all(mark is Mark.UP for mark in now.marks.values()) else DOWN


def _alive(config: Config) -> int:
    """Print when the monitor last probed; it is alive if that is recent, whatever the result was.

    Without any account this is about the demonstration.
    """
    with open_store(config.store if config.accounts else config.demonstration).reading() as stored:
        now = pulse(stored.marks, config, datetime.now(UTC))
    say(now.words)
    return UP if now.is_steady else DOWN


def _print_json(snapshot: Snapshot, now: Standing) -> None:
    from monitor.publish.private_site import status_json

    sys.stdout.write(status_json(snapshot, now).decode())


def _print_tables(snapshot: Snapshot, now: Standing) -> None:
    from monitor.console.status_table import (  # imported late: a container runs `status --alive` every half minute
        objective_table,
        status_table,
    )

    status_table(snapshot, now)
    if snapshot.objectives:
        objective_table(snapshot.objectives)
