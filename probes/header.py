"""A user's own header: whether it may be sent, and whether its value is a secret."""

import re
from collections.abc import Mapping

NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""RFC 9110, 5.6.2: a token."""

OURS = "is told by us, of each request anew"
HOP = "is for one connection, and never passed on (RFC 9110, 7.6.1)"
REFUSED = {
    "host": "follows from the address: name it in base",
    "content-length": OURS,
    "content-type": OURS,
    "transfer-encoding": OURS,
    "accept-encoding": "is ours: answers are read as they come, not packed",
    "expect": "would hold each request up",
    **dict.fromkeys(("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"), HOP),
}
"""Headers that users must not set, and why."""

SECRET = re.compile(
    r"authoriz|authentic|cookie|token|secret|key|passw|passphrase|passcode|signature|credential|session|jwt|bearer"
    r"|(?:^|[^a-z])(?:auth|sig|pwd|pass|pin|otp|sid)(?:[^a-z]|$)"
)
"""Names whose values grant access."""


def fold_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by lower-case name, as HTTP ignores case.

    Of two that differ only in case the later one wins.
    """
    return {name.lower(): value for name, value in headers.items()}


def is_secret(name: str) -> bool:
    """Whether the value of a header of this name is a secret, wherever it comes from."""
    return SECRET.search(name.lower()) is not None


def why_refused(name: str) -> str | None:
    """Return why a header of this name is not sent; None when it is."""
    return REFUSED.get(name.lower()) if NAME.fullmatch(name) else "is no name of a header"


def why_unsendable(value: str) -> str | None:
    """Return what is wrong with a value, without quoting it; None when it can be sent."""
    if "\n" in value or "\r" in value:
        return "holds a line break"
    if not value.isprintable():
        return "holds a control character, or one that cannot be seen"
    if any(ord(letter) > 0xFF for letter in value):
        return "holds a letter beyond Latin-1, which no header can carry"
    return None
