"""`tune`: replay the recorded past and print what other settings would have told."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from contextlib import closing
from datetime import UTC, datetime, timedelta

from monitor.commands.argument import add_account
from monitor.commands.configuration import load_with_accounts
from monitor.commands.selection import accounts_meant
from monitor.commands.tables import outage_table, show_progress, tune_table
from monitor.commands.terminal import UP, say
from monitor.replay.observations import look_back
from monitor.replay.tuning import LEAST, LookCount, settings
from monitor.store.connection import open_reader
from monitor.words import count, duration

HOW_TO_READ = (
    "From {held}, replayed through diagnosis, routes, quiet hours, silences and digests as they are set up now. One",
    "incident has one cause, whatever it takes along; a delay counts from its first failure to the first message.",
    "Which of these did you want to hear of? Choose the first row that tells them, and write it below [probe] in",
    "monitor.toml. Looks stay as they were taken: what asks for more failures would have asked sooner again. What is",
    "no look (credit, limits, objectives, status pages) counts in each row as it was told then.",
)


def add_arguments(parser: ArgumentParser) -> None:
    add_account(parser)
    parser.add_argument("--days", type=_days, metavar="N", help="replay the last N days (default: all that is kept)")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise ArgumentTypeError(f'"{text}" is no number of days; give 1 to 3650')
    return int(text)


def run(arguments: Namespace) -> int:
    config, now = load_with_accounts(arguments), datetime.now(UTC)
    begin = now - timedelta(days=arguments.days or config.store.raw_days)
    tally = LookCount(frozenset(accounts_meant(config, arguments.account)), begin)
    doing = f"replaying {count(len(config.watches), 'target')}"
    with closing(open_reader(config.database)) as db, show_progress(doing) as report:
        told = look_back(db, config, settings(config.thresholds), tally, now, report)
    held = _held(tally)
    if tally.span < LEAST:
        say(f"too little history to say anything: {held}; come back when there is a day of it")
        return UP
    tune_table(told, config.thresholds, tally.span)
    outage_table(told, config.thresholds)
    for line in HOW_TO_READ:
        say(line.format(held=held))
    return UP


def _held(tally: LookCount) -> str:
    over = duration(tally.span.total_seconds())
    return f"{tally.looks:,} looks at {count(len(tally.targets), 'target')} over {over}"
