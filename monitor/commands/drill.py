"""`drill`: send a simulated incident of a real account down the real alert path."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.alert.case import Delivery, OutboxState, Step, with_changes
from monitor.alert.routing import Situation, decide
from monitor.config.config import Config
from monitor.console.argument import fault
from monitor.console.command_log import name_problems, start_log
from monitor.console.configuration import load_with_accounts
from monitor.console.preflight import check_before_start
from monitor.console.selection import accounts_meant, check
from monitor.console.short_run import run_short
from monitor.console.terminal import DOWN, UP, Print, complain, say
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.runtime.request import answering
from monitor.stages.beat import change
from monitor.stages.deliver import deliver_due
from monitor.stages.drill import Drill, ask, begin_drill, end_drills, objection
from monitor.stages.former_location import end_former_locations
from monitor.state.monitor_state import open_state
from monitor.state.services import now, real_edge
from monitor.store.store import open_store
from probes.model import Fault

LIMIT_S = 60


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="provider/name, or the name where it is unique")
    parser.add_argument(
        "--fault",
        default=Fault.ACCOUNT_SUSPENDED,
        type=fault,
        metavar="FAULT",
        help=", ".join(Fault),
    )


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments, sends=True)
    start_log(arguments, config)
    name_problems(config)
    check_before_start(config)
    (account,) = accounts_meant(config, arguments.account)
    wish = Drill(account, arguments.fault, datetime.now(UTC), config.location)
    told = recipients(config, wish.incident, wish.at)
    if not told:
        complain(f"no channel is told of {arguments.fault} at {account}; see [[routes]] and the channels' severity")
        return DOWN
    say(f"drill for {account}: one message that it is down, one that it is over, to each of: {', '.join(told)}")
    hold_drill(config, wish, say)
    return _report(config, wish, told)


def recipients(config: Config, incident: Incident, now: datetime) -> list[str]:
    """Return the channels that would be notified of such an incident now."""
    cases = with_changes({}, [Change(incident, ChangeKind.OPENED, now)])
    return [message.channel for message in decide(Situation(cases, config.channels, config.rules, (), now))]


def hold_drill(config: Config, wish: Drill, show: Print) -> None:
    """Open and resolve a drill, in this process if no other holds the database. Raises DocumentError and StoreError."""
    check(objection(wish, config, now()))
    ask(open_store(config.store), wish, lambda: run_short(_hold_drill(config, wish, show)))


async def _hold_drill(config: Config, wish: Drill, show: Print) -> None:
    async with open_state(config, real_edge(show)) as state, answering(state):
        services, belief, told, signals = state.services, state.belief, state.told, state.signals
        await end_former_locations(services, told, partial(change, state))
        await begin_drill(services, told.cases.keys(), partial(change, state), wish)
        await deliver_due(services, belief, told, signals)
        await asyncio.sleep(max(0.0, (wish.at + services.pauses.drill - now()) / timedelta(seconds=1)))
        await end_drills(services, belief, partial(change, state))
        await deliver_due(services, belief, told, signals)


def _report(config: Config, wish: Drill, channels: Iterable[str]) -> int:
    """Wait until every message of a drill is delivered or has failed, and print the results."""
    deliveries = _deliveries(config, wish, {*channels})
    for one in deliveries:
        say(f"{one.channel}: {one.step}: {one.state}" + (f" ({one.error})" if one.error else ""))
    if not deliveries:
        complain("nobody took the drill up within a minute; the next `once` or `run` on this database will")
    return UP if deliveries and all(one.state is OutboxState.SENT for one in deliveries) else DOWN


def _deliveries(config: Config, wish: Drill, channels: set[str]) -> Sequence[Delivery]:
    store = open_store(config.store)
    for _ in range(LIMIT_S):
        with store.reading() as stored:
            deliveries = stored.messages.of(wish.incident.id)
        through = [one.channel for one in deliveries if one.state is OutboxState.SENT and one.step is Step.RESOLVED]
        if {*through, *(one.channel for one in deliveries if one.error)} >= channels:
            break
        time.sleep(1)
    return deliveries
