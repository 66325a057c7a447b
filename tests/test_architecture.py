"""The floor plan, checked: which room imports which. A new arrow has to argue for its place here."""

import ast
import builtins
import importlib
import re
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from monitor.cli import COMMANDS
from tests.rows import each_row

ROOT = Path(__file__).parents[1]

# A room is a folder, or a module that stands by itself. What each imports of other rooms and of third parties,
# besides the standard library, and msgspec, of which every value is made. In the order of the pipeline.
ROOMS = {
    "monitor.stage": set(),
    "probes": set(),
    "probes.decode": set(),
    "probes.redact": {"probes.decode"},
    "probes.target_id": set(),
    "probes.phrase": set(),
    "probes.proxy": {"probes.redact"},
    "probes.model": {"probes.proxy", "probes.target_id"},
    "probes.sanitize": {"probes.model", "probes.redact"},
    "probes.document": {"jsonschema", "probes.redact", "probes.sanitize"},
    "probes.header": set(),
    "probes.hint": set(),
    "probes.provider": {"probes.hint", "probes.model"},
    "probes.catalog": {"probes.answer", "probes.document", "probes.header", "probes.model", "probes.provider"},
    "probes.naming": {"probes.answer", "probes.catalog", "probes.document", "probes.provider"},
    "probes.freshness": {"probes.document", "probes.provider"},
    "probes.sample": {"probes.redact"},
    "probes.proposal": {"probes.answer", "probes.model", "probes.provider", "probes.sample"},
    "probes.remedy": {"probes.model", "probes.phrase", "probes.provider"},
    "probes.advice": {"probes.hint", "probes.model", "probes.phrase", "probes.provider"},
    "probes.answer": {"jmespath", "probes.model", "probes.provider", "probes.redact"},
    "probes.transport": {"aiohttp", "probes.model", "probes.proxy"},
    "probes.canary": {
        "aiohttp",
        "probes.answer",
        "probes.header",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.sanitize",
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
    "probes.doubt": {"probes.proxy"},
    "probes.notice": {"probes.doubt"},
    "probes.feeds": {
        "aiohttp",
        "feedparser",
        "probes.doubt",
        "probes.model",
        "probes.notice",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.sanitize",
        "probes.transport",
    },
    "probes.simulator": {"aiohttp"},
    "monitor": set(),
    "monitor.limit_window": set(),
    "monitor.words": {
        "monitor.diagnose",
        "monitor.limit_window",
        "probes.model",
        "probes.notice",
        "probes.phrase",
        "probes.target_id",
    },
    "monitor.sentence": {
        "monitor.detect",
        "monitor.diagnose",
        "monitor.stage",
        "monitor.words",
        "probes.document",
        "probes.doubt",
        "probes.model",
        "probes.notice",
        "probes.proxy",
    },
    "monitor.log": {"probes.redact"},
    "monitor.metric": set(),
    "monitor.otlp": {"google", "monitor", "monitor.metric", "opentelemetry"},  # loaded where a collector is named
    "monitor.tally": {"monitor.diagnose", "monitor.stage", "probes.model", "probes.notice"},
    "monitor.thread": set(),
    "monitor.deadline": set(),
    "monitor.control": set(),
    "monitor.storage_refusal": set(),
    "monitor.schedule": {"monitor.detect", "probes.model"},
    "monitor.detect": {"probes.model"},
    "monitor.diagnose": {
        "monitor.detect",
        "monitor.stage",
        "probes.doubt",
        "probes.feeds",
        "probes.model",
        "probes.notice",
        "probes.target_id",
    },
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
        "monitor.sentence",
        "monitor.storage_refusal",
        "monitor.words",
        "probes.model",
        "probes.phrase",
        "probes.proxy",
        "probes.redact",
        "probes.target_id",
        "requests",
    },
    "monitor.store": {
        "monitor.alert",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.schedule",
        "monitor.slo",
        "monitor.storage_refusal",
        "monitor.tally",
        "probes.document",
        "probes.model",
        "probes.sanitize",
        "probes.target_id",
        "sqlite_utils",
    },
    "monitor.store.postgres": {
        "monitor.alert",
        "monitor.control",
        "monitor.storage_refusal",
        "monitor.store",
        "probes.model",
        "psycopg",
    },
    "monitor.backend": {"monitor.storage_refusal", "monitor.store", "monitor.store.postgres", "probes.model"},
    "monitor.config": {
        "monitor.alert",
        "monitor.backend",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.schedule",
        "monitor.slo",
        "monitor.store",
        "probes.answer",
        "probes.catalog",
        "probes.document",
        "probes.header",
        "probes.model",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
        "probes.target_id",
        "probes.transport",
    },
    "monitor.setup": {
        "monitor.config",
        "probes.answer",
        "probes.catalog",
        "probes.document",
        "probes.redact",
        "probes.target_id",
        "yaml",
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
        "monitor.metric",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.slo",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.tally",
        "monitor.words",
        "probes.advice",
        "probes.catalog",
        "probes.model",
        "probes.notice",
        "probes.phrase",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
        "probes.target_id",
    },
    "monitor.web": {
        "aiohttp",
        "monitor.alert",
        "monitor.diagnose",
        "monitor.publish",
        "monitor.sentence",
        "monitor.storage_refusal",
        "monitor.store",
        "probes.phrase",
        "probes.redact",
        "probes.sanitize",
    },
    "monitor.liveness": {"aiohttp", "probes.model", "probes.proxy", "probes.transport"},
    "monitor.state": {
        "monitor",
        "monitor.alert",
        "monitor.backend",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.liveness",
        "monitor.metric",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.slo",
        "monitor.stage",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.tally",
        "monitor.thread",
        "probes.attempt",
        "probes.canary",
        "probes.catalog",
        "probes.control",
        "probes.feeds",
        "probes.model",
        "probes.notice",
        "probes.provider",
        "probes.proxy",
        "probes.remedy",
    },
    "monitor.stages": {
        "monitor",
        "monitor.alert",
        "monitor.config",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.liveness",
        "monitor.log",
        "monitor.metric",
        "monitor.otlp",
        "monitor.publish",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.slo",
        "monitor.state",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.tally",
        "monitor.words",
        "probes.canary",
        "probes.catalog",
        "probes.control",
        "probes.document",
        "probes.doubt",
        "probes.feeds",
        "probes.model",
        "probes.notice",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
        "probes.target_id",
    },
    "monitor.doctor": {
        "aiohttp",
        "monitor",
        "monitor.alert",
        "monitor.backend",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.publish",
        "monitor.sentence",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.words",
        "probes.canary",
        "probes.document",
        "probes.model",
        "probes.proxy",
        "probes.redact",
        "probes.sanitize",
        "probes.target_id",
        "probes.transport",
    },
    "monitor.console": {
        "monitor.alert",
        "monitor.backend",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.doctor",
        "monitor.log",
        "monitor.publish",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.slo",
        "monitor.stages",
        "monitor.storage_refusal",
        "monitor.store.postgres",  # its types
        "monitor.store",
        "monitor.thread",
        "monitor.words",
        "probes.catalog",
        "probes.document",
        "probes.model",
        "probes.phrase",
        "probes.proposal",
        "probes.provider",
        "probes.redact",
        "probes.sanitize",
        "probes.target_id",
        "rich",
    },
    "monitor.replay": {
        "monitor.alert",
        "monitor.config",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.stages",
        "monitor.state",
        "monitor.store",
        "probes.model",
    },
    "monitor.runtime": {
        "aiohttp",
        "monitor.alert",
        "monitor.backend",
        "monitor.config",
        "monitor.control",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.liveness",
        "monitor.publish",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.stage",
        "monitor.stages",
        "monitor.state",
        "monitor.storage_refusal",
        "monitor.store.postgres",  # its types
        "monitor.store",
        "monitor.tally",
        "monitor.thread",
        "monitor.web",
        "monitor.words",
        "probes.model",
        "probes.sanitize",
        "uvloop",
    },
    "monitor.commands": {
        "monitor",
        "monitor.alert",
        "monitor.backend",
        "monitor.config",
        "monitor.console",
        "monitor.detect",
        "monitor.diagnose",
        "monitor.doctor",
        "monitor.publish",
        "monitor.replay",
        "monitor.runtime",
        "monitor.schedule",
        "monitor.sentence",
        "monitor.setup",
        "monitor.stage",
        "monitor.stages",
        "monitor.state",
        "monitor.storage_refusal",
        "monitor.store",
        "monitor.thread",
        "monitor.words",
        "probes.advice",
        "probes.answer",
        "probes.attempt",
        "probes.canary",
        "probes.catalog",
        "probes.control",
        "probes.document",
        "probes.freshness",
        "probes.model",
        "probes.phrase",
        "probes.proposal",
        "probes.provider",
        "probes.proxy",
        "probes.redact",
        "probes.remedy",
        "probes.sample",
        "probes.simulator",
        "probes.target_id",
        "shtab",
    },
    "monitor.cli": {"monitor", "monitor.config", "monitor.console", "probes.document", "probes.redact"},
    "monitor.__main__": {"monitor.cli"},
}

# Inside the rooms that are pure: what each module imports of its own room.
INSIDE = {
    "monitor.diagnose": {
        "account_trouble": {"diagnosis", "evidence", "reason", "subject", "target_state"},
        "announcement": {"incident", "subject"},
        "corroboration": set(),
        "diagnose": {
            "corroboration",
            "diagnosis",
            "early_warning",
            "evidence",
            "location_trouble",
            "network_trouble",
            "operator",
            "provider_trouble",
            "reason",
            "scope_wait",
            "subject",
            "target_state",
            "witness",
        },
        "diagnosis": {"reason", "subject"},
        "early_warning": {"diagnosis", "subject", "target_state"},
        "evidence": {"corroboration", "diagnosis", "reason", "subject", "target_state"},
        "incident": {"diagnosis", "reason", "subject"},
        "incident_step": {"incident", "subject"},
        "lifecycle": {"diagnosis", "incident", "reason", "subject", "target_state"},
        "location_trouble": {
            "corroboration",
            "diagnosis",
            "evidence",
            "network_trouble",
            "operator",
            "reason",
            "scope_wait",
            "subject",
            "target_state",
            "witness",
        },
        "network_trouble": {
            "corroboration",
            "diagnosis",
            "evidence",
            "operator",
            "reason",
            "subject",
            "target_state",
        },
        "operator": set(),
        "place_state": {"corroboration", "diagnosis", "reason", "subject"},
        "provider_trouble": {
            "account_trouble",
            "corroboration",
            "diagnosis",
            "evidence",
            "network_trouble",
            "reason",
            "subject",
            "target_state",
        },
        "reason": set(),
        "scope_wait": {"corroboration", "diagnosis", "subject", "target_state"},
        "stage_failure": {"diagnosis", "incident", "reason", "subject"},
        "status_source": {"corroboration", "diagnosis", "incident", "reason", "subject"},
        "subject": set(),
        "target_state": {"diagnosis"},
        "witness": {"diagnosis", "network_trouble", "target_state"},
    },
    "monitor.slo": {
        "indicator": set(),
        "objective": set(),
    },
    "monitor.alert": {
        "address": {"channel", "family", "pager_address", "webhook_address"},
        "blindness": {"markup", "text"},
        "case": set(),
        "channel": {"window"},
        "deliver": {
            "address",
            "case",
            "channel",
            "family",
            "markup",
            "outbox",
            "pager",
            "request",
            "text",
            "webhook",
        },
        "digest": {"case", "channel"},
        "evidence": set(),
        "family": {"channel"},
        "grouping": set(),
        "incident_note": {"reply"},
        "maintenance_calendar": {"rule"},
        "markup": {"channel"},
        "outbox": {"case"},
        "pager": {"case", "family", "markup", "pager_address", "request", "text"},
        "pager_address": set(),
        "rehearsal": {"address", "channel", "deliver", "family", "request"},
        "reply": {"rule"},
        "request": {"channel", "text"},
        "routing": {"case", "channel", "grouping", "reply", "rule", "window"},
        "rule": {"window"},
        "signed_link": {"reply", "rule"},
        "storage_notice": {"case", "channel"},
        "text": {"case", "channel", "evidence", "grouping", "markup", "storage_notice"},
        "webhook": {"request", "text", "webhook_address"},
        "webhook_address": {"channel"},
        "window": set(),
    },
    "probes.answer": {
        "balance": {"limits_in_headers"},
        "classify": {"error_body", "excerpt", "expression", "payload", "proof"},
        "command_output": {"classify", "error_body", "excerpt", "literal", "payload", "proof"},
        "deprecation": set(),
        "dialects": {"payload"},
        "echo": set(),
        "error_body": {"echo", "gateway_frame", "literal", "payload", "proof", "sse"},
        "excerpt": {"literal", "payload", "proof", "sse"},
        "expression": set(),
        "gateway_frame": {"known_name"},
        "known_name": set(),
        "limits_in_body": {"error_body", "limits_in_headers", "literal"},
        "limits_in_headers": set(),
        "literal": set(),
        "payload": set(),
        "proof": {"balance", "dialects", "payload", "sse"},
        "sse": set(),
    },
}

TOP = {
    *("monitor", "probes", "templates", "tests", "benchmarks", "deploy", "docs", ".ci", ".github"),
    "monitor.toml",
    "examples",  # what other programs take over; it runs there, so it is no part of ours
    *("pyproject.toml", "constraints.txt", "Makefile"),
    *(
        "README.md",
        "CHANGELOG.md",
        "CODE_OF_CONDUCT.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
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
EVERYWHERE = {*sys.stdlib_module_names, "msgspec"}


def room_of(name):
    """Return the room of a module of ours; a third party is one thing, whichever of its modules is used."""
    if name not in MODULES:
        return name.partition(".")[0]
    folder = name.rpartition(".")[0]
    stands_alone = folder in ("", "monitor", "probes") or MODULES[name].name == "__init__.py"
    return name if stands_alone else folder


@cache
def parsed(text):
    """Cached: most tests read every module."""
    return ast.parse(text)


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Keep the trees, which take 100 MB, no longer than these tests need them."""
    yield
    parsed.cache_clear()


def imports(path):
    for node in ast.walk(parsed(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in MODULES else node.module


def is_everywhere(name):
    return name.partition(".")[0] in EVERYWHERE


@cache
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


# Inside `monitor.detect`: each detector stands by itself, and what remembers or joins several may use any of them.
VALUES = {"measure": set(), "reason": {"measure"}, "finding": {"measure", "reason"}}
SPECIAL = {"flap": {"health"}, "latency": {"seasonality"}}


def is_of_several(name):
    return name.endswith("_memory") or name.startswith("shared_")


DETECT = {name.rpartition(".")[2]: name for name in MODULES if name.startswith("monitor.detect.")}


def detector_imports():
    its = {short: used_by(name) for short, name in DETECT.items()}
    return {
        name: {one.rpartition(".")[2] for one in used if room_of(one) == "monitor.detect"} for name, used in its.items()
    }


@each_row("name", DETECT)
def test_a_detector_imports_no_other_and_what_joins_several_no_other_such(name):
    used = detector_imports()
    detectors = {one for one in used if not is_of_several(one)}
    others = detectors if is_of_several(name) else VALUES.keys() | SPECIAL.get(name, set())

    assert used[name] <= VALUES.get(name, others)
    assert SPECIAL.get(name, set()) <= used[name], "an exception that nobody needs"


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


def test_each_command_is_the_module_of_its_name():
    held = {name.rpartition(".")[2]: {*names_of(path)} for name, path in MODULES.items() if "monitor.commands." in name}

    assert {name for name, its in held.items() if {"add_arguments", "run"} <= its} == {
        name.replace("-", "_") for name in COMMANDS
    }


def test_the_store_alone_knows_of_sqlite():
    known = {name for name in MODULES for one in imports(MODULES[name]) if one.partition(".")[0].startswith("sqlite")}

    assert {room_of(name) for name in known} == {"monitor.store"}


# Who may know that a store lies in a file: the configuration, which reads its path, and what is behind the path.

KEEPERS = {"monitor.store", "monitor.store.postgres", "monitor.config"}


def path_takers():
    """Yield the full name of each function of the store, and of each class, that is given its path."""
    for name, path in MODULES.items():
        if room_of(name) == "monitor.store":
            for node in parsed(path.read_text()).body:
                match node:
                    case ast.FunctionDef() | ast.ClassDef() if "database" in {*given_to(node)}:
                        yield f"{name}.{node.name}"


def given_to(node):
    """Yield the names of the arguments of a function, and of the fields of a class and its methods' arguments."""
    yield from (one.arg for one in ast.walk(node) if isinstance(one, ast.arg))
    yield from (one.target.id for one in node.body if isinstance(one, ast.AnnAssign))


def called(tree):
    """Yield the full name of each function that is called or handed on, and of each class that is called."""
    lines = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    known = {one.asname or one.name: f"{line.module}.{one.name}" for line in lines for one in line.names}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in known:
                yield f"{known[name]}.{attribute}"
            case ast.Call(func=ast.Name(id=name)) if name in known:
                yield known[name]
            case ast.Name(id=name) if name in known and name.islower():
                yield known[name]


def paths_used(tree, takers):
    """Yield what of a module reads the path of a database, makes one, or hands one over."""
    yield from takers & {*called(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="database") | ast.keyword(arg="database") | ast.arg(arg="database"):
                yield "database"


def test_the_store_and_the_configuration_alone_know_of_its_path():
    """Another kind of store has none, so all others call methods of `Store`."""
    takers = {*path_takers()}
    outside = {name: path for name, path in MODULES.items() if room_of(name) not in KEEPERS}
    found = {name: [*paths_used(parsed(path.read_text()), takers)] for name, path in outside.items()}

    assert {name: its for name, its in found.items() if its} == {}


@pytest.mark.parametrize(
    "line",
    [
        "open_reader(config.store.database)",
        "store.address.database.parent",
        "def show(database): pass",
        "replace(config, database=path)",
        "from monitor.store.setting import StoreAddress\nStoreAddress(path, 'here')",
        "from monitor.store.backup import restore\nrestore(path, file, now)",
        "from monitor.store.backup import restore\nto_thread(restore, path, file, now)",
        "from monitor.store import overlap\noverlap.note_skipped_round(path, now)",
    ],
)
def test_a_line_that_knows_of_a_path_is_seen(line):
    assert [*paths_used(ast.parse(line), {*path_takers()})]


@pytest.mark.parametrize(
    "line",
    [
        "open_store(config.store).restore(file, now)",
        "from monitor.store.setting import StoreAddress\ndef show(store: StoreAddress): pass",
        "from monitor.store import overlap\noverlap.add_skipped_rounds(before, times)",
    ],
)
def test_a_line_that_asks_the_store_is_free(line):
    assert [*paths_used(ast.parse(line), {*path_takers()})] == []


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


# Who makes ids, or reads them; and whoever takes apart an address, a path, or a limit's name at the same characters.
READERS_OF_IDS = {"probes.target_id", "monitor.diagnose.subject"}
READERS_OF_ADDRESSES = {
    "monitor.store.setting",  # the address of a shared store
    "monitor.store.postgres.connection",  # likewise
    "monitor.alert.pager_address",  # the address of a channel
    "monitor.config.accounts",  # the path of a program
    "monitor.config.files",  # likewise
    "monitor.config.output_path",  # a path
    "monitor.config.secret",  # a key, or a path
    "monitor.publish.write",  # a path below the site
    "monitor.setup.address",  # the login in an address
    "monitor.setup.litellm",  # the provider in front of a model
    "monitor.web.server",  # a path below the site
    "probes.answer.echo",  # the address in an error of a client
    "probes.answer.limits_in_body",  # the name of a limit
    "probes.proxy",  # the address of a proxy
    "probes.redact",  # a mail address, and the address of a database
}
CUTS = {"split", "rsplit", "partition", "rpartition"}
ENDS = {"startswith", "endswith", "removeprefix", "removesuffix"}


def taken_apart(path):
    """Yield each line that looks for "/" or "@" within a text, or for a name that ends at one."""
    for node in ast.walk(parsed(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant("/" | "@"), *_]) if name in CUTS:
                yield node.lineno
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.JoinedStr([*_, ast.Constant("/" | "@")]), *_]) if (
                name in ENDS
            ):
                yield node.lineno
            case ast.Compare(left=ast.Constant("/" | "@"), ops=[ast.In() | ast.NotIn()]):
                yield node.lineno


def test_ids_are_taken_apart_in_one_place():
    found = {name for name, path in MODULES.items() if any(taken_apart(path))}

    assert found == READERS_OF_IDS | READERS_OF_ADDRESSES


@pytest.mark.parametrize(
    "line",
    [
        'id.partition("/")',
        'id.split("@", 1)[0]',
        "'/'.join(id.rsplit('/'))",
        '''f"{id.split('/')[0]}"''',
        'id.startswith(f"{account}/")',
        '"/" not in id',
    ],
)
def test_a_line_that_takes_an_id_apart_is_seen(line, tmp_path):
    (tmp_path / "module.py").write_text(line)

    assert list(taken_apart(tmp_path / "module.py")) == [1]


PROSE = re.compile(r"[a-z]{2}[,:;]? [\w\0]|[\w\0][,:;]? [a-z]{2}")
"""A word beside another one, or beside a place that is filled in."""


def sentences_in(tree):
    """Return the line and text of each literal that reads as prose; docstrings and what is raised for us are not."""
    silent = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
    silent |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
            text = "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
        else:
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if id(node) not in silent and PROSE.search(text):
            yield node.lineno, text


@pytest.mark.parametrize(
    "code", ['x = f"{n} answers"', 'x = "it fails"', 'say("fell, on", 1)', 'x = f"no {name} among {n}"']
)
def test_a_sentence_in_code_is_found(code):
    assert list(sentences_in(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        'x = f"{unit} {canary}"',
        'x = "credit/low"',
        'def f():\n    "Return it all."',
        'raise ValueError("only what fails")',
    ],
)
def test_a_key_a_docstring_and_an_error_are_no_sentence(code):
    assert list(sentences_in(ast.parse(code))) == []


@pytest.mark.parametrize("room", ["monitor.detect", "monitor.diagnose", "probes.doubt"])
def test_what_judges_returns_values_and_says_no_sentence(room):
    """`monitor.sentence` says them, in every language."""
    its = {name: path for name, path in MODULES.items() if room_of(name) == room}

    assert {name: found for name, path in its.items() if (found := [*sentences_in(parsed(path.read_text()))])} == {}


def names_of(path):
    """Return what a module holds at its top: what it defines, and what it imports."""
    for node in parsed(path.read_text()).body:
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
    lines = [one for one in ast.walk(parsed(path.read_text())) if isinstance(one, ast.ImportFrom)]
    for line in [one for one in lines if one.module in MODULES]:
        known = {*names_of(MODULES[line.module])}
        assert not {one.name for one in line.names if f"{line.module}.{one.name}" not in MODULES} - known, line.lineno


def test_no_two_classes_have_one_name():
    found = [
        node.name
        for path in MODULES.values()
        for node in parsed(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    ]

    assert {name for name in found if found.count(name) > 1 and not name.startswith("_")} == set()


RAISED = re.compile(r"(?:Raises?|[,;:]|or|and|else|such as|one of) ((?:\w+\.)*[A-Z]\w*[a-z]\w*)")
CLASS = re.compile(r"^ *class (\w+)", re.MULTILINE)
CLASSES = frozenset(name for path in MODULES.values() for name in CLASS.findall(path.read_text()))


def raised_in_words(text):
    """Yield each exception that a docstring names after "Raises", up to the end of the sentence."""
    for node in ast.walk(parsed(text)):
        match node:
            case ast.Expr(ast.Constant(str(said))):
                for sentence in re.findall(r"\bRaises? .*?(?:\.\s|\.?$)", " ".join(said.split())):
                    yield from RAISED.findall(sentence)


def is_exception(name, text):
    """Whether a module can mean an exception by this name: ours, a built-in, or what it imports."""
    room, _, last = name.rpartition(".")
    if room:
        return hasattr(importlib.import_module(room), last)
    nodes = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in nodes for alias in node.names}
    return name in CLASSES | imported or hasattr(builtins, name)


def test_each_exception_that_a_docstring_names_exists():
    texts = {name: path.read_text() for name, path in MODULES.items()}
    found = {
        (name, one) for name, text in texts.items() for one in raised_in_words(text) if not is_exception(one, text)
    }

    assert found == set()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Raises Gone.", ["Gone"]),
        (
            "Return it. Raises OSError if full, Gone if not, else sqlite3.Error. Never None.",
            ["OSError", "Gone", "sqlite3.Error"],
        ),
        ("Raises StoreError,\n    such as Gone; Busy while SQLite works.", ["StoreError", "Gone", "Busy"]),
        ("Raises one of Gone or Busy", ["Gone", "Busy"]),
    ],
)
def test_an_exception_in_a_docstring_is_seen(words, named):
    assert list(raised_in_words(f'def f():\n    """{words}"""\n')) == named
    assert not is_exception("Gone", "")


# Who may change what is believed

CHANGERS = {"monitor.stages.beat", "monitor.stages.evaluate", "monitor.stages.apply_config"}
"""The beat: it takes what the other stages report, judges, and goes on with another configuration in between."""
OPENERS = {"monitor.state.monitor_state", "monitor.replay.observations"}
"""Who makes a belief: of what the store remembers, and of the recorded past."""
IMMUTABLE = {"Config", "ControlResult", "Mapping", "bool", "frozenset"}


def names_in(path):
    return {node.id for node in ast.walk(parsed(path.read_text())) if isinstance(node, ast.Name)}


def test_the_beat_alone_changes_what_is_believed():
    """Every other stage gets a view, through which the type checker lets nothing be written."""
    naming = {name for name, path in MODULES.items() if "Belief" in names_in(path)}
    view = next(
        node
        for node in ast.walk(parsed(MODULES["monitor.state.belief"].read_text()))
        if isinstance(node, ast.ClassDef) and node.name == "BeliefView"
    )
    shown = {one.name: ast.unparse(one.returns).partition("[")[0] for one in view.body if hasattr(one, "returns")}

    assert naming - {"monitor.state.belief"} == CHANGERS | OPENERS
    assert set(shown.values()) <= IMMUTABLE, shown
    assert all(ast.unparse(one.decorator_list[0]) == "property" for one in view.body if hasattr(one, "decorator_list"))


def test_no_stage_but_the_beat_gets_the_whole_state():
    naming = {name for name, path in MODULES.items() if "MonitorState" in names_in(path)}

    assert {name for name in naming if room_of(name) == "monitor.stages"} == {
        "monitor.stages.beat",
        "monitor.stages.apply_config",
    }
    assert {room_of(name) for name in naming} == {
        "monitor.state",
        "monitor.stages",
        "monitor.runtime",
        "monitor.commands",
    }


def is_mutable_struct(node):
    return "Struct" in map(ast.unparse, node.bases) and "frozen" not in {one.arg for one in node.keywords}


def mutable_structs():
    for name, path in MODULES.items():
        for node in ast.walk(parsed(path.read_text())):
            if isinstance(node, ast.ClassDef) and is_mutable_struct(node):
                yield f"{name}.{node.name}", sum(isinstance(one, ast.AnnAssign) for one in node.body)


def test_no_class_of_state_has_more_than_twelve_fields():
    assert {name: fields for name, fields in mutable_structs() if fields > 12} == {}
