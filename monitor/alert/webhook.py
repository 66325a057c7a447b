"""Messages → a signed webhook of our own, for programs: all that Apprise's has no place for. Pure.

The headers are those of Standard Webhooks (https://www.standardwebhooks.com), so that its libraries verify them. The
body is a `WebhookMessage`, whose JSON Schema is `monitor/console/schema/webhook.json`.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from monitor.alert.request import Outgoing, ServiceRequest, as_json
from monitor.alert.text import IncidentNews
from monitor.alert.webhook_address import SCHEME, key_of
from monitor.diagnose.incident import Severity


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
