"""What a judge of many accounts in several places costs: its beats, its memory, and what it knows.

    .venv/bin/python -m benchmarks.judge [--accounts 10000] [--places 3] [--beats 200] [--ill 5]

One free canary a minute from each place, and a paid one that goes round them. A beat takes what came in half a second.
A few accounts are lost, and one answer in a thousand fails by chance. Only the core is measured: health, detectors,
diagnosis, incidents. Prints a summary as JSON.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random

from benchmarks.places import PLACES
from monitor.cli import collect_seldom
from monitor.config.load import config_of_text
from monitor.config.role import judging_part
from monitor.runtime.daemon import prepare_interpreter
from monitor.stages.evaluate import memories_to_save, run_detectors, update_accounts, update_incidents
from monitor.state.belief import Belief
from monitor.state.self_health import SelfHealth
from probes.model import Answer, Fault, Observation, Outcome, Target

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEAT = timedelta(seconds=0.5)
BLIP = 0.001
PROVIDERS = ("openai", "anthropic", "groq", "mistral", "deepseek")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.judge", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--places", type=int, default=3, choices=range(1, len(PLACES) + 1))
    parser.add_argument("--beats", type=int, default=200)
    parser.add_argument("--ill", type=int, default=5, help="accounts that are lost")
    parser.add_argument("--profile", action="store_true", help="print the functions that take most of the CPU")
    wish = parser.parse_args()
    print(json.dumps(measure(wish.accounts, wish.places, wish.beats, wish.ill, profile=wish.profile)))


def measure(accounts: int, places: int, beats: int, ill: int, *, profile: bool = False) -> dict[str, object]:
    collect_seldom()
    rng, own, now = Random(1), SelfHealth(), NOON
    config = config_of_text(_config(accounts, PLACES[:places]), Path("monitor.toml"), {"KEY": "k" * 40})
    belief = Belief(config=judging_part(config) if places > 1 else config)
    config_mib = _rss_mib()
    targets = [one.target for one in belief.config.watches.values() if not one.aside]
    free = [one for one in targets if one.canary != "chat"]
    lost = {one.account for one in free[: ill * places * 7 : 7]}
    turns = {"free": cycle(free), "paid": cycle(one for one in targets if one.canary == "chat")}
    for ago_s in (240, 90, 60, 30):  # all were seen, and the lost ones for a while
        seen = [_look(one, now - timedelta(seconds=ago_s), rng, lost if ago_s < 200 else set()) for one in targets]
        run_detectors(belief, own, seen)
    prepare_interpreter()  # as `run` does
    watcher = _profiler() if profile else None
    took: list[float] = []
    for _ in range(beats):
        now += BEAT
        seen = [_look(one, now, rng, lost) for one in _due(turns, len(free))]
        began = time.process_time()
        if watcher:
            watcher.enable()
        run_detectors(belief, own, seen)
        update_accounts(belief, own, seen)
        memories_to_save(belief, {}, seen, now)
        belief.adopt(update_incidents(belief, own, (), now))
        if watcher:
            watcher.disable()
        took.append(time.process_time() - began)
    took.sort()
    if watcher:
        _print(watcher)
    return {
        "targets": len(targets),
        "seen_a_beat": len(seen),
        "beat_ms_p50": round(1000 * took[len(took) // 2], 1),
        "beat_ms_p99": round(1000 * took[int(len(took) * 0.99)], 1),
        "cores": round(sum(took) / (beats * BEAT.total_seconds()), 3),
        "open": len(belief.incidents),
        "config_mib": config_mib,
        "rss_mib": _rss_mib(),
    }


def _config(accounts: int, places: Sequence[str]) -> str:
    """Return a configuration as a user would write it."""
    head = ['location = "FRA"', "[store]", 'url = "postgresql://db/monitor"' if len(places) > 1 else 'path = "m.db"']
    head += [f'[[locations]]\nname = "{one}"' for one in places]
    its = (
        f'[[accounts]]\nname = "a{number}"\nprovider = "{PROVIDERS[number % len(PROVIDERS)]}"\nkey = "env:KEY"'
        for number in range(accounts)
    )
    return "\n".join([*head, *its])


def _due(turns: dict[str, Iterator[Target]], free: int) -> list[Target]:
    """Return what is seen in one beat: each free target once a minute, and a paid one for each four of those."""
    number = max(1, int(free * BEAT.total_seconds() / 60))
    return [*islice(turns["free"], number), *islice(turns["paid"], number // 15 + 1)]


def _look(target: Target, now: datetime, rng: Random, lost: set[str]) -> Observation:
    if target.account in lost:
        answer = Answer("x/invalid_key", "some words")
        return Observation(target, now, Outcome.FAILED, 0.1, status=401, fault=Fault.INVALID_KEY, answer=answer)
    if rng.random() < BLIP:
        answer = Answer("x/server_error", "some words")
        return Observation(target, now, Outcome.FAILED, 0.1, status=500, fault=Fault.SERVER_ERROR, answer=answer)
    return Observation(target, now, Outcome.OK, latency_s=rng.lognormvariate(-1, 0.25), status=200)


def _rss_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _profiler():  # type: ignore[no-untyped-def]
    from cProfile import Profile

    return Profile()


def _print(watcher) -> None:  # type: ignore[no-untyped-def]
    from pstats import Stats

    Stats(watcher, stream=sys.stderr).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
