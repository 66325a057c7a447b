"""The text of an env file → its variables: `NAME=value` lines, as shells, compose and systemd write them."""

import re
from collections.abc import Iterator, Mapping

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
COMMENT = re.compile(r"\s+#.*$")


def read_env(text: str) -> Mapping[str, str]:
    """Return the variables; of one given twice the last counts. Nothing is expanded: a `$` in a key is meant."""
    return dict(_lines(text))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if found := LINE.fullmatch(line):
            yield found[1], _value(found[2].strip())


def _value(written: str) -> str:
    """Return a value without its quotes, or without the comment behind it."""
    if written[:1] in ("'", '"'):
        inner, closed, _ = written[1:].partition(written[0])
        return inner if closed else written
    return COMMENT.sub("", f" {written}").strip()
