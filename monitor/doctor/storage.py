"""What is written, and where → remarks on files and the database; pure."""

import shlex
from collections.abc import Iterator

from monitor.config.file_access import check_secret_files
from monitor.doctor.examination import Examination, StoredFacts
from monitor.doctor.remark import Grade, Remark, Topic, parted
from monitor.store.checkup import StoreCheckup
from monitor.words import count

MB = 1_000_000
FULL_BYTES, SCARCE_BYTES = 50 * MB, 500 * MB
"""Room on a disk below which the next write may fail, and below which it should be looked at."""
LARGE_LOG_BYTES = 100 * MB
"""Size of the WAL that no checkpoint of ours leaves: somebody holds the database open, and reads old pages."""


def files(it: Examination) -> Iterator[Remark]:
    """Remark on who may read and write what is ours, and on the room that is left."""
    if it.places is None:
        yield Remark(Grade.UNKNOWN, Topic.FILES, "the folders did not answer in time", "look at `mount` and `df`")
        return
    found = [*_secrets(it), *_writable(it), *_room(it)]
    yield from found
    if not found:
        yield Remark(Grade.OK, Topic.FILES, f"{count(len(it.places), 'place')} ours to write, secrets closed to others")


def _secrets(it: Examination) -> Iterator[Remark]:
    for told in check_secret_files(it.config.secret_files, it.config.secret_keys, it.user):
        words, repair = parted(told, ": ")
        yield Remark(Grade.WARNING, Topic.FILES, words, repair)
    for place in it.places or ():
        if place.open_to:
            words = f"{place.path}, {place.holds}, can be read by {place.open_to}"
            yield Remark(Grade.WARNING, Topic.FILES, words, f"chmod go-rwx {shlex.quote(str(place.path))}")


def _writable(it: Examination) -> Iterator[Remark]:
    for place in it.places or ():
        if place.closed:
            words = f"{place.path}, {place.holds}: {place.closed}"
            yield Remark(
                Grade.ERROR, Topic.FILES, words, f"let this user own it: sudo chown -R {it.user} {_quoted(place.path)}"
            )


def _quoted(path: object) -> str:
    return shlex.quote(str(path))


def _room(it: Examination) -> Iterator[Remark]:
    """Yield where room is scarce, once for all places with the same amount of it: they are on one disk."""
    seen = {place.free_bytes: place for place in reversed(it.places or ()) if place.free_bytes is not None}
    for left, place in seen.items():
        if left < SCARCE_BYTES:
            grade = Grade.ERROR if left < FULL_BYTES else Grade.WARNING
            words = f"{left / MB:.0f} MB are left on the disk of {place.path}"
            yield Remark(grade, Topic.FILES, words, f"make room: du -xsh {_quoted(place.path)}/*")


def kept(it: Examination) -> Iterator[Remark]:
    """Remark on the database: whether it is sound, ours, of this version, and taking writes."""
    seen = it.store
    if seen is None:
        yield Remark(Grade.UNKNOWN, Topic.DATABASE, "it did not answer in time", "look at its disk: `df`, `dmesg`")
        return
    found = [*_broken(seen), *_refused(it.stored), *_beside(seen)]
    yield from found
    if not seen.there and not seen.problem:
        yield Remark(Grade.OK, Topic.DATABASE, f"{seen.name} is not there yet; the first round makes it")
    elif seen.there and seen.sound is None and not seen.problem:
        how = f'run `sqlite3 {_quoted(seen.folder / seen.name)} "PRAGMA quick_check"`, which takes its time'
        yield Remark(Grade.UNKNOWN, Topic.DATABASE, f"{seen.name} is too large to be checked here in time", how)
    elif not found:
        yield Remark(Grade.OK, Topic.DATABASE, f"{seen.name} is sound, of schema {seen.schema}")


def _broken(seen: StoreCheckup) -> Iterator[Remark]:
    for told in filter(None, dict.fromkeys((seen.problem, seen.rights))):
        words, repair = parted(told)
        yield Remark(Grade.ERROR, Topic.DATABASE, words, repair)
    if seen.sound is False and not seen.problem:
        yield Remark(Grade.ERROR, Topic.DATABASE, f"{seen.name} is damaged", "provider-monitor restore FILE")
    if seen.schema is not None and seen.schema < seen.newest and not seen.problem:
        words = f"{seen.name} is of schema {seen.schema}, and this program writes {seen.newest}"
        yield Remark(
            Grade.WARNING, Topic.DATABASE, words, "restart `run`, or let the next `once` migrate it; it keeps a copy"
        )


def _refused(stored: StoredFacts | None) -> Iterator[Remark]:
    if stored and stored.refusal:
        words = f"it takes no writes: {stored.refusal.words}; what is seen meanwhile is kept elsewhere"
        yield Remark(
            Grade.ERROR, Topic.DATABASE, words, "make room on its disk, or make it writable; nothing else is needed"
        )


def _beside(seen: StoreCheckup) -> Iterator[Remark]:
    """Yield what lies beside it, and should not for long."""
    if seen.place:
        words, repair = parted(seen.place, ": ")
        yield Remark(Grade.WARNING, Topic.DATABASE, words, repair)
    if seen.log_bytes > LARGE_LOG_BYTES:
        words = f"its log (WAL) has {seen.log_bytes / MB:.0f} MB: another program has had it open for long"
        yield Remark(
            Grade.WARNING, Topic.DATABASE, words, f"fuser -v {_quoted(seen.folder / seen.name)}, and close that one"
        )
    if seen.asides:
        words = f"{count(seen.asides, 'line')} of what could not be written: {seen.aside_name}"
        yield Remark(Grade.WARNING, Topic.DATABASE, words, REPORT_ASIDE)
    if seen.broken:
        words = f"a damaged database was set aside as {seen.broken[-1]}"
        yield Remark(Grade.WARNING, Topic.DATABASE, words, "provider-monitor restore FILE, or delete it")


REPORT_ASIDE = "send one line of it with a report of this bug, and delete the file"
