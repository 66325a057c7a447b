"""The short runs: one round, one look, one drill."""

import asyncio
import signal
import time
from collections.abc import Sequence
from datetime import timedelta

from monitor import __version__, drill
from monitor.alert.deliver import Print, send
from monitor.alert.text import Text
from monitor.config import Config
from monitor.courier import deliver_due
from monitor.detect.health import State
from monitor.drill import Drill
from monitor.incident import Change, ChangeKind, Severity
from monitor.lifeline import tell_failure, told_round
from monitor.run import begin_drills, change, end_drills, once, unseen
from monitor.schedule import Watch
from monitor.store.connection import Busy, StoreError
from monitor.world import now, open_world, patience, real_edge
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.model import Observation


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
        world.plan_anew(spread_s=0)
        await end_drills(world)
        await begin_drills(world)
        await once(world)
        asides = {id for id, watch in config.watches.items() if watch.aside}
        return [one.state for id, one in world.healths.items() if not (id in asides and one.state is State.UNKNOWN)]


def probe_now(config: Config, watches: Sequence[Watch]) -> list[Observation]:
    """Ask every target once, at once, and remember nothing."""
    return asyncio.run(_probe_now(config, watches))


async def _probe_now(config: Config, watches: Sequence[Watch]) -> list[Observation]:
    async with open_session(__version__) as session:
        prober = Prober(session, load_wording(), now, time.monotonic, patience(config), rules_by_name(config.shelf))
        return await asyncio.gather(*(_ask(prober, config, one) for one in watches))


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
