"""The messages, replies and notes on record, as `alerts`, `silence`, `acknowledge` and the like use them."""

import getpass
from argparse import Namespace
from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from monitor.alert.incident_note import IncidentNote, objection_to_note, shorten_name
from monitor.alert.reply import Reply, ReplyKind, find_same, objection, subjects
from monitor.alert.rule import Match
from monitor.backend import open_store
from monitor.config.config import Config
from monitor.console.selection import check, select_one
from monitor.store.resumption import RestoredMessages
from probes.redact import redact_decoded
from probes.sanitize import sanitize_line


def load_messages(config: Config, now: datetime) -> RestoredMessages:
    """Return the messages and replies on record."""
    with open_store(config.store).reading() as stored:
        return stored.resumption.correspondence(now)


def find_incident(config: Config, wanted: str | None) -> str:
    """Return the id of the open incident that the user means."""
    with open_store(config.store).reading() as stored:
        known, others = list(stored.resumption.resume().incidents), stored.other_locations()
    what = f'open incident at the location "{config.location}"' if others else "open incident"
    return select_one(known, wanted, what)


def _open_incidents(config: Config) -> list[str]:
    with open_store(config.store).reading() as stored:
        return list(stored.resumption.resume().incidents)


def save_reply(config: Config, reply: Reply, known: Iterable[Reply] = ()) -> Reply:
    """Have a reply saved, and return it as it is saved. `known`: the replies, for one that ends a silence.

    Raises DocumentError if it cannot be meant, StoreError if it cannot be saved.
    """
    said = {"by": redact_decoded(reply.by, config.secrets), "reason": redact_decoded(reply.reason, config.secrets)}
    reply = sanitize_line(replace(reply, **said))
    incidents = [] if reply.match or reply.kind is ReplyKind.LIFT else _open_incidents(config)
    check(objection(reply, config.names, subjects(reply.kind, incidents, known, reply.at), reply.at))
    open_store(config.store).submit_reply(reply)
    return reply


def find_repeated(config: Config, reply: Reply) -> Reply | None:
    """Return the reply on record that this one would only repeat; None if it says something new."""
    return find_same(sanitize_line(reply), load_messages(config, reply.at).replies)


def save_note(config: Config, wanted: str, text: str, by: str, now: datetime, *, public: bool) -> IncidentNote:
    """Have a note to an incident saved, open or closed, and return it as it is saved.

    Raises DocumentError if it cannot be meant, StoreError if it cannot be saved.
    """
    with open_store(config.store).reading() as stored:
        known = stored.incidents.ids()
    meant = select_one(known, wanted, "incident")
    by, text = (redact_decoded(one, config.secrets) for one in (by, text))
    asked = IncidentNote(meant, now, by, text, public)
    note = shorten_name(sanitize_line(asked))
    check(objection_to_note(note, known, now))
    open_store(config.store).submit_note(note)
    return note


def replying_user(arguments: Namespace) -> str:
    return arguments.by or getpass.getuser()


def describe_match(match: Match) -> str:
    """Return in words what a silence or a maintenance covers."""
    parts = (*match.accounts, *match.providers, *match.tags, *match.faults)
    return ", ".join(parts) or "everything"
