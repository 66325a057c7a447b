"""Simulated trouble of a real account, sent down the real path of alerts, so that the phone is seen to ring."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.diagnosis import Diagnosis, Evidence, Scope
from monitor.diagnose.incident import Change, ChangeKind, Incident, open_incident
from monitor.stages.beat import change
from monitor.stages.state import World
from monitor.store import mailbox
from probes.border import admit
from probes.model import Confidence, Fault

LASTS = timedelta(seconds=10)
"""So long after its opening a drill is resolved."""


class Drill(Struct, frozen=True):
    """A wish for a drill. `at` and `location` make the incident's id, so that who asked can follow it."""

    account: str
    fault: Fault
    at: datetime
    location: str = ""

    @property
    def incident(self) -> Incident:
        return open_incident(_diagnosis(self), location=self.location, drill=True)


def ask(database: Path, drill: Drill) -> None:
    """Leave a wish for the process that holds the database; it looks every second. Raises Unheard, OSError."""
    mailbox.leave(database, _folder(database), f"{drill.incident.id}.json", msgspec.json.encode(drill))


def take(database: Path) -> list[Drill]:
    """Return the wishes that were left, each once; what is not a wish is thrown away."""
    drills = []
    for file, content in mailbox.waiting(_folder(database)):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, OSError):
            file.unlink()  # first: what stays would be held again
            drills.append(admit(msgspec.json.decode(content, type=Drill)))
    return drills


def is_over(incident: Incident, now: datetime) -> bool:
    return incident.drill and incident.closed_at is None and now - incident.opened_at >= LASTS


def _folder(database: Path) -> Path:
    return database.with_name(database.name + ".wishes")


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
    """Begin the drills that somebody asked for, and end them after a while."""
    while True:
        await begin_drills(world)
        await end_drills(world)
        await asyncio.sleep(1)


async def begin_drills(world: World) -> None:
    for wish in await asyncio.to_thread(take, world.config.database):
        await change(world, Change(wish.incident, ChangeKind.OPENED, world.edge.clock()))


async def end_drills(world: World) -> None:
    now = world.edge.clock()
    for one in [one for one in world.incidents.values() if is_over(one, now)]:
        await change(world, Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))
