"""The short runs: one round, one look, one drill."""

import asyncio
import logging
import signal
import time
from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from monitor import __version__, drill
from monitor.alert.deliver import Print, send
from monitor.alert.text import Text
from monitor.config import Config
from monitor.courier import deliver_due
from monitor.detect.health import State
from monitor.drill import Drill
from monitor.incident import Change, ChangeKind, Severity
from monitor.lifeline import tell_failure, told_round
from monitor.round import once
from monitor.run import begin_drills, change, end_drills, unseen
from monitor.schedule import Watch
from monitor.store.connection import Busy
from monitor.store.refusal import StoreError
from monitor.world import now, open_world, patience, real_edge
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.control import CONTROL
from probes.model import Blame, Observation, Outcome, Target
from probes.remedy import advise, explain, is_covered, neighbour

log = logging.getLogger("monitor")


def name_problems(config: Config) -> None:
    """Say in the log which accounts cannot be asked, and why."""
    for account in config.accounts.values():
        if account.problem:
            log.warning("%s is not asked until this is mended: %s", account.id, account.problem)


def single_round(config: Config, show: Print) -> list[State]:
    """Do one due round, tell and publish; return the state of every target.

    A SIGTERM ends it as Ctrl-C does: messages under way are carried to their end, unless it comes a second time.
    """
    try:
        return asyncio.run(_single_round(config, show))
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None


async def _single_round(config: Config, show: Print) -> list[State]:
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await _told_round(config, show)
    except StoreError as error:
        if not isinstance(error, Busy):  # else another process does the work, and tells of it
            await tell_failure(config, str(error))
        raise


async def _told_round(config: Config, show: Print) -> list[State]:
    async with open_world(config, real_edge(show)) as world, told_round(world):
        name_problems(config)
        world.plan_anew(spread_s=0)
        await end_drills(world)
        await begin_drills(world)
        await once(world)
        asides = {id for id, watch in config.watches.items() if watch.aside}
        return [one.state for id, one in world.healths.items() if not (id in asides and one.state is State.UNKNOWN)]


def probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    """Ask every target once, at once, and remember nothing; return what was seen, and how to mend the configuration."""
    return asyncio.run(_probe_now(config, watches))


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


def hold_drill(config: Config, wish: Drill, show: Print) -> None:
    """Open and resolve a drill in this process. Raises Busy when another one holds the database."""
    asyncio.run(_hold_drill(config, wish, show))


async def _hold_drill(config: Config, wish: Drill, show: Print) -> None:
    async with open_world(config, real_edge(show)) as world:
        await change(world, Change(wish.incident, ChangeKind.OPENED, now()))
        await deliver_due(world)
        await asyncio.sleep(max(0.0, (wish.at + drill.LASTS - now()) / timedelta(seconds=1)))
        await end_drills(world)
        await deliver_due(world)


def try_channels(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    """Send a test to these channels, past all rules; return for each what went wrong, None when it was taken."""
    return asyncio.run(_try_channels(config, names, show))


async def _try_channels(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    title = f"[TEST] provider-monitor at {config.location} reaches you"
    body = "This is a test. Nothing is wrong, and nothing has changed.\n"
    chosen = [channel for channel in config.channels if channel.name in names]
    results = await asyncio.gather(*(send(one, Text(title, body, body), Severity.INFO, show) for one in chosen))
    return {channel.name: error for channel, error in zip(chosen, results, strict=True)}
