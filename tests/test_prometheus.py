"""The shipped rules, as Prometheus itself evaluates them on what we write."""

import asyncio
import json
import re
import shutil
import subprocess
from contextlib import asynccontextmanager, suppress
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientError, ClientSession, web
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.metrics import render_metrics
from monitor.publish.snapshot import ProviderView
from monitor.publish.status import current_state
from monitor.publish.usable import assess_usability, pick
from monitor.web.server import site_app
from probes.model import Fault
from tests.builders_page import LONG_AGO, NOW, account, in_full, incident, shown, sick, snapshot, target
from tests.rows import each_row
from tests.test_web_server import free_port

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "alerts.yml"
SHIPPED = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
FAULT = "{{ with $labels.fault }}: {{ . }}{{ end }}"
"""What a summary says of a fault, where one is known."""
PROMTOOL = shutil.which("promtool")

ILL = sick("openai/ill", Fault.ACCOUNT_SUSPENDED)
LIMITED = account(
    "openai/busy",
    [target("openai/busy", one, State.DOWN, fault=Fault.RATE_LIMITED) for one in ("list", "chat")],
)
NEVER = account("openai/new", [target("openai/new", one, State.SUSPECTED, well_at=None) for one in ("list", "chat")])
UNSEEN = account("openai/unseen", state=State.UNKNOWN)
LISTLESS = account("openai/part", [target("openai/part", "list", State.DOWN), target("openai/part")])
ALONE = shown(incident("", Fault.CONNECTION_FAILED, Scope.MONITOR))
PARTNER = account("openai/partner", ties=("login jo",))
TIED = sick("openai/ill", Fault.ACCOUNT_SUSPENDED, ties=("login jo",))

CASES = {
    "all well": (snapshot(account()), set()),
    "suspended": (snapshot(account(), ILL), {"AccountDown openai/ill account_suspended"}),
    "429 to everything": (snapshot(account(), LIMITED), {"AccountDown openai/busy rate_limited"}),
    "never answered well": (snapshot(NEVER), {"AccountDown openai/new timeout", "NoUsableAccount openai"}),
    "only its list fails": (snapshot(LISTLESS), {"AccountInTrouble openai/part timeout"}),
    "not known": (snapshot(UNSEEN), {"AccountNotKnown openai/unseen", "NoUsableAccount openai"}),
    "well, and not known": (snapshot(account(), UNSEEN), {"AccountNotKnown openai/unseen"}),
    "lost, and not known": (
        snapshot(ILL, UNSEEN),
        {"AccountDown openai/ill account_suspended", "AccountNotKnown openai/unseen", "NoUsableAccount openai"},
    ),
    "none usable": (
        snapshot(ILL, LIMITED),
        {"AccountDown openai/ill account_suspended", "AccountDown openai/busy rate_limited", "NoUsableAccount openai"},
    ),
    "offline": (
        snapshot(account(), LIMITED, open_incidents=(ALONE,)),
        {"AccountNotKnown openai/main", "AccountNotKnown openai/busy", "NoUsableAccount openai"},
    ),
    "belongs to a suspended one": (
        snapshot(PARTNER, TIED),
        {"AccountDown openai/ill account_suspended", "AccountWithheld openai/partner", "NoUsableAccount openai"},
    ),
    "belongs to a suspended one, beside one that does not": (
        snapshot(PARTNER, TIED, account()),
        {"AccountDown openai/ill account_suspended", "AccountWithheld openai/partner"},
    ),
}


def written(shot):
    """Return the samples: name with labels, and value."""
    lines = render_metrics(shot, current_state(shot)).classic.decode().splitlines()
    return [tuple(line.rsplit(" ", 1)) for line in lines if line.startswith("llm_account_")]


@each_row("shot", [shot for shot, _ in CASES.values()], ids=CASES)
def test_the_metric_is_what_usable_says(shot):
    told = dict(written(shot))
    for one in assess_usability(shot, current_state(shot)):
        provider, _, name = one.account.partition("/")
        labels = f'{{provider="{provider}",account="{name}"}}'
        up = told.get(f"llm_account_up{labels}")
        assert (up and float(up) > 0) == one.usable if one.usable is not None else up is None
        assert float(told[f"llm_account_known{labels}"]) == (one.usable is not None)


@each_row(("shot", "alerts"), CASES.values(), ids=CASES.keys())
def test_what_makes_pick_fail_is_what_the_rule_says(shot, alerts):
    """`pick` exits 1 where this finds none."""
    best = pick(assess_usability(shot, current_state(shot)), "openai")
    assert (best is None) == ("NoUsableAccount openai" in alerts)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(("shot", "alerts"), CASES.values(), ids=CASES.keys())
def test_the_rules_fire_on_exactly_that(tmp_path, shot, alerts):
    check_rules(tmp_path, as_test(shot, alerts))


def check_rules(folder, test):
    file = folder / "test.yml"
    file.write_text(test)
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


KINDS = {
    "well": {},
    "suspended": {"state": State.DOWN, "fault": Fault.ACCOUNT_SUSPENDED},
    "tied": {},
    "limited": {"state": State.DOWN, "fault": Fault.RATE_LIMITED},
    "suspected": {"state": State.SUSPECTED},
    "never": {"state": State.SUSPECTED, "well_at": None},
    "unseen": {"state": State.UNKNOWN},
    "late": {"seen_at": LONG_AGO},
}


def of_kind(provider, number, kind):
    id = f"{provider}/{number}"
    ties = ("login jo",) if kind in ("tied", "suspended") else ()
    return account(id, [target(id, canary, **KINDS[kind]) for canary in ("list", "chat")], ties=ties)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_rule_and_pick_agree_on_all_pairs_of_kinds_of_accounts(tmp_path):
    pairs = enumerate(combinations_with_replacement(KINDS, 2))
    views = [
        ProviderView(f"p{at}", f"P{at}", tuple(of_kind(f"p{at}", *one) for one in enumerate(kinds)))
        for at, kinds in pairs
    ]
    shot = snapshot(providers=tuple(views))
    every = assess_usability(shot, current_state(shot))
    alerts = {f"NoUsableAccount {one.id}" for one in views if pick(every, one.id) is None}
    assert 0 < len(alerts) < len(views)
    check_rules(tmp_path, as_test(shot, alerts, ("NoUsableAccount",)))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(("until", "alerts"), [(600, {"NoUsableAccount openai"}), (1300, set())])
def test_what_nobody_writes_anew_is_too_old_for_the_rule_as_it_is_for_pick(tmp_path, until, alerts):
    labels = '{provider="openai",account="main"}'
    series = [(f"llm_account_offered{labels}", 1), (f"llm_account_valid_until_timestamp_seconds{labels}", until)]
    check_rules(tmp_path, as_rule_test(series, alerts, ("NoUsableAccount",)))


def dashboard():
    return json.loads((DEPLOY / "grafana.json").read_text())


def expressions():
    """What the dashboard asks for, with its variables filled in."""
    for panel in dashboard()["panels"]:
        for one in panel["targets"]:
            yield one["expr"].replace("$__rate_interval", "1m").replace("$provider", ".*")


def test_the_dashboard_asks_for_each_metric_in_a_panel_of_its_own():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(one["expr"] for panel in panels for one in panel["targets"])
    assert not any("$" in one for one in expressions())


@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_rules_and_dashboard_ask_only_for_what_is_written(file):
    shot = in_full()
    families = text_string_to_metric_families(render_metrics(shot, current_state(shot)).open.decode())
    written = {one.name for family in families for one in family.samples}
    recorded = {part for rule in SHIPPED if "record" in rule for part in rule["record"].split(":")}
    asked = set(re.findall(r"\bllm_\w+", (DEPLOY / file).read_text())) - recorded

    assert asked
    assert asked <= written


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_what_is_written_is_as_promtool_wants_it():
    shot = in_full()
    text = render_metrics(shot, current_state(shot)).classic
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed (Debian: prometheus)")
def test_prometheus_scrapes_it_with_its_exemplars_and_finds_all_that_rules_and_dashboard_ask_for(tmp_path):
    shot = in_full()
    text = render_metrics(shot, current_state(shot))
    (tmp_path / "metrics.prom").write_bytes(text.classic)
    (tmp_path / "metrics.om").write_bytes(text.open)

    async def play():
        async with served(tmp_path) as target, prometheus(tmp_path, target) as ask:
            await until_scraped(ask, times=3)
            asked = {*expressions(), *(rule["expr"] for rule in SHIPPED if "record" in rule)}
            found = {one: (await ask("query", query=one))["result"] for one in asked}
            span = {"start": NOW.timestamp() - 86400, "end": NOW.timestamp()}
            exemplars = await ask("query_exemplars", query="llm_probes_total", **span)
            return found, exemplars

    found, exemplars = asyncio.run(play())
    assert [one for one, result in found.items() if not result and "stage_restarts" not in one] == []
    (series,) = exemplars
    assert series["seriesLabels"]["fault"] == "account_suspended"
    assert [one["labels"] for one in series["exemplars"]] == [{"incident": incident("openai/c").id}]


@asynccontextmanager
async def served(folder):
    runner = web.AppRunner(site_app(folder))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def prometheus(folder, target):
    """A Prometheus that scrapes the target each second; yields what asks its API."""
    scrape = {"job_name": "monitor", "static_configs": [{"targets": [target]}]}
    paces = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings = {"global": paces, "rule_files": [str(RULES)], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    port = free_port()
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "enable-feature": "exemplar-storage",
    }
    process = await asyncio.create_subprocess_exec(
        "prometheus", *(f"--{name}={value}" for name, value in options.items()), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with ClientSession(f"http://127.0.0.1:{port}") as session:

            async def ask(what, **parameters):
                async with session.get(f"/api/v1/{what}", params=parameters) as response:
                    told = await response.json()
                    assert told["status"] == "success", (parameters, told)
                    return told["data"]

            yield ask
    finally:
        process.kill()
        await process.wait()


async def until_scraped(ask, times):
    """Wait until it has scraped so often: a rate needs two values."""
    async with asyncio.timeout(30):
        while True:
            with suppress(ClientError):
                result = (await ask("query", query=f"count_over_time(llm_monitor_info[1m]) >= {times}"))["result"]
                if result:
                    return
            await asyncio.sleep(0.2)


NAMES = ("AccountDown", "AccountInTrouble", "AccountNotKnown", "AccountWithheld", "NoUsableAccount")


def as_test(shot, alerts, names=NAMES):
    return as_rule_test(written(shot), alerts, names)


def as_rule_test(samples, alerts, names):
    """Return a test for promtool: the samples stand for 20 minutes, then exactly these alerts fire."""
    series = [f"    - {{series: '{name}', values: '{value}x20'}}" for name, value in samples]
    asked = "".join(
        f"    - {{eval_time: 20m, alertname: {name}, exp_alerts: [{', '.join(_expected(name, alerts))}]}}\n"
        for name in names
    )
    head = f"rule_files: [{RULES}]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
    return head + "\n".join(series) + f"\n  alert_rule_test:\n{asked}"


def _expected(name, alerts):
    (rule,) = [one for one in SHIPPED if one.get("alert") == name]
    for provider, its, fault in sorted(_parts(alert) for alert in alerts if alert.split()[0] == name):
        labels = {"provider": provider, "account": its, "fault": fault, "blame": fault and Fault(fault).blame.value}
        told = {key: value for key, value in labels.items() if value} | rule["labels"]
        summary = _filled(rule["annotations"]["summary"], told)
        yield f"{{exp_labels: {json.dumps(told)}, exp_annotations: {{summary: {json.dumps(summary)}}}}}"


def _parts(alert):
    """Return the provider, account and fault that an alert is about, empty where it names none."""
    _, subject, fault = (*alert.split(), "")[:3]
    provider, _, account = subject.partition("/")
    return provider, account, fault


def _filled(summary, labels):
    """Return the words that Prometheus makes of a summary."""
    summary = summary.replace(FAULT, f": {labels['fault']}" if "fault" in labels else "")
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], summary)


SERIES = {
    "an account is down, and its fault is not known": (
        [('llm_account_up{provider="openai",account="main"}', "0x60")],
        ("AccountDown", {"provider": "openai", "account": "main"}),
    ),
    "most probes fail, mostly of one fault": (
        [
            ('llm_probes_total{provider="openai",account="a",outcome="ok",fault=""}', "0+1x60"),
            ('llm_probes_total{provider="openai",account="a",outcome="failed",fault="server_error"}', "0+3x60"),
            ('llm_probes_total{provider="openai",account="b",outcome="failed",fault="timeout"}', "0+1x60"),
            ('llm_probes_total{provider="groq",account="a",outcome="ok",fault=""}', "0+3x60"),
            ('llm_probes_total{provider="groq",account="a",outcome="failed",fault="timeout"}', "0+1x60"),
            ('llm_probes_total{provider="groq",account="b",outcome="unknown",fault=""}', "0+9x60"),
        ],
        ("ProviderFails", {"provider": "openai", "fault": "server_error"}),
    ),
    "a message is given up": (
        [
            ('llm_messages_total{channel="phone",result="given_up"}', "0x40 1x20"),
            ('llm_messages_total{channel="mail",result="given_up"}', "0x60"),
        ],
        ("MessagesLost", {"channel": "phone", "result": "given_up"}),
    ),
    "messages are tried again and again": (
        [
            ('llm_messages_total{channel="phone",result="retried"}', "0+1x60"),
            ('llm_messages_total{channel="phone",result="delivered"}', "3x60"),
            ('llm_messages_total{channel="mail",result="retried"}', "0+1x60"),
            ('llm_messages_total{channel="mail",result="delivered"}', "0+1x60"),
        ],
        ("MessagesDelayed", {"channel": "phone", "result": "retried"}),
    ),
    "a stage fails again and again": (
        [
            ('llm_monitor_stage_restarts_total{stage="publish"}', "0+1x60"),
            ('llm_monitor_stage_restarts_total{stage="probe"}', "0x50 1x10"),
        ],
        ("MonitorStageFails", {"stage": "publish"}),
    ),
}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_rules_about_rates_fire_on_exactly_that(tmp_path):
    head = f"rule_files: [{RULES}]\nevaluation_interval: 1m\ntests:\n"
    check_rules(tmp_path, head + "".join(map(_rate_test, SERIES.values())))


def _rate_test(case):
    series, (fires, labels) = case
    names = {name for _, (name, _) in SERIES.values()}
    (rule,) = [one for one in SHIPPED if one.get("alert") == fires]
    told = labels | rule["labels"]
    wanted = {"exp_labels": told, "exp_annotations": {"summary": _filled(rule["annotations"]["summary"], told)}}
    asked = [
        {"eval_time": "60m", "alertname": name, "exp_alerts": [wanted] if name == fires else []}
        for name in sorted(names)
    ]
    inputs = [{"series": name, "values": values} for name, values in series]
    return f"- {json.dumps({'interval': '1m', 'input_series': inputs, 'alert_rule_test': asked})}\n"
