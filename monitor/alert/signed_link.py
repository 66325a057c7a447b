"""Signed links in messages: acknowledge or snooze from the phone, once, without an account here."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from monitor.alert.reply import Reply, ReplyKind
from monitor.alert.rule import Match

LASTS = timedelta(hours=24)
"""How long a link works."""
SNOOZES = timedelta(hours=4)
"""How long a link snoozes an incident."""
LONGEST = 512
"""Most characters of a token that are read."""
NAMES = {ReplyKind.ACKNOWLEDGE: "Acknowledge", ReplyKind.SNOOZE: f"Snooze for {SNOOZES // timedelta(hours=1)} h"}


SILENCES = {"1 h": timedelta(hours=1), "4 h": timedelta(hours=4), "1 day": timedelta(days=1)}
"""How long a person with a snooze link may silence similar incidents instead, with a reason."""
LONGEST_REASON = 200
"""Most characters of the reason for a silence."""


class Link(Struct, frozen=True):
    """What a link does, to which incident; `channel` is who got it."""

    kind: ReplyKind
    incident: str
    channel: str
    until: datetime

    def reply(self, token: str, now: datetime) -> Reply:
        until = now + SNOOZES if self.kind is ReplyKind.SNOOZE else None
        return Reply(self.kind, now, self._by, self.incident, until=until, token=_digest(token))

    def silence(self, token: str, match: Match, until: datetime, reason: str, now: datetime) -> Reply:
        return Reply(ReplyKind.SILENCE, now, self._by, match=match, until=until, reason=reason, token=_digest(token))

    @property
    def _by(self) -> str:
        return f"whoever reads {self.channel}"


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def link_urls(key: bytes, url: str, incident: str, channel: str, now: datetime) -> dict[str, str]:
    """Return the addresses for a message, by what they do."""
    return {
        name: f"{url.rstrip('/')}/answer/{sign_link(key, Link(kind, incident, channel, now + LASTS))}"
        for kind, name in NAMES.items()
    }


def sign_link(key: bytes, link: Link) -> str:
    payload = "\n".join((link.kind, link.incident, link.channel, str(int(link.until.timestamp())))).encode()
    return f"{_text(payload)}.{_text(_mac(key, payload))}"


def read_link(key: bytes, token: str, now: datetime) -> Link | None:
    """Return what a token permits; None if it is not ours, was altered, or has expired.

    Only one spelling is accepted: in another one a token could be used again.
    """
    try:
        payload, mac = (_bytes(part) for part in token[:LONGEST].split("."))
    except ValueError:
        return None
    if not hmac.compare_digest(mac, _mac(key, payload)):
        return None
    kind, incident, channel, until = payload.decode().split("\n")
    link = Link(ReplyKind(kind), incident, channel, datetime.fromtimestamp(int(until), UTC))
    return link if now < link.until and sign_link(key, link) == token else None


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
