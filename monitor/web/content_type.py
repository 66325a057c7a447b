"""A file's content type, which also decides whether the page's folder gives it away."""

from mimetypes import MimeTypes
from pathlib import PurePath

TEXT_METRICS = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text"
HTML = "text/html; charset=utf-8"

OURS = {
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/atom+xml; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".prom": TEXT_METRICS,
    ".om": f"{OPEN_METRICS}; version=1.0.0; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".woff2": "font/woff2",
}
"""Content types by suffix for which Python's table has none, or another one, in some release that we support."""
DATA = frozenset({"text/css", "text/csv", "application/json"})
MEDIA = ("image/", "font/")
"""What else pages consist of, as types: all others may be a key, a database or a program."""
KNOWN = MimeTypes()
"""Python's own table, without the files of the system."""


def content_type(path: str) -> str | None:
    """Return the content type of a file of the page; None for a type of which no page consists: it is not served."""
    suffix = PurePath(path).suffix
    if suffix in OURS:
        return OURS[suffix]
    known = KNOWN.types_map[True].get(suffix, "")
    if known in DATA or known.startswith(MEDIA):
        return f"{known}; charset=utf-8" if known.startswith("text/") else known
    return None
