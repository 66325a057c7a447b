"""Signed links → replies: each link works once."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from msgspec import Struct

from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import match_for
from monitor.alert.signed_link import Link, read_link
from monitor.diagnose.incident import Incident
from monitor.sentence.translation import PageLanguage
from monitor.storage_refusal import StoreError
from monitor.store.store import Store
from monitor.web.server import LinkUnavailable
from probes.redact import mask_secrets
from probes.sanitize import sanitize_line

log = logging.getLogger("monitor")


class LinkReplies(Struct, frozen=True):
    """Handles the signed links of one store.

    `submit` saves a reply and returns whether it is new. It may block, and raises StoreError or TimeoutError if it
    cannot save now. `speech_of` returns the language of a channel's messages; of most messages for None.
    """

    store: Store
    key: bytes
    clock: Callable[[], datetime]
    submit: Callable[[Reply], bool]
    speech_of: Callable[[str | None], PageLanguage]

    def read(self, token: str) -> Link | None:
        """Return what a link permits; None if it is invalid or used. Raises LinkUnavailable."""
        link = read_link(self.key, token, self.clock())
        with _told():
            return link if link and not self._is_used(link, token) else None

    def take(self, token: str) -> bool:
        """Save the reply of a link; return False if the link is invalid or used. Raises LinkUnavailable."""
        link = self.read(token)
        if link is None:
            return False
        with _told():
            return self.submit(link.reply(token, self.clock()))

    def speech(self, token: str) -> PageLanguage:
        """Return the language of the message that a link came with, used or not; else that of most messages."""
        link = read_link(self.key, token, self.clock())
        return self.speech_of(link.channel if link else None)

    def what(self, link: Link, speech: PageLanguage) -> str:
        """Return what a link is about, for people."""
        with suppress(StoreError):  # the incident's id must do then
            if incident := self._incident(link):
                return speech.aside(speech.title(incident), incident.id)
        return speech.say("incident {id}", id=link.incident)

    def silence(self, token: str, span: timedelta, reason: str) -> bool:
        """Save a silence that matches the incident, instead of a snooze; return False if that is not permitted.

        Raises LinkUnavailable.
        """
        link, now = self.read(token), self.clock()
        if link is None or link.kind is not ReplyKind.SNOOZE:
            return False
        with _told():
            incident = self._incident(link)
            if incident is None:
                return False
            return self.submit(
                sanitize_line(link.silence(token, match_for(incident), now + span, mask_secrets(reason), now))
            )

    def _incident(self, link: Link) -> Incident | None:
        with self.store.reading() as stored:
            return stored.incidents.find(link.incident)

    def _is_used(self, link: Link, token: str) -> bool:
        id = link.reply(token, self.clock()).id
        with self.store.reading() as stored:
            return stored.messages.is_replied(id)


@contextmanager
def _told() -> Iterator[None]:
    """Log why nothing can be read or written now: the reader's page does not say."""
    try:
        yield
    except (StoreError, TimeoutError) as error:
        log.warning("a signed link could not be used: %s", error)
        raise LinkUnavailable from error
