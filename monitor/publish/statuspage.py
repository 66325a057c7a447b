"""A site's summary in the format of Statuspage's API, version 2, so that its clients can read ours; pure.

Source: the format of https://www.githubstatus.com/api, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping

from msgspec import Raw

from monitor.diagnose.incident import Severity
from monitor.publish.json_text import encode, encode_part
from monitor.publish.status import Mark
from monitor.publish.summary import RECENT, AnnouncedMaintenance, Component, IncidentEntry, SiteSummary, iso_millis
from probes.notice import NoticePhase

STATUSES = {
    Mark.UP: "operational",
    Mark.AT_RISK: "operational",
    Mark.SUSPECTED: "operational",
    Mark.UNKNOWN: "degraded_performance",
    Mark.PARTLY: "partial_outage",
    Mark.DOWN: "major_outage",
}
"""Component states. The format has none for `unknown`, which must look neither up nor down; a suspicion is no state.
"""

INDICATORS = {
    Mark.UP: "none",
    Mark.AT_RISK: "none",
    Mark.SUSPECTED: "none",
    Mark.UNKNOWN: "minor",
    Mark.PARTLY: "major",
    Mark.DOWN: "critical",
}
IMPACTS = {Severity.INFO: "none", Severity.WARNING: "minor", Severity.MAJOR: "major", Severity.CRITICAL: "critical"}
PHASES = {NoticePhase.SCHEDULED: "scheduled", NoticePhase.COMPLETED: "completed"}
ENDED = "resolved"
"""Status of a closed incident; a later update does not reopen it."""

Json = dict[str, object]


def render_statuspage(board: SiteSummary) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of each document of the API."""
    page, status = _page(board), {"indicator": INDICATORS[board.mark], "description": board.words}
    known = {part.id: part for part in board.parts}
    cases = [_incident(case, known, board) for case in board.cases[:RECENT]]
    unresolved = [_incident(case, known, board) for case in board.cases if case.closed_at is None]
    works = [_maintenance(work, board) for work in board.works]
    upcoming = [work for work in works if work["status"] == "scheduled"]
    active = [work for work in works if work["status"] == "in_progress"]
    parts: Json = {"components": _components(board)}
    documents: dict[str, Json] = {
        "summary": parts | {"incidents": unresolved, "scheduled_maintenances": works, "status": status},
        "status": {"status": status},
        "components": parts,
        "incidents": {"incidents": cases},
        "incidents/unresolved": {"incidents": unresolved},
        "scheduled-maintenances": {"scheduled_maintenances": works},
        "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
        "scheduled-maintenances/active": {"scheduled_maintenances": active},
    }
    for name, document in documents.items():
        yield f"api/v2/{name}.json", encode({"page": page} | document)


def _page(board: SiteSummary) -> Json:
    return {
        "id": "provider-monitor",
        "name": board.title,
        "url": board.address(""),
        "time_zone": "Etc/UTC",
        "updated_at": iso_millis(board.made_at),
    }


def _components(board: SiteSummary) -> list[Raw]:
    members: dict[str, list[str]] = {}
    for part in board.parts:
        if part.group:
            members.setdefault(part.group, []).append(part.id)
    return [
        encode_part(_component(part, number, members.get(part.id), board)) for number, part in enumerate(board.parts, 1)
    ]


def _component(part: Component, position: int, members: list[str] | None, board: SiteSummary) -> Json:
    """Return one component. Its creation time is unknown, but strict clients want one: the oldest known time."""
    since = iso_millis(part.since or board.made_at)
    component: Json = {
        "id": part.id,
        "name": part.name,
        "status": STATUSES[part.mark],
        "created_at": since,
        "updated_at": since,
        "position": position,
        "description": "not known" if part.mark is Mark.UNKNOWN else None,
        "showcase": False,
        "start_date": None,
        "group_id": part.group,
        "page_id": "provider-monitor",
        "group": members is not None,
        "only_show_if_degraded": False,
    }
    return component if members is None else component | {"components": members}


def _incident(case: IncidentEntry, known: Mapping[str, Component], board: SiteSummary) -> Json:
    """Return one incident. `known`: the components by id."""
    newest_first = sorted(case.updates, key=lambda update: (update[1] == ENDED, update[0]), reverse=True)
    updates = [
        {
            "id": f"{case.id}-{number}",
            "incident_id": case.id,
            "status": status,
            "body": words,
            "created_at": iso_millis(at),
            "updated_at": iso_millis(at),
            "display_at": iso_millis(at),
            "affected_components": None,
            "deliver_notifications": False,
        }
        for number, (at, status, words) in zip(range(len(newest_first), 0, -1), newest_first, strict=True)
    ]
    return {
        "id": case.id,
        "name": case.title,
        "status": newest_first[0][1],
        "created_at": iso_millis(case.opened_at),
        "updated_at": iso_millis(case.updated_at),
        "monitoring_at": None,
        "resolved_at": iso_millis(case.closed_at) if case.closed_at else None,
        "impact": IMPACTS[case.severity],
        "shortlink": board.address(case.path),
        "started_at": iso_millis(case.opened_at),
        "page_id": "provider-monitor",
        "incident_updates": updates,
        "components": [_component(part, 1, None, board) for part in map(known.get, case.parts) if part],
    }


def _maintenance(work: AnnouncedMaintenance, board: SiteSummary) -> Json:
    return {
        "id": work.id,
        "name": work.name,
        "status": PHASES.get(work.phase, "in_progress"),
        "created_at": iso_millis(work.begins_at),
        "updated_at": iso_millis(board.made_at),
        "monitoring_at": None,
        "resolved_at": None,
        "impact": "maintenance",
        "shortlink": work.url or board.address("index.html"),
        "started_at": iso_millis(work.begins_at),
        "page_id": "provider-monitor",
        "incident_updates": [],
        "components": [],
        "scheduled_for": iso_millis(work.begins_at),
        "scheduled_until": iso_millis(work.ends_at),
    }
