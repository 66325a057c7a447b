"""What goes on beside the beats: the page, the roll-ups, the configuration."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from monitor.config.cost import overspending
from monitor.config.load import Config, StoreSection, load, with_keys_of
from monitor.diagnose.diagnosis import Diagnosis
from monitor.liveness.systemd import READY
from monitor.log import conceal_also
from monitor.publish import private_site, public_site
from monitor.publish.collect import take
from monitor.publish.render import press
from monitor.publish.rotation import advance
from monitor.publish.snapshot import Snapshot
from monitor.publish.status import standing
from monitor.publish.write import PUBLIC, Leaving, existing, write_open, write_sheets, write_site
from monitor.slo.objective import burning
from monitor.stages.state import STEP_S, World, pause
from monitor.storage_refusal import StoreError, is_corrupt
from monitor.store import overlap, reader, rollup
from monitor.store.connection import open_reader
from monitor.store.expected_schema import Foreign
from monitor.store.writer import Writer
from monitor.words import count
from probes.document import DocumentError

log = logging.getLogger("monitor")

PUBLISH_S = 30.0
REST_S = 1.0
LONGEST_QUIET_S = 60.0
"""With its rest it is anew before what it shows is called stale, two minutes after it was made."""
TIDY_S = 60.0
WEIGH_S = 60.0


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
        with closing(open_reader(config.database)) as db:
            snapshot = take(db, config, world.edge.clock(), _shown(world), world.rota)
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


async def tidy(world: World) -> None:
    """Roll up closed hours and forget what is too old, a step at a time; first see whether the file is whole."""
    await examine(world)
    while True:
        if world.is_doubted:
            await examine(world)
        try:
            more = await tidy_step(world)
        except (sqlite3.Error, StoreError) as error:
            more = False
            world.warn("tidy", f"old results cannot be rolled up: {error}")
        await pause(0 if more else TIDY_S, world.unsound)


async def examine(world: World) -> None:
    """Look through the database for broken pages. Where it is broken the watch goes on with a new one."""
    world.is_doubted = False
    world.unsound.clear()
    try:
        sound = await world.read(_is_sound, world.config.database)
    except (sqlite3.Error, StoreError) as error:
        sound = not is_corrupt(error) and not isinstance(error, Foreign)
    if not sound:
        await world.begin_anew()


def _is_sound(database: Path) -> bool:
    with closing(open_reader(database)) as db:
        return reader.is_sound(db)


async def tidy_step(world: World) -> bool:
    """Do one piece of housekeeping; return whether there is more to do."""
    now = world.edge.clock()
    await _count_overlaps(world)
    if due := await world.read(_next_roll_up, world.config.database, now):
        await world.tidy(due.save)
        return world.keeper.refusal is None
    return bool(await world.tidy(_forget, world.config.store, now))


async def _count_overlaps(world: World) -> None:
    if times := await asyncio.to_thread(overlap.take, world.config.database):
        before = await world.read(_overlap, world.config.database)
        if after := overlap.add(before, times):
            await world.write(Writer.save_overlap, after)


def _overlap(database: Path) -> overlap.Overlap | None:
    with closing(open_reader(database)) as db:
        return reader.overlap(db)


def _next_roll_up(database: Path, now: datetime) -> rollup.RollUp | None:
    # The thread that reads opens and closes: a cancelled task must not close what its thread still uses.
    with closing(open_reader(database)) as db:
        return rollup.next_roll_up(db, now)


def _forget(db: sqlite3.Connection, keep: StoreSection, now: datetime) -> bool:
    ages = {
        "observation": keep.raw_days,
        "evidence": keep.raw_days,
        "ceiling": keep.raw_days,
        "hourly": keep.hourly_days,
        "daily": keep.daily_days,
    }
    gone = sum(rollup.forget(db, table, now - timedelta(days=days)) for table, days in ages.items())
    if gone:
        return True
    rollup.forget_answers(db, now - timedelta(days=keep.raw_days))
    return False


async def weigh(world: World) -> None:
    """Look once a minute how fast each objective's error budget burns."""
    while True:
        await weigh_step(world)
        await asyncio.sleep(WEIGH_S)


async def weigh_step(world: World) -> None:
    if not (world.config.objectives or world.burning):
        return
    try:
        found = await world.read(_weighed, world.config, world.burning, world.edge.clock())
        world.mended("objectives")
    except (sqlite3.Error, StoreError) as error:
        world.warn("objectives", f"the objectives cannot be weighed: {error}")
        return
    if found.keys() != world.burning.keys():
        world.unsettled = True
    world.burning = found


def _weighed(config: Config, before: Mapping[str, Diagnosis], now: datetime) -> dict[str, Diagnosis]:
    with closing(open_reader(config.database)) as db:
        known = reader.series_ids(db, config.location)
        signs = [burning(one, reader.looks(db, known, one, now), now, before.get(one.id)) for one in config.objectives]
    return {sign.subject: sign for sign in signs if sign}


async def follow_configuration(world: World, reload: asyncio.Event) -> None:
    """Take up a changed monitor.toml, or a changed file of a key; a bad one is named, and what runs goes on."""
    stamps = await asyncio.to_thread(_stamps, world.config)
    while True:
        await pause(2 * STEP_S, reload)
        asked, before, stamps = reload.is_set(), stamps, await asyncio.to_thread(_stamps, world.config)
        reload.clear()
        changed = [one.name for one in stamps if stamps[one] != before.get(one, stamps[one])]
        if world.config.file and (asked or changed):
            await _reload(world, world.config.file, " and ".join(changed) or world.config.file.name)
        if asked:
            world.manager.tell(READY)


async def _reload(world: World, file: Path, changed: str) -> None:
    """Read the configuration anew. Where a key cannot be had any more, the account goes on with the one it had."""
    try:
        config = await asyncio.to_thread(load, file, os.environ)
        if problems := overspending(config):
            raise DocumentError(problems)
    except DocumentError as error:
        world.warn("configuration", f"{changed} was changed but is not used, because of: {error.problems[0]}")
        world.news.set()
        for problem in error.problems:
            log.error("%s", problem)
        return
    config, lost = with_keys_of(world.config, config)
    conceal_also(config.secrets)
    world.take_up(config)
    if lost:
        world.warn("keys", "; ".join(f"{id} goes on with the key that it had: {why}" for id, why in lost.items()))
    else:
        world.mended("keys")
        size = (count(len(config.accounts), "account"), count(len(config.watches), "target"))
        log.info("%s was taken up: %s, %s", changed, *size)
    world.news.set()


def _stamps(config: Config) -> dict[Path, tuple[int, ...] | None]:
    return {file: _stamp(file) for file in (config.file, *config.files) if file}


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Return what changes with a file, and with who may read it; None where there is none."""
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_mode, seen.st_uid
