"""A snapshot → the files of the status page. Static, private, whole without script."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.publish.layout import Frame, frame, front, months, story
from monitor.publish.mark import mark_account, standing
from monitor.publish.snapshot import AccountView, IncidentView, PurseView, Snapshot, SourceView
from probes.model import Fault
from probes.redact import CONTROLS

TEMPLATES = Path(__file__).parents[2] / "templates" / "page"
FIXED = ("style.css", "page.js", "robots.txt")

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Content Security Policy: nothing from elsewhere, nothing inline."""

STATUS_VERSION = 1
"""Of the format of `status.json`. Fields are added without a new version, never removed or changed."""


def render(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the content of every file of the page by its relative path; equal snapshots give equal bytes."""
    files = {name: (TEMPLATES / name).read_bytes() for name in FIXED}
    around, first = frame(snapshot), front(snapshot)
    files["index.html"] = _fill("index.html", frame=around, front=first)
    files["history.html"] = _fill("history.html", frame=around, months=months(snapshot))
    files["favicon.svg"] = _fill("favicon.svg", mark=first.headline.mark)
    files["status.json"] = status_json(snapshot)
    for view in (*snapshot.past_incidents, *snapshot.open_incidents):
        files[f"incidents/{view.incident.id}.html"] = _incident(view, around, snapshot.made_at)
    return files


def status_json(snapshot: Snapshot) -> bytes:
    """Return the state in a few kilobytes for machines, in a format that stays."""
    now = standing(snapshot)
    document = {
        "version": STATUS_VERSION,
        "made_at": _iso(snapshot.made_at),
        "stale_after": _iso(snapshot.made_at + timedelta(seconds=snapshot.fresh_s)),
        "location": snapshot.location,
        "simulated": snapshot.simulated,
        "accounts": [
            _account(account, provider.id) | {"mark": mark_account(account, now)}
            for provider in snapshot.providers
            for account in provider.accounts
        ],
        "open_incidents": [_open_incident(view) for view in snapshot.open_incidents],
        "status_sources": [_source(source) for source in snapshot.sources],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _fill(template: str, **values: object) -> bytes:
    """Fill a template; what could turn the reading direction or break the encoding does not pass."""
    text = _environment().get_template(template).render(policy=POLICY, **values)
    return CONTROLS.sub("", text).encode(errors="replace")


def _incident(view: IncidentView, around: Frame, made_at: datetime) -> bytes:
    """Render one incident. The page of an ended one names no time of making: it is written once."""
    around = replace(around, up="../")
    if view.incident.closed_at:
        around = replace(around, made=None, due=None)
    return _fill("incident.html", frame=around, story=story(view, made_at))


def _account(account: AccountView, provider: str) -> dict[str, object]:
    return {
        "id": account.id,
        "provider": provider,
        "state": account.state,
        "since": _iso(account.since),
        **_fault(account.fault),
        "credit": [_purse(purse) for purse in account.purses],
    }


def _purse(purse: PurseView) -> dict[str, object]:
    return {
        "unit": purse.unit,
        "left": purse.left,
        "of": purse.most,
        "days_left": None if purse.days_left is None else round(purse.days_left, 1),
        "expires_at": _iso(purse.expires_at),
        "told_at": _iso(purse.at),
    }


def _source(source: SourceView) -> dict[str, object]:
    return {
        "id": source.id,
        "readable": source.readable,
        "read_at": _iso(source.read_at),
        "problem": source.problem,
        "notices": [
            {"title": one.title, "url": one.url, "phase": one.phase, "impact": one.impact, "planned": one.planned}
            for one in source.notices
        ],
    }


def _open_incident(view: IncidentView) -> dict[str, object]:
    incident = view.incident
    return {
        "id": incident.id,
        "title": view.title,
        "page": f"incidents/{incident.id}.html",
        "scope": incident.scope,
        "subject": incident.subject,
        "severity": incident.severity,
        "confidence": incident.confidence,
        "opened_at": _iso(incident.opened_at),
        "drill": incident.drill,
        "signal": incident.signal,
        "parent": incident.parent,
        "lead_s": None if incident.lead is None else round(incident.lead.total_seconds()),
        "fault": incident.fault,
        "blame": incident.blame,
    }


def _fault(fault: Fault | None) -> dict[str, object]:
    return {"fault": fault, "blame": fault.blame if fault else None}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
