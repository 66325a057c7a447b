"""Drills: a simulated incident of a real account, sent down the real alert path to prove that the phone rings."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from monitor.alert.reply import WrongArgument, misdated
from monitor.config.config import Config
from monitor.control.message import Request, RequestKind
from monitor.diagnose.diagnosis import Diagnosis, Evidence
from monitor.diagnose.incident import Change, ChangeKind, Incident, open_incident
from monitor.diagnose.reason import DrillOnly, DrillWanted
from monitor.diagnose.subject import Scope, subject_of
from monitor.state.belief import BeliefView
from monitor.state.services import Services
from monitor.state.stage_signal import SaveChange
from monitor.store.store import Store
from probes.document import suggest
from probes.model import Confidence, Fault


class Drill(Struct, frozen=True):
    """A request for a drill. `at` and `location` make the incident's id, so that the caller can follow it."""

    account: str
    fault: Fault
    at: datetime
    location: str = ""

    @property
    def incident(self) -> Incident:
        return open_incident(_diagnosis(self), location=self.location, drill=True)


def objection(drill: Drill, config: Config, now: datetime) -> WrongArgument | None:
    """Return why a drill cannot be meant; None if it can. Command and monitor ask the same question here."""
    if drill.account not in config.accounts:
        return WrongArgument(f'"{drill.account}"', "is no account", suggest(drill.account, config.accounts))
    if drill.location not in ("", config.location):
        what = f'is not where this monitor watches, which is "{config.location}"'
        repair = "restart the monitor if monitor.toml names another now"
        return WrongArgument(f'location "{drill.location}"', what, repair)
    return misdated(drill.at, now)


def request_drill(store: Store, drill: Drill, alone: Callable[[], None]) -> None:
    """Ask the process that holds the database to start a drill; without one, run it `alone`. Raises StoreError."""
    store.submit(Request(RequestKind.DRILL, Raw(msgspec.json.encode(drill))), alone)


def is_over(incident: Incident, now: datetime, lasts: timedelta) -> bool:
    return incident.drill and incident.closed_at is None and now - incident.opened_at >= lasts


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


async def resolve_drills(services: Services, belief: BeliefView, tell: SaveChange) -> None:
    """Resolve each drill once it has lasted long enough."""
    while True:
        await end_drills(services, belief, tell)
        await asyncio.sleep(services.pauses.step_s)


async def begin_drill(services: Services, known: Collection[str], tell: SaveChange, wish: Drill) -> bool:
    """Start a drill unless its incident's id is `known`; return whether it is new.

    A caller cut off before the answer repeats the same request.
    """
    if wish.incident.id in known:
        return False
    await tell(Change(wish.incident, ChangeKind.OPENED, services.edge.clock()))
    return True


async def end_drills(services: Services, belief: BeliefView, tell: SaveChange) -> None:
    now = services.edge.clock()
    for one in [one for one in belief.incidents.values() if is_over(one, now, services.pauses.drill)]:
        await tell(Change(replace(one, closed_at=now), ChangeKind.RESOLVED, now))
