"""Three judges on one PostgreSQL: whoever leads is struck. How long until the next one leads, and were there ever two?

`python -m benchmarks.failover [--faults 120] [--seed N] [--write]`. Each judge is a process that reaches the server by
a road of its own. It notes a hundred times a second whether it leads, by the clock that all processes of a machine
share, and writes as leader meanwhile. In the end no two judges believed that they lead at one instant, and no row of a
term was committed after a later one had begun: else the exit code is 1.

What strikes: `killed` (kill -9), `stopped` (SIGSTOP, and SIGCONT when the next one leads), `cut` (both sockets stay,
nothing passes; later it passes again), `ended` (the server ends its session), `restarted` (the server, as if its
machine had died), `cut and restarted` (so that the leader cannot know of it), `handed over` (on purpose). `slow`: each
answer takes 1.2 s, and who leads goes on. `stalled`: each takes 3 s, so that nobody can; the time is from when answers
are quick again.
"""

import argparse
import os
import platform
import random
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from monitor.store.postgres.leader import LEADING
from monitor.store.postgres.leadership import DOUBT_S, since_boot
from tests.election import Election, election

RESULTS = Path(__file__).with_name("RESULTS-failover.md")
SLOW_S, STALLED_S = 1.2, 3.0
LASTS_S = 5.0
"""How long answers are slow."""
QUIET_S = (0.3, 1.5)
"""How long all is well between two faults."""
WEIGHTS = {
    "killed": 40,
    "stopped": 15,
    "cut": 15,
    "ended": 8,
    "handed over": 8,
    "restarted": 4,
    "cut and restarted": 4,
    "slow": 3,
    "stalled": 3,
}
GOALS = {"killed": 1.0, "stopped": 4.0, "cut": 4.0, "handed over": 0.3}
"""Seconds, at the 99th percentile."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.failover", description=__doc__)
    parser.add_argument("--faults", type=int, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    wish = parser.parse_args()
    print(f"seed {wish.seed}", flush=True)
    rng = random.Random(wish.seed)
    with tempfile.TemporaryDirectory(prefix="failover-") as folder, election(Path(folder)) as its:
        its.restore()
        its.grow_up()
        took, unbidden = play(its, wish.faults, rng)
        wrong = {"two leaders at once": len(its.overlaps()), "rows of a former leader": len(its.late_rows())}
        rows = its.rows()
    wrong["leads lost with no fault"] = unbidden
    text = report(took, wrong, f"{wish.faults} faults, seed {wish.seed}; {len(its.led)} terms, {rows} rows")
    print(text)
    if wish.write:
        RESULTS.write_text(text)
    raise SystemExit(1 if any(wrong.values()) else 0)


def play(its: Election, faults: int, rng: random.Random) -> tuple[dict[str, list[float]], int]:
    """Strike so often; return how many seconds each kind of fault left without a leader, and how many terms more there
    were than that explains."""
    took, unbidden = defaultdict[str, list[float]](list), 0
    for number in range(faults):
        (kind,) = rng.choices([*WEIGHTS], [*WEIGHTS.values()])
        time.sleep(rng.uniform(*QUIET_S))
        epoch, name = its.newest()
        began_s = KINDS[kind](its, name)
        next_s = its.leader(epoch)[2] if kind not in STEADY else began_s
        took[kind].append(max(0, next_s - began_s))
        its.restore()
        expected = 0 if kind in STEADY else 1
        unbidden += max(0, sum(one > epoch for one in its.led) - expected)
        if kind == "stalled":
            time.sleep(DOUBT_S)
        its.grow_up()
        print(f"{number + 1} {kind}: {took[kind][-1]:.3f} s", flush=True)
    return took, unbidden


STEADY = ("slow",)


def _killed(its: Election, name: str) -> float:
    at_s = since_boot()
    its.kill(name)
    return at_s


def _stopped(its: Election, name: str) -> float:
    at_s = since_boot()
    its.signal(name, signal.SIGSTOP)
    return at_s


def _cut(its: Election, name: str) -> float:
    at_s = since_boot()
    its.roads[name].cut()
    return at_s


def _ended(its: Election, _: str) -> float:
    query = """
        SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = %s
    """
    with its.server.connect() as connection:
        at_s = since_boot()
        connection.execute(query, (LEADING,))
    return at_s


def _handed_over(its: Election, name: str) -> float:
    at_s = since_boot()
    its.signal(name, signal.SIGUSR1)
    return at_s


def _restarted(its: Election, _: str) -> float:
    its.restart_server()
    return since_boot()


def _cut_and_restarted(its: Election, name: str) -> float:
    its.roads[name].cut()
    return _restarted(its, name)


def _slow(its: Election, _: str) -> float:
    return _delay(its, SLOW_S)


def _stalled(its: Election, _: str) -> float:
    return _delay(its, STALLED_S)


def _delay(its: Election, seconds: float) -> float:
    for road in its.roads.values():
        road.delay_s = seconds
    time.sleep(LASTS_S)
    for road in its.roads.values():
        road.heal()
    return since_boot()


KINDS: dict[str, Callable[[Election, str], float]] = {
    "killed": _killed,
    "stopped": _stopped,
    "cut": _cut,
    "ended": _ended,
    "handed over": _handed_over,
    "restarted": _restarted,
    "cut and restarted": _cut_and_restarted,
    "slow": _slow,
    "stalled": _stalled,
}


def report(took: dict[str, list[float]], wrong: dict[str, int], played: str) -> str:
    """Return all that was seen as a document."""
    rows = [_row(kind, sorted(took[kind])) for kind in KINDS if took[kind] and kind not in STEADY]
    machine = f"{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}, {platform.release()}"
    facts = [f"- {what}: {count}" for what, count in wrong.items()]
    facts.append(f"- times that all answers took {SLOW_S:g} s for {LASTS_S:g} s: {len(took['slow'])}")
    head = "| seconds to the next leader | faults | p50 | p99 | most | goal |\n|---|---|---|---|---|---|"
    title = "# Whoever leads is struck"
    source = "Written by `python -m benchmarks.failover --write`; its docstring says what strikes."
    return "\n".join([title, "", source, "", f"{played}; {machine}.", "", head, *rows, "", *facts, ""])


def _row(kind: str, its: list[float]) -> str:
    p50, p99 = (its[min(len(its) - 1, int(share * len(its)))] for share in (0.5, 0.99))
    goal = f"{GOALS[kind]:g}" if kind in GOALS else ""
    return f"| {kind} | {len(its)} | {p50:.2f} | {p99:.2f} | {its[-1]:.2f} | {goal} |"


if __name__ == "__main__":
    main()
