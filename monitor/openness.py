"""Files that hold secrets, and who else may read them."""

import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from monitor.secret import is_mounted

OTHERS = stat.S_IRGRP | stat.S_IROTH


def open_files(files: Iterable[Path]) -> list[str]:
    """Return a warning, with the repair, for each file of secrets that more than its owner can read.

    What a service manager or an engine mounts for one process is none: its folder lets nobody else in, and its modes
    are not the user's to choose.
    """
    return [warning for file in files if not is_mounted(file) and (warning := _warning(file))]


def _warning(file: Path) -> str | None:
    try:
        seen = file.stat()
    except OSError:
        return None  # told where it is read
    if not stat.S_ISREG(seen.st_mode) or not seen.st_mode & OTHERS:
        return None
    who = "everybody" if seen.st_mode & stat.S_IROTH else "its group"
    return f"{file} holds secrets and can be read by {who}: chmod 600 {shlex.quote(str(file))}"
