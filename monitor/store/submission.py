"""Requests of commands to the database: carried out by the process that holds it, else by the command itself.

There is never more than one writer: only the holder of the lock writes rows.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from monitor.control.client import send_request
from monitor.control.message import ANSWER_S, MAX_LINE_BYTES, WORK_S, Request, RequestResult, RequestStatus, to_line
from monitor.store.connection import is_older, read_any_version
from monitor.store.file_owner import NotCarriedOut, acting_user, give_to_owner, owner_of, repair_for
from monitor.store.lock import Busy, Lock
from monitor.store.standby import FailoverWriter, WritePlace
from monitor.store.standby_path import beside, real_path, standby_file
from monitor.store.writer import Writer

PATIENCE_S = 10.0
"""Seconds to wait for a process that is starting, ending or overloaded."""
UPGRADE_S = 1.0
"""The same while a database of an older version is held: most are migrated by then, and a large one takes minutes."""
PAUSE_S = 0.1


def socket_files(database: Path, user: int | None = None) -> list[Path]:
    """Return where a user's process (by default ours) listens: beside the database, else beside its stand-in."""
    return [beside(one, ".sock") for one in (database, standby_file(database, user=user)) if one]


def submit_request(database: Path, request: Request, alone: Callable[[], None], patience_s: float = PATIENCE_S) -> str:
    """Have the process that holds the database carry out a request, or run `alone` if there is none.

    `alone` takes the lock, and raises Busy if another process has it. A repeated request is carried out once. Returns
    a notice, mostly empty. Raises StoreError, such as NotCarriedOut, if it was not carried out.
    """
    if len(to_line(request)) > MAX_LINE_BYTES:
        raise NotCarriedOut(f"this is too long; name less than {MAX_LINE_BYTES // 1024} KiB at once")
    user, began_s = acting_user(database), time.monotonic()
    ends_s = began_s + patience_s
    while True:
        if (answer := _asked(database, user, request)) is not None:
            return _heeded(answer, database)
        try:
            alone()
        except Busy as error:
            waits_for_upgrade = is_older(database)
            ends_s = min(ends_s, began_s + UPGRADE_S) if waits_for_upgrade else ends_s
            if time.monotonic() > ends_s:
                why = UPGRADING if waits_for_upgrade else SILENT
                raise NotCarriedOut(f"{database.name} is held by {error.who}, which {why}") from None
            time.sleep(PAUSE_S)
        else:
            return ""


UPGRADING = (
    "is migrating it from an older version, or is of that version: say this again when that is done, or restart it"
)
SILENT = "does not listen: it is of an older version, or does not get on; restart it, then say this again"


def _asked(database: Path, user: int, request: Request) -> RequestResult | None:
    """Return the answer of the process that holds the database; None if there is none, or to retry."""
    for file in socket_files(database, user):
        try:
            answer = send_request(file, {0, user, os.geteuid()}, request)
        except TimeoutError:
            why = f"the process that holds {database.name} has not answered within {ANSWER_S:.0f} s"
            raise NotCarriedOut(f"{why}; it may do it yet, and if not, restart it and say this again") from None
        except PermissionError as error:
            raise NotCarriedOut(f"{file}: {error.strerror}; {repair_for(user)}") from None
        except OSError:
            continue
        if answer:
            return answer
    return None


def _heeded(answer: RequestResult, database: Path) -> str:
    if answer.status is RequestStatus.REFUSED:
        raise NotCarriedOut(f"the process that holds {database.name} refuses this: {answer.words}")
    if answer.status is RequestStatus.PENDING:
        why = f"the process that holds {database.name} could not write this within {WORK_S:.0f} s"
        raise NotCarriedOut(f"{why}; it does so when it can, unless it ends before: look at it again in a while")
    return answer.words


def write_directly(database: Path, location: str, work: Callable[[Writer], object]) -> None:
    """Write under the lock; files that root makes become the owner's. Raises Busy, or StoreError if it cannot write."""
    if not database.parent.exists():
        raise NotCarriedOut(f"{database.parent}: does not exist; start `run` or `once` first")
    if database.exists():
        read_any_version(database).close()  # first: a command never sets a broken or foreign file aside
    owner = owner_of(database)
    aside = standby_file(database, user=owner.uid)
    lock = Lock(database, briefly=True)
    try:
        failover = FailoverWriter(database, location, lock, _now, time.monotonic, aside)
        failover.open()
        with closing(failover):
            failover.do(work)
            if failover.place is WritePlace.MEMORY and failover.refusal:
                raise NotCarriedOut(
                    f"{database}: {failover.refusal.words}; make room on that disk, or make it writable"
                )
        give_to_owner([one for one in (database, real_path(database), aside) if one], owner)
    finally:
        lock.release()


def _now() -> datetime:
    return datetime.now(UTC)
