"""The shipped rules, as Prometheus itself evaluates them on what we write."""

import shutil
import subprocess
from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from monitor.detect.health import State
from monitor.diagnose.subject import Scope
from monitor.publish.metrics import render_metrics
from monitor.publish.snapshot import ProviderView
from monitor.publish.status import current_state
from monitor.publish.usable import assess_usability, pick
from probes.model import Fault
from tests.builders_page import LONG_AGO, account, incident, shown, sick, snapshot, target

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
TIED = sick("openai/ill", Fault.ACCOUNT_SUSPENDED, ties=("login jo",))

CASES = {
    "all well": (snapshot(account()), set()),
    "suspended": (snapshot(account(), ILL), {"AccountDown openai/ill"}),
    "429 to everything": (snapshot(account(), LIMITED), {"AccountDown openai/busy"}),
    "never answered well": (snapshot(NEVER), {"AccountDown openai/new", "NoUsableAccount openai"}),
    "only its list fails": (snapshot(LISTLESS), {"AccountInTrouble openai/part"}),
    "not known": (snapshot(UNSEEN), {"AccountNotKnown openai/unseen", "NoUsableAccount openai"}),
    "well, and not known": (snapshot(account(), UNSEEN), {"AccountNotKnown openai/unseen"}),
    "lost, and not known": (
        snapshot(ILL, UNSEEN),
        {"AccountDown openai/ill", "AccountNotKnown openai/unseen", "NoUsableAccount openai"},
    ),
    "none usable": (
        snapshot(ILL, LIMITED),
        {"AccountDown openai/ill", "AccountDown openai/busy", "NoUsableAccount openai"},
    ),
    "offline": (
        snapshot(account(), LIMITED, open_incidents=(ALONE,)),
        {"AccountNotKnown openai/main", "AccountNotKnown openai/busy", "NoUsableAccount openai"},
    ),
    "belongs to a suspended one": (
        snapshot(PARTNER, TIED),
        {"AccountDown openai/ill", "AccountWithheld openai/partner", "NoUsableAccount openai"},
    ),
    "belongs to a suspended one, beside one that does not": (
        snapshot(PARTNER, TIED, account()),
        {"AccountDown openai/ill", "AccountWithheld openai/partner"},
    ),
}


def written(shot):
    """Return the samples: name with labels, and value."""
    lines = render_metrics(shot, current_state(shot)).decode().splitlines()
    return [tuple(line.rsplit(" ", 1)) for line in lines if line.startswith("llm_account_")]


@pytest.mark.parametrize(("shot", "_"), CASES.values(), ids=CASES.keys())
def test_the_metric_is_what_usable_says(shot, _):
    told = dict(written(shot))
    for one in assess_usability(shot, current_state(shot)):
        provider, _, name = one.account.partition("/")
        labels = f'{{provider="{provider}",account="{name}"}}'
        up = told.get(f"llm_account_up{labels}")
        assert (up and float(up) > 0) == one.usable if one.usable is not None else up is None
        assert float(told[f"llm_account_known{labels}"]) == (one.usable is not None)


@pytest.mark.parametrize(("shot", "alerts"), CASES.values(), ids=CASES.keys())
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
    severity = "critical" if name in ("AccountDown", "NoUsableAccount") else "warning"
    for subject in sorted(alert.split()[1] for alert in alerts if alert.split()[0] == name):
        provider, _, account = subject.partition("/")
        labels = f"provider: {provider}, severity: {severity}" + (f", account: {account}" if account else "")
        yield f"{{exp_labels: {{{labels}}}, exp_annotations: {{summary: '{_summary(name, subject)}'}}}}"


def _summary(name, subject):
    line = RULES.read_text().partition(f"alert: {name}\n")[2].partition('summary: "')[2].partition('"\n')[0]
    provider, _, account = subject.partition("/")
    return line.replace("{{ $labels.provider }}", provider).replace("{{ $labels.account }}", account)
