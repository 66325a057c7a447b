"""Rate limits over simulated months: glitches, jitter, two pools, upgrades; and who notices a cut, and when."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from monitor.detect.health import Health, State
from monitor.detect.limits import NONE, advance, needs_confirmation
from monitor.detect.target_memory import CEILING_S
from monitor.schedule import Watch, next_at
from probes.model import Limit, Observation, Outcome, Target

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Target("openai/main", "openai", "chat")
MINUTE_S, DAY_S = 60.0, 86400.0
Tell = Callable[[float], float | None]


def ceilings(
    rng: Random,
    days: float,
    cut_at_s: float | None = None,
    cut: float = 1.0,
    *,
    lasting: bool = False,
    glitches: float = 3.0,
) -> Tell:
    """Return what an account tells at a time: 20 % have two pools, 20 % jitter, some are upgraded.

    So many `glitches` a day another pool's ceiling comes in between: for 1 to 3 answers, or, where `lasting`,
    for 1 to 3 minutes however often one looks.
    """
    kind, upgrade_s = rng.random(), rng.uniform(0, 3 * days) * DAY_S
    usual = rng.choice((500.0, 10_000.0, 200_000.0))
    glitch, left, until_s, next_s = 1.0, 0, 0.0, rng.expovariate(glitches / DAY_S)

    def tell(at_s: float) -> float | None:
        nonlocal glitch, left, until_s, next_s
        if rng.random() < 0.01:
            return None
        most = usual * (4 if at_s > upgrade_s else 1) * (cut if cut_at_s is not None and at_s >= cut_at_s else 1)
        if kind < 0.2:
            most *= rng.choice((1.0, 0.8))
        elif kind < 0.4:
            most *= rng.uniform(0.95, 1.05)
        if at_s >= next_s:
            glitch, left = rng.choice((0.1, 0.5, 2.0)), rng.randint(1, 3)
            until_s, next_s = at_s + 60 * left - 1, at_s + 600 + rng.expovariate(glitches / DAY_S)
        left -= 1
        return most * glitch if (at_s < until_s if lasting else left >= 0) else most

    return tell


def ours(tell: Tell, end_s: float, relook_s: float | None = CEILING_S) -> list[float]:
    """Return when a fall was told, by the schedule with the quick readings that confirm it; None: without these."""
    watch, well = Watch(TARGET, MINUTE_S, free=True), Health(State.UP, BEGIN)
    limits, at, alarms, was = NONE, BEGIN, [], False
    while (at_s := (at - BEGIN).total_seconds()) < end_s:
        most = tell(at_s)
        told = None if most is None else (Limit("requests", 60.0, most, None),)
        limits = advance(limits, Observation(TARGET, at, Outcome.OK, limits=told))
        now = any(one.fallen_at for one in limits.ceilings.values())
        if now and not was:
            alarms.append(at_s)
        was = now
        at = next_at(watch, well, at, 3, 0.0, again_s=relook_s if needs_confirmation(limits) else None)
    return alarms


def in_a_row(count: int) -> Callable[[Tell, float], list[float]]:
    """A plain rule: so many readings in a row below 0.7 of the middle of the last hour."""

    def watcher(tell: Tell, end_s: float) -> list[float]:
        at_s, alarms, lows, was = 0.0, [], 0, False
        recent: list[float] = []
        while at_s < end_s:
            if (most := tell(at_s)) is not None:
                recent = [*recent[-60:], most]
                lows = lows + 1 if most < 0.7 * sorted(recent)[len(recent) // 2] else 0
                if lows >= count and not was:
                    alarms.append(at_s)
                was = lows >= count
            at_s += 60.0
        return alarms

    return watcher
