"""The address of a signed webhook and its secret, without what writes messages, as `check` reads them, too. Pure."""

from base64 import b64decode
from binascii import Error as MalformedBase64
from urllib.parse import urlsplit

from monitor.alert.channel import Channel

SCHEME, PREFIX = "webhook:", "whsec_"
SHORTEST = 16
"""Fewest characters of a secret that is worth the name."""


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
    if _is_address(channel.url.removeprefix(SCHEME)):
        return None
    return "is no complete webhook: address", "write webhook:https://host/path"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:  # unclosed brackets, an invalid port
        return False


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
