"""`providers`: print the known providers, all facts about one, or the facts that nobody read again for long."""

import re
import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial

from monitor import words
from monitor.console.configuration import load_named
from monitor.console.report import add_formats, print_report
from monitor.console.report_row import ProviderReport, StaleFactReport
from monitor.console.selection import unknown_argument
from monitor.console.table import Table, TableCell, fill, print_lines, print_table
from monitor.console.terminal import DOWN, UP, Colour, print_refusal
from monitor.console.width import width
from probes.catalog import ProviderFiles, load_provider, load_wording, provider_ids
from probes.document import DocumentError
from probes.freshness import DatedFact, age_days, dated_facts, dated_wording, future_days, stale
from probes.provider import Canary, NoPage, Provider, Rule

STALE_DAYS = 90


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", metavar="NAME", help="print all facts of this one")
    parser.add_argument("--stale", action="store_true", help="list the facts that nobody read again for 90 days")
    parser.add_argument("--days", type=_days, metavar="N", help="with --stale: for N days; 0 lists them all")
    parser.epilog = "With --stale it exits with 1 if there are any."
    add_formats(parser)


def _days(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text):
        raise ArgumentTypeError(f'"{text}" is no number of days; give 0 to 9999')
    return int(text)


def run(arguments: Namespace) -> int:
    if arguments.days is not None and not arguments.stale:
        return print_refusal("command line: --days says nothing by itself; add --stale")
    shelf = load_named(arguments).shelf
    known = provider_ids(shelf)
    if arguments.provider and arguments.provider not in known:
        return print_refusal(unknown_argument("provider", arguments.provider, known))
    if arguments.stale:
        return _print_stale(arguments, shelf, datetime.now(UTC).date())
    shown = [load_provider(id, shelf) for id in ([arguments.provider] if arguments.provider else known)]
    tell = partial(provider_facts, shown[0]) if arguments.provider else partial(provider_table, shown)
    print_report(arguments, ProviderReport, [_report(one) for one in shown], tell)
    return UP


def _print_stale(arguments: Namespace, shelf: ProviderFiles, today: date) -> int:
    """Print what was not read again for so long, and return 1 if there is any.

    Raises DocumentError for a day in the future: such a fact would never be read again.
    """
    days = STALE_DAYS if arguments.days is None else arguments.days
    facts = _all_facts([arguments.provider] if arguments.provider else provider_ids(shelf), shelf)
    if not arguments.provider:
        facts += dated_wording(load_wording())
    if problems := list(future_days(facts, today)):
        raise DocumentError(problems)
    found = stale(facts, today, days)
    rows = [_stale_report(one, today) for one in found]
    print_report(arguments, StaleFactReport, rows, partial(stale_table, found, facts, days))
    return DOWN if found else UP


def _all_facts(ids: Iterable[str], shelf: ProviderFiles) -> list[DatedFact]:
    return [fact for id in ids for fact in dated_facts(load_provider(id, shelf))]


def _stale_report(fact: DatedFact, today: date) -> StaleFactReport:
    return StaleFactReport(fact.provider, fact.path, fact.checked, age_days(fact, today), fact.verified, fact.source)


def stale_table(found: Sequence[DatedFact], facts: Sequence[DatedFact], days: int) -> None:
    """Print the facts that are to be read again, and how many there are of all."""
    rows = [(one.provider, one.path, one.checked.isoformat(), one.source) for one in found]
    if rows:
        print_table(Table(("provider", "fact", "checked", "source"), rows))
        print_lines([""])
    oldest = min(one.checked for one in facts)
    print_lines([f"not read again for {days} days: {len(found)} of {len(facts)} facts; the oldest was on {oldest}"])


def _report(provider: Provider) -> ProviderReport:
    verified = list(provider.facts().values())
    return ProviderReport(
        id=provider.id,
        name=provider.name,
        canaries=list(provider.canaries),
        rules=len(provider.rules),
        facts=len(verified),
        unverified=verified.count(False),
        key_variables=list(provider.key_variables),
        checked=provider.checked,
    )


def provider_table(providers: Sequence[Provider]) -> None:
    rows = [
        (
            one.id,
            one.name,
            ", ".join(one.canaries),
            str(len(one.rules)),
            _doubts(one),
            ", ".join(one.key_variables),
            one.checked.isoformat(),
        )
        for one in providers
    ]
    print_table(Table(("id", "name", "canaries", "rules", "unverified", "key variable", "checked"), rows))


def provider_facts(provider: Provider) -> None:
    """Print one provider: its probes, what its answers mean, its prices, and where to get help."""
    verified = provider.facts()
    _print_text(_head(provider))
    for table in _tables(provider, verified):
        if table.rows:
            print_lines([""])
            print_table(table)
    print_lines([""])
    _print_text(_foot(provider, verified))


def _print_text(lines: Iterable[str]) -> None:
    print_lines(line for text in lines for line in fill(text, width(), indent=2))


def _head(provider: Provider) -> Iterator[str]:
    yield f"{provider.name} ({provider.id}), checked {provider.checked}, {provider.source}"
    if provider.is_command:
        yield "asked through a program, which has its own login"
    else:
        yield f"base: {provider.base or 'given by each account'}   key: {provider.auth.header}"
    yield f"unverified: {_doubts(provider)}"


def _tables(provider: Provider, verified: Mapping[str, bool]) -> Iterator[Table]:
    yield _canary_table(provider, verified)
    yield _rule_table(provider, verified)
    yield _signal_table(provider, verified)
    yield _price_table(provider, verified)
    yield _feed_table(provider, verified)


def _foot(provider: Provider, verified: Mapping[str, bool]) -> Iterator[str]:
    for fault, address in provider.help.items():
        yield f"{words.FAULTS[fault]}: {_place(address)}{_doubt(verified, f'help.{fault}')}"
    for demand, page in provider.verification.items():
        doubt = _doubt(verified, f"verification.{demand}")
        yield f"verification, {demand.replace('_', ' ')}: {page}{doubt}"
    for path in provider.unverified:
        if path in verified and not path.startswith(("help", "verification")) and not path.endswith(".model"):
            yield f"{path}{_doubt(verified, path)}"


def _place(help: str | NoPage) -> str:
    if not isinstance(help, NoPage):
        return help
    return f"no address, {help.none}" + (f"; write to {help.mail}" if help.mail else "")


def _canary_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    where = "runs" if provider.is_command else "path"
    titles = ("canary", "dialect", where, "model", "costs", "asked", "tells", "verified", "source")
    return Table(titles, [_canary_cells(name, one, verified) for name, one in provider.canaries.items()])


def _canary_cells(name: str, canary: Canary, verified: Mapping[str, bool]) -> tuple[TableCell | str, ...]:
    path = f"canaries.{name}"
    return (
        name,
        canary.dialect,
        canary.path or shlex.join(canary.run or ()),
        (canary.model or "-") + _doubt(verified, f"{path}.model"),
        "nothing" if canary.free else "allowance" if canary.run else "tokens",
        _asked(name, canary),
        _told(canary),
        _verified(verified, path),
        canary.source,
    )


def _asked(name: str, canary: Canary) -> str:
    """Return which accounts use a canary by default, and how often if it has its own interval."""
    pace = f", every {words.duration(canary.every_s)}" if canary.every_s else ""
    if canary.admin:
        return "with admin_key" + pace
    return ("always" if name in ("chat", "command") or (canary.free and not canary.optional) else "if named") + pace


def _told(canary: Canary) -> str:
    tells = {"credit": canary.credit, "models": canary.offers}
    return ", ".join([*(word for word, fact in tells.items() if fact), *canary.flags]) or "-"


def _rule_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    rows = [
        (
            rule.id,
            "ok" if rule.ok else str(rule.fault),
            _conditions(rule),
            _verified(verified, f"rules.{rule.id}"),
            rule.source,
        )
        for rule in provider.rules
    ]
    return Table(("rule", "means", "fits", "verified", "source"), rows)


def _feed_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    rows = [
        (
            feed.id,
            feed.form,
            feed.url,
            ", ".join(feed.components) or "all",
            _verified(verified, f"feeds.{feed.id}"),
            feed.source,
        )
        for feed in provider.feeds
    ]
    return Table(("status source", "form", "read from", "what matters", "verified", "source"), rows)


def _signal_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    rows = [
        (one.id, one.fault, one.header, one.value or "any", _verified(verified, f"signals.{one.id}"), one.source)
        for one in provider.signals
    ]
    return Table(("signal", "means", "header", "value", "verified", "source"), rows)


def _price_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    rows = [
        (
            one.model,
            *(f"{usd:g}" for usd in (one.call_usd, one.input_usd, one.output_usd)),
            _verified(verified, f"prices.{one.model}"),
            one.source,
        )
        for one in provider.prices
    ]
    return Table(("price of", "USD a call", "USD a million in", "USD a million out", "verified", "source"), rows)


def _doubts(provider: Provider) -> str:
    verified = list(provider.facts().values())
    return f"{verified.count(False)} of {len(verified)} facts"


def _verified(verified: Mapping[str, bool], path: str) -> TableCell | str:
    return "yes" if verified[path] else TableCell("unverified", Colour.YELLOW)


def _doubt(verified: Mapping[str, bool], path: str) -> str:
    return "" if verified.get(path, True) else " (unverified)"


def _conditions(rule: Rule) -> str:
    """Return the conditions of a rule, as its file states them."""
    facts = {name: getattr(rule, name) for name in ("status", "tag", "code", "type", "reason", "message")}
    return "; ".join(f"{name} {value}" for name, value in facts.items() if value)
