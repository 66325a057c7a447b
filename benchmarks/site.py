"""What the whole site costs beside f-strings that write the same figures: `python -m benchmarks.site ACCOUNTS`, JSON.

The floor is one pass of f-strings over the same snapshot, with text escaped, every hour a bar, and the same
status.json: what a page costs that is written by hand and judges nothing.
"""

import asyncio
import json
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

from benchmarks.engine import edge, settle
from monitor.config import ProbeSection
from monitor.publish.page import render, status_json
from monitor.publish.snapshot import AccountView, Snapshot, TargetView
from monitor.publish.write import write_site
from monitor.run import beat
from monitor.store.connection import open_reader
from monitor.view import take
from monitor.world import open_world
from probes.model import Observation, Outcome

REPEATS = 9
LOOKS = 48


async def _seen(folder: Path, accounts: int) -> Snapshot:
    """Return the snapshot of a day with a look each half hour."""
    config = settle(folder, (f"http://127.0.0.1:1/a{n}/v1" for n in range(accounts)), 1800, ProbeSection())
    now = datetime.now(UTC)
    async with open_world(config, edge()) as world:
        for look in range(LOOKS):
            at = now - timedelta(minutes=30) * (LOOKS - look)
            targets = [watch.target for watch in config.watches.values()]
            facts = {"latency_s": 0.3 + look / 100, "ttft_s": 0.1 + look / 200, "status": 200}
            await beat(world, [Observation(one, at, Outcome.OK, **facts) for one in targets], at)
    with closing(open_reader(config.database)) as db:
        return take(db, config, now)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = asyncio.run(_seen(folder, int(sys.argv[1])))
        write_site(folder / "site", render(snapshot))
        ours, floor = [], []
        for _ in range(REPEATS):
            ours.append(_timed(lambda: render(snapshot)))
            floor.append(_timed(lambda: _floor(snapshot)))
        rewritten = write_site(folder / "site", render(snapshot))
    size = {"ours_kib": _kib(render(snapshot)), "floor_kib": _kib(_floor(snapshot))}
    middle = REPEATS // 2
    print(
        json.dumps({"ours_ms": sorted(ours)[middle], "floor_ms": sorted(floor)[middle], "rewritten": rewritten, **size})
    )


def _timed(work: object) -> float:
    started = time.process_time()
    work()  # type: ignore[operator]
    return 1000 * (time.process_time() - started)


def _kib(files: dict[str, bytes]) -> float:
    return sum(map(len, files.values())) / 1024


def _floor(snapshot: Snapshot) -> dict[str, bytes]:
    blocks = "".join(_account(account) for provider in snapshot.providers for account in provider.accounts)
    page = f"<!doctype html><title>{escape(snapshot.title)}</title>{blocks}"
    return {"index.html": page.encode(), "status.json": status_json(snapshot)}


def _account(account: AccountView) -> str:
    targets = "".join(map(_target, account.targets))
    tags = "".join(f'<span class="tag"><bdi>{escape(tag)}</bdi></span>' for tag in account.tags)
    return (
        f'<details class="account {account.state}"><summary><svg class="i"><use href="#{account.state}"/></svg>'
        f'<h4><bdi>{escape(account.name)}</bdi></h4><span class="words">{tags}<b class="state">{account.state}</b>'
        f'<span class="meta">since <time datetime="{account.since}">{account.since:%d %b %Y, %H:%M} UTC</time></span>'
        f'</span></summary><ul class="targets">{targets}</ul></details>'
    )


def _target(it: TargetView) -> str:
    bars = "".join(
        f'<path class="{"bad" if cell.failed else "good"}" d="M{10 * n} 14h9"><title>{cell.ok}</title></path>'
        for n, cell in enumerate(it.cells)
    )
    return (
        f'<li class="{it.state}"><p class="who"><b>{it.canary}</b> <bdi class="model">{escape(it.model or "")}</bdi>'
        f'<span class="meta"><b class="state">{it.state}</b> since {it.since:%d %b %Y, %H:%M} UTC</span></p><dl>'
        f'<div class="a"><dt>First token</dt><dd>{it.ttft.now_s:.2f} s <small>usually {it.ttft.usual_s:.2f} s</small>'
        f'</dd></div><div class="b"><dt>Whole answer</dt><dd>{it.latency.now_s:.2f} s <small>usually '
        f'{it.latency.usual_s:.2f} s</small></dd></div><div class="c"><dt>Good in 24 h</dt>'
        f'<dd>{it.availability:.2%}</dd></div><div class="d"><dt>Last seen</dt>'
        f"<dd>{it.seen_at:%H:%M} UTC <small>every {it.interval_s:g} s</small></dd></div></dl>"
        f'<div class="day"><svg viewBox="0 0 240 28">{bars}</svg></div></li>'
    )


if __name__ == "__main__":
    main()
