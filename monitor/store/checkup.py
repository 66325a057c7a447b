"""The health of a store, for people: looked at from outside, whatever state it is in, and left as it is."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from enum import StrEnum
from pathlib import Path

from msgspec import Raw, Struct

from monitor.control.client import send_request
from monitor.control.message import Request, RequestKind
from monitor.storage_refusal import StoreError
from monitor.store.aside import dated, log_file
from monitor.store.connection import check_file, open_unchecked, unusable_error
from monitor.store.expected_schema import VERSION, check_version, version_of
from monitor.store.file_owner import SIDE_FILES, check_owned
from monitor.store.file_system import check_location
from monitor.store.lock import UNKNOWN, lock_path
from monitor.store.standby_path import standby_file
from monitor.store.submission import socket_files

STEPS = 20_000
"""Instructions of SQLite between two looks at the time: less than a millisecond."""
QUESTION = Request(RequestKind.NOTE, Raw(b"{}"))
"""What every version reads and refuses: nothing comes of it but an answer."""


class Listening(StrEnum):
    """Whether the process that holds a store hears commands. CLOSED: it may, and this user may not ask."""

    ANSWERS = "answers"
    HANGS = "hangs"
    CLOSED = "closed"
    NOBODY = "nobody"


class StoreCheckup(Struct, frozen=True, kw_only=True):
    """What was found. `problem`: why it cannot be used, with the repair after the first semicolon.

    `rights`: likewise, why this user may not write it. `sound`: None if that is not known: it was not looked at, or
    looking took too long. `schema`: None if it could not be read; `newest` is the one that this program writes.
    `holder`: the PID of the process that has the lock, or "unknown"; None: nobody has it. `log_bytes`: size of the WAL.
    `asides`: parts that could not be written and stand in the file `aside_name`; `broken`: set-aside databases.
    `unread`: replies left as files that nobody has taken. `place`: why it should not lie where it does, with the repair
    after the last colon; None: it may.
    """

    name: str
    folder: Path
    there: bool = False
    problem: str | None = None
    rights: str | None = None
    sound: bool | None = None
    schema: int | None = None
    newest: int = VERSION
    holder: str | None = None
    listening: Listening = Listening.NOBODY
    log_bytes: int = 0
    asides: int = 0
    aside_name: str = ""
    broken: tuple[str, ...] = ()
    unread: int = 0
    place: str | None = None


def examine_store(database: Path, limit_s: float) -> StoreCheckup:
    """Look at a database and at what lies beside it; SQLite's own check may take half of `limit_s`. Never raises."""
    found = _opened(database, limit_s / 2)
    holder = lock_holder(database)
    return StoreCheckup(
        name=database.name,
        folder=database.parent,
        there=_is_file(database),
        problem=found.problem,
        rights=_said_by(lambda: check_owned(database)),
        sound=found.sound,
        schema=found.schema,
        holder=holder,
        listening=_listening(database, limit_s / 2) if holder else Listening.NOBODY,
        log_bytes=_size(log_file(database)),
        asides=_lines(Path(f"{database}.aside.jsonl")),
        aside_name=f"{database.name}.aside.jsonl",
        broken=_set_aside(database),
        unread=_unread(database),
        place=check_location(database),
    )


def written_places(database: Path) -> tuple[Path, ...]:
    """Return the folder of a database, and the files of it that are there: nobody else is to read them."""
    files = (Path(f"{database}{side}") for side in SIDE_FILES)
    return (database.parent, *(one for one in files if _is_file(one)))


class _Opened(Struct, frozen=True):
    problem: str | None = None
    sound: bool | None = None
    schema: int | None = None


def _opened(database: Path, limit_s: float) -> _Opened:
    try:
        check_file(database)
        database.stat()  # `exists` says no of a link to itself, and below a file
        with closing(open_unchecked(database, wait_s=min(limit_s, 1.0))) as connection:
            return _looked_into(connection, str(database), limit_s)
    except FileNotFoundError:
        return _Opened()
    except StoreError as error:
        return _Opened(str(error), sound=False)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        return _Opened(f"{database}: {why}; make it a file that this user may read, or name another [store] path")


def _looked_into(connection: sqlite3.Connection, name: str, limit_s: float) -> _Opened:
    """Return the version and what SQLite finds; an interrupted look leaves that unknown."""
    ends_s, was_late = time.monotonic() + limit_s, list[bool]()

    def is_late() -> bool:
        if time.monotonic() > ends_s:
            was_late.append(True)
        return bool(was_late)

    connection.set_progress_handler(is_late, STEPS)
    try:
        problem, schema = _said_by(lambda: check_version(connection, name)), version_of(connection)
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.Error as error:
        return _Opened() if was_late else _Opened(str(unusable_error(Path(name), error)), sound=False)
    return _Opened(problem, sound, schema)


def lock_holder(database: Path) -> str | None:
    """Return the PID of the process that holds a database, "unknown", or None: nobody does. The lock is left free."""
    try:
        file = os.open(lock_path(database), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        said = os.pread(file, 40, 0).decode(errors="replace").split()
        return said[0] if said and said[0].isdecimal() else UNKNOWN
    else:
        return None
    finally:
        os.close(file)


def _listening(database: Path, limit_s: float) -> Listening:
    try:
        owner = database.stat().st_uid
        places = socket_files(database, owner)
    except OSError:
        return Listening.CLOSED
    for file in places:
        try:
            if send_request(file, {0, owner, os.geteuid()}, QUESTION, limit_s / len(places)):
                return Listening.ANSWERS
        except TimeoutError:
            return Listening.HANGS
        except PermissionError:
            return Listening.CLOSED
        except OSError:
            continue
    return Listening.NOBODY


def _said_by(check: Callable[[], object]) -> str | None:
    try:
        check()
    except StoreError as error:
        return str(error)
    return None


def _set_aside(database: Path) -> tuple[str, ...]:
    with suppress(OSError):
        return tuple(one.name for one in dated(database, "corrupt"))
    return ()


def _unread(database: Path) -> int:
    bases = [one for one in (database, standby_file(database)) if one]
    folders = [one.with_name(f"{one.name}.replies") for one in bases]
    with suppress(OSError):
        return sum(
            one.suffix in (".json", ".unread") for folder in folders if folder.is_dir() for one in folder.iterdir()
        )
    return 0


def _lines(file: Path) -> int:
    if _is_file(file):  # a pipe would hold it up
        with suppress(OSError), file.open("rb") as source:
            return sum(1 for _ in source)
    return 0


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0


def _is_file(file: Path) -> bool:
    with suppress(OSError):
        return file.is_file()
    return False
