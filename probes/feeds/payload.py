"""JSON of a platform → its declared shape; anything else is unfit."""

from typing import TypeVar

import msgspec

from probes.feeds.report import Unfit
from probes.feeds.syndication import decode

T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True):
    """The part of a platform's JSON that is read; keys that are not named here are passed over."""


def read(data: bytes, kind: type[T], platform: str) -> T:
    """Raises Unfit. AWS writes UTF-16 with a byte order mark, so the text is decoded first."""
    try:
        return msgspec.json.decode(decode(data).encode("utf-8", "replace"), type=kind)
    except msgspec.ValidationError:
        raise Unfit(f"is JSON, but not of the shape that {platform} sends") from None
    except (msgspec.DecodeError, RecursionError):
        raise Unfit("is not JSON that can be read") from None
