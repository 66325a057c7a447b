"""Simulated trouble of a real account, sent down the real path of alerts, so that the phone is seen to ring."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from monitor.control.message import Request, RequestKind
from monitor.diagnose.diagnosis import Diagnosis, Evidence, Scope
from monitor.diagnose.incident import Change, ChangeKind, Incident, open_incident
from monitor.stages.beat import change
from monitor.stages.state import World
from monitor.store.submission import submit
from probes.model import Confidence, Fault

LASTS = timedelta(seconds=10)
"""So long after its opening a drill is resolved."""


class Drill(Struct, frozen=True):
    """A wish for a drill. `at` makes the incident's id, so that who asked can follow it."""

    account: str
    fault: Fault
    at: datetime

    @property
    def incident(self) -> Incident:
        return open_incident(_diagnosis(self), drill=True)


def ask(database: Path, drill: Drill, alone: Callable[[], None]) -> None:
    """Have a drill begun by the process that holds the database, or hold it `alone`. Raises StoreError."""
    submit(database, Request(RequestKind.DRILL, Raw(msgspec.json.encode(drill))), alone)


def is_over(incident: Incident, now: datetime) -> bool:
    return incident.drill and incident.closed_at is None and now - incident.opened_at >= LASTS


def _diagnosis(drill: Drill) -> Diagnosis:
    words = "This is a drill. No provider said this, and nothing is wrong with the account."
    return Diagnosis(
        scope=Scope.ACCOUNT,
        subject=drill.account,
        fault=drill.fault,
        confidence=Confidence.HIGH,
        since=drill.at,
        reasons=("somebody asked for a drill with `provider-monitor drill`",),
        targets=(),
        evidence=(Evidence(drill.account, drill.at, drill.fault, "drill", words),),
    )


async def drills(world: World) -> None:
    """End the drills that somebody asked for after a while."""
    while True:
        await end_drills(world)
        await asyncio.sleep(1)


async def begin_drill(world: World, wish: Drill) -> bool:
    """Begin a drill; return whether it is new. Who was cut off before he was answered asks for the same again."""
    incident = wish.incident
    if incident.id in world.cases:
        return False
    await change(world, Change(incident, ChangeKind.OPENED, world.edge.clock()))
    return True


async def end_drills(world: World) -> None:
    now = world.edge.clock()
    for one in [one for one in world.incidents.values() if is_over(one, now)]:
        await change(world, Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))
