"""`providers`: print the known providers, or all facts about one."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence

from rich.table import Table

from monitor import words
from monitor.console.configuration import load_named
from monitor.console.selection import unknown
from monitor.console.table import make_table, open_console, plain, print_table
from monitor.console.terminal import UP, refuse
from probes.catalog import load_provider, provider_ids
from probes.provider import Canary, NoPage, Provider, Rule


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("provider", nargs="?", metavar="NAME", help="print all facts of this one")


def run(arguments: Namespace) -> int:
    shelf = load_named(arguments).shelf
    known = provider_ids(shelf)
    if not arguments.provider:
        provider_table([load_provider(id, shelf) for id in known])
        return UP
    if arguments.provider not in known:
        return refuse(unknown("provider", arguments.provider, known))
    provider_facts(load_provider(arguments.provider, shelf))
    return UP


def provider_table(providers: Sequence[Provider]) -> None:
    table = make_table("id", "name", "canaries", "rules", "unverified", "key variable", "checked")
    for one in providers:
        table.add_row(
            one.id,
            one.name,
            ", ".join(one.canaries),
            str(len(one.rules)),
            _doubts(one),
            ", ".join(one.key_variables),
            one.checked.isoformat(),
        )
    print_table(table)


def provider_facts(provider: Provider) -> None:
    """Print one provider: its probes, what its answers mean, its prices, and where to get help."""
    console, verified = open_console(), provider.facts()
    console.print(f"[bold]{provider.name}[/] ({provider.id}), checked {provider.checked}, {plain(provider.source)}")
    if provider.is_command:
        console.print("asked through a program, which has its own login")
    else:
        console.print(f"base: {provider.base or 'given by each account'}   key: {provider.auth.header}")
    console.print(f"unverified: {_doubts(provider)}")
    print_table(_canary_table(provider, verified))
    print_table(_rule_table(provider, verified))
    if provider.signals:
        print_table(_signal_table(provider, verified))
    if provider.prices:
        print_table(_price_table(provider, verified))
    if provider.feeds:
        print_table(_feed_table(provider, verified))
    for fault, address in provider.help.items():
        console.print(f"{words.FAULTS[fault]}: {plain(_place(address))}{_doubt(verified, f'help.{fault}')}")
    for demand, address in provider.verification.items():
        doubt = _doubt(verified, f"verification.{demand}")
        console.print(f"verification, {demand.replace('_', ' ')}: {plain(address)}{doubt}")
    for path in provider.unverified:
        if path in verified and not path.startswith(("help", "verification")) and not path.endswith(".model"):
            console.print(f"{path}{_doubt(verified, path)}")


def _place(help: str | NoPage) -> str:
    if not isinstance(help, NoPage):
        return help
    return f"no address, {help.none}" + (f"; write to {help.mail}" if help.mail else "")


def _canary_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    where = "runs" if provider.is_command else "path"
    table = make_table("canary", "dialect", where, "model", "costs", "asked", "tells", "verified", "source")
    for name, canary in provider.canaries.items():
        path = f"canaries.{name}"
        table.add_row(
            name,
            canary.dialect,
            plain(canary.path or shlex.join(canary.run or ())),
            plain(canary.model or "-") + _doubt(verified, f"{path}.model"),
            "nothing" if canary.free else "allowance" if canary.run else "tokens",
            _asked(name, canary),
            _told(canary),
            _verified(verified, path),
            plain(canary.source),
        )
    return table


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
    table = make_table("rule", "means", "fits", "verified", "source")
    for rule in provider.rules:
        means = "ok" if rule.ok else str(rule.fault)
        checked = _verified(verified, f"rules.{rule.id}")
        table.add_row(rule.id, means, plain(_conditions(rule)), checked, plain(rule.source))
    return table


def _feed_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = make_table("status source", "form", "read from", "what matters", "verified", "source")
    for feed in provider.feeds:
        matters, checked = plain(", ".join(feed.components) or "all"), _verified(verified, f"feeds.{feed.id}")
        table.add_row(feed.id, feed.form, plain(feed.url), matters, checked, plain(feed.source))
    return table


def _signal_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = make_table("signal", "means", "header", "value", "verified", "source")
    for one in provider.signals:
        checked = _verified(verified, f"signals.{one.id}")
        table.add_row(one.id, one.fault, one.header, plain(one.value or "any"), checked, plain(one.source))
    return table


def _price_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = make_table("price of", "USD a call", "USD a million in", "USD a million out", "verified", "source")
    for one in provider.prices:
        figures = (f"{usd:g}" for usd in (one.call_usd, one.input_usd, one.output_usd))
        table.add_row(plain(one.model), *figures, _verified(verified, f"prices.{one.model}"), plain(one.source))
    return table


def _doubts(provider: Provider) -> str:
    verified = list(provider.facts().values())
    return f"{verified.count(False)} of {len(verified)} facts"


def _verified(verified: Mapping[str, bool], path: str) -> str:
    return "yes" if verified[path] else "[yellow]unverified[/]"


def _doubt(verified: Mapping[str, bool], path: str) -> str:
    return "" if verified.get(path, True) else " [yellow](unverified)[/]"


def _conditions(rule: Rule) -> str:
    """Return the conditions of a rule, as its file states them."""
    facts = {name: getattr(rule, name) for name in ("status", "tag", "code", "type", "reason", "message")}
    return "; ".join(f"{name} {value}" for name, value in facts.items() if value)
