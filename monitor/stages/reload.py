"""The stage that takes up a changed monitor.toml, and a changed file of a key."""

import asyncio
import logging
import os
from pathlib import Path

from monitor.config.accounts import with_keys_of
from monitor.config.config import Config
from monitor.config.cost import overspending
from monitor.config.load import load
from monitor.liveness.systemd import READY
from monitor.log import conceal_also
from monitor.stages.state import STEP_S, World, pause
from monitor.words import count
from probes.document import DocumentError

log = logging.getLogger("monitor")


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
