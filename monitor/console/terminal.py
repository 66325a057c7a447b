"""A command's output and exit codes. Results go to stdout, errors to stderr."""

import os
import sys
from collections.abc import Callable
from enum import Enum

from probes.document import escape_unprintable
from probes.redact import mask_keys

UP, DOWN, WRONG_USE = 0, 1, 2
"""Exit codes: everything is up; something is down or unknown; the command or its configuration is wrong."""

Print = Callable[[str], None]


class Colour(Enum):
    """Codes of ECMA-48, which every terminal knows. What a colour says is said in words, too."""

    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"


def is_coloured() -> bool:
    """Whether stdout shows colours: a terminal that knows them, whose user has not asked for none (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: Colour | None) -> str:
    return f"\x1b[{colour.value}m{text}\x1b[0m" if colour and is_coloured() else text


def print_line(text: str) -> None:
    print(escape_unprintable(text), flush=True)  # noqa: T201 - this is where results are printed


def print_error(text: str) -> None:
    print(escape_unprintable(text), file=sys.stderr, flush=True)  # noqa: T201 - and errors


def print_refusal(*problems: str) -> int:
    for problem in problems:
        print_error(mask_keys(problem))
    return WRONG_USE
