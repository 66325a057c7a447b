"""`silence`: hold matching messages for a while, list silences, or end one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from monitor.alert.reply import Reply, ReplyKind, active_replies
from monitor.alert.rule import Match
from monitor.config.config import Config
from monitor.console.alert_history import describe_match, load_messages, replying_user, save_reply
from monitor.console.argument import parse_duration, parse_fault
from monitor.console.configuration import load_with_accounts, read_with
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import SilenceReport
from monitor.console.terminal import UP, Print, print_line
from monitor.words import stamp


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "span", type=parse_duration, nargs="?", metavar="FOR", help="30m, 2h or 7d; left out: list them"
    )
    parser.add_argument("--reason", metavar="WORDS", help="why")
    for what, kind in (("account", str), ("provider", str), ("tag", str), ("fault", parse_fault)):
        words = f"only what is of this {what}; several: any of them"
        parser.add_argument(f"--{what}", action="append", default=[], type=kind, metavar=what.upper(), help=words)
    parser.add_argument("--end", metavar="ID", help="end this silence")
    add_formats(parser)
    parser.add_argument("--by", metavar="NAME", help="who asks for it (default: your login)")


def run(arguments: Namespace) -> int:
    if not (arguments.end or arguments.span):
        return read_with(arguments, partial(_run, arguments))
    return _run(arguments, load_with_accounts(arguments))


def _run(arguments: Namespace, config: Config) -> int:
    silence(config, arguments, datetime.now(UTC), print_line)
    return UP


def silence(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    """Begin a silence, end one, or list the active ones."""
    if arguments.end:
        _end(config, arguments, now, say)
    elif arguments.span:
        _begin(config, arguments, now, say)
    else:
        rows = [_report(one) for one in _active(config, now)]
        print_report(arguments, SilenceReport, rows, lambda: _list(config, now, say))


def _begin(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    match = Match(
        accounts=tuple(arguments.account),
        providers=tuple(arguments.provider),
        tags=tuple(arguments.tag),
        faults=tuple(arguments.fault),
    )
    until, reason = now + arguments.span, arguments.reason or ""
    asked = Reply(ReplyKind.SILENCE, now, replying_user(arguments), match=match, until=until, reason=reason)
    one = save_reply(config, asked)
    say(f"{one.id}: silent until {stamp(until, config.rules.zone)}: {describe_match(match)}")


def _end(config: Config, arguments: Namespace, now: datetime, say: Print) -> None:
    asked = Reply(ReplyKind.LIFT, now, replying_user(arguments), arguments.end)
    save_reply(config, asked, load_messages(config, now).replies)
    say(f"{arguments.end}: ended")


def _report(one: Reply) -> SilenceReport:
    return SilenceReport(one.id, one.until, describe_match(one.match or Match()), one.by, one.reason)


def _list(config: Config, now: datetime, say: Print) -> None:
    for line in _listed(config, now):
        say(line)


def _listed(config: Config, now: datetime) -> Iterator[str]:
    found = _active(config, now)
    for one in found:
        match = one.match or Match()
        until = f"until {stamp(one.until, config.rules.zone)}" if one.until else "without an end"
        yield f"{one.id}: {until}, {describe_match(match)}, by {one.by}: {one.reason}"
    if not found:
        yield 'no silence is active; `silence 2h --reason "WORDS"` begins one'


def _active(config: Config, now: datetime) -> list[Reply]:
    return [one for one in active_replies(load_messages(config, now).replies, now) if one.kind is ReplyKind.SILENCE]
