"""What people were told and answered, as `alerts`, `silence` and the answers to an incident read and write it."""

import getpass
from argparse import Namespace
from datetime import datetime

from msgspec.structs import replace

from monitor.alert.rule import Match
from monitor.commands.selection import one_of
from monitor.config.config import Config
from monitor.store.replies import waiting
from monitor.store.resumption import Correspondence
from monitor.store.store import open_store


def correspondence(config: Config, now: datetime) -> Correspondence:
    """Return what is on record, with the replies that were left since: `once` takes these up a round later."""
    left = [one for _, one in waiting(config.database)]  # read first: what is taken up meanwhile is on record then
    with open_store(config.database, config.location).reading() as stored:
        told = stored.resumption.correspondence(now)
    replies = {one.id: one for one in (*told.replies, *left)}
    return replace(told, replies=tuple(replies.values()))


def incident_meant(config: Config, wanted: str | None) -> str:
    """Return the id of the open incident that is meant."""
    with open_store(config.database, config.location).reading() as stored:
        known = list(stored.resumption.resume().incidents)
    return one_of(known, wanted, "open incident")


def who_answers(arguments: Namespace) -> str:
    return arguments.by or getpass.getuser()


def in_words(match: Match) -> str:
    """Return what a silence or a maintenance is about."""
    parts = (*match.accounts, *match.providers, *match.tags, *match.faults)
    return ", ".join(parts) or "everything"
