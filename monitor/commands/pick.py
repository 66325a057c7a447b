"""`pick`: print which account of a provider to use now."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import PickReport
from monitor.console.selection import unknown
from monitor.console.snapshot import take_snapshot
from monitor.console.terminal import DOWN, UP, complain, refuse, say
from monitor.publish.status import standing
from monitor.publish.usable import Usable, pick, usables


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER", help="whose account is wanted, such as openai")
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    known = sorted({account.provider for account in config.accounts.values()})
    if arguments.provider not in known:
        return refuse(unknown("provider among the accounts", arguments.provider, known))
    snapshot = take_snapshot(config)
    every = usables(snapshot, standing(snapshot))
    best = pick(every, arguments.provider)
    caution = best.caution.words if best and best.caution else None
    report = PickReport(arguments.provider, best.account if best else None, caution)
    print_report(arguments, PickReport, [report], lambda: say(best.account) if best else None)
    if best is None:
        _complain_of_none(every, arguments.provider)
        return DOWN
    if best.caution:
        complain(f"caution: {best.caution.words}")
    return UP


def _complain_of_none(every: Iterable[Usable], provider: str) -> None:
    complain(f"no account of {provider} is known to work now")
    for one in every:
        if one.provider == provider and one.usable and one.caution:
            complain(f"{one.account} is not offered: {one.caution.words}")
