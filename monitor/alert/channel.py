"""What monitor.toml says of one channel; pure values."""

from collections.abc import Iterable
from datetime import UTC, tzinfo
from enum import StrEnum

from msgspec import Struct

from monitor.alert.window import Quiet
from monitor.diagnose.incident import Severity


class Detail(StrEnum):
    """How much a channel gets: a few lines for a phone, or everything for mail and chat."""

    SHORT = "short"
    FULL = "full"


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


class Channel(Struct, frozen=True):
    """A named address; it may hold a token, so it is never shown. `severity` is the least that it gets.

    Its messages are in `language`, with times in `zone`. `secret` signs the messages of a webhook; "" for none.
    """

    name: str
    url: str
    tags: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    detail: Detail = Detail.FULL
    format: Format = Format.TEXT
    limit_s: float = 20
    quiet: Quiet | None = None
    digest: str | None = None
    language: str = "en"
    zone: tzinfo = UTC
    secret: str = ""

    def __repr__(self) -> str:
        return f"Channel({self.name})"


TERMINAL = Channel("terminal", "terminal:")


PAUSES_S = (5, 15, 60, 300, 900)
"""Seconds between tries of a message; the last one repeats."""


def pause_s(tries: int) -> int:
    """Return the seconds to wait after a failed try that `tries` others came before."""
    return PAUSES_S[min(tries, len(PAUSES_S) - 1)]


def is_named(channel: Channel, names: Iterable[str]) -> bool:
    return bool({channel.name, *channel.tags} & {*names})
