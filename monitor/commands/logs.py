"""`logs`: print the latest probes and changes, and follow them."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.account_choice import add_choice, chosen, is_choice
from monitor.console.configuration import read_with
from monitor.console.report import print_json_line
from monitor.console.report_row import LogKind, LogReport
from monitor.console.terminal import UP, print_line
from monitor.diagnose.incident import Change, accounts_of_targets
from monitor.words import FAULTS, seconds, stamp, title
from probes.model import Observation

BEHIND = timedelta(minutes=2)
"""How late a probe may be written: it is dated by its beginning, and a client program may take long."""
EVERY_S = 1.0
SHARE = 10
"""A reading that takes long, as of thousands of accounts, is followed by so many times its duration without one."""
FAR = timedelta(days=1)
"""How far back probes are searched."""


def add_arguments(parser: ArgumentParser) -> None:
    add_choice(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="begin with the latest N (default: 20)")
    parser.add_argument("--json", action="store_true", help="print each as a line of JSON")


def run(arguments: Namespace) -> int:
    return read_with(arguments, partial(_print_all, arguments))


def _print_all(arguments: Namespace, config: Config) -> int:
    ids = chosen(config, arguments)
    whole = not is_choice(arguments)
    now = datetime.now(UTC)
    known = recorded(config, ids, now - BEHIND, whole=whole) if arguments.follow else []  # first: what comes is new
    lines = recorded(config, ids, now - FAR, max(arguments.last, 1), whole=whole)
    show = print_json_line if arguments.json else partial(_print, config.rules.zone)
    for one in lines[-arguments.last :] if arguments.last > 0 else []:
        show(one)
    if not lines and not arguments.follow and not arguments.json:
        print_line("nothing was seen within a day; `status` says whether anybody is watching")
    if arguments.follow:
        _follow(config, ids, {*known, *lines}, show, whole=whole)
    return UP


def _follow(
    config: Config, ids: Collection[str], known: set[LogReport], show: Callable[[LogReport], None], *, whole: bool
) -> None:
    """Print what is new, again and again."""
    while True:
        began = time.monotonic()
        since = datetime.now(UTC) - BEHIND
        lines = recorded(config, ids, since, whole=whole)
        for one in lines:
            if one not in known:
                show(one)
        known = {*(line for line in known if line.at >= since - BEHIND), *lines}
        time.sleep(max(EVERY_S, SHARE * (time.monotonic() - began)))


def _print(zone: tzinfo, one: LogReport) -> None:
    print_line(f"{stamp(one.at, zone, seconds=True)} {one.words}")


def recorded(
    config: Config, ids: Collection[str], since: datetime, most: int | None = None, *, whole: bool
) -> list[LogReport]:
    """Return the probes of these accounts and the changes about them since then, oldest first; `whole`: all changes.

    `most`: of the probes of each target only the latest so many.
    """
    targets = [watch.target for watch in config.watches.values() if watch.target.account in ids]
    with open_store(config.store).reading() as stored:
        probes = [one for target in targets for one in stored.history.latest_observations(target, since, most)]
        changes = stored.incidents.changes_since(since)
    told = [one for one in changes if whole or not accounts_of_targets(one.incident.targets).isdisjoint(ids)]
    return sorted({*map(_probe, probes), *map(_change, told)}, key=lambda one: (one.at, one.words))


def _probe(one: Observation) -> LogReport:
    target = one.target
    asked = " ".join(filter(None, (target.account, target.canary, target.model)))
    return LogReport(
        at=one.at,
        kind=LogKind.PROBE,
        words=f"{asked}: {', '.join(_answered(one))}",
        account=target.account,
        canary=target.canary,
        model=target.model,
        outcome=one.outcome,
        fault=one.fault,
        status=one.status,
        latency_s=one.latency_s,
    )


def _answered(one: Observation) -> Iterator[str]:
    yield FAULTS[one.fault] if one.fault else str(one.outcome)
    if one.status:
        yield f"HTTP {one.status}"
    if one.latency_s is not None:
        yield seconds(one.latency_s)
    if one.answer and one.answer.words:
        yield f'"{one.answer.words}"'


def _change(one: Change) -> LogReport:
    words = f"{one.kind}: {title(one.incident)} ({one.incident.id})"
    return LogReport(one.at, LogKind.CHANGE, words, change=one.kind, incident=one.incident.id)
