"""Files of a site → a folder, each by rename: no reader sees half a page, and a full disk loses none."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from glob import escape, iglob
from pathlib import Path
from stat import S_IMODE

from msgspec import Struct

from monitor.config.output_path import GROWING


class FileModes(Struct, frozen=True):
    """Modes of what is written. `is_exact`: whatever the umask. Existing folders keep their modes."""

    folder: int
    file: int
    is_exact: bool


PRIVATE = FileModes(0o750, 0o640, is_exact=False)
"""Modes of pages with accounts and evidence: the owner writes, the group (the web server's) reads, nobody else."""
PUBLIC = FileModes(0o755, 0o644, is_exact=True)
"""Modes of files that another user serves or collects: under a service's usual umask of 077 that would fail."""

LASTING = ("incidents/*.html", "history/*.html", "accounts/*/*.html")
PIECE = 64 * 1024
"""Bytes of a file compared at a time."""


class OutsideLink(ValueError):
    """A symbolic link leads out of the folder: files behind it were skipped, and all else was written."""


def write_site(
    folder: Path,
    files: Mapping[str, bytes],
    kept: Collection[str] = (),
    access: FileModes = PRIVATE,
    gone: Sequence[str] = (),
) -> int:
    """Write what differs, `index.html` last, so that it never links to a missing page; see `write_pages`.

    Raises ValueError, before anything is written, if a name is not a plain path.
    """
    for name in (*files, *kept, *gone):
        _check(name)
    sheets = ((name, files[name]) for name in sorted(files, key=_front_page_last))
    return write_pages(folder, sheets, kept, access, gone)


def write_pages(
    folder: Path,
    sheets: Iterable[tuple[str, bytes]],
    kept: Collection[str] = (),
    access: FileModes = PRIVATE,
    gone: Sequence[str] = (),
) -> int:
    """Write each file that differs as it comes, and return how many did; a large site is never in memory as a whole.

    Files in `kept` are not removed even if they do not come; those in `gone` are, in this order, with the folders that
    they leave empty. Files that a symbolic link would lead out of the folder are skipped, and OutsideLink is raised
    after all else is written. Raises OSError if a file cannot be written: that file and those after it stay as they
    were.
    """
    names, parents, written = set[str](), dict[str, bool](), 0
    for name, content in sheets:
        _check(name)
        if (parent := os.path.dirname(name)) not in parents:
            parents[parent] = _is_inside(folder, parent)
            if parents[parent]:
                _make_folder(folder / parent, access)
        if parents[parent]:
            written += _write(f"{folder}/{name}", content, access)
            names.add(name)
    _prune(folder, names, kept)
    _remove_all(folder, gone)
    for parent, is_inside in parents.items():
        if not is_inside:
            raise _leaving(parent)
    return written


def _front_page_last(name: str) -> tuple[bool, str]:
    return os.path.basename(name) == "index.html", name


def _check(name: str) -> None:
    """Refuse anything but a plain path; hidden names, too, as temporary files have those."""
    if "\0" in name or any(not part or part.startswith(".") for part in name.split("/")):
        raise ValueError(f"{name!r} is no path inside the page's folder")


def _is_inside(folder: Path, parent: str) -> bool:
    try:
        return (folder / parent).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a loop of links
        return False


def _leaving(parent: str) -> OutsideLink:
    return OutsideLink(f"{parent!r} leaves the page's folder by a symbolic link; take the link away")


# A large site has thousands of files: from here on paths are strings, as a `Path` costs more than a system call.


def write_for_all(file: Path, content: bytes) -> bool:
    """Write one world-readable file if it differs; return whether it did. Raises OSError."""
    _make_folder(file.parent, PUBLIC)
    return _write(str(file), content, PUBLIC)


def _write(place: str, content: bytes, access: FileModes) -> bool:
    if _holds(place, content, access):
        return False
    head, tail = os.path.split(place)
    temporary = f"{head}/.{tail}.tmp"
    try:
        with open(temporary, "wb", opener=_create) as file:
            if access.is_exact:
                os.fchmod(file.fileno(), access.file)
            file.write(content)
        os.replace(temporary, place)
    except OSError:
        _remove(temporary)
        raise
    return True


def _holds(place: str, content: bytes, access: FileModes) -> bool:
    try:
        seen = os.stat(place)
        if seen.st_size != len(content) or (access.is_exact and S_IMODE(seen.st_mode) != access.file):
            return False
        with open(place, "rb") as file:
            return all(file.read(PIECE) == content[at : at + PIECE] for at in range(0, len(content), PIECE))
    except FileNotFoundError:
        return False


def _remove(place: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(place)


def _make_folder(folder: Path, access: FileModes) -> None:
    """Create a folder and its parents, all with the same mode (`Path.mkdir(parents=True)` opens the parents)."""
    if folder.is_dir():
        return
    _make_folder(folder.parent, access)
    with suppress(FileExistsError):
        folder.mkdir(access.folder)
        if access.is_exact:
            folder.chmod(access.folder)


def _create(path: str, flags: int) -> int:
    """Create a file exclusively: a leftover of a killed run, or a planted link, is removed, not written through."""
    _remove(path)
    return os.open(path, flags | os.O_EXCL | os.O_NOFOLLOW, PRIVATE.file)


def existing_pages(folder: Path, sites: Iterable[str] = ("",)) -> set[str]:
    """Return the relative paths of existing pages that may stay as they are. `sites`: prefixes, as of languages."""
    return {name for site in sites for kind in LASTING for name in iglob(f"{escape(site)}{kind}", root_dir=folder)}


def _prune(folder: Path, written: Collection[str], kept: Collection[str]) -> None:
    for kind in GROWING:
        for name in iglob(kind, root_dir=folder):  # skips hidden files
            if name not in written and name not in kept and _is_inside(folder, os.path.dirname(name)):
                _remove(f"{folder}/{name}")


def _remove_all(folder: Path, gone: Sequence[str]) -> None:
    left = set[str]()
    for name in gone:
        if _is_inside(folder, os.path.dirname(name)):
            _remove(f"{folder}/{name}")
            left.update(map(str, Path(name).parents))
    for parent in sorted(left - {"."}, key=len, reverse=True):
        with suppress(OSError):  # it holds something else
            os.rmdir(f"{folder}/{parent}")
