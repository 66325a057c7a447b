"""A sentence to be said later, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Phrase(Struct, frozen=True):
    """An English text; `{name}` in it is replaced by the value of that name, which may be a phrase itself.

    As a `str` it is English, for the terminal and for programs.
    """

    text: str
    values: Mapping[str, str | Phrase] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format_map(self.values) if self.values else self.text


Sentences = tuple[Phrase, ...]
"""Whole sentences, each with its full stop."""


def in_english(said: Sentences) -> str:
    return " ".join(map(str, said))
