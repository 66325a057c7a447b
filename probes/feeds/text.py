"""Hostile text → plain, bounded text; a URL → one that is safe to link; a time → aware UTC."""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from urllib.parse import urlsplit

from probes.redact import mask_secrets

MOST_HTML = 50_000
"""Most characters of markup to make plain."""
MOST_TEXT = 500
"""Most characters kept of a text."""
MOST_ESCAPES = 5
"""Most times that a text is unescaped."""
MOST_NAME = 120
"""Most characters kept of a name."""
MOST_URL = 500
"""Most characters kept of a URL."""
MOST_KEY = 200
"""Most characters of an id; a longer one is kept as its hash."""
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
"""No status page is older; an earlier time is a formatted zero."""

SHARED = (
    *("statuspage.io", "incident.io", "instatus.com", "betteruptime.com", "betterstack.com", "onlineornot.com"),
    *("statuspage.datadoghq.com", "checkly-status-page.com", "checklyhq.com", "flashcat.cloud", "flashduty.com"),
    *("rootly.com", "status.io", "statuspal.io", "hund.io", "github.io", "pages.dev", "vercel.app", "netlify.app"),
)
"""Under these, each host has a different owner."""
SECOND = {"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"}
"""`example.co.uk`, `example.com.cn`: here a third label is registered."""
NUMBER = re.compile(r"\d{9,19}(\.\d{1,9})?")
DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
ZONE = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)
HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
INLINE = re.compile(r"</?(?:a|b|code|em|i|span|strong|u|var)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!--.*?(?:-->|\Z)", re.DOTALL)


def plain_text(text: object, most: int = MOST_TEXT) -> str:
    """Return the words of a text, HTML or not, on one line, without tags, secrets and control characters."""
    words = _unfold(text)[:MOST_HTML]
    if "<" in words or "&" in words:
        words = _without_markup(words)
    words = " ".join(mask_secrets(" ".join(words[: 4 * most].split())).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _without_markup(words: str) -> str:
    for _ in range(MOST_ESCAPES):  # double-escaped markup is markup again after the first pass
        before, words = words, html.unescape(TAG.sub(" ", INLINE.sub("", HIDDEN.sub(" ", words))))
        if words == before:
            break
    return TAG.sub(" ", HIDDEN.sub(" ", words))


def unescape_markup(body: str) -> str:
    """Return HTML with every level of escaping undone."""
    for _ in range(MOST_ESCAPES):
        before, body = body, html.unescape(body)
        if body == before:
            break
    return body


def _unfold(text: object) -> str:
    """Return the text of a translated field: an object by language, or a list."""
    several = text.values() if isinstance(text, dict) else text if isinstance(text, list) else [text]
    return " / ".join(
        str(one) for one in islice(several, 9) if isinstance(one, str | int | float) and one not in ("", False)
    )


def read_name(text: object) -> str:
    is_short = isinstance(text, str) and len(text) <= MOST_NAME
    return _read_short_name(text) if is_short else plain_text(text, MOST_NAME)


@lru_cache(4096)
def _read_short_name(text: object) -> str:
    """Make a name plain: a page repeats those of its components, and each reading of it does."""
    return plain_text(text, MOST_NAME)


def safe_link(address: object) -> str | None:
    """Return a URL that is safe as a page's href, else None. Only http and https.

    One source doubles the slash after the host, another omits the scheme.
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


def is_same_site(address: str, *pages: str) -> bool:
    """Whether a URL leads to the site of one of these pages: to the same registrable domain."""
    return _site(address) in {_site(page) for page in pages}


def _site(address: str) -> str:
    host = (urlsplit(address).hostname or "").rstrip(".").lower()
    labels = host.split(".")
    if labels[-1].isdecimal() or ":" in host or any(host.endswith(f".{one}") for one in SHARED):
        return host
    is_national = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND
    return ".".join(labels[-3:] if is_national else labels[-2:])


def read_id(*values: object) -> str:
    """Return the first of these that is a name or a number, as an id of bounded length."""
    whole = next((str(one) for one in values if isinstance(one, str | int) and one not in ("", False, True)), "")
    return whole if len(whole) <= MOST_KEY else sha256(whole.encode("utf-8", "replace")).hexdigest()


def read_time(*values: object) -> datetime | None:
    """Return the first that is a time: in ISO 8601, RFC 822, or a number since 1970 (in seconds or a fraction of one).

    Without a zone it is read as UTC.
    """
    return next((found for found in map(_moment, values) if found), None)


def _moment(value: object) -> datetime | None:
    try:
        found = _count(value) if isinstance(value, int | float) else _read(str(value or "").strip()[:60])
    except (ValueError, OverflowError, OSError, TypeError):
        return None
    return found if found and found >= EARLIEST else None


def _count(value: float) -> datetime:
    seconds = next((value / parts for parts in (1, 1e3, 1e6, 1e9) if value / parts < 1e11), value)
    return datetime.fromtimestamp(seconds, UTC)


def _read(text: str) -> datetime | None:
    if not text:
        return None
    if NUMBER.fullmatch(text):
        return _count(float(text))
    day = DAY.match(text)
    if day:
        text = f"{day[1]}-{day[2]:0>2}-{day[3]:0>2}{ZONE.sub('', text[day.end() :])}"
    found = datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
