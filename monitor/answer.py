"""Signed links → replies: each is taken once, and left for the process that holds the database."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from monitor.alert.link import Link, read
from monitor.alert.reply import leave, waiting
from monitor.store.connection import open_reader
from monitor.store.reader import is_replied


class Answerer(Struct, frozen=True):
    """What stands behind the signed links of one database."""

    database: Path
    key: bytes
    clock: Callable[[], datetime]

    def read(self, token: str) -> Link | None:
        """Return what a link permits; None when it does not, or was used."""
        link = read(self.key, token, self.clock())
        return link if link and not self._is_used(link, token) else None

    def take(self, token: str) -> bool:
        """Leave the reply of a link; return False when the link permits nothing, or was used."""
        link = self.read(token)
        if link is None:
            return False
        leave(self.database, link.reply(token, self.clock()))
        return True

    def _is_used(self, link: Link, token: str) -> bool:
        id = link.reply(token, self.clock()).id
        if any(reply.id == id for _, reply in waiting(self.database)):
            return True
        with closing(open_reader(self.database)) as db:
            return is_replied(db, id)
