"""The floor plan, checked: which room imports which. A new arrow has to argue for its place here."""

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A room is a folder, or a module that stands by itself. What each imports of other rooms and of third parties,
# besides the standard library, and msgspec, of which every value is made. In the order of the pipeline.
ROOMS = {
    "probes": set(),
    "probes.reading": set(),
    "probes.redact": {"probes.reading"},
    "probes.proxy": {"probes.redact"},
    "probes.model": {"probes.proxy"},
    "probes.border": {"probes.model", "probes.redact"},
    "probes.document": {"jsonschema", "probes.border", "probes.redact"},
    "probes.header": set(),
    "probes.hint": set(),
    "probes.provider": {"probes.hint", "probes.model"},
    "probes.catalog": {"probes.answer", "probes.document", "probes.header", "probes.model", "probes.provider"},
    "probes.remedy": {"probes.model", "probes.provider"},
    "probes.advice": {"probes.hint", "probes.model", "probes.provider"},
    "probes.answer": {"jmespath", "probes.model", "probes.provider", "probes.redact"},
    "probes.transport": {"aiohttp", "probes.model", "probes.proxy"},
    "probes.canary": {
        "aiohttp",
        "probes.answer",
        "probes.border",
        "probes.header",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.transport",
        "yarl",
    },
    "probes.command": {
        "probes.answer",
        "probes.canary",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
    },
    "probes.attempt": {"probes.canary", "probes.command", "probes.model", "probes.provider"},
    "probes.control": {"probes.canary", "probes.model", "probes.provider", "probes.proxy", "probes.transport"},
    "probes.notice": set(),
    "probes.feeds": {
        "aiohttp",
        "feedparser",
        "probes.border",
        "probes.model",
        "probes.notice",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.transport",
    },
    "probes.simulator": {"aiohttp"},
    "monitor": set(),
    "monitor.words": {"monitor.detect", "monitor.diagnose", "probes.model", "probes.notice"},
    "monitor.log": {"probes.redact"},
    "monitor.thread": set(),
    "monitor.deadline": set(),
    "monitor.control": set(),
    "monitor.storage_refusal": set(),
    "monitor.schedule": {"monitor.detect", "probes.model"},
    "monitor.detect": {"probes.model"},
    "monitor.diagnose": {"monitor.detect", "probes.feeds", "probes.model", "probes.notice"},
    "monitor.slo": {"monitor.diagnose", "probes.model"},
    "monitor.alert": {
        "apprise",
        "cronsim",
        "dateutil",
        "icalendar",
        "jinja2",
        "markupsafe",
        "monitor.deadline",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.storage_refusal",
        "monitor.words",
        "probes.model",
        "probes.proxy",
        "probes.redact",
    },
    "monitor.config": {
        "monitor.alert",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.schedule",
        "monitor.slo",
        "probes.answer",
        "probes.catalog",
        "probes.document",
        "probes.header",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
        "probes.transport",
    },
    "monitor.store": {
        "monitor.alert",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.schedule",
        "monitor.slo",
        "monitor.storage_refusal",
        "probes.border",
        "probes.document",
        "probes.model",
        "sqlite_utils",
    },
    "monitor.publish": {
        "jinja2",
        "markupsafe",
        "monitor",
        "monitor.alert",
        "monitor.config",
        "monitor.deadline",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.schedule",
        "monitor.slo",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.words",
        "probes.advice",
        "probes.catalog",
        "probes.model",
        "probes.notice",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
    },
    "monitor.web": {
        "aiohttp",
        "monitor.alert",
        "monitor.diagnose",
        "monitor.publish",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.words",
        "probes.border",
        "probes.redact",
    },
    "monitor.liveness": {"aiohttp", "probes.model", "probes.proxy", "probes.transport"},
    "monitor.stages": {
        "monitor",
        "monitor.alert",
        "monitor.config",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.liveness",
        "monitor.log",
        "monitor.publish",
        "monitor.schedule",
        "monitor.slo",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.thread",
        "monitor.words",
        "probes.attempt",
        "probes.canary",
        "probes.catalog",
        "probes.control",
        "probes.document",
        "probes.feeds",
        "probes.model",
        "probes.notice",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
    },
    "monitor.replay": {
        "monitor.alert",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.stages",
        "monitor.store",
        "probes.model",
    },
    "monitor.runtime": {
        "aiohttp",
        "monitor.alert",
        "monitor.config",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.liveness",
        "monitor.publish",
        "monitor.schedule",
        "monitor.stages",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.thread",
        "monitor.web",
        "monitor.words",
        "probes.border",
        "probes.model",
        "uvloop",
    },
    "monitor.commands": {
        "monitor",
        "monitor.alert",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.publish",
        "monitor.replay",
        "monitor.runtime",
        "monitor.schedule",
        "monitor.slo",
        "monitor.stages",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.thread",
        "monitor.words",
        "probes.advice",
        "probes.attempt",
        "probes.canary",
        "probes.catalog",
        "probes.control",
        "probes.document",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.remedy",
        "probes.simulator",
        "rich",
    },
    "monitor.cli": {
        "monitor",
        "monitor.alert",
        "monitor.commands",
        "monitor.config",
        "monitor.detect",
        "monitor.log",
        "monitor.publish",
        "monitor.replay",
        "monitor.runtime",
        "monitor.stages",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.words",
        "probes.advice",
        "probes.answer",
        "probes.catalog",
        "probes.document",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
    },
    "monitor.__main__": {"monitor.cli"},
}

# Inside the rooms that are pure: what each module imports of its own room.
INSIDE = {
    "monitor.detect": {
        "account_memory": {"credit", "finding", "model_list", "warning"},
        "credit": {"finding"},
        "finding": set(),
        "flap": {"finding", "health"},
        "health": set(),
        "intermittent": {"finding"},
        "latency": {"finding", "seasonality"},
        "limit_window": set(),
        "limits": {"finding", "limit_window"},
        "model_list": {"finding"},
        "reminder": {"finding"},
        "seasonality": set(),
        "shared_latency": {"finding", "latency"},
        "target_memory": {"finding", "flap", "health", "intermittent", "latency", "limits"},
        "warning": {"finding"},
    },
    "monitor.diagnose": {
        "account_trouble": {"diagnosis", "evidence", "reason", "target_state"},
        "announcement": {"diagnosis", "incident"},
        "course": {"diagnosis", "incident", "reason", "target_state"},
        "diagnose": {
            "diagnosis",
            "finding_sign",
            "provider_trouble",
            "road_trouble",
            "settling",
            "target_state",
            "witness",
        },
        "diagnosis": {"reason"},
        "evidence": {"diagnosis", "reason", "target_state", "witness"},
        "finding_sign": {"diagnosis", "target_state"},
        "incident": {"diagnosis", "reason"},
        "provider_trouble": {
            "account_trouble",
            "diagnosis",
            "evidence",
            "reason",
            "road_trouble",
            "target_state",
            "witness",
        },
        "reason": set(),
        "road_trouble": {"diagnosis", "evidence", "reason", "target_state", "witness"},
        "settling": {"diagnosis", "target_state", "witness"},
        "stage_failure": {"diagnosis", "incident"},
        "status_source": {"diagnosis", "incident", "witness"},
        "target_state": {"diagnosis"},
        "witness": set(),
    },
    "monitor.slo": {
        "indicator": set(),
        "objective": set(),
    },
    "monitor.alert": {
        "address": {"rule"},
        "case": set(),
        "deliver": {"address", "case", "outbox", "rule", "text"},
        "digest": {"case", "rule"},
        "evidence": set(),
        "grouping": set(),
        "ical": {"rule"},
        "link": {"reply", "rule"},
        "outbox": {"case"},
        "reply": {"rule"},
        "routing": {"case", "grouping", "reply", "rule", "window"},
        "rule": {"window"},
        "storage_notice": {"case", "rule"},
        "text": {"case", "evidence", "grouping", "rule", "storage_notice"},
        "window": set(),
    },
    "probes.answer": {
        "balance": set(),
        "classify": {"error_body", "excerpt", "payload", "proof"},
        "command_output": {"classify", "error_body", "excerpt", "literal", "payload", "proof"},
        "deprecation": set(),
        "dialects": {"payload"},
        "echo": set(),
        "error_body": {"echo", "frame", "literal", "payload", "proof", "sse"},
        "excerpt": {"literal", "payload", "proof", "sse"},
        "frame": set(),
        "limits_in_body": {"error_body", "limits_in_headers", "literal"},
        "limits_in_headers": set(),
        "literal": set(),
        "payload": set(),
        "proof": {"balance", "dialects", "payload", "sse"},
        "sse": set(),
    },
}

TOP = {
    *("monitor", "probes", "templates", "tests", "benchmarks", "deploy", "docs", ".ci", "monitor.toml"),
    "examples",  # what other programs take over; it runs there, so it is no part of ours
    *("pyproject.toml", "constraints.txt", "Makefile"),
    *(
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Dockerfile",
        "compose.yaml",
        ".gitignore",
        ".dockerignore",
    ),
}
REFUSED = {"utils", "util", "helpers", "common", "core", "base", "misc"}


def modules():
    for path in sorted([*ROOT.glob("monitor/**/*.py"), *ROOT.glob("probes/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


MODULES = dict(modules())


def room_of(name):
    """Return the room of a module of ours; a third party is one thing, whichever of its modules is used."""
    if name not in MODULES:
        return name.partition(".")[0]
    folder = name.rpartition(".")[0]
    stands_alone = folder in ("", "monitor", "probes") or MODULES[name].name == "__init__.py"
    return name if stands_alone else folder


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in MODULES else node.module


def is_everywhere(name):
    return name.partition(".")[0] in {*sys.stdlib_module_names, "msgspec"}


def used_by(name):
    return {one for one in imports(MODULES[name]) if not is_everywhere(one)}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_exactly_what_its_line_of_the_plan_allows(room):
    its = [name for name in MODULES if room_of(name) == room]

    assert {room_of(one) for name in its for one in used_by(name)} - {room} == ROOMS[room]


def test_the_plan_names_every_room():
    assert {room_of(name) for name in MODULES} == ROOMS.keys()


def test_no_arrow_runs_back():
    TopologicalSorter({room: {one for one in its if one in ROOMS} for room, its in ROOMS.items()}).prepare()


@pytest.mark.parametrize("room", INSIDE)
def test_inside_a_pure_room_each_module_imports_exactly_what_its_line_allows(room):
    its = [name for name in MODULES if room_of(name) == room and name != room]
    inner = {name: {one for one in used_by(name) if room_of(one) == room} for name in its}

    assert {
        name.removeprefix(f"{room}."): {one.removeprefix(f"{room}.") for one in inner[name]} for name in its
    } == INSIDE[room]


def test_the_picture_in_contributing_names_every_folder():
    picture = (ROOT / "CONTRIBUTING.md").read_text().partition("```text\n")[2].partition("```")[0]
    folders = {path.parent.name for path in [*ROOT.glob("monitor/*/*.py"), *ROOT.glob("probes/*/*.py")]}

    assert set(re.findall(r"(\w+)/", picture)) == folders | {"monitor", "probes", "templates", "providers"}


def test_the_probes_know_nothing_of_the_monitor():
    for name, path in MODULES.items():
        if name.startswith("probes"):
            assert not [one for one in imports(path) if one.startswith("monitor")], name


def test_no_room_is_called_after_nothing():
    for name in MODULES:
        assert not REFUSED & set(name.split(".")), name


def test_the_top_level_holds_what_it_is_known_to_hold():
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    here = {path.name for path in ROOT.iterdir()} - {".git"} - ignored
    assert {name for name in here if not re.fullmatch(r".*\.egg-info|.*\.db.*", name)} <= TOP


def test_the_product_does_not_know_of_tests():
    for name, path in MODULES.items():
        assert not re.search(r"\bpytest\b|\bunittest\b|\bmock\b", path.read_text()), name


def names_of(path):
    """Return what a module holds at its top: what it defines, and what it imports."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign():
                yield from (one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name))
            case ast.AnnAssign():
                yield node.target.id
            case ast.Import() | ast.ImportFrom():
                yield from (one.asname or one.name for one in node.names)


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_what_it_imports_of_ours_also_where_it_does_so_late(path):
    """They run by hand, so that one would stay broken for weeks."""
    lines = [one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.ImportFrom)]
    for line in [one for one in lines if one.module in MODULES]:
        known = {*names_of(MODULES[line.module])}
        assert not {one.name for one in line.names if f"{line.module}.{one.name}" not in MODULES} - known, line.lineno


def test_no_two_classes_have_one_name():
    found = [
        node.name
        for path in MODULES.values()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]

    assert {name for name in found if found.count(name) > 1 and not name.startswith("_")} == set()
