"""`drill`: send a simulated incident of a real account down the real alert path."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.alert.case import Delivery, OutboxState, Step, with_changes
from monitor.alert.reply import Reply
from monitor.alert.routing import RoutingInput, decide, why_not_real
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.alert_history import load_messages
from monitor.console.argument import parse_fault
from monitor.console.command_log import print_problems, start_command_log
from monitor.console.configuration import load_with_accounts
from monitor.console.preflight import check_before_start
from monitor.console.report import add_formats, is_for_program, print_report
from monitor.console.report_row import DrillReport
from monitor.console.selection import check, select_accounts
from monitor.console.short_run import run_short
from monitor.console.terminal import DOWN, UP, Print, print_error, print_line
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.runtime.request import serve_requests
from monitor.stages.beat import save_change
from monitor.stages.deliver import deliver_due
from monitor.stages.drill import Drill, begin_drill, end_drills, objection, request_drill
from monitor.stages.former_location import end_former_locations
from monitor.state.monitor_state import open_state
from monitor.state.services import now, real_edge
from monitor.storage_refusal import StoreError
from probes.model import Fault

LIMIT_S = 60


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="provider/name, or the name where it is unique")
    parser.add_argument(
        "--fault",
        default=Fault.ACCOUNT_SUSPENDED,
        type=parse_fault,
        metavar="FAULT",
        help=", ".join(Fault),
    )
    add_formats(parser)


def run(arguments: Namespace) -> int:
    config = load_with_accounts(arguments, sends=True)
    start_command_log(arguments, config)
    print_problems(config)
    check_before_start(config)
    (account,) = select_accounts(config, arguments.account)
    wish = Drill(account, arguments.fault, datetime.now(UTC), config.location)
    told = recipients(config, wish.incident, wish.at)
    if not told:
        print_error(f"no channel is told of {arguments.fault} at {account}; see [[routes]] and the channels' severity")
        return DOWN
    say = print_error if is_for_program(arguments) else print_line
    say(f"drill for {account}: one message that it is down, one that it is over, to each of: {', '.join(told)}")
    held = holds_of_real(config, wish.incident, told, wish.at)
    for line in warnings(account, held):
        say(line)
    run_drill(config, wish, say)
    return _report(arguments, _deliveries(config, wish, {*told}), held)


def recipients(config: Config, incident: Incident, now: datetime) -> list[str]:
    """Return the channels that would be notified of such an incident now."""
    cases = with_changes({}, [Change(incident, ChangeKind.OPENED, now)])
    return [message.channel for message in decide(RoutingInput(cases, config.channels, config.rules, (), now))]


def holds_of_real(config: Config, incident: Incident, told: Sequence[str], now: datetime) -> dict[str, str]:
    """Return what holds a real incident like this drill now, by channel; the drill itself goes out all the same."""
    scene = RoutingInput({}, config.channels, config.rules, _replies(config, now), now)
    found = {one.name: why_not_real(incident, one, scene) for one in config.channels if one.name in told}
    return {name: why for name, why in found.items() if why}


def _replies(config: Config, now: datetime) -> Sequence[Reply]:
    try:
        return load_messages(config, now).replies
    except StoreError:  # there is no database yet, or the drill itself says what is wrong with it
        return ()


def warnings(account: str, held: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each channel that would not be told of a real failure now."""
    for channel, why in held.items():
        yield f"{channel}: gets this drill, but no real message of this about {account} now: {why}"


def run_drill(config: Config, wish: Drill, show: Print) -> None:
    """Open and resolve a drill, in this process if no other holds the database. Raises DocumentError and StoreError."""
    check(objection(wish, config, now()))
    request_drill(open_store(config.store), wish, lambda: run_short(_hold_drill(config, wish, show)))


async def _hold_drill(config: Config, wish: Drill, show: Print) -> None:
    async with open_state(config, real_edge(show)) as state, serve_requests(state):
        services, belief, told, signals = state.services, state.belief, state.told, state.signals
        await end_former_locations(services, told, partial(save_change, state))
        await begin_drill(services, told.cases.keys(), partial(save_change, state), wish)
        await deliver_due(services, belief, told, signals)
        await asyncio.sleep(max(0.0, (wish.at + services.pauses.drill - now()) / timedelta(seconds=1)))
        await end_drills(services, belief, partial(save_change, state))
        await deliver_due(services, belief, told, signals)


def _report(arguments: Namespace, deliveries: Sequence[Delivery], held: Mapping[str, str]) -> int:
    """Print how each message of a drill went."""
    rows = [DrillReport(one.channel, one.step, one.state, one.error, held.get(one.channel)) for one in deliveries]
    print_report(arguments, DrillReport, rows, lambda: _tell(rows))
    if not rows:
        print_error("nobody took the drill up within a minute; the next `once` or `run` on this database will")
    return UP if rows and all(one.state is OutboxState.SENT for one in rows) else DOWN


def _tell(rows: Sequence[DrillReport]) -> None:
    for one in rows:
        print_line(f"{one.channel}: {one.step}: {one.state}" + (f" ({one.error})" if one.error else ""))


def _deliveries(config: Config, wish: Drill, channels: set[str]) -> Sequence[Delivery]:
    """Return the messages of a drill once each is delivered or has failed, or a minute is over."""
    store = open_store(config.store)
    for _ in range(LIMIT_S):
        with store.reading() as stored:
            deliveries = stored.messages.of(wish.incident.id)
        through = [one.channel for one in deliveries if one.state is OutboxState.SENT and one.step is Step.RESOLVED]
        if {*through, *(one.channel for one in deliveries if one.error)} >= channels:
            break
        time.sleep(1)
    return deliveries
