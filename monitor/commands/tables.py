"""Tables for a person at a terminal; plain when the output goes elsewhere."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from rich import box
from rich.console import Console
from rich.table import Table

from monitor import words
from monitor.config.cost import MONTH_D, Estimate
from monitor.detect.health import State, Thresholds
from monitor.detect.latency import token_s
from monitor.publish.shared_risk import cautions
from monitor.publish.snapshot import IncidentView, ObjectiveView, Snapshot, SourceView, TargetView
from monitor.publish.status import Mark, Standing, mark_target
from monitor.replay.tuning import MONTH, ReplayResult, compare, outages
from monitor.schedule import Budget
from monitor.slo.objective import PAIRS, Goal
from probes.advice import Surroundings, advise
from probes.model import Fault, Observation, Outcome, Target
from probes.provider import Canary, NoPage, Provider, Rule
from probes.proxy import STRAIGHT, Way
from probes.remedy import is_mended

COLOURS = {State.UP: "green", State.SUSPECTED: "yellow", State.DOWN: "red", State.UNKNOWN: "dim"}
BURNS = [f"burns ({pair.words[0]})" for pair in PAIRS]
OUTCOMES = {Outcome.OK: "green", Outcome.DEGRADED: "yellow", Outcome.FAILED: "red", Outcome.UNKNOWN: "dim"}


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[str], None]]:
    """Turn something on stderr while a person waits; nothing when stderr is no terminal.

    What is yielded takes words for how far it is.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(what) as status:
        yield lambda how_far: status.update(f"{what}: {how_far}")


NO_WAYS: Mapping[str, Way] = {}


def observation_table(
    observations: Sequence[Observation], providers: Mapping[str, Provider], ways: Mapping[str, Way] = NO_WAYS
) -> None:
    """Print what came back, and what to do. `ways` says of accounts how their requests leave; of others: straight."""
    table = _table("account", "canary", "outcome", "HTTP", "first token", "tokens/s", "total", "what it says")
    for one in observations:
        table.add_row(
            one.target.account,
            _canary(one.target.canary, one.target.model),
            f"[{OUTCOMES[one.outcome]}]{one.fault or one.outcome}[/]",
            str(one.status or "-"),
            _seconds(one.ttft_s),
            _rate(token_s(one)),
            _seconds(one.latency_s),
            _plain(f"{one.answer.words} ({one.answer.rule})") if one.answer else "",
        )
    _print(table)
    for account, advice in _next_steps(observations, providers, ways):
        _console().print(_plain(f"{account}: {advice}"), soft_wrap=True)


def _next_steps(
    observations: Sequence[Observation], providers: Mapping[str, Provider], ways: Mapping[str, Way]
) -> Iterator[tuple[str, str]]:
    """Yield what to do about each fault of each account, once; what a line of monitor.toml mends is said by itself."""
    said: dict[tuple[str, Fault], list[Observation]] = {}
    served = {_road(one.target, ways) for one in observations if one.outcome is Outcome.OK}
    for one in observations:
        its = [it for it in observations if it.target.account == one.target.account]
        if one.fault and one.answer and not is_mended(providers[one.target.provider], one, its):
            said.setdefault((one.target.account, one.fault), []).append(one)
    for (account, fault), its in said.items():
        target, words_ = its[0].target, [one.answer.words for one in its if one.answer]
        provider = providers[target.provider]
        own_base = target.host is not None or provider.base is None
        phase = next((one.answer.phase for one in its if one.answer), None)
        around = Surroundings(_road(target, ways) in served, own_base, phase=phase)
        yield account, advise(fault, provider, words_, around)


def _road(target: Target, ways: Mapping[str, Way]) -> tuple[str, Way]:
    return target.answerer, ways.get(target.account, STRAIGHT)


def status_table(snapshot: Snapshot, now: Standing) -> None:
    table = _table("account", "canary", "state", "since", "seen", "total", "first token", "tokens/s", "why")
    for provider in snapshot.providers:
        for account in provider.accounts:
            for target in account.targets:
                table.add_row(account.id, *_target_cells(target, mark_target(target, now)))
    _print(table)
    for id, caution in cautions(snapshot).items():
        _console().print(_plain(f"{id}: {caution.words}{'; it is not offered' if caution.withheld else ''}."))
    for view in snapshot.open_incidents:
        _console().print(
            _plain(f"{words.title(view.incident)}, since {words.moment(view.incident.opened_at).words}. {view.advice}")
        )
    if one := snapshot.overlap:
        rounds, span = words.count(one.count, "round"), f"from {_time(one.since)} to {_time(one.last)}"
        _console().print(f"{rounds} of `once` left out, {span}: another process was still at work.")


def objective_table(views: Sequence[ObjectiveView]) -> None:
    table = _table("objective", "promised", "kept", "budget left", "of", "seen", *BURNS)
    for view in views:
        objective = view.objective
        window = words.count(objective.window_days, "day")
        if not view.reserves:
            table.add_row(_plain(objective.id), "", "", "nothing was seen yet", window, "-", *("-" for _ in BURNS))
        for one in view.reserves:
            within = f" within {objective.latency_s:g} s" if one.goal is Goal.LATENCY else ""
            table.add_row(
                _plain(objective.id),
                f"{100 * one.promised:g}%{within}",
                f"{one.kept:.3%}",
                f"[{'green' if one.left > 0 else 'red'}]{one.left:.0%}[/]",
                window,
                words.duration(one.seen_days * 86400),
                *("-" if burn is None else f"x{burn:.1f}" for burn in one.burns),
            )
    _print(table)


def _target_cells(target: TargetView, mark: Mark) -> tuple[str, ...]:
    state = State.UNKNOWN if mark is Mark.UNKNOWN else target.state
    return (
        _canary(target.canary, target.model),
        f"[{COLOURS[state]}]{state}[/]",
        _time(target.since),
        _time(target.seen_at),
        _seconds(target.latency.now_s),
        _seconds(target.ttft.now_s),
        _rate(target.token.now_s),
        _plain(_why(target)),
    )


def _why(target: TargetView) -> str:
    if target.fault is None:
        return target.reason or ""
    return ", ".join(filter(None, (words.FAULTS[target.fault], words.where(target.fault, target.phase))))


def source_table(sources: Sequence[SourceView], now: datetime) -> None:
    table = _table("source", "state", "read", "what it says", "page")
    for one in sources:
        state = "[green]read[/]" if one.readable else f"[yellow]{'not believed' if one.problem else 'not read yet'}[/]"
        read = f"{words.duration((now - one.read_at).total_seconds())} ago" if one.read_at else "-"
        said = [words.notice(notice, now) for notice in one.notices]
        if one.unread:
            said.append(f"{words.count(one.unread, 'item')} could not be read")
        told = "; ".join(said) if one.readable else one.problem or ""
        table.add_row(one.id, state, read, _plain(told or "no trouble"), _plain(one.page))
    _print(table)


def incident_table(views: Sequence[IncidentView]) -> None:
    table = _table("id", "what", "blame", "began", "ended", "told")
    for view in views:
        incident = view.incident
        told = sorted({f"{one.channel}: {one.state}" for one in view.told})
        table.add_row(
            incident.id,
            _plain(("DRILL " if incident.drill else "") + words.title(incident)),
            words.BLAMES[incident.blame],
            _time(incident.opened_at),
            _time(incident.closed_at) if incident.closed_at else "[red]open[/]",
            _plain(", ".join(told)),
        )
    _print(table)


def cost_table(costs: Mapping[str, Estimate], budgets: Mapping[str, Budget]) -> None:
    table = _table("account", "calls a month", "tokens a month", "USD a month", "budget a month")
    for account, cost in costs.items():
        budget = budgets[account]
        table.add_row(
            account,
            f"{cost.calls * MONTH_D:,.0f}",
            "not told" if cost.tokens is None else f"{cost.tokens * MONTH_D:,.0f}",
            "price not known" if cost.usd is None else f"{cost.usd * MONTH_D:.2f}",
            f"{budget.daily_tokens * MONTH_D:,} tokens, {budget.daily_usd * MONTH_D:.2f} USD",
        )
    _print(table)


def tune_table(told: Mapping[Thresholds, ReplayResult], now: Thresholds, span: timedelta) -> None:
    table = _table("setting", "incidents", "a month", "messages", "a month", "delay (median)", "of those told now")
    for one in compare(told, now):
        table.add_row(
            f"[bold]{_setting(one.setting)} (now)[/]" if one.setting == now else _setting(one.setting),
            *_counted(one.alarms, one.messages, span),
            "-" if one.delay_s is None else words.duration(one.delay_s),
            f"{one.found} of {one.outages}",
        )
    slow = told[now].slow
    table.add_row("of these: slower than usual (now)", *_counted(len(slow.alarms), slow.messages, span), "-", "-")
    _print(table)


def _setting(setting: Thresholds) -> str:
    return f"failures = {setting.failures}, blip_s = {setting.blip_s:g}"


def _counted(alarms: int, messages: int, span: timedelta) -> tuple[str, str, str, str]:
    months = MONTH / span
    return str(alarms), f"{alarms * months:.1f}", str(messages), f"{messages * months:.1f}"


OUTAGES = 20
"""So many of the latest ones are printed."""


def outage_table(told: Mapping[Thresholds, ReplayResult], now: Thresholds) -> None:
    table = _table("outage of", "began (UTC)", "lasted", "messages", "not told with")
    found = outages(told, now)
    for one in found[:OUTAGES]:
        its = one.alarm.incident
        table.add_row(
            words.title(its),
            f"{its.opened_at:%d %b, %H:%M}",
            words.duration((its.closed_at - its.opened_at).total_seconds()) if its.closed_at else "goes on",
            str(one.alarm.messages),
            _untold(one.untold, now) or "-",
        )
    if found:
        _print(table)


def _untold(untold: Sequence[Thresholds], now: Thresholds) -> str:
    """Name each setting by what differs from the present one."""
    return ", ".join(
        f"blip_s = {one.blip_s:g}" if one.blip_s != now.blip_s else f"failures = {one.failures}" for one in untold
    )


def provider_table(providers: Sequence[Provider]) -> None:
    table = _table("id", "name", "canaries", "rules", "unverified", "key variable", "checked")
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
    _print(table)


def provider_facts(provider: Provider) -> None:
    """Print one provider: how it is asked, what its answers mean, what it costs, and where a person goes."""
    console, verified = _console(), provider.facts()
    console.print(f"[bold]{provider.name}[/] ({provider.id}), checked {provider.checked}, {_plain(provider.source)}")
    if provider.is_command:
        console.print("asked through a program, which has its own login")
    else:
        console.print(f"base: {provider.base or 'given by each account'}   key: {provider.auth.header}")
    console.print(f"unverified: {_doubts(provider)}")
    _print(_canary_table(provider, verified))
    _print(_rule_table(provider, verified))
    if provider.signals:
        _print(_signal_table(provider, verified))
    if provider.prices:
        _print(_price_table(provider, verified))
    if provider.feeds:
        _print(_feed_table(provider, verified))
    for fault, address in provider.help.items():
        console.print(f"{words.FAULTS[fault]}: {_plain(_place(address))}{_doubt(verified, f'help.{fault}')}")
    for demand, address in provider.verification.items():
        doubt = _doubt(verified, f"verification.{demand}")
        console.print(f"verification, {demand.replace('_', ' ')}: {_plain(address)}{doubt}")
    for path in provider.unverified:
        if path in verified and not path.startswith(("help", "verification")) and not path.endswith(".model"):
            console.print(f"{path}{_doubt(verified, path)}")


def _place(help: str | NoPage) -> str:
    if not isinstance(help, NoPage):
        return help
    return f"no address, {help.none}" + (f"; write to {help.mail}" if help.mail else "")


def _canary_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    where = "runs" if provider.is_command else "path"
    table = _table("canary", "dialect", where, "model", "costs", "asked", "tells", "verified", "source")
    for name, canary in provider.canaries.items():
        path = f"canaries.{name}"
        table.add_row(
            name,
            canary.dialect,
            _plain(canary.path or shlex.join(canary.run or ())),
            _plain(canary.model or "-") + _doubt(verified, f"{path}.model"),
            "nothing" if canary.free else "allowance" if canary.run else "tokens",
            _asked(name, canary),
            _told(canary),
            _verified(verified, path),
            _plain(canary.source),
        )
    return table


def _asked(name: str, canary: Canary) -> str:
    """Return for which accounts a canary is used where they name none, and how often if it has a pace of its own."""
    pace = f", every {words.duration(canary.every_s)}" if canary.every_s else ""
    if canary.admin:
        return "with admin_key" + pace
    return ("always" if name in ("chat", "command") or (canary.free and not canary.optional) else "if named") + pace


def _told(canary: Canary) -> str:
    tells = {"credit": canary.credit, "models": canary.offers}
    return ", ".join([*(word for word, fact in tells.items() if fact), *canary.flags]) or "-"


def _rule_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = _table("rule", "means", "fits", "verified", "source")
    for rule in provider.rules:
        means = "ok" if rule.ok else str(rule.fault)
        checked = _verified(verified, f"rules.{rule.id}")
        table.add_row(rule.id, means, _plain(_conditions(rule)), checked, _plain(rule.source))
    return table


def _feed_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = _table("status source", "form", "read from", "what matters", "verified", "source")
    for feed in provider.feeds:
        matters, checked = _plain(", ".join(feed.components) or "all"), _verified(verified, f"feeds.{feed.id}")
        table.add_row(feed.id, feed.form, _plain(feed.url), matters, checked, _plain(feed.source))
    return table


def _signal_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = _table("signal", "means", "header", "value", "verified", "source")
    for one in provider.signals:
        checked = _verified(verified, f"signals.{one.id}")
        table.add_row(one.id, one.fault, one.header, _plain(one.value or "any"), checked, _plain(one.source))
    return table


def _price_table(provider: Provider, verified: Mapping[str, bool]) -> Table:
    table = _table("price of", "USD a call", "USD a million in", "USD a million out", "verified", "source")
    for one in provider.prices:
        figures = (f"{usd:g}" for usd in (one.call_usd, one.input_usd, one.output_usd))
        table.add_row(_plain(one.model), *figures, _verified(verified, f"prices.{one.model}"), _plain(one.source))
    return table


def _doubts(provider: Provider) -> str:
    verified = list(provider.facts().values())
    return f"{verified.count(False)} of {len(verified)} facts"


def _verified(verified: Mapping[str, bool], path: str) -> str:
    return "yes" if verified[path] else "[yellow]unverified[/]"


def _doubt(verified: Mapping[str, bool], path: str) -> str:
    return "" if verified.get(path, True) else " [yellow](unverified)[/]"


def _conditions(rule: Rule) -> str:
    """Return what a rule asks of an answer, as its file says it."""
    facts = {name: getattr(rule, name) for name in ("status", "tag", "code", "type", "reason", "message")}
    return "; ".join(f"{name} {value}" for name, value in facts.items() if value)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(table: Table) -> None:
    _console().print(table)


def _console() -> Console:
    """A pipe has no width: a table cut to 80 columns would lose what a script looks for."""
    return Console() if sys.stdout.isatty() else Console(width=240)


def _canary(canary: str, model: str | None) -> str:
    return _plain(" ".join(filter(None, (canary, model))))


def _plain(text: str) -> str:
    """Keep a provider's brackets from being read as markup."""
    return text.replace("[", r"\[")


def _rate(token_s: float | None) -> str:
    return words.rate(token_s) if token_s else "-"


def _seconds(value: float | None) -> str:
    return "-" if value is None else words.seconds(value)


def _time(at: datetime | None) -> str:
    return words.moment(at).words if at else "-"
