"""What each provider says when it refuses: the texts of refusals.toml, filled in."""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from msgspec import Struct


class SimulatedRefusal(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: Template

    def say(self, **words: str) -> bytes:
        escaped = {name: json.dumps(word, ensure_ascii=False)[1:-1] for name, word in words.items()}
        return self.body.substitute(escaped).encode()


Refusals = Mapping[str, Mapping[str, SimulatedRefusal]]
"""By provider, then by what is refused."""


@cache
def load_refusals() -> Refusals:
    """Read them, once: who plays many scenes makes a simulator for each."""
    text = Path(__file__).with_name("refusals.toml").read_text(encoding="utf-8")
    return {
        provider: {name: _refusal(row) for name, row in rows.items()} for provider, rows in tomllib.loads(text).items()
    }


def _refusal(row: Mapping[str, Any]) -> SimulatedRefusal:
    one_line = json.dumps(json.loads(row["body"]), ensure_ascii=False)
    return SimulatedRefusal(row["status"], row.get("headers", {}), Template(one_line))


def masked(key: str) -> str:
    """Return the key as OpenAI masks it: the first eight characters, stars, the last four."""
    if len(key) <= 12:
        return key
    return key[:8] + "*" * (len(key) - 12) + key[-4:]
