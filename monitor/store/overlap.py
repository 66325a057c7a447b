"""Rounds skipped because another process was still at work: noted beside the database for its holder."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from monitor.store.standby_path import beside

DAY = timedelta(days=1)


class Overlap(Struct, frozen=True):
    """Number of rounds skipped from `since` to `last`, with less than a day between any two."""

    count: int
    since: datetime
    last: datetime

    def is_recent(self, now: datetime) -> bool:
        return now - self.last < DAY


def note_skipped_round(database: Path, at: datetime) -> None:
    """Note that a round was skipped at `at`. If that cannot be written it is not counted, without an error."""
    with suppress(OSError):
        file = os.open(_file(database), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{at.timestamp():.3f}\n".encode())
        finally:
            os.close(file)


def take_skipped_rounds(database: Path) -> list[datetime]:
    """Return and remove the times of skipped rounds; lines that are not a time are dropped."""
    file = _file(database)
    taken = file.with_name(f"{file.name}.taken")
    try:
        file.rename(taken)  # a writer meanwhile starts a new file
        lines = taken.read_text().split()
        taken.unlink()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        with suppress(ValueError, OverflowError, OSError):
            found.append(datetime.fromtimestamp(float(line), UTC))
    return found


def add_skipped_rounds(before: Overlap | None, times: Iterable[datetime]) -> Overlap | None:
    """Return the count with these rounds added; a day without one restarts it."""
    for at in sorted(times):
        if before is None or not before.is_recent(at):
            before = Overlap(1, at, at)
        else:
            before = Overlap(before.count + 1, min(before.since, at), max(before.last, at))
    return before


def _file(database: Path) -> Path:
    return beside(database, ".overlaps")
