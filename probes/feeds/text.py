"""Hostile text → plain, bounded text; an address → one that may be linked; a time → aware UTC."""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from probes.redact import mask

MOST_HTML = 50_000
MOST_TEXT = 500
MOST_NAME = 120
MOST_URL = 500
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""No status page is older; an earlier time is a zero that was formatted."""

HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
INLINE = re.compile(r"</?(?:a|b|code|em|i|span|strong|u|var)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?(?:-->|\Z)", re.DOTALL)


def plain(text: object, most: int = MOST_TEXT) -> str:
    """Return the words of some HTML (or of no HTML) on one line, without tags, secrets and control characters."""
    words = str(text or "")[:MOST_HTML]
    for _ in range(2):  # what was escaped twice is markup again after the first time
        words = html.unescape(TAG.sub(" ", INLINE.sub("", HIDDEN.sub(" ", words))))
    words = mask(" ".join(TAG.sub(" ", HIDDEN.sub(" ", words))[: 4 * most].split()))
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def name(text: object) -> str:
    return plain(text, MOST_NAME)


def link(address: object, page: str = "") -> str | None:
    """Return an address that may stand in a page's href, else None. Only http and https.

    One source doubles the slash after the host, another leaves the scheme out.
    """
    text = str(address or "").strip()[:MOST_URL]
    if re.match(r"[\w-]+(\.[\w-]+)+/", text):
        text = "https://" + text
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        return None
    if not usable or re.search(r"[\s<>\"'`\\\x00-\x1f]", text):
        return None
    return parts._replace(path=re.sub(r"/{2,}", "/", parts.path)).geturl()


def moment(value: object) -> datetime | None:
    """Return a time told in ISO 8601, RFC 822 or as a number since 1970 (seconds or milliseconds)."""
    try:
        found = _count(value) if isinstance(value, int | float) else _read(str(value or "").strip()[:60])
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return found if found and found >= EARLIEST else None


def _count(value: float) -> datetime:
    return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)


def _read(text: str) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
