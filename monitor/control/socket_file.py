"""The control socket's file: never open to others, not even for a moment, and usable with a path of any length."""

import errno
import os
import socket
import stat
import sys
from collections.abc import Collection
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path

from msgspec import Struct

MAX_PATH_LENGTH = 107 if sys.platform == "linux" else 103
"""Most bytes of a path in `sun_path`, without the final NUL. Source: unix(7); sys/un.h of the BSDs."""
DESCRIPTORS = Path("/proc/self/fd")
"""Folder of a process's open files on Linux: the way round MAX_PATH_LENGTH. Source: proc_pid_fd(5)."""
BACKLOG = 100

STAT_ONLY = getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC
"""Flags to open a folder only to name it."""


class Owner(Struct, frozen=True):
    """The owner of a database and of its socket."""

    uid: int
    gid: int


def is_ours(seen: os.stat_result, users: Collection[int]) -> bool:
    """Whether this is a socket of one of these users: nothing else is contacted, replaced or removed."""
    return stat.S_ISSOCK(seen.st_mode) and seen.st_uid in users


def bind(file: Path, owner: Owner, descriptors: Path = DESCRIPTORS) -> socket.socket:
    """Return a socket that listens at `file` for its owner and root; a dead process's socket there is replaced.

    Call it under the lock of the database. Raises OSError, FileExistsError if there is another kind of file.
    """
    users = {os.geteuid(), owner.uid}
    folder = os.open(file.parent, STAT_ONLY | os.O_DIRECTORY)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        draft = file.with_name(_draft(file.name))
        _check_free(folder, file, users)
        _check_free(folder, draft, users)
        with suppress(FileNotFoundError):
            os.unlink(draft.name, dir_fd=folder)
        _bind_closed(made, _address(folder, draft, descriptors))
        _hand_over(folder, draft.name, owner)
        made.listen(BACKLOG)
        os.rename(draft.name, file.name, src_dir_fd=folder, dst_dir_fd=folder)  # atomic: the file is never missing
    except BaseException:
        made.close()
        raise
    finally:
        os.close(folder)
    return made


def connect(file: Path, users: Collection[int], wait_s: float, descriptors: Path = DESCRIPTORS) -> socket.socket | None:
    """Return a connection to the listener at `file`, which belongs to one of these users; None if nobody listens.

    Raises OSError: PermissionError if this user may not, BlockingIOError if the accept queue is full.
    """
    try:
        seen = os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not is_ours(seen, users):
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(wait_s)
    try:
        _connect(made, file, descriptors)
    except BaseException as error:
        made.close()
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return None
        raise
    return made


def remove_socket(file: Path, held: tuple[int, int] | None) -> None:
    """Remove a socket's file if it is still the one identified by `held`."""
    with suppress(OSError):
        if file_id(file) == held is not None:
            file.unlink()


def file_id(file: Path) -> tuple[int, int] | None:
    """Return what identifies a file whatever its name, None if it does not exist; links are not followed."""
    try:
        seen = os.lstat(file)
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _connect(made: socket.socket, file: Path, descriptors: Path) -> None:
    if _fits(file) or not descriptors.is_dir():
        return made.connect(_address(-1, file, descriptors))
    itself = os.open(file, STAT_ONLY | os.O_NOFOLLOW)
    try:
        return made.connect(f"{descriptors}/{itself}")
    finally:
        os.close(itself)


def _fits(file: Path) -> bool:
    return len(os.fsencode(file)) <= MAX_PATH_LENGTH


def _address(folder: int, file: Path, descriptors: Path) -> str:
    """Return a short path for a file in an open folder."""
    if _fits(file):
        return str(file)
    if descriptors.is_dir():
        return f"{descriptors}/{folder}/{file.name}"
    words = f"a socket's path has {MAX_PATH_LENGTH} bytes at most here; name a shorter [store] path"
    raise OSError(errno.ENAMETOOLONG, f"{file.parent}: {words}")


def _draft(name: str) -> str:
    """Return a short temporary name, always the same: one left by a kill is replaced by the next process."""
    return f".{blake2s(os.fsencode(name), digest_size=8).hexdigest()}.sock"


def _check_free(folder: int, file: Path, users: Collection[int]) -> None:
    with suppress(FileNotFoundError):
        if not is_ours(os.stat(file.name, dir_fd=folder, follow_symlinks=False), users):
            raise FileExistsError(errno.EEXIST, f"{file} is there, and is no socket of ours; move it away")


def _bind_closed(made: socket.socket, address: str) -> None:
    """Bind with a mode that gives others nothing from the first moment.

    The umask is shared by all threads: files that another one makes meanwhile stay usable to us, and files for others
    get their mode explicitly.
    """
    before = os.umask(0o077)
    try:
        made.bind(address)
    finally:
        os.umask(before)


def _hand_over(folder: int, name: str, owner: Owner) -> None:
    os.chmod(name, 0o600, dir_fd=folder)
    if os.geteuid() != owner.uid:
        os.chown(name, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)
