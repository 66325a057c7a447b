"""The shipped rules, as Prometheus itself evaluates them on what we write."""

import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.detect.health import State
from monitor.diagnose import Scope
from monitor.publish.mark import standing
from monitor.publish.metrics import metrics
from monitor.publish.usable import pick, usables
from probes.model import Fault
from tests.builders_page import account, incident, shown, sick, snapshot, target

RULES = Path(__file__).parents[1] / "deploy" / "alerts.yml"
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

CASES = {
    "all well": (snapshot(account()), set()),
    "suspended": (snapshot(account(), ILL), {"AccountDown openai/ill"}),
    "429 to everything": (snapshot(account(), LIMITED), {"AccountDown openai/busy"}),
    "never answered well": (snapshot(NEVER), {"AccountDown openai/new", "NoUsableAccount openai"}),
    "only its list fails": (snapshot(LISTLESS), {"AccountInTrouble openai/part"}),
    "not known": (snapshot(UNSEEN), {"AccountNotKnown openai/unseen"}),
    "lost, and not known": (snapshot(ILL, UNSEEN), {"AccountDown openai/ill", "AccountNotKnown openai/unseen"}),
    "none usable": (
        snapshot(ILL, LIMITED),
        {"AccountDown openai/ill", "AccountDown openai/busy", "NoUsableAccount openai"},
    ),
    "offline": (
        snapshot(account(), LIMITED, open_incidents=(ALONE,)),
        {"AccountNotKnown openai/main", "AccountNotKnown openai/busy"},
    ),
    "belongs to a suspended one": (
        snapshot(PARTNER, sick("openai/ill", Fault.ACCOUNT_SUSPENDED, ties=("login jo",))),
        {"AccountDown openai/ill", "AccountWithheld openai/partner"},
    ),
}


def written(shot):
    """Return the samples: name with labels, and value."""
    lines = metrics(shot, standing(shot)).decode().splitlines()
    return [tuple(line.rsplit(" ", 1)) for line in lines if line.startswith("llm_account_")]


@pytest.mark.parametrize(("shot", "_"), CASES.values(), ids=CASES.keys())
def test_the_metric_is_what_usable_says(shot, _):
    told = dict(written(shot))
    for one in usables(shot, standing(shot)):
        provider, _, name = one.account.partition("/")
        labels = f'{{provider="{provider}",account="{name}"}}'
        up = told.get(f"llm_account_up{labels}")
        assert (up and float(up) > 0) == one.usable if one.usable is not None else up is None
        assert float(told[f"llm_account_known{labels}"]) == (one.usable is not None)


def test_one_of_which_the_rules_say_nothing_can_be_picked():
    calm = [shot for shot, alerts in CASES.values() if not alerts]
    assert all(pick(usables(shot, standing(shot)), "openai") for shot in calm)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize(("shot", "alerts"), CASES.values(), ids=CASES.keys())
def test_the_rules_fire_on_exactly_that(tmp_path, shot, alerts):
    file = tmp_path / "test.yml"
    file.write_text(as_test(shot, alerts))
    done = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


NAMES = ("AccountDown", "AccountInTrouble", "AccountNotKnown", "AccountWithheld", "NoUsableAccount")


def as_test(shot, alerts):
    """Return a test for promtool: the samples stand for 20 minutes, then exactly these alerts fire."""
    series = [f"    - {{series: '{name}', values: '{value}x20'}}" for name, value in written(shot)]
    asked = "".join(
        f"    - {{eval_time: 20m, alertname: {name}, exp_alerts: [{', '.join(_expected(name, alerts))}]}}\n"
        for name in NAMES
    )
    head = f"rule_files: [{RULES}]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
    return head + "\n".join(series) + f"\n  alert_rule_test:\n{asked}"


def _expected(name, alerts):
    severity = "critical" if name in ("AccountDown", "NoUsableAccount") else "warning"
    for subject in sorted(alert.split()[1] for alert in alerts if alert.split()[0] == name):
        provider, _, account = subject.partition("/")
        labels = f"provider: {provider}, severity: {severity}" + (f", account: {account}" if account else "")
        yield f"{{exp_labels: {{{labels}}}, exp_annotations: {{summary: '{_summary(name, subject)}'}}}}"


def _summary(name, subject):
    line = RULES.read_text().partition(f"alert: {name}\n")[2].partition('summary: "')[2].partition('"\n')[0]
    provider, _, account = subject.partition("/")
    return line.replace("{{ $labels.provider }}", provider).replace("{{ $labels.account }}", account)
