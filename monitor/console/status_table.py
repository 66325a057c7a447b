"""The tables of `status`: each target, and the error budget left of each objective."""

from collections.abc import Sequence

from monitor import words
from monitor.console.table import asked_of, make_table, moment, open_console, plain, print_table, rate, seconds
from monitor.detect.health import State
from monitor.publish.shared_risk import cautions
from monitor.publish.snapshot import ObjectiveView, Snapshot, TargetView
from monitor.publish.status import Mark, Standing, mark_target
from monitor.slo.objective import PAIRS, Goal

COLOURS = {State.UP: "green", State.SUSPECTED: "yellow", State.DOWN: "red", State.UNKNOWN: "dim"}
BURNS = [f"burns ({pair.words[0]})" for pair in PAIRS]


def status_table(snapshot: Snapshot, now: Standing) -> None:
    table = make_table("account", "canary", "state", "since", "seen", "total", "first token", "tokens/s", "why")
    for provider in snapshot.providers:
        for account in provider.accounts:
            for target in account.targets:
                table.add_row(account.id, *_target_cells(target, mark_target(target, now)))
    print_table(table)
    for id, caution in cautions(snapshot).items():
        open_console().print(plain(f"{id}: {caution.words}{'; it is not offered' if caution.withheld else ''}."))
    for view in snapshot.open_incidents:
        open_console().print(
            plain(f"{words.title(view.incident)}, since {words.moment(view.incident.opened_at).words}. {view.advice}")
        )
    if one := snapshot.overlap:
        rounds, span = words.count(one.count, "round"), f"from {moment(one.since)} to {moment(one.last)}"
        open_console().print(f"{rounds} of `once` left out, {span}: another process was still at work.")


def objective_table(views: Sequence[ObjectiveView]) -> None:
    table = make_table("objective", "promised", "kept", "budget left", "of", "seen", *BURNS)
    for view in views:
        objective = view.objective
        window = words.count(objective.window_days, "day")
        if not view.reserves:
            table.add_row(plain(objective.id), "", "", "nothing was seen yet", window, "-", *("-" for _ in BURNS))
        for one in view.reserves:
            within = f" within {objective.latency_s:g} s" if one.goal is Goal.LATENCY else ""
            table.add_row(
                plain(objective.id),
                f"{100 * one.promised:g}%{within}",
                f"{one.kept:.3%}",
                f"[{'green' if one.left > 0 else 'red'}]{one.left:.0%}[/]",
                window,
                words.duration(one.seen_days * 86400),
                *("-" if burn is None else f"x{burn:.1f}" for burn in one.burns),
            )
    print_table(table)


def _target_cells(target: TargetView, mark: Mark) -> tuple[str, ...]:
    state = State.UNKNOWN if mark is Mark.UNKNOWN else target.state
    return (
        asked_of(target.canary, target.model),
        f"[{COLOURS[state]}]{state}[/]",
        moment(target.since),
        moment(target.seen_at),
        seconds(target.latency.now_s),
        seconds(target.ttft.now_s),
        rate(target.token.now_s),
        plain(_why(target)),
    )


def _why(target: TargetView) -> str:
    if target.fault is None:
        return target.reason or ""
    return ", ".join(filter(None, (words.FAULTS[target.fault], words.where(target.fault, target.phase))))
