"""What is installed, and how long the process that uses it has run."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from monitor.doctor.examination import Library, Program

NAME = "provider-monitor"
OURS = ("monitor", "probes")
ROOT = Path(__file__).parents[2]
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?")
"""A requirement as installed packages state it: name, range, condition. Source: PEP 508."""
PROCESSES = Path("/proc")


def program(python: str, changed_at: datetime | None, began: datetime | None) -> Program:
    """Return what the package says it needs beside what is there."""
    try:
        told = metadata.metadata(NAME)
    except metadata.PackageNotFoundError:
        return Program(python, None, None, changed_at, began)
    needs = metadata.requires(NAME) or []
    return Program(python, str(told["Requires-Python"]), tuple(libraries(needs)), changed_at, began)


def libraries(needs: Sequence[str]) -> Iterator[Library]:
    """Yield what is always needed, and what of the rest is there: an extra that is used is to fit as well."""
    for line in needs:
        if not (found := REQUIREMENT.match(line)):
            continue
        name, allowed, condition = found[1], found[2].strip(), found[3] or ""
        if "extra" not in condition:
            yield Library(name, _version(name), allowed)


def _version(name: str) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def newest_change(root: Path = ROOT) -> datetime | None:
    """Return when a file of the program was last changed, as an installation or an upgrade does; None: not known."""
    files = (file for name in OURS for file in (root / name).rglob("*.py"))
    with suppress(OSError):
        newest = max((file.stat().st_mtime for file in files), default=None)
        return None if newest is None else datetime.fromtimestamp(newest, UTC)
    return None


def holder_began(pid: str | None, processes: Path = PROCESSES) -> datetime | None:
    """Return when a process was started; None if there is none, or this system does not tell, or it is not ours.

    Source: proc_pid_stat(5), proc_stat(5). In a container the number may be that of another.
    """
    if pid is None or not pid.isdecimal():
        return None
    with suppress(OSError, ValueError, IndexError):
        if b"monitor" not in (processes / pid / "cmdline").read_bytes():
            return None
        ticks = int((processes / pid / "stat").read_text().rpartition(")")[2].split()[19])
        booted = re.search(r"^btime (\d+)", (processes / "stat").read_text(), re.MULTILINE)
        if booted:
            return datetime.fromtimestamp(int(booted[1]) + ticks / os.sysconf("SC_CLK_TCK"), UTC)
    return None
