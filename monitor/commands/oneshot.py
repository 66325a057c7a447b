"""The short runs: one round, one look, one drill."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from monitor import __version__
from monitor.alert.deliver import Print, send
from monitor.alert.text import Text
from monitor.config.config import Config
from monitor.config.file_access import open_files
from monitor.detect.health import State
from monitor.diagnose.incident import Change, ChangeKind, Severity
from monitor.diagnose.stage_failure import Stage
from monitor.runtime import shutdown
from monitor.runtime.request import answering
from monitor.runtime.round import once, remembering_what_was_said
from monitor.runtime.supervisor import attempt as attempt_stage
from monitor.schedule import Watch
from monitor.stages import drill
from monitor.stages.beat import change
from monitor.stages.deliver import deliver_due
from monitor.stages.drill import Drill, ask, end_drills
from monitor.stages.liveness import tell_failure, told_round
from monitor.stages.probe import unseen
from monitor.stages.state import World, now, open_world, patience, real_edge
from monitor.storage_refusal import StoreError
from monitor.store.connection import Busy
from monitor.thread import with_threads
from probes.attempt import attempt
from probes.canary import Prober, open_session
from probes.catalog import load_wording, rules_by_name
from probes.control import CONTROL
from probes.model import Blame, Observation, Outcome, Target
from probes.remedy import advise, explain, is_covered, neighbour

log = logging.getLogger("monitor")

T = TypeVar("T")


def problems_of(config: Config) -> list[str]:
    """Return which accounts cannot be asked, and which files of keys others can read."""
    its = config.accounts.values()
    unasked = [f"{one.id} is not asked until this is mended: {one.problem}" for one in its if one.problem]
    return unasked + open_files(config.secret_files, config.secret_keys)


def name_problems(config: Config) -> None:
    for words in problems_of(config):
        log.warning("%s", words)


def single_round(config: Config, show: Print) -> list[State]:
    """Do one due round, tell and publish; return the state of every target.

    SIGTERM and Ctrl-C end it within seconds: messages under way have a while to be answered, unless it is asked twice.
    """
    return _run(_single_round(config, show))


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=lambda: with_threads(asyncio.new_event_loop())) as loop:
        return loop.run(work)


async def _single_round(config: Config, show: Print) -> list[State]:
    try:
        return await _told_round(config, show)
    except StoreError as error:
        if not isinstance(error, Busy):  # else another process does the work, and tells of it
            await tell_failure(config, str(error))
        raise


async def _told_round(config: Config, show: Print) -> list[State]:
    async with open_world(config, real_edge(show)) as world, _until_signalled(world), _round_around(world):
        world.look_where_it_lies()
        _name_problems_once(world)
        world.plan_anew(spread_s=0)
        await attempt_stage(world, Stage.DRILL, end_drills, change)
        await once(world)
        asides = {id for id, watch in config.watches.items() if watch.aside}
        return [one.state for id, one in world.healths.items() if not (id in asides and one.state is State.UNKNOWN)]


def _name_problems_once(world: World) -> None:
    """Say each problem once, not in each round, and once when it is over."""
    found = problems_of(world.config)
    for about in [one for one in world.said if one.startswith(SET_UP) and one.removeprefix(SET_UP) not in found]:
        world.mended(about)
    for words in found:
        world.warn(SET_UP + words, words)


SET_UP = "set-up: "


@asynccontextmanager
async def _round_around(world: World) -> AsyncIterator[None]:
    async with remembering_what_was_said(world), told_round(world), answering(world):
        yield


@asynccontextmanager
async def _until_signalled(world: World) -> AsyncIterator[None]:
    """Do what is within until somebody asks for the end. Raises SystemExit then, with the code that shells expect."""
    task, loop, asked = asyncio.current_task(), asyncio.get_running_loop(), list[int]()
    assert task

    def end(number: int) -> None:
        if asked:
            world.dropped.set()
            return
        asked.append(128 + number)
        shutdown.begin(*asked)
        loop.call_later(shutdown.GRACE_S, world.dropped.set)
        task.cancel()

    for number in shutdown.ASKING:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        raise SystemExit(*asked) from None


def probe_now(config: Config, watches: Sequence[Watch]) -> tuple[list[Observation], list[str]]:
    """Ask every target once, at once, and remember nothing; return what was seen, and how to mend the configuration."""
    return _run(_probe_now(config, watches))


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
    """Open and resolve a drill, in this process where no other one holds the database. Raises StoreError."""
    ask(config.database, wish, lambda: _run(_hold_drill(config, wish, show)))


async def _hold_drill(config: Config, wish: Drill, show: Print) -> None:
    async with open_world(config, real_edge(show)) as world, answering(world):
        await change(world, Change(wish.incident, ChangeKind.OPENED, now()))
        await deliver_due(world)
        await asyncio.sleep(max(0.0, (wish.at + drill.LASTS - now()) / timedelta(seconds=1)))
        await end_drills(world)
        await deliver_due(world)


def try_channels(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    """Send a test to these channels, past all rules; return for each what went wrong, None when it was taken."""
    return _run(_try_channels(config, names, show))


async def _try_channels(config: Config, names: Sequence[str], show: Print) -> dict[str, str | None]:
    title = f"[TEST] provider-monitor at {config.location} reaches you"
    body = "This is a test. Nothing is wrong, and nothing has changed.\n"
    chosen = [channel for channel in config.channels if channel.name in names]
    results = await asyncio.gather(*(send(one, Text(title, body, body), Severity.INFO, show) for one in chosen))
    return {channel.name: error for channel, error in zip(chosen, results, strict=True)}
