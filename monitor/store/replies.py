"""Saving what a person says, a reply or a note, through whichever process holds the database."""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Raw

from monitor.alert.incident_note import IncidentNote, shorten_name
from monitor.alert.reply import Reply
from monitor.control.message import Request, RequestKind
from monitor.store.submission import submit_request, write_directly
from monitor.store.writer import Writer
from probes.sanitize import sanitize_line

log = logging.getLogger("monitor")


def save_reply(database: Path, location: str, reply: Reply) -> None:
    """Save a reply, effective at once; the same one twice counts once. Raises StoreError."""
    reply = clean_reply(reply)
    _save(database, location, reply_request(reply), lambda it: it.save_reply(reply))


def save_note(database: Path, location: str, note: IncidentNote) -> None:
    """Save a note about an incident; the same one twice counts once. Raises StoreError."""
    note = clean_note(note)
    _save(database, location, note_request(note), lambda it: it.save_note(note))


def clean_reply(reply: Reply) -> Reply:
    return sanitize_line(reply)


def clean_note(note: IncidentNote) -> IncidentNote:
    return shorten_name(sanitize_line(note))


def reply_request(reply: Reply) -> Request:
    return Request(RequestKind.REPLY, Raw(msgspec.json.encode(reply)))


def note_request(note: IncidentNote) -> Request:
    return Request(RequestKind.NOTE, Raw(msgspec.json.encode(note)))


def _save(database: Path, location: str, request: Request, work: Callable[[Writer], object]) -> None:
    if told := submit_request(database, request, lambda: write_directly(database, location, work)):
        log.warning("%s", told)
