"""docs/reference/rules.md: all rules with their sources and samples, for review by people who know a provider."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from probes.answer.classify import STATUSES
from probes.answer.error_body import read_complaint, words_of
from probes.catalog import load_provider, load_wording, provider_ids
from probes.freshness import SHARED, DatedFact, dated_facts, dated_wording
from probes.model import Fault
from probes.provider import NoPage, Provider, Rule, Signal, Wording
from probes.sample import read_sample

SAMPLES = Path(__file__).parents[2] / "tests" / "samples"
LONGEST_WORDS = 160
"""Characters of a sample's words that are shown."""
MARKS = {"status": "status", "tag": "code, type or reason", "code": "code", "type": "type", "reason": "reason"}
TRAITS = {
    "page": "on an HTML page",
    "loose": "tried after all others",
    "unanswered": "without an HTTP status",
    "own": "said by the gateway itself",
    "firm": "whatever the words beside it",
}

Samples = Mapping[tuple[str, str], str]
"""The text of each sample, by the ids of the provider and the rule."""


def rules_page(providers: Iterable[Provider], wording: Wording, samples: Samples) -> str:
    """Return the page in Markdown: each rule and signal with its condition, fault, sample, source and day."""
    parts = [[INTRO]]
    parts += [_chapter(one, samples) for one in providers]
    parts += [_shared(wording, samples), _statuses()]
    return "\n".join(line for part in parts for line in part)


def read_samples() -> Samples:
    return {(path.parent.name, path.stem): path.read_text(encoding="utf-8") for path in SAMPLES.glob("*/*.http")}


INTRO = """\
# What each answer means

For people who know a provider: is each rule right, and does its source still say so? This page is made of
`probes/providers/*.toml`, `probes/wording.toml` and `tests/samples/`; mend those. `provider-monitor classify --propose`
makes a rule of an answer that none reads. What a fault means, and what to do: [faults](faults.md).

The rules of a provider are tried from the top, and the first that fits decides; then those that all providers share;
then the status alone. An answer fits a rule if it has one of each list that the rule names. Words are regular
expressions that are searched, whatever the case. Each rule is proven by `tests/samples/PROVIDER/RULE.http`; its status
and its words are what stands behind "seen".
"""


def _chapter(provider: Provider, samples: Samples) -> list[str]:
    facts = {one.path: one for one in dated_facts(provider)}
    return [
        f"## {provider.name} (`{provider.id}`)",
        "",
        f"The file as a whole was read at {_origin(facts['source'])}.",
        "",
        *_blocks(provider.id, provider.rules, provider.signals, facts, samples),
        *_helps(provider, facts),
    ]


def _shared(wording: Wording, samples: Samples) -> list[str]:
    facts = {one.path: one for one in dated_wording(wording)}
    blocks = _blocks(SHARED, wording.rules, wording.signals, facts, samples)
    return ["## What all providers share (`wording`)", "", *blocks]


def _statuses() -> list[str]:
    told = [f"{status} `{fault}`" for status, fault in STATUSES.items()]
    return [
        "## The status alone",
        "",
        f"{', '.join(told)}; other 3xx `invalid_response`, other 5xx `server_error`.",
        "",
    ]


def _blocks(
    id: str, rules: Sequence[Rule], signals: Sequence[Signal], facts: Mapping[str, DatedFact], samples: Samples
) -> list[str]:
    told = [_rule(rule, facts[f"rules.{rule.id}"], samples.get((id, rule.id))) for rule in rules]
    told += [_signal(signal, facts[f"signals.{signal.id}"]) for signal in signals]
    return [*told, ""] if told else ["It has no rules of its own.", ""]


def _rule(rule: Rule, fact: DatedFact, sample: str | None) -> str:
    proof = f"; seen: {_seen(sample)}" if sample else ""
    return f"- **{rule.id}**: `{rule.fault or 'ok'}` for {', '.join(_conditions(rule))}{proof} {_origin(fact)}"


def _signal(signal: Signal, fact: DatedFact) -> str:
    value = f" that matches {_code(signal.value)}" if signal.value else ""
    return f"- **{signal.id}**: `{signal.fault}` for a header {_code(signal.header)}{value} {_origin(fact)}"


def _conditions(rule: Rule) -> Iterator[str]:
    for name, kind in MARKS.items():
        if values := getattr(rule, name):
            yield f"{kind} {_either(map(str, values))}"
    if rule.message:
        yield f"words {_either(rule.message)}"
    yield from (trait for name, trait in TRAITS.items() if getattr(rule, name))


def _either(values: Iterable[str]) -> str:
    return " or ".join(map(_code, values))


def _code(text: str) -> str:
    """Return a text as code, which may itself hold backticks."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _seen(text: str) -> str:
    """Return the status, or the exit code, of a sample and what it says, on one line."""
    sample = read_sample(text)
    if sample.is_output:
        last = sample.body.rstrip().splitlines()[-1:]  # it ends with why
        return f"exit {sample.status}, {_quoted(' '.join(last))}"
    return f"{sample.status}, {_quoted(words_of(read_complaint(sample.status, sample.headers, sample.body)))}"


def _quoted(said: str) -> str:
    line = " ".join(said.split())
    return _code(line if len(line) <= LONGEST_WORDS else line[: LONGEST_WORDS - 3] + "...") if line else "no words"


def _origin(fact: DatedFact) -> str:
    """Return where and when a fact was read; an address as a link."""
    link = (
        f"<{fact.source}>" if fact.source.startswith("https://") else re.sub(r"(https://[^\s,]+)", r"<\1>", fact.source)
    )
    return f"({link}, {fact.checked})"


def _helps(provider: Provider, facts: Mapping[str, DatedFact]) -> list[str]:
    told = [_help(fault, place, facts[f"help.{fault}"]) for fault, place in provider.help.items()]
    return [*told, ""] if told else []


def _help(fault: Fault, place: str | NoPage, fact: DatedFact) -> str:
    where = f"has no address, since {place.none}" if isinstance(place, NoPage) else f"is mended at <{place}>"
    return f"- `{fault}` {where} ({'' if fact.verified else 'unverified, '}{fact.checked})"


def page() -> Iterator[str]:
    yield rules_page(map(load_provider, provider_ids()), load_wording(), read_samples())
