"""The page of all rules, for people who know a provider."""

import re
from datetime import date

import pytest

from docs.generate import rules
from docs.generate.rules import rules_page
from probes.catalog import load_provider, load_wording, provider_ids
from probes.freshness import dated_facts, dated_wording
from probes.model import Fault
from probes.provider import Canary, Dialect, NoPage, Provider, Rule, Signal, Wording

READ = "https://docs.example.com"
DAY = date(2026, 11, 21)
RULE = Rule(
    id="spent",
    fault=Fault.QUOTA_EXHAUSTED,
    status=[402, 429],
    tag=["no_money"],
    message=["out of `credit`", "spent|gone"],
    loose=True,
    source=f"{READ}/errors",
    checked=date(2026, 11, 30),
)
EXAMPLE = Provider(
    id="example",
    name="Example AI",
    source=READ,
    checked=DAY,
    canaries={"list": Canary(dialect=Dialect.LIST, path="/models", source=READ)},
    rules=[RULE, Rule(id="fine", ok=True, code=["x"], source=f"unverified: seen, {READ}/x")],
    signals=[Signal(id="old", header="x-old", value="^yes", fault=Fault.MODEL_RETIRING, source=READ)],
    help={Fault.QUOTA_EXHAUSTED: "https://example.com/pay", Fault.ACCOUNT_SUSPENDED: NoPage(none="none is published")},
    unverified=["help.quota_exhausted"],
)
SAMPLE = 'HTTP/1.1 402 Payment Required\n\n{"error": {"message": "You are out of credit."}}\n'


def lines(samples=None):
    page = rules_page([EXAMPLE], Wording(checked=DAY, rules=[]), samples or {})
    return [line for line in page.splitlines() if line.startswith("- ")]


def test_a_rule_stands_with_its_condition_fault_sample_source_and_day():
    assert lines({("example", "spent"): SAMPLE})[:3] == [
        "- **spent**: `quota_exhausted` for status `402` or `429`, code, type or reason `no_money`, "
        "words `` out of `credit` `` or `spent|gone`, tried after all others; "
        "seen: 402, `You are out of credit.` (<https://docs.example.com/errors>, 2026-11-30)",
        "- **fine**: `ok` for code `x` (unverified: seen, <https://docs.example.com/x>, 2026-11-21)",
        "- **old**: `model_retiring` for a header `x-old` that matches `^yes` (<https://docs.example.com>, 2026-11-21)",
    ]


def test_where_a_fault_is_mended_stands_below():
    assert lines()[3:] == [
        "- `quota_exhausted` is mended at <https://example.com/pay> (unverified, 2026-11-21)",
        "- `account_suspended` has no address, since none is published (2026-11-21)",
    ]


def test_a_program_is_quoted_with_its_last_line():
    assert "; seen: exit 1, `no seat` (" in lines({("example", "spent"): "EXIT 1\n\nversion 1\nno seat\n"})[0]


@pytest.fixture(scope="module")
def page():
    return "\n".join(rules.page())


@pytest.fixture(scope="module")
def chapters(page):
    """The lines of each chapter of the page of what is shipped, by the id in its title."""
    found = re.split(r"^## .*\(`([\w-]+)`\)$", page, flags=re.MULTILINE)
    return dict(zip(found[1::2], (text.splitlines() for text in found[2::2]), strict=True))


@pytest.mark.parametrize("id", [*provider_ids(), "wording"])
def test_each_shipped_rule_has_its_line_with_what_proves_it_its_source_and_its_day(id, chapters):
    facts = dated_wording(load_wording()) if id == "wording" else dated_facts(load_provider(id))
    for fact in facts:
        kind, _, name = fact.path.partition(".")
        if kind in ("rules", "signals"):
            (line,) = (line for line in chapters[id] if line.startswith(f"- **{name}**: "))
            assert line.endswith(f", {fact.checked})")
            assert re.sub(r"[<>]", "", line).endswith(f"({fact.source}, {fact.checked})")
            assert kind == "signals" or "; seen: " in line
