"""The stage that reloads a changed monitor.toml or key file."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from monitor.config.accounts import keep_old_keys
from monitor.config.config import Config
from monitor.config.cost import check_budgets
from monitor.config.load import load_config
from monitor.liveness.systemd import READY
from monitor.log import add_secrets
from monitor.state.belief import BeliefView
from monitor.state.self_health import SelfHealth
from monitor.state.services import Services
from monitor.state.stage_signal import StageSignals, wait_for_event
from monitor.words import count
from probes.document import DocumentError

log = logging.getLogger("monitor")

ApplyConfig = Callable[[Config], None]
"""Switches to another configuration."""


async def watch_config(
    services: Services, belief: BeliefView, signals: StageSignals, take_up: ApplyConfig, reload: asyncio.Event
) -> None:
    """Reload a changed monitor.toml or key file; reject a bad one by name and keep running as before."""
    stamps = await asyncio.to_thread(_stamps, belief.config)
    while True:
        await wait_for_event(2 * services.pauses.step_s, reload)
        asked, before, stamps = reload.is_set(), stamps, await asyncio.to_thread(_stamps, belief.config)
        reload.clear()
        changed = [one.name for one in stamps if stamps[one] != before.get(one, stamps[one])]
        if belief.config.file and (asked or changed):
            what = " and ".join(changed) or belief.config.file.name
            if config := await _changed(services.own, belief.config.file, what):
                _take_up(services.own, belief.config, config, what, take_up)
            signals.news.set()
        if asked:
            services.manager.tell(READY)


async def _changed(own: SelfHealth, file: Path, what: str) -> Config | None:
    """Load the configuration again; None, with a warning, if it cannot be used."""
    try:
        config = await asyncio.to_thread(load_config, file, os.environ)
        if problems := check_budgets(config):
            raise DocumentError(problems)
    except DocumentError as error:
        own.warn("configuration", f"{what} was changed but is not used, because of: {error.problems[0]}")
        for problem in error.problems[1:]:  # the warning has the first
            log.error("%s", problem)
        return None
    return config


def _take_up(own: SelfHealth, before: Config, after: Config, what: str, take_up: ApplyConfig) -> None:
    """Switch to the new configuration. An account whose key cannot be read any more keeps its old one."""
    config, lost = keep_old_keys(before, after)
    add_secrets(config.secrets)
    take_up(config)
    if lost:
        own.warn("keys", "; ".join(f"{id} goes on with the key that it had: {why}" for id, why in lost.items()))
    else:
        own.mended("keys")
        size = (count(len(config.accounts), "account"), count(len(config.watches), "target"))
        log.info("%s was taken up: %s, %s", what, *size)


def _stamps(config: Config) -> dict[Path, tuple[int, ...] | None]:
    return {file: _stamp(file) for file in (config.file, *config.files) if file}


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Return what changes with a file's content or permissions; None if it does not exist."""
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_mode, seen.st_uid
