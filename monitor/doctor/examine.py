"""Finding everything out at once: no check waits for another, and none for longer than it may."""

import asyncio
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from monitor import __version__
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.doctor.examination import Examination, Program, PublishedPage, StoredFacts, WrittenPlace
from monitor.doctor.host_check import HostCheck, check_host, routes_of, with_refused_certificate
from monitor.doctor.installed import holder_began, newest_change, program
from monitor.storage_refusal import StoreError
from monitor.store.checkup import StoreCheckup
from probes.canary import open_session
from probes.document import Problem
from probes.model import Clock

T = TypeVar("T")
ROUND = timedelta(seconds=45)
"""Shorter pauses are re-checks within one round of `once`."""
GAP_AT_LEAST = timedelta(minutes=5)
LATE = 3
"""Times the usual pause from which one is a gap."""
PAST = timedelta(days=2)


class ExamineLimits(Struct, frozen=True):
    """Seconds that a host may take, that a refused certificate may take to be read, and that the disks may take."""

    host_s: float = 5.0
    certificate_s: float = 3.0
    disk_s: float = 8.0


USUAL = ExamineLimits()


async def examine(
    config: Config,
    problems: Sequence[Problem],
    environment: Mapping[str, str],
    clock: Clock,
    limits: ExamineLimits = USUAL,
) -> Examination:
    """Return all that is found out within the limits."""
    now = clock()
    looking = asyncio.gather(
        _in_time(partial(open_store(config.store).examine, limits.disk_s), limits.disk_s + 1),
        _in_time(partial(read_stored, config, now), limits.disk_s),
        _in_time(partial(look_at_places, config, os.geteuid()), limits.disk_s),
        _in_time(partial(look_at_page, config), limits.disk_s),
    )
    hosts, (store, stored, places, page) = await asyncio.gather(_check_hosts(config, clock, limits), looking)
    return Examination(
        now=now,
        config=config,
        problems=tuple(problems),
        environment=environment,
        user=os.geteuid(),
        hosts=tuple(hosts),
        store=store,
        stored=stored,
        places=places,
        program=await _in_time(partial(_program, store), limits.disk_s),
        page=page,
    )


async def _check_hosts(config: Config, clock: Clock, limits: ExamineLimits) -> list[HostCheck]:
    routes = routes_of(config)
    if not routes:
        return []
    async with open_session(__version__) as session:
        seen = await asyncio.gather(*(check_host(session, one, clock, limits.host_s) for one in routes))
        return await asyncio.gather(*(with_refused_certificate(one, limits.certificate_s) for one in seen))


async def _in_time(work: Callable[[], T], limit_s: float) -> T | None:
    """Return what blocking work returns; None if it takes too long: its thread is left behind."""
    with suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.to_thread(work), limit_s)
    return None


def read_stored(config: Config, now: datetime) -> StoredFacts | None:
    """Return what the store tells; None if it cannot be read, which its own check says."""
    try:
        with open_store(config.store).reading() as stored:
            told, pause = stored.resumption.resume(), stored.history.usual_pause(ROUND)
            gaps = stored.history.gaps(now - PAST, max(GAP_AT_LEAST, LATE * pause))
            return StoredFacts(
                beat=stored.marks.last_beat(),
                refusal=stored.marks.refusal(),
                failing=tuple(stored.marks.failing()),
                overlap=stored.marks.overlap(),
                healths=told.healths,
                sources=told.sources,
                unsent=tuple(stored.messages.failing_channels()),
                pause=pause,
                gaps=tuple(gaps),
                said=tuple(stored.marks.said().values()),
            )
    except StoreError:
        return None


def look_at_places(config: Config, user: int) -> tuple[WrittenPlace, ...]:
    return tuple(_look_at(path, holds, is_secret, user) for path, holds, is_secret in _places(config))


def _places(config: Config) -> Iterator[tuple[Path, str, bool]]:
    """Yield where something is written, what for, and whether nobody else may read it."""
    folder, *files = open_store(config.store).written_places()
    yield folder, "the folder of the database", False
    yield from ((file, "what was seen", True) for file in files)
    yield config.folder, "the page", False
    if config.public_folder:
        yield config.public_folder, "the public page", False
    if config.metrics:
        yield config.metrics.parent, "the metrics", False


OTHERS = ((stat.S_IROTH | stat.S_IWOTH, "everybody"), (stat.S_IRGRP | stat.S_IWGRP, "its group"))


def _look_at(path: Path, holds: str, is_secret: bool, user: int) -> WrittenPlace:
    there = next(one for one in (path, *path.absolute().parents) if os.path.exists(one))  # what is missing is made
    open_to = next((who for bits, who in OTHERS if is_secret and there.stat().st_mode & bits), None)
    free = None
    with suppress(OSError):
        free = shutil.disk_usage(there).free
    return WrittenPlace(path, holds, _why_closed(there, user), open_to, free)


def _why_closed(there: Path, user: int) -> str | None:
    how = os.W_OK | os.X_OK if there.is_dir() else os.W_OK
    if os.access(there, how, effective_ids=True):
        return None
    owner = there.stat().st_uid
    return "this user cannot write there" if owner == user else f"it belongs to {_name(owner)}, not to this user"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def look_at_page(config: Config) -> PublishedPage:
    page = config.folder / "status.json"
    with suppress(OSError):
        return PublishedPage(datetime.fromtimestamp(page.stat().st_mtime, UTC), page.name)
    return PublishedPage(None, page.name)


def _program(store: StoreCheckup | None) -> Program:
    holder = store.holder if store else None
    return program(".".join(map(str, sys.version_info[:3])), newest_change(), holder_began(holder))
