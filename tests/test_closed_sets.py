"""Each table, order and match over a closed set is whole: a new member is missed by a test or the type checker."""

import ast
import importlib
import pkgutil
import re
from enum import Enum
from functools import cache
from pathlib import Path

import monitor
import probes

# What has no row for some on purpose, and for whom; a new member is missed.
EXCEPT = {
    "monitor.alert.signed_link.NAMES": "SILENCE LIFT",  # what no link does
    "monitor.alert.text.HEADS": "DIGEST FAILING STORE",  # what is told of no incident
    "monitor.config.cost.CODECS": "COMMAND",
    "monitor.publish.counted.OWN_COUNTERS": "PROBE COST",  # those of an account
    "monitor.publish.headline.AMONG": "DOWN PARTLY",
    "monitor.publish.headline.OTHERS": "DOWN PARTLY",
    "monitor.publish.history_bar.WORDS": "GOOD",
    "monitor.publish.incident_timeline.STEPS": "DIGEST FAILING STORE",
    "monitor.publish.overview.OF_SEVERAL": "AT_RISK UP",  # these work
    "monitor.runtime.loop.watching_stages": (
        "PUBLISH EXPORT RETENTION OBJECTIVES DRILL HEARTBEAT WATCHDOG RELOAD SHIP RECEIVE HEED RELAY"
    ),
    "monitor.runtime.loop.other_stages": (
        "PROBE EVALUATE POLL_STATUS CONTROL_PROBE NOTIFY DELIVER SHIP RECEIVE HEED RELAY"
    ),
    "monitor.publish.public_site.WHAT": "AT_RISK SUSPECTED UNKNOWN UP",  # no outage is so
    "probes.advice.BROKEN": "NAME CONNECT PROXY",
    "probes.answer.classify.UNPROVEN": "GOOD FAILED FILTERED",
    "probes.answer.dialects.CODECS": "COMMAND",  # it speaks on no wire
    "probes.answer.proof.CODECS": "COMMAND",
    "probes.canary.CODECS": "COMMAND",
    "probes.notice.CLAIMS": "NONE UNKNOWN",
    "probes.transport.failure.LATE_BEFORE": "PROXY REQUEST FIRST_BYTE BODY",
    "probes.transport.failure.SILENT": "NAME CONNECT PROXY TLS",
    "probes.transport.failure.UNFINISHED": "NAME CONNECT PROXY TLS",
}
# What has a word of its own for a few, and is asked with `get` or `in`: the others, a new one too, go the usual way.
PARTIAL = {
    "monitor.alert.text.SIGNAL_HEADS",
    "monitor.diagnose.incident.severity_of",
    "monitor.publish.advice._road_advice",
    "monitor.publish.statuspage.PHASES",
    "monitor.words.PLAIN",
    "probes.advice.LEAKS",
    "probes.advice.NEAR",
    "probes.advice.SERVED",
    "probes.advice.TOGETHER",
    "probes.answer.classify.OVERRULED_BY",
    "probes.feeds.merge.REOPENED",
    "probes.feeds.parse.OWN",
    "probes.remedy.CAPS",
    "probes.remedy.SPOKEN_INSTEAD",
    "probes.simulator.ENDLESS",
    "probes.simulator.MANGLES",
    "probes.simulator.METERS",
}

KEY = re.compile(r"^(?! *case ).*\b[A-Z]\w*\.[A-Z_0-9]+:", re.MULTILINE)
"""A member of an enum as the key of a table."""


@cache
def modules():
    return {
        module.name: importlib.import_module(module.name)
        for package in (monitor, probes)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not module.name.endswith("__main__")
    }


@cache
def text_of(name):
    return Path(modules()[name].__file__).read_text()


@cache
def nodes(name):
    """All that is written in a module; asked only of those that can hold what is sought, as to walk takes seconds."""
    return list(ast.walk(ast.parse(text_of(name))))


def member(module, node):
    """Return the member of an enum that an expression like `Fault.SLOW` names in a module; None: it names none."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            found = getattr(getattr(module, name, None), attr, None)
            return found if isinstance(found, Enum) else None


def kind_of(keys):
    """Return the enum of which these are members, None (as a key) apart; None where they are not all of one."""
    kinds = {type(key) for key in keys if key is not None}
    return kinds.pop() if len(kinds) == 1 and all(issubclass(kind, Enum) for kind in kinds) else None


def tables():
    """Yield each table of ours whose keys are members of one enum, under every name that it has."""
    for name, module in modules().items():
        for called, table in vars(module).items():
            if isinstance(table, dict) and (kind := kind_of(table)):
                yield f"{name}.{called}", table, kind


def inner_tables():
    """Yield each that is written within a function."""
    for name in filter(lambda it: KEY.search(text_of(it)), modules()):
        for function in [one for one in nodes(name) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]:
            for table in [one for one in ast.walk(function) if isinstance(one, ast.Dict) and one.keys]:
                keys = [member(modules()[name], key) for key in table.keys]
                if None not in keys and (kind := kind_of(keys)):
                    yield f"{name}.{function.name}", dict.fromkeys(keys), kind


def orders():
    """Yield each sequence of members in which somebody looks a member's place up."""
    for name, module in modules().items():
        for node in nodes(name) if ".index" in text_of(name) else ():
            match node:
                case ast.Attribute(value=ast.Name(id=called), attr="index"):
                    order = getattr(module, called, None)
                    if isinstance(order, tuple | list) and (kind := kind_of(order)):
                        yield f"{name}.{called}", order, kind


@cache
def all_tables():
    return [*tables(), *inner_tables()]


def names_of(table):
    """Return all names under which a table is known: a module that imports it has it, too."""
    return {name for name, other, _ in all_tables() if other is table}


def is_as_said(table, kind):
    """Whether a table leaves out what EXCEPT says of it and nothing else, or, where it is PARTIAL, anything."""
    left_out = {one.name for one in kind} - {one.name for one in table if one is not None}
    known = names_of(table)
    if known & PARTIAL:
        return bool(left_out)
    return left_out == {one for it in known & EXCEPT.keys() for one in EXCEPT[it].split()}


# To read all modules takes a second: it is done where these tests run, and not by each worker as it collects them.
def test_a_table_over_a_closed_set_is_whole_or_says_what_it_leaves_out():
    assert all_tables()
    assert [name for name, table, kind in all_tables() if not is_as_said(table, kind)] == []


def test_what_is_called_partial_is_there():
    assert {name for name, _, _ in all_tables()} >= PARTIAL | EXCEPT.keys()


def test_an_order_in_which_places_are_looked_up_has_a_place_for_each():
    found = [*orders()]
    assert found
    assert [name for name, order, kind in found if (set(order), len(order)) != (set(kind), len(kind))] == []


def matches():
    """Yield each match on members of an enum, or on kinds of our own, with what follows it."""
    for name, module in modules().items():
        for node in nodes(name) if re.search(r"^\s*match ", text_of(name), re.MULTILINE) else ():
            for block in [getattr(node, part, None) for part in ("body", "orelse", "finalbody")]:
                for at, one in enumerate(block if isinstance(block, list) else ()):
                    if isinstance(one, ast.Match) and any(is_closed(module, case.pattern) for case in one.cases):
                        yield name, one, block[at + 1 : at + 2]


def is_closed(module, pattern):
    """Whether a pattern names a member of an enum, or a class of ours."""
    for part in ast.walk(pattern):
        match part:
            case ast.MatchValue(value=value) if member(module, value):
                return True
            case ast.MatchClass(cls=ast.Name(id=name)):
                if getattr(getattr(module, name, None), "__module__", "").startswith(("monitor.", "probes.")):
                    return True
    return False


def is_guarded(match, after):
    last = match.cases[-1]
    closing = last.body if isinstance(last.pattern, ast.MatchAs) and last.guard is None else after
    return bool(closing) and ast.unparse(closing[0]).startswith("assert_never(")


def test_what_a_match_on_a_closed_set_leaves_out_is_found_by_the_type_checker():
    found = [*matches()]
    assert found
    assert [f"{name}:{match.lineno}" for name, match, after in found if not is_guarded(match, after)] == []
