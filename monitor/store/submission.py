"""What a command has for the database: done by the process that holds it, else written by the command itself.

One writer stays one writer: rows are written only by whoever holds the lock.
"""

import os
import pwd
import stat
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.control.client import ask
from monitor.control.message import ANSWER_S, LONGEST, WORK_S, Request, RequestResult, RequestStatus, to_line
from monitor.control.socket_file import Owner
from monitor.storage_refusal import StoreError
from monitor.store.connection import BESIDE, Busy, Lock, open_reader
from monitor.store.standby import Keeper, Place
from monitor.store.standby_path import stand_in
from monitor.store.writer import Writer

PATIENCE_S = 10.0
"""So long a process that starts, ends or has too much to do is waited for."""
PAUSE_S = 0.1


class Unheard(StoreError):
    """It was not done; the text says why, and what to do instead."""


def owner_of(database: Path) -> Owner:
    """Return whose a database is, or will be as the folder is that there is. Raises OSError."""
    seen = next(one for one in (database, *database.absolute().parents) if one.exists()).stat()
    return Owner(seen.st_uid, seen.st_gid)


def socket_files(database: Path, user: int | None = None) -> list[Path]:
    """Return where the process of a user, by default ours, listens: beside the database, else with its stand-in."""
    bases = (database, stand_in(database, user=user))
    return [one.with_name(f"{one.name}.sock") for one in bases if one]


def submit(database: Path, request: Request, alone: Callable[[], None], patience_s: float = PATIENCE_S) -> str:
    """Have a request done by the process that holds the database, or do it `alone` where there is none.

    `alone` takes the lock, and raises Busy where another process has it. Asked twice, it is done once. Returns what is
    to be known of it, in words; mostly nothing. Raises StoreError where it was not done, of which Unheard is one.
    """
    if len(to_line(request)) > LONGEST:
        raise Unheard(f"this is too long; name less than {LONGEST // 1024} KiB at once")
    user, ends_s = _speaker(database), time.monotonic() + patience_s
    while True:
        if (answer := _asked(database, user, request)) is not None:
            return _heeded(answer, database)
        try:
            alone()
        except Busy as error:
            if time.monotonic() > ends_s:
                raise Unheard(f"{database.name} is held by process {error.holder}, which {SILENT}") from None
            time.sleep(PAUSE_S)
        else:
            return ""


SILENT = "does not listen: it is of an older version, or does not get on; restart it, then say this again"


def _asked(database: Path, user: int, request: Request) -> RequestResult | None:
    """Return what the process says that holds the database; None where there is none, or it is to be asked again."""
    for file in socket_files(database, user):
        try:
            answer = ask(file, {0, user, os.geteuid()}, request)
        except TimeoutError:
            why = f"the process that holds {database.name} has not answered within {ANSWER_S:.0f} s"
            raise Unheard(f"{why}; it may do it yet, and if not, restart it and say this again") from None
        except PermissionError as error:
            raise Unheard(f"{file}: {error.strerror}; {_repair(user)}") from None
        except OSError:
            continue
        if answer:
            return answer
    return None


def _heeded(answer: RequestResult, database: Path) -> str:
    if answer.status is RequestStatus.REFUSED:
        raise Unheard(f"the process that holds {database.name} refuses this: {answer.words}")
    if answer.status is RequestStatus.PENDING:
        why = f"the process that holds {database.name} could not write this within {WORK_S:.0f} s"
        raise Unheard(f"{why}; it does so when it can, unless it ends before: look at it again in a while")
    return answer.words


def write_alone(database: Path, location: str, work: Callable[[Writer], object]) -> None:
    """Write while nobody else does, what root writes for the owner. Raises Busy, else StoreError where it cannot be."""
    if not database.parent.exists():
        raise Unheard(f"{database.parent}: does not exist; start `provider-monitor run` or `once` first")
    if database.exists():
        open_reader(database).close()  # first: a command sets nothing aside that is broken, or is not ours
    owner = _owner(database)
    aside = stand_in(database, user=owner.uid)
    lock = Lock(database, briefly=True)
    try:
        keeper = Keeper(database, location, lock, _now, time.monotonic, aside)
        keeper.open()
        with closing(keeper):
            keeper.do(work)
            if keeper.place is Place.MEMORY and keeper.refusal:
                raise Unheard(f"{database}: {keeper.refusal.words}; make room on that disk, or make it writable")
        _give([one for one in (database, aside) if one], owner)
    finally:
        lock.release()


def _now() -> datetime:
    return datetime.now(UTC)


def _give(bases: list[Path], owner: Owner) -> None:
    """Give what root has made to the owner, who could not use it otherwise; as the folder is his, follow no link."""
    if os.geteuid() == owner.uid:
        return
    for file in (Path(f"{base}{side}") for base in bases for side in BESIDE):
        with suppress(FileNotFoundError):
            _give_one(file, owner)


def _give_one(file: Path, owner: Owner) -> None:
    seen = file.lstat()
    if seen.st_uid != os.geteuid() or not stat.S_ISREG(seen.st_mode):
        return
    opened = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(opened, owner.uid, owner.gid)
    except OSError as error:
        raise Unheard(f"{file} cannot be given to {_name(owner.uid)} ({error.strerror}); chown it") from None
    finally:
        os.close(opened)


def _speaker(database: Path) -> int:
    """Return as which user to speak: the owner, who alone is heard, and for whom root may. Raises Unheard."""
    owner, us = _owner(database).uid, os.geteuid()
    if us not in (0, owner):
        raise Unheard(f"{database.name} belongs to {_name(owner)}, and this is {_name(us)}: {_repair(owner)}")
    return owner


def _owner(database: Path) -> Owner:
    try:
        return owner_of(database)
    except OSError as error:
        raise Unheard(f"{database}: {error.strerror}; say it as root, or as the monitor's own user") from None


def _repair(user: int) -> str:
    """Return who is to say it instead; whose user has no name here, as in a container, is asked through root."""
    name = _name(user)
    return "say it as root" if name.isdecimal() else f"say it as that user, with sudo -u {name}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
