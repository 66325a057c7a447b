"""`classify --propose`: make a rule and its sample of an answer that no rule reads, and write them if told."""

import re
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TextIO

from msgspec import Struct

from monitor import words
from monitor.console.selection import argument_error
from monitor.console.source_tree import SourceTree, write_rule
from monitor.console.terminal import UP, print_line, print_refusal
from probes.answer.classify import RulesOf
from probes.answer.excerpt import read_excerpt
from probes.document import DocumentError, Problem
from probes.model import Blame, Fault, Verdict
from probes.proposal import Guess, ProposedRule, Unproposable, guess, propose, reading_rule, rule_block, verdict_on
from probes.provider import Provider, Rule
from probes.redact import redact
from probes.sample import LONGEST, Sample, anonymous, doubtful, sample_text

PASTE = "paste the status line, the headers, an empty line and the body, as `curl -i` prints them"
UNREADABLE = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")
"""Characters of what is compressed, or no text; an escape begins the colours of a terminal."""
MOST_UNREADABLE = 0.02
SOURCE = re.compile(r"https://[^\s\"]+")


class Known(Struct, frozen=True):
    """What an answer is judged by. `others`: the ids of all providers; `secrets`: what no output may show."""

    provider: Provider
    shared: Sequence[Rule]
    others: Sequence[str]
    rules_of: RulesOf
    secrets: Sequence[str]


def propose_rule(arguments: Namespace, source: TextIO, known: Known, tree: SourceTree | None, today: date) -> int:
    """Print a rule, its sample and what proves it; with --write, write them into the checkout and prove it.

    Raises DocumentError for an answer that cannot be a sample, and where there is no checkout to write into.
    """
    if arguments.write and tree is None:
        raise argument_error("--write", "needs a checkout of the sources, and there is none", NO_TREE)
    place, provider = str(arguments.file or "stdin"), known.provider
    read = _read_answer(source.read(LONGEST + 1), arguments, provider, place)
    sample = anonymous(read, known.secrets, provider.request_id)
    verdict = verdict_on(provider, known.shared, sample)
    if reads := _reader(provider, verdict, arguments.fault):
        print_line(reads)
        return UP
    meant = _meaning(arguments.fault, known, verdict, sample)
    if meant is None:
        return print_refusal(f"{place}: what it means cannot be guessed; say --fault F, one of {_faults()}")
    samples = tree.samples(provider.id) if tree else {}
    try:
        found = propose(
            provider,
            known.shared,
            sample,
            meant.fault,
            (_source(arguments.source, known.secrets, today), today),
            samples,
        )
    except Unproposable as error:
        return print_refusal(f"{place}: {error}")
    for line in _told(provider, verdict, meant, found, sample):
        print_line(line)
    if arguments.write and tree:
        _write(tree, provider, found, sample)
    return UP


NO_TREE = "say it in the folder of a checkout, or leave --write out and copy what is printed"


def _meaning(stated: Fault | None, known: Known, verdict: Verdict, sample: Sample) -> Guess | None:
    """Return what an answer means, as somebody says or as it is guessed; None where nothing tells."""
    if stated:
        return Guess(stated, "")
    return guess(known.provider, verdict, sample, known.others, known.rules_of)


def _read_answer(text: str, arguments: Namespace, provider: Provider, place: str) -> Sample:
    """Return the answer that was pasted. Raises DocumentError if it cannot be one; `place` is its name there."""
    if problems := list(_unusable(text, place)):
        raise DocumentError(problems)
    if provider.is_command:
        return Sample(_exit_code(arguments.status), {}, text, is_output=True)
    answer = read_excerpt(text)
    headers = {**answer.headers, **dict(arguments.header)}
    status = answer.status if arguments.status is None else arguments.status
    return Sample(_status(status, place), headers, answer.body)


def _unusable(text: str, place: str) -> Iterator[Problem]:
    if not text.strip():
        yield Problem(place, "", "is empty", PASTE)
    elif len(text) > LONGEST:
        yield Problem(place, "", f"is longer than {LONGEST} characters", "paste the error only, without the request")
    elif len(UNREADABLE.findall(text)) > MOST_UNREADABLE * len(text):
        yield Problem(place, "", "is no text", "paste the answer as text; `curl --compressed` unpacks it")


def _status(status: int | None, place: str) -> int:
    if status is None:
        raise DocumentError(
            [Problem(place, "", "is no answer over HTTP: it names no status", f"{PASTE}, or --status N")]
        )
    if not 100 <= status <= 599:
        raise argument_error("--status", f"= {status} is no HTTP status", "give 100 to 599")
    return status


def _exit_code(code: int | None) -> int:
    if code is not None and not 0 <= code <= 255:
        raise argument_error("--status", f"= {code} is no exit code", "give 0 to 255")
    return 1 if code is None else code


def _reader(provider: Provider, verdict: Verdict, fault: Fault | None) -> str:
    """Say which rule reads an answer as it should; "" if one is missing."""
    if verdict.rule.startswith("ok/"):
        return f"It is a good answer ({verdict.rule}): it needs no rule."
    if reading_rule(provider, verdict) is None or fault not in (None, verdict.fault):
        return ""
    more = "" if fault else " If it means something else, say --fault F."
    return f"{verdict.rule} reads it as {_named(verdict.fault)}: no rule is missing.{more}"


def _named(fault: Fault | None) -> str:
    return f"{fault} ({words.FAULTS[fault]})" if fault else "ok"


def _faults() -> str:
    return ", ".join(one for one in Fault if one is not Fault.UNCLASSIFIED)


def _source(given: str | None, secrets: Sequence[str], today: date) -> str:
    """Return where the rule was read, as its file says it."""
    if given is None:
        return f"unverified: an answer that was pasted on {today}"
    if not SOURCE.fullmatch(given) or redact(given, secrets) != given:
        raise argument_error("--source", "is no address that may be published", "give https://..., without a key")
    return given


def _told(provider: Provider, verdict: Verdict, meant: Guess, found: ProposedRule, sample: Sample) -> Iterator[str]:
    yield f"Today {verdict.rule} reads it as {_named(verdict.fault)}."
    why = f"guessed, since {meant.why}; --fault F says otherwise" if meant.why else "as you say"
    yield f"The rule says {_named(meant.fault)}: {why}."
    place = f"above the rule {found.before}" if found.before else "below all other rules"
    yield from ("", f"# probes/providers/{provider.id}.toml, {place}:", *rule_block(found.rule).splitlines())
    yield from ("", f"# tests/samples/{provider.id}/{found.rule.id}.http:", *sample_text(sample).splitlines())
    yield from ("", "# Before you publish it:", *_to_do(provider, found, sample))


def _to_do(provider: Provider, found: ProposedRule, sample: Sample) -> Iterator[str]:
    yield "# - Keys, ids and addresses are masked. A name of a person or a company is not: put another in its place."
    for name in dict.fromkeys(doubtful(sample)):
        yield f"#   This may be one: {name}"
    yield "# - Write what the provider means, not this one sentence: shorten the words, or list more codes."
    if found.rule.source.startswith("unverified"):
        yield "# - Name where it is documented or was seen, with --source https://..."
    fault = found.rule.fault
    if fault and fault.blame is Blame.ACCOUNT and provider.base and fault not in provider.help:
        yield f'# - [help] needs the address where one mends it: {fault} = "https://..."'
    yield "# - Prove it, as the chapter on providers in CONTRIBUTING.md says."


def _write(tree: SourceTree, provider: Provider, found: ProposedRule, sample: Sample) -> None:
    files = write_rule(tree, provider.id, found, sample_text(sample))
    names = _joined(str(file.relative_to(tree.root)) for file in files)
    print_line("")
    print_line(f"Wrote {names}: {provider.id}/{found.rule.id} reads it, and each other sample still reaches its rule.")


def _joined(names: Iterable[str]) -> str:
    return " and ".join(names)
