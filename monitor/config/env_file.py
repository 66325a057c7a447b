"""The text of an env file → its variables: `NAME=value` lines, as shells, compose and systemd write them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
COMMENT = re.compile(r"\s+#.*$")
LONGEST = 100
"""Most lines of a value in quotes, such as a certificate's."""


class EnvFile(Struct, frozen=True):
    """Its variables, of one given twice the last. `strange`: the lines, from 1, that are neither one nor a comment."""

    variables: Mapping[str, str]
    strange: tuple[int, ...]


def read_env(text: str) -> Mapping[str, str]:
    """Return the variables. Nothing is expanded: a `$` in a key is meant."""
    return parse_env(text).variables


def parse_env(text: str) -> EnvFile:
    variables: dict[str, str] = {}
    strange: list[int] = []
    for number, line in _joined(text.splitlines()):
        if found := LINE.fullmatch(line):
            variables[found[1]] = _value(found[2].strip())
        elif line.strip() and not line.lstrip().startswith("#"):
            strange.append(number)
    return EnvFile(variables, tuple(strange))


def _joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield each line with its number; one whose quotes are closed on a later line, with all up to there."""
    place = 0
    while place < len(lines):
        end = _end(lines, place)
        yield place + 1, "\n".join(lines[place : end + 1])
        place = end + 1


def _end(lines: Sequence[str], start: int) -> int:
    """Return where the value that begins on a line ends: there, unless a quote is open that another line closes."""
    found = LINE.fullmatch(lines[start])
    written = found[2].strip() if found else ""
    if not written.startswith(("'", '"')) or (quote := written[0]) in written[1:]:
        return start
    for place in range(start + 1, min(start + LONGEST, len(lines))):
        if quote in lines[place]:  # of another variable, if the first quote was left open by mistake
            return start if LINE.fullmatch(lines[place]) else place
    return start


def _value(written: str) -> str:
    """Return a value without its quotes, or without the comment behind it."""
    if written[:1] in ("'", '"'):
        inner, closed, _ = written[1:].partition(written[0])
        return inner if closed else written
    return COMMENT.sub("", f" {written}").strip()
