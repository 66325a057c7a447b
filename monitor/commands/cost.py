"""`cost`: print what the canaries use in a month, before anything is sent."""

from argparse import ArgumentParser, Namespace

from monitor.commands.configuration import load_with_accounts
from monitor.commands.tables import cost_table
from monitor.commands.terminal import UP, refuse
from monitor.config.cost import by_account, overspending


def add_arguments(_: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    cost_table(by_account(config), config.budgets)
    problems = overspending(config)
    return refuse(*map(str, problems)) if problems else UP
