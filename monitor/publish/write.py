"""Files of a page → a folder, each by rename: a reader never meets half a page, a full disk never a lost one."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

# The page names accounts and shows evidence: its owner writes, the group (the web server's) reads,
# nobody else does. The umask can only tighten this; folders that exist already keep their modes.
FOLDER_MODE = 0o750
FILE_MODE = 0o640

GROWING = ("incidents/*.html", "accounts/*/*.html", "providers/*.html", "badges/*.*", "badges/*/*.*")
"""The only files that come and go; nothing else is ever removed."""


LASTING = ("incidents/*.html", "history/*.html")


def write_site(folder: Path, files: Mapping[str, bytes], kept: Collection[str] = ()) -> int:
    """Write what differs and return how many files that were. What is `kept` is not removed though it is not written.

    `index.html` comes last, so that it never links to what is not there yet. Raises ValueError, before
    anything is written, when a path leaves the folder; OSError when a file cannot be written: that file
    and those after it stay as they were.
    """
    places = {_place(folder, name): content for name, content in files.items()}
    written = sum(_write(place, places[place]) for place in sorted(places, key=lambda p: (p.name == "index.html", p)))
    _prune(folder, {*places, *(_place(folder, name) for name in kept)})
    return written


def _place(folder: Path, name: str) -> Path:
    """Return where a file goes. Hidden names are refused as well: they are what temporary files are called."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or any(part.startswith(".") for part in path.parts) or "\0" in name:
        raise ValueError(f"{name!r} is no path inside the page's folder")
    place = folder / path
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} leaves the page's folder by a symbolic link")
    return place


def _write(place: Path, content: bytes) -> bool:
    if _holds(place, content):
        return False
    _make_folder(place.parent)
    temporary = place.with_name(f".{place.name}.tmp")
    try:
        with open(temporary, "wb", opener=_create) as file:
            file.write(content)
        os.replace(temporary, place)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return True


def _holds(place: Path, content: bytes) -> bool:
    try:
        return place.stat().st_size == len(content) and place.read_bytes() == content
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    """Create a folder and what leads to it, each private (`Path.mkdir(parents=True)` opens the parents)."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(FOLDER_MODE, exist_ok=True)


def _create(path: str, flags: int) -> int:
    """Open anew: what a killed run left, or a link somebody planted, is removed and not written through."""
    Path(path).unlink(missing_ok=True)
    return os.open(path, flags | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)


def existing(folder: Path) -> set[str]:
    """Return the relative paths of the pages that may stay as they are, where they are there already."""
    return {str(file.relative_to(folder)) for kind in LASTING for file in folder.glob(kind)}


def _prune(folder: Path, keep: Collection[Path]) -> None:
    for kind in GROWING:
        for file in folder.glob(kind):
            if file not in keep and not file.name.startswith("."):
                file.unlink(missing_ok=True)
