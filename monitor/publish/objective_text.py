"""Objectives → the texts that the templates show; pure."""

from collections.abc import Iterator

from monitor.publish.account_text import error_budget_words
from monitor.publish.snapshot import ObjectiveView
from monitor.publish.view_model import PromiseRow
from monitor.sentence.translation import PageLanguage
from monitor.slo.objective import BURN_WINDOWS, ErrorBudget, Goal


def build_promises(view: ObjectiveView, speech: PageLanguage) -> Iterator[PromiseRow]:
    """Yield the state of each promise of an objective; one without observations has no budget yet."""
    objective = view.objective
    known = {one.goal: one for one in view.reserves}
    for goal, promised in objective.promises.items():
        share = speech.say("{n}%", n=speech.number(f"{100 * promised:.6g}"))
        if goal is Goal.LATENCY:
            seconds = speech.say("{n} s", n=speech.number(f"{objective.latency_s:g}"))
            share = speech.say("{share} within {seconds}", share=share, seconds=seconds)
        promise = speech.say("{promise} in {n} days", promise=share, n=objective.window_days)
        one = known.get(goal)
        left, burns = (
            (error_budget_words(one.left, speech), _burns(one, speech)) if one else (speech.say("no data"), "")
        )
        yield PromiseRow(objective.name, promise, left, one is not None and one.left < 0, burns)


def _burns(reserve: ErrorBudget, speech: PageLanguage) -> str:
    """Say how fast a budget burns, if enough was observed: `× 3.1 in 1 h, × 1.2 in 6 h`."""
    pairs = zip(BURN_WINDOWS, reserve.burns, strict=True)
    known = [(speech.number(f"{burn:.1f}"), pair.long) for pair, burn in pairs if burn is not None]
    return speech.items(
        speech.say("× {times} in {duration}", times=times, duration=speech.duration(long.total_seconds()))
        for times, long in known
    )
