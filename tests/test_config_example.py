"""The shipped monitor.toml is the reference of all options: each stands in it, and what it sets is the default."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec

from monitor.config.alerting import EscalationSection, MatchSection, QuietSection
from monitor.config.document import Document
from monitor.config.section import Section
from tests.rows import each_row

SHIPPED = (Path(__file__).parents[1] / "monitor.toml").read_text()
AS_ELSEWHERE = {
    **{f"maintenance.{field}": "routes" for field in MatchSection.__struct_fields__},  # "matching works as in routes"
    "accounts.proxy": "providers",  # "also of one account"
    "accounts.ca_file": "providers",
}


def options():
    """Return each key of monitor.toml with that of its table, `""` for the top; a table within an option is its own."""
    tables = {"": Document, "quiet": QuietSection, "escalate": EscalationSection}
    for field in msgspec.structs.fields(Document):
        for one in (field.type, *get_args(field.type)):
            if isinstance(one, type) and issubclass(one, Section):
                tables[field.name] = one
    return [(table, name) for table, section in tables.items() for name in section.__struct_fields__]


def table_text(table):
    """Return what the shipped monitor.toml says in all blocks of a table, or in the lines of an inner one."""
    if table in ("quiet", "escalate"):
        return "\n".join(line for line in SHIPPED.splitlines() if f"{table} = " in line)
    blocks = re.split(r"^(?:# )?\[+([a-z_]+)[^\]\n]*\]+", SHIPPED, flags=re.MULTILINE)
    named = zip(["", *blocks[1::2]], blocks[0::2], strict=True)
    return "\n".join(text for name, text in named if name == table)


@each_row(("table", "option"), options())
def test_each_option_stands_in_the_shipped_example(table, option):
    if not table and (table_text(option) or option == "providers"):
        return  # a table of its own
    said = table_text(AS_ELSEWHERE.get(f"{table}.{option}", table))

    assert re.search(rf"\b{option}\b", said), f"monitor.toml: [{table}] lacks {option}; show it there, commented or not"


def test_what_the_shipped_example_sets_is_the_default():
    assert msgspec.convert(tomllib.loads(SHIPPED), Document) == Document()
