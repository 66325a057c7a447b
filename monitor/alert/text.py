"""A change → the words of its message, from the templates in templates/alerts/."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor import words
from monitor.diagnose import Scope
from monitor.incident import Change, ChangeKind, Incident

FOLDER = Path(__file__).parents[2] / "templates" / "alerts"

HEADS = {ChangeKind.OPENED: "DOWN", ChangeKind.CHANGED: "CHANGED", ChangeKind.RESOLVED: "RESOLVED"}
AT_RISK = "AT RISK"


@dataclass(frozen=True, slots=True)
class Usable:
    """Another account of the same provider that works, and when that was last seen."""

    account: str
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a message says besides the incident. `url` is None when the page has no public address."""

    location: str
    simulated: bool
    advice: str
    usable: Sequence[Usable] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str


def compose(change: Change, around: Circumstances, now: datetime) -> Text:
    incident = change.incident
    marks = [mark for mark, there in (("DRILL", incident.drill), ("SIMULATED", around.simulated)) if there]
    opened = incident.signal and change.kind is ChangeKind.OPENED
    head = " ".join(f"[{mark}]" for mark in (*marks, AT_RISK if opened else HEADS[change.kind]))
    template = _environment().get_template(f"{change.kind}.txt.j2")
    body = template.render(
        incident=incident,
        around=around,
        marks=marks,
        what=words.title(incident),
        whose=_whose(incident),
        since=words.moment(incident.opened_at).words,
        ended=words.moment(incident.closed_at).words if incident.closed_at else "",
        lasted=words.duration(((incident.closed_at or now) - incident.opened_at).total_seconds()),
        usable=[f"{one.account} (seen working {_age(one.seen_at, now)} ago)" for one in around.usable],
        sure=words.CERTAINTIES[incident.confidence],
    )
    return Text(f"{head} {words.title(incident)}", body.strip() + "\n")


def _whose(incident: Incident) -> str:
    return words.OFFLINE if incident.scope is Scope.MONITOR else words.BLAMES[incident.blame]


def _age(at: datetime, now: datetime) -> str:
    return words.duration((now - at).total_seconds())


@cache
def _environment() -> Environment:
    # Plain text: nothing to escape. What is not plain text (HTML mail) gets an environment of its own.
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
