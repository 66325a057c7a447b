"""Rounds that met another process still at work: noted beside the database for the process that holds it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

DAY = timedelta(days=1)


class Overlap(Struct, frozen=True):
    """So many rounds were left out from `since` to `last`, with less than a day between two of them."""

    count: int
    since: datetime
    last: datetime

    def is_recent(self, now: datetime) -> bool:
        return now - self.last < DAY


def leave(database: Path, at: datetime) -> None:
    """Note that a round was left out at `at`. Where that cannot be written it is not counted: nobody is disturbed."""
    with suppress(OSError):
        file = os.open(_file(database), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{at.timestamp():.3f}\n".encode())
        finally:
            os.close(file)


def take(database: Path) -> list[datetime]:
    """Return when rounds were left out, each once; what is no time is thrown away."""
    file = _file(database)
    taken = file.with_name(f"{file.name}.taken")
    try:
        file.rename(taken)  # who writes meanwhile begins another one
        lines = taken.read_text().split()
        taken.unlink()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        with suppress(ValueError, OverflowError, OSError):
            found.append(datetime.fromtimestamp(float(line), UTC))
    return found


def add(before: Overlap | None, times: Iterable[datetime]) -> Overlap | None:
    """Return what there is after these rounds; a day without one begins the count anew."""
    for at in sorted(times):
        if before is None or not before.is_recent(at):
            before = Overlap(1, at, at)
        else:
            before = Overlap(before.count + 1, min(before.since, at), max(before.last, at))
    return before


def _file(database: Path) -> Path:
    return database.with_name(database.name + ".overlaps")
