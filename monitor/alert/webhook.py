"""Messages → a signed webhook of our own, for programs: all that Apprise's has no place for. Pure.

The headers are those of Standard Webhooks (https://www.standardwebhooks.com), so that its libraries verify them. The
body is a `WebhookMessage`, whose JSON Schema is `monitor/console/schema/webhook.json`.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as MalformedBase64
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from monitor.alert.channel import Channel
from monitor.alert.request import Outgoing, ServiceRequest, as_json
from monitor.alert.text import IncidentNews
from monitor.diagnose.incident import Severity

SCHEME, PREFIX = "webhook:", "whsec_"
SHORTEST = 16
"""Fewest characters of a secret that is worth the name."""


class WebhookMessage(Struct, frozen=True):
    """The body of a signed webhook. Fields are added without a new version, never removed or changed; times are UTC.

    `id` is the same at each try: a message may arrive twice. `severity` is null if all that it reports is over. `text`
    is plain; `link` is a page, "" for none. `incidents` is empty for a digest, a test, or what is about the monitor.
    """

    version: Literal[1]
    id: str
    location: str
    title: str
    text: str
    severity: Severity | None
    link: str
    incidents: tuple[IncidentNews, ...]


def webhook(out: Outgoing) -> Iterator[ServiceRequest]:
    """Yield the one request that a message makes."""
    text = out.text
    id = text.id or f"msg_{sha256(text.title.encode() + text.body.encode()).hexdigest()[:24]}"
    body = as_json(WebhookMessage(1, id, text.location, text.title, text.body, out.severity, text.link, text.news))
    moment = str(int(out.at.timestamp()))
    signature = sign(key_of(out.channel.secret), id, moment, body)
    headers = {"webhook-id": id, "webhook-timestamp": moment, "webhook-signature": signature}
    yield ServiceRequest(out.channel.url.removeprefix(SCHEME), body, headers)


def sign(key: bytes, id: str, moment: str, body: bytes) -> str:
    """Return the signature of a message. Source: Standard Webhooks, Signature scheme, symmetric."""
    signed = b".".join((id.encode(), moment.encode(), body))
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for: after `whsec_` it is base64. Raises ValueError if that is malformed."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except MalformedBase64:
        raise ValueError("it is not base64") from None


def wrong_webhook(channel: Channel) -> tuple[str, str] | None:
    """Return what is wrong with the address of a webhook, and the repair; None if nothing is."""
    parts = urlsplit(channel.url.removeprefix(SCHEME))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is no complete webhook: address", "write webhook:https://host/path"
    return None


def wrong_secret(channel: Channel) -> tuple[str, str] | None:
    """Return what is wrong with the secret of a channel, and the repair; never any of it."""
    if not channel.url.startswith(SCHEME):
        return ("is of no use here", f"only a {SCHEME} address is signed; leave it out") if channel.secret else None
    if not channel.secret:
        return "is missing: a webhook is signed", 'give secret = "env:NAME", and the same secret to its receiver'
    if len(channel.secret) < SHORTEST:
        return f"has fewer than {SHORTEST} characters", "make one: openssl rand -base64 32"
    try:
        key_of(channel.secret)
    except ValueError:
        return f"begins with {PREFIX}, but the rest is not base64", "copy it whole, or make one without that beginning"
    return None
