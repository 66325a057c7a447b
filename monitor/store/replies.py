"""Saving a reply, through whichever process holds the database."""

import logging
from pathlib import Path

import msgspec
from msgspec import Raw

from monitor.alert.reply import Reply
from monitor.control.message import Request, RequestKind
from monitor.store.submission import submit_request, write_directly
from probes.sanitize import sanitize_line

log = logging.getLogger("monitor")


def save_reply(database: Path, location: str, reply: Reply) -> None:
    """Save a reply, effective at once; the same one twice counts once. Raises StoreError."""
    reply = sanitize_line(reply)
    request = Request(RequestKind.REPLY, Raw(msgspec.json.encode(reply)))
    told = submit_request(
        database, request, lambda: write_directly(database, location, lambda it: it.save_reply(reply))
    )
    if told:
        log.warning("%s", told)
