"""`once`: run one round of what is due and exit, for cron."""

import asyncio
import logging
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from monitor.backend import open_store
from monitor.config.config import Config
from monitor.config.cost import check_budgets
from monitor.console.command_log import start_command_log, startup_problems
from monitor.console.configuration import load_with_accounts
from monitor.console.short_run import run_short
from monitor.console.terminal import DOWN, UP, Print, print_line
from monitor.detect.health import State
from monitor.runtime import shutdown
from monitor.runtime.loop import make_supervisor
from monitor.runtime.request import serve_requests
from monitor.runtime.round import run_round, skip_logged_warnings
from monitor.stage import Stage
from monitor.stages.beat import save_change
from monitor.stages.drill import end_drills
from monitor.stages.former_location import end_former_locations
from monitor.stages.liveness import ping_failure, ping_round
from monitor.state.monitor_state import MonitorState, open_state
from monitor.state.self_health import SelfHealth
from monitor.state.services import real_edge
from monitor.state.stage_signal import StageSignals
from monitor.storage_refusal import StoreError
from monitor.store.lock import Busy
from probes.document import DocumentError, Problem

log = logging.getLogger("monitor")


def add_arguments(_: ArgumentParser) -> None:
    """It takes none."""


def run(arguments: Namespace) -> int:
    shutdown.stop_on_sigterm(128 + signal.SIGTERM)
    config = load_with_accounts(arguments, sends=True)
    if config.store.url:
        what = "is shared by several nodes, which `run` keeps in step"
        raise DocumentError([Problem(config.file_name, "store.url", what, "say `run` here, or leave it out")])
    start_command_log(arguments, config)
    if problems := check_budgets(config):
        raise DocumentError(problems)
    try:
        states = single_round(config, print_line)
    except Busy as error:  # cron mails every line
        _leave_out(config, error)
        return UP
    return _verdict(states)


def _leave_out(config: Config, why: Exception) -> None:
    open_store(config.store).note_overlap(datetime.now(UTC))
    log.debug("this round is left out: %s", why)


def _verdict(states: Iterable[State]) -> int:
    return UP if all(state is State.UP for state in states) else DOWN


def single_round(config: Config, show: Print) -> list[State]:
    """Run one round of what is due, with messages and pages; return the state of every target.

    SIGTERM and Ctrl-C end it within seconds: messages under way get a grace period, which a second signal ends.
    """
    return run_short(_single_round(config, show))


async def _single_round(config: Config, show: Print) -> list[State]:
    try:
        return await _told_round(config, show)
    except StoreError as error:
        if not isinstance(error, Busy):  # a busy process does the work and pings itself
            await ping_failure(config, str(error))
        raise


async def _told_round(config: Config, show: Print) -> list[State]:
    async with (
        open_state(config, real_edge(show)) as state,
        _until_signalled(state.signals),
        _round_around(state),
    ):
        services, belief = state.services, state.belief
        services.storage.look_where_it_lies()
        await end_former_locations(state.services, state.told, partial(save_change, state))
        _name_problems_once(services.own, config)
        state.planned.plan_probes(config.watches, services.edge.clock(), spread_s=0)
        await make_supervisor(state).attempt(
            Stage.DRILL, partial(end_drills, services, belief, partial(save_change, state))
        )
        await run_round(state)
        asides = {id for id, watch in config.watches.items() if watch.aside}
        return [one.state for id, one in belief.healths.items() if not (id in asides and one.state is State.UNKNOWN)]


def _name_problems_once(own: SelfHealth, config: Config) -> None:
    """Log each problem once, not in each round, and once when it is over."""
    found = startup_problems(config)
    for about in [one for one in own.logged if one.startswith(SET_UP) and one.removeprefix(SET_UP) not in found]:
        own.mended(about)
    for words in found:
        own.warn(SET_UP + words, words, logging.WARNING)


SET_UP = "set-up: "


@asynccontextmanager
async def _round_around(state: MonitorState) -> AsyncIterator[None]:
    async with (
        skip_logged_warnings(state.services),
        ping_round(state.services, state.belief, state.signals),
        serve_requests(state),
    ):
        yield


@asynccontextmanager
async def _until_signalled(signals: StageSignals) -> AsyncIterator[None]:
    """Run the context until a signal asks for the end, then raise SystemExit with the code that shells expect."""
    task, loop, asked = asyncio.current_task(), asyncio.get_running_loop(), list[int]()
    assert task

    def end(number: int) -> None:
        if asked:
            signals.dropped.set()
            return
        asked.append(128 + number)
        shutdown.limit_shutdown(*asked)
        loop.call_later(shutdown.GRACE_S, signals.dropped.set)
        task.cancel()

    for number in shutdown.STOP_SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        raise SystemExit(*asked) from None
