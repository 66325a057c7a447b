"""`classify`: read a provider's answer and say what it means, or propose a rule for it."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from monitor.commands.rule_proposal import Known, propose_rule
from monitor.config.config import Config
from monitor.console.argument import parse_fault
from monitor.console.configuration import load_named
from monitor.console.pasted_answer import PastedAnswer, read_case
from monitor.console.selection import argument_error, unknown_argument
from monitor.console.source_tree import find_tree
from monitor.console.terminal import UP, WRONG_USE, print_error, print_line, print_refusal
from probes.advice import choose_advice
from probes.answer.classify import RulesOf, classify_pasted
from probes.answer.command_output import classify_output
from probes.catalog import FOLDER, ProviderFiles, load_provider, load_wording, provider_ids, rules_by_name
from probes.model import Fault, Verdict
from probes.phrase import in_english
from probes.provider import Provider, Rule

FALLBACK = "openai-compatible"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the answer (default: stdin)")
    parser.add_argument("--provider", metavar="P", help=f"whose answer it is (default: {FALLBACK})")
    parser.add_argument("--status", type=int, metavar="N", help="the HTTP status, or the exit code, where it is known")
    parser.add_argument("--header", action="append", default=[], type=_header, metavar="K:V", help="a response header")
    parser.add_argument("--canary", metavar="NAME", help="what was asked, such as chat (default: anything may be)")
    parser.add_argument(
        "--jsonl", action="store_true", help="read one case a line (provider, http_status, headers, body, canary)"
    )
    parser.add_argument(
        "--propose", action="store_true", help="print a rule that reads it, and the sample that proves it, without keys"
    )
    parser.add_argument("--fault", type=parse_fault, metavar="F", help="with --propose: what it means (default: guess)")
    parser.add_argument("--source", metavar="URL", help="with --propose: where that is documented, or was seen")
    parser.add_argument("--write", action="store_true", help="with --propose: write both into this checkout")


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ArgumentTypeError(f'"{text}" is no header; write NAME:VALUE')
    return name.strip().lower(), value.strip()


def run(arguments: Namespace) -> int:
    if wrong := _wrong_options(arguments):
        return print_refusal(wrong)
    config = load_named(arguments)
    book = open_rulebook(config.shelf)
    with _opened(arguments.file) as answer:
        if arguments.jsonl:
            return _classify_lines(answer, book)
        return _classify_one(arguments, answer, book, config)


ABOUT_RULES = ("fault", "source", "write")


def _wrong_options(arguments: Namespace) -> str:
    """Return what is wrong with options that do not go together; "" if nothing is."""
    given = [name for name in ABOUT_RULES if getattr(arguments, name)]
    if given and not arguments.propose:
        return f"command line: --{given[0]} says nothing by itself; add --propose"
    if arguments.propose and (arguments.jsonl or arguments.canary):
        return f"command line: --propose does not go with --{'jsonl' if arguments.jsonl else 'canary'}; leave one out"
    if arguments.fault is Fault.UNCLASSIFIED:
        return "command line: --fault unclassified is what no rule means; name one, or let it be guessed"
    if arguments.propose and not arguments.provider:
        return "command line: --propose needs to know whose answer it is; add --provider P"
    return ""


@contextmanager
def _opened(file: Path | None) -> Iterator[TextIO]:
    """Yield the answer to read. Pasted text may be cut within a character."""
    if file is None:
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        yield sys.stdin
        return
    try:
        opened = file.open(encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no name of a file"
        raise argument_error(f'"{file}"', f"cannot be read ({reason})", "name a file with an answer") from None
    with opened:
        yield opened


def _classify_one(arguments: Namespace, answer: TextIO, book: "RuleSet", config: Config) -> int:
    id = arguments.provider or FALLBACK
    if id not in book.providers:
        return print_refusal(unknown_argument("provider", id, book.providers))
    provider = book.provider(id)
    if arguments.propose:
        known = Known(provider, book.shared, book.providers, book.of_others, config.secrets)
        tree = find_tree(Path.cwd(), FOLDER.parents[1])
        return propose_rule(arguments, answer, known, tree, datetime.now(UTC).date())
    if arguments.canary not in (None, *provider.canaries):
        return print_refusal(unknown_argument("canary", arguments.canary, [*provider.canaries]))
    headers = dict(arguments.header)
    case = PastedAnswer(provider.id, arguments.status, headers, answer.read(), arguments.canary)
    print_line(json.dumps(_result(case, provider, book), indent=2, ensure_ascii=False))
    return UP


class RuleSet(Struct, frozen=True):
    """The rules that answers are judged by; `providers`: the known ids."""

    shelf: ProviderFiles
    providers: list[str]
    shared: Sequence[Rule]
    of_others: RulesOf

    def provider(self, id: str) -> Provider:
        return load_provider(id, self.shelf)


def open_rulebook(shelf: ProviderFiles) -> RuleSet:
    return RuleSet(shelf, provider_ids(shelf), load_wording().rules, rules_by_name(shelf))


def _classify_lines(lines: Iterable[str], book: RuleSet) -> int:
    """Print one result per non-blank line, in order; for an invalid line, what is wrong with it."""
    load, bad = cache(book.provider), 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            result = _result_of_line(line, book, load)
        except ValueError as error:
            print_error(f"stdin: line {number} {error}")
            result = {"error": str(error), "line": number}
            bad += 1
        print_line(json.dumps(result, ensure_ascii=False))
    return WRONG_USE if bad else UP


def _result_of_line(line: str, book: RuleSet, load: Callable[[str], Provider]) -> dict[str, object]:
    """Raises ValueError, whose text is to follow "line N"."""
    case = read_case(line)
    provider = load(case.provider if case.provider in book.providers else FALLBACK)
    if case.canary not in (None, *provider.canaries):
        known = ", ".join(provider.canaries)
        raise ValueError(f"asks {provider.id} for {case.canary!r}, which is none of its canaries: {known}")
    return _result(case, provider, book)


def _result(case: PastedAnswer, provider: Provider, book: RuleSet) -> dict[str, object]:
    verdict, said = _classified(case, provider, book)
    return {
        "fault": verdict.fault or "ok",
        "blame": verdict.blame,
        "confidence": verdict.confidence,
        "rule": verdict.rule,
        "advice": in_english(choose_advice(verdict.fault, provider, [said])) if verdict.fault else None,
    }


def _classified(case: PastedAnswer, provider: Provider, book: RuleSet) -> tuple[Verdict, str]:
    """Return the verdict on an answer, and its words."""
    if provider.is_command:
        code = 1 if case.http_status is None else case.http_status
        return classify_output(provider, book.shared, code, case.text, book.of_others)
    asked = provider.canaries[case.canary] if case.canary else None
    status, fields, text = case.http_status, case.fields, case.text
    return classify_pasted(provider, book.shared, status, fields, text, asked, rules_of=book.of_others)
