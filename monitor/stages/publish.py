"""The stage that keeps the page fresh, and what other users of this machine read."""

import asyncio
import sqlite3
from pathlib import Path

from monitor.config.config import Config
from monitor.publish import private_site, public_site
from monitor.publish.collect import take
from monitor.publish.render import press
from monitor.publish.rotation import advance
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import standing
from monitor.publish.write import PUBLIC, Leaving, existing, write_open, write_sheets, write_site
from monitor.stages.state import World, pause
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store.expected_schema import Foreign
from monitor.store.store import open_store

PUBLISH_S = 30.0
REST_S = 1.0
LONGEST_QUIET_S = 60.0
"""With its rest it is anew before what it shows is called stale, two minutes after it was made."""


async def publish(world: World) -> None:
    """Keep the page fresh: at once when there is news, else every half minute."""
    while True:
        world.news.clear()
        began = world.edge.timer()
        if await world.read(publish_now, world):
            world.news.set()
        if world.is_doubted:
            world.unsound.set()
        took_s = world.edge.timer() - began
        await asyncio.sleep(rest_s(took_s))
        await pause(quiet_s(took_s), world.news)


def rest_s(took_s: float) -> float:
    """Return how long no page is made after one that took so long: a storm of changes is one page.

    A page is made beside the loop, but takes turns with it: a large one may have a tenth of the time.
    """
    return min(max(REST_S, 9 * took_s), PUBLISH_S)


def quiet_s(took_s: float) -> float:
    """Return after how long a page is made anew though nothing happened: a large one may have a thirtieth."""
    return min(max(PUBLISH_S, 30 * took_s), LONGEST_QUIET_S)


def publish_now(world: World) -> bool:
    """Write both sites from what the database holds; return whether more is to be made. Called off the loop."""
    config = world.config
    try:
        with open_store(config.database, config.location).reading() as stored:
            snapshot = take(stored, config, world.edge.clock(), _shown(world), world.rota)
        _write_private(world, config.folder, snapshot)
        _write_open(world, config, snapshot)
        if world.config is config:  # a new one has all pages made anew
            world.rota = advance(world.rota, snapshot, standing(snapshot))
        world.mended("page")
        return _warn_of_templates(world, config) or snapshot.more
    except (OSError, sqlite3.Error, StoreError, ValueError) as error:
        world.is_doubted |= is_corrupt(error) or isinstance(error, Foreign)
        reason = getattr(error, "strerror", None) or error
        world.warn("page", f"the page cannot be written to {config.folder}: {reason}")
        return False


def _shown(world: World) -> tuple[str, ...]:
    """Return what a page says of the monitor's own trouble: one that can be read was written."""
    return tuple(words for about, words in world.warnings.items() if about != "page")


def _write_private(world: World, folder: Path, snapshot: Snapshot) -> None:
    """Write what the owner reads; a link in it that leads out of the folder is named on the page, which is written."""
    try:
        write_sheets(folder, private_site.sheets(snapshot, existing(folder)), private_site.kept(snapshot))
        world.mended("link")
    except Leaving as error:
        world.warn("link", f"in {folder} {error}")


def _write_open(world: World, config: Config, snapshot: Snapshot) -> None:
    """Write what other users of this machine read: the public site, and the metrics for a textfile collector."""
    try:
        if config.public_folder:
            write_site(config.public_folder, public_site.render(snapshot), existing(config.public_folder), PUBLIC)
        if config.metrics:
            write_open(config.metrics, (config.folder / "metrics.prom").read_bytes())
        world.mended("public page")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        place = getattr(error, "filename", None) or config.public_folder
        world.warn("public page", f"what others read cannot be written to {place}: {reason}")


def _warn_of_templates(world: World, config: Config) -> bool:
    """Say which templates of the user's own are not used; return whether one of them is new."""
    told = press(config.site.language, config.page_templates).warnings
    new = {f"page template {name}": words for name, words in told.items()}
    is_news = not new.keys() <= world.warnings.keys()
    for about, words in new.items():
        world.warn(about, words)
    return is_news
