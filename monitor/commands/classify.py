"""`classify`: read a provider's answer on stdin and say what it means."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from io import TextIOWrapper

from msgspec import Struct

from monitor.console.configuration import load_named
from monitor.console.pasted_answer import PastedAnswer, read_case
from monitor.console.selection import unknown_argument
from monitor.console.terminal import UP, WRONG_USE, print_error, print_line, print_refusal
from probes.advice import choose_advice
from probes.answer.classify import RulesOf, classify_pasted
from probes.answer.command_output import classify_output
from probes.catalog import ProviderFiles, load_provider, load_wording, provider_ids, rules_by_name
from probes.model import Verdict
from probes.phrase import in_english
from probes.provider import Provider, Rule

FALLBACK = "openai-compatible"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--provider", default=FALLBACK, metavar="P", help=f"whose answer it is (default: {FALLBACK})")
    parser.add_argument("--status", type=int, metavar="N", help="the HTTP status, or the exit code, where it is known")
    parser.add_argument("--header", action="append", default=[], type=_header, metavar="K:V", help="a response header")
    parser.add_argument("--canary", metavar="NAME", help="what was asked, such as chat (default: anything may be)")
    parser.add_argument(
        "--jsonl", action="store_true", help="read one case a line (provider, http_status, headers, body, canary)"
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ArgumentTypeError(f'"{text}" is no header; write NAME:VALUE')
    return name.strip().lower(), value.strip()


def run(arguments: Namespace) -> int:
    book = open_rulebook(load_named(arguments).shelf)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # pasted text may be cut within a character
    if arguments.jsonl:
        return _classify_lines(sys.stdin, book)
    if arguments.provider not in book.providers:
        return print_refusal(unknown_argument("provider", arguments.provider, book.providers))
    provider = book.provider(arguments.provider)
    if arguments.canary not in (None, *provider.canaries):
        return print_refusal(unknown_argument("canary", arguments.canary, [*provider.canaries]))
    headers = dict(arguments.header)
    case = PastedAnswer(provider.id, arguments.status, headers, sys.stdin.read(), arguments.canary)
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
