"""The tables of `status`: each target, and the error budget left of each objective."""

from collections.abc import Sequence

from monitor import words
from monitor.console.table import Table, TableCell, canary_label, format_rate, format_seconds, without_empty
from monitor.console.terminal import Colour
from monitor.detect.health import State
from monitor.publish.account_row import AccountRow, target_words
from monitor.publish.snapshot import ObjectiveView, TargetView
from monitor.publish.status import CurrentState, Mark, mark_target
from monitor.slo.objective import BURN_WINDOWS, Goal
from monitor.words import Language

COLOURS = {State.UP: Colour.GREEN, State.SUSPECTED: Colour.YELLOW, State.DOWN: Colour.RED, State.UNKNOWN: Colour.DIM}
TARGET_TITLES = ("canary", "state", "since", "seen", "total", "first token", "tokens/s", "why")
OBJECTIVE_TITLES = (
    "objective",
    "promised",
    "kept",
    "left",
    "of",
    "seen",
    *(f"burns ({it.words[0]})" for it in BURN_WINDOWS),
)


def target_table(row: AccountRow, now: CurrentState, language: Language) -> Table:
    return without_empty(Table(TARGET_TITLES, [_target_cells(target, now, language) for target in row.view.targets]))


def _target_cells(target: TargetView, now: CurrentState, language: Language) -> tuple[TableCell | str, ...]:
    state = State.UNKNOWN if mark_target(target, now) is Mark.UNKNOWN else target.state
    return (
        canary_label(target.label, target.model),
        TableCell(state, COLOURS[state]),
        words.moment(target.since, now.at, language).words if target.since else "-",
        f"{words.duration((now.at - target.seen_at).total_seconds())} ago" if target.seen_at else "-",
        format_seconds(target.latency.now_s),
        format_seconds(target.ttft.now_s),
        format_rate(target.token.now_s),
        target_words(target),
    )


def objective_table(views: Sequence[ObjectiveView]) -> Table:
    return without_empty(Table(OBJECTIVE_TITLES, [row for view in views for row in _objective_rows(view)]))


def _objective_rows(view: ObjectiveView) -> list[tuple[TableCell | str, ...]]:
    objective, window = view.objective, words.count(view.objective.window_days, "day")
    if not view.reserves:
        return [(objective.id, "", "", "nothing was seen yet", window, "-", *("-" for _ in BURN_WINDOWS))]
    return [
        (
            objective.id,
            f"{100 * one.promised:g}%" + (f" within {objective.latency_s:g} s" if one.goal is Goal.LATENCY else ""),
            f"{one.kept:.3%}",
            TableCell(f"{one.left:.0%}", Colour.GREEN if one.left > 0 else Colour.RED),
            window,
            words.duration(one.seen_days * 86400),
            *("-" if burn is None else f"x{burn:.1f}" for burn in one.burns),
        )
        for one in view.reserves
    ]
