"""Simulated trouble of a real account, sent down the real path of alerts, so that the phone is seen to ring."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, Incident, open_incident
from monitor.diagnose.reason import DrillOnly, DrillWanted
from monitor.diagnose.subject import Scope, subject_of
from monitor.stages.belief import BeliefView
from monitor.stages.services import Services
from monitor.store import mailbox
from probes.border import admit
from probes.model import Confidence, Fault


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


def is_over(incident: Incident, now: datetime, lasts: timedelta) -> bool:
    return incident.drill and incident.closed_at is None and now - incident.opened_at >= lasts


def _folder(database: Path) -> Path:
    return database.with_name(database.name + ".wishes")


def _diagnosis(drill: Drill) -> Diagnosis:
    return Diagnosis(
        about=subject_of(Scope.ACCOUNT, drill.account),
        fault=drill.fault,
        confidence=Confidence.HIGH,
        since=drill.at,
        reasons=(DrillWanted(),),
        targets=(),
        evidence=(Evidence(drill.account, drill.at, drill.fault, "drill", DrillOnly()),),
    )


Tell = Callable[[Change], Awaitable[None]]
"""Remembers a change that no look led to, and lets it be told."""


async def drills(services: Services, belief: BeliefView, tell: Tell) -> None:
    """Begin the drills that somebody asked for, and end them after a while."""
    while True:
        await begin_drills(services, belief, tell)
        await end_drills(services, belief, tell)
        await asyncio.sleep(services.pauses.step_s)


async def begin_drills(services: Services, belief: BeliefView, tell: Tell) -> None:
    for wish in await asyncio.to_thread(take, belief.config.database):
        await tell(Change(wish.incident, ChangeKind.OPENED, services.edge.clock()))


async def end_drills(services: Services, belief: BeliefView, tell: Tell) -> None:
    now = services.edge.clock()
    for one in [one for one in belief.incidents.values() if is_over(one, now, services.pauses.drill)]:
        await tell(Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))
