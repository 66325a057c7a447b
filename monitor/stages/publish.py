"""The stage that keeps the private site, the public site and the metrics file fresh."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.metric import ExportedMetrics
from monitor.publish import private_site, public_site
from monitor.publish.collect import build_snapshot
from monitor.publish.metrics import exported_metrics
from monitor.publish.paths import METRICS
from monitor.publish.public_folder import write_public_site
from monitor.publish.refresh_order import Rotation, advance_rotation
from monitor.publish.render import template_warnings
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import current_state
from monitor.publish.write import OutsideLink, existing_pages, write_for_all, write_pages
from monitor.state.belief import BeliefView
from monitor.state.self_health import SelfHealth
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store.expected_schema import ForeignDatabase
from monitor.store.store import Store
from monitor.store.writer import Writer
from probes.model import Clock

PUBLISH_S = 30.0
REST_S = 1.0
SAVE_S = 1.0
"""Seconds that a page waits for what was counted to be saved; a disk that hangs must not hold it up."""
LONGEST_QUIET_S = 60.0
"""Seconds between pages at most: even with the rest, a new one is there before the old is called stale (2 min)."""


class Published(Struct, frozen=True):
    """The result of one publishing run. `rotation`: the pages already written; `more`: others are still due.

    `warnings`: the trouble by subject; None: that subject works. `is_unsound`: the database is broken. `metrics`: for
    a collector, if there is one.
    """

    config: Config | None = None
    rotation: Rotation = {}
    more: bool = False
    warnings: Mapping[str, str | None] = {}
    is_unsound: bool = False
    metrics: ExportedMetrics | None = None


async def publish(services: Services, belief: BeliefView, signals: StageSignals) -> None:
    """Publish at once when there is news, else every half minute."""
    made = Published()
    while True:
        signals.news.clear()
        began = services.edge.timer()
        made = await publish_once(services, belief, signals, made)
        if made.more:
            signals.news.set()
        took_s = services.edge.timer() - began
        await asyncio.sleep(rest_s(took_s))
        await wait_for_event(quiet_s(took_s), signals.news)


async def publish_once(services: Services, belief: BeliefView, signals: StageSignals, before: Published) -> Published:
    """Write both sites, off the loop; after a reload, rewrite all pages."""
    config, own = belief.config, services.own
    rotation = before.rotation if before.config is config else {}
    storage = services.storage
    await asyncio.wait({asyncio.create_task(_save_tally(services))}, timeout=SAVE_S)
    made = await storage.read(write_sites, storage.store, config, services.edge.clock, _shown(own), rotation)
    if made.is_unsound:
        signals.unsound.set()
    is_news = any(one.startswith(TEMPLATE) and one not in own.warnings for one in made.warnings)
    for about, words in made.warnings.items():
        if words is None:
            own.mended(about)
        else:
            own.warn(about, words)
    if made.metrics:
        signals.export(made.metrics)
    return replace(made, more=made.more or is_news, metrics=None)


async def _save_tally(services: Services) -> None:
    """Save what was counted, from where it is read to be shown: what was shown once must never shrink."""
    tally = services.tally
    if parts := tally.take_changed():
        try:
            await services.storage.write(Writer.save_tally, parts)
        except StoreError as error:
            tally.changed |= parts.keys()
            services.own.warn("tally", f"what was counted cannot be saved: {error}")
        else:
            services.own.mended("tally")


def rest_s(took_s: float) -> float:
    """Return the seconds without a new page after one that took `took_s`: a storm of changes makes one page.

    Pages are made off the loop but share the interpreter with it: a large one gets at most a tenth of the time.
    """
    return min(max(REST_S, 9 * took_s), PUBLISH_S)


def quiet_s(took_s: float) -> float:
    """Return the seconds to the next page if there is no news: a large one gets at most a thirtieth of the time."""
    return min(max(PUBLISH_S, 30 * took_s), LONGEST_QUIET_S)


def write_sites(store: Store, config: Config, clock: Clock, warnings: Sequence[str], rotation: Rotation) -> Published:
    """Write both sites from the database. Called off the loop."""
    try:
        existing = existing_pages(config.folder)
        with store.reading() as stored:
            snapshot = build_snapshot(stored, config, clock(), warnings, rotation, existing)
        warned = {**_write_private(config.folder, snapshot, existing), **_write_open(config, snapshot), "page": None}
        warned |= _template_warnings(config)
        now = current_state(snapshot)
        metrics = exported_metrics(snapshot, now) if config.collector else None
        return Published(config, advance_rotation(rotation, snapshot, now), snapshot.more, warned, metrics=metrics)
    except (OSError, StoreError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        warned = {"page": f"the page cannot be written to {config.folder}: {reason}"}
        return Published(
            config, rotation, warnings=warned, is_unsound=is_corrupt(error) or isinstance(error, ForeignDatabase)
        )


TEMPLATE = "page template "


def _shown(own: SelfHealth) -> tuple[str, ...]:
    """Return the monitor's own warnings for the page; without "page": a page that is read was written."""
    return tuple(words for about, words in own.warnings.items() if about != "page")


def _write_private(folder: Path, snapshot: Snapshot, existing: Collection[str]) -> dict[str, str | None]:
    """Write the private site; warn of a symbolic link in it that leads out of the folder, without failing."""
    try:
        write_pages(folder, private_site.render_pages(snapshot, existing), private_site.kept_paths(snapshot))
    except OutsideLink as error:
        return {"link": f"in {folder} {error}"}
    return {"link": None}


def _write_open(config: Config, snapshot: Snapshot) -> dict[str, str | None]:
    """Write the files for other users of this machine: the public site, and metrics for a textfile collector."""
    try:
        if config.public_folder:
            write_public_site(config.public_folder, public_site.render(snapshot))
        if config.metrics:
            write_for_all(config.metrics, (config.folder / METRICS).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        place = getattr(error, "filename", None) or config.public_folder
        return {"public page": f"what others read cannot be written to {place}: {reason}"}
    return {"public page": None}


def _template_warnings(config: Config) -> dict[str, str]:
    """Return which of the user's page templates are not used, and why."""
    warnings = template_warnings(config.site_languages, config.page_templates)
    return {f"{TEMPLATE}{name}": str(one) for name, one in warnings.items()}
