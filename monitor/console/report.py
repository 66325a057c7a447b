"""One mechanism for the reports of all commands: for a person, or as JSON or CSV for a program."""

import csv
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from monitor.publish.json_text import encode

Row = TypeVar("Row")
VERSION = 1
SCHEMAS = Path(__file__).parent / "schema"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a text as a formula. Some texts are a provider's own words."""


class ReportDocument(Struct, Generic[Row], frozen=True):
    """The report of a command; `version`: of its format."""

    version: int
    rows: Sequence[Row]


def add_formats(parser: ArgumentParser) -> None:
    both = parser.add_mutually_exclusive_group()
    both.add_argument("--json", action="store_true", help="print it as JSON")
    both.add_argument("--csv", action="store_true", help="print it as CSV")


def is_for_program(arguments: Namespace) -> bool:
    """Whether stdout is for a program, so that what a person may read meanwhile goes elsewhere."""
    return bool(arguments.json or arguments.csv)


def print_json_line(row: Struct) -> None:
    sys.stdout.write(encode(msgspec.to_builtins(row)).decode())
    sys.stdout.flush()


def print_report(arguments: Namespace, kind: type[Struct], rows: Sequence[Struct], tell: Callable[[], object]) -> None:
    """Print the rows, all of one kind, in the format asked for; `tell` prints them for a person."""
    if arguments.json:
        sys.stdout.write(encode(msgspec.to_builtins(ReportDocument(VERSION, rows))).decode())
    elif arguments.csv:
        write_csv(kind, rows)
    else:
        tell()


def write_csv(kind: type[Struct], rows: Sequence[Struct]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(kind.__struct_fields__)
    out.writerows(map(_cell, msgspec.to_builtins(row).values()) for row in rows)


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return "; ".join(str(_cell(one)) for one in value)
        case dict():
            return ", ".join(f"{name} {one}" for name, one in value.items() if one not in (None, ""))
        case str() if value.startswith(FORMULA):
            return f"'{value}"
        case _:
            return value


def streams() -> dict[str, type[Struct]]:
    """Return what is written one at a time, by the name of its schema: in a line of `logs --json`, to a webhook.

    Only who writes a schema needs all of them, and a webhook's needs what writes messages.
    """
    from monitor.alert.webhook import WebhookMessage
    from monitor.console.report_row import LogReport

    return {"logs": LogReport, "webhook": WebhookMessage}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a report, or of a line of a stream: the same under each Python and each msgspec."""
    from inspect import cleandoc

    from monitor.console.report_row import ROWS

    kind: Any = ReportDocument
    made = msgspec.json.schema(kind[ROWS[name]] if name in ROWS else streams()[name])
    for definition in made["$defs"].values():
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"{name} of provider-monitor", **made}


if __name__ == "__main__":  # `make schema`
    from json import dumps

    from monitor.console.report_row import ROWS

    for each in (*ROWS, *streams()):
        (SCHEMAS / f"{each}.json").write_text(dumps(schema(each), indent=2) + "\n", encoding="utf-8")
