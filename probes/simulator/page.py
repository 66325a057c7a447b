"""A provider's public status page: posted incidents as Statuspage's JSON and as RSS."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from html import escape
from typing import Any

from aiohttp import web
from msgspec import Struct

from probes.simulator.answer import to_json_bytes

COMPONENTS = ("API", "Website")
COMPONENT_STATUSES = {
    "none": "operational",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
"""A component's state under an incident of each impact."""
PHASES = ("investigating", "identified", "monitoring", "resolved")


class PostedIncident(Struct, frozen=True):
    """One incident as the page shows it now."""

    id: str
    title: str
    began_at: datetime
    updated_at: datetime
    phase: str = "investigating"
    impact: str = "minor"
    components: Sequence[str] = ("API",)
    text: str = "We look into it."

    def __post_init__(self) -> None:
        for word, known in ((self.phase, PHASES), (self.impact, COMPONENT_STATUSES)):
            if word not in known:
                raise ValueError(f"{word}: no such word; there are {', '.join(known)}")


def summary_page(told: Sequence[PostedIncident], page: str, now: datetime) -> bytes:
    """Return what is open, and the state of each component."""
    alive = [one for one in told if one.phase != "resolved"]
    impacts = list(COMPONENT_STATUSES)
    names = dict.fromkeys([*COMPONENTS, *(name for one in told for name in one.components)])
    worst = {
        name: max((impacts.index(one.impact) for one in alive if name in one.components), default=0) for name in names
    }
    changed = max((one.updated_at for one in told), default=now)
    return to_json_bytes(
        {
            "page": {"id": "simulated", "name": "Simulated", "url": page, "updated_at": changed.isoformat()},
            "status": {"indicator": impacts[max(worst.values())], "description": "Simulated"},
            "components": [_component(name, impacts[at]) for name, at in worst.items()],
            "incidents": [_incident(one, page) for one in alive],
            "scheduled_maintenances": [],
        }
    )


def _component(name: str, impact: str) -> Mapping[str, Any]:
    return {"id": name.lower(), "name": name, "status": COMPONENT_STATUSES[impact], "group": False}


def _incident(one: PostedIncident, page: str) -> Mapping[str, Any]:
    at = one.updated_at.isoformat()
    return {
        "id": one.id,
        "name": one.title,
        "status": one.phase,
        "impact": one.impact,
        "shortlink": f"{page}/incidents/{one.id}",
        "created_at": one.began_at.isoformat(),
        "updated_at": at,
        "resolved_at": None,
        "incident_updates": [{"status": one.phase, "body": one.text, "created_at": at}],
        "components": [_component(name, one.impact) for name in one.components],
    }


def history_page(told: Sequence[PostedIncident], page: str) -> bytes:
    """Return everything posted, newest first, in incident.io's form."""
    items = "".join(_item(one, page) for one in sorted(told, key=lambda one: one.updated_at, reverse=True))
    head = f"<title>Simulated</title><link>{escape(page)}</link>"
    return f'<?xml version="1.0"?>\n<rss version="2.0"><channel>{head}{items}</channel></rss>\n'.encode()


def _item(one: PostedIncident, page: str) -> str:
    word = "operational" if one.phase == "resolved" else COMPONENT_STATUSES[one.impact].replace("_", " ")
    listed = "".join(f"<li>{escape(name)} ({word.capitalize()})</li>" for name in one.components)
    body = f"<b>Status: {one.phase.capitalize()}</b><br/>{escape(one.text)}<b>Affected components</b><ul>{listed}</ul>"
    address = escape(f"{page}/incidents/{one.id}")
    return (
        f"<item><title>{escape(one.title)}</title><link>{address}</link><guid>{address}</guid>"
        f"<pubDate>{format_datetime(one.updated_at)}</pubDate><description>{escape(body)}</description></item>"
    )


def send_page(request: web.Request, body: bytes, kind: str) -> web.Response:
    """Send a page, or 304 if the client already has it."""
    etag = f'"{sha256(body).hexdigest()[:16]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(body=body, headers={"ETag": etag, "Content-Type": kind})
