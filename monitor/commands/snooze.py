"""`snooze`: hold the messages about one incident for a while."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.alert.reply import Reply, ReplyKind
from monitor.config.config import Config
from monitor.console.alert_history import find_incident, replying_user, save_reply
from monitor.console.argument import add_incident, parse_duration
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, Print, print_line
from monitor.words import stamp


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("span", type=parse_duration, metavar="FOR", help="30m, 2h or 7d")
    add_incident(parser)


def run(arguments: Namespace) -> int:
    snooze(load_with_accounts(arguments), arguments, datetime.now(UTC), print_line)
    return UP


def snooze(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident, until = find_incident(config, arguments.incident), now + arguments.span
    save_reply(config, Reply(ReplyKind.SNOOZE, now, replying_user(arguments), incident, until=until))
    say(f"{incident}: snoozed until {stamp(until, config.rules.zone)}; you hear of its end")
