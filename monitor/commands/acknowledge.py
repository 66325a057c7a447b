"""`acknowledge`: say that somebody is working on an incident, which stops its reminders."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from monitor.alert.reply import Reply, ReplyKind
from monitor.config.config import Config
from monitor.console.alert_history import incident_meant, save_reply, who_answers
from monitor.console.argument import add_incident
from monitor.console.configuration import load_with_accounts
from monitor.console.terminal import UP, Print, say


def add_arguments(parser: ArgumentParser) -> None:
    add_incident(parser)


def run(arguments: Namespace) -> int:
    acknowledge(load_with_accounts(arguments), arguments, datetime.now(UTC), say)
    return UP


def acknowledge(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    incident = incident_meant(config, arguments.incident)
    save_reply(config, Reply(ReplyKind.ACKNOWLEDGE, now, who_answers(arguments), incident))
    say(f"{incident}: acknowledged; no more reminders and no escalation, but you hear of its end")
