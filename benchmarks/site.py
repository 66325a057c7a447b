"""What the whole site costs beside f-strings that write the same figures: `python -m benchmarks.site ACCOUNTS`, JSON.

The floor (`benchmarks/floor.py`) writes the files that it names with the same figures, by hand; of ours those count.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from benchmarks import floor
from benchmarks.engine import edge, settle
from monitor.config.document import ProbeSection
from monitor.publish.collect import build_snapshot
from monitor.publish.private_site import render, render_pages
from monitor.publish.snapshot import Snapshot
from monitor.publish.write import write_site
from monitor.stages.beat import beat
from monitor.state.monitor_state import open_state
from monitor.store.connection import open_reader
from monitor.store.reader import Reader
from probes.model import Observation, Outcome, Target

REPEATS = 9
LOOKS = 48


async def seen(folder: Path, accounts: int, now: datetime) -> Snapshot:
    """Return the snapshot of a day with a look each half hour, the last of them now: all is well."""
    config = settle(folder, (f"http://127.0.0.1:1/a{n}/v1" for n in range(accounts)), 1800, ProbeSection())
    async with open_state(config, edge()) as state:
        for look in range(LOOKS):
            at = now - timedelta(minutes=30) * (LOOKS - 1 - look)
            targets = [watch.target for watch in config.watches.values()]
            await beat(state, [_look(one, at, n, look) for n, one in enumerate(targets)], at)
    with closing(open_reader(config.store.database)) as db:
        return build_snapshot(Reader(db, config.location), config, now)


def _look(target: Target, at: datetime, number: int, look: int) -> Observation:
    """Return a good answer; each account has durations of its own, so that no two pages are alike."""
    pace = 1 + number % 97 / 97
    return Observation(
        target, at, Outcome.OK, latency_s=pace * (0.3 + look / 100), ttft_s=pace * (0.1 + look / 200), status=200
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = asyncio.run(seen(folder, int(sys.argv[1]), datetime.now(UTC)))
        write_site(folder / "site", render(snapshot))
        ours, theirs, names = [], [], floor.names(snapshot)
        for _ in range(REPEATS):
            ours.append(spent_ms(render_pages(snapshot), names))
            theirs.append(_timed(lambda: floor.site(snapshot)))
        rewritten = write_site(folder / "site", render(snapshot))
    size = {"ours_kib": _kib(render(snapshot)), "floor_kib": _kib(floor.site(snapshot))}
    found = {"ours_ms": median(ours), "floor_ms": median(theirs), "rewritten": rewritten}
    print(json.dumps(found | size))


def spent_ms(
    files: Iterable[tuple[str, bytes]], names: Collection[str], clock: Callable[[], float] = time.process_time
) -> float:
    """Return how long the files of these names took to be made, one after the other; the first with all preparation."""
    spent, before = 0.0, clock()
    for name, _ in files:
        now = clock()
        spent += now - before if name in names else 0
        before = now
    return 1000 * spent


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def _kib(files: dict[str, bytes]) -> float:
    return sum(map(len, files.values())) / 1024


if __name__ == "__main__":
    main()
