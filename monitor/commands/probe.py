"""`probe`: ask now, print what came back, remember nothing."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from msgspec.structs import replace

from monitor import __version__
from monitor.commands.argument import add_account
from monitor.commands.configuration import load_with_accounts
from monitor.commands.selection import accounts_meant
from monitor.commands.short_run import run_short
from monitor.commands.tables import observation_table, show_progress
from monitor.commands.terminal import DOWN, UP, say
from monitor.config.config import Config
from monitor.schedule import Watch
from monitor.stages.probe import unseen
from monitor.stages.state import now, patience
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.control import CONTROL
from probes.model import Blame, Observation, Outcome, Target
from probes.remedy import advise, explain, is_covered, neighbour


def add_arguments(parser: ArgumentParser) -> None:
    add_account(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments, sends=True)
    accounts = accounts_meant(config, arguments.account)
    watches = [watch for watch in config.watches.values() if watch.target.account in accounts]
    with show_progress(f"asking {len(watches)} targets"):
        observations, mends = probe_now(config, watches)
    observation_table(observations, config.providers, {id: account.way for id, account in config.accounts.items()})
    for mend in mends:
        say(mend)
    return UP if all(observation.fault is None and observation.answer is None for observation in observations) else DOWN


def probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    """Ask every target once, at once, and remember nothing; return what was seen, and how to mend the configuration."""
    return run_short(_probe_now(config, watches))


async def _probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    async with open_session(__version__) as session:
        rules_of, secrets = rules_by_name(config.shelf), tuple(config.secrets)
        prober = Prober(
            session, load_wording(), now, time.monotonic, patience(config), rules_of=rules_of, secrets=secrets
        )
        met = await asyncio.gather(*(_ask(prober, config, one) for one in watches))
        seen = [_explained(config, one, met) for one in met]
        mends = await _mends(prober, config, seen)
    return seen, mends


def _explained(config: Config, one: Observation, met: Sequence[Observation]) -> Observation:
    account = config.accounts[one.target.account]
    others = [it for it in met if it.target.account == account.id and it.target.canary != one.target.canary]
    counts = [it.fault is None and it.answer is None for it in others if not config.watches[it.target.id].aside]
    return explain(config.providers[account.provider], account, one, others=any(counts) if counts else None)


async def _mends(prober: Prober, config: Config, seen: Sequence[Observation]) -> list[str]:
    """Return the lines that mend what was seen, each once; where one is another base, whether that one answers."""
    bases: dict[tuple[str, str], str | None] = {}
    for one in seen:
        account, name = config.accounts[one.target.account], one.target.canary
        its = [it for it in seen if it.target.account == account.id]
        provider = config.providers[account.provider]
        well = [it.target.canary for it in its if it.outcome is Outcome.OK]
        if one.answer and not is_covered(one, its) and (line := advise(provider, account, name, one.answer, well)):
            bases[account.id, line] = neighbour(provider, account, name, one.answer.rule)
    return [f"{id}: {line}{await _tried(prober, config, id, base)}" for (id, line), base in bases.items()]


async def _tried(prober: Prober, config: Config, id: str, base: str | None) -> str:
    """Say whether an API is at a base: one free request, with the key, to the host that has it anyway.

    A gateway may have no list of models, so that one that is not there says nothing of the rest.
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
        return unseen(watch, now(), account.problem)
    return await attempt(prober, config.providers[account.provider], account, watch.target)
