"""`logs`: print the latest looks and changes, and follow them."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from monitor.config.config import Config
from monitor.console.account_choice import add_choice, chosen, is_choice
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, print_line
from monitor.diagnose.incident import Change, accounts_of_targets
from monitor.store.store import open_store
from monitor.words import FAULTS, seconds, title
from probes.model import Observation

BEHIND = timedelta(minutes=2)
"""How late a look may be written: it is dated by its beginning, and a client program may take long."""
EVERY_S = 1.0
SHARE = 10
"""A reading that takes long, as of thousands of accounts, is followed by so many times its duration without one."""
FAR = timedelta(days=1)
"""How far back looks are searched."""


class LogLine(Struct, frozen=True, order=True):
    """What was seen or changed at an instant; equal lines are one."""

    at: datetime
    words: str


def add_arguments(parser: ArgumentParser) -> None:
    add_choice(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what comes, until Ctrl-C")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="begin with the latest N (default: 20)")


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    ids = chosen(config, arguments)
    whole = not is_choice(arguments)
    now = datetime.now(UTC)
    known = recorded(config, ids, now - BEHIND, whole=whole) if arguments.follow else []  # first: what comes is new
    lines = recorded(config, ids, now - FAR, max(arguments.last, 1), whole=whole)
    _print(lines[-arguments.last :] if arguments.last > 0 else [])
    if not lines and not arguments.follow:
        print_line("nothing was seen within a day; `status` says whether anybody is watching")
    if arguments.follow:
        _follow(config, ids, {*known, *lines}, whole=whole)
    return UP


def _follow(config: Config, ids: Collection[str], known: set[LogLine], *, whole: bool) -> None:
    """Print what is new, again and again."""
    while True:
        began = time.monotonic()
        since = datetime.now(UTC) - BEHIND
        lines = recorded(config, ids, since, whole=whole)
        _print(line for line in lines if line not in known)
        known = {*(line for line in known if line.at >= since - BEHIND), *lines}
        time.sleep(max(EVERY_S, SHARE * (time.monotonic() - began)))


def _print(lines: Iterable[LogLine]) -> None:
    for line in lines:
        print_line(f"{line.at:%Y-%m-%d %H:%M:%S} UTC {line.words}")


def recorded(
    config: Config, ids: Collection[str], since: datetime, most: int | None = None, *, whole: bool
) -> list[LogLine]:
    """Return the looks at these accounts and the changes about them since then, oldest first; `whole`: all changes.

    `most`: of the looks at each target only the latest so many.
    """
    targets = [watch.target for watch in config.watches.values() if watch.target.account in ids]
    with open_store(config.store).reading() as stored:
        looks = [one for target in targets for one in stored.history.latest_observations(target, since, most)]
        changes = stored.incidents.changes_since(since)
    told = [one for one in changes if whole or not accounts_of_targets(one.incident.targets).isdisjoint(ids)]
    return sorted([*map(_look, looks), *map(_change, told)])


def _look(one: Observation) -> LogLine:
    asked = " ".join(filter(None, (one.target.account, one.target.canary, one.target.model)))
    return LogLine(one.at, f"{asked}: {', '.join(_answered(one))}")


def _answered(one: Observation) -> Iterator[str]:
    yield FAULTS[one.fault] if one.fault else str(one.outcome)
    if one.status:
        yield f"HTTP {one.status}"
    if one.latency_s is not None:
        yield seconds(one.latency_s)
    if one.answer and one.answer.words:
        yield f'"{one.answer.words}"'


def _change(one: Change) -> LogLine:
    return LogLine(one.at, f"{one.kind}: {title(one.incident)} ({one.incident.id})")
