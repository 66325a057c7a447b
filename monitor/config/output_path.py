"""Where pages, metrics and results are written: never where that would expose, or overwrite, somebody else's files."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from glob import iglob
from os.path import exists, isdir, normpath, realpath
from pathlib import Path

from msgspec import Struct

from probes.document import Problem, why_no_file

SITE_MARK = "api/v2/summary.json"
"""The file that each folder of ours gets before its front page; before schema 5 of the database there was none."""
FRONT_PAGE = re.compile(rb'<!doctype html>\s+<html [^>]*\bdata-made="[^"]*" data-fresh-s="[^"]*"', re.IGNORECASE)
"""How a front page of ours begins: the pages of those versions have no other mark."""
GROWING = ("incidents/*.html", "accounts/*/*.html", "providers/*.html", "badges/*.*", "badges/*/*.*")
"""The files of a page that come and go: of the others only `OPTIONAL` ones and whole languages are ever removed."""
OPTIONAL = ("own.css", "theme.css", "logo.svg", "logo.png")
"""Files that a site has if a setting or the user's templates ask for them."""
AT_STAKE = ("index.html", *GROWING, *OPTIONAL)
"""What would be overwritten, or removed as a stale page."""
METRICS_KIND = ".prom"

METRICS_MARK = b"llm_monitor_info"
"""The first of our metrics: a file without it is not ours."""
HEAD = 4096

FOLDER_REPAIR = "name a folder for the pages alone, with nothing else in it"
METRICS_REPAIR = "name a file for the metrics alone, such as metrics/provider-monitor.prom"
DATABASE_REPAIR = "name a file for the database alone, such as state/monitor.db"


Forms = frozenset[str]
"""A path as written and as resolved, each with a slash at its end, so that everything below begins with one."""


class OutputPath(Struct, frozen=True):
    """A setting that says where to write: its key, its value as written, and the resulting path."""

    key: str
    value: str
    path: Path


class OutputPaths(Struct, frozen=True):
    """All outputs. `private` is the page that names accounts; None: that output is off."""

    database: OutputPath
    private: OutputPath
    public: OutputPath | None
    metrics: OutputPath | None


def check_places(
    outlets: OutputPaths, named: Sequence[Path], templates: Sequence[Path], file: str
) -> Iterator[Problem]:
    """Report outputs whose place is taken.

    `named` are monitor.toml and all files that it names, which no page may hold; `templates` are folders of the user's
    own, to which no page may be written.
    """
    known = {one: _forms(one) for one in named if not isdir(one)}
    yield from _check_database(outlets.database, known, file)
    kept = known | {outlets.database.path: _forms(outlets.database.path)}
    for folder in filter(None, (outlets.private, outlets.public)):
        yield from _check_folder(folder, kept, templates, file)
    if outlets.public and _is_within(_forms(outlets.private.path), _forms(outlets.public.path)):
        yield _problem(outlets.public, "is, or holds, the folder of the page that names accounts", FOLDER_REPAIR, file)
    if outlets.metrics:
        yield from _check_metrics(outlets.metrics, kept, outlets, file)


def _check_database(database: OutputPath, named: Mapping[Path, Forms], file: str) -> Iterator[Problem]:
    if met := _met(database.path, named):
        yield _problem(database, f"is the place of {met.name}", DATABASE_REPAIR, file)
    elif why := why_no_file(database.path):
        yield _problem(database, why, DATABASE_REPAIR, file)


def _check_folder(
    folder: OutputPath, kept: Mapping[Path, Forms], templates: Iterable[Path], file: str
) -> Iterator[Problem]:
    if met := _met(folder.path, kept):
        yield _problem(folder, f"holds {met.name}, which is no page and would be served as one", FOLDER_REPAIR, file)
    elif any(_forms(one) & _forms(folder.path) for one in templates):
        yield _problem(folder, "holds templates, which pages would overwrite", FOLDER_REPAIR, file)
    elif why := _why_no_site(folder.path):
        yield _problem(folder, why, FOLDER_REPAIR, file)


def _why_no_site(folder: Path) -> str | None:
    """Return why a folder holds somebody else's pages; a link out of the folder is not followed."""
    if exists(folder / SITE_MARK) or FRONT_PAGE.match(read_start(folder / "index.html")):
        return None
    for name in (name for kind in AT_STAKE for name in iglob(kind, root_dir=folder)):
        if _is_within(frozenset([f"{realpath(folder / name)}/"]), _forms(folder)):
            return f"holds {name}, which this program has not written, and would overwrite or remove"
    return None


def _check_metrics(
    metrics: OutputPath, kept: Mapping[Path, Forms], outlets: OutputPaths, file: str
) -> Iterator[Problem]:
    sites = [_forms(one.path) for one in (outlets.private, outlets.public) if one]
    if met := _met(metrics.path, kept):
        yield _problem(metrics, f"is the place of {met.name}, which would be overwritten", METRICS_REPAIR, file)
    elif _is_beside(metrics.path, outlets.database.path):
        yield _problem(metrics, "is the place of what belongs to the database", METRICS_REPAIR, file)
    elif metrics.path.suffix != METRICS_KIND and any(_is_within(_forms(metrics.path), one) for one in sites):
        yield _problem(metrics, "may be the place of a page", METRICS_REPAIR, file)
    elif why := why_no_file(metrics.path) or _why_not_ours(metrics.path):
        yield _problem(metrics, why, METRICS_REPAIR, file)


def _problem(outlet: OutputPath, what: str, repair: str, file: str) -> Problem:
    return Problem(file, outlet.key, f'= "{outlet.value}" {what}', repair)


def _met(place: Path, kept: Mapping[Path, Forms]) -> Path | None:
    """Return the first file that a place is, holds, or is below."""
    forms = _forms(place)
    return next((file for file, its in kept.items() if _is_within(its, forms) or _is_within(forms, its)), None)


def _is_within(inner: Forms, outer: Forms) -> bool:
    """Whether a path is another one, or below it."""
    return any(one.startswith(other) for one in inner for other in outer)


def _forms(path: Path) -> Forms:
    return frozenset(f"/{text.strip('/')}/".replace("//", "/") for text in (normpath(path), realpath(path)))


def _is_beside(path: Path, database: Path) -> bool:
    """Whether a file is a database, or one of the files that are kept beside it: its log, lock, key."""
    return any(
        one.startswith(other.rstrip("/")) and "/" not in one[len(other) : -1]
        for one in _forms(path)
        for other in _forms(database)
    )


def read_start(path: Path) -> bytes:
    """Return the first bytes of a file; none if it is not there yet, not ours to read, or no file."""
    try:
        with open(path, "rb", opener=lambda name, how: os.open(name, how | os.O_NONBLOCK)) as file:
            return file.read(HEAD) or b""
    except OSError:
        return b""


def _why_not_ours(metrics: Path) -> str | None:
    head = read_start(metrics)
    return None if not head or METRICS_MARK in head else "is a file with something else in it"
