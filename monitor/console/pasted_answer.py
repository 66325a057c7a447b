"""A line of `classify --jsonl` → the request and its answer; pure."""

import json
from typing import Any

import msgspec
from msgspec import Struct

WANTED = "is no case; give JSON with provider, http_status, headers and body"


class PastedAnswer(Struct, frozen=True):
    """An answer as somebody wrote it down. The body may be plain JSON instead of a string."""

    provider: str
    http_status: int | None = None
    headers: dict[str, str | int | float] | None = None
    body: str | dict[str, Any] | list[Any] | None = None
    canary: str | None = None

    @property
    def text(self) -> str:
        body = self.body or ""
        return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)

    @property
    def fields(self) -> dict[str, str]:
        return {name: str(value) for name, value in (self.headers or {}).items()}


def read_case(line: str) -> PastedAnswer:
    """Raises ValueError, whose text is to follow "line N"."""
    try:
        return msgspec.convert(json.loads(line), PastedAnswer, strict=False)
    except (ValueError, RecursionError):
        raise ValueError(WANTED) from None
