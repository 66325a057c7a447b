"""A node of several that share a store: it probes at its place, and judges, or stands by to judge."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from monitor.alert.deliver import Print
from monitor.backend import open_election, open_link
from monitor.config.config import Config
from monitor.config.role import Role, judging_part, located_at, probing_part
from monitor.liveness import systemd
from monitor.liveness.systemd import Manager, find_manager
from monitor.runtime import shutdown
from monitor.runtime.daemon import first_of, runner, serve_site, take_signals
from monitor.runtime.loop import Stages, keep_all, other_stages, watching_stages
from monitor.runtime.request import serve_requests
from monitor.runtime.sight import Sight
from monitor.schedule import WantedProbes
from monitor.stage import Stage
from monitor.stages.apply_config import apply_config
from monitor.stages.heed import heed_places
from monitor.stages.receive import receive_observations, relay_wanted
from monitor.stages.ship import ship_observations
from monitor.state.monitor_state import MonitorState, open_state
from monitor.state.services import Edge, real_edge
from monitor.storage_refusal import RefusalKind, StoreError
from monitor.store.led_file import LedFile
from monitor.store.store import Store
from monitor.store.writer import Writer

if TYPE_CHECKING:
    from monitor.store.postgres.election import Election

log = logging.getLogger("monitor")

LOOK_S = 0.1
"""Seconds between two looks whether this node still leads."""
REST_S = 1.0
"""Seconds until it is tried again to lead, after the shared store failed."""

AT_A_PLACE = (Stage.PROBE, Stage.EVALUATE, Stage.CONTROL_PROBE, Stage.RETENTION, Stage.RELOAD)
"""The stages of a node that probes; SHIP comes besides."""
NOT_JUDGING = (Stage.PROBE, Stage.CONTROL_PROBE)
"""The stages that a judge has not; RECEIVE, HEED and RELAY come besides."""


class Node(Struct):
    """What its parts have in common. `name`: of the node among all; `location`: where it is, whatever its file says.

    `config`: of all of it, as the file says now.
    """

    name: str
    location: str
    config: Config
    edge: Edge
    show: Print
    manager: Manager
    reloads: list[asyncio.Event]

    def reload(self) -> None:
        for one in self.reloads:
            one.set()


def run_node(config: Config, show: Print, role: Role, name: str) -> None:
    """Run until SIGTERM or SIGINT. Raises StoreError if what it keeps here, or shares, cannot be used."""
    node = Node(name, config.location, config, real_edge(show), show, find_manager(os.environ, os.getpid()), [])
    with runner() as loop:
        loop.run(_run(node, role))


async def _run(node: Node, role: Role) -> None:
    asked = asyncio.Semaphore(0)
    parts = asyncio.create_task(_run_parts(node, role))
    take_signals(node.manager, node.reload, asked)
    node.manager.tell(systemd.READY)
    await first_of(parts, asked.acquire())
    if parts.done():
        await parts
    node.manager.tell(systemd.STOPPING)
    shutdown.limit_shutdown(0)
    parts.cancel()
    await first_of(asyncio.gather(parts, return_exceptions=True), asked.acquire())
    log.info("ended")


async def _run_parts(node: Node, role: Role) -> None:
    try:
        async with asyncio.TaskGroup() as parts:
            if role is not Role.JUDGE:
                parts.create_task(_probe(node))
            if role is not Role.PROBE:
                parts.create_task(_judge(node))
    except* StoreError as errors:
        raise errors.exceptions[0] from None


async def _probe(node: Node) -> None:
    """Probe at this place, and ship what is seen."""
    part, link = probing_part(node.config), open_link(node.config.store, node.edge.clock)
    async with open_state(part, node.edge) as state, _reloading(node) as reload:
        services = state.services
        services.ships = True
        await services.storage.write(Writer.name_origin)
        stages = {**watching_stages(state), **_other_stages(node, state, reload, probing_part)}
        ship = partial(ship_observations, services, state.belief, state.planned, state.signals, link)
        node.show(f"probing from {part.location}: {len(part.watches)} targets")
        await keep_all(state, {**{stage: stages[stage] for stage in AT_A_PLACE}, Stage.SHIP: ship})


async def _judge(node: Node) -> None:
    """Lead whenever nobody else does, until that ends: again and again."""
    sight = Sight(node.name, lambda: node.config, LedFile(judging_part(node.config).store), node.edge)
    watch = asyncio.create_task(sight.watch())
    try:
        await _stand_by(node, sight)
    finally:
        watch.cancel()


async def _stand_by(node: Node, sight: Sight) -> None:
    election = await _elected(node)
    sight.sees = election.is_reached
    try:
        while True:
            try:
                async with election.leading() as store:
                    await _lead(node, store, sight)
            except StoreError as error:
                log.warning("this node leads no more: %s", error)
                await asyncio.sleep(LOOK_S)
    finally:
        await election.close()


async def _elected(node: Node) -> "Election":
    """Take part in the election; while the server cannot be reached, try again. Raises StoreError for what stays so."""
    while True:
        try:
            return await open_election(judging_part(node.config).store, node.name)
        except StoreError as error:
            if error.refusal is None or error.refusal.kind is not RefusalKind.FAILING:
                raise
            log.warning("the shared store cannot be used: %s", error)
            await asyncio.sleep(REST_S)


async def _lead(node: Node, store: Store, sight: Sight) -> None:
    part = judging_part(node.config)
    async with (
        open_state(part, node.edge, store=store) as state,
        serve_requests(state),
        serve_site(state) as address,
        _reloading(node) as reload,
    ):
        if address:
            with suppress(OSError):
                node.show(f"status page: {address}")
        node.show(f"leading: {len(part.watches)} targets of {len(part.accounts)} accounts")
        with sight.leading(lambda: state.belief.incidents.values()):
            await _until_lost(state, keep_all(state, _judging_stages(node, state, reload)))


def _judging_stages(node: Node, state: MonitorState, reload: asyncio.Event) -> Stages:
    services, belief, signals = state.services, state.belief, state.signals
    state.planned.probes = wanted = WantedProbes()
    stages = {**watching_stages(state), **_other_stages(node, state, reload, judging_part)}
    open_way = partial(open_link, belief.config.store, services.edge.clock)
    return {
        **{stage: work for stage, work in stages.items() if stage not in NOT_JUDGING},
        Stage.RECEIVE: partial(receive_observations, services, belief, signals, open_way()),
        Stage.HEED: partial(heed_places, services, belief, state.planned, signals, open_way()),
        Stage.RELAY: partial(relay_wanted, services, wanted, open_way()),
    }


def _other_stages(
    node: Node, state: MonitorState, reload: asyncio.Event, part_of: Callable[[Config], Config]
) -> Stages:
    def take_up(config: Config) -> None:
        node.config = located_at(config, node.location)
        apply_config(state, part_of(node.config))

    return other_stages(state, reload, take_up)


async def _until_lost(state: MonitorState, work: Coroutine[Any, Any, None]) -> None:
    """Run the stages until this node no longer leads. Raises StoreError then."""
    stages = asyncio.create_task(work)
    try:
        while state.services.storage.failover.is_holder():
            await asyncio.wait({stages}, timeout=LOOK_S)
            if stages.done():
                await stages
                return
    finally:
        stages.cancel()
        await asyncio.gather(stages, return_exceptions=True)
    raise StoreError(f"{state.services.storage.store.name} was not heard of in time")


@asynccontextmanager
async def _reloading(node: Node) -> AsyncIterator[asyncio.Event]:
    """Yield what is set when the configuration is to be read again."""
    event = asyncio.Event()
    node.reloads.append(event)
    try:
        yield event
    finally:
        node.reloads.remove(event)
