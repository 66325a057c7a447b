"""docs/reference/reports.md: what programs read, from the JSON Schemas that are shipped."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.generate.fields import fields
from docs.generate.markdown import paragraphs
from monitor.console.report import streams
from monitor.console.report_row import ROWS

ROOT = Path(__file__).parents[2]
REPORTS = "monitor/console/schema"
SITES = "templates/page/schema"
INTRODUCTION = """# Reports for programs

Most commands print their report as JSON with `--json`, `{"version": 1, "rows": [...]}`, and as CSV with `--csv`, whose
columns are the fields of a row. The sites hold `status.json` and `usable.json`, and a `webhook:` channel posts JSON.

Fields are added without a new version, never removed or changed: ignore what you do not know. Times are ISO 8601 in
UTC; null is what is not known or does not apply.
"""
TITLES = {
    **{name: f"{name.replace('-', ' ')} --json" for name in (*ROWS, *streams())},
    "incident": "incidents INCIDENT --json",
    "webhook": "The body of a webhook",
    "status": "status.json",
    "usable": "usable.json",
    "public-status": "status.json of the public site",
}


def page() -> Iterator[str]:
    yield INTRODUCTION
    for folder, names in ((REPORTS, (*ROWS, *streams())), (SITES, ("status", "usable", "public-status"))):
        for name in names:
            yield from _schema(name, f"{folder}/{name}.json")


def _schema(name: str, path: str) -> Iterator[str]:
    made = json.loads((ROOT / path).read_text(encoding="utf-8"))
    definitions = made.get("$defs", {})
    row = _row(made, definitions)
    yield from (f"## {TITLES[name]}", "")
    yield from paragraphs(str(row.get("description", made.get("title", ""))))
    yield from (f"JSON Schema: [{name}.json](../../{path})", "", *fields(row, definitions), "")


def _row(made: Mapping[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what stands in each row of a report, or the object itself."""
    top = definitions.get(str(made.get("$ref", "")).rpartition("/")[2], made)
    rows = top.get("properties", {}).get("rows", {}).get("items", {}).get("$ref", "")
    return definitions.get(rows.rpartition("/")[2], top)
