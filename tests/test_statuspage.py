"""Our pages in Statuspage's form: read as strictly as its documentation allows, and by a reader that others wrote."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from monitor.diagnose.incident import Announcement
from monitor.diagnose.subject import Scope
from monitor.publish import private_site, public_site
from monitor.publish.write import write_site
from probes.model import Fault
from probes.notice import NoticePhase
from tests.builders_page import HOSTILE, NOW, account, four_accounts, incident, past, shown, sick, snapshot
from tests.test_page import crowded, hostile
from tests.test_page_in_browser import served
from tests.test_page_programs import SOURCE, WORK, full

# Fields, words and what may be null: https://www.githubstatus.com/api, and the types that its clients declare.
State = Literal["operational", "degraded_performance", "partial_outage", "major_outage"]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Page(Strict):
    id: str
    name: str
    url: str
    time_zone: str
    updated_at: datetime


class Status(Strict):
    indicator: Literal["none", "minor", "major", "critical"]
    description: str


class Component(Strict):
    id: str
    name: str
    status: State
    created_at: datetime
    updated_at: datetime
    position: int
    description: str | None
    showcase: bool
    start_date: str | None
    group_id: str | None
    page_id: str
    group: bool
    only_show_if_degraded: bool
    components: list[str] | msgspec.UnsetType = msgspec.UNSET


class Update(Strict):
    id: str
    incident_id: str
    status: Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
    body: str
    created_at: datetime
    updated_at: datetime
    display_at: datetime
    affected_components: list[object] | None
    deliver_notifications: bool


class Incident(Strict):
    id: str
    name: str
    status: Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    impact: Literal["none", "minor", "major", "critical"]
    shortlink: str
    started_at: datetime
    page_id: str
    incident_updates: list[Update]
    components: list[Component]


class Maintenance(Strict):
    id: str
    name: str
    status: Literal["scheduled", "in_progress", "verifying", "completed"]
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    impact: Literal["none", "maintenance", "minor", "major", "critical"]
    shortlink: str
    started_at: datetime
    page_id: str
    incident_updates: list[Update]
    components: list[Component]
    scheduled_for: datetime
    scheduled_until: datetime


PARTS = {
    "status": Status,
    "components": list[Component],
    "incidents": list[Incident],
    "scheduled_maintenances": list[Maintenance],
}
DOCUMENTS = {
    "summary": ("status", "components", "incidents", "scheduled_maintenances"),
    "status": ("status",),
    "components": ("components",),
    "incidents": ("incidents",),
    "incidents/unresolved": ("incidents",),
    "scheduled-maintenances": ("scheduled_maintenances",),
    "scheduled-maintenances/upcoming": ("scheduled_maintenances",),
    "scheduled-maintenances/active": ("scheduled_maintenances",),
}


def works(*phases):
    return replace(SOURCE, notices=tuple(replace(WORK, id=phase, phase=phase, url=None) for phase in phases))


PLANNED = works(NoticePhase.SCHEDULED, NoticePhase.IN_PROGRESS)
SHOTS = {
    "full": full(),
    "crowded": replace(crowded(), sources=(PLANNED,)),
    "hostile": hostile(HOSTILE),
    "empty": snapshot(),
}


@pytest.mark.parametrize("render", [private_site.render, public_site.render])
@pytest.mark.parametrize("shot", SHOTS)
def test_each_document_is_what_the_form_allows_and_nothing_else(render, shot):
    files = render(SHOTS[shot])
    assert {name for name in files if name.startswith("api/")} == {f"api/v2/{name}.json" for name in DOCUMENTS}
    for name, parts in DOCUMENTS.items():
        fields = {"page": Page} | {part: PARTS[part] for part in parts}
        msgspec.json.decode(
            files[f"api/v2/{name}.json"],
            type=msgspec.defstruct("Document", list(fields.items()), forbid_unknown_fields=True),
        )


def document(name, shot):
    return json.loads(private_site.render(shot)[f"api/v2/{name}.json"])


def test_maintenances_are_told_apart_by_whether_they_run():
    shot = snapshot(account(), sources=(PLANNED,))
    told = {
        name: [one["status"] for one in document(name, shot)["scheduled_maintenances"]]
        for name in ("scheduled-maintenances", "scheduled-maintenances/upcoming", "scheduled-maintenances/active")
    }
    assert list(told.values()) == [["scheduled", "in_progress"], ["scheduled"], ["in_progress"]]


@pytest.mark.parametrize("late", [timedelta(), timedelta(minutes=5)], ids=["at the end", "after it"])
def test_what_is_over_is_resolved_whenever_the_provider_told_of_it(late):
    said = Announcement(NOW + late, "Slow answers", None, "openai/page")
    over = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, closed_at=NOW, announcement=said))
    (it,) = document("incidents", snapshot(account(), past_incidents=(over,)))["incidents"]
    assert (it["status"], it["incident_updates"][0]["status"]) == ("resolved", "resolved")


def test_an_incident_that_ended_as_it_began_is_resolved():
    blink = incident(closed_at=incident().opened_at)
    (it,) = document("incidents", snapshot(account(), past_incidents=(shown(blink),)))["incidents"]
    assert it["status"] == "resolved"


def test_accounts_of_one_name_at_two_providers_are_two_components():
    names = [one["name"] for one in document("components", four_accounts())["components"]]
    assert names == ["OpenAI", "openai/main", "openai/team-b", "openai/research", "Anthropic", "anthropic/main"]


def test_a_reader_that_others_wrote_reads_ours(tmp_path):
    """It is statuspage-prometheus-exporter, run as its users run it."""
    write_site(
        tmp_path / "site", private_site.render(replace(full(), providers=(*full().providers, *lost().providers)))
    )
    with served(tmp_path / "site") as address:
        told = read_by_others(tmp_path, f"{address}api/v2/summary.json")
    states = {one["component_name"]: value for one, value in told["statuspage_component_status"]}
    assert states == {
        "OpenAI": 0, "openai/main": 1, "openai/team-b": 0, "openai/research": 1,
        "Anthropic": 1, "anthropic/main": 1, "Google Gemini": 0, "gemini/lost": 0,
    }  # fmt: skip
    assert [value for _, value in told["statuspage_service_status"]] == [0]
    ((it, _),) = told["statuspage_incident_info"]
    assert (it["incident_name"], it["impact"]) == ("openai/team-b: account suspended", "critical")
    assert it["affected_components"] == "openai/team-b"
    assert it["shortlink"] == f"https://status.example.com/ai/incidents/{incident().id}.html"
    ((work, _),) = told["statuspage_maintenance_info"]
    assert work["scheduled_end"] == "2026-11-22T12:34:00Z"


def lost():
    return snapshot(sick("gemini/lost", Fault.INVALID_KEY), past_incidents=(past(3),))


def read_by_others(folder, address):
    """Run the exporter once; return the samples it wrote, by the name of their metric."""
    (folder / "services.json").write_text(json.dumps({"ours": {"name": "Ours", "url": address}}))
    program = "from statuspage_prometheus_exporter.status_monitoring import main; main()"
    told = folder / "told.prom"
    settings = {"RUN_MODE": "once", "SERVICES_JSON_PATH": f"{folder}/services.json", "METRICS_TEXTFILE_PATH": f"{told}"}
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder, env=os.environ | settings | {"NO_PROXY": "127.0.0.1"}, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    samples = {}
    for family in text_string_to_metric_families(told.read_text()):
        samples |= {family.name: [(sample.labels, sample.value) for sample in family.samples]}
    return samples


def test_the_components_of_an_incident_are_in_the_order_of_the_page():
    """What it hit that is no longer watched has no component."""
    hit = [f"openai/{name}/chat" for name in ("b", "gone", "a")]
    view = shown(incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, targets=tuple(hit)))
    shot = snapshot(account("openai/c"), account("openai/b"), account("openai/a"), open_incidents=(view,))
    (it,) = document("incidents", shot)["incidents"]
    assert [one["id"] for one in it["components"]] == ["openai/b", "openai/a"]
