"""Files that hold secrets, and who else may read them."""

import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

from monitor.config.secret import is_mounted

OTHERS = stat.S_IRGRP | stat.S_IROTH
ROOT = 0


def check_secret_files(files: Iterable[Path], keys: Iterable[str] = (), user: int | None = None) -> list[str]:
    """Return a warning, with the repair, for each file of secrets that more than its owner can read.

    Files that a service manager or an engine mounts for one process are left out: their folder lets nobody else in, and
    their modes are not the user's to choose. `keys` are those in monitor.toml that hold a secret, `user` is the user
    id; None: this process's.
    """
    ours = os.geteuid() if user is None else user
    named = f" ({', '.join(keys)})" if keys else ""
    return [warning for file in files if not is_mounted(file) and (warning := _warning(file, named, ours))]


def _warning(file: Path, named: str, user: int) -> str | None:
    try:
        seen = file.stat()
    except OSError:
        return None  # reported where it is read
    if not stat.S_ISREG(seen.st_mode) or not seen.st_mode & OTHERS:
        return None
    who = "everybody" if seen.st_mode & stat.S_IROTH else "its group"
    what = f"secrets{named}" if file.suffix == ".toml" else "secrets"
    return f"{file} holds {what} and can be read by {who}: {_repair(file, seen.st_uid, user)}"


def _repair(file: Path, owner: int, user: int) -> str:
    """Say how to close it to others, but not to a service of another user, which reads it as one of them."""
    close = f"chmod 600 {shlex.quote(str(file))}"
    if user == owner != ROOT:
        return close
    owned = f"let whoever runs the monitor own it, and {close}"
    return f"name each secret in it as env:NAME or file:PATH; or {owned}" if file.suffix == ".toml" else owned
