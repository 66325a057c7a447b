"""Each table over a closed set is whole, so that a new member is missed by a test and not at night."""

import importlib
import pkgutil
from enum import Enum

import pytest

import monitor
import probes

# What says less than there is to say on purpose: it is asked with `get` or `in`, or for those members only.
PARTIAL = {
    "monitor.alert.link.NAMES",  # what a link can do
    "monitor.alert.text.HEADS",  # what is told of an incident
    "monitor.alert.text.HEADS_OF_SIGNS",
    "monitor.config.cost.WIRES",
    "monitor.publish.advice.SERVED",
    "monitor.publish.headline.REST",
    "monitor.publish.history_bar.WORDS",
    "monitor.publish.incident_text.STEPS",  # what is told of an incident
    "monitor.publish.statuspage.PHASES",
    "monitor.runtime.loop.WATCHING",
    "monitor.web.server.NAMES",
    "monitor.words.PLAIN",
    "probes.advice.BROKEN",
    "probes.advice.LEAKS",
    "probes.advice.NEAR",
    "probes.advice.SERVED",
    "probes.advice.TOGETHER",
    "probes.answer.classify.LESS_THAN",
    "probes.answer.classify.UNPROVEN",
    "probes.answer.dialects.WIRES",  # COMMAND speaks on no wire
    "probes.answer.proof.WIRES",
    "probes.canary.WIRES",
    "probes.feeds.fold.CLAIMS",
    "probes.feeds.fold.REOPENED",
    "probes.feeds.parse.OWN",
    "probes.feeds.poll.CLAIMS",
    "probes.remedy.CAPS",
    "probes.remedy.SPOKEN_INSTEAD",
    "probes.simulator.ENDLESS",
    "probes.simulator.MANGLES",
    "probes.simulator.METERS",
    "probes.transport.failure.LATE_BEFORE",
    "probes.transport.failure.SILENT",
    "probes.transport.failure.UNFINISHED",
}


def tables():
    """Yield each table of ours whose keys are members of one enum, under every name that it has."""
    for package in (monitor, probes):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                for name, table in vars(importlib.import_module(module.name)).items():
                    kinds = {type(key) for key in table} if isinstance(table, dict) else set()
                    if len(kinds) == 1 and issubclass(*kinds, Enum):
                        yield f"{module.name}.{name}", table, *kinds


TABLES = list(tables())


@pytest.mark.parametrize(("name", "table", "kind"), TABLES, ids=[name for name, _, _ in TABLES])
def test_a_table_over_a_closed_set_is_whole_or_says_that_it_is_not(name, table, kind):
    is_partial = any(table is other for it, other, _ in TABLES if it in PARTIAL)

    assert is_partial is not (set(table) == set(kind))


def test_what_is_called_partial_is_there():
    assert {name for name, _, _ in TABLES} >= PARTIAL
