"""A batch that cannot be written → its parts: good ones are written, the others set aside in a file, never lost."""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from monitor.diagnose.incident import Change
from monitor.storage_refusal import StoreError
from monitor.store.row import Batch
from monitor.store.sqlite_error import is_about_values
from monitor.store.writer import Writer
from probes.sanitize import clean_text, sanitize

log = logging.getLogger("monitor")

LARGEST_BYTES = 1024 * 1024
"""Most bytes of a set-aside file; the previous file is kept, no older one."""
MAX_PART_LENGTH = 8_000
"""Most characters set aside of one value."""

T = TypeVar("T")


class UnwritablePart(Struct, frozen=True):
    """One part of a batch that cannot be written, and the name of the error."""

    part: Batch
    error: str


def save_batch(writer: Writer, batch: Batch, aside: Path) -> list[UnwritablePart]:
    """Write a batch; set aside the parts whose values are refused, and return those.

    Raises sqlite3.Error or StoreError if the database takes nothing at all, ForeignDatabase if its tables are not ours.
    """
    error = _try(writer.save, batch)
    if error is None:
        return []
    writer.check()
    log.error("a batch cannot be written as a whole (%s): writing it part by part", error)
    refused = [one for part in split_batch(batch) if (one := _refusal(writer, part))]
    for one in refused:
        _set_aside(one, batch, aside)
    return refused


def _try(save: Callable[[Batch], None], batch: Batch) -> str | None:
    """Return the name of the error that refused a batch; None: it is written."""
    try:
        save(batch)
    except sqlite3.Error as error:
        if not is_about_values(error):
            raise  # nothing can be written now, whatever is in the batch
        return type(error).__name__
    except StoreError as error:
        if error.refusal is not None:
            raise
        return type(error).__name__
    except Exception as error:  # noqa: BLE001 - no bad value may hold up the others
        return type(error).__name__
    return None


def _refusal(writer: Writer, part: Batch) -> UnwritablePart | None:
    """Write a part: as it is, else with its values made valid, else only its changes without their evidence."""
    error = None
    for mend in FIXES:
        try:
            mended = mend(part)
        except Exception:  # noqa: BLE001 - that does not fix it
            continue
        if (error := _try(writer.save, mended)) is None:
            return None
    return UnwritablePart(part, error or "")


def _as_it_is(part: Batch) -> Batch:
    return part


def _bare(part: Batch) -> Batch:
    """Return the changes without the quoted evidence: the alert itself must go out. Raises ValueError."""
    if not part.changes:
        raise ValueError("nothing is told by it")
    return Batch(part.at, changes=tuple(map(_without_proof, part.changes)), messages=part.messages)


def _without_proof(change: Change) -> Change:
    return replace(change, incident=replace(change.incident, evidence=(), reasons=(), announcement=None))


FIXES: Sequence[Callable[[Batch], Batch]] = (_as_it_is, sanitize, _bare)


def split_batch(batch: Batch) -> Iterator[Batch]:
    """Yield the parts of a batch that can be written alone, in order: first each observation with its consequences."""
    at, left = batch.at, dict(batch.notes)
    spendings = dict(batch.spendings)
    for one in batch.observations:
        id, account = one.target.id, one.target.account
        yield Batch(at, (one,), _of(batch.healths, id), _of(batch.plans, id), tracks=_of(batch.tracks, id))
        yield Batch(at, notes=_taken(left, account), spendings=_taken(spendings, account))
    for change in batch.changes:
        its = tuple(message for message in batch.messages if message.change_id == change.id)
        yield Batch(at, changes=(change,), messages=its)
    told = {change.id for change in batch.changes}
    yield from (Batch(at, messages=(one,)) for one in batch.messages if one.change_id not in told)
    yield from (Batch(at, replies=(one,)) for one in batch.replies)
    yield from (Batch(at, pools={key: pool}) for key, pool in batch.pools.items())
    yield Batch(at, notes=left, spendings=spendings, trace=batch.trace)


def _of(values: Mapping[str, T], id: str) -> dict[str, T]:
    return {id: values[id]} if id in values else {}


def _taken(values: dict[str, T], id: str) -> dict[str, T]:
    return {id: values.pop(id)} if id in values else {}


def _set_aside(refusal: UnwritablePart, batch: Batch, aside: Path) -> None:
    """Append a refused part to the file, as far as a person needs it. If that fails too, the log has it."""
    told = {
        "at": batch.at.isoformat(),
        "error": refusal.error,
        "part": clean_text(ascii(refusal.part))[:MAX_PART_LENGTH],
    }
    log.error("set aside, as it cannot be written (%s): %s", refusal.error, told["part"][:300])
    try:
        if aside.exists() and aside.stat().st_size > LARGEST_BYTES:
            aside.replace(aside.with_name(aside.name + ".1"))
        with open(aside, "a", encoding="utf-8", opener=_private) as file:
            file.write(json.dumps(told) + "\n")
    except OSError as error:
        log.error("%s cannot be written: %s", aside.name, error.strerror)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
