"""`cost`: print what the canaries will cost in a month, before anything is sent."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from monitor.config.cost import MONTH_D, Estimate, check_budgets, estimate_accounts
from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import CostReport
from monitor.console.table import Table, print_table
from monitor.console.terminal import UP, print_refusal
from monitor.schedule import DailyBudget


def add_arguments(parser: ArgumentParser) -> None:
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments)
    costs = estimate_accounts(config)
    rows = [_report(account, cost, config.budgets[account]) for account, cost in costs.items()]
    print_report(arguments, CostReport, rows, lambda: cost_table(costs, config.budgets))
    problems = check_budgets(config)
    return print_refusal(*map(str, problems)) if problems else UP


def _report(account: str, cost: Estimate, budget: DailyBudget) -> CostReport:
    return CostReport(
        account,
        cost.calls * MONTH_D,
        None if cost.tokens is None else cost.tokens * MONTH_D,
        None if cost.usd is None else cost.usd * MONTH_D,
        budget.daily_tokens * MONTH_D,
        budget.daily_usd * MONTH_D,
    )


TITLES = ("account", "calls a month", "tokens a month", "budget", "USD a month", "budget")


def cost_table(costs: Mapping[str, Estimate], budgets: Mapping[str, DailyBudget]) -> None:
    rows = [(account, *_cells(cost, budgets[account])) for account, cost in costs.items()]
    print_table(Table(TITLES, rows))


def _cells(cost: Estimate, budget: DailyBudget) -> tuple[str, ...]:
    return (
        f"{cost.calls * MONTH_D:,.0f}",
        "not told" if cost.tokens is None else f"{cost.tokens * MONTH_D:,.0f}",
        f"{budget.daily_tokens * MONTH_D:,}",
        "price not known" if cost.usd is None else f"{cost.usd * MONTH_D:.2f}",
        f"{budget.daily_usd * MONTH_D:.2f}",
    )
