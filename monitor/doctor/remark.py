"""One line of what `doctor` found, and how grave it is."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from probes.redact import redact_decoded
from probes.sanitize import sanitize_line

LONGEST = 500
"""Most characters of a line: what a server, a proxy or a system said may have any length."""


class Grade(StrEnum):
    """OK: nothing is wrong. WARNING: it works, and something may be lost. UNKNOWN: it could not be found out."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class Topic(StrEnum):
    """What a check is about, in the order in which it is told."""

    CONFIGURATION = "configuration"
    VERSIONS = "versions"
    CLOCK = "clock"
    DNS = "dns"
    TLS = "tls"
    PROXIES = "proxies"
    FILES = "files"
    DATABASE = "database"
    PROCESS = "process"
    STAGES = "stages"
    PAGE = "page"
    GAPS = "gaps"
    CHANNELS = "channels"
    HEARTBEAT = "heartbeat"
    KEYS = "keys"
    ACCOUNTS = "accounts"
    FEEDS = "feeds"


class Remark(Struct, frozen=True):
    """What one check found. `repair`: the command, or the step, that mends it; null: there is nothing to mend."""

    level: Grade
    topic: Topic
    words: str
    repair: str | None = None


def legible(one: Remark, secrets: list[str]) -> Remark:
    """Return a remark as one line each of words and repair, without secrets: some words are those of others."""
    line = sanitize_line(one)
    repair = None if line.repair is None else _cut(redact_decoded(line.repair, secrets))
    return replace(line, words=_cut(redact_decoded(line.words, secrets)), repair=repair)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def parted(text: str, mark: str = "; ") -> tuple[str, str | None]:
    """Return an error of ours as what is wrong, and the repair that stands behind the mark."""
    words, _, repair = text.partition(mark)
    return words, repair or None
