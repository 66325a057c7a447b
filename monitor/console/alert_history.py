"""The messages and replies on record, as `alerts`, `silence`, `acknowledge` and `snooze` use them."""

import getpass
from argparse import Namespace
from datetime import datetime

from monitor.alert.rule import Match
from monitor.config.config import Config
from monitor.console.selection import one_of
from monitor.store.resumption import Correspondence
from monitor.store.store import open_store


def correspondence(config: Config, now: datetime) -> Correspondence:
    """Return the messages and replies on record."""
    with open_store(config.store).reading() as stored:
        return stored.resumption.correspondence(now)


def incident_meant(config: Config, wanted: str | None) -> str:
    """Return the id of the open incident that the user means."""
    with open_store(config.store).reading() as stored:
        known = list(stored.resumption.resume().incidents)
    return one_of(known, wanted, "open incident")


def who_answers(arguments: Namespace) -> str:
    return arguments.by or getpass.getuser()


def in_words(match: Match) -> str:
    """Return in words what a silence or a maintenance covers."""
    parts = (*match.accounts, *match.providers, *match.tags, *match.faults)
    return ", ".join(parts) or "everything"
