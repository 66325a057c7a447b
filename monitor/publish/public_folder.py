"""The public site → its folder. What an earlier one left there goes: a language, a logo, what was open then."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from glob import escape, iglob
from os.path import dirname
from pathlib import Path

from monitor.config.output_path import FRONT_PAGE, GROWING, OPTIONAL, read_start
from monitor.publish.write import LASTING, PUBLIC, existing_pages, write_site

BACK = b'href="../index.html"'
"""What leads from a language to the first one: another site below the folder has no such link."""


def write_public_site(folder: Path, files: Mapping[str, bytes]) -> int:
    """Write what differs and remove what is no more; return how many files were written. Raises as `write_site`."""
    sites = ["", *(f"{code}/" for code in _codes(files))]
    kept = {name for name in existing_pages(folder, sites) if name in files or not _is_open(folder / name)}
    gone = [name for site in sites for name in _removed(folder, site) if name not in files and name not in kept]
    dropped = [name for code in _dropped(folder, files) for name in _whole(folder, f"{code}/", files)]
    return write_site(folder, files, kept, PUBLIC, (*gone, *dropped))


def _codes(files: Mapping[str, bytes]) -> list[str]:
    """Return the languages below the first."""
    return [dirname(name) for name in files if fnmatchcase(name, "*/index.html") and name.count("/") == 1]


def _is_open(page: Path) -> bool:
    """Whether an incident's page says how it is now: nobody writes it any more, so that would be said for ever."""
    return page.parent.name == "incidents" and b' data-made="' in read_start(page)


def _removed(folder: Path, site: str) -> Iterator[str]:
    """Yield the files of a language that may come and go."""
    for kind in (*GROWING, *OPTIONAL):
        yield from iglob(f"{escape(site)}{kind}", root_dir=folder)


def _dropped(folder: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the folders of languages in which the site is not made any more."""
    kept = _codes(files)
    for front in iglob("*/index.html", root_dir=folder):
        code = dirname(front)
        if code not in kept and _is_language(folder / front, code):
            yield code


def _is_language(front: Path, code: str) -> bool:
    start = read_start(front)
    return bool(FRONT_PAGE.match(start)) and f'<html lang="{code}"'.encode() in start and BACK in start


def _whole(folder: Path, site: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield all files of a language, by the names that a site has; the front page, by which it is known, last."""
    for path in sorted((folder / site).rglob("*"), key=lambda one: one.name == "index.html"):
        name = path.relative_to(folder / site).as_posix()
        if path.is_file() and (name in files or any(_is_of(name, kind) for kind in (*GROWING, *OPTIONAL, *LASTING))):
            yield f"{site}{name}"


def _is_of(name: str, kind: str) -> bool:
    return name.count("/") == kind.count("/") and fnmatchcase(name, kind)
