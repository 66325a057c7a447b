"""Saving a reply, through whichever process holds the database."""

import logging
from pathlib import Path

import msgspec
from msgspec import Raw

from monitor.alert.reply import Reply
from monitor.control.message import Request, RequestKind
from monitor.store.submission import submit, write_alone
from probes.sanitize import admit_said

log = logging.getLogger("monitor")


def leave(database: Path, location: str, reply: Reply) -> None:
    """Save a reply, effective at once; the same one twice counts once. Raises StoreError."""
    reply = admit_said(reply)
    request = Request(RequestKind.REPLY, Raw(msgspec.json.encode(reply)))
    told = submit(database, request, lambda: write_alone(database, location, lambda it: it.save_reply(reply)))
    if told:
        log.warning("%s", told)
