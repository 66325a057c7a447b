"""The floor plan, checked: a new file has to argue for its line here."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each module may import besides the standard library, and msgspec, of which every value is made.
# Nothing below imports upward.
MODEL = {"probes.model"}
WAY = {"probes.model", "probes.proxy"}
READING = {"probes.notice", "probes.feeds.report", "probes.feeds.text", "probes.feeds.word"}
PLAN = {
    "probes.transport": set(),
    "probes.answer": set(),
    "monitor.web": set(),
    "monitor.web.connection_limit": {"aiohttp"},
    "monitor.web.server": {
        *("aiohttp", "monitor.alert.link", "monitor.alert.reply", "monitor.web.connection_limit"),
        *("monitor.publish.render", "monitor.publish.snapshot"),
    },
    "monitor.commands": set(),
    "monitor.replay": set(),
    "monitor.runtime": set(),
    "monitor.liveness": set(),
    "monitor.slo": set(),
    "monitor.stages": set(),
    "monitor.config": set(),
    "monitor.diagnose": set(),
    "probes": set(),
    "probes.proxy": {"probes.redact"},
    "probes.model": {"probes.proxy"},
    "probes.transport.progress": WAY,
    "probes.transport.certificate": {"probes.transport.progress"},
    "probes.transport.client": {"aiohttp", "probes.transport.progress", "probes.proxy", "probes.transport.certificate"},
    "probes.transport.failure": {
        "aiohttp",
        *WAY,
        "probes.transport.progress",
        "probes.transport.body",
        "probes.transport.certificate",
    },
    "probes.reading": set(),
    "probes.redact": {"probes.reading"},
    "probes.border": {"probes.model", "probes.redact"},
    "probes.document": {"jsonschema", "probes.border", "probes.redact"},
    "probes.header": set(),
    "probes.remedy": {"probes.model", "probes.provider"},
    "probes.provider": {"probes.hint", "probes.model"},
    "probes.catalog": {"probes.model", "probes.answer.balance", "probes.document", "probes.header", "probes.provider"},
    "probes.answer.balance": {"jmespath", "probes.model", "probes.provider", "probes.redact"},
    "probes.answer.deprecation": {"probes.model", "probes.provider"},
    "probes.answer.sse": set(),
    "probes.answer.payload": {"probes.model"},
    "probes.answer.dialects": {"probes.answer.payload", "probes.provider"},
    "probes.answer.proof": {
        "probes.answer.balance",
        "probes.answer.dialects",
        "probes.answer.payload",
        "probes.provider",
        "probes.answer.sse",
    },
    "probes.answer.echo": set(),
    "probes.answer.frame": set(),
    "probes.answer.literal": set(),
    "probes.answer.error_body": {
        "probes.answer.echo",
        "probes.answer.frame",
        "probes.answer.literal",
        "probes.answer.payload",
        "probes.answer.proof",
        "probes.answer.sse",
    },
    "probes.answer.excerpt": {
        "probes.answer.literal",
        "probes.answer.payload",
        "probes.answer.proof",
        "probes.answer.sse",
    },
    "probes.answer.classify": {
        *(
            "probes.model",
            "probes.provider",
            "probes.answer.error_body",
            "probes.answer.excerpt",
            "probes.answer.payload",
            "probes.answer.proof",
        ),
    },
    "probes.answer.limits_in_headers": {"probes.model"},
    "probes.notice": set(),
    "probes.control": {"probes.canary", *WAY, "probes.provider", "probes.transport.certificate"},
    "probes.answer.limits_in_body": {
        "probes.model",
        "probes.answer.error_body",
        "probes.answer.literal",
        "probes.answer.limits_in_headers",
    },
    "probes.feeds": set(),
    "probes.feeds.report": {"probes.notice"},
    "probes.feeds.text": {"probes.redact"},
    "probes.feeds.charset": set(),
    "probes.feeds.word": {"probes.notice", "probes.feeds.text"},
    "probes.feeds.syndication": {"feedparser", "probes.feeds.report", "probes.feeds.text"},
    "probes.feeds.astray": {"probes.notice", "probes.feeds.text", "probes.feeds.word"},
    "probes.feeds.payload": {*READING, "probes.feeds.astray"},
    "probes.feeds.story": {*READING, "probes.feeds.syndication"},
    "probes.feeds.statuspage": {*READING, "probes.feeds.payload"},
    "probes.feeds.hosted": {*READING, "probes.feeds.payload"},
    "probes.feeds.cloud": {*READING, "probes.feeds.payload"},
    "probes.feeds.parse": {
        *(
            "probes.provider",
            "probes.feeds.charset",
            "probes.feeds.cloud",
            "probes.feeds.hosted",
            "probes.feeds.report",
        ),
        *("probes.feeds.statuspage", "probes.feeds.story", "probes.feeds.syndication"),
    },
    "probes.feeds.fold": {"probes.notice", "probes.feeds.report"},
    "probes.feeds.poll": {
        *("probes.border", *WAY, "probes.transport.failure", "probes.transport.progress", "probes.transport.client"),
        *(
            "aiohttp",
            "probes.notice",
            "probes.provider",
            "probes.transport.body",
            "probes.feeds.fold",
            "probes.feeds.parse",
        ),
        *("probes.feeds.report", "probes.feeds.text"),
    },
    "probes.feeds.distrust": {"probes.notice"},
    "probes.feeds.pace": {"probes.notice"},
    "probes.hint": set(),
    "probes.advice": {"probes.hint", "probes.model", "probes.provider"},
    "probes.transport.body": {"aiohttp"},
    "probes.canary": {
        *("aiohttp", "yarl", "probes.model", "probes.provider", "probes.answer.dialects", "probes.answer.classify"),
        "probes.border",
        *(
            "probes.answer.error_body",
            "probes.answer.balance",
            "probes.header",
            "probes.answer.payload",
            "probes.answer.proof",
            "probes.answer.deprecation",
        ),
        "probes.answer.sse",
        *("probes.answer.limits_in_headers", "probes.redact", "probes.answer.limits_in_body", "probes.transport.body"),
        *(
            "probes.transport.failure",
            "probes.transport.progress",
            "probes.proxy",
            "probes.transport.client",
            "probes.transport.certificate",
        ),
    },
    "probes.answer.command_output": {
        *("probes.model", "probes.provider", "probes.answer.classify", "probes.answer.error_body"),
        *("probes.answer.excerpt", "probes.answer.literal", "probes.answer.payload", "probes.answer.proof"),
    },
    "probes.command": {
        *("probes.provider", "probes.answer.command_output", "probes.redact", "probes.canary", *WAY),
    },
    "probes.attempt": {"probes.model", "probes.provider", "probes.canary", "probes.command"},
    "monitor": set(),
    "monitor.__main__": {"monitor.cli"},
    "monitor.diagnose.status_source": {
        *(
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.incident",
            "monitor.diagnose.witness",
            "probes.feeds.distrust",
            "probes.feeds.fold",
        ),
        *("probes.model", "probes.notice"),
    },
    "monitor.detect.limit_window": set(),
    "monitor.detect": set(),
    "monitor.detect.health": MODEL,
    "monitor.detect.finding": MODEL,
    "monitor.detect.flap": {"probes.model", "monitor.detect.finding", "monitor.detect.health"},
    "monitor.detect.seasonality": set(),
    "monitor.detect.latency": {"probes.model", "monitor.detect.finding", "monitor.detect.seasonality"},
    "monitor.detect.limits": {"probes.model", "monitor.detect.finding", "monitor.detect.limit_window"},
    "monitor.detect.intermittent": {"probes.model", "monitor.detect.finding"},
    "monitor.detect.shared_latency": {"probes.model", "monitor.detect.finding", "monitor.detect.latency"},
    "monitor.detect.target_memory": {
        *("probes.model", "monitor.detect.finding", "monitor.detect.flap", "monitor.detect.intermittent"),
        *("monitor.detect.health", "monitor.detect.latency", "monitor.detect.limits"),
    },
    "monitor.detect.credit": {"probes.model", "monitor.detect.finding"},
    "monitor.detect.reminder": {"probes.model", "monitor.detect.finding"},
    "monitor.detect.model_list": {"probes.model", "monitor.detect.finding"},
    "monitor.detect.warning": {"probes.model", "monitor.detect.finding"},
    "monitor.detect.account_memory": {
        *("probes.model", "monitor.detect.credit", "monitor.detect.finding"),
        *("monitor.detect.model_list", "monitor.detect.warning"),
    },
    "monitor.schedule": {"probes.model", "monitor.detect.health"},
    "monitor.diagnose.witness": {"probes.model", "probes.notice"},
    "monitor.diagnose.diagnosis": {
        *("probes.model", "monitor.detect.finding", "monitor.detect.health", "monitor.detect.reminder"),
        *("monitor.diagnose.reason", "monitor.diagnose.witness"),
    },
    "monitor.diagnose.reason": {"probes.model"},
    "monitor.diagnose.incident": {
        "probes.model",
        "monitor.detect.health",
        "monitor.diagnose.diagnosis",
        "monitor.diagnose.reason",
    },
    "monitor.store.overlap": set(),
    "monitor.store.clock": set(),
    "monitor.slo.indicator": set(),
    "monitor.liveness.heartbeat": {
        "aiohttp",
        "probes.transport.failure",
        *WAY,
        "probes.transport.progress",
        "probes.transport.client",
    },
    "monitor.config.proxy_road": {
        "monitor.config.secret",
        "probes.document",
        "probes.proxy",
        "probes.transport.certificate",
    },
    "monitor.liveness.systemd": set(),
    "monitor.runtime.shutdown": set(),
    "monitor.thread": set(),
    "monitor.deadline": set(),
    "monitor.replay.tuning": {
        "probes.model",
        "monitor.replay.alerts",
        "monitor.detect.health",
        "monitor.diagnose.incident",
    },
    "monitor.replay.control_probes": {"probes.model", "monitor.diagnose.incident", "monitor.diagnose.reason"},
    "monitor.replay.observations": {
        *(
            "probes.model",
            "monitor.alert.case",
            "monitor.replay.alerts",
            "monitor.stages.belief",
            "monitor.config.load",
        ),
        *(
            "monitor.detect.intermittent",
            "monitor.detect.health",
            "monitor.detect.target_memory",
            "monitor.diagnose.diagnosis",
        ),
        *(
            "monitor.replay.control_probes",
            "monitor.diagnose.incident",
            "monitor.stages.evaluate",
            "monitor.store.reader",
            "monitor.replay.tuning",
        ),
    },
    "monitor.diagnose.stage_failure": {"probes.model", "monitor.diagnose.diagnosis", "monitor.diagnose.incident"},
    "monitor.slo.objective": {"probes.model", "monitor.diagnose.diagnosis", "monitor.diagnose.incident"},
    "monitor.words": {
        *("probes.model", "probes.notice"),
        *(
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.incident",
            "monitor.diagnose.reason",
            "monitor.detect.limit_window",
        ),
    },
    "monitor.config.secret": {"probes.document", "probes.redact"},
    "monitor.config.key_form": {"probes.provider"},
    "monitor.config.file_access": {"monitor.config.secret"},
    "monitor.config.misplaced_key": {"probes.document", "probes.redact"},
    "monitor.config.output_path": {"probes.document"},
    "monitor.config.load": {
        *("probes.model", "probes.document", "probes.provider", "probes.catalog"),
        *("monitor.alert.digest", "monitor.alert.link", "monitor.alert.rule", "monitor.config.alerting"),
        *("monitor.detect.credit", "monitor.detect.health", "monitor.detect.account_memory", "monitor.detect.reminder"),
        *(
            "monitor.schedule",
            "monitor.config.secret",
            "monitor.config.section",
            "monitor.slo.objective",
            "monitor.diagnose.witness",
            "probes.redact",
        ),
        *(
            "monitor.config.key_form",
            "monitor.config.misplaced_key",
            "monitor.config.output_path",
            "monitor.config.proxy_road",
            "probes.header",
            "probes.proxy",
            "probes.remedy",
        ),
    },
    "monitor.config.cost": {
        *("probes.answer.dialects", "probes.document", "probes.model", "probes.provider", "monitor.config.load"),
        "monitor.schedule",
    },
    "monitor.publish.advice": {
        *(
            "probes.advice",
            "probes.model",
            "probes.proxy",
            "probes.remedy",
            "monitor.config.load",
            "monitor.detect.health",
        ),
        *(
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.incident",
            "monitor.publish.shared_risk",
            "monitor.publish.status",
        ),
        *("monitor.publish.snapshot", "monitor.publish.usable"),
    },
    "monitor.store": set(),
    "monitor.storage_refusal": set(),
    "monitor.store.expected_schema": {"monitor.storage_refusal"},
    "monitor.store.standby_path": set(),
    "monitor.store.file_system": set(),
    "monitor.store.connection": {
        *(
            "monitor.store.backup",
            "monitor.store.expected_schema",
            "monitor.storage_refusal",
            "monitor.store.standby_path",
        ),
        *("monitor.store.schema", "probes.document"),
    },
    "monitor.store.backup": {
        *(
            "monitor.store.connection",
            "monitor.store.expected_schema",
            "monitor.storage_refusal",
            "monitor.store.standby_path",
        ),
        "probes.document",
    },
    "monitor.store.transfer": {"monitor.store.connection", "monitor.storage_refusal"},
    "monitor.store.standby": {
        *("probes.model", "monitor.store.transfer", "monitor.store.connection", "monitor.store.backup"),
        *("monitor.store.expected_schema", "monitor.storage_refusal", "monitor.store.rollup", "monitor.store.writer"),
    },
    "monitor.store.schema": {"monitor.store.expected_schema", "sqlite_utils"},
    "monitor.store.value": {
        "monitor.store.clock",
        *("probes.model", "monitor.detect.health", "monitor.detect.account_memory", "monitor.diagnose.incident"),
        *("monitor.detect.shared_latency", "monitor.detect.target_memory", "monitor.alert.case", "monitor.alert.reply"),
        "monitor.schedule",
    },
    "monitor.alert.outbox": {"monitor.alert.case", "monitor.diagnose.incident"},
    "monitor.store.writer": {
        "monitor.alert.outbox",
        *("monitor.store.expected_schema", "monitor.storage_refusal"),
        "monitor.store.overlap",
        *(
            "probes.model",
            "monitor.diagnose.status_source",
            "monitor.diagnose.stage_failure",
            "monitor.alert.case",
            "monitor.alert.reply",
        ),
        "monitor.detect.health",
        "monitor.store.connection",
        "monitor.detect.limits",
        "monitor.detect.account_memory",
        "monitor.diagnose.incident",
        "monitor.schedule",
        "monitor.store.value",
    },
    "monitor.store.reader": {
        *(
            "monitor.alert.storage_notice",
            "monitor.storage_refusal",
        ),
        "monitor.store.clock",
        "monitor.store.overlap",
        "monitor.detect.limits",
        *(
            "probes.model",
            "monitor.detect.health",
            "monitor.detect.account_memory",
            "monitor.diagnose.incident",
            "monitor.schedule",
        ),
        *("monitor.detect.latency", "monitor.detect.shared_latency", "monitor.detect.target_memory"),
        *("monitor.alert.case", "monitor.alert.reply"),
        *(
            "monitor.slo.indicator",
            "monitor.slo.objective",
            "monitor.diagnose.status_source",
            "monitor.diagnose.stage_failure",
            "monitor.store.value",
        ),
    },
    "monitor.store.salvage": {
        *(
            "probes.border",
            "monitor.diagnose.incident",
            "monitor.storage_refusal",
            "monitor.store.value",
            "monitor.store.writer",
        ),
    },
    "monitor.store.rollup": {
        "monitor.store.connection",
        "monitor.slo.indicator",
        "monitor.store.reader",
        "monitor.store.value",
    },
    "monitor.alert": set(),
    "monitor.config.section": set(),
    "monitor.alert.window": {"cronsim", "dateutil", "monitor.deadline"},
    "monitor.alert.digest": {"monitor.alert.case", "monitor.alert.rule"},
    "monitor.replay.alerts": {
        *("monitor.alert.case", "monitor.alert.digest", "monitor.alert.reply", "monitor.alert.routing"),
        *("monitor.alert.rule", "monitor.diagnose.incident"),
    },
    "monitor.alert.rule": {
        "probes.model",
        "monitor.alert.window",
        "monitor.diagnose.diagnosis",
        "monitor.diagnose.incident",
    },
    "monitor.config.alerting": {
        *("probes.document", "probes.model", "monitor.alert.digest", "monitor.alert.rule"),
        *("monitor.alert.window", "monitor.diagnose.diagnosis", "monitor.diagnose.incident", "monitor.config.section"),
    },
    "monitor.alert.storage_notice": {
        *("monitor.alert.case", "monitor.alert.rule", "monitor.diagnose.incident", "monitor.storage_refusal"),
    },
    "monitor.alert.link": {"monitor.alert.reply", "monitor.alert.rule"},
    "monitor.alert.ical": {"icalendar", "monitor.alert.rule"},
    "monitor.web.link_reply": {
        "monitor.store.replies",
        *(
            "probes.redact",
            "monitor.alert.link",
            "monitor.alert.reply",
            "monitor.alert.rule",
            "monitor.diagnose.incident",
        ),
        *("monitor.store.mailbox", "monitor.web.server", "monitor.store.connection", "monitor.store.reader"),
        *("monitor.storage_refusal", "monitor.words"),
    },
    "monitor.commands.alerts": {
        "monitor.store.replies",
        *("monitor.alert.case", "monitor.alert.ical", "monitor.replay.alerts", "monitor.alert.reply"),
        *(
            "monitor.alert.routing",
            "monitor.alert.rule",
            "monitor.config.load",
            "monitor.store.connection",
            "monitor.store.reader",
            "monitor.words",
        ),
        *("monitor.diagnose.incident", "probes.document"),
    },
    "monitor.alert.case": {"probes.model", "monitor.diagnose.diagnosis", "monitor.diagnose.incident"},
    "monitor.store.mailbox": set(),
    "monitor.alert.reply": {"monitor.alert.rule"},
    "monitor.store.replies": {
        *("probes.border", "monitor.store.mailbox", "monitor.alert.reply"),
        *("monitor.storage_refusal", "monitor.store.standby_path"),
    },
    "monitor.alert.grouping": {
        "probes.model",
        "monitor.detect.flap",
        "monitor.diagnose.diagnosis",
        "monitor.diagnose.incident",
    },
    "monitor.alert.routing": {
        *("monitor.alert.case", "monitor.alert.grouping", "monitor.alert.reply", "monitor.alert.rule"),
        *("monitor.alert.window", "monitor.detect.flap", "monitor.detect.health", "monitor.diagnose.diagnosis"),
        "monitor.diagnose.incident",
    },
    "monitor.alert.text": {
        *("jinja2", "markupsafe", "probes.model", "monitor.alert.case", "monitor.alert.evidence", "monitor.alert.rule"),
        *(
            "monitor.alert.grouping",
            "monitor.alert.storage_notice",
            "monitor.deadline",
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.incident",
        ),
        "monitor.words",
    },
    "monitor.alert.evidence": {"probes.model", "monitor.diagnose.diagnosis", "monitor.words"},
    "monitor.alert.address": {"apprise", "monitor.alert.rule", "probes.proxy"},
    "monitor.alert.deliver": {
        "monitor.alert.case",
        *(
            "probes.redact",
            "monitor.alert.address",
            "monitor.alert.rule",
            "monitor.alert.text",
            "monitor.diagnose.incident",
        ),
        "monitor.alert.outbox",
    },
    "monitor.publish": set(),
    "monitor.publish.collect": {
        *("monitor.storage_refusal",),
        "monitor.store.overlap",
        *(
            "probes.model",
            "monitor.publish.advice",
            "monitor.config.load",
            "monitor.detect.credit",
            "monitor.detect.health",
        ),
        *(
            "monitor.detect.account_memory",
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.status_source",
            "probes.notice",
        ),
        *("monitor.diagnose.incident", "monitor.publish.snapshot", "monitor.schedule", "monitor.slo.indicator"),
        *("probes.catalog", "monitor.publish.ability", "monitor.publish.rotation", "monitor.publish.status"),
        *("monitor.store.reader", "monitor.slo.objective", "monitor.detect.latency", "monitor.detect.limits"),
    },
    "monitor.stages.belief": {
        *(
            "probes.model",
            "monitor.alert.case",
            "monitor.config.load",
            "monitor.detect.finding",
            "monitor.detect.health",
        ),
        *(
            "monitor.detect.latency",
            "monitor.detect.account_memory",
            "monitor.detect.shared_latency",
            "monitor.detect.reminder",
        ),
        *(
            "monitor.detect.target_memory",
            "monitor.diagnose.diagnosis",
            "monitor.diagnose.incident",
            "monitor.diagnose.status_source",
            "monitor.diagnose.witness",
        ),
    },
    "monitor.stages.state": {
        *(
            "monitor.alert.storage_notice",
            "monitor.store.standby",
            "monitor.store.file_system",
            "monitor.storage_refusal",
            "monitor.store.standby_path",
        ),
        "monitor.stages.belief",
        "monitor.store.clock",
        *("monitor.alert.case", "monitor.alert.reply", "monitor.alert.routing", "monitor.alert.text"),
        *(
            "monitor",
            "monitor.alert.deliver",
            "monitor.config.load",
            "monitor.detect.health",
            "monitor.diagnose.incident",
        ),
        *(
            "monitor.diagnose.diagnosis",
            "monitor.slo.objective",
            "monitor.diagnose.stage_failure",
            "monitor.liveness.systemd",
            "monitor.publish.rotation",
        ),
        *("monitor.thread", "monitor.detect.account_memory"),
        *("monitor.schedule", "monitor.store.connection", "monitor.store.reader", "monitor.store.value"),
        *(
            "monitor.store.salvage",
            "monitor.store.writer",
            "probes.canary",
            "probes.catalog",
            "probes.model",
            "probes.remedy",
        ),
        *("monitor.alert.rule", "probes.attempt", "probes.control", "probes.feeds.poll", "probes.notice"),
        *("probes.provider", "probes.proxy"),
    },
    "monitor.log": {"probes.redact"},
    "monitor.commands.pasted_answer": set(),
    "monitor.commands.tables": {
        *("rich", "probes.advice", "probes.model", "probes.provider", "probes.remedy", "monitor.config.cost"),
        *("monitor.detect.health", "monitor.publish.shared_risk", "monitor.publish.status", "monitor.publish.snapshot"),
        *("monitor.detect.latency", "monitor.schedule", "probes.proxy"),
        *("monitor.slo.objective", "monitor.replay.tuning", "monitor.words"),
    },
}
# Where all stages meet; they import what they join.
ROOFS = {
    "monitor.runtime.loop",
    "monitor.runtime.round",
    "monitor.stages.evaluate",
    "monitor.stages.poll_status",
    "monitor.stages.notify",
    "monitor.stages.deliver",
    "monitor.stages.liveness",
    "monitor.runtime.supervisor",
    "monitor.stages.beat",
    "monitor.stages.drill",
    "monitor.stages.objectives",
    "monitor.stages.plan",
    "monitor.stages.probe",
    "monitor.stages.publish",
    "monitor.stages.reload",
    "monitor.stages.retention",
    "monitor.stages.spend",
    "monitor.runtime.daemon",
    "monitor.commands.demo",
    "monitor.commands.oneshot",
    "monitor.commands.template_check",
    "monitor.cli",
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


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in dict(modules()) else node.module


def is_everywhere(name):
    return name.partition(".")[0] in {*sys.stdlib_module_names, "msgspec"}


def outside(name):
    """A third party is one thing, whichever of its modules is used."""
    return name if name.startswith(("monitor", "probes")) else name.partition(".")[0]


@pytest.mark.parametrize(("name", "path"), [pytest.param(*one, id=one[0]) for one in modules()])
def test_a_module_imports_exactly_what_its_line_of_the_plan_allows(name, path):
    used = {outside(one) for one in imports(path) if not is_everywhere(one)}

    if name in ROOFS:
        return
    if name.startswith(("probes.simulator", "monitor.publish")):
        floor = "monitor." if name.startswith("probes") else "monitor.runtime.loop"
        assert not {one for one in used if one.startswith(floor)}
        return
    assert used == PLAN[name]


def test_every_line_of_the_plan_has_its_module():
    assert set(PLAN) | ROOFS <= {name for name, _ in modules()}


def test_the_probes_know_nothing_of_the_monitor():
    for name, path in modules():
        if name.startswith("probes"):
            assert not [one for one in imports(path) if one.startswith("monitor")], name


def test_no_room_is_called_after_nothing():
    for name, _ in modules():
        assert not REFUSED & set(name.split(".")), name


def test_the_top_level_holds_what_it_is_known_to_hold():
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    here = {path.name for path in ROOT.iterdir()} - {".git"} - ignored
    assert {name for name in here if not re.fullmatch(r".*\.egg-info|.*\.db.*", name)} <= TOP


def test_the_product_does_not_know_of_tests():
    for name, path in modules():
        assert not re.search(r"\bpytest\b|\bunittest\b|\bmock\b", path.read_text()), name
