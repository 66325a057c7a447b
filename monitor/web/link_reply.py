"""Signed links → replies: each is taken once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.alert.link import Link, read
from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import like
from monitor.diagnose.incident import Incident
from monitor.storage_refusal import StoreError
from monitor.store.store import Store
from monitor.web.server import LinkUnavailable
from monitor.words import title
from probes.border import admit
from probes.redact import mask

log = logging.getLogger("monitor")


class LinkReplies(Struct, frozen=True):
    """What stands behind the signed links of one store.

    `submit` writes a reply and returns whether it is new. It may block, and raises StoreError or TimeoutError where
    that cannot be now.
    """

    store: Store
    key: bytes
    clock: Callable[[], datetime]
    submit: Callable[[Reply], bool]

    def read(self, token: str) -> Link | None:
        """Return what a link permits; None when it does not, or was used. Raises LinkUnavailable."""
        link = read(self.key, token, self.clock())
        with _told():
            return link if link and not self._is_used(link, token) else None

    def take(self, token: str) -> bool:
        """Write the reply of a link; return False when it permits nothing, or was used. Raises LinkUnavailable."""
        link = self.read(token)
        if link is None:
            return False
        with _told():
            return self.submit(link.reply(token, self.clock()))

    def what(self, link: Link) -> str:
        """Return what a link is about, for people."""
        with suppress(StoreError):  # its id has to do then
            if incident := self._incident(link):
                return f"{title(incident)} ({incident.id})"
        return f"incident {link.incident}"

    def silence(self, token: str, span: timedelta, reason: str) -> bool:
        """Write a silence of what is like the incident, in place of its snooze; return False where none is allowed.

        Raises LinkUnavailable.
        """
        link, now = self.read(token), self.clock()
        if link is None or link.kind is not ReplyKind.SNOOZE:
            return False
        with _told():
            incident = self._incident(link)
            if incident is None:
                return False
            return self.submit(admit(link.silence(token, like(incident), now + span, mask(reason), now)))

    def _incident(self, link: Link) -> Incident | None:
        with self.store.reading() as stored:
            return stored.incidents.find(link.incident)

    def _is_used(self, link: Link, token: str) -> bool:
        id = link.reply(token, self.clock()).id
        with self.store.reading() as stored:
            return stored.messages.is_replied(id)


@contextmanager
def _told() -> Iterator[None]:
    """Say in the log why nothing can be read or written now, for which a reader's page has no place."""
    try:
        yield
    except (StoreError, TimeoutError) as error:
        log.warning("a signed link was not obeyed: %s", error)
        raise LinkUnavailable from error
