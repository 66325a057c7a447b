"""What the canaries will cost, before anything is sent; pure."""

from math import ceil

from msgspec import Struct

from monitor.config.config import Config
from monitor.schedule import DailyBudget, Watch
from probes.answer.dialects import CODECS, question
from probes.document import Problem
from probes.model import Account, Target, Usage
from probes.provider import Provider

DAY_S = 86_400
MONTH_D = 30


class Estimate(Struct, frozen=True):
    """The most that canaries use per day if all goes well.

    `usd` is None if a price is unknown, `tokens` if an official client makes the call: it does not report them.
    """

    calls: float = 0.0
    tokens: float | None = 0.0
    usd: float | None = 0.0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.calls + other.calls, _sum(self.tokens, other.tokens), _sum(self.usd, other.usd))


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def estimate_target(watch: Watch, provider: Provider, account: Account) -> Estimate:
    """Return what one target costs per day at its regular interval: every answer as long as its cap allows."""
    calls = DAY_S / watch.interval_s
    if watch.free:
        return Estimate(calls)
    if provider.is_command:
        return Estimate(calls, None, None)
    usage, usd = max_usage(watch.target, provider, account)
    return Estimate(calls, calls * (usage.tokens_in + usage.tokens_out), None if usd is None else calls * usd)


def is_priced(watch: Watch, provider: Provider) -> bool:
    """Whether it is known what a target costs; nobody tells what a program's question takes of a subscription."""
    return watch.free or provider.cost_usd(watch.target.model, 0, 0) is not None


def max_usage(target: Target, provider: Provider, account: Account) -> tuple[Usage, float | None]:
    """Return the most that one paid call is billed for, and its price in USD; None if unknown."""
    dialect = provider.canaries[target.canary].dialect
    if dialect not in CODECS:
        return Usage(), None  # a program, which reports no tokens
    asking = question(dialect, account.answer_tokens)
    usage = Usage(asking.tokens_in, asking.most_out)
    return usage, provider.cost_usd(target.model, usage.tokens_in, usage.tokens_out)


def estimate_accounts(config: Config) -> dict[str, Estimate]:
    """Return what the canaries of each account cost per day."""
    totals: dict[str, Estimate] = {}
    for watch in config.watches.values():
        target = watch.target
        cost = estimate_target(watch, config.providers[target.provider], config.accounts[target.account])
        totals[target.account] = totals.get(target.account, Estimate()) + cost
    return totals


def check_budgets(config: Config) -> list[Problem]:
    """Return a problem for each account whose canaries would exceed its budget, with the line to change."""
    return [
        Problem(config.file_name, f"accounts.{config.accounts[id].name}", what, _repair(config, id, factor))
        for id, cost in estimate_accounts(config).items()
        if (found := _excess(cost, config.budgets[id]))
        for what, factor in (found,)
    ]


def _excess(cost: Estimate, budget: DailyBudget) -> tuple[str, float] | None:
    """Return in words what exceeds the budget, and by what factor."""
    if cost.tokens is not None and cost.tokens > budget.daily_tokens:
        what = f"would use {cost.tokens:,.0f} tokens a day, above daily_tokens = {budget.daily_tokens}"
        return what, cost.tokens / max(budget.daily_tokens, 1)
    if cost.usd is not None and cost.usd > budget.daily_usd:
        what = f"would cost {cost.usd:.2f} USD a day, above daily_usd = {budget.daily_usd:g}"
        return what, cost.usd / max(budget.daily_usd, 1e-6)
    return None


def _repair(config: Config, account: str, factor: float) -> str:
    paid = {
        w.target.canary: w.interval_s for w in config.watches.values() if w.target.account == account and not w.free
    }
    slower = {canary: ceil(interval_s * factor / 60) * 60 for canary, interval_s in paid.items()}
    if max(slower.values()) > DAY_S:
        return f"raise that budget, or leave out {', '.join(slower)}"
    pairs = ", ".join(f"{canary} = {interval_s}" for canary, interval_s in slower.items())
    return f"write interval_s = {{ {pairs} }}, or raise that budget"
