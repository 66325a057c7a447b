"""`status`: print the state of every account, as the monitor believes it."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.account_choice import add_choice, chosen
from monitor.console.configuration import ReadableConfig, load_named, load_readable, load_with_accounts, unused
from monitor.console.selection import argument_error
from monitor.console.snapshot import is_unwatched, take_snapshot
from monitor.console.table import print_lines
from monitor.console.terminal import DOWN, UP, WRONG_USE, print_error, print_line
from monitor.console.width import width
from monitor.publish.collect import read_freshness
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import CurrentState, current_state
from monitor.sentence.diagnosis import describe_stage_failure
from monitor.sentence.translation import PageLanguage
from monitor.storage_refusal import StoreError
from probes.document import DocumentError


def add_arguments(parser: ArgumentParser) -> None:
    add_choice(parser)
    parser.add_argument("--down", action="store_true", help="only accounts that are not known to work")
    parser.add_argument("-v", "--targets", action="store_true", help="print each canary, too, and each account in full")
    parser.add_argument("--watch", action="store_true", help="print it again every few seconds, until Ctrl-C")
    both = parser.add_mutually_exclusive_group()
    both.add_argument("--json", action="store_true", help="print what the page's status.json holds")
    both.add_argument("--csv", action="store_true", help="print one line for each account")
    parser.add_argument("--cluster", action="store_true", help="print who leads on a shared store, and each place")
    parser.add_argument("--alive", action="store_true", help="only say whether the monitor is probing, for containers")


def run(arguments: Namespace) -> int:
    if arguments.alive:
        return _alive(load_readable(arguments, load_with_accounts if arguments.demo else load_named))
    if arguments.cluster:
        return _cluster(load_with_accounts(arguments))
    if arguments.watch:
        return _watch(arguments)
    read = load_readable(arguments, load_with_accounts)
    ids, snapshot = chosen(read.config, arguments), take_snapshot(read.config)
    now = current_state(snapshot)
    if arguments.json:
        _print_json(snapshot, now, ids, arguments)
    elif arguments.csv:
        _print_csv(snapshot, now, ids, arguments)
    else:
        print_lines(_picture(read.config, snapshot, now, ids, arguments))
    found = [*([snapshot.warnings[0]] if snapshot.unwritten else []), *map(describe_stage_failure, snapshot.faults)]
    for words in (*found, *unused(read)):
        print_error(words)
    if read.problems:
        return WRONG_USE
    return UP if not found and all(now.marks[id].works for id in ids & now.marks.keys()) else DOWN


def _alive(read: ReadableConfig) -> int:
    """Print when the monitor last probed; it is alive if that is recent, whatever the result was.

    Without any account this is about the demonstration. A configuration that cannot be used is said, no more: who
    restarts what is not alive would end a monitor that goes on with the one it has.
    """
    config = read.config
    with open_store(config.store if config.accounts else config.demonstration).reading() as stored:
        now = read_freshness(stored.marks, config, datetime.now(UTC))
    print_line(now.words)
    for words in unused(read):
        print_error(words)
    return UP if now.is_steady else DOWN


def _cluster(config: Config) -> int:
    """Print who leads, the machines that are connected, and how far each place has shipped; 1: something is silent."""
    from monitor.backend import shared_store
    from monitor.console.cluster_lines import cluster_lines, is_well

    view, places = shared_store(config.store).view_cluster(), [one.name for one in config.locations]
    print_lines(cluster_lines(view, places))
    return UP if is_well(view, places) else DOWN


def _print_json(snapshot: Snapshot, now: CurrentState, ids: frozenset[str], arguments: Namespace) -> None:
    from monitor.publish.private_site import status_json

    down = frozenset(id for id, mark in now.marks.items() if not mark.works)
    sys.stdout.write(status_json(snapshot, now, ids & down if arguments.down else ids).decode())


def _print_csv(snapshot: Snapshot, now: CurrentState, ids: frozenset[str], arguments: Namespace) -> None:
    from monitor.console.report import write_csv
    from monitor.console.report_row import AccountReport
    from monitor.publish.account_row import account_rows

    rows = [row for row in account_rows(snapshot, now) if row.id in ids]
    rows = [row for row in rows if not arguments.down or not row.mark.works]
    write_csv(
        AccountReport,
        [
            AccountReport(
                account=row.id,
                provider=row.provider,
                mark=row.mark,
                usable=now.judgements[row.id].usable,
                fault=row.view.fault,
                since=row.since,
                why=row.why,
                incident=row.incident.id if row.incident else None,
            )
            for row in rows
        ],
    )


def _picture(
    config: Config, snapshot: Snapshot, now: CurrentState, ids: frozenset[str], arguments: Namespace
) -> Iterable[str]:
    from monitor.console.status_screen import make_screen, screen_lines  # a container runs `--alive` every half minute

    at_length = arguments.targets or arguments.verbose or len(arguments.account) == 1
    screen = make_screen(
        snapshot,
        now,
        ids,
        down=arguments.down,
        targets=at_length,
        most=width(),
        unwatched=is_unwatched(config),
        speech=PageLanguage(zone=config.rules.zone),
    )
    return screen_lines(screen)


def _watch(arguments: Namespace) -> int:
    if arguments.json or arguments.csv:
        raise argument_error("--watch", f"cannot draw --{'json' if arguments.json else 'csv'}", "leave out one of them")
    if not sys.stdout.isatty():
        raise argument_error("--watch", "needs a terminal to draw on", "leave it out, or repeat `status`")
    from monitor.console.redraw import redraw

    redraw(lambda: _drawn(arguments))
    return UP


def _drawn(arguments: Namespace) -> Sequence[str]:
    """Return the screen of this moment, or what is wrong with it: a file that is being edited ends no watching."""
    try:
        read = load_readable(arguments, load_with_accounts)
        snapshot = take_snapshot(read.config)
        ids = chosen(read.config, arguments)
        return [*_picture(read.config, snapshot, current_state(snapshot), ids, arguments), *unused(read)]
    except (DocumentError, StoreError) as error:
        return str(error).splitlines()
