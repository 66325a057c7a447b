"""`pick`: print which account of a provider to use now."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import PickReport
from monitor.console.selection import unknown_argument
from monitor.console.snapshot import take_snapshot
from monitor.console.terminal import DOWN, UP, print_error, print_line, print_refusal
from monitor.publish.status import current_state
from monitor.publish.usable import Usable, assess_usability, pick


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER", help="whose account is wanted, such as openai")
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    known = sorted({account.provider for account in config.accounts.values()})
    if arguments.provider not in known:
        return print_refusal(unknown_argument("provider among the accounts", arguments.provider, known))
    snapshot = take_snapshot(config)
    every = assess_usability(snapshot, current_state(snapshot))
    best = pick(every, arguments.provider)
    caution = str(best.caution.words) if best and best.caution else None
    report = PickReport(arguments.provider, best.account if best else None, caution)
    print_report(arguments, PickReport, [report], lambda: print_line(best.account) if best else None)
    if best is None:
        _complain_of_none(every, arguments.provider)
        return DOWN
    if best.caution:
        print_error(f"caution: {best.caution.words}")
    return UP


def _complain_of_none(every: Iterable[Usable], provider: str) -> None:
    print_error(f"no account of {provider} is known to work now")
    for one in every:
        if one.provider == provider and one.usable and one.caution:
            print_error(f"{one.account} is not offered: {one.caution.words}")
