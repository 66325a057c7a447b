"""`acknowledge`: say that somebody is working on an incident, which stops its reminders."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.alert.reply import Reply, ReplyKind
from monitor.config.config import Config
from monitor.console.alert_history import find_incident, find_repeated, replying_user, save_reply
from monitor.console.argument import add_incident
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, Print, print_line
from monitor.words import stamp


def add_arguments(parser: ArgumentParser) -> None:
    add_incident(parser)


def run(arguments: Namespace) -> int:
    acknowledge(load_with_accounts(arguments), arguments, datetime.now(UTC), print_line)
    return UP


def acknowledge(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident = find_incident(config, arguments.incident)
    reply = Reply(ReplyKind.ACKNOWLEDGE, now, replying_user(arguments), incident)
    if first := find_repeated(config, reply):
        say(f"{incident}: acknowledged already, by {first.by} at {stamp(first.at, config.rules.zone)}; that stands")
        return
    save_reply(config, reply)
    say(f"{incident}: acknowledged; no more reminders and no escalation, but you hear of its end")
