"""A path → the type of its file system, from the kernel: a network file system is no place for a database."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

MOUNTS = Path("/proc/self/mountinfo")
"""Source: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html"""

OF_NETWORKS = frozenset(
    (
        *(
            "9p",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "davfs",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncpfs",
            "nfs",
            "nfs4",
        ),
        *("orangefs", "pvfs2", "smb2", "smb3", "smbfs"),
        # FUSE programs that use the network; most others keep their files on this machine.
        *("blobfuse", "blobfuse2", "ceph-fuse", "curlftpfs", "gcsfuse", "goofys", "juicefs", "lizardfs", "mfs"),
        *("moosefs", "mount-s3", "rclone", "s3fs", "seaweedfs", "smbnetfs", "sshfs", "weed"),
    )
)
"""Network file systems by the kernel's names; a FUSE program's is named like `fuse.sshfs`."""


class Mount(Struct, frozen=True):
    """One line of mountinfo: what is mounted at `point`, on top of the mount `parent`."""

    id: bytes
    parent: bytes
    point: str
    kind: str

    def holds(self, path: str) -> bool:
        return path == self.point or path.startswith(self.point.rstrip("/") + "/")


def check_location(database: Path) -> str | None:
    """Return why a database should not be where it is, with the repair; None if it is fine or unknown."""
    try:
        told = MOUNTS.read_bytes()
    except OSError:  # not Linux
        return None
    kind = file_system_at(os.path.realpath(database), told)
    if kind is None or kind.removeprefix("fuse.") not in OF_NETWORKS:
        return None
    return (
        f"{database} lies on a file system of a network ({kind}), where neither SQLite's locks nor the memory by which "
        "connections share its log can be relied upon: name a path on a local disk in [store] path"
    )  # https://sqlite.org/wal.html, https://sqlite.org/faq.html#q5


def file_system_at(path: str, told: bytes) -> str | None:
    """Return the type of the file system that holds an absolute path without links; None: not known.

    It follows the kernel's way, from mount to mount: of several on one mount the first on the path is entered, and
    hides what was mounted deeper down before it.
    """
    mounts = [mount for line in told.splitlines() if (mount := _read(line)) and mount.holds(path)]
    ids = {mount.id for mount in mounts}
    upon = [mount for mount in mounts if mount.parent not in ids or mount.parent == mount.id]
    held = None
    while upon:
        held = _first(upon)
        mounts.remove(held)
        upon = [mount for mount in mounts if mount.parent == held.id]
    return held.kind if held else None


def _first(mounts: Iterable[Mount]) -> Mount:
    return min(mounts, key=lambda mount: len(mount.point))


def _read(line: bytes) -> Mount | None:
    """Return a line's mount; None if it is malformed. There may be extra fields between the options and the type."""
    before, _, after = line.partition(b" - ")
    facts, (kind, *_) = before.split(b" "), after.split(b" ")
    if len(facts) < 6 or not kind:
        return None
    return Mount(facts[0], facts[1], os.fsdecode(ESCAPED.sub(_letter, facts[4])), os.fsdecode(kind))


ESCAPED = re.compile(rb"\\([0-3][0-7]{2})")
"""Escapes by which the kernel writes blanks, line ends and backslashes in a name."""


def _letter(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)])
