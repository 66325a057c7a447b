"""Simulated trouble of a real account, sent down the real path of alerts, so that the phone is seen to ring."""

import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from monitor.diagnose import Diagnosis, Evidence, Scope
from monitor.incident import Incident, open_incident
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


def ask(database: Path, drill: Drill) -> None:
    """Leave a wish for the process that holds the database; it looks every second."""
    folder = _folder(database)
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / f".{os.getpid()}"
    draft.write_bytes(msgspec.json.encode(drill))
    draft.rename(folder / f"{drill.incident.id}.json")


def take(database: Path) -> list[Drill]:
    """Return the wishes that were left, each once; what is not a wish is thrown away."""
    drills = []
    for file in sorted(_folder(database).glob("*.json")):
        with suppress(msgspec.DecodeError, OSError):
            content = file.read_bytes()
            file.unlink()  # first: what stays would be held again
            drills.append(msgspec.json.decode(content, type=Drill))
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
