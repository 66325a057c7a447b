"""Addresses in monitor.toml: what a canary, a page or a person can be sent to."""

from urllib.parse import urlsplit

LADEN = "holds a user, a password or a query"


def is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and _is_host(parts.hostname or "") and (parts.port or 1) > 0
    except ValueError:  # unclosed brackets, an invalid port
        return False


def _is_host(name: str) -> bool:
    """Whether no part between the dots of a name is empty, or longer than allowed (RFC 1035, 2.3.4)."""
    return all(0 < len(part) < 64 for part in name.removesuffix(".").split("."))
