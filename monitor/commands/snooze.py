"""`snooze`: hold the messages about one incident for a while."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.alert.reply import Reply, ReplyKind
from monitor.config.config import Config
from monitor.console.alert_history import incident_meant, save_reply, who_answers
from monitor.console.argument import add_incident, span
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, Print, say


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("span", type=span, metavar="FOR", help="30m, 2h or 7d")
    add_incident(parser)


def run(arguments: Namespace) -> int:
    snooze(load_with_accounts(arguments), arguments, datetime.now(UTC), say)
    return UP


def snooze(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident, until = incident_meant(config, arguments.incident), now + arguments.span
    save_reply(config, Reply(ReplyKind.SNOOZE, now, who_answers(arguments), incident, until=until))
    say(f"{incident}: snoozed until {until:%Y-%m-%d %H:%M} UTC; you hear of its end")
