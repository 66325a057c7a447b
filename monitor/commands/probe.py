"""`probe`: probe now, print the answers, save nothing."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from monitor import __version__
from monitor.config.config import Config
from monitor.console.argument import add_account
from monitor.console.configuration import load_with_accounts
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import ProbeReport
from monitor.console.selection import select_accounts
from monitor.console.short_run import run_short
from monitor.console.table import (
    Table,
    TableCell,
    canary_label,
    fill,
    format_rate,
    format_seconds,
    lay_out,
    print_lines,
    show_progress,
    without_empty,
)
from monitor.console.terminal import DOWN, UP, Colour, paint, print_line
from monitor.console.width import width
from monitor.detect.latency import token_s
from monitor.schedule import Watch
from monitor.stages.probe import unprobed
from monitor.state.monitor_state import probe_limits
from monitor.state.services import now
from probes import remedy
from probes.advice import AdviceContext, choose_advice
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.control import CONTROL
from probes.model import Blame, Fault, Observation, Outcome, Target
from probes.phrase import in_english
from probes.provider import Provider
from probes.proxy import DIRECT_EGRESS, Egress
from probes.remedy import explain_observation, is_covered, is_fixed, similar_base


def add_arguments(parser: ArgumentParser) -> None:
    add_account(parser)
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments, sends=True, probes=True)
    accounts = select_accounts(config, arguments.account)
    watches = [watch for watch in config.watches.values() if watch.target.account in accounts]
    with show_progress(f"asking {len(watches)} targets"):
        observations, mends = probe_now(config, watches)
    ways = {id: account.way for id, account in config.accounts.items()}

    def tell() -> None:
        observation_table(observations, config.providers, ways)
        for mend in mends:
            print_line(mend)

    print_report(arguments, ProbeReport, [_report(one) for one in observations], tell)
    return UP if all(observation.fault is None and observation.answer is None for observation in observations) else DOWN


def _report(one: Observation) -> ProbeReport:
    per_token_s = token_s(one)
    return ProbeReport(
        account=one.target.account,
        canary=one.target.canary,
        model=one.target.model,
        outcome=one.outcome,
        fault=one.fault,
        status=one.status,
        first_token_s=one.ttft_s,
        total_s=one.latency_s,
        tokens_per_s=1 / per_token_s if per_token_s else None,
        words=one.answer.words if one.answer else None,
        rule=one.answer.rule if one.answer else None,
    )


def probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    """Probe every target once, now, and save nothing; return the observations, and fixes for the configuration."""
    return run_short(_probe_now(config, watches))


async def _probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    async with open_session(__version__) as session:
        rules_of, secrets = rules_by_name(config.shelf), tuple(config.secrets)
        prober = Prober(
            session, load_wording(), now, time.monotonic, probe_limits(config), rules_of=rules_of, secrets=secrets
        )
        met = await asyncio.gather(*(_ask(prober, config, one) for one in watches))
        seen = [_explained(config, one, met) for one in met]
        mends = await _mends(prober, config, seen)
    return seen, mends


def _explained(config: Config, one: Observation, met: Sequence[Observation]) -> Observation:
    account = config.accounts[one.target.account]
    others = [it for it in met if it.target.account == account.id and it.target.canary != one.target.canary]
    counts = [it.fault is None and it.answer is None for it in others if not config.watches[it.target.id].aside]
    return explain_observation(config.providers[account.provider], account, one, others=any(counts) if counts else None)


async def _mends(prober: Prober, config: Config, seen: Sequence[Observation]) -> list[str]:
    """Return the configuration lines that fix the failures, each once; for another base, also whether it answers."""
    bases: dict[tuple[str, str], str | None] = {}
    for one in seen:
        account, name = config.accounts[one.target.account], one.target.canary
        its = [it for it in seen if it.target.account == account.id]
        provider = config.providers[account.provider]
        well = [it.target.canary for it in its if it.outcome is Outcome.OK]
        if one.answer is None or is_covered(one, its):
            continue
        if fix := remedy.advise_setup(provider, account, name, one.answer, well):
            bases[account.id, in_english(fix)] = similar_base(provider, account, name, one.answer.rule)
    return [f"{id}: {line}{await _tried(prober, config, id, base)}" for (id, line), base in bases.items()]


async def _tried(prober: Prober, config: Config, id: str, base: str | None) -> str:
    """Say whether an API is at a base: one free request, with the key, to the host that gets it anyway.

    A gateway may have no list of models, so a missing one says nothing about the rest.
    """
    account = config.accounts[id]
    provider = config.providers[account.provider]
    if base is None or CONTROL not in provider.canaries:
        return ""
    seen = await attempt(prober, provider, replace(account, base=base), Target(id, provider.id, CONTROL))
    if seen.fault and seen.fault.blame is Blame.US:
        return ""
    return TRIED[seen.fault is None or seen.fault.blame is Blame.ACCOUNT]


TRIED = {
    True: " It was tried, and answers.",
    False: " It was tried, and does not answer well either: look at its manual.",
}


async def _ask(prober: Prober, config: Config, watch: Watch) -> Observation:
    account = config.accounts[watch.target.account]
    if account.problem:
        return unprobed(watch, now(), account.problem)
    return await attempt(prober, config.providers[account.provider], account, watch.target)


OUTCOMES = {
    Outcome.OK: Colour.GREEN,
    Outcome.DEGRADED: Colour.YELLOW,
    Outcome.FAILED: Colour.RED,
    Outcome.UNKNOWN: Colour.DIM,
}
ALL_DIRECT: Mapping[str, Egress] = {}


def observation_table(
    observations: Sequence[Observation], providers: Mapping[str, Provider], ways: Mapping[str, Egress] = ALL_DIRECT
) -> None:
    """Print the answers and what to do. `ways`: the way out by account; direct for accounts not in it."""
    print_lines(observation_lines(observations, width()))
    for account, step in _next_steps(observations, providers, ways):
        print_lines(fill(f"{account}: {step}", width(), indent=2))


TITLES = ("canary", "outcome", "HTTP", "first token", "tokens/s", "total")


def observation_lines(observations: Sequence[Observation], most: int | None) -> Iterator[str]:
    """Yield a table for each account, for a person; for a pipe one of all, with a line for each answer."""
    if most is None:
        rows = [(one.target.account, *_cells(one), _said(one)) for one in observations]
        yield from lay_out(Table(("account", *TITLES, "what it says"), rows), None)
        return
    by_account: dict[str, list[Observation]] = {}
    for one in observations:
        by_account.setdefault(one.target.account, []).append(one)
    for account, its in by_account.items():
        yield paint(account, Colour.BOLD)
        yield from lay_out(_account_table(its), most)
        yield ""


def _account_table(observations: Sequence[Observation]) -> Table:
    """Return the answers of one account; what several say is said below the first."""
    first = {said: number for number, said in reversed([*enumerate(map(_said, observations))])}
    notes = {number: said for said, number in first.items() if said}
    return without_empty(Table(TITLES, [_cells(one) for one in observations], notes))


def _said(one: Observation) -> str:
    return f"{one.answer.words} ({one.answer.rule})" if one.answer else ""


def _cells(one: Observation) -> tuple[TableCell | str, ...]:
    return (
        canary_label(one.target.canary, one.target.model),
        TableCell(one.fault or one.outcome, OUTCOMES[one.outcome]),
        str(one.status or "-"),
        TableCell(format_seconds(one.ttft_s), whole=True),
        format_rate(token_s(one)),
        TableCell(format_seconds(one.latency_s), whole=True),
    )


def _next_steps(
    observations: Sequence[Observation], providers: Mapping[str, Provider], ways: Mapping[str, Egress]
) -> Iterator[tuple[str, str]]:
    """Yield what to do about each fault of each account, once; without those that a line of monitor.toml fixes."""
    said: dict[tuple[str, Fault], list[Observation]] = {}
    served = {_road(one.target, ways) for one in observations if one.outcome is Outcome.OK}
    for one in observations:
        its = [it for it in observations if it.target.account == one.target.account]
        if one.fault and one.answer and not is_fixed(providers[one.target.provider], one, its):
            said.setdefault((one.target.account, one.fault), []).append(one)
    for (account, fault), its in said.items():
        target, words_ = its[0].target, [one.answer.words for one in its if one.answer]
        provider = providers[target.provider]
        own_base = target.host is not None or provider.base is None
        phase = next((one.answer.phase for one in its if one.answer), None)
        around = AdviceContext(_road(target, ways) in served, own_base, phase=phase)
        yield account, in_english(choose_advice(fault, provider, words_, around))


def _road(target: Target, ways: Mapping[str, Egress]) -> tuple[str, Egress]:
    return target.answerer, ways.get(target.account, DIRECT_EGRESS)
